/* test_store_seed.c - the JSON formats 1, 2 and 3: what they become, and how mistakes are told. */
/* SPDX-License-Identifier: MIT */
#include "store_fixture.h"

static void refused(struct fixture *fixture, size_t row, const char *json, const char *sentence)
{
    bool seeded = true;
    enum status status = store_seed(fixture->session, json, strlen(json), &seeded, &fixture->error);
    if (status != STATUS_INVALID || seeded)
        fail_msg("row %zu: status %d instead of a refusal of %s", row, (int)status, json);
    if (strstr(fixture->error.text, sentence) == NULL)
        fail_msg("row %zu: '%s' instead of '%s'", row, fixture->error.text, sentence);
}

static void test_format_1(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    seed(fixture, "{\"_comment\": [1, {\"x\": 2}], \"provider\": \"Example Inc.\", "
                  "\"domains\": [\"example.com\", \"Example.ORG\"], \"servers\": ["
                  "{\"type\": \"imap\", \"name\": \"imap.example.com\", \"_x\": 1},"
                  "{\"type\": \"pop\", \"name\": \"pop.example.com\", \"prio\": 7},"
                  "{\"type\": \"smtp\", \"name\": \"smtp.example.com\", \"port\": 587},"
                  "{\"type\": \"caldav\", \"url\": \"https://dav.example.com/cal\"}]}");
    const struct domain *domain = find(fixture, "example.org");
    assert_int_equal(domain->server_count, 4);
    assert_string_equal(domain->provider->name, "Example Inc.");
    assert_string_equal(domain->provider->short_name, "Example");
    assert_int_equal(domain->servers[0].port, 993);
    assert_int_equal(domain->servers[0].security, SECURITY_TLS);
    assert_int_equal(domain->servers[1].port, 995);
    assert_int_equal(domain->servers[1].prio, 7);
    assert_int_equal(domain->servers[2].port, 587);
    assert_int_equal(domain->servers[2].security, SECURITY_STARTTLS);
    assert_int_equal(domain->servers[3].port, 443);
    assert_true(domain->servers[3].domain_required);
    /* the rows are automx2's */
    assert_int_equal(query_number(fixture, "SELECT COUNT(*) FROM server WHERE type IN ('imap', 'pop', 'smtp') AND "
                                           "authentication = 'plain' AND user_name = '%EMAILADDRESS%' AND socket_type "
                                           "IN ('SSL', 'STARTTLS')"),
                     3);
    assert_int_equal(query_number(fixture, "SELECT port FROM davserver WHERE use_ssl = 1 AND domain_required = 1"), 0);
}

static void test_format_2(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    seed(fixture, "{\"version\": 2, \"provider\": \"Example\", \"domains\": [{\"name\": \"example.com\", "
                  "\"ldapserver_id\": 42}, {\"name\": \"example.org\"}], \"ldapservers\": [{\"id\": 42, \"name\": "
                  "\"ldap.example.com\", \"search_base\": \"dc=x\", \"bind_user\": \"cn=a\", \"bind_password\": \"s\", "
                  "\"port\": 389, \"use_ssl\": \"no\"}], \"servers\": [{\"type\": \"smtp\", \"name\": "
                  "\"smtp.example.com\"}]}");
    const struct domain *domain = find(fixture, "example.com");
    assert_non_null(domain->ldap);
    assert_int_equal(domain->ldap->id, 42);
    assert_string_equal(domain->ldap->filter, "(mail={0})");
    assert_string_equal(domain->ldap->attr_login, "uid");
    assert_string_equal(domain->ldap->attr_name, "cn");
    assert_false(domain->ldap->tls);
    assert_int_equal(domain->servers[0].port, 465);
    assert_null(find(fixture, "example.org")->ldap);
}

