# SPDX-License-Identifier: Apache-2.0
"""No message of a call may overtake another inside the server. The callee sends 180 and 200 back to
back, the caller ACK and BYE; with several workers each pair must arrive in that order, every time."""
import os
import re
import select
import socket
import time

import fairlead
from shipped import literal, relay_to

CALLS = int(os.environ.get("CALLS", "3000"))
AT_ONCE = 40      # calls in progress: enough to keep all workers busy, few enough for the buffers
PATIENCE = 20.0   # seconds without any message until the test gives up


def endpoint(host):
    s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    s.bind((host, 0))
    s.setblocking(False)
    return s


def field(text, name):
    return re.search(rf"^{name}: *(.*?)\r$", text, re.M).group(1)


class Callee:
    """Answers INVITE with 180 and 200 at once, and BYE with 200; remembers the order per call."""

    def __init__(self, host):
        self.socket, self.server, self.seen = endpoint(host), None, {}
        self.address = f"{literal(host)}:{self.socket.getsockname()[1]}"

    def received(self, text):
        call = field(text, "Call-ID")
        method = text.split(" ", 1)[0]
        self.seen.setdefault(call, []).append(method)
        if method == "INVITE":
            self.reply(text, "180 Ringing")
        if method != "ACK":
            self.reply(text, "200 OK")

    def reply(self, request, status):
        lines = [line for line in request.split("\r\n\r\n")[0].split("\r\n")[1:]
                 if re.match(r"(Via|From|To|Call-ID|CSeq):", line)]
        lines = [line + ";tag=callee" if line.startswith("To:") and "tag=" not in line else line
                 for line in lines]
        lines.append(f"Contact: <sip:callee@{self.address}>")
        text = "\r\n".join([f"SIP/2.0 {status}", *lines, "Content-Length: 0", "", ""])
        self.socket.sendto(text.encode(), self.server)


class Caller:
    """Keeps AT_ONCE calls in progress; answers 200 with ACK and BYE at once."""

    def __init__(self, host, server, target):
        self.socket, self.server, self.target = endpoint(host), server, target
        self.address = f"{literal(host)}:{self.socket.getsockname()[1]}"
        self.seen, self.begun, self.ended = {}, 0, 0

    def send(self, method, call, branch, tag=""):
        text = (f"{method} sip:callee@{self.target} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {self.address};branch=z9hG4bK{call}{branch}\r\n"
                f"Max-Forwards: 70\r\nFrom: <sip:caller@{self.address}>;tag=c{call}\r\n"
                f"To: <sip:callee@{self.target}>{tag}\r\nCall-ID: {call}\r\n"
                f"CSeq: {2 if method == 'BYE' else 1} {method}\r\n"
                f"Contact: <sip:caller@{self.address}>\r\nContent-Length: 0\r\n\r\n")
        self.socket.sendto(text.encode(), self.server)

    def begin(self):
        while self.begun < CALLS and self.begun - self.ended < AT_ONCE:
            self.begun += 1
            self.send("INVITE", f"call-{self.begun}", "i")

    def received(self, text):
        call, status = field(text, "Call-ID"), text.split(" ", 2)[1]
        if field(text, "CSeq").endswith("BYE"):
            self.ended += 1
            self.begin()
            return
        self.seen.setdefault(call, []).append(status)
        if status == "200" and self.seen[call].count("200") == 1:
            self.send("ACK", call, "a", ";tag=callee")
            self.send("BYE", call, "b", ";tag=callee")


def run(host, workers):
    callee = Callee(host)
    with relay_to(callee.address, workers, host) as server:
        callee.server = (host, server.port)
        caller = Caller(host, callee.server, callee.address)
        caller.begin()
        exchange(caller, callee)
        check(caller, callee)
        caller.socket.close()
    callee.socket.close()


def exchange(caller, callee):
    agents = {caller.socket: caller, callee.socket: callee}
    last = time.monotonic()
    while caller.ended < CALLS:
        ready = select.select(list(agents), [], [], 1.0)[0]
        if not ready:
            assert time.monotonic() - last < PATIENCE, f"{caller.ended} of {CALLS} calls ended"
            continue
        last = time.monotonic()
        for s in ready:
            try:
                while True:
                    agents[s].received(s.recv(65536).decode())
            except BlockingIOError:
                pass


def check(caller, callee):
    swapped = [c for c, seen in caller.seen.items()
               if "180" not in seen or seen.index("180") > seen.index("200")]
    assert not swapped, f"{len(swapped)} of {CALLS} calls: 200 before 180, as in {swapped[:3]}"
    late = [c for c, seen in callee.seen.items()
            if "ACK" not in seen or seen.index("ACK") > seen.index("BYE")]
    assert not late, f"{len(late)} of {CALLS} calls: BYE before ACK, as in {late[:3]}"
    assert len(caller.seen) == len(callee.seen) == CALLS


def test_order_with_4_workers():
    run("127.0.0.1", 4)


def test_order_over_ipv6():
    run("::1", 4)


if __name__ == "__main__":
    fairlead.main(dict(globals()))
