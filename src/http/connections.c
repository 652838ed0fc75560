/* connections.c - the connections that are open, and the end of those that take too long. */
/* SPDX-License-Identifier: MIT */
#include "http/connections.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

struct connections {
    pthread_mutex_t lock; /* guards the list, and every descriptor in it from being closed and used for another */
    struct http_connection *first;
};

struct connections *connections_new(void)
{
    struct connections *connections = calloc(1, sizeof *connections);
    if (connections)
        pthread_mutex_init(&connections->lock, NULL);
    return connections;
}

void connections_free(struct connections **connections)
{
    if (!*connections)
        return;
    pthread_mutex_destroy(&(*connections)->lock);
    free(*connections);
    *connections = NULL;
}

struct http_connection *connections_add(struct connections *connections, int fd)
{
    struct http_connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return NULL;
    connection->fd = fd;
    pthread_mutex_lock(&connections->lock);
    connection->next = connections->first;
    connection->place = &connections->first;
    if (connection->next)
        connection->next->place = &connection->next;
    connections->first = connection;
    pthread_mutex_unlock(&connections->lock);
    return connection;
}

void connections_remove(struct connections *connections, struct http_connection **connection_pointer)
{
    struct http_connection *connection = *connection_pointer;
    *connection_pointer = NULL;
    pthread_mutex_lock(&connections->lock);
    *connection->place = connection->next;
    if (connection->next)
        connection->next->place = connection->place;
    pthread_mutex_unlock(&connections->lock);
    free(connection);
}

void connections_advance(struct http_connection *connection)
{
    /* One writer: no read-modify-write of the whole machine is needed. */
    unsigned ended = atomic_load_explicit(&connection->ended, memory_order_relaxed);
    atomic_store_explicit(&connection->ended, ended + 1, memory_order_relaxed);
}

static void cut(struct http_connection *connection)
{
    bool again = atomic_exchange(&connection->expired, true);
    shutdown(connection->fd, again ? SHUT_RDWR : SHUT_RD);
}

void connections_expire(struct connections *connections, unsigned calls)
{
    pthread_mutex_lock(&connections->lock);
    for (struct http_connection *connection = connections->first; connection; connection = connection->next) {
        unsigned ended = atomic_load_explicit(&connection->ended, memory_order_relaxed);
        if (ended != connection->seen)
            connection->looks = 0;
        connection->seen = ended;
        if (++connection->looks > calls)
            cut(connection);
    }
    pthread_mutex_unlock(&connections->lock);
}
