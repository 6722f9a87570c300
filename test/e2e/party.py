# SPDX-License-Identifier: Apache-2.0
"""A user agent of tests of subscribers' scripts."""
import os
import re
import signal
import socket

import fairlead
from fairlead import Client, wait_until


class Party(Client):
    """A user agent: uploads scripts, calls and is called."""

    def __init__(self, port):
        super().__init__(port)
        # Answers of the other socket of a worker must come through too.
        address = self.socket.getsockname()
        self.socket.close()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(fairlead.DEADLINE)
        self.server = ("127.0.0.1", port)
        self.port = address[1]

    def send(self, **kwargs):
        self.socket.sendto(self.message(**kwargs), self.server)

    def upload(self, user, script, action="store"):
        self.send_upload(user, script, action)
        return self.receive()

    def send_upload(self, user, script, action="store"):
        text = self.message(method="REGISTER", user=user).decode()
        lines = f"Content-Type: application/cpl+xml\r\nContent-Disposition: script;action={action}\r\n"
        text = text.replace("Content-Length: 0", f"{lines}Content-Length: {len(script)}") + script
        self.socket.sendto(text.encode(), self.server)

    def download(self, user):
        text = self.message(method="REGISTER", user=user).decode()
        text = text.replace("Content-Length", "Accept: application/cpl+xml\r\nContent-Length")
        self.socket.sendto(text.encode(), self.server)
        return self.receive().split("\r\n\r\n", 1)[1]

    def receive(self):
        return self.socket.recv(65536).decode()

    def take(self, count, wanted, ignored=()):
        """The first message of each of `count` calls that begins like `wanted`, by Call-ID."""
        found = {}
        while len(found) < count:
            text = self.receive()
            if text.startswith(wanted):
                found.setdefault(re.search(r"\r\nCall-ID: (\S+)", text)[1], text)
            else:
                assert text.startswith(("SIP/2.0 1", *ignored)), text
        return found

    def reply(self, request, line):
        head = [h for h in request.split("\r\n\r\n")[0].split("\r\n")[1:]
                if h.lower().startswith(("via:", "from:", "call-id:", "cseq:"))]
        to = re.search(r"\r\n(To: [^\r]*)", request)[1] + f";tag={self.port}"
        text = "\r\n".join([f"SIP/2.0 {line}", *head, to, "Content-Length: 0"]) + "\r\n\r\n"
        self.socket.sendto(text.encode(), self.server)


def kill_workers(server):
    """Kills all processes but the main one, and waits for others."""
    before = set(server.workers())
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(set(server.workers()) - before) == len(before), "other processes")
