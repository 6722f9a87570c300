# SPDX-License-Identifier: Apache-2.0
"""An authority and certificates of it, made by openssl for one test run."""
import os
import subprocess
import tempfile


def run(*words, text=None):
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, input=text, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Certificates:
    """Files in a folder of their own: ca.pem, and for each name NAME.pem (certificate and key)."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="fairlead-certificates-")
        os.chmod(self.directory.name, 0o755)
        self.path = self.directory.name
        self.authority("ca")

    def file(self, name):
        return os.path.join(self.path, name)

    def authority(self, name):
        run("req", "-x509", *self.new_key(name + ".key"), "-out", self.file(name + ".pem"), "-days",
            "2", "-subj", f"/CN={name} of a test", "-addext", "basicConstraints=critical,CA:TRUE")

    def new_key(self, name):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                self.file(name))

    def make(self, name, subject=None, names=None, authority="ca"):
        """The path of a certificate with its key behind it."""
        path = self.file(name + ".pem")
        names = names or f"DNS:{name}"
        run("req", "-x509", *self.new_key(name + ".key"), "-out", path, "-days", "2", "-subj",
            subject or f"/CN={name}", "-addext", "basicConstraints=critical,CA:FALSE", "-addext",
            f"subjectAltName={names}",
            *([] if authority is None else self.signed_by(authority)))
        with open(path, "a") as out, open(self.file(name + ".key")) as key:
            out.write(key.read())
        return path

    def signed_by(self, authority):
        return ("-CA", self.file(authority + ".pem"), "-CAkey", self.file(authority + ".key"))
