/* lookup.h - asks the resolver for a request, and makes accounts of the answers. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_LOOKUP_H
#define HTTP_LOOKUP_H

#include "http/request.h"
#include "resolve/resolver.h"

struct lookup {
    struct request *request;
    const char *domain; /* what is asked for */
    bool has_address;
    bool has_fallback; /* the domain of the host may have answered instead */
    struct address address;
    enum resolve_outcome outcome;
    struct answer answer;
};

/* Makes room for count look-ups (once a request); NULL when memory is out. */
struct lookup *lookup_new(struct request *request, size_t count);

/* Asks them all and goes on with step: at once when all is known, else when the last answer is there. */
enum MHD_Result lookup_ask(struct request *request, bool wants_person, request_step step);

/* Replies for the first look-up that found nothing; false when all found something. */
bool lookup_replied(struct request *request, enum MHD_Result *result_r);

/* Whether the snapshot is surely that of the domain that was asked for. */
bool lookup_is_own(const struct lookup *lookup);

/* What a format wants to know; lives in the arena. NULL when memory is out. */
struct account *lookup_accounts(struct request *request);

/* Gives the answers back. */
void lookup_clear(struct request *request);

#endif