/* What a mistake stands next to may be a password, and the sentence gets into the log. */
static void test_secrets_untold(void **state)
{
    static const char *const rows[][2] = {
        {"{\"bind_password\": \"geheim\n\"}", "line 1: unexpected newline at column 25"},
        {"{\"bind_password\": geheim}", "line 1: invalid token at column 24"},
        {"{\"bind_password\": \"geheim\" \"x\"}", "line 1: '}' expected at column 30"},
        {"{\"bind_password\": \"ge\\heim\"}", "line 1: invalid escape at column 23"},
    };
    struct fixture *fixture = *state;
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        refused(fixture, i, rows[i][0], rows[i][1]);
        assert_null(strstr(fixture->error.text, "ge"));
    }
}

/* Each with what the sentence must hold. Nothing of them is written. */
static void test_refusals(void **state)
{
    static const char *const rows[][2] = {
        {"", "line 1: "},
        {"[]", "line 1: it must be an object, and is a list"},
        {"{\"provider\": 1,}", "line 1: "},
        {"{\"version\": 4}", "line 1: version: this format is not known"},
        {"{\"version\": \"2\"}", "version: it must be a whole number, and is text"},
        {"{\"provider\": \"x\",\n\"provider\": \"y\"}", "line 2: duplicate object key"},
        {"{\n\"domains\": [], \"servers\": []}", "provider: this member is missing"},
        {"{\"provider\": \"x\", \"servers\": [{\"type\": \"imap\", \"name\": \"h.example\"}]}",
         "domains: this member is missing"},
        {"{\"provider\": \"x\", \"domains\": [], \"servers\": [{\"type\": \"imap\", \"name\": \"h.example\"}]}",
         "domains: there must be at least one domain"},
        {"{\"provider\": \"x\", \"domains\": [\"a.example\"], \"servers\": [{\"type\": \"caldav\", \"url\": "
         "\"https://h.example\"}]}",
         "servers: there must be at least one mail server"},
        {"{\"provider\": \"x\",\n\"domains\": [\"a.example\"],\n\"servers\": [\n{\"type\": \"imap\",\n\"name\": "
         "\"h.example\",\n"
         "\"port\": 70000}]}",
         "line 6: servers[0].port: 70000 is not within 1 to 65535"},
        {"{\"provider\": \"x\",\n\"domains\": [\"a.example\", \"a b\"],\n\"servers\": [{\"type\": \"imap\", \"name\": "
         "\"h.example\"}]}",
         "line 2: domains[1]: 'a b' is no domain name"},
        {"{\"provider\": \"x\", \"domains\": [\"a.example\", \"A.example\"], \"servers\": [{\"type\": \"imap\", "
         "\"name\": \"h.example\"}]}",
         "domains[1]: domain a.example is there twice"},
        {"{\"provider\": \"x\", \"domains\": [\"a.example\"], \"servers\": [{\"type\": \"imaps\", \"name\": "
         "\"h.example\"}]}",
         "servers[0].type: server type 'imaps' is unknown"},
        {"{\"provider\": \"x\", \"domains\": [\"a.example\"], \"servers\": [{\"type\": \"jmap\", \"url\": "
         "\"https://h.example\"}]}",
         "servers[0].type: server type 'jmap' is unknown before format 3"},
        {"{\"provider\": \"x\", \"domains\": [\"a.example\"], \"servers\": [{\"type\": \"imap\", \"nam\": "
         "\"h.example\"}]}",
         "servers[0].nam: there is no such member; did you mean 'name'?"},
        {"{\"provider\": \"x\", \"domains\": [\"a.example\"], \"servers\": [{\"type\": \"imap\"}]}",
         "servers[0].name: this member is missing"},
        {"{\"provider\": \"x\", \"domains\": [\"a.example\"], \"servers\": [{\"type\": \"imap\", \"name\": \"h e\"}]}",
         "servers[0].name: 'h e' is no legal host name"},
        {"{\"provider\": \"x\\u0007\", \"domains\": [\"a.example\"], \"servers\": []}",
         "provider: it has control characters"},
        {"{\"provider\": \"\", \"domains\": [\"a.example\"], \"servers\": []}", "provider: it is empty"},
        {"{\"version\": 2, \"provider\": \"x\", \"domains\": [{\"name\": \"a.example\", \"ldapserver_id\": 1}], "
         "\"servers\": [{\"type\": \"imap\", \"name\": \"h.example\"}]}",
         "domains[0].ldapserver_id: there is no LDAP server with id 1"},
        {"{\"version\": 2, \"provider\": \"x\", \"domains\": [\"a.example\"], \"servers\": [{\"type\": \"imap\", "
         "\"name\": \"h.example\"}]}",
         "domains[0]: it must be an object, and is text"},
        {"{\"version\": 3, \"providers\": [{\"name\": \"x\", \"oauth2\": {\"issuer\": \"https://i.example\", "
         "\"client_secret\": \"s\"}}]}",
         "providers[0].oauth2.client_secret: a client secret has no place here"},
        {"{\"version\": 3, \"providers\": [{\"name\": \"x\", \"oauth2\": {\"issuer\": \"https://i.example/%41\"}}]}",
         "providers[0].oauth2.issuer: 'https://i.example/%41' is no issuer: it has a percent-encoded unreserved"},
        {"{\"version\": 3, \"providers\": [{\"name\": \"x\"}, {\"name\": \"y\"}], \"domains\": [\"a.example\"]}",
         "there are several providers"},
        {"{\"version\": 3, \"providers\": [{\"name\": \"x\"}], \"domains\": [{\"name\": \"a.example\", \"alias_of\": "
         "\"b.example\"}]}",
         "domains[0].alias_of: there is no domain 'b.example'"},
        {"{\"version\": 3, \"providers\": [{\"name\": \"x\"}], \"domains\": [{\"name\": \"a.example\", \"alias_of\": "
         "\"a.example\"}]}",
         "domains[0].alias_of: the aliases go in a circle"},
        {"{\"version\": 3, \"providers\": [{\"name\": \"x\"}], \"domains\": [{\"name\": \"a.example\", \"servers\": "
         "[\"m\"]}]}",
         "domains[0].servers[0]: no server of the list 'servers' has the id 'm'"},
        {"{\"version\": 3, \"servers\": [{\"id\": \"m\", \"type\": \"imap\", \"name\": \"h.example\"}], "
         "\"providers\": [{\"name\": \"x\", \"servers\": [\"m\"]}], \"domains\": [{\"name\": \"a.example\", "
         "\"servers\": [\"m\", \"m\"]}]}",
         "domains[0].servers[1]: server 'm' is there twice"},
        {"{\"version\": 3, \"providers\": [{\"name\": \"x\", \"links\": [{\"kind\": \"web\", \"url\": "
         "\"https://x.example\"}]}]}",
         "providers[0].links[0].kind: kind 'web' is unknown"},
        {"{\"version\": 3, \"providers\": [{\"name\": \"x\", \"servers\": [{\"type\": \"imap\", \"name\": "
         "\"h.example\", "
         "\"authentication\": [\"plain\", \"magic\"]}]}]}",
         "providers[0].servers[0].authentication[1]: authentication 'magic' is unknown"},
    };
    struct fixture *fixture = *state;
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        refused(fixture, i, rows[i][0], rows[i][1]);
    assert_int_equal(query_number(fixture, "SELECT COUNT(*) FROM sqlite_master"), 0);
}

