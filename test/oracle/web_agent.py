# SPDX-License-Identifier: Apache-2.0
"""An agent in a browser's place: HTTP and SIP over one WebSocket connection. HTTP responses, control
frames and the end of the connection are among what it received."""
import select
import socket
import time

import websocket_client
from agent import Agent, Message, Missing

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # of RFC 6455 1.3: the answer to it is the same always
LIMIT = 20.0


class WebAgent(Agent):
    """Named `web`; its host is a name that leads nowhere (RFC 7118 5.1)."""

    def __init__(self, port, server):
        super().__init__("web", "127.0.0.1", server)
        self.socket.close()  # the one for UDP
        self.web_port, self.connection, self.is_over = port, None, False
        self.open()

    def open(self):
        """A new connection, as yet for HTTP."""
        self.close()
        until = time.monotonic() + LIMIT
        while True:
            try:
                self.connection = websocket_client.Connection(self.web_port, limit=LIMIT)
                break
            except ConnectionRefusedError:  # the reference listens to TCP a moment after UDP
                if time.monotonic() > until:
                    raise
                select.select([], [], [], 0.02)
        self.port, self.is_over = self.connection.local_port, False
        self.ports.append(self.port)
        return self

    def close(self):
        if self.connection is not None:
            self.connection.close()

    # ---- HTTP

    def ask(self, method="GET", path="/", version="HTTP/1.1", **changes):
        """Sends a handshake with these changes; the response is among what was received."""
        fields = self.connection.fields(**{"Sec_WebSocket_Key": KEY, **changes})
        self.connection.request(method, path, version, fields)
        response = self.connection.response()
        self.received.append(Message(str(response)))
        return response

    def join(self):
        """A connection for SIP. Its handshake is not among what was received."""
        assert self.open().ask().status == 101, self.received[-1]
        self.received.pop()
        return self

    def expect_end(self):
        """The server closes the connection, with or without a close frame before."""
        until = time.monotonic() + LIMIT
        while not self.is_over:
            if not self._read(max(0.0, until - time.monotonic())):
                raise Missing("the connection was not closed")

    def expect_end_or(self, what):
        """The connection is closed, or this message comes."""
        until = time.monotonic() + LIMIT
        while not self.is_over and not any(m.what == str(what) for m in self.unread):
            if not self._read(max(0.0, until - time.monotonic())):
                raise Missing(f"neither was the connection closed nor did {what} come")

    def note_end(self):
        if not self.is_over:
            self.is_over = True
            self.received.append(Message("the connection was closed\r\n\r\n"))

    # ---- SIP

    @property
    def address(self):
        return "web.invalid"

    def uri(self, user=None):
        return f"sip:{user or self.name}@{self.domain if user and self.domain else self.address};transport=ws"

    def request(self, *args, **kwargs):
        message = super().request(*args, **kwargs)
        return message.set("Via", message.get("Via").replace("/UDP", "/WS"))

    def send(self, message):
        self.connection.send_message(str(message))
        return message

    # ---- receiving

    def expect_frame(self, name):
        """The next control frame, which must be one of these."""
        until = time.monotonic() + LIMIT
        while not any(m.start.startswith(name) for m in self.unread):
            if not self._read(max(0.0, until - time.monotonic())):
                raise Missing(f"no {name} came")
        self.unread.clear()

    def _read(self, timeout):
        """Takes what is there; false when nothing came in time."""
        any_came = False
        while not self.is_over:
            try:
                self.keep(self.connection.message(0.0 if any_came else timeout))
                any_came = True
            except websocket_client.Ended:
                self.note_end()
                return True
            except (socket.timeout, BlockingIOError):
                break
        return any_came

    def keep(self, frame):
        if frame.opcode in websocket_client.CONTROL:
            # The text behind the code of a close frame is for people (RFC 6455 5.5.1).
            shown = websocket_client.close_of(frame)[0] or "without a code" \
                if frame.opcode == websocket_client.CLOSE else frame.payload.decode()
            message = Message(f"{websocket_client.NAMES[frame.opcode]} {shown}\r\n\r\n")
        else:
            message = Message(frame.payload.decode())
        self.received.append(message)
        self.unread.append(message)
