"""A real slapd: TLS, binds, odd entries, and servers that stop, freeze and come back."""

import os

import pytest

from support.databases import Slapd, slapd
from support.people import People

BASE = Slapd.base


def entry(uid, **attributes):
    lines = [f"dn: uid={uid},ou=people,{BASE}", "objectClass: inetOrgPerson", f"uid: {uid}", "sn: x"]
    values = {"cn": f"Name of {uid}", "mail": f"{uid}@example.com", **attributes}
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            lines.append(f"{name}:{'' if one.startswith(':') else ' '}{one}")
    return "\n".join(lines) + "\n\n"


LDIF = (f"dn: ou=people,{BASE}\nobjectClass: organizationalUnit\nou: people\n\n"
        + entry("u123", mail="jane.doe+x@example.com", cn=["Jane Doe", "Doe, Jane"])
        + entry("one", mail="twice@example.com") + entry("two", mail="twice@example.com")
        + entry("three", mail="thrice@example.com") + entry("four", mail="thrice@example.com")
        + entry("five", mail="thrice@example.com")
        + entry("umlaut", cn=": SsO2cmcgTcO8bGxlcg==")
        + entry("control", cn=": bGluZQpmZWVk", mail="control@example.com")
        + entry("u999", mail="nodisplay@example.com", displayName="Display")
        + entry("star", mail="*@example.com")
        # What Active Directory adds to searches at the top: references to other partitions.
        + f"dn: dc=forest,{BASE}\nobjectClass: referral\nobjectClass: extensibleObject\ndc: forest\n"
          f"ref: ldap://127.0.0.1:1/dc=forest,{BASE}\n\n"
        + "".join(entry(f"many{i}") for i in range(10000)))


@pytest.fixture(scope="module")
def server():
    with slapd(ldif=LDIF, tls=True) as running:
        yield running


def ask_server(server, **fields):
    """Threads that share the connections of one row of ldapserver."""
    if "ca" in fields:
        fields["ca_file"] = fields.pop("ca")
    return People(**{"hosts": "127.0.0.1", "port": server.port, "base": BASE, **fields})


def admin(**fields):
    return {"bind_dn": Slapd.admin, "bind_password": Slapd.password, **fields}


def test_login_and_first_name(server):
    with ask_server(server, **admin()) as session:
        assert session.finds()[3] in ("Jane Doe", "Doe, Jane")
        assert session.finds("umlaut", "umlaut")[3] == "Jörg Müller"
        assert session.finds("many7777", "many7777")[3] == "Name of many7777"


def test_anonymous(server):
    for fields in ({}, {"bind_method": "anonymous"}, admin(bind_method="anonymous")):
        with ask_server(server, **fields) as session:
            session.finds()


def test_nobody_and_several(server):
    with ask_server(server, **admin()) as session:
        assert session.ask("nobody")[0] == "not_found"
        for address in ("twice", "thrice"):
            assert session.ask(address)[:1] + session.ask(address)[2:] == ("not_found", "", "", "")


def test_metacharacters_are_values(server):
    with ask_server(server, **admin()) as session:
        for address in ("*", "*)(uid=*", "jane*", "jane.doe+x@example.com)(|(uid=*", "\\2a", "a)(b", "("):
            expected = ("ok", "star") if address == "*" else ("not_found", "")
            answer = session.ask(address)
            assert (answer[0], answer[2]) == expected, address


def test_values_that_are_no_text_are_absent(server):
    with ask_server(server, **admin()) as session:
        assert session.finds("control", "control")[3] == ""
        session.close()
        assert session.stderr.count("attribute cn of some entries is no plain text") == 1
        assert "control@" not in session.stderr


def test_missing_attributes_are_absent(server):
    with ask_server(server, **admin(attr_login="employeeNumber", attr_name="displayName")) as session:
        assert session.ask("nodisplay")[:1] + session.ask("nodisplay")[2:] == ("ok", "", "Display", "")
        assert session.ask("jane.doe+x")[3] == ""


def test_scope(server):
    people = f"ou=people,{BASE}"
    for base, scope, found in ((BASE, "one", False), (people, "one", True), (people, "base", False),
                               (f"uid=u123,{people}", "base", True), (BASE, "sub", True)):
        with ask_server(server, **admin(base=base, scope=scope)) as session:
            assert (session.ask("jane.doe+x")[0] == "ok") == found, (base, scope)


def test_missing_base_finds_nobody_and_says_so_once(server):
    with ask_server(server, **admin(base="dc=nowhere,dc=com")) as session:
        for _ in range(3):
            assert session.ask("jane.doe+x")[0] in ("not_found", "backend")


def test_broken_filter_is_a_failure(server):
    with ask_server(server, **admin(filter="(mail={0}")) as session:
        assert "filter" in session.fails().lower()


