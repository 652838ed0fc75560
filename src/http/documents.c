/* documents.c - the routes that answer with one document of a domain or a person. */
/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "account/domain.h"
#include "base/text.h"
#include "http/document.h"
#include "http/handlers.h"
#include "http/lookup.h"
#include "http/reply.h"

enum { FULL_NAME_MAX = 128 };

static enum MHD_Result out_of_memory(struct request *request)
{
    return reply_unavailable(request, "This request needs more memory than there is.");
}

/* The value of ?name=, trimmed; NULL when there is none. False when it cannot be a name. */
static bool full_name(struct request *request, const char **name_r)
{
    struct parameter parameter;
    *name_r = NULL;
    if (!request_parameter(request, "name", &parameter))
        return true;
    struct slice name = slice_trim(parameter_value(request->arena, &parameter, PLUS_IS_BLANK));
    if (name.length > FULL_NAME_MAX || !text_utf8_valid(name.bytes, name.length) ||
        text_has_control(name.bytes, name.length))
        return false;
    if (name.length > 0)
        *name_r = arena_copy(request->arena, name.bytes, name.length);
    return true;
}

static enum MHD_Result document_answer(struct request *request)
{
    enum MHD_Result result;
    if (lookup_replied(request, &result))
        return result;
    struct account *accounts = lookup_accounts(request);
    if (!accounts)
        return out_of_memory(request);
    struct document_request document = {.accounts = accounts, .account_count = request->lookup_count};

    if (request->format == &format_mobileconfig) {
        const char *name;
        if (!full_name(request, &name))
            return reply_text(request, MHD_HTTP_BAD_REQUEST, "The name is longer than %d bytes or no text.",
                              FULL_NAME_MAX);
        for (size_t i = 0; name && i < request->lookup_count; i++)
            accounts[i].full_name = name;
    }
    return document_reply(request, &document, NULL);
}

static enum MHD_Result ask_host(struct request *request)
{
    const char *domain = request_host_domain(request);
    if (!domain)
        return reply_text(request, MHD_HTTP_NOT_FOUND,
                          "This request names no mail domain. Add ?emailaddress=you@example.com, or ask the host "
                          "autoconfig.example.com.");
    struct lookup *lookup = lookup_new(request, 1);
    if (!lookup)
        return out_of_memory(request);
    lookup->domain = domain;
    return lookup_ask(request, false, document_answer);
}

static bool is_repeated(const struct lookup *lookups, size_t count, const struct address *address)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(lookups[i].address.text, address->text) == 0)
            return true;
    }
    return false;
}

/* Reads the addresses that are asked for into lookups; what has no @ is no address, and the host decides: clients send
 * the parameter empty, or with a placeholder that they forgot to fill in. False when the reply was made. */
static bool collect_addresses(struct request *request, struct lookup *lookups, size_t max, size_t *count_r,
                              enum MHD_Result *result_r)
{
    const char *cursor = request->target.query;
    struct parameter parameter;
    size_t count = 0;
    while (query_next(&cursor, &parameter)) {
        if (!parameter_is(&parameter, "emailaddress"))
            continue;
        struct slice value = parameter_value(request->arena, &parameter, PLUS_IS_PLUS);
        if (!value.bytes) {
            *result_r = out_of_memory(request);
            return false;
        }
        if (text_has_control(value.bytes, value.length)) {
            *result_r = reply_text(request, MHD_HTTP_BAD_REQUEST, "The address holds control characters.");
            return false;
        }
        if (!memchr(value.bytes, '@', value.length))
            continue;
        struct address address;
        struct error error = {""};
        if (address_parse(request->arena, value.bytes, value.length, &address, &error) != STATUS_OK) {
            *result_r = reply_text(request, MHD_HTTP_BAD_REQUEST, "The value of emailaddress is %s.", error.text);
            return false;
        }
        if (is_repeated(lookups, count, &address))
            continue;
        if (count == max) {
            *result_r = reply_text(request, MHD_HTTP_BAD_REQUEST, "One profile holds at most %d addresses.",
                                   REQUEST_ADDRESSES_MAX);
            return false;
        }
        lookups[count].address = address;
        lookups[count].has_address = true;
        lookups[count].domain = address.domain;
        count++;
        if (max == 1)
            break; /* further ones are not looked at */
    }
    *count_r = count;
    return true;
}

enum MHD_Result handle_document(struct request *request)
{
    size_t max = request->format == &format_mobileconfig ? REQUEST_ADDRESSES_MAX : 1;
    if (request->target.query[0] == '\0' && !request->format->needs_address)
        return ask_host(request);
    struct lookup *lookups = lookup_new(request, max);
    if (!lookups)
        return out_of_memory(request);
    size_t count;
    enum MHD_Result result;
    if (!collect_addresses(request, lookups, max, &count, &result))
        return result;
    if (count == 0 && request->format->needs_address)
        return reply_text(request, MHD_HTTP_BAD_REQUEST,
                          "This document is made for one person: add ?emailaddress=you@example.com.");
    if (count == 0)
        return ask_host(request);
    request->lookup_count = count;
    return lookup_ask(request, request->format->wants_person, document_answer);
}

enum MHD_Result handle_host_document(struct request *request)
{
    return ask_host(request);
}

enum MHD_Result handle_domain_document(struct request *request)
{
    size_t length = strlen(request->rest);
    if (request->rest[length - 1] == '/')
        length--;
    const char *domain;
    struct error error = {""};
    if (domain_name_normalize(request->arena, request->rest, length, &domain, &error) != STATUS_OK)
        return reply_text(request, MHD_HTTP_NOT_FOUND, "The last part of the path is %s.", error.text);
    struct lookup *lookup = lookup_new(request, 1);
    if (!lookup)
        return out_of_memory(request);
    lookup->domain = domain;
    return lookup_ask(request, false, document_answer);
}