#define PROVIDER(members) "{'version': 3, 'providers': [{'name': 'x', " members "}]}"
#define SERVER(members)   PROVIDER("'servers': [{" members "}]")
#define DOMAIN(members)   "{'version': 3, 'providers': [{'name': 'x'}], 'domains': [{" members "}]}"
#define LDAP(members)     "{'version': 3, 'ldapservers': [{" members "}], 'providers': [{'name': 'x'}]}"

/* What only format 3 can say, and say wrongly. Double quotes are written as single ones. */
static void test_refusals_of_format_3(void **state)
{
    static const char *const rows[][2] = {
        {"{'version': 3}", "providers: this member is missing"},
        {"{'version': 3, 'providers': []}", "providers: there must be at least one provider"},
        {"{'version': 3, 'providers': [{'name': 'x'}, {'name': 'x'}]}",
         "providers[1].name: another provider has the name 'x'"},
        {"{'version': 3, 'servers': [{'type': 'imap', 'name': 'h.example'}], 'providers': [{'name': 'x'}]}",
         "servers[0].id: this member is missing"},
        {"{'version': 3, 'servers': [{'id': 'm', 'type': 'imap', 'name': 'h.example'}, {'id': 'm', 'type': 'pop3', "
         "'name': 'h.example'}], 'providers': [{'name': 'x'}]}",
         "servers[1].id: another server has the id 'm'"},
        {SERVER("'type': 'imap', 'name': 'h.example', 'authentication': []"),
         "providers[0].servers[0].authentication: the list is empty"},
        {SERVER("'type': 'imap', 'name': 'h.example', 'domain_required': true"),
         "providers[0].servers[0].domain_required: only caldav and carddav servers have it"},
        {SERVER("'type': 'jmap', 'url': 'https://h.example/', 'name': 'h.example'"),
         "providers[0].servers[0].name: this type of server is named by a URL"},
        {SERVER("'type': 'jmap', 'url': 'https://h.example/', 'socket_type': 'SSL'"),
         "providers[0].servers[0].socket_type: the beginning of the url says"},
        {SERVER("'type': 'caldav', 'url': 'https://h.example/', 'domain_required': 'perhaps'"),
         "providers[0].servers[0].domain_required: it must be true or false"},
        {SERVER("'type': 'imap', 'name': null"), "providers[0].servers[0].name: "},
        {PROVIDER("'links': [{'kind': 'contact', 'url': 'mailto:nobody'}]"),
         "providers[0].links[0].url: 'mailto:nobody' is no mailto: URL"},
        {PROVIDER("'links': [{'kind': 'contact', 'url': 'mailto:a b@x.example'}]"), "is no mailto: URL"},
        {PROVIDER("'links': ['https://x.example']"), "providers[0].links[0]: it must be an object, and is text"},
        {PROVIDER("'links': [null]"), "providers[0].links[0]: it must be an object, and is null"},
        {PROVIDER("'consents': [true]"), "providers[0].consents[0]: it must be an object, and is true or false"},
        {DOMAIN("'provider': 'x'"), "domains[0].name: this member is missing"},
        {DOMAIN("'name': 'a.example', 'redirect_url': 'http://x.example/'"),
         "domains[0].redirect_url: 'http://x.example/' does not begin with https://"},
        {DOMAIN("'name': 'a.example', 'types_off': ['gopher']"), "domains[0].types_off[0]: type 'gopher' is unknown"},
        {PROVIDER("'domains': [{'name': 'a.example', 'provider': 'x'}]"),
         "providers[0].domains[0].provider: the domain stands in the list of its provider already"},
        {LDAP("'name': 'h.example', 'search_base': 'dc=x'"), "ldapservers[0].id: this member is missing"},
        {LDAP("'id': 1, 'name': 'h.example', 'search_base': 'dc=x'}, {'id': 1, 'name': 'h.example', "
              "'search_base': 'dc=x'"),
         "ldapservers[1].id: another LDAP server has the id 1"},
        {LDAP("'id': 1, 'name': 'h.example', 'search_base': 'dc=x', 'use_ssl': true, 'starttls': 1"),
         "ldapservers[0].starttls: a server with use_ssl has no use for it"},
        {LDAP("'id': 1, 'name': 'h.example', 'search_base': 'dc=x', 'scope': 'all'"),
         "ldapservers[0].scope: scope 'all' is none of sub, one, base"},
        {LDAP("'id': 1, 'name': 'h.example', 'search_base': 'dc=x', 'bind_method': 'magic'"),
         "ldapservers[0].bind_method: bind_method 'magic' is none of simple, external, anonymous"},
        {"{'version': 3, 'ldapservers': [7], 'providers': [{'name': 'x'}]}",
         "ldapservers[0]: it must be an object, and is a number"},
        {"{'version': 2, 'provider': 'x', 'domains': [{'name': 'a.example'}], 'servers': [{'type': 'imap', 'name': "
         "'h.example'}], 'ldapservers': [{'id': 'one', 'name': 'h.example', 'search_base': 'dc=x'}]}",
         "ldapservers[0].id: it must be a whole number"},
    };
    struct fixture *fixture = *state;
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char json[512];
        assert_in_range(snprintf(json, sizeof(json), "%s", rows[i][0]), 1, sizeof(json) - 1);
        for (char *at = json; (at = strchr(at, '\'')) != NULL;)
            *at = '"';
        refused(fixture, i, json, rows[i][1]);
    }
    assert_int_equal(query_number(fixture, "SELECT COUNT(*) FROM sqlite_master"), 0);
}

