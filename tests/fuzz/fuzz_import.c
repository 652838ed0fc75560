/* fuzz_import.c - a JSON file of accounts into a database, out again, and the documents of all its domains. */
/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "documents.h"
#include "oracle.h"
#include "store/store.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { DOMAINS_MAX = 8 };

static struct store_session *session;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char file[] = "[automx2]\nallow_plain = yes\n";
    struct settings *settings;
    struct store *store;
    struct error error;
    log_set_level(LOG_LEVEL_CRITICAL);
    demand(settings_parse("file", file, strlen(file), &settings, &error) == STATUS_OK);
    demand(store_open(settings, &store, &error) == STATUS_OK);
    demand(store_session_open(store, &session, &error) == STATUS_OK);
    return 0;
}

static void ignore(void *context, const char *sentence)
{
    demand_text(sentence, strlen(sentence));
}

struct names {
    struct arena *arena;
    const char *names[DOMAINS_MAX];
    size_t count;
};

static bool collect(void *context, const char *name)
{
    struct names *names = context;
    names->names[names->count++] = arena_text(names->arena, name);
    return names->count < DOMAINS_MAX;
}

/* A domain that stands for a rule, and somebody in it. */
static void add_domain(struct arena *arena, const char *rule, struct buf *all)
{
    const char *name = rule[0] != '*' ? rule : rule[1] == '\0' ? "any.test" : arena_format(arena, "any%s", rule + 1);
    const struct domain *domain;
    struct address address = {"joe@x.test", "joe", "x.test"};
    demand(store_find(session, arena, name, &domain, NULL) == STATUS_OK);
    demand_documents(&(struct account){.domain = name, .config = domain}, all);
    demand_documents(&(struct account){.address = &address, .domain = name, .config = domain}, all);
    buf_addf(all, "%s %s\n", domain->moved_to ? domain->moved_to : "",
             domain->redirect_url ? domain->redirect_url : "");
}

/* What all of it is good for. */
static void make_documents(struct buf *all)
{
    struct names names = {.arena = arena_new(8 * 1024 * 1024)};
    demand(names.arena != NULL);
    buf_init(all, 0);
    demand(store_names(session, collect, &names, NULL) == STATUS_OK);
    for (size_t i = 0; i < names.count; i++)
        add_domain(names.arena, names.names[i], all);
    arena_free(&names.arena);
}

static void demand_same(const struct buf *a, const struct buf *b)
{
    demand(a->length == b->length && (a->length == 0 || memcmp(a->data, b->data, a->length) == 0));
}

/* An export says all that is there: once it has been imported, nothing differs. */
static void check_export(const struct buf *json)
{
    struct buf documents, documents_again, json_again;
    struct error error;
    bool secret;
    make_documents(&documents);
    demand_json(json->data, json->length);
    demand(store_replace(session, json->data, json->length, &error) == STATUS_OK);
    make_documents(&documents_again);
    demand_same(&documents, &documents_again);
    buf_init(&json_again, 0);
    demand(store_export(session, &json_again, &secret, ignore, NULL, &error) == STATUS_OK);
    demand_same(json, &json_again);
    buf_free(&documents);
    buf_free(&documents_again);
    buf_free(&json_again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {""};
    struct buf json;
    bool secret;
    if (store_replace(session, (const char *)data, size, &error) != STATUS_OK) {
        demand(error.text[0] != '\0');
        demand_text(error.text, strlen(error.text));
        return 0;
    }
    buf_init(&json, 0);
    enum status status = store_export(session, &json, &secret, ignore, NULL, &error);
    demand(status == STATUS_OK || status == STATUS_REFUSED);
    if (status == STATUS_OK)
        check_export(&json);
    buf_free(&json);
    return 0;
}
