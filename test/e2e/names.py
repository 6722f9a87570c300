# SPDX-License-Identifier: Apache-2.0
"""Next hops that are names: found by a DNS server of the test's own, which may be silent."""
import os
import re
import select
import signal
import socket

import fairlead
import ports
from dns_server import DnsServer

ROUTE = """
    if ($rU == "ping") { sl_send_reply("200", "OK"); exit; }
    if ($rU == "relay") {
        if (!t_relay()) sl_send_reply("478", "Unresolvable");
        exit;
    }
    if (!forward()) sl_send_reply("478", "Unresolvable");
"""


def server(dns, parameters="", modparams="", **kwargs):
    extra = (f'dns_servers="{dns.address}"\n{parameters}\nloadmodule "pv.so"\nloadmodule "tm.so"\n'
             f'{modparams}')
    return fairlead.Server(route=ROUTE, extra=extra, **kwargs)


def reply_to(request, status):
    copied = [line for line in request.split("\r\n") if line.split(":")[0] in
              ("Via", "From", "To", "Call-ID", "CSeq")]
    return "\r\n".join([f"SIP/2.0 {status}", *copied, "Content-Length: 0", "", ""]).encode()


def branch_of(request):
    return re.search(r"branch=([^;\r]+)", request).group(1)


class Callee:
    """A UDP socket to which requests are forwarded."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(fairlead.DEADLINE)
        self.port = self.socket.getsockname()[1]

    def request(self):
        return self.socket.recv(65536).decode()

    def answer(self, status="200 OK"):
        """To the next request, which it gives."""
        request, sender = self.socket.recvfrom(65536)
        self.socket.sendto(reply_to(request.decode(), status), sender)
        return request.decode()

    def forget(self):
        """What came and was not read."""
        while select.select([self.socket], [], [], 0)[0]:
            self.socket.recv(65536)

    def close(self):
        self.socket.close()


def ask(client, uri):
    """Sends an OPTIONS to a URI of any host."""
    text = client.message().decode()
    first, rest = text.split("\r\n", 1)
    client.socket.send(f"OPTIONS {uri} SIP/2.0\r\n{rest}".encode())


def test_a_service_is_found():
    callee = Callee()
    with DnsServer() as dns:
        dns.srv("_sip._udp.domain.example", callee.port, "host.example").a("host.example")
        with server(dns) as s:
            client = fairlead.Client(s.port)
            ask(client, "sip:bob@domain.example")
            assert callee.request().startswith("OPTIONS sip:bob@domain.example SIP/2.0\r\n")
            asked = len(dns.asked)
            # All workers have what one has learnt.
            for _ in range(20):
                ask(fairlead.Client(s.port), "sip:bob@domain.example")
                callee.request()
            assert len(dns.asked) == asked, dns.asked
    callee.close()


def test_a_silent_name_server_holds_up_nobody_else():
    callee = Callee()
    with DnsServer() as dns:
        dns.a("slow.example").never("slow.example")
        with server(dns, "dns_timeout_ms=60000\ndns_retr_time=60") as s:
            client = fairlead.Client(s.port)
            for _ in range(50):
                ask(client, f"sip:bob@slow.example:{callee.port}")
                assert client.ask() == 200
            fairlead.wait_until(lambda: dns.held, "the question")
            dns.speak("slow.example")
            for _ in range(50):
                assert callee.request().startswith("OPTIONS sip:bob@slow.example")
    callee.close()


def test_a_transaction_waits_for_its_name():
    callee = Callee()
    with DnsServer() as dns:
        dns.a("slow.example").never("slow.example")
        with server(dns, "dns_timeout_ms=60000\ndns_retr_time=60") as s:
            clients = [fairlead.Client(s.port) for _ in range(20)]
            for client in clients:
                ask(client, f"sip:relay@slow.example:{callee.port}")
                assert fairlead.Client(s.port).ask() == 200
            fairlead.wait_until(lambda: dns.held, "the question")
            dns.speak("slow.example")
            for _ in clients:
                callee.answer()
            for client in clients:
                assert client.answer() == 200
    callee.close()


class StreamCallee:
    """A TCP listener that answers one request."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.settimeout(fairlead.DEADLINE)
        self.port = self.socket.getsockname()[1]

    def answer(self):
        connection, _ = self.socket.accept()
        with connection:
            connection.settimeout(fairlead.DEADLINE)
            request = b""
            while b"\r\n\r\n" not in request:
                request += connection.recv(65536)
            connection.sendall(reply_to(request.decode(), "200 OK"))

    def close(self):
        self.socket.close()


