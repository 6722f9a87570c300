# SPDX-License-Identifier: Apache-2.0
"""A WebSocket client of tests (RFC 6455, RFC 7118): does what it is told, right or wrong. It answers
nothing by itself; `context` (an ssl.SSLContext) makes it wss. It knows nothing of the other tests."""
import base64
import collections
import hashlib
import os
import socket
import struct
import time

LIMIT = 20.0  # seconds, for each wait
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
CONTROL = (CLOSE, PING, PONG)
NAMES = {CONTINUATION: "continuation", TEXT: "text", BINARY: "binary", CLOSE: "close", PING: "ping",
         PONG: "pong"}
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3


class Ended(EOFError):
    """The server has closed the connection."""


Frame = collections.namedtuple("Frame", "opcode payload fin rsv masked", defaults=(True, 0, False))


def close_of(frame):
    """(code, reason) of a close frame; (None, "") when it carries none (RFC 6455 5.5.1)."""
    if len(frame.payload) < 2:
        return None, ""
    return struct.unpack("!H", frame.payload[:2])[0], frame.payload[2:].decode()


def accept_of(key):
    """The Sec-WebSocket-Accept that belongs to a Sec-WebSocket-Key (RFC 6455 4.2.2)."""
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def new_key():
    return base64.b64encode(os.urandom(16)).decode()


def masked(payload, mask):
    size = len(payload)
    pattern = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pattern, "big")).to_bytes(size, "big")


def encoded(opcode, payload=b"", fin=True, rsv=0, mask=None, length=None):
    """The bytes of one frame. `mask`: None makes one, b"" leaves the frame unmasked, 4 bytes are
    taken. `length`: how many bytes tell the length (0, 2 or 8), also more than are needed."""
    if isinstance(payload, str):
        payload = payload.encode()
    size = len(payload)
    if length is None:
        length = 0 if size < 126 else 2 if size < 1 << 16 else 8
    mask = os.urandom(4) if mask is None else mask
    short = {0: size, 2: 126, 8: 127}[length]
    told = size.to_bytes(length, "big") if length else b""
    return bytes([(0x80 if fin else 0) | rsv << 4 | opcode, (0x80 if mask else 0) | short]) + \
        told + mask + (masked(payload, mask) if mask else payload)


def decoded(data):
    """The first frame in these bytes and how many it takes; (None, 0) when it is not whole."""
    if len(data) < 2:
        return None, 0
    size, at = data[1] & 0x7F, 2
    if size > 125:
        at += 2 if size == 126 else 8
        size = int.from_bytes(data[2:at], "big")
    begin = at + (4 if data[1] & 0x80 else 0)
    if len(data) < begin + size:
        return None, 0
    mask, payload = data[at:begin], data[begin:begin + size]
    return Frame(data[0] & 0xF, masked(payload, mask) if mask else payload, bool(data[0] & 0x80),
                 data[0] >> 4 & 7, bool(mask)), begin + size


class Response:
    """An HTTP response: `status`, `reason`, `headers` (name and value, in order), `body`."""

    def __init__(self, head, body):
        line, *rest = head.split("\r\n")
        self.line, self.body = line, body
        self.version, status, self.reason = (line.split(" ", 2) + [""])[:3]
        self.status = int(status)
        self.headers = [(name.strip(), value.strip()) for name, _, value in
                        (one.partition(":") for one in rest)]

    def all(self, name):
        return [value for n, value in self.headers if n.lower() == name.lower()]

    def get(self, name):
        return next(iter(self.all(name)), None)

    def __repr__(self):
        return "\r\n".join([self.line, *(f"{n}: {v}" for n, v in self.headers), "", self.body])


