# SPDX-License-Identifier: Apache-2.0
"""SIP over TCP: connections of clients and of the server, peers that misbehave, workers that die,
and sipp's calls between TCP and UDP. CALLS and RATE change the calls (50 calls/s for 4 s)."""
import contextlib
import os
import select
import signal
import socket
import tempfile

import fairlead
import ports
import sipp
from sipp import Sipp, literal

RATE = int(os.environ.get("RATE", "50"))
CALLS = int(os.environ.get("CALLS", str(RATE * 4)))

CONFIG = """#!KAMAILIO
debug=2
log_stderror=yes
auto_aliases=no
children={children}
listen=udp:{host}:{port}
listen=tcp:{host}:{port}
tcp_connect_timeout=1
tcp_send_timeout=1
loadpath "{modules}"
loadmodule "kex.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
PARAMETERS
request_route {{
    if ($rU == "ping") {{
        append_to_reply("X-Pid: $pp\\r\\nX-From: $proto\\r\\n");
        sl_send_reply("200", "OK");
        exit;
    }}
    if (is_method("CANCEL")) {{
        if (t_check_trans()) t_relay();
        exit;
    }}
    if ($rU == "forward") {{
        forward();
        exit;
    }}
    ROUTE
    if (!t_relay()) sl_reply_error();
}}
"""


def server(children=2, host="127.0.0.1", parameters="", route="", **kwargs):
    config = CONFIG.replace("PARAMETERS", parameters).replace("ROUTE", route)
    return fairlead.Server(config=config, children=children, host=host, **kwargs)


class Peer:
    """A TCP connection that speaks a little SIP."""

    def __init__(self, port=None, host="127.0.0.1", accepted=None):
        self.socket = accepted or socket.create_connection((host, port), fairlead.DEADLINE)
        self.socket.settimeout(fairlead.DEADLINE)
        self.bytes = b""
        self.count = 0

    def request(self, uri="sip:ping@127.0.0.1", method="OPTIONS", body=b"", via="", sent_by=None,
                more=""):
        self.count += 1
        name = f"{id(self)}-{self.count}"
        host, port = self.socket.getsockname()[:2]
        sent_by = sent_by or f"{literal(host)}:{port}"
        return (f"{method} {uri} SIP/2.0\r\n"
                f"Via: SIP/2.0/TCP {sent_by};branch=z9hG4bK{name}{via}\r\n"
                f"From: <sip:tester@h>;tag=1\r\nTo: <{uri}>\r\nCall-ID: {name}\r\n"
                f"CSeq: 1 {method}\r\nMax-Forwards: 70\r\n{more}"
                f"Content-Length: {len(body)}\r\n\r\n").encode() + body

    def send(self, **kwargs):
        self.socket.sendall(self.request(**kwargs))

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

    def message(self):
        """The next message as (first line, headers, body)."""
        while b"\r\n\r\n" not in self.bytes:
            self.fill()
        head = self.read(self.bytes.index(b"\r\n\r\n") + 4).decode()
        lines = head.split("\r\n")
        headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:] if line]
        length = int(dict(headers).get("Content-Length", 0))
        return lines[0], headers, self.read(length)

    def status(self):
        return int(self.message()[0].split()[1])

    def final(self):
        while True:
            code = self.status()
            if code >= 200:
                return code

    def reply(self, message, code=200):
        line, headers, _ = message
        copied = "".join(f"{name}: {value}\r\n" for name, value in headers
                         if name in ("Via", "From", "To", "Call-ID", "CSeq"))
        self.socket.sendall(f"SIP/2.0 {code} Any\r\n{copied}Content-Length: 0\r\n\r\n".encode())

    def is_closed(self):
        try:
            while True:
                self.fill()
        except (EOFError, ConnectionError):
            return True

    def close(self):
        self.socket.close()


class Listening:
    """A TCP socket that the server connects to."""

    def __init__(self, host="127.0.0.1", backlog=16, port=None):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.port = port or ports.reserve()
        self.socket.bind((host, self.port))
        self.socket.listen(backlog)
        self.socket.settimeout(fairlead.DEADLINE)
        self.uri = f"sip:{literal(host)}:{self.port};transport=tcp"

    def accept(self):
        return Peer(accepted=self.socket.accept()[0])

    def close(self):
        self.socket.close()


