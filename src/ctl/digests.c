/* digests.c - compares the PACC documents of all domains before and after an edit. */
/* SPDX-License-Identifier: MIT */
#include "ctl/digests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/record.h"

struct entry {
    char *domain;
    char *record; /* the text of its TXT record */
};

struct digests {
    struct store_session *session;
    struct entry *entries; /* by name, once all are there */
    size_t count, room;
    size_t domains; /* also those without a document */
    bool failed;    /* memory is out */
};

static bool add(struct digests *digests, const char *domain, const char *record)
{
    if (digests->count == digests->room) {
        size_t room = digests->room > 0 ? digests->room * 2 : 64;
        struct entry *entries = reallocarray(digests->entries, room, sizeof *entries);

        if (entries == NULL)
            return false;
        digests->entries = entries;
        digests->room = room;
    }
    struct entry *entry = &digests->entries[digests->count++];
    *entry = (struct entry){strdup(domain), strdup(record)};
    return entry->domain != NULL && entry->record != NULL;
}

static bool visit(void *context, const char *name)
{
    struct digests *digests = context;
    struct buf document, record;

    digests->domains++;
    if (strchr(name, '*') != NULL) /* what a wildcard serves has a digest for each name */
        return true;
    buf_init(&document, 0);
    buf_init(&record, 0);
    if (record_make(digests->session, name, &document, &record, NULL) == STATUS_OK && !add(digests, name, record.data))
        digests->failed = true;
    buf_free(&record);
    buf_free(&document);
    return !digests->failed;
}

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;

    return strcmp(a->domain, b->domain);
}

enum status digests_read(struct store_session *session, struct digests **digests_r, struct error *error_r)
{
    struct digests *digests = calloc(1, sizeof *digests);

    *digests_r = digests;
    if (digests == NULL)
        return error_set(error_r, STATUS_LIMIT, "memory is out");
    digests->session = session;
    enum status status = store_names(session, visit, digests, error_r);
    if (digests->failed)
        status = error_set(error_r, STATUS_LIMIT, "memory is out");
    if (status != STATUS_OK)
        digests_free(digests_r);
    else if (digests->count > 0) /* each database has an order of its own */
        qsort(digests->entries, digests->count, sizeof digests->entries[0], compare_entries);
    return status;
}

size_t digests_domains(const struct digests *digests)
{
    return digests->domains;
}

void digests_free(struct digests **digests)
{
    if (*digests == NULL)
        return;
    for (size_t i = 0; i < (*digests)->count; i++) {
        free((*digests)->entries[i].domain);
        free((*digests)->entries[i].record);
    }
    free((*digests)->entries);
    free(*digests);
    *digests = NULL;
}

static void print_record(const char *label, const struct entry *entry)
{
    printf("  %s: ", label);
    if (entry != NULL)
        record_print(entry->domain, entry->record);
    else
        printf("none");
    printf("\n");
}

size_t digests_compare(const struct digests *old, const struct digests *new)
{
    size_t i = 0, j = 0, changes = 0;

    while (i < old->count || j < new->count) {
        int order = i == old->count ? 1 : j == new->count ? -1 : strcmp(old->entries[i].domain, new->entries[j].domain);
        const struct entry *before = order <= 0 ? &old->entries[i++] : NULL;
        const struct entry *after = order >= 0 ? &new->entries[j++] : NULL;

        if (before != NULL && after != NULL && strcmp(before->record, after->record) == 0)
            continue;
        changes++;
        print_record("old", before);
        print_record("new", after);
    }
    return changes;
}
