/* autodiscover2.c - Autodiscover v2 (JSON), which names the URL of one protocol. */
/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdlib.h>

#include "base/text.h"
#include "format/autodiscover.h"
#include "format/format.h"
#include "format/parts.h"

/* In the spelling that is answered; clients ask in any letter case. */
static const struct protocol {
    const char *name;
    bool is_here; /* the POX answer of this service, which every domain has */
    enum server_type type;
} protocols[] = {
    {"AutodiscoverV1", true, 0},
    {"ActiveSync", false, SERVER_ACTIVESYNC},
    {"Ews", false, SERVER_EWS},
};
enum { PROTOCOL_COUNT = sizeof(protocols) / sizeof(protocols[0]) };

static const struct protocol *find(const char *name)
{
    for (size_t i = 0; name && i < PROTOCOL_COUNT; i++) {
        if (text_equal_nocase(protocols[i].name, name))
            return &protocols[i];
    }
    return NULL;
}

/* The protocol's URL for this account in value, or NULL. */
static const char *find_url(const struct document_request *request, const struct protocol *protocol, struct buf *value)
{
    const struct account *account = request->accounts;
    if (!protocol->is_here) {
        const struct server *server = account_best_server(account, protocol->type, (1u << AUTH_COUNT) - 1);
        return server ? parts_url(account, server, value) : NULL;
    }
    buf_clear(value);
    if (request->base_url)
        buf_adds(value, request->base_url);
    else
        buf_addf(value, "https://autodiscover.%s", account->domain);
    buf_adds(value, "/autodiscover/autodiscover.xml");
    return value->data;
}

static enum status autodiscover2_render(const struct document_request *request, struct buf *out, struct error *error_r)
{
    enum status status = STATUS_OK;
    struct buf value;
    buf_init(&value, 0);

    const struct protocol *protocol = find(request->protocol);
    const char *url = protocol ? find_url(request, protocol, &value) : NULL;
    if (!protocol || (!url && !buf_failed(&value))) {
        status = error_set(error_r, STATUS_INVALID, "%s does not serve the protocol that was asked for",
                           request->accounts->domain);
        goto out;
    }

    json_t *answer = url ? json_pack("{s:s, s:s}", "Protocol", protocol->name, "Url", url) : NULL;
    char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
    if (text)
        buf_adds(out, text);
    if (!text || buf_failed(out) || buf_failed(&value))
        status = error_set(error_r, STATUS_LIMIT, "there is no memory for the document");
    free(text);
    json_decref(answer);
out:
    buf_free(&value);
    return status;
}

const struct format format_autodiscover2 = {
    .name = "autodiscover2",
    .content_type = AUTODISCOVER2_CONTENT_TYPE,
    .slot = FORMAT_SLOT_AUTODISCOVER2,
    .render = autodiscover2_render,
};