class Connection:
    """A TCP or TLS connection to a server. Until `handshake` it speaks HTTP."""

    def __init__(self, port, host="127.0.0.1", context=None, name="localhost", limit=LIMIT):
        self.host, self.port, self.limit = host, port, limit
        self.socket = socket.create_connection((host, port), limit)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_hostname=name)
        self.bytes = b""
        self.pieces = []  # of a message that came in part

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends the connection without a word of WebSocket."""
        self.socket.close()

    @property
    def local_port(self):
        return self.socket.getsockname()[1]

    # ---- bytes

    def send_bytes(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def fill(self, until):
        self.socket.settimeout(max(0.001, until - time.monotonic()))
        try:
            more = self.socket.recv(65536)
        except ConnectionResetError:
            more = b""
        if not more:
            raise Ended(f"closed by the server behind {self.bytes!r}")
        self.bytes += more

    def read(self, size, until):
        while len(self.bytes) < size:
            self.fill(until)
        got, self.bytes = self.bytes[:size], self.bytes[size:]
        return got

    def until(self, limit=None):
        return time.monotonic() + (self.limit if limit is None else limit)

    def is_ended(self, limit=None):
        """Waits for the end; whatever comes before is passed over. False when none comes in time."""
        until = self.until(limit)
        try:
            while True:
                self.fill(until)
        except Ended:
            return True
        except socket.timeout:
            return False

    # ---- HTTP

    def fields(self, **changes):
        """The header fields of a good handshake; `changes` by name with _ for -, None leaves one
        out, a list repeats it."""
        fields = {"Host": f"{self.host}:{self.port}", "Upgrade": "websocket",
                  "Connection": "Upgrade", "Sec-WebSocket-Key": new_key(),
                  "Sec-WebSocket-Version": "13", "Sec-WebSocket-Protocol": "sip"}
        known = {name.lower(): name for name in fields}
        for name, value in changes.items():
            name = name.replace("_", "-")
            fields[known.get(name.lower(), name)] = value
        return fields

    def request(self, method="GET", path="/", version="HTTP/1.1", fields=None, body=""):
        """Sends an HTTP request as it stands; the response is read with `response`."""
        lines = [f"{method} {path} {version}"]
        for name, value in (fields or {}).items():
            for one in value if isinstance(value, (list, tuple)) else [value]:
                if one is not None:
                    lines.append(f"{name}: {one}")
        self.send_bytes("\r\n".join(lines) + "\r\n\r\n" + body)

    def response(self):
        until = self.until()
        while b"\r\n\r\n" not in self.bytes:
            self.fill(until)
        head = self.read(self.bytes.index(b"\r\n\r\n") + 4, until).decode()[:-4]
        found = Response(head, "")
        size = 0 if found.status == 101 else int(found.get("Content-Length") or 0)
        found.body = self.read(size, until).decode()
        return found

    def ask(self, method="GET", path="/", version="HTTP/1.1", **changes):
        """Sends the request of a handshake with these changes; the response."""
        self.request(method, path, version, self.fields(**changes))
        return self.response()

    def handshake(self, path="/", **changes):
        """A handshake that must be accepted, with the right key (RFC 6455 4.1); the response."""
        fields = self.fields(**changes)
        self.request(path=path, fields=fields)
        found = self.response()
        assert found.status == 101, found
        assert found.get("Upgrade").lower() == "websocket", found
        assert found.get("Connection").lower() == "upgrade", found
        assert found.get("Sec-WebSocket-Protocol") == "sip", found
        assert found.all("Sec-WebSocket-Accept") == [accept_of(fields["Sec-WebSocket-Key"])], found
        return found

    # ---- frames

    def send(self, opcode, payload=b"", **how):
        """Sends one frame; `how` as for `encoded`."""
        self.send_bytes(encoded(opcode, payload, **how))

    def send_message(self, payload, pieces=1, opcode=TEXT):
        """Sends a message, in as many frames (RFC 6455 5.4)."""
        payload = payload.encode() if isinstance(payload, str) else payload
        size = len(payload) // pieces + 1
        for n in range(pieces):
            self.send(CONTINUATION if n else opcode, payload[n * size:(n + 1) * size],
                      fin=n == pieces - 1)

    def send_close(self, code=1000, reason=""):
        """Sends a close frame; without a payload when the code is None."""
        self.send(CLOSE, b"" if code is None else struct.pack("!H", code) + reason.encode())

    def frame(self, limit=None):
        """The next frame, of any kind. When it does not come in time, nothing of it is lost."""
        until = self.until(limit)
        while True:
            found, size = decoded(self.bytes)
            if found:
                self.bytes = self.bytes[size:]
                return found
            self.fill(until)

    def message(self, limit=None):
        """The next frame or whole message: pieces are joined, control frames come as they are."""
        until = self.until(limit)
        while True:
            got = self.frame(until - time.monotonic())
            assert not got.masked and got.rsv == 0, f"what a server must not send: {got}"
            if got.opcode in CONTROL:
                return got
            assert bool(self.pieces) == (got.opcode == CONTINUATION), f"out of order: {got}"
            self.pieces.append(got)
            if got.fin:
                whole = Frame(self.pieces[0].opcode, b"".join(one.payload for one in self.pieces))
                self.pieces = []
                return whole

    def expect(self, opcode, limit=None):
        """The payload of the next frame or message, which must be of this kind."""
        got = self.message(limit)
        assert got.opcode == opcode, f"{NAMES[opcode]} was to come, but {got}"
        return got.payload

    def expect_close(self, limit=None):
        """(code, reason) of the close frame that must come next."""
        got = self.message(limit)
        assert got.opcode == CLOSE, f"a close frame was to come, but {got}"
        return close_of(got)
