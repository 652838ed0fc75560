/* mobilesync.c - Autodiscover's POX answer in the MobileSync schema (MS-ASCMD): where ActiveSync is, and nothing else.
 */
/* SPDX-License-Identifier: MIT */
#include "base/xml.h"
#include "format/autodiscover.h"
#include "format/format.h"
#include "format/parts.h"

/* Both in the order of Microsoft's schema. */
static void write_user(struct xml *xml, const struct account *account)
{
    xml_open(xml, "User");
    xml_element(xml, "DisplayName", account->full_name);
    xml_element(xml, "EMailAddress", account->address->text);
    xml_close(xml);
}

static void write_redirect(struct xml *xml, const struct account *account, struct buf *value)
{
    buf_clear(value);
    buf_addf(value, "%s@%s", account->address->local, account->config->moved_to);
    xml_element(xml, "Redirect", value->data);
}

static void write_settings(struct xml *xml, const char *url)
{
    xml_open(xml, "Settings");
    xml_open(xml, "Server");
    xml_element(xml, "Type", "MobileSync");
    xml_element(xml, "Url", url);
    xml_element(xml, "Name", url);
    xml_close(xml);
    xml_close(xml);
}

static enum status mobilesync_render(const struct document_request *request, struct buf *out, struct error *error_r)
{
    const struct account *account = request->accounts;
    enum status status = STATUS_OK;
    struct xml xml;
    struct buf value;
    buf_init(&value, 0);

    bool moved = account->config->moved_to && account->address;
    const struct server *server = account_best_server(account, SERVER_ACTIVESYNC, (1u << AUTH_COUNT) - 1);
    const char *url = server ? parts_url(account, server, &value) : NULL;
    if (!moved && !url) {
        status = error_set(error_r, STATUS_NOT_FOUND, "%s has no ActiveSync server", account->domain);
        goto out;
    }

    xml_begin(&xml, out);
    xml_open(&xml, "Autodiscover");
    xml_attribute(&xml, "xmlns", AUTODISCOVER_NS);
    xml_open(&xml, "Response");
    xml_attribute(&xml, "xmlns", AUTODISCOVER_NS_MOBILESYNC);
    xml_element(&xml, "Culture", "en:us");
    if (account->address)
        write_user(&xml, account);
    xml_open(&xml, "Action");
    if (moved)
        write_redirect(&xml, account, &value);
    else
        write_settings(&xml, url);
    xml_end(&xml);
    if (buf_failed(out) || buf_failed(&value))
        status = error_set(error_r, STATUS_LIMIT, "there is no memory for the document");
out:
    buf_free(&value);
    return status;
}

const struct format format_mobilesync = {
    .name = "mobilesync",
    .content_type = AUTODISCOVER_CONTENT_TYPE,
    .slot = FORMAT_SLOT_MOBILESYNC,
    .wants_person = true,
    .render = mobilesync_render,
};