def test_requests_in_any_pieces_and_keep_alives():
    with server() as s:
        p = Peer(s.port)
        first = p.request()
        for at in range(len(first)):
            p.socket.sendall(first[at:at + 1])
        line, headers, _ = p.message()
        assert line == "SIP/2.0 200 OK" and ("X-From", "tcp") in headers, (line, headers)
        p.socket.sendall(b"\r\n\r\n")
        assert p.read(2) == b"\r\n"
        p.socket.sendall(b"\r\n" + p.request() + b"\r\n\r\n" + p.request(body=b"\r\n\r\n"))
        assert p.status() == 200
        assert p.read(2) == b"\r\n"
        assert p.status() == 200
        p.close()


def test_pipelined_messages_are_all_answered_in_order():
    count = 10_000
    with server(parameters="tcp_conn_wq_max=33554432\ntcp_wq_max=134217728\n") as s:
        p = Peer(s.port)
        sender = b"".join(p.request() for _ in range(count))
        import threading
        thread = threading.Thread(target=p.socket.sendall, args=(sender,))
        thread.start()
        for number in range(1, count + 1):
            line, headers, _ = p.message()
            assert line == "SIP/2.0 200 OK", line
            assert ("Call-ID", f"{id(p)}-{number}") in headers, (number, headers)
        thread.join()
        p.close()


WRONG_LENGTHS = (
    b"Content-Length: 0\r\nContent-Length: 0", b"Content-Length: 0\r\nl: 0", b"Content-Length: 0, 0",
    b"Content-Length: x", b"Content-Length:", b"Content-Length: -1", b"Content-Length: +1",
    b"Content-Length: 0x0", b"Content-Length: 1e1", b"Content-Length: 0 0", b"Content-Length: 0;a",
    b"Content-Length: 99999", b"Content-Length: 4294967296", b"Content-Length: 18446744073709551616",
    b"Content-Length: " + b"9" * 1000, b"Content-Length : 0", b" Content-Length: 0", b"l : 0",
    b"Content-Length\t: 0", b"Content-Length: \x000", b"X: y", b"X: y\nContent-Length: 0",
    b"X: y\rContent-Length: 0")


def test_wrong_lengths_and_half_messages_close_their_connection_only():
    with server() as s:
        good = Peer(s.port)
        for wrong in WRONG_LENGTHS:
            p = Peer(s.port)
            p.socket.sendall(p.request().replace(b"Content-Length: 0", wrong))
            assert p.is_closed() and not p.bytes, (wrong, p.bytes)
            p.close()
        assert s.report()["tcp:broken_streams"] == len(WRONG_LENGTHS)
        p = Peer(s.port)
        p.socket.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert p.is_closed()
        half = Peer(s.port)
        half.socket.sendall(half.request()[:100])
        half.close()
        # Half a message and no more to come: nothing is answered.
        half = Peer(s.port)
        half.socket.sendall(half.request(body=b"x" * 10)[:-1])
        half.socket.shutdown(socket.SHUT_WR)
        assert half.is_closed() and not half.bytes
        half.close()
        good.send()
        assert good.status() == 200
        good.close()
        fairlead.wait_until(lambda: s.report()["tcp:current_opened_connections"] == 0,
                            "the end of all connections")


def test_slow_loris_is_closed():
    with server(parameters="tcp_msg_read_timeout=1\n") as s:
        p = Peer(s.port)
        p.socket.sendall(p.request()[:100])
        assert p.is_closed()
        assert fairlead.wait_until(lambda: s.report()["tcp:con_timeout"] == 1, "the timeout")


def test_many_slow_senders_delay_nobody():
    with server(parameters="tcp_msg_read_timeout=2\n") as s:
        slow, good = [Peer(s.port) for _ in range(100)], Peer(s.port)
        for at in range(50):
            for p in slow:
                try:
                    p.socket.sendall(p.request()[at:at + 1])
                except ConnectionError:
                    pass
            good.send()
            assert good.status() == 200
        for p in slow:
            assert p.is_closed() and not p.bytes
            p.close()
        good.close()


def test_idle_connections_end():
    with server(parameters="tcp_connection_lifetime=1\n") as s:
        p = Peer(s.port)
        p.send()
        assert p.status() == 200
        assert p.is_closed()