static const char format_3[] =
    "{\"version\": 3, \"providers\": [{\"name\": \"Big One\", \"organization\": \"Org\", \"servers\": [\"m\", "
    "{\"type\": \"pop3\", \"name\": \"pop.%EMAILDOMAIN%\"}, {\"type\": \"jmap\", \"url\": \"https://j.example/s\"}], "
    "\"links\": [{\"kind\": \"documentation\", \"url\": \"https://doc.example/\", \"language\": \"de\", \"text\": "
    "\"Hilfe\"},"
    "{\"kind\": \"logo\", \"url\": \"https://x.example/l.svg\", \"media_type\": \"image/svg+xml\", \"width\": 64, "
    "\"height\": 32}],"
    "\"consents\": [{\"language\": \"de\", \"text\": \"Ja?\"}], \"oauth2\": {\"issuer\": \"https://id.example\", "
    "\"scope\": \"mail\", \"client_id\": \"c\"}}, {\"name\": \"Second\"}],"
    "\"servers\": [{\"id\": \"m\", \"type\": \"imap\", \"name\": \"imap.example\", \"authentication\": [\"OAuth2\", "
    "\"plain\"]}],"
    "\"ldapservers\": [{\"id\": \"l\", \"name\": \"ldap.example\", \"search_base\": \"dc=x\", \"starttls\": true, "
    "\"ca_file\": \"/ca.pem\", \"scope\": \"one\", \"attr_cn\": null}],"
    "\"domains\": [{\"name\": \"*.example\", \"provider\": \"Big\"}, "
    "{\"name\": \"own.example\", \"provider\": \"Big One\", \"ldapserver\": \"l\", \"types_off\": [\"pop3\"], "
    "\"servers\": ["
    "{\"type\": \"imap\", \"name\": \"own.example\", \"port\": 143}, {\"type\": \"managesieve\", \"name\": "
    "\"s.example\"}]},"
    "{\"name\": \"alias.tld\", \"alias_of\": \"own.example\"}, {\"name\": \"second.tld\", \"provider\": \"Second\", "
    "\"moved_to\": \"own.example\", \"servers\": [\"m\"]}]}";