def test_tls(server):
    ca = server.certificates.ca
    for fields in ({"tls": "yes", "port": server.tls_port}, {"starttls": "yes"},
                   {"hosts": f"ldaps://127.0.0.1:{server.tls_port}"},
                   {"hosts": f"127.0.0.1:{server.port}", "port": 1, "starttls": "yes"}):
        with ask_server(server, **admin(ca=ca, **fields)) as session:
            session.finds()
        with ask_server(server, **admin(ca=server.certificates.other_ca, **fields)) as session:
            assert "certificate" in session.fails()
        # The system's list does not have the tests' CA.
        with ask_server(server, **admin(**fields)) as session:
            session.fails()
        with ask_server(server, **admin(ca="/nowhere/ca.pem", **fields)) as session:
            session.fails()
        with ask_server(server, **admin(verify="no", **fields)) as session:
            session.finds()
            session.finds()
            session.close()
            assert session.stderr.count("the certificate is not checked") == 1


def test_certificate_of_another_name_is_refused(server):
    """127.0.0.2 reaches the same server, under a name that its certificate does not have."""
    with ask_server(server, **admin(ca=server.certificates.ca, tls="yes", hosts="127.0.0.2", port=server.tls_port)) as session:
        session.fails()


def test_starttls_is_never_left_out():
    with slapd(ldif=LDIF[:600].rsplit("\n\n", 1)[0] + "\n\n") as plain:
        with ask_server(plain, **admin(starttls="yes", verify="no")) as session:
            assert "StartTLS" in session.fails()


def test_credentials(server, tmp_path):
    with ask_server(server, **admin(bind_password="Wr0ngPassw0rd")) as session:
        error = session.fails()
        assert "Invalid credentials" in error and "Wr0ngPassw0rd" not in error
        # Not asked again at once: directories lock accounts after a few wrong passwords.
        assert "a moment ago" in session.fails()
    with ask_server(server, bind_dn=Slapd.admin) as session:
        assert "bind_password" in session.fails()
    password = tmp_path / "password"
    password.write_text(Slapd.password + "\n")
    password.chmod(0o600)
    with ask_server(server, **admin(bind_password=f"file:{password}")) as session:
        session.finds()
    password.chmod(0o644)
    with ask_server(server, **admin(bind_password=f"file:{password}")) as session:
        assert "chmod" in session.fails()


def test_external_bind_over_the_socket_file(server):
    url = "ldapi://" + server.directory.replace("/", "%2F") + "%2Fldapi"
    os.chmod(os.path.join(server.directory, "ldapi"), 0o777)
    with ask_server(server, hosts=url, bind_method="external") as session:
        session.finds()


def test_second_host_answers(server):
    ok = f"127.0.0.1:{server.port}"
    for hosts in (f"127.0.0.1:1 {ok}", f"127.0.0.1:1,{ok}", f"127.0.0.1:1, {ok}", f"[::1]:1 {ok}"):
        with ask_server(server, **admin(hosts=hosts)) as session:
            session.finds()
            session.finds()
            session.close()
            assert session.stderr.count("WARNING") == 1


def test_frozen_first_host_leaves_time_for_the_second(server):
    with slapd(ldif=LDIF[:600].rsplit("\n\n", 1)[0] + "\n\n") as frozen:
        with ask_server(server, **admin(hosts=f"127.0.0.1:{frozen.port} 127.0.0.1:{server.port}")) as session:
            frozen.freeze()
            try:
                assert session.finds()[1] >= 300
                # From now on it is left alone.
                assert session.finds()[1] < 300
            finally:
                frozen.thaw()


def test_stopped_and_started(server):
    with ask_server(server, **admin()) as session:
        session.finds()
        server.kill()
        try:
            session.fails()
            assert session.ask("jane.doe+x")[1] < 200
        finally:
            server.start()
        session.recovers()


def test_restart_between_two_questions_is_not_noticed(server):
    with ask_server(server, **admin()) as session:
        assert [answer[0] for answer in session.ask("jane.doe+x", threads=6)] == ["ok"] * 6
        server.kill()
        server.start()
        assert [answer[0] for answer in session.ask("jane.doe+x", threads=6)] == ["ok"] * 6
        session.close()
        assert "WARNING" not in session.stderr


@pytest.mark.parametrize("way", ["plain", "ldaps", "starttls"])
@pytest.mark.parametrize("kept", [True, False], ids=["kept", "new"])
def test_frozen(server, way, kept):
    fields = {"plain": {}, "ldaps": {"tls": "yes", "port": server.tls_port}, "starttls": {"starttls": "yes"}}[way]
    with ask_server(server, **admin(ca=server.certificates.ca, **fields)) as session:
        if kept:
            session.finds()
        server.freeze()
        used = session.cpu_seconds()
        try:
            session.fails()
            session.fails()
            # Waiting is not turning in a loop, which libldap's handshake would do by itself.
            assert session.cpu_seconds() - used < 0.4
        finally:
            server.thaw()
        session.recovers()


def test_neither_memory_nor_descriptors_grow(server):
    with ask_server(server, **admin(ca=server.certificates.ca, starttls="yes")) as session:
        session.ask("nobody")
        descriptors, resident = session.descriptors(), None
        for round_number in range(40):
            for answer in session.ask("jane.doe+x", threads=8):
                assert answer[0] == "ok"
            session.ask("twice")
            session.ask("nobody")
            if round_number == 10:
                resident = session.resident_kib()
        # One connection was there already; eight are kept at most.
        assert session.descriptors() <= descriptors + 7
        assert session.resident_kib() < resident + 4096