def test_connections_are_reused_by_all_workers():
    with server(children=4) as s:
        target = Listening()
        peers = [Peer(s.port) for _ in range(8)]
        peers[0].send(uri=f"sip:a@127.0.0.1:{target.port};transport=tcp", method="MESSAGE")
        out = target.accept()
        out.reply(out.message())
        assert peers[0].final() == 200
        for p in peers[1:]:
            p.send(uri=f"sip:a@127.0.0.1:{target.port};transport=tcp", method="MESSAGE")
            out.reply(out.message())
            assert p.final() == 200
        client = fairlead.Client(s.port)
        for _ in range(8):
            text = client.message(method="MESSAGE").replace(
                b"MESSAGE sip:ping@127.0.0.1 ",
                f"MESSAGE sip:a@127.0.0.1:{target.port};transport=tcp ".encode())
            client.socket.send(text)
            message = out.message()
            assert message[1][0][1].startswith("SIP/2.0/TCP "), message
            out.reply(message)
            assert client.answer() == 200
        client.close()
        target.socket.settimeout(0)
        try:
            target.socket.accept()
            raise AssertionError("a second connection was opened")
        except BlockingIOError:
            pass


def test_a_reply_goes_to_the_sent_by_when_its_connection_is_gone():
    with server() as s:
        target, back = Listening(), Listening()
        p = Peer(s.port)
        p.send(uri=f"sip:a@127.0.0.1:{target.port};transport=tcp", method="MESSAGE",
               sent_by=f"127.0.0.1:{back.port}")
        out = target.accept()
        message = out.message()
        p.close()
        fairlead.wait_until(lambda: s.report()["tcp:current_opened_connections"] == 1, "the end")
        out.reply(message)
        assert back.accept().status() == 200


def test_stateless_forwarding_and_its_replies():
    with server() as s:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", ports.reserve()))
        udp.settimeout(fairlead.DEADLINE)
        p = Peer(s.port)
        p.send(uri=f"sip:forward@127.0.0.1:{udp.getsockname()[1]}", sent_by="192.0.2.1:5060")
        bytes_, source = udp.recvfrom(65536)
        lines = bytes_.decode().split("\r\n")
        assert lines[1].startswith("Via: SIP/2.0/UDP ") and ";i=" in lines[1], lines
        assert "received=127.0.0.1" in lines[2], lines
        head = "\r\n".join(line for line in lines[1:] if not line.startswith("Max-Forwards"))
        udp.sendto(f"SIP/2.0 200 OK\r\n{head}".encode(), source)
        assert p.status() == 200
        p.close()


def test_aliases_lead_requests_to_the_connection():
    with server(parameters="tcp_accept_aliases=yes\n") as s:
        p = Peer(s.port)
        p.send(via=";alias", sent_by="127.0.0.1:5999")
        assert p.status() == 200
        client = fairlead.Client(s.port)
        client.socket.send(client.message(method="MESSAGE").replace(
            b"MESSAGE sip:ping@127.0.0.1 ", b"MESSAGE sip:a@127.0.0.1:5999;transport=tcp "))
        p.reply(p.message())
        assert client.answer() == 200
        client.close()


def test_large_requests_leave_over_tcp():
    with server(parameters="udp_mtu=1000\nudp_mtu_try_proto=TCP\n") as s:
        target = Listening()
        p = Peer(s.port)
        p.send(uri=f"sip:a@127.0.0.1:{target.port}", method="MESSAGE", body=b"x" * 1000)
        out = target.accept()
        message = out.message()
        assert message[1][0][1].startswith("SIP/2.0/TCP "), message
        assert message[2] == b"x" * 1000
        out.reply(message)
        assert p.final() == 200


def test_a_refused_connection_is_an_answer():
    with server() as s:
        p = Peer(s.port)
        p.send(uri=f"sip:a@127.0.0.1:{ports.reserve()};transport=tcp", method="MESSAGE")
        assert 400 <= p.final() < 600


@contextlib.contextmanager
def never_accepting():
    """A socket that says nothing to who connects."""
    full = Listening(backlog=0)
    blockers = []
    while True:  # until the queue of the socket is full
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(("127.0.0.1", full.port))
        blockers.append(one)
        if not select.select([], [one], [], 0.3)[1]:
            break
    yield full
    for one in [*blockers, full]:
        one.close()


