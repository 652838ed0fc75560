/* fuzz_ini.c - the configuration file under any bytes, and the values in it that are small languages of their own. */
/* SPDX-License-Identifier: MIT */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/settings.h"
#include "http/listen.h"
#include "http/network.h"
#include "oracle.h"
#include "sql/uri.h"

int __real_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found_r);
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found_r);

/* No name is asked for in the network. */
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found_r)
{
    struct addrinfo numeric = *hints;
    numeric.ai_flags |= AI_NUMERICHOST;
    return __real_getaddrinfo(host, port, &numeric, found_r);
}

static char *print(const struct settings *settings)
{
    char *printed = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&printed, &length);
    demand(out != NULL);
    settings_print(settings, out);
    fclose(out);
    return printed;
}

/* What --check-config prints is a file that says the same. */
static void check_printed(const char *printed)
{
    static const char section[] = "[automx2]\n";
    struct settings *settings = NULL;
    char *file = malloc(strlen(section) + strlen(printed) + 1);
    demand(file != NULL);
    strcpy(file, section);
    strcat(file, printed);
    demand(settings_parse("file", file, strlen(file), &settings, NULL) == STATUS_OK);
    char *again = print(settings);
    demand(strcmp(printed, again) == 0);
    free(again);
    free(file);
    settings_free(&settings);
}

static void check_error(enum status status, const struct error *error)
{
    demand((status == STATUS_OK) == (error->text[0] == '\0'));
}

static void check_values(const struct settings *settings)
{
    struct arena *arena = arena_new(1024 * 1024);
    const struct network *networks;
    struct sql_uri uri;
    size_t count;
    struct error error = {""};
    demand(arena != NULL);
    check_error(listen_check(arena, settings->listen, &error), &error);
    error.text[0] = '\0';
    check_error(networks_parse(arena, settings->trusted_proxies, &networks, &count, &error), &error);
    error.text[0] = '\0';
    check_error(sql_uri_parse(arena, settings->db_uri, &uri, &error), &error);
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings *settings = NULL;
    struct error error = {{0}};
    enum status status = settings_parse("file", (const char *)data, size, &settings, &error);
    demand((status == STATUS_OK) == (settings != NULL));
    check_error(status, &error);
    if (!settings)
        return 0;
    demand(settings->db_uri && settings->listen);
    demand(settings->lookup_timeout >= 100 && settings->lookup_timeout <= 30000);
    char *printed = print(settings);
    check_printed(printed);
    check_values(settings);
    free(printed);
    settings_free(&settings);
    return 0;
}
