"""Every command and configuration of the README does what the README says."""

import json
import os
import re
import signal
import subprocess

from support.daemon import AUTOMXD, BUILD, RELEASE_BUILD, ROOT, Daemon, free_port


def readme():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        return file.read()


def block(language):
    found = re.findall(r"```" + language + r"\n(.*?)```", readme(), re.DOTALL)
    assert len(found) == 1, found
    return re.sub(r"^ {3}", "", found[0], flags=re.MULTILINE)


def test_make_run_prints_the_command_of_the_readme_and_it_works(tmp_path):
    """make run without its package check: tools/run is all it does after the build."""
    command = "curl 'http://127.0.0.1:4243/mail/config-v1.1.xml?emailaddress=user@example.com'"
    assert command in readme()
    with open(os.path.join(ROOT, "Makefile"), encoding="utf-8") as file:
        assert "tools/run $(BUILD) $(HOST) $(PORT)" in file.read()
    port = free_port()
    log = tmp_path / "log"
    with open(log, "wb") as output:
        process = subprocess.Popen(["tools/run", os.path.relpath(BUILD, ROOT), "127.0.0.1", str(port)], cwd=ROOT,
                                   stdout=output, stderr=output)
    try:
        shown = command.replace("4243", str(port))
        answer = subprocess.run(shown + " --silent --show-error --fail --retry 50 --retry-connrefused --retry-delay 1",
                                shell=True, capture_output=True, text=True, timeout=60)
        assert answer.returncode == 0, answer.stderr + log.read_text()
        assert "<clientConfig" in answer.stdout and "<domain>example.com</domain>" in answer.stdout
        assert shown in log.read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_the_small_sites_two_files(tmp_path):
    accounts = tmp_path / "accounts.json"
    accounts.write_text(block("json"), encoding="utf-8")
    config = block("ini").replace("/etc/automxd/accounts.json", str(accounts))
    with Daemon(config) as daemon:
        for domain in ("example.com", "example.net", "sales.example.org"):
            answer = daemon.autoconfig("jane@" + domain)
            assert answer.status == 200 and f"<domain>{domain}</domain>" in answer.text
            assert "<hostname>imap.example.com</hostname>" in answer.text
            assert '<calendar type="caldav">' in answer.text
        assert daemon.autoconfig("jane@example.edu").status == 404
    path = tmp_path / "automx2.conf"
    path.write_text(config, encoding="utf-8")
    check = subprocess.run([AUTOMXD, "--config", str(path), "--check-config"], capture_output=True, text=True)
    assert check.returncode == 0, check.stderr


def test_check_config_names_line_and_reason(tmp_path):
    accounts = tmp_path / "accounts.json"
    accounts.write_text(block("json").replace('"imap.example.com"}', '"imap.example.com", "prot": 1}'), encoding="utf-8")
    path = tmp_path / "automx2.conf"
    path.write_text(block("ini").replace("/etc/automxd/accounts.json", str(accounts)), encoding="utf-8")
    check = subprocess.run([AUTOMXD, "--config", str(path), "--check-config"], capture_output=True, text=True)
    assert check.returncode == 2
    line = next(number for number, text in enumerate(accounts.read_text().splitlines(), 1) if "prot" in text)
    assert re.search(rf"accounts\.json:{line}\b", check.stderr) and "prot" in check.stderr and "port" in check.stderr


def test_make_install(tmp_path):
    """What step 1 says is installed, with every file that the README and the manual name."""
    subprocess.run(["meson", "install", "--no-rebuild", "-C", RELEASE_BUILD, "--destdir", str(tmp_path / "root")],
                   check=True, capture_output=True)
    root = tmp_path / "root"
    for path in ("bin/automxd", "bin/automxctl", "share/man/man8/automxd.8", "share/man/man5/automxd.conf.5",
                 "share/man/man1/automxctl.1", "lib/systemd/system/automxd.service", "share/automxd/nginx/automxd.conf",
                 "share/automxd/automxd.conf.sample", "share/automxd/examples/accounts.json",
                 "share/automxd/queries/postfixadmin.conf", "share/automxd/provider-sql.sh"):
        assert (root / "usr/local" / path).exists(), path
    modules = {path.name: path.parent for path in root.glob("usr/local/lib/**/automxd/*.so")}
    assert set(modules) == {"ldap.so", "mariadb.so", "postgresql.so", "signer.so"}
    installed = f"/{modules['postgresql.so'].relative_to(root)}/postgresql.so"  # but for the destdir
    if not os.path.exists(installed):
        config = tmp_path / "a.conf"
        config.write_text("[automx2]\ndb_uri = postgresql://127.0.0.1/x\n", encoding="utf-8")
        for program, *words in (("automxd",), ("automxctl", "lookup", "example.com")):
            done = subprocess.run([root / "usr/local/bin" / program, *words, "--config", config], capture_output=True,
                                  text=True)
            assert done.returncode == 2 and f"({installed}: cannot open" in done.stderr
    unit = (root / "usr/local/lib/systemd/system/automxd.service").read_text()
    assert "ExecStart=/usr/local/bin/automxd\n" in unit


def test_links_of_the_readme_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", readme()):
        assert target.startswith("http") or os.path.exists(os.path.join(ROOT, target)), target


def test_provider_sql(tmp_path):
    with Daemon(seed={"provider": "Example Inc.", "domains": ["example.com"],
                      "servers": [{"type": "imap", "name": "imap.example.com"}]}) as daemon:
        script = subprocess.run([os.path.join(ROOT, "contrib/provider-sql.sh")], capture_output=True, text=True,
                                env={**os.environ, "PROVIDER": "O'Neill & Co", "DOMAIN": "oneill.example"}, check=True)
        subprocess.run(["sqlite3", daemon.database], input=script.stdout, text=True, check=True)
        answer = daemon.autoconfig("a@oneill.example")
        assert answer.status == 200 and "<displayName>O&apos;Neill &amp; Co</displayName>" in answer.text.replace("&#39;", "&apos;").replace("O'N", "O&apos;N")


def test_sample_configuration(tmp_path):
    with open(os.path.join(ROOT, "contrib/automxd.conf.sample"), encoding="utf-8") as file:
        text = file.read()
    text = text.replace("/var/lib/automxd/db.sqlite", str(tmp_path / "db.sqlite"))
    with Daemon(text) as daemon:
        assert daemon.get("/healthz").status == 200
        assert daemon.get("/initdb/").status == 403


def test_example_accounts_fit_their_schema():
    import jsonschema

    with open(os.path.join(ROOT, "examples/accounts.schema.json"), encoding="utf-8") as file:
        schema = json.load(file)
    with open(os.path.join(ROOT, "examples/accounts.json"), encoding="utf-8") as file:
        jsonschema.validate(json.load(file), schema)
    jsonschema.validate(json.loads(block("json")), schema)
