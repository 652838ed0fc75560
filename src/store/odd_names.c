/* odd_names.c - the list of names that an index cannot find. */
/* SPDX-License-Identifier: MIT */
#include "store/odd_names.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/rows.h"

enum { NAMES_MAX = 20000, LIST_SIZE_MAX = 8 * 1024 * 1024, REST_FACTOR = 50 };

struct odd_name {
    const char *name; /* normalised */
    int64_t id;
};

struct list {
    struct arena *arena;
    struct odd_name *names; /* sorted by name, then id */
    size_t count;
};

struct odd_names {
    pthread_mutex_t lock; /* of everything below */
    pthread_cond_t read;  /* a reading has ended */
    bool reading;
    bool known; /* there was a reading */
    int64_t due;
    unsigned interval;
    unsigned timeout;
    struct list list;
};

struct odd_names *odd_names_new(unsigned interval, unsigned timeout)
{
    struct odd_names *odd = calloc(1, sizeof(*odd));
    if (odd == NULL)
        return NULL;
    pthread_mutex_init(&odd->lock, NULL);
    pthread_cond_init(&odd->read, NULL);
    odd->interval = interval;
    odd->timeout = timeout;
    return odd;
}

void odd_names_free(struct odd_names **odd)
{
    if (*odd == NULL)
        return;
    arena_free(&(*odd)->list.arena);
    pthread_cond_destroy(&(*odd)->read);
    pthread_mutex_destroy(&(*odd)->lock);
    free(*odd);
    *odd = NULL;
}

/* A name of small ASCII letters, digits, '-', '_', '.' and '*' without a final dot is stored as it is looked up; the
 * servers tell that themselves, so that of a million rows none has to be sent. MySQL compares without case unless told
 * otherwise. */
static const char *list_query(enum sql_dialect dialect)
{
    static const char *const queries[] = {
        [SQL_SQLITE] = "SELECT id, name FROM domain WHERE (name GLOB '*[^-a-z0-9._*]*' OR name LIKE '%.') LIMIT 20001",
        [SQL_POSTGRESQL] = "SELECT id, name FROM domain WHERE (name ~ '[^-a-z0-9._*]' OR name LIKE '%.') LIMIT 20001",
        [SQL_MYSQL] = ("SELECT id, name FROM domain WHERE (CONVERT(name USING utf8mb4) COLLATE utf8mb4_bin "
                       "REGEXP '[^-a-z0-9._*]' OR name LIKE '%.') LIMIT 20001"),
    };
    return queries[dialect];
}

static int compare(const void *left, const void *right)
{
    const struct odd_name *a = left;
    const struct odd_name *b = right;
    int order = strcmp(a->name, b->name);
    return order != 0 ? order : a->id < b->id ? -1 : a->id > b->id;
}

static enum status read_rows(struct sql_statement *statement, struct list *list, struct error *error_r)
{
    for (bool row;;) {
        enum status status = sql_step(statement, &row, error_r);
        if (status != STATUS_OK || !row)
            return status;
        const char *text = sql_text(statement, 1);
        struct odd_name *name = &list->names[list->count];
        if (list->count == NAMES_MAX) {
            log_warning_once("more than %d domain names are stored in capital letters, as U-labels or with blanks; the "
                             "others of that kind are not found: store them as the small letters that clients ask for",
                             NAMES_MAX);
            return STATUS_OK;
        }
        if (text == NULL)
            continue;
        status = rule_take(list->arena, text, &name->name, error_r);
        if (status == STATUS_LIMIT)
            return status;
        if (status != STATUS_OK) /* what cannot be normalised can never be asked for; store_check() reports it */
            continue;
        name->id = sql_number(statement, 0);
        list->count++;
    }
}

static enum status read_list(struct sql *sql, struct list *list, struct error *error_r)
{
    struct sql_statement *statement = NULL;
    *list = (struct list){.arena = arena_new(LIST_SIZE_MAX)};
    list->names = list->arena != NULL ? malloc((NAMES_MAX + 1) * sizeof(*list->names)) : NULL;
    if (list->names == NULL) {
        arena_free(&list->arena);
        return error_set(error_r, STATUS_LIMIT, "memory is out");
    }
    enum status status = sql_prepare(sql, list_query(sql_dialect(sql)), &statement, error_r);
    if (status == STATUS_OK) {
        status = read_rows(statement, list, error_r);
        sql_reset(statement);
    }
    struct odd_name *names = list->names;
    qsort(names, list->count, sizeof(*names), compare);
    for (size_t i = 1; i < list->count; i++)
        if (strcmp(names[i - 1].name, names[i].name) == 0)
            log_warning_once("domain %lld is not used: its name means %s, as that of domain %lld does",
                             (long long)names[i].id, names[i].name, (long long)names[i - 1].id);
    list->names = arena_array(list->arena, list->count, sizeof(*names));
    if (list->names != NULL)
        memcpy(list->names, names, list->count * sizeof(*names));
    else if (status == STATUS_OK)
        status = error_set(error_r, STATUS_LIMIT, "memory is out");
    free(names);
    if (status != STATUS_OK)
        arena_free(&list->arena);
    return status;
}

enum status odd_names_refresh(struct odd_names *odd, struct sql *sql, struct error *error_r)
{
    pthread_mutex_lock(&odd->lock);
    while (!odd->known && odd->reading) /* without any list "there is none" would be a guess */
        pthread_cond_wait(&odd->read, &odd->lock);
    bool mine = !odd->reading && (!odd->known || clock_ms() >= odd->due);
    if (mine)
        odd->reading = true;
    pthread_mutex_unlock(&odd->lock);
    if (!mine)
        return STATUS_OK;

    struct list list;
    struct error error = {0};
    int64_t start = clock_ms();
    enum status status = read_list(sql, &list, &error);
    int64_t took = clock_ms() - start;
    pthread_mutex_lock(&odd->lock);
    if (status == STATUS_OK) {
        struct arena *old = odd->list.arena;
        odd->list = list;
        arena_free(&old);
    }
    /* Where a reading takes too long the next one will: then names of other spellings are missed, and told in the
     * warning, while wildcards go on being served. */
    bool lost = status == STATUS_BACKEND && !odd->known && took < odd->timeout;
    odd->known = !lost;
    odd->reading = false;
    odd->due = start + took + (took * REST_FACTOR > odd->interval ? took * REST_FACTOR : odd->interval);
    pthread_cond_broadcast(&odd->read);
    pthread_mutex_unlock(&odd->lock);
    if (status != STATUS_OK && !lost && !sql_stopped(sql))
        log_warning_once("domain names in capital letters, as U-labels or with blanks may be missed: %s", error.text);
    return lost ? error_set(error_r, status, "%s", error.text) : STATUS_OK;
}

int64_t odd_names_find(struct odd_names *odd, const char *name)
{
    int64_t id = 0;
    pthread_mutex_lock(&odd->lock);
    size_t low = 0;
    size_t high = odd->list.count;
    while (low < high) { /* the first of equal names: the lowest id */
        size_t middle = low + (high - low) / 2;
        if (strcmp(odd->list.names[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < odd->list.count && strcmp(odd->list.names[low].name, name) == 0)
        id = odd->list.names[low].id;
    pthread_mutex_unlock(&odd->lock);
    return id;
}