static void check_format_3(struct fixture *fixture)
{
    const struct domain *domain = find(fixture, "any.example");
    assert_string_equal(domain->provider->short_name, "Big");
    assert_string_equal(domain->provider->organization, "Org");
    assert_string_equal(domain->provider->oauth2->issuer, "https://id.example");
    assert_int_equal(domain->provider->link_count, 2);
    assert_int_equal(domain->provider->links[1].height, 32);
    assert_string_equal(domain->provider->consents[0].language, "de");
    assert_int_equal(domain->server_count, 3);
    assert_int_equal(domain->servers[0].auth[0], AUTH_OAUTH2);
    assert_int_equal(domain->servers[0].auth[1], AUTH_PASSWORD_CLEARTEXT);
    assert_string_equal(domain->servers[1].host, "pop.%EMAILDOMAIN%");
    assert_int_equal(domain->servers[2].type, SERVER_JMAP);

    domain = find(fixture, "alias.tld");
    assert_int_equal(domain->server_count, 3);
    assert_string_equal(domain->servers[0].host, "own.example");
    assert_int_equal(domain->servers[0].security, SECURITY_STARTTLS);
    assert_int_equal(domain->servers[1].type, SERVER_JMAP);
    assert_int_equal(domain->servers[2].type, SERVER_MANAGESIEVE);
    assert_true(domain->ldap->starttls);
    assert_int_equal(domain->ldap->port, 389);
    assert_string_equal(domain->ldap->scope, "one");
    assert_null(domain->ldap->attr_name);
    assert_string_equal(find(fixture, "second.tld")->moved_to, "own.example");
}

