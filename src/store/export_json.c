/* export_json.c - writes servers, directories and providers as objects of JSON format 3. */
/* SPDX-License-Identifier: MIT */
#include "store/export_json.h"

#include <string.h>

#include "store/rows.h"

enum { PRIO_DEFAULT = 10 };

/* An object that is being filled; after a failure the rest is passed over. */
struct filling {
    json_t *object;
    bool failed;
};

static void set(struct filling *filling, const char *member, json_t *value)
{
    if (json_object_set_new(filling->object, member, value) != 0)
        filling->failed = true;
}

static void set_text(struct filling *filling, const char *member, const char *text)
{
    if (text != NULL)
        set(filling, member, json_string(text));
}

static json_t *finish(struct filling *filling)
{
    if (!filling->failed)
        return filling->object;
    json_decref(filling->object);
    return NULL;
}

static void append(struct filling *filling, json_t *list, json_t *value)
{
    if (json_array_append_new(list, value) != 0)
        filling->failed = true;
}

static void set_auth(struct filling *filling, const struct server *server)
{
    if (server->auth_count == 1 && server->auth[0] == AUTH_PASSWORD_CLEARTEXT)
        return;
    if (server->auth_count == 1) {
        set_text(filling, "authentication", auth_word(server->auth[0]));
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < server->auth_count; i++)
        append(filling, list, json_string(auth_word(server->auth[i])));
    set(filling, "authentication", list);
}

json_t *export_server(const struct server *server)
{
    struct filling filling = {.object = json_object()};
    set(&filling, "id", json_sprintf("%s-%lld", server->table, (long long)server->id));
    set_text(&filling, "type", server_type_word(server->type));
    if (server_type_has_url(server->type)) {
        set_text(&filling, "url", server->url); /* says port and security as well */
    } else {
        set_text(&filling, "name", server->host);
        set(&filling, "port", json_integer(server->port));
        set_text(&filling, "socket_type", security_word(server->security));
    }
    if (server->prio != PRIO_DEFAULT)
        set(&filling, "prio", json_integer(server->prio));
    if (server->user != NULL && strcmp(server->user, "%EMAILADDRESS%") != 0)
        set_text(&filling, "user_name", server->user);
    set_auth(&filling, server);
    if (server->domain_required && (server->type == SERVER_CALDAV || server->type == SERVER_CARDDAV))
        set(&filling, "domain_required", json_true());
    return finish(&filling);
}

json_t *export_ldap(const struct ldap_server *ldap)
{
    struct filling filling = {.object = json_object()};
    set(&filling, "id", json_integer(ldap->id));
    set_text(&filling, "name", ldap->hosts);
    set(&filling, "port", json_integer(ldap->port));
    set(&filling, "use_ssl", json_boolean(ldap->tls));
    if (ldap->starttls)
        set(&filling, "starttls", json_true());
    if (!ldap->verify)
        set(&filling, "verify", json_false());
    set_text(&filling, "ca_file", ldap->ca_file);
    set_text(&filling, "search_base", ldap->base);
    set_text(&filling, "search_filter", ldap->filter);
    set_text(&filling, "scope", ldap->scope);
    set_text(&filling, "attr_uid", ldap->attr_login);
    set(&filling, "attr_cn", ldap->attr_name != NULL ? json_string(ldap->attr_name) : json_null());
    set_text(&filling, "bind_method", ldap->bind_method);
    set_text(&filling, "bind_user", ldap->bind_dn);
    set_text(&filling, "bind_password", ldap->bind_password);
    return finish(&filling);
}

static json_t *export_link(const struct link *link)
{
    struct filling filling = {.object = json_object()};
    set_text(&filling, "kind", link_words[link->kind]);
    set_text(&filling, "url", link->url);
    set_text(&filling, "language", link->language);
    set_text(&filling, "text", link->text);
    set_text(&filling, "media_type", link->media_type);
    if (link->width > 0)
        set(&filling, "width", json_integer(link->width));
    if (link->height > 0)
        set(&filling, "height", json_integer(link->height));
    return finish(&filling);
}

static json_t *export_oauth2(const struct oauth2 *oauth2)
{
    struct filling filling = {.object = json_object()};
    set_text(&filling, "issuer", oauth2->issuer);
    set_text(&filling, "scope", oauth2->scope);
    set_text(&filling, "auth_url", oauth2->auth_url);
    set_text(&filling, "token_url", oauth2->token_url);
    set_text(&filling, "client_id", oauth2->client_id);
    return finish(&filling);
}

static json_t *export_consent(const struct consent *consent)
{
    struct filling filling = {.object = json_object()};
    set_text(&filling, "language", consent->language);
    set_text(&filling, "text", consent->text);
    return finish(&filling);
}

json_t *export_provider(const struct provider *provider)
{
    struct filling filling = {.object = json_object()};
    set_text(&filling, "name", provider->name);
    set_text(&filling, "short_name", provider->short_name);
    set_text(&filling, "organization", provider->organization);
    if (provider->link_count > 0) {
        json_t *links = json_array();
        for (size_t i = 0; i < provider->link_count; i++)
            append(&filling, links, export_link(&provider->links[i]));
        set(&filling, "links", links);
    }
    if (provider->oauth2 != NULL)
        set(&filling, "oauth2", export_oauth2(provider->oauth2));
    if (provider->consent_count > 0) {
        json_t *consents = json_array();
        for (size_t i = 0; i < provider->consent_count; i++)
            append(&filling, consents, export_consent(&provider->consents[i]));
        set(&filling, "consents", consents);
    }
    return finish(&filling);
}

json_t *export_types(unsigned types)
{
    struct filling filling = {.object = json_array()};
    for (unsigned type = 0; type < SERVER_TYPE_COUNT; type++)
        if ((types >> type & 1) != 0)
            append(&filling, filling.object, json_string(server_type_word((enum server_type)type)));
    return finish(&filling);
}
