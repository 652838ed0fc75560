/* directory.c - people in LDAP directories: kept connections, several hosts, and servers that do not answer. */
/* SPDX-License-Identifier: MIT */
#include "userdb/directory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "userdb/filter.h"
#include "userdb/ldap_link.h"

enum {
    HOSTS_MAX = 8,
    IDLE_MAX = 8,            /* connections kept for one server */
    POOLS_MAX = 64,          /* servers known at one time */
    IDLE_AGE_MS = 5 * 60000, /* firewalls forget connections without a word */
    UNUSED_AGE_MS = 10 * 60000,
    DELAY_MIN_MS = 250,
    DELAY_MAX_MS = 2000,
};

struct host {
    char *url;
    int64_t dead_until; /* clock_ms() */
    unsigned delay;     /* of the last failure; 0: it answers */
};

struct idle {
    struct ldap_link *link;
    unsigned host;
    int64_t since;
};

/* What belongs to one way of asking: an edited row is another one, and its old connections are never used for it. */
struct pool {
    struct pool *next;
    char *key;
    size_t key_length;
    int64_t id; /* for messages */
    struct host hosts[HOSTS_MAX];
    unsigned host_count;
    struct idle idle[IDLE_MAX];
    unsigned idle_count;
    unsigned users;
    int64_t used;
};

struct directory {
    pthread_mutex_t lock; /* of everything below; never held while a server is spoken to */
    struct pool *first;
    unsigned count;
};

struct directory *directory_new(void)
{
    struct directory *directory = calloc(1, sizeof(*directory));

    if (directory && pthread_mutex_init(&directory->lock, NULL) != 0) {
        free(directory);
        return NULL;
    }
    return directory;
}

static void pool_free(struct pool *pool)
{
    for (unsigned i = 0; i < pool->idle_count; i++)
        ldap_link_close(&pool->idle[i].link);
    for (unsigned i = 0; i < pool->host_count; i++)
        free(pool->hosts[i].url);
    free(pool->key);
    free(pool);
}

static void pool_list_free(struct pool *pool)
{
    while (pool) {
        struct pool *next = pool->next;

        pool_free(pool);
        pool = next;
    }
}

void directory_free(struct directory **directory)
{
    struct directory *freed = *directory;

    *directory = NULL;
    if (!freed)
        return;
    pool_list_free(freed->first);
    pthread_mutex_destroy(&freed->lock);
    free(freed);
}

/* host, host:port, [v6], [v6]:port, a bare v6 address, or a whole URL (ldap3 takes those, and ldapi: has no host). */
static char *host_url(const struct ldap_server *server, const char *host, size_t length)
{
    struct buf url;
    const char *colon = memchr(host, ':', length);
    const bool whole = length > 3 && memmem(host, length, "://", 3) != NULL;
    const bool bare_v6 = host[0] != '[' && colon && memchr(colon + 1, ':', length - (size_t)(colon + 1 - host));
    const bool has_port = !bare_v6 && (host[0] == '[' ? host[length - 1] != ']' : colon != NULL);

    buf_init(&url, 512);
    if (!whole)
        buf_addf(&url, "%s://%s", server->tls ? "ldaps" : "ldap", bare_v6 ? "[" : "");
    buf_add(&url, host, length);
    if (!whole && bare_v6)
        buf_addc(&url, ']');
    if (!whole && !has_port && server->port)
        buf_addf(&url, ":%u", server->port);
    char *text = buf_failed(&url) ? NULL : buf_steal(&url, NULL);
    buf_free(&url);
    return text;
}

static void add_key(struct buf *key, const char *part)
{
    buf_adds(key, part ? part : "");
    buf_addc(key, '\0');
}

/* Everything that a connection depends on. */
static bool make_key(const struct ldap_server *server, struct buf *key)
{
    buf_init(key, 16384);
    buf_addf(key, "%lld %u %d%d%d", (long long)server->id, server->port, server->tls, server->starttls, server->verify);
    add_key(key, server->hosts);
    add_key(key, server->ca_file);
    add_key(key, server->bind_dn);
    add_key(key, server->bind_password);
    add_key(key, server->bind_method);
    return !buf_failed(key);
}

static struct pool *pool_new(const struct ldap_server *server, struct buf *key)
{
    struct pool *pool = calloc(1, sizeof(*pool));
    const char *host = server->hosts ? server->hosts : "";

    if (!pool)
        return NULL;
    pool->id = server->id;
    pool->key = buf_steal(key, &pool->key_length);
    while (*(host += strspn(host, " ,\t")) && pool->host_count < HOSTS_MAX) {
        size_t length = strcspn(host, " ,\t");
        char *url = host_url(server, host, length);

        if (url)
            pool->hosts[pool->host_count++].url = url;
        host += length;
    }
    if (!pool->key) {
        pool_free(pool);
        return NULL;
    }
    return pool;
}

