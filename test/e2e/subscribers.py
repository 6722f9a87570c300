#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The configuration for subscribers, and the commands that the README tells them to give."""
import os
import pathlib
import socket
import sqlite3
import subprocess
import sys
import tempfile

import fairlead
from shipped import ROOT, Shipped

sys.path.insert(0, os.path.join(ROOT, "test/install"))
from snippets import files

README = files((pathlib.Path(ROOT) / "README.md").read_text(encoding="utf-8"))
TOOL = os.path.join(os.path.dirname(os.path.dirname(fairlead.BINARY)), "tools/fairlead-cpl")


class Subscribers(Shipped):
    def __init__(self, *flags):
        super().__init__("examples/subscribers.cfg", workers=2)
        self.database = os.path.join(self.path, "subscribers.sqlite")
        self.args += ["-A", f"LISTEN=udp:{self.address}", "-A", f'DATABASE="sqlite:///{self.database}"']
        for flag in flags:
            self.args += ["-A", flag]

    def shell(self, name, folder, expected=(0,), options=""):
        """What the README says under this name, with this server's address in place of the default,
        and on a machine that may not know its own name."""
        text = README[name].replace("127.0.0.1", self.address)
        text = text.replace("build/tools/fairlead-cpl", TOOL)
        text = text.replace("sipsak ", f"sipsak -H 127.0.0.1 {options} ")
        done = subprocess.run(["bash", "-euc", text], cwd=folder, capture_output=True, text=True,
                              timeout=fairlead.DEADLINE, stdin=subprocess.DEVNULL)
        assert done.returncode in expected, done.stdout + done.stderr
        return done.stdout


class Phone:
    def __init__(self, server, user):
        self.server, self.user, self.count = server, user, 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", server.port))
        self.socket.settimeout(fairlead.DEADLINE)
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"

    def send(self, method, uri, to):
        self.count += 1
        self.socket.send((
            f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {self.address};branch=z9hG4bK{self.count}-{self.user}"
            f"\r\nFrom: <sip:{self.user}@{self.server.address}>;tag=1\r\nTo: <sip:{to}@{self.server.address}>"
            f"\r\nCall-ID: {self.user}-{self.count}\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\n"
            f"Contact: <sip:{self.user}@{self.address}>\r\nContent-Length: 0\r\n\r\n").encode())

    def register(self):
        self.send("REGISTER", f"sip:{self.server.address}", self.user)
        return self.receive()

    def call(self, user):
        self.send("INVITE", f"sip:{user}@{self.server.address}", user)

    def receive(self):
        while True:
            text = self.socket.recv(65536).decode()
            if not text.startswith("SIP/2.0 100 "):
                return text


def test_the_commands_of_the_readme():
    with Subscribers() as server, tempfile.TemporaryDirectory() as folder:
        said = server.shell("script", folder)
        assert 'reject with 486 "In a meeting"' in said, said
        assert "SIP/2.0 200 OK" in server.shell("upload", folder)
        anna, boss, bob = (Phone(server, user) for user in ("anna", "boss", "bob"))
        assert anna.register().startswith("SIP/2.0 200 ")
        boss.call("anna")
        assert anna.receive().startswith(f"INVITE sip:anna@{anna.address} SIP/2.0\r\n")
        bob.call("anna")
        assert bob.receive().startswith("SIP/2.0 486 In a meeting\r\n")


def test_a_faulty_script_is_explained():
    with Subscribers() as server, tempfile.TemporaryDirectory() as folder:
        server.shell("script", folder)
        script = pathlib.Path(folder) / "script.cpl"
        script.write_text(script.read_text().replace('status="busy"', 'status="asleep"'))
        said = server.shell("upload", folder, expected=(1,))
        assert "SIP/2.0 400 Bad CPL script" in said and '\n8:18: status "asleep" is ' in said, said


def test_with_passwords():
    with Subscribers("WITH_AUTH") as server, tempfile.TemporaryDirectory() as folder:
        with sqlite3.connect(server.database) as database:
            database.execute("INSERT INTO subscriber (username, domain, password) VALUES ('anna', ?, 's')",
                             ("127.0.0.1",))
        assert Phone(server, "anna").register().startswith("SIP/2.0 401 ")
        server.shell("script", folder)
        # A new user is seen when the table is looked at again.
        fairlead.wait_until(lambda: "SIP/2.0 200 OK" in server.shell(
            "upload", folder, expected=(0, 2), options="-u anna -a s"), "the new user")
        said = server.shell("upload", folder, expected=(2,), options="-u anna -a t")
        assert "SIP/2.0 200 " not in said, said


if __name__ == "__main__":
    fairlead.main(dict(globals()))
