# SPDX-License-Identifier: Apache-2.0
"""A WebSocket client of tests: frames as the test wants them, right or wrong, and a little SIP."""
import os
import socket
import ssl
import struct

import fairlead

KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 1.3
HEADERS = {"Host": "127.0.0.1", "Upgrade": "websocket", "Connection": "Upgrade",
           "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13", "Sec-WebSocket-Protocol": "sip"}
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(opcode, payload=b"", final=True, mask=b"\x11\x22\x33\x44", reserved=0):
    first = (0x80 if final else 0) | reserved << 4 | opcode
    size = len(payload)
    length = (bytes([size]) if size < 126 else b"\x7e" + struct.pack(">H", size) if size < 65536
              else b"\x7f" + struct.pack(">Q", size))
    if mask is None:
        return bytes([first]) + length + payload
    masked = bytes(c ^ mask[i % 4] for i, c in enumerate(payload))
    return bytes([first, length[0] | 0x80]) + length[1:] + mask + masked


class Connection:
    """Bytes over TCP or TLS, and HTTP on them."""

    def __init__(self, port, secure=False):
        self.socket = socket.create_connection(("127.0.0.1", port), fairlead.DEADLINE)
        if secure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)
        self.socket.settimeout(fairlead.DEADLINE)
        self.bytes = b""

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def fill(self):
        more = self.socket.recv(65536)
        if not more:
            raise EOFError
        self.bytes += more

    def read(self, size):
        while len(self.bytes) < size:
            self.fill()
        got, self.bytes = self.bytes[:size], self.bytes[size:]
        return got

    def answer(self):
        """The next HTTP answer: status, headers in lower case, body."""
        while b"\r\n\r\n" not in self.bytes:
            self.fill()
        lines = self.read(self.bytes.index(b"\r\n\r\n") + 4).decode().split("\r\n")
        headers = dict((part.strip() for part in line.split(":", 1)) for line in lines[1:] if line)
        headers = {name.lower(): value for name, value in headers.items()}
        return int(lines[0].split()[1]), headers, self.read(int(headers.get("content-length", 0)))

    def ask(self, method="GET", target="/", headers=None, body=b"", version="HTTP/1.1"):
        lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        self.send(f"{method} {target} {version}\r\n{lines}\r\n".encode() + body)
        return self.answer()

    def is_closed(self):
        """Waits for the end; True when nothing came before it."""
        try:
            self.fill()
        except (EOFError, ConnectionError):
            return True
        return False

    def close(self):
        self.socket.close()


class WebSocket(Connection):
    def __init__(self, port, secure=False, target="/"):
        super().__init__(port, secure)
        self.count = 0
        status, headers, _ = self.ask(target=target, headers=HEADERS)
        assert status == 101 and headers["sec-websocket-accept"] == ACCEPT, (status, headers)
        assert headers["sec-websocket-protocol"] == "sip", headers
        self.name = f"{os.getpid():x}{id(self):x}.invalid"
        self.transport = "WSS" if secure else "WS"

    def frame(self):
        """The next one: opcode and payload."""
        first, second = self.read(2)
        assert first & 0x80 and not second & 0x80, "whole and not masked"
        size = second
        if size == 126:
            size, = struct.unpack(">H", self.read(2))
        elif size == 127:
            size, = struct.unpack(">Q", self.read(8))
        return first & 15, self.read(size)

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