def test_the_next_place_is_tried():
    """By 503 and by silence; the answer is that of the last."""
    refusing, silent, callee = Callee(), Callee(), Callee()
    with DnsServer() as dns:
        dns.a("host.example")
        for priority, who in enumerate([refusing, silent, callee]):
            dns.srv("_sip._udp.domain.example", who.port, "host.example", priority=priority)
        with server(dns, 'use_dns_failover=yes\n',
                    'modparam("tm", "fr_timer", 1000)') as s:
            for _ in range(3):
                client = fairlead.Client(s.port)
                ask(client, "sip:relay@domain.example")
                refused = refusing.answer("503 Service Unavailable")
                unheard = silent.request()
                assert branch_of(refused) != branch_of(unheard)
                callee.answer()
                assert client.answer() == 200
                silent.forget()
            assert s.report()["tm:failovers"] == 6
    for who in (refusing, silent, callee):
        who.close()


def test_a_refused_connection_leads_to_the_next_place():
    callee = StreamCallee()
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))  # nobody listens
    with DnsServer() as dns:
        dns.a("host.example")
        dns.srv("_sip._tcp.domain.example", closed.getsockname()[1], "host.example", priority=1)
        dns.srv("_sip._tcp.domain.example", callee.port, "host.example", priority=2)
        with server(dns, f"use_dns_failover=yes\nlisten=tcp:127.0.0.1:{ports.reserve()}") as s:
            client = fairlead.Client(s.port)
            ask(client, "sip:relay@domain.example;transport=tcp")
            callee.answer()
            assert client.answer() == 200
    closed.close()
    callee.close()


def test_a_worker_that_dies_while_a_branch_waits():
    """The one that takes its place asks again."""
    callee = Callee()
    with DnsServer() as dns:
        dns.a("slow.example").never("slow.example")
        with server(dns, "dns_timeout_ms=60000\ndns_retr_time=60", children=1) as s:
            client = fairlead.Client(s.port)
            ask(client, f"sip:relay@slow.example:{callee.port}")
            fairlead.wait_until(lambda: dns.held, "the question")
            # It is done with the request: one that it dies of is lost.
            assert fairlead.Client(s.port).ask() == 200
            os.kill(s.workers()[0], signal.SIGKILL)
            fairlead.wait_until(lambda: len(dns.held) >= 2, "the question again")
            dns.speak("slow.example")
            callee.answer()
            assert client.answer() == 200
    callee.close()


def test_what_is_not_found_is_dropped():
    with DnsServer() as dns:
        with server(dns) as s:
            client = fairlead.Client(s.port)
            ask(client, "sip:bob@nowhere.example")
            fairlead.wait_until(lambda: s.report().get("core:forwards_unresolved") == 1,
                                "the request to be dropped")
            # Now it is known at once, and the script is told.
            ask(client, "sip:bob@nowhere.example")
            assert client.answer() == 478


def test_nobody_is_asked_for_names_that_cannot_be():
    """RFC 6761 6.4: the script is told at once."""
    with DnsServer() as dns:
        with server(dns) as s:
            for host in ("host.invalid", "HOST.Invalid.", "invalid"):
                client = fairlead.Client(s.port)
                ask(client, f"sip:relay@{host}")
                assert client.answer() == 478, host
            assert dns.asked == [], dns.asked
            ask(fairlead.Client(s.port), "sip:relay@host.notinvalid")
            fairlead.wait_until(lambda: dns.asked, "a question")


if __name__ == "__main__":
    fairlead.main(dict(globals()))
