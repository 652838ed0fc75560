/* lookup.c - asks the resolver for a request, and makes accounts of the answers. */
/* SPDX-License-Identifier: MIT */
#include "http/lookup.h"

#include <string.h>

#include "http/reply.h"

struct lookup *lookup_new(struct request *request, size_t count)
{
    request->lookups = arena_array(request->arena, count, sizeof *request->lookups);
    if (!request->lookups)
        return NULL;
    request->lookup_count = count;
    for (size_t i = 0; i < count; i++)
        request->lookups[i].request = request;
    return request->lookups;
}

static void on_answer(void *context, enum resolve_outcome outcome, struct answer *answer)
{
    struct lookup *lookup = context;
    lookup->outcome = outcome;
    lookup->answer = *answer;
    request_answered(lookup->request);
}

/* A hoster's customers are asked for by the name of its mail exchanger: Thunderbird asks autoconfig.HOSTER for an
 * address of the customer's domain. Who asks for a domain, without an address, wants to know about that one: with
 * another one's answer, /ask would let anybody have certificates made. */
static const char *fallback_domain(const struct lookup *lookup)
{
    struct request *request = lookup->request;
    if (!lookup->has_address || !request->service->settings->host_fallback)
        return NULL;
    const char *host = request_host_domain(request);
    return host && strcmp(host, lookup->domain) != 0 ? host : NULL;
}

/* True when the answer will come later. */
static bool ask(struct lookup *lookup, bool wants_person)
{
    struct request *request = lookup->request;
    struct question question = {
        .domain = lookup->domain,
        .address = wants_person && lookup->has_address ? &lookup->address : NULL,
        .fallback_domain = fallback_domain(lookup),
    };
    lookup->has_fallback = question.fallback_domain != NULL;
    enum resolve_outcome outcome =
        resolver_ask(request->service->resolver, &question, &lookup->answer, on_answer, lookup);
    if (outcome == RESOLVE_PENDING)
        return true;
    lookup->outcome = outcome;
    return false;
}

enum MHD_Result lookup_ask(struct request *request, bool wants_person, request_step step)
{
    request->domain = request->lookups[0].domain;
    request->source = "cache";
    request_expect(request, request->lookup_count);
    size_t known = 0;
    unsigned asked = 0; /* how often the store had to be asked */
    for (size_t i = 0; i < request->lookup_count; i++) {
        bool later = ask(&request->lookups[i], wants_person);
        known += later ? 0 : 1;
        asked += later || request->lookups[i].answer.asked ? 1 : 0;
    }
    if (asked > 0) {
        request->source = "store";
        request_charge(request, asked);
    }
    if (known == request->lookup_count)
        return step(request);

    for (size_t i = 0; i < known; i++)
        request_answered(request);
    return request_wait(request, step);
}

bool lookup_replied(struct request *request, enum MHD_Result *result_r)
{
    for (size_t i = 0; i < request->lookup_count; i++) {
        const struct lookup *lookup = &request->lookups[i];
        if (lookup->answer.stale)
            request->source = "stale";
        switch (lookup->outcome) {
        case RESOLVE_FOUND:
            continue;
        case RESOLVE_NOT_SERVED:
            *result_r =
                reply_text(request, MHD_HTTP_NOT_FOUND, "The mail domain %s is not served here.", lookup->domain);
            return true;
        case RESOLVE_REFUSED:
            *result_r = reply_text(request, MHD_HTTP_NOT_FOUND, "Nothing is known for this address.");
            return true;
        case RESOLVE_UNAVAILABLE:
        case RESOLVE_BUSY:
        case RESOLVE_PENDING:
            *result_r =
                reply_unavailable(request, "The answer is not known at the moment. Try again in a few seconds.");
            return true;
        }
    }
    return false;
}

bool lookup_is_own(const struct lookup *lookup)
{
    return !lookup->has_fallback || strcmp(snapshot_domain(lookup->answer.snapshot)->name, lookup->domain) == 0;
}

struct account *lookup_accounts(struct request *request)
{
    struct account *accounts = arena_array(request->arena, request->lookup_count, sizeof *accounts);
    if (!accounts)
        return NULL;
    for (size_t i = 0; i < request->lookup_count; i++) {
        const struct lookup *lookup = &request->lookups[i];
        accounts[i] = (struct account){
            .address = lookup->has_address ? &lookup->address : NULL,
            .domain = lookup->domain,
            .config = snapshot_domain(lookup->answer.snapshot),
        };
        const struct person *person = answer_person(&lookup->answer);
        if (person) {
            accounts[i].login = person->login;
            accounts[i].full_name = person->full_name;
            accounts[i].variables = person->variables;
            accounts[i].variable_count = person->variable_count;
        }
    }
    return accounts;
}

void lookup_clear(struct request *request)
{
    for (size_t i = 0; i < request->lookup_count; i++)
        answer_clear(&request->lookups[i].answer);
    request->lookup_count = 0;
}
