/* handlers.h - one function a kind of route. Each replies, or asks and replies later. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_HANDLERS_H
#define HTTP_HANDLERS_H

#include "http/request.h"

enum MHD_Result handle_document(struct request *request);        /* documents.c: autoconfig, profiles */
enum MHD_Result handle_host_document(struct request *request);   /* documents.c: PACC; the domain is the host's */
enum MHD_Result handle_domain_document(struct request *request); /* documents.c: /v1.1/DOMAIN, like an ISPDB */

enum MHD_Result handle_autodiscover(struct request *request);  /* autodiscover.c: POX */
enum MHD_Result handle_autodiscover2(struct request *request); /* autodiscover.c: v2, JSON */

enum MHD_Result handle_redirect(struct request *request); /* redirects.c: CalDAV, CardDAV, JMAP */

enum MHD_Result handle_initdb(struct request *request); /* initdb.c */

/* Why this request may not use /initdb, or NULL. */
const char *initdb_refusal(const struct request *request);

enum MHD_Result handle_health(struct request *request); /* health.c: this process answers */
enum MHD_Result handle_ready(struct request *request);  /* health.c: and its store does */
enum MHD_Result handle_ask(struct request *request);    /* ask.c */
enum MHD_Result handle_page(struct request *request);   /* page.c */

#endif
