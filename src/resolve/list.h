/* list.h - a doubly linked ring whose links live inside what is listed. */
/* SPDX-License-Identifier: MIT */
#ifndef RESOLVE_LIST_H
#define RESOLVE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* Both the head and the link inside an item. An item that is in no list links to itself, so removing twice is fine. */
struct list {
    struct list *next, *prev;
};

/* The item around its link. */
#define LIST_ITEM(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void list_init(struct list *list)
{
    list->next = list->prev = list;
}

static inline bool list_empty(const struct list *list)
{
    return list->next == list;
}

static inline void list_append(struct list *list, struct list *link)
{
    link->prev = list->prev;
    link->next = list;
    list->prev->next = link;
    list->prev = link;
}

static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

/* Takes the first item's link out; NULL when the list is empty. */
static inline struct list *list_take(struct list *list)
{
    if (list_empty(list))
        return NULL;
    struct list *link = list->next;
    list_remove(link);
    return link;
}

/* Moves everything in from to the end of list. */
static inline void list_join(struct list *list, struct list *from)
{
    for (struct list *link; (link = list_take(from)) != NULL;)
        list_append(list, link);
}

#endif
