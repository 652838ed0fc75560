/* accounts_check.c - a store in memory, and what its accounts are good for. */
/* SPDX-License-Identifier: MIT */
#include "accounts_check.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "documents.h"
#include "oracle.h"

int64_t __real_clock_ms(void);
int64_t __wrap_clock_ms(void);

enum { DOMAINS_MAX = 8, ROUNDS_MAX = 4, HOUR_MS = 3600 * 1000 };

static int64_t ahead;

/* An edit by hand is seen after a while, which has passed by then. */
int64_t __wrap_clock_ms(void)
{
    return __real_clock_ms() + ahead;
}

struct store_session *accounts_open(void)
{
    static const char file[] = "[automx2]\nallow_plain = yes\n";
    struct settings *settings;
    struct store *store;
    struct store_session *session;
    struct error error;
    log_set_level(LOG_LEVEL_CRITICAL);
    demand(settings_parse("file", file, strlen(file), &settings, &error) == STATUS_OK);
    demand(store_open(settings, &store, &error) == STATUS_OK);
    demand(store_session_open(store, &session, &error) == STATUS_OK);
    return session;
}

/* context: counts them. */
static void count_fault(void *context, const char *sentence)
{
    (*(size_t *)context)++;
    demand(sentence[0] != '\0' && !strchr(sentence, '\n'));
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

/* What somebody in a domain gets; one that is a rule is stood for by a domain. */
static void add_domain(struct store_session *session, struct arena *arena, const char *rule, struct buf *all)
{
    const char *name = rule[0] != '*' ? rule : rule[1] == '\0' ? "any.test" : arena_format(arena, "any%s", rule + 1);
    const struct domain *domain;
    struct address address = {"joe@x.test", "joe", "x.test"};
    enum status status = store_find(session, arena, name, &domain, NULL);
    demand(status == STATUS_OK || status == STATUS_NOT_FOUND);
    buf_addf(all, "%s %d\n", name, status);
    if (status != STATUS_OK)
        return;
    demand_documents(&(struct account){.address = &address, .domain = name, .config = domain}, all);
    buf_addf(all, "%s %s\n", domain->moved_to ? domain->moved_to : "",
             domain->redirect_url ? domain->redirect_url : "");
}

static void make_documents(struct store_session *session, const struct names *names, struct buf *all)
{
    buf_init(all, 0);
    ahead += HOUR_MS;
    for (size_t i = 0; i < names->count; i++)
        add_domain(session, names->arena, names->names[i], all);
}

static bool is_same(const struct buf *a, const struct buf *b)
{
    return a->length == b->length && (a->length == 0 || memcmp(a->data, b->data, a->length) == 0);
}

/* Adds what there is now to json. Returns whether it is all that there is. */
static bool export(struct store_session *session, struct buf *json)
{
    struct error error = {""};
    size_t faults = 0;
    bool secret;
    buf_init(json, 0);
    enum status status = store_export(session, json, &secret, count_fault, &faults, &error);
    demand(status == STATUS_OK || status == STATUS_REFUSED || status == STATUS_NOT_FOUND);
    if (status != STATUS_OK)
        buf_clear(json);
    return status == STATUS_OK && faults == 0;
}

static void import(struct store_session *session, const struct buf *json)
{
    struct error error = {""};
    demand_json(json->data, json->length);
    if (store_replace(session, json->data, json->length, &error) != STATUS_OK)
        demand_failed(error.text, __FILE__, __LINE__);
}

/* Servers that several domains name, or none, get ids by their place, which settle after a few rounds. */
static void check_export(struct store_session *session)
{
    struct buf json, again;
    bool same = false;
    demand(export(session, &json));
    for (unsigned round = 0; round < ROUNDS_MAX && !same; round++) {
        import(session, &json);
        demand(export(session, &again));
        same = is_same(&json, &again);
        buf_free(&json);
        json = again;
    }
    demand(same);
    buf_free(&json);
}

void demand_accounts(struct store_session *session)
{
    struct buf json, documents, again;
    struct names names = {.arena = arena_new(16 * 1024 * 1024)};
    demand(names.arena != NULL);
    demand(store_names(session, collect, &names, NULL) == STATUS_OK);
    make_documents(session, &names, &documents);
    bool whole = export(session, &json);
    if (json.length > 0) {
        import(session, &json);
        make_documents(session, &names, &again);
        if (whole)
            demand(is_same(&documents, &again));
        buf_free(&again);
        check_export(session);
    }
    buf_free(&json);
    buf_free(&documents);
    arena_free(&names.arena);
}
