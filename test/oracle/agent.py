# SPDX-License-Identifier: Apache-2.0
"""User agents with sockets of their own: they send what a scenario says and keep what they get."""
import re
import select
import socket
import time

LIMIT = 20.0  # seconds until a message that a scenario waits for is given up


class Missing(Exception):
    """Something that a scenario waits for did not come."""


class Message:
    """A SIP message as text: start line, header fields in order, body."""

    def __init__(self, text):
        head, _, self.body = text.partition("\r\n\r\n")
        self.start, *lines = head.split("\r\n")
        self.fields = []
        for line in lines:
            name, _, value = line.partition(":")
            self.fields.append([name.strip(), value.strip()])

    def all(self, name):
        return [value for n, value in self.fields if n.lower() == name.lower()]

    def get(self, name):
        return next(iter(self.all(name)), "")

    def set(self, name, value):
        for field in self.fields:
            if field[0].lower() == name.lower():
                field[1] = value
                return self
        self.fields.append([name, value])
        return self

    def add(self, name, value):
        self.fields.append([name, value])
        return self

    def without(self, name):
        self.fields = [f for f in self.fields if f[0].lower() != name.lower()]
        return self

    def copy(self):
        return Message(str(self))

    def __str__(self):
        lines = [self.start] + [f"{n}: {v}" for n, v in self.fields]
        return "\r\n".join(lines) + "\r\n\r\n" + self.body

    @property
    def is_reply(self):
        return self.start.startswith("SIP/2.0 ")

    @property
    def what(self):
        """The method of a request, the status of a reply."""
        return self.start.split(" ")[1 if self.is_reply else 0]

    @property
    def method(self):
        return self.get("CSeq").split(" ")[-1]

    @property
    def uri(self):
        return self.start.split(" ")[1]

    def tag(self, name):
        found = re.search(r";\s*tag=([^;\s]+)", self.get(name))
        return found.group(1) if found else ""


class Agent:
    """One UDP socket on the loopback interface. `received` is all that came, in order."""

    def __init__(self, name, host, server):
        self.name, self.host, self.server = name, host, server
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.port = self.socket.getsockname()[1]
        self.ports = [self.port]  # all that were its
        self.received, self.unread = [], []
        self.branches = 0
        self.domain = ""  # of its users: others reach them there

    def close(self):
        self.socket.close()

    @property
    def address(self):
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def uri(self, user=None):
        return f"sip:{user or self.name}@{self.domain if user and self.domain else self.address}"

    def branch(self):
        self.branches += 1
        return f"z9hG4bK-{self.name}-{self.branches}"

    # ---- sending

    def request(self, method, uri, call="call", number=1, to_tag="", body=""):
        """A request outside or inside the dialog `call`; from- and to-tag are the agents' names."""
        message = Message(f"{method} {uri} SIP/2.0\r\n\r\n")
        message.add("Via", f"SIP/2.0/UDP {self.address};branch={self.branch()}")
        message.add("Max-Forwards", "70")
        message.add("From", f"<{self.uri()}>;tag=from-{self.name}")
        message.add("To", "<sip:peer@example.com>" + (f";tag={to_tag}" if to_tag else ""))
        message.add("Call-ID", f"{call}@oracle")
        message.add("CSeq", f"{number} {method}")
        if method in ("INVITE", "SUBSCRIBE"):
            message.add("Contact", f"<{self.uri()}>")
        if body:
            message.add("Content-Type", "application/sdp")
        message.add("Content-Length", str(len(body)))
        message.body = body
        return message

    def send(self, message):
        self.socket.sendto(str(message).encode(), self.server)
        return message

    def reply(self, request, code, reason, tag=None, body="", contact=True, headers=()):
        message = Message(f"SIP/2.0 {code} {reason}\r\n\r\n")
        for name, value in request.fields:
            if name.lower() in ("via", "from", "to", "call-id", "cseq", "record-route"):
                if name.lower() == "to" and "tag=" not in value and code > 100:
                    value += f";tag={tag or 'to-' + self.name}"
                message.add(name, value)
        if contact and 100 < code < 300 and request.what in ("INVITE", "SUBSCRIBE"):
            message.add("Contact", f"<{self.uri()}>")
        if body:
            message.add("Content-Type", "application/sdp")
        for name, value in headers:
            message.add(name, value)
        message.add("Content-Length", str(len(body)))
        message.body = body
        return self.send(message)

    def cancel(self, invite):
        message = invite.copy().without("Contact").without("Content-Type")
        message.start = message.start.replace("INVITE", "CANCEL", 1)
        message.body = ""
        message.set("CSeq", message.get("CSeq").replace("INVITE", "CANCEL"))
        return self.send(message.set("Content-Length", "0"))

    def ack(self, invite, reply):
        """For a negative reply: in the transaction of the INVITE (RFC 3261 17.1.1.3)."""
        message = invite.copy().without("Contact").without("Content-Type")
        message.start = message.start.replace("INVITE", "ACK", 1)
        message.body = ""
        message.set("CSeq", message.get("CSeq").replace("INVITE", "ACK"))
        message.set("To", reply.get("To"))
        return self.send(message.set("Content-Length", "0"))

    # ---- receiving

    def _read(self, timeout):
        """Takes what is there; false when nothing came in time."""
        if not select.select([self.socket], [], [], timeout)[0]:
            return False
        while select.select([self.socket], [], [], 0)[0]:
            message = Message(self.socket.recv(65535).decode())
            self.received.append(message)
            self.unread.append(message)
        return True

    def expect(self, what, method=None):
        """The next unread message that is `what` (a method or a status); others are passed over."""
        return self._expect((str(what),), method)

    def expect_any(self, *whats):
        """The next that is one of these, where the servers differ."""
        return self._expect([str(what) for what in whats], None)

    def _expect(self, whats, method):
        until = time.monotonic() + LIMIT
        while True:
            for index, message in enumerate(self.unread):
                if message.what in whats and method in (None, message.method):
                    del self.unread[: index + 1]
                    return message
            if not self._read(max(0.0, until - time.monotonic())) and time.monotonic() >= until:
                got = ", ".join(m.start for m in self.received) or "nothing"
                wanted = " or ".join(whats)
                raise Missing(f"{self.name}: no {wanted} {method or ''} came, but {got}")

    def drain(self):
        self._read(0)
