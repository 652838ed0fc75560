/* fuzz_lookup.c - what a look-up of a person is made of: line 1 an address, line 2 an LDAP filter, line 3 the hosts of
 * directories, the rest a statement. */
/* SPDX-License-Identifier: MIT */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "account/address.h"
#include "base/log.h"
#include "oracle.h"
#include "sql/text.h"
#include "userdb/directory.h"
#include "userdb/filter.h"
#include "userdb/ldap_link.h"

enum status __wrap_ldap_link_load(struct error *error_r);
enum status __wrap_ldap_link_open(const struct ldap_server *server, const char *url, int64_t deadline,
                                  struct ldap_link **link_r, struct error *error_r);

enum { PARAMETERS_MAX = 16 };

static const char *const names[] = {"address", "local", "domain", NULL};

static size_t count(const char *text, const char *bytes)
{
    size_t found = 0;
    for (; (text = strpbrk(text, bytes)) != NULL; text++)
        found++;
    return found;
}

/* An address is a value in a filter, and what it holds never a part of it. */
static void check_filter(struct arena *arena, const char *filter, const struct address *address)
{
    static const struct address plain = {"a@b.test", "a", "b.test"};
    const char *hostile = filter_expand(arena, filter, address);
    const char *harmless = filter_expand(arena, filter, &plain);
    if (hostile && harmless)
        demand(count(hostile, "()*") == count(harmless, "()*"));
    hostile = filter_expand(arena, "{local}", address);
    demand(hostile != NULL);
    for (const char *at = address->local; *at; at++) {
        if (*hostile != '\\') {
            demand(*hostile++ == *at);
            continue;
        }
        const char hex[] = {hostile[1], hostile[2], '\0'};
        demand(strtol(hex, NULL, 16) == (unsigned char)*at);
        hostile += 3;
    }
    demand(*hostile == '\0');
}

enum status __wrap_ldap_link_load(struct error *error_r)
{
    return STATUS_OK;
}

/* No directory answers; but each host has become a URL. */
enum status __wrap_ldap_link_open(const struct ldap_server *server, const char *url, int64_t deadline,
                                  struct ldap_link **link_r, struct error *error_r)
{
    demand(strstr(url, "://") && !strpbrk(url, " ,\t"));
    return error_set(error_r, STATUS_BACKEND, "%s is not there", url);
}

static void check_directories(struct arena *arena, const char *hosts, const struct address *address)
{
    const struct ldap_server server = {
        .id = 1, .hosts = hosts, .port = 389, .filter = "(mail={0})", .base = "", .scope = "sub", .attr_login = "uid"};
    struct directory *directory = directory_new();
    struct person person;
    struct error error = {""};
    demand(directory != NULL);
    demand(directory_find(directory, &server, address, INT64_MAX, arena, &person, &error) == STATUS_BACKEND);
    demand(error.text[0] != '\0');
    directory_free(&directory);
}

/* A statement that SQLite takes, and whose parameters are all written as ?, has as many as we see. */
static void check_parameters(sqlite3 *db, const char *text)
{
    sqlite3_stmt *statement;
    const char *tail;
    unsigned seen = sql_text_parameters(SQL_SQLITE, text);
    if (sqlite3_prepare_v2(db, text, -1, &statement, &tail) != SQLITE_OK || !statement)
        return;
    int there = sqlite3_bind_parameter_count(statement);
    bool plain = *tail == '\0';
    for (int i = 1; i <= there; i++)
        plain = plain && !sqlite3_bind_parameter_name(statement, i);
    demand(!plain || (unsigned)there == seen);
    sqlite3_finalize(statement);
}

static void check_statement(struct arena *arena, sqlite3 *db, const char *text)
{
    for (enum sql_dialect dialect = SQL_SQLITE; dialect <= SQL_MYSQL; dialect++) {
        unsigned order[PARAMETERS_MAX], found = 0;
        const char *named;
        struct error error = {""};
        enum status status = sql_text_named(arena, dialect, text, names, order, PARAMETERS_MAX, &named, &found, &error);
        demand((status == STATUS_OK) == (error.text[0] == '\0'));
        if (status != STATUS_OK)
            continue;
        demand(found <= PARAMETERS_MAX && sql_text_parameters(dialect, named) == found);
        for (unsigned i = 0; i < found; i++)
            demand(order[i] < 3);
        if (dialect == SQL_SQLITE)
            check_parameters(db, named);
    }
    check_parameters(db, text);
    demand(sql_text_numbered(arena, text) != NULL);
    (void)sql_text_number(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sqlite3 *db;
    if (size > 16 * 1024)
        return 0;
    if (!db) {
        demand(sqlite3_open(":memory:", &db) == SQLITE_OK);
        log_set_level(LOG_LEVEL_CRITICAL);
    }
    char *text = input_text(data, size), *rest = text;
    struct arena *arena = arena_new(1024 * 1024);
    struct address address;
    demand(arena != NULL);
    const char *person = next_line(&rest), *filter = next_line(&rest), *hosts = next_line(&rest);
    if (address_parse(arena, person, strlen(person), &address, NULL) == STATUS_OK) {
        check_filter(arena, filter, &address);
        check_directories(arena, hosts, &address);
    }
    check_statement(arena, db, rest);
    arena_free(&arena);
    free(text);
    return 0;
}