static void test_format_3(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    seed(fixture, format_3);
    check_format_3(fixture);
    /* automx2 understands its words only */
    assert_int_equal(query_number(fixture, "SELECT COUNT(*) FROM server WHERE type NOT IN ('imap', 'pop', 'smtp') OR "
                                           "authentication <> 'plain'"),
                     0);
}

/* automx2's own schema holds what automx2's formats say; the daemon does not alter it for more. */
static void test_seed_automx2_schema(void **state)
{
    struct fixture *fixture = *state;
    bool seeded;
    run_sql(fixture, automx2_ddl);
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    assert_int_equal(store_seed(fixture->session, format_3, strlen(format_3), &seeded, &fixture->error),
                     STATUS_REFUSED);
    assert_non_null(strstr(fixture->error.text, "automxctl upgrade"));
    assert_int_equal(query_number(fixture, "SELECT COUNT(*) FROM provider"), 0);
    seed(fixture, NULL);
    must_find(fixture, "example.com", "example.com");
    assert_int_equal(query_number(fixture, "SELECT COUNT(*) FROM sqlite_master WHERE name = 'automxd_schema'"), 0);
}

static const char format_3_ldaps[] =
    "{\"version\": 3, \"ldapservers\": [{\"id\": \"a\", \"name\": \"a.example.com\", \"search_base\": \"dc=x\", "
    "\"bind_user\": \"cn=a\", \"bind_password\": \" blank \"}, {\"id\": 1, \"name\": \"one.example.com\", "
    "\"search_base\": \"dc=x\"}], \"providers\": [{\"name\": \"x\"}], \"domains\": [{\"name\": \"a.tld\", "
    "\"ldapserver\": \"a\"}, {\"name\": \"one.tld\", \"ldapserver\": 1}]}";

/* The id that the file gives is kept, though the first one would get it from the database. */
static void test_ldap_ids(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(open_store(fixture, ""), STATUS_OK);
    seed(fixture, format_3_ldaps);
    const struct domain *domain = find(fixture, "one.tld");
    assert_int_equal(domain->ldap->id, 1);
    assert_string_equal(domain->ldap->hosts, "one.example.com");
    domain = find(fixture, "a.tld");
    assert_string_equal(domain->ldap->hosts, "a.example.com");
    assert_string_equal(domain->ldap->bind_password, " blank ");
}

static void write_accounts(struct fixture *fixture, const char *json)
{
    FILE *file = fopen(fixture->path, "w");
    assert_non_null(file);
    fputs(json, file);
    fclose(file);
}

static void test_accounts_file(void **state)
{
    struct fixture *fixture = *state;
    struct store *second = NULL;
    char line[512];
    snprintf(line, sizeof(line), "accounts = %s", fixture->path);
    write_accounts(fixture, format_3);
    if (open_store(fixture, line) != STATUS_OK)
        fail_msg("%s", fixture->error.text);
    check_format_3(fixture);
    /* a broken file says where, and the store that is open is not touched by it */
    write_accounts(fixture, "{\"version\": 3,\n\"providers\": 1}");
    assert_int_equal(store_open(fixture->settings, &second, &fixture->error), STATUS_INVALID);
    assert_null(second);
    snprintf(line, sizeof(line), "%s:2: providers: it must be a list", fixture->path);
    assert_string_equal(strstr(fixture->error.text, fixture->path), fixture->error.text);
    assert_non_null(strstr(fixture->error.text, line));
    check_format_3(fixture);
    write_accounts(fixture, "{\"version\": 3, \"providers\": [{\"name\": \"x\"}], \"domains\": [\"new.tld\"]}");
    assert_int_equal(store_open(fixture->settings, &second, &fixture->error), STATUS_OK);
    must_miss(fixture, "new.tld");
    store_close(&second);
}

