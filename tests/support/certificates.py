"""A certificate authority of the tests' own, for signing profiles."""

import datetime
import os
import subprocess


def openssl(*arguments, **options):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True, **options)


def stamp(days):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return moment.strftime("%Y%m%d%H%M%SZ")


class Authority:
    """Root and intermediate in a directory; issue() makes key and certificate files beside them."""

    def __init__(self, directory):
        self.directory = directory
        self.root = self.path("root.pem")
        self.chain = self.path("chain.pem")
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=Test Root",
                "-keyout", self.path("root.key"), "-out", self.root)
        self.extensions("ca.ext", "basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\n")
        self.extensions("end.ext", "basicConstraints=CA:false\nkeyUsage=digitalSignature\n"
                                   "extendedKeyUsage=serverAuth,emailProtection\n"
                                   "subjectAltName=DNS:autoconfig.example.com\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Test Intermediate",
                "-keyout", self.path("chain.key"), "-out", self.path("chain.csr"))
        self.sign("chain", "root", "ca.ext", -1, 3650)

    def path(self, name):
        return os.path.join(self.directory, name)

    def extensions(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def sign(self, name, issuer, extensions, begins, ends):
        """With "openssl ca", which of all the commands of OpenSSL 3.0 alone takes dates in the past."""
        home = self.path("ca-" + name + str(len(os.listdir(self.directory))))
        os.mkdir(home)
        open(os.path.join(home, "index.txt"), "w", encoding="utf-8").close()
        config = os.path.join(home, "ca.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={home}/index.txt\nnew_certs_dir={home}\nrand_serial=yes\n"
                       "default_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n")
        openssl("ca", "-batch", "-notext", "-config", config, "-cert", self.path(issuer + ".pem"),
                "-keyfile", self.path(issuer + ".key"), "-in", self.path(name + ".csr"), "-out",
                self.path(name + ".pem"), "-extfile", self.path(extensions), "-startdate", stamp(begins),
                "-enddate", stamp(ends))

    def issue(self, name, key="rsa:2048", ends=365, begins=-2, password=None):
        """The paths of the certificate and its key."""
        algorithm = ["-newkey", key] if ":" in key else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:" + key]
        secret = ["-nodes"] if password is None else ["-passout", "pass:" + password]
        openssl("req", *algorithm, *secret, "-subj", "/CN=autoconfig.example.com", "-keyout", self.path(name + ".key"),
                "-out", self.path(name + ".csr"))
        os.chmod(self.path(name + ".key"), 0o600)
        self.sign(name, "chain", "end.ext", begins, ends)
        return self.path(name + ".pem"), self.path(name + ".key")

    def verify(self, body, directory):
        """The content of a signed profile, or None when the signature is wrong."""
        signed, content = os.path.join(directory, "signed"), os.path.join(directory, "content")
        with open(signed, "wb") as file:
            file.write(body)
        done = subprocess.run(["openssl", "cms", "-verify", "-inform", "DER", "-in", signed, "-CAfile", self.root,
                               "-purpose", "any", "-binary", "-out", content], capture_output=True)
        if done.returncode != 0:
            return None
        with open(content, "rb") as file:
            return file.read()
