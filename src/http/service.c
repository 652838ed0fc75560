/* service.c - one configuration's working parts, built whole or not at all. */
/* SPDX-License-Identifier: MIT */
#include "http/service.h"

#include <stdlib.h>

#include "base/log.h"
#include "http/check.h"
#include "http/listen.h"

static void service_free(struct service *service)
{
    check_stop(&service->check);
    resolver_stop(&service->resolver);
    userdb_close(&service->userdb);
    store_close(&service->store);
    profile_signer_free(&service->signer);
    arena_free(&service->arena);
    settings_free(&service->settings);
    free(service);
}

enum status service_new(struct settings *settings, bool during_outage, struct service **service_r,
                        struct error *error_r)
{
    enum status status = STATUS_LIMIT;
    struct service *service = calloc(1, sizeof *service);
    if (!service)
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    atomic_init(&service->references, 1);

    service->arena = arena_new(256 * 1024);
    if (!service->arena)
        goto out;
    service->document_cache = arena_format(service->arena, "public, max-age=%u", settings->cache_ttl / 1000);
    if (!service->document_cache)
        goto out;
    service->proxies.count = settings->proxy_count;
    status = networks_parse(service->arena, settings->trusted_proxies, &service->proxies.networks,
                            &service->proxies.network_count, error_r);
    if (status != STATUS_OK)
        goto out;
    status = profile_signer_load(settings, &service->signer, error_r);
    if (status != STATUS_OK)
        goto out;
    struct error outage = {""};
    status = store_open(settings, &service->store, &outage);
    if (status == STATUS_BACKEND && service->store && during_outage) {
        log_error("%s; until it can be asked, requests get 503", outage.text);
    } else if (status != STATUS_OK) {
        error_set(error_r, status, "%s", outage.text);
        goto out;
    }
    status = userdb_open(settings, &service->userdb, error_r);
    if (status != STATUS_OK)
        goto out;
    status = resolver_start(settings, service->store, service->userdb, &service->resolver, error_r);
    if (status != STATUS_OK)
        goto out;
    service->settings = settings;
    *service_r = service;
    return STATUS_OK;
out:
    if (status == STATUS_LIMIT)
        error_set(error_r, STATUS_LIMIT, "out of memory");
    service_free(service); /* the settings stay the caller's: they are not in it yet */
    return status;
}

struct service *service_ref(struct service *service)
{
    atomic_fetch_add_explicit(&service->references, 1, memory_order_relaxed);
    return service;
}

void service_unref(struct service **service)
{
    struct service *last = *service;
    *service = NULL;
    if (last && atomic_fetch_sub_explicit(&last->references, 1, memory_order_acq_rel) == 1)
        service_free(last);
}

bool service_is_idle(const struct service *service)
{
    return atomic_load_explicit(&service->references, memory_order_acquire) == 1;
}

const struct settings *service_settings(const struct service *service)
{
    return service->settings;
}

void service_check(struct service *service)
{
    if (!service->check)
        service->check = check_start(service->store);
}

struct counted {
    store_fault fault;
    void *context;
    size_t count;
};

static void count(void *context, const char *sentence)
{
    struct counted *counted = context;
    counted->count++;
    counted->fault(counted->context, sentence);
}

enum status service_examine(struct service *service, size_t max, store_fault fault, void *context,
                            struct error *error_r)
{
    struct store_session *session = NULL;
    struct counted counted = {.fault = fault, .context = context};
    enum status status = listen_check(service->arena, service->settings->listen, error_r);
    if (status == STATUS_OK)
        status = store_session_open(service->store, &session, error_r);
    if (status == STATUS_OK)
        status = store_check(session, max, count, &counted, error_r);
    if (status == STATUS_OK && counted.count == 0) /* else the log would complain of the same rows again */
        check_documents(session);
    store_session_close(&session);
    return status;
}