/* Unlinks directory that nobody has asked for long, or the one unused for longest when there is no room. */
static struct pool *take_stale(struct directory *directory)
{
    struct pool *stale = NULL;
    struct pool **oldest = NULL;
    const int64_t now = clock_ms();

    for (struct pool **link = &directory->first; *link;) {
        struct pool *pool = *link;

        if (pool->users == 0 && now - pool->used > UNUSED_AGE_MS) {
            *link = pool->next;
            pool->next = stale;
            stale = pool;
            directory->count--;
            continue;
        }
        if (pool->users == 0 && (!oldest || pool->used < (*oldest)->used))
            oldest = link;
        link = &pool->next;
    }
    if (directory->count >= POOLS_MAX && !stale && oldest) {
        stale = *oldest;
        *oldest = stale->next;
        stale->next = NULL;
        directory->count--;
    }
    return stale;
}

static struct pool *pool_enter(struct directory *directory, const struct ldap_server *server)
{
    struct pool *pool, *stale = NULL;
    struct buf key;

    if (!make_key(server, &key)) {
        buf_free(&key);
        return NULL;
    }
    pthread_mutex_lock(&directory->lock);
    for (pool = directory->first; pool; pool = pool->next) {
        if (pool->key_length == key.length && memcmp(pool->key, key.data, key.length) == 0)
            break;
    }
    if (!pool) {
        stale = take_stale(directory);
        pool = directory->count < POOLS_MAX ? pool_new(server, &key) : NULL;
        if (pool) {
            pool->next = directory->first;
            directory->first = pool;
            directory->count++;
        }
    }
    if (pool) {
        pool->users++;
        pool->used = clock_ms();
    }
    pthread_mutex_unlock(&directory->lock);
    pool_list_free(stale);
    buf_free(&key);
    return pool;
}

static void pool_leave(struct directory *directory, struct pool *pool)
{
    pthread_mutex_lock(&directory->lock);
    pool->users--;
    pthread_mutex_unlock(&directory->lock);
}

/* The idle connection to a host that was used last, or NULL. */
static struct ldap_link *take_link(struct directory *directory, struct pool *pool, unsigned host)
{
    struct ldap_link *aged[IDLE_MAX];
    unsigned aged_count = 0;
    struct ldap_link *link = NULL;
    const int64_t now = clock_ms();

    pthread_mutex_lock(&directory->lock);
    for (unsigned i = pool->idle_count; i-- > 0 && !link;) {
        struct idle *idle = &pool->idle[i];
        const bool fresh = now - idle->since < IDLE_AGE_MS;

        if (idle->host != host && fresh)
            continue;
        if (fresh)
            link = idle->link;
        else
            aged[aged_count++] = idle->link;
        memmove(idle, idle + 1, (pool->idle_count - i - 1) * sizeof(*idle));
        pool->idle_count--;
    }
    pthread_mutex_unlock(&directory->lock);
    while (aged_count > 0)
        ldap_link_close(&aged[--aged_count]);
    return link;
}

static void keep_link(struct directory *directory, struct pool *pool, unsigned host, struct ldap_link *link)
{
    pthread_mutex_lock(&directory->lock);
    if (pool->idle_count < IDLE_MAX) {
        pool->idle[pool->idle_count++] = (struct idle){.link = link, .host = host, .since = clock_ms()};
        link = NULL;
    }
    pthread_mutex_unlock(&directory->lock);
    ldap_link_close(&link);
}

/* After a lost connection the others to that host are most likely gone too. */
static void drop_links(struct directory *directory, struct pool *pool, unsigned host)
{
    struct ldap_link *dropped[IDLE_MAX];
    unsigned count = 0, kept = 0;

    pthread_mutex_lock(&directory->lock);
    for (unsigned i = 0; i < pool->idle_count; i++) {
        if (pool->idle[i].host == host)
            dropped[count++] = pool->idle[i].link;
        else
            pool->idle[kept++] = pool->idle[i];
    }
    pool->idle_count = kept;
    pthread_mutex_unlock(&directory->lock);
    while (count > 0)
        ldap_link_close(&dropped[--count]);
}

/* Whether the host may be asked now. One that failed is tried by one thread at a time: until the outcome is known, it
 * is dead for the others. */
static bool claim_host(struct directory *directory, struct pool *pool, unsigned host, int64_t until)
{
    struct host *claimed = &pool->hosts[host];
    bool alive;

    pthread_mutex_lock(&directory->lock);
    alive = clock_ms() >= claimed->dead_until;
    if (alive && claimed->delay > 0)
        claimed->dead_until = until;
    pthread_mutex_unlock(&directory->lock);
    return alive;
}