def test_a_connect_that_never_completes_delays_nobody():
    with server() as s, never_accepting() as full:
        p, other = Peer(s.port), Peer(s.port)
        p.send(uri=f"sip:a@127.0.0.1:{full.port};transport=tcp", method="MESSAGE")
        for _ in range(50):
            other.send()
            assert other.status() == 200
        assert 400 <= p.final() < 600


def test_a_peer_that_never_reads_is_closed():
    with server() as s:
        deaf = Listening()
        client, other = Peer(s.port), Peer(s.port)
        uri = f"sip:a@127.0.0.1:{deaf.port};transport=tcp"
        client.send(uri=uri, method="MESSAGE")
        accepted = deaf.accept()

        def evicted():
            # Over a connection of its own: the replies to the requests are not read.
            sender = Peer(s.port)
            for _ in range(20):
                sender.send(uri=uri, method="MESSAGE", body=b"x" * 60000)
            other.send()
            assert other.status() == 200
            sender.close()
            return s.report()["tcp:send_timeout"] > 0

        fairlead.wait_until(evicted, "the end of the connection", 60)
        accepted.close()


def kill_an_owner(connect, least):
    """Connects until two workers own `least` connections, and kills one of them: what was its is
    closed, all others answer. Returns those that are left."""
    owners = {}
    while len(set(owners.values())) < 2 or len(owners) < least:
        p = connect()
        p.send()
        owners[p] = int(dict(p.message()[1])["X-Pid"])
        assert len(owners) < 500, "one worker accepts everything"
    dead = next(iter(owners.values()))
    os.kill(dead, signal.SIGKILL)
    for p, pid in owners.items():
        if pid == dead:
            assert p.is_closed()
        else:
            p.send()
            assert int(dict(p.message()[1])["X-Pid"]) == pid
    return [p for p, pid in owners.items() if pid != dead]


def test_a_worker_that_dies_takes_only_its_connections():
    with server(children=2) as s:
        left = kill_an_owner(lambda: Peer(s.port), 20)
        fairlead.wait_until(
            lambda: s.report()["tcp:current_opened_connections"] == len(left), "a clean table")
        for _ in range(20):
            p = Peer(s.port)
            p.send()
            assert p.status() == 200
            p.close()


def calls(uac_mode, uas_mode, host="127.0.0.1", callers=None):
    """Calls from a sipp at each of the callers' addresses, which share the rate, to one at host."""
    callers = callers or [host]
    with tempfile.TemporaryDirectory(prefix="fairlead-streams-") as folder, \
            contextlib.ExitStack() as agents:
        def start(scenario, mode, address, count, *args):
            agent = Sipp(folder, f"{scenario}-{address}", scenario, "-m", str(count), "-max_socket", "500",
                         *args, host=address, mode=mode)
            agents.callback(agent.kill)
            return agent

        share = CALLS // len(callers)
        uas = start("uas", uas_mode, host, share * len(callers)).wait_bound()
        transport = ";transport=tcp" if uas_mode[0] == "t" else ""
        route = f'$du = "sip:{literal(host)}:{uas.port}{transport}";'
        with server(children=4, host=host, route=route) as s:
            uacs = [start("uac", uac_mode, caller, share, "-r", str(RATE / len(callers)),
                          "-timeout", "120s", "-timeout_error", f"{literal(host)}:{s.port}")
                    for caller in callers]
            for agent in [*uacs, uas]:
                agent.finish(CALLS / RATE + 60)


def test_calls_over_one_connection():
    calls("t1", "t1")


def test_calls_over_a_connection_each():
    # Four addresses: the ports of one are in TIME-WAIT when half of 15,000 calls have ended, and
    # the kernel's search for a free one then takes a caller's whole CPU.
    calls("tn", "t1", callers=[f"127.0.0.{n}" for n in range(2, 6)])


def test_calls_from_udp_to_tcp():
    calls("u1", "t1")


def test_calls_from_tcp_to_udp():
    calls("t1", "u1")


def test_calls_over_ipv6():
    calls("t1", "t1", "::1")


if __name__ == "__main__":
    sipp.main(dict(globals()))
