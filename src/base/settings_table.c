/* settings_table.c - the table of settings: keys, types, ranges, defaults and what the manual says of them. */
/* SPDX-License-Identifier: MIT */
#include "base/settings.h"

#define TEXT(member)     .key = #member, .type = SETTING_TEXT, .offset = offsetof(struct settings, member)
#define BOOL(member)     .key = #member, .type = SETTING_BOOL, .offset = offsetof(struct settings, member)
#define NUMBER(member)   .key = #member, .type = SETTING_NUMBER, .offset = offsetof(struct settings, member)
#define DURATION(member) .key = #member, .type = SETTING_DURATION, .offset = offsetof(struct settings, member)

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

static const char *const unknown_users_choices[] = {"general", "refuse", NULL};

/* clang-format off */
const struct setting settings_table[] = {
    {.key = "loglevel", .type = SETTING_LEVEL, .offset = offsetof(struct settings, loglevel), .preset = "WARNING",
     .help = "The least important messages that are logged: DEBUG, INFO, WARNING, ERROR or CRITICAL. "
             "INFO adds one line for each request, without the part of the address before the @."},
    {BOOL(db_echo), .preset = "no",
     .help = "Log each SQL statement, without its values."},
    {TEXT(db_uri), .preset = "sqlite:///:memory:", .secret = true,
     .help = "The database, as an SQLAlchemy URL: sqlite:////absolute/path, postgresql://user:password@host/name or "
             "mysql://user:password@host/name. A driver name such as in mysql+pymysql is accepted and ignored. "
             "Reserved characters in the password are percent-encoded, and every % is written twice in this file. "
             "One in memory is empty at each start: for trying things out, or with accounts."},
    {NUMBER(proxy_count), .preset = "0", .max = 16,
     .help = "How many reverse proxies stand in front and add to X-Forwarded-For, -Host and -Proto. "
             "The client is that many entries from the right. "
             "With 0, and no trusted_proxies, these headers are ignored."},

    {TEXT(listen), .preset = "127.0.0.1:4243", .lines = true,
     .help = "Where connections are accepted, separated by commas: ADDRESS:PORT, [IPV6-ADDRESS]:PORT or unix:/PATH. "
             "Sockets that systemd passes are used instead. A change needs a restart."},
    {TEXT(trusted_proxies), .lines = true,
     .help = "Networks of the reverse proxies, separated by commas, such as 127.0.0.1, 10.0.0.0/8, ::1. "
             "Forwarding headers are believed only when they come from there. "
             "With proxy_count = 0 the client is the first address from the right that is not there."},
    {BOOL(https_redirect), .preset = "no",
     .help = "Answer an Autodiscover GET that reached a trusted proxy by http with a redirection to https."},
    {NUMBER(http_threads), .preset = "0", .max = 256,
     .help = "Threads that serve connections. With 0 there is one for each processor."},
    {NUMBER(connections), .preset = "8192", .min = 16, .max = 1000000,
     .help = "How many connections may be open at once."},
    {NUMBER(connections_per_address), .preset = "0", .max = 1000000,
     .help = "How many of them may come from one address, or one IPv6 network of 64 bits. "
             "With 0 an address may have as many as are still free, so that one alone gets half of them at most "
             "and others always find room. This machine and trusted_proxies are not limited."},
    {DURATION(idle_timeout), .preset = "15s", .min = SECOND, .max = HOUR,
     .help = "A connection on which nothing happens for this time is closed."},
    {DURATION(request_timeout), .preset = "30s", .min = SECOND, .max = HOUR,
     .help = "How long a client may take to send a request and to fetch the answer, besides the idle_timeout before it "
             "and the time of the look-up. Past that its connection is closed, with 408 if the body is what lacks."},
    {NUMBER(rate_limit), .preset = "3000", .max = 1000000,
     .help = "How many requests a minute that cost something one client may make: those that are answered with an error, "
             "those that the cache cannot answer, and signed profiles. What is known and cached costs nothing. "
             "300 may come at once; past that the client is answered 429 until its minute allows more. "
             "A client is an IPv4 address, or an IPv6 network of 64 bits, as the trusted proxies tell it. "
             "This machine, trusted proxies themselves, and private networks that no trusted proxy names are not limited. "
             "With 0 nobody is."},
    {BOOL(sandbox), .preset = "no",
     .help = "Give up at the start what is not needed, for good: files other than those that the settings name, "
             "other programs, and root's powers. See SANDBOX. A change needs a restart."},
    {TEXT(sandbox_read), .lines = true,
     .help = "More files or directories that may be read in the sandbox, separated by commas. A change needs a restart."},

    {BOOL(initdb), .preset = "yes",
     .help = "Serve /initdb/, which fills or empties the database, to requests from this machine that came "
             "through no proxy."},
    {BOOL(allow_plain), .preset = "no",
     .help = "Publish servers without encryption too. Passwords then cross the network readable by anyone on the way."},
    {TEXT(accounts), .file = true,
     .help = "A JSON file with providers, domains and servers that takes the place of the database, "
             "read at the start and on SIGHUP. A broken file is refused as a whole."},
    {TEXT(default_domain),
     .help = "The domain whose settings answer for every domain that is not known."},
    {BOOL(host_fallback), .preset = "no",
     .help = "When the domain of the address is not known, answer for the domain that the Host header names."},

    {DURATION(cache_ttl), .preset = "10s", .max = HOUR,
     .help = "How long an answer of the database is used. An edit made by SQL is served after this time at the latest."},
    {DURATION(stale_ttl), .preset = "1d", .max = 30u * DAY,
     .help = "How long past cache_ttl an answer goes on being served while the database cannot be reached."},
    {NUMBER(cache_entries), .preset = "20000", .min = 16, .max = 10000000,
     .help = "How many domains and persons are kept in memory. Each takes one to two KiB."},
    {DURATION(lookup_timeout), .preset = "2.5s", .min = 100, .max = 30 * SECOND,
     .help = "How long a request waits for databases and directories before it is answered without them. "
             "Mail clients give up after about five seconds."},
    {NUMBER(lookup_workers), .preset = "4", .min = 1, .max = 256,
     .help = "Threads that ask databases and directories, each with a database connection of its own."},
    {NUMBER(lookup_queue), .preset = "1024", .min = 1, .max = 1000000,
     .help = "How many look-ups may wait for a thread. Requests past that are answered with 503."},

    {TEXT(profile_certificate), .file = true,
     .help = "A PEM file with the certificate that signs Apple's configuration profiles. "
             "Unset, profiles are not signed."},
    {TEXT(profile_key), .file = true,
     .help = "A PEM file with the certificate's private key, which others than its owner and group must not be able to "
             "read."},
    {TEXT(profile_chain), .file = true,
     .help = "A PEM file with the intermediate certificates."},
    {TEXT(profile_key_password_file), .file = true,
     .help = "A file whose first line is the password of an encrypted profile_key."},

    {TEXT(user_query), .lines = true,
     .help = "An SQL query that finds a person, with :address, :local and :domain for the address. "
             "Its columns login and name give the login and the full name; any other column is the placeholder "
             "%{column} in host and user names."},
    {TEXT(user_db_uri), .secret = true,
     .help = "The database that user_query and domain_query ask. Unset, they ask db_uri."},
    {TEXT(user_db_password_file), .file = true,
     .help = "A file whose first line is the password for user_db_uri."},
    {TEXT(domain_query), .lines = true,
     .help = "An SQL query that finds a domain, with :domain for its name, in place of the domain table. "
             "Its column provider names the provider."},
    {TEXT(domain_provider),
     .help = "The name or short name of the provider for rows of domain_query that name none."},
    {TEXT(db_password_file), .file = true,
     .help = "A file whose first line is the password for db_uri, so that it need not stand here."},
    {BOOL(publish_names), .preset = "yes",
     .help = "Put the full name that a directory or user_query knows into answers. "
             "Consider no: anybody may ask for any address and would learn the name behind it."},
    {.key = "unknown_users", .type = SETTING_CHOICE, .offset = offsetof(struct settings, unknown_users_refused),
     .preset = "general", .choices = unknown_users_choices,
     .help = "What a person gets whom the directory does not know: general answers with the domain's settings, which "
             "tells nobody who exists; refuse answers as for an unknown domain."},
    {DURATION(user_cache_ttl), .preset = "60s", .max = DAY,
     .help = "How long the answer about a person is used, also that there is none."},
};
/* clang-format on */

const size_t settings_count = sizeof settings_table / sizeof settings_table[0];