static void test_domain_query(void **state)
{
    struct fixture *fixture = *state;
    run_sql(fixture,
            "CREATE TABLE vmail(domain VARCHAR(255), active INTEGER, owner VARCHAR(64));"
            "INSERT INTO vmail VALUES ('hosted.tld', 1, NULL), ('second.tld', 1, 'Second'), ('off.tld', 0, NULL),"
            "('own.example', 1, 'Second'), ('some.example', 1, 'Second'), ('nobody.tld', 1, 'None')");
    assert_int_equal(open_store(fixture, "domain_provider = Big One\n"
                                         "domain_query = SELECT owner AS provider FROM vmail WHERE domain = :domain "
                                         "AND active = 1"),
                     STATUS_OK);
    seed(fixture, format_3);
    assert_string_equal(find(fixture, "hosted.tld")->provider->name, "Big One");
    assert_int_equal(find(fixture, "hosted.tld")->server_count, 3);
    must_find(fixture, "hosted.tld", "hosted.tld");
    assert_string_equal(find(fixture, "own.example")->provider->name, "Big One"); /* our own row goes before */
    must_find(fixture, "some.example", "some.example");                           /* a wildcard behind */
    must_miss(fixture, "off.tld");
    must_miss(fixture, "nobody.tld");
    must_miss(fixture, "unknown.tld");
    close_store(fixture);
    assert_int_equal(open_store(fixture, "domain_query = SELEC 1 FROM vmail WHERE domain = :domain"), STATUS_INVALID);
}

/* Asked on the users' database, which may be down without our own domains suffering from it. */
static void test_domain_query_elsewhere(void **state)
{
    struct fixture *fixture = *state;
    const struct domain *domain;
    char lines[1024];
    run_sql(fixture, "CREATE TABLE vmail(domain VARCHAR(255)); INSERT INTO vmail VALUES ('hosted.tld')");
    char file[400];
    snprintf(file, sizeof(file), "%s/accounts.json", fixture->directory);
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    fputs("{\"version\": 3, \"providers\": [{\"name\": \"Hoster\", \"servers\": [{\"type\": \"imap\", \"name\": "
          "\"imap.%EMAILDOMAIN%\"}], \"domains\": [\"own.example\", {\"name\": \"*.wild.example\"}]}]}",
          out);
    fclose(out);
    snprintf(lines, sizeof(lines),
             "accounts = %s\ndomain_provider = Hoster\nuser_db_uri = sqlite:///%s\n"
             "domain_query = SELECT 1 FROM vmail WHERE domain = :domain",
             file, fixture->path);
    if (open_store(fixture, lines) != STATUS_OK)
        fail_msg("%s", fixture->error.text);
    must_find(fixture, "own.example", "own.example");
    must_find(fixture, "hosted.tld", "hosted.tld");
    assert_int_equal(find(fixture, "hosted.tld")->server_count, 1);
    must_find(fixture, "a.wild.example", "*.wild.example");
    must_miss(fixture, "other.tld");
    run_sql(fixture, "DROP TABLE vmail");
    assert_int_equal(find_status(fixture, "hosted.tld", &domain), STATUS_BACKEND);
    must_find(fixture, "own.example", "own.example");
    run_sql(fixture, "CREATE TABLE vmail(domain VARCHAR(255)); INSERT INTO vmail VALUES ('new.tld')");
    must_find(fixture, "new.tld", "new.tld");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)
        TEST(test_format_1),
        TEST(test_format_2),
        TEST(test_refusals),
        TEST(test_refusals_of_format_3),
        TEST(test_secrets_untold),
        TEST(test_ldap_ids),
        TEST(test_format_3),
        TEST(test_seed_automx2_schema),
        TEST(test_accounts_file),
        TEST(test_domain_query),
        TEST(test_domain_query_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
