# SPDX-License-Identifier: Apache-2.0
"""A WebSocket client of end-to-end tests: frames as the test wants them, right or wrong, and a little
SIP, over websocket_client."""
import os
import ssl
import struct

import fairlead
import websocket_client as wire
from websocket_client import BINARY, CLOSE, PING, PONG, TEXT  # noqa: F401 (the tests take them here)

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 1.3
HEADERS = {"Host": "127.0.0.1", "Upgrade": "websocket", "Connection": "Upgrade",
           "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13", "Sec-WebSocket-Protocol": "sip"}


def frame(opcode, payload=b"", final=True, mask=b"\x11\x22\x33\x44", reserved=0):
    return wire.encoded(opcode, payload, fin=final, rsv=reserved, mask=mask or b"")


class Connection:
    """Bytes over TCP or TLS, and HTTP on them."""

    def __init__(self, port, secure=False):
        context = None
        if secure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.wire = wire.Connection(port, context=context, limit=fairlead.DEADLINE)

    def send(self, data):
        self.wire.send_bytes(data)

    def answer(self):
        """The next HTTP answer: status, headers in lower case, body."""
        got = self.wire.response()
        return got.status, {name.lower(): value for name, value in got.headers}, got.body.encode()

    def ask(self, method="GET", target="/", headers=None, body=b"", version="HTTP/1.1"):
        self.wire.request(method, target, version, headers, body.decode())
        return self.answer()

    def is_closed(self):
        """Waits for the end; True when nothing came before it."""
        try:
            self.wire.fill(self.wire.until())
        except wire.Ended:
            return True
        return False

    def close(self):
        self.wire.close()


class WebSocket(Connection):
    def __init__(self, port, secure=False, target="/"):
        super().__init__(port, secure)
        self.count = 0
        self.wire.handshake(target)
        self.name = f"{os.getpid():x}{id(self):x}.invalid"
        self.transport = "WSS" if secure else "WS"

    def frame(self):
        """The next one: opcode and payload."""
        got = self.wire.frame()
        assert got.fin and not got.masked and got.rsv == 0, "whole and not masked"
        return got.opcode, got.payload

    def message(self):
        """The next SIP message."""
        opcode, payload = self.frame()
        assert opcode in (TEXT, BINARY), (opcode, payload)
        return payload.decode()

    def closed(self):
        """The status of the Close that comes next."""
        opcode, payload = self.frame()
        assert opcode == CLOSE, (opcode, payload)
        return struct.unpack(">H", payload[:2])[0] if payload else None

    def put(self, text, opcode=TEXT):
        self.send(frame(opcode, text.encode()))

    def request(self, method="OPTIONS", uri="sip:ping@127.0.0.1", user="w", more="", body=""):
        self.count += 1
        mark = f"{self.name}-{self.count}"
        return (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{self.transport} {self.name};"
                f"branch=z9hG4bK{mark}\r\nFrom: <sip:{user}@127.0.0.1>;tag=1\r\nTo: <{uri}>\r\n"
                f"Call-ID: {mark}\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\n{more}\r\n{body}")

    def register(self, user):
        contact = f"Contact: <sip:{user}@{self.name};transport=ws>\r\nExpires: 600\r\n"
        text = self.request("REGISTER", "sip:127.0.0.1", user, contact)
        self.put(text.replace("To: <sip:127", f"To: <sip:{user}@127"))
        answer = self.message()
        assert answer.startswith("SIP/2.0 200"), answer

    def reply(self, request, line="200 OK"):
        self.put(reply_to(request, line))


def reply_to(request, line="200 OK"):
    head = [h for h in request.split("\r\n\r\n")[0].split("\r\n")[1:]
            if h.lower().startswith(("via:", "from:", "to:", "call-id:", "cseq:", "record-route:"))]
    return "\r\n".join([f"SIP/2.0 {line}", *head, "Content-Length: 0"]) + "\r\n\r\n"