static void mark_good(struct directory *directory, struct pool *pool, unsigned host)
{
    bool recovered;

    pthread_mutex_lock(&directory->lock);
    recovered = pool->hosts[host].delay > 0;
    pool->hosts[host].delay = 0;
    pool->hosts[host].dead_until = 0;
    pthread_mutex_unlock(&directory->lock);
    if (recovered)
        log_info("ldapserver %lld: %s answers again", (long long)pool->id, pool->hosts[host].url);
}

static void mark_dead(struct directory *directory, struct pool *pool, unsigned host, const struct error *error)
{
    struct host *dead = &pool->hosts[host];
    bool first;

    pthread_mutex_lock(&directory->lock);
    first = dead->delay == 0;
    dead->delay = first ? DELAY_MIN_MS : dead->delay * 2 < DELAY_MAX_MS ? dead->delay * 2 : DELAY_MAX_MS;
    dead->dead_until = clock_ms() + dead->delay;
    pthread_mutex_unlock(&directory->lock);
    /* With a single host the caller hears it; with several, another one may hide the failure. */
    if (first && pool->host_count > 1)
        log_warning("ldapserver %lld: %s", (long long)pool->id, error->text);
}

struct question {
    const struct ldap_server *server;
    const char *filter;
    struct arena *arena;
    struct person *person;
};

/* Asks one host: on a kept connection first, and where that is lost, on a new one. dead_r: the host cannot be spoken
 * to, as against one that answered with an error. */
static enum status ask_host(struct directory *directory, struct pool *pool, unsigned host,
                            const struct question *question, int64_t deadline, bool *dead_r, struct error *error_r)
{
    struct ldap_link *link = take_link(directory, pool, host);

    for (;;) {
        const bool kept = link != NULL;
        enum status status = STATUS_OK;

        *dead_r = true;
        if (!link)
            status = ldap_link_open(question->server, pool->hosts[host].url, deadline, &link, error_r);
        if (status != STATUS_OK)
            return status;
        status = ldap_link_find(link, question->server, question->filter, deadline, question->arena, question->person,
                                dead_r, error_r);
        if (!*dead_r) {
            keep_link(directory, pool, host, link);
            return status;
        }
        ldap_link_close(&link);
        drop_links(directory, pool, host);
        /* A server that was restarted answers on a new connection at once. */
        if (!kept || clock_ms() >= deadline)
            return status;
    }
}

static enum status ask_hosts(struct directory *directory, struct pool *pool, const struct question *question,
                             int64_t deadline, struct error *error_r)
{
    enum status status = error_set(error_r, STATUS_BACKEND, "%s did not answer a moment ago",
                                   pool->host_count == 1 ? pool->hosts[0].url : "all hosts");

    for (unsigned host = 0; host < pool->host_count; host++) {
        const int64_t now = clock_ms();
        /* So that a host that hangs leaves time for those behind it. */
        const int64_t until = now + (deadline - now) / (pool->host_count - host);

        if (now >= deadline)
            return status;
        if (!claim_host(directory, pool, host, until))
            continue;

        struct error error = {""};
        bool dead;

        status = ask_host(directory, pool, host, question, until, &dead, &error);
        if (!dead) {
            mark_good(directory, pool, host);
            return status == STATUS_BACKEND ? error_set(error_r, status, "%s", error.text) : status;
        }
        mark_dead(directory, pool, host, &error);
        error_set(error_r, STATUS_BACKEND, "%s", error.text);
        if (status == STATUS_REFUSED)
            break;
    }
    return STATUS_BACKEND;
}

enum status directory_find(struct directory *directory, const struct ldap_server *server, const struct address *address,
                           int64_t deadline, struct arena *arena, struct person *person_r, struct error *error_r)
{
    const struct question question = {
        .server = server,
        .filter = filter_expand(arena, server->filter, address),
        .arena = arena,
        .person = person_r,
    };
    struct pool *pool;
    enum status status;

    *person_r = (struct person){0};
    if (ldap_link_load(error_r) != STATUS_OK) {
        error_prefix(error_r, "ldapserver %lld: ", (long long)server->id);
        return STATUS_BACKEND;
    }
    if (!question.filter)
        return error_set(error_r, STATUS_BACKEND, "ldapserver %lld: the search filter is too long",
                         (long long)server->id);
    pool = pool_enter(directory, server);
    if (!pool)
        return error_set(error_r, STATUS_BACKEND, "ldapserver %lld: too many directory servers are in use at once",
                         (long long)server->id);
    if (pool->host_count == 0)
        status = error_set(error_r, STATUS_BACKEND, "it names no host");
    else
        status = ask_hosts(directory, pool, &question, deadline, error_r);
    pool_leave(directory, pool);
    if (status == STATUS_BACKEND)
        error_prefix(error_r, "ldapserver %lld: ", (long long)server->id);
    return status;
}
