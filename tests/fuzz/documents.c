/* documents.c - what every document of an account has to be. */
/* SPDX-License-Identifier: MIT */
#include "documents.h"

#include <string.h>

#include "format/format.h"
#include "oracle.h"

static enum status render(const struct format *format, const struct account *account, struct buf *out)
{
    struct document_request request = {.accounts = account, .account_count = 1, .protocol = "ActiveSync"};
    struct error error = {""};
    buf_init(out, 0);
    enum status status = format->render(&request, out, &error);
    demand((status == STATUS_OK) == (error.text[0] == '\0'));
    demand(status == STATUS_OK || status == STATUS_NOT_FOUND || status == STATUS_INVALID);
    demand_text(error.text, strlen(error.text));
    return status;
}

static void check_again(const struct format *format, const struct account *account, const struct buf *out)
{
    struct buf again;
    demand(render(format, account, &again) == STATUS_OK);
    demand(out->length == again.length && memcmp(out->data, again.data, out->length) == 0);
    buf_free(&again);
}

static void check(const struct format *format, const struct account *account, struct buf *all)
{
    struct buf out;
    if (render(format, account, &out) == STATUS_OK) {
        demand_text(out.data, out.length);
        if (strstr(format->content_type, "json"))
            demand_json(out.data, out.length);
        else
            demand_xml(out.data, out.length);
        if (all)
            buf_add(all, out.data, out.length);
        else
            check_again(format, account, &out);
    }
    buf_free(&out);
}

void demand_documents(const struct account *account, struct buf *all)
{
    for (size_t i = 0; formats[i]; i++) {
        if (account->address || !formats[i]->needs_address)
            check(formats[i], account, all);
    }
}
