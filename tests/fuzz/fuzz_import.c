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
static void check_domain(struct arena *arena, const char *rule)
{
    const char *name = rule[0] != '*' ? rule : rule[1] == '\0' ? "any.test" : arena_format(arena, "any%s", rule + 1);
    const struct domain *domain;
    struct address address = {"joe@x.test", "joe", "x.test"};
    demand(store_find(session, arena, name, &domain, NULL) == STATUS_OK);
    demand_documents(&(struct account){.domain = name, .config = domain});
    demand_documents(&(struct account){.address = &address, .domain = name, .config = domain});
}

/* What was exported says all that was there: it can be imported, and then nothing differs. */
static void check_export(const struct buf *json)
{
    struct buf again;
    struct error error;
    bool secret;
    demand_json(json->data, json->length);
    demand(store_replace(session, json->data, json->length, &error) == STATUS_OK);
    buf_init(&again, 0);
    demand(store_export(session, &again, &secret, ignore, NULL, &error) == STATUS_OK);
    demand(again.length == json->length && memcmp(again.data, json->data, json->length) == 0);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {""};
    struct buf json;
    struct names names = {.arena = arena_new(8 * 1024 * 1024)};
    bool secret;
    demand(names.arena != NULL);
    buf_init(&json, 0);
    if (store_replace(session, (const char *)data, size, &error) == STATUS_OK) {
        enum status status = store_export(session, &json, &secret, ignore, NULL, &error);
        demand(status == STATUS_OK || status == STATUS_REFUSED);
        if (status == STATUS_OK)
            check_export(&json);
        demand(store_names(session, collect, &names, &error) == STATUS_OK);
        for (size_t i = 0; i < names.count; i++)
            check_domain(names.arena, names.names[i]);
    } else {
        demand(error.text[0] != '\0');
        demand_text(error.text, strlen(error.text));
    }
    buf_free(&json);
    arena_free(&names.arena);
    return 0;
}
