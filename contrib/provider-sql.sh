#!/bin/sh
# provider-sql.sh - prints the SQL for one provider with one domain, for automxd's and automx2's tables alike:
#
#     DOMAIN=example.com PROVIDER='Example Inc.' contrib/provider-sql.sh | sqlite3 -bail /var/lib/automxd/db.sqlite
#
# Further variables, with what stands for them when they are not set:
#     SHORT_NAME  first word of PROVIDER     IMAP     imap.DOMAIN     POP      (none)
#     SMTP        smtp.DOMAIN                CALDAV   (none), a URL   CARDDAV  (none), a URL
#     LOGIN       %EMAILADDRESS% (or %EMAILLOCALPART%)
# A host may carry a port: SMTP=mail.example.com:587. 993, 995 and 465 are TLS from the start, other ports STARTTLS.
# "-bail" makes sqlite3 stop, and undo everything, when the domain is there already. It works with psql
# (-v ON_ERROR_STOP=1) and mariadb as well.
set -eu

fail() {
    echo "provider-sql.sh: $1" >&2
    exit 2
}

[ $# -eq 0 ] || fail "it takes no arguments but variables: DOMAIN=example.com PROVIDER='Example Inc.' $0"
[ -n "${DOMAIN:-}" ] || fail "set DOMAIN, for example DOMAIN=example.com"
# MariaDB takes a backslash for the beginning of an escape, so none is let through.
case "$DOMAIN${PROVIDER:-}${SHORT_NAME:-}${LOGIN:-}${IMAP:-}${POP:-}${SMTP:-}${CALDAV:-}${CARDDAV:-}" in
*\\* | *'
'*) fail "a backslash or a line break is in one of the variables" ;;
esac
DOMAIN=$(printf '%s' "$DOMAIN" | tr '[:upper:]' '[:lower:]')
PROVIDER=${PROVIDER:-$DOMAIN}
SHORT_NAME=${SHORT_NAME:-${PROVIDER%% *}}
LOGIN=${LOGIN:-%EMAILADDRESS%}
IMAP=${IMAP-imap.$DOMAIN}
SMTP=${SMTP-smtp.$DOMAIN}

# A text as SQL writes it.
quote() {
    printf "'%s'" "$(printf '%s' "$1" | sed "s/'/''/g")"
}

# server TYPE HOST[:PORT] PORT
server() {
    [ -n "$2" ] || return 0
    host=${2%:*} port=${2##*:}
    [ "$host" != "$2" ] || port=$3
    case $port in
    '' | *[!0-9]*) fail "$port is no port number: $2" ;;
    465 | 993 | 995) security=SSL ;;
    *) security=STARTTLS ;;
    esac
    cat <<SQL
INSERT INTO server (type, name, port, socket_type, user_name, authentication)
    VALUES ('$1', $(quote "$host"), $port, '$security', $(quote "$LOGIN"), 'plain');
INSERT INTO server_domain (server_id, domain_id)
    VALUES ((SELECT MAX(id) FROM server), (SELECT id FROM domain WHERE name = $(quote "$DOMAIN")));
SQL
}

# dav TYPE URL
dav() {
    [ -n "$2" ] || return 0
    case $2 in
    https://?*) ;;
    *) fail "$2 does not begin with https://" ;;
    esac
    cat <<SQL
INSERT INTO davserver (type, url, port, use_ssl, domain_required, user_name)
    VALUES ('$1', $(quote "$2"), 0, '1', '1', $(quote "$LOGIN"));
INSERT INTO davserver_domain (davserver_id, domain_id)
    VALUES ((SELECT MAX(id) FROM davserver), (SELECT id FROM domain WHERE name = $(quote "$DOMAIN")));
SQL
}

sql=$(
    cat <<SQL
BEGIN;
INSERT INTO provider (name, short_name) VALUES ($(quote "$PROVIDER"), $(quote "$SHORT_NAME"));
INSERT INTO domain (name, provider_id) VALUES ($(quote "$DOMAIN"), (SELECT MAX(id) FROM provider));
SQL
    server imap "$IMAP" 993
    server pop "${POP:-}" 995
    server smtp "$SMTP" 465
    dav caldav "${CALDAV:-}"
    dav carddav "${CARDDAV:-}"
    echo "COMMIT;"
) || exit $?
printf '%s\n' "$sql"
