# SPDX-License-Identifier: Apache-2.0
"""What scripts do with connections: record-routing between transports, contacts behind a connection,
the next target when one cannot be reached, and messages that change from datagrams to streams."""
import socket

import fairlead
import ports
from streams import Listening, Peer, never_accepting, server


class Datagrams:
    """A UDP socket that the server sends to."""

    def __init__(self, port=None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port or ports.reserve()))
        self.socket.settimeout(fairlead.DEADLINE)
        self.port = self.socket.getsockname()[1]
        self.count = 0

    def request(self, uri, method="MESSAGE", more="", body=b"", behind=b"", length=True):
        self.count += 1
        name = f"{id(self)}-{self.count}"
        length = f"Content-Length: {len(body)}\r\n" if length else ""
        return (f"{method} {uri} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{name}\r\n"
                f"From: <sip:tester@h>;tag=1\r\nTo: <sip:a@h>\r\nCall-ID: {name}\r\n"
                f"CSeq: 1 {method}\r\nMax-Forwards: 70\r\n{more}{length}\r\n"
                ).encode() + body + behind

    def send(self, port, *args, **kwargs):
        self.socket.sendto(self.request(*args, **kwargs), ("127.0.0.1", port))

    def message(self):
        """The next message as (first line, headers, body); where it came from is the peer."""
        text, self.peer = self.socket.recvfrom(65536)
        head, body = text.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        return lines[0], [tuple(p.strip() for p in line.split(":", 1)) for line in lines[1:]], body

    def final(self):
        while True:
            code = int(self.message()[0].split()[1])
            if code >= 200:
                return code

    def reply(self, message, length=True, body=b""):
        copied = "".join(f"{name}: {value}\r\n" for name, value in message[1]
                         if name in ("Via", "From", "To", "Call-ID", "CSeq"))
        length = f"Content-Length: {len(body)}\r\n" if length else ""
        self.socket.sendto(f"SIP/2.0 200 OK\r\n{copied}{length}\r\n".encode() + body, self.peer)

    def close(self):
        self.socket.close()


def values(message, wanted):
    return [value for name, value in message[1] if name == wanted]


def over_tcp(port, user="a"):
    return f"sip:{user}@127.0.0.1:{port};transport=tcp"


RECORD = """loadmodule "rr.so"
"""
RECORD_ROUTE = """
    if (loose_route()) { t_relay(); exit; }
    record_route();
"""


def test_a_dialog_between_transports_stays_on_its_route():
    with server(parameters=RECORD, route=RECORD_ROUTE.replace("{", "{{").replace("}", "}}")) as s:
        alice, target = Datagrams(), Listening()
        alice.send(s.port, over_tcp(target.port))
        bob = target.accept()
        first = bob.message()
        routes = [v.strip("<>") for value in values(first, "Record-Route")
                  for v in value.split(",")]
        own = f"sip:127.0.0.1:{s.port}"
        assert len(routes) == 2, first
        assert routes[0].startswith(f"{own};transport=tcp;r2=on;"), routes
        assert routes[1].startswith(f"{own};r2=on;"), routes
        bob.reply(first)
        assert alice.final() == 200
        # Bob's request goes to Alice in a datagram, Alice's to Bob on his connection.
        bob.send(uri=f"sip:alice@127.0.0.1:{alice.port}", method="INFO",
                 more="".join(f"Route: <{route}>\r\n" for route in routes))
        message = alice.message()
        assert values(message, "Via")[0].startswith("SIP/2.0/UDP "), message
        assert not values(message, "Route"), message
        alice.reply(message)
        assert bob.final() == 200
        alice.send(s.port, over_tcp(target.port), method="INFO",
                   more="".join(f"Route: <{route}>\r\n" for route in reversed(routes)))
        message = bob.message()
        assert message[0].startswith("INFO ") and not values(message, "Route"), message
        bob.reply(message)
        assert alice.final() == 200


REGISTRAR = """loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "nathelper.so"
modparam("nathelper|registrar", "received_avp", "$avp(received)")
"""
SAVE = """
    if ($rm == "REGISTER") {{ fix_nated_register(); save("location"); exit; }}
    if (!lookup("location")) {{ sl_send_reply("404", "Nobody"); exit; }}
"""


def test_who_registered_over_a_connection_is_called_on_it():
    with server(children=4, parameters=REGISTRAR, route=SAVE) as s:
        phone, alice = Peer(s.port), Datagrams()
        # Nobody can open a connection to this contact: the phone is behind a NAT.
        phone.send(uri="sip:tester@h", method="REGISTER", sent_by="192.0.2.77:5060",
                   more="Contact: <sip:phone@192.0.2.77:5060;transport=tcp>\r\n")
        assert phone.status() == 200
        for _ in range(8):
            alice.send(s.port, "sip:tester@h")
            message = phone.message()
            assert message[0].startswith("MESSAGE sip:phone@192.0.2.77:5060"), message
            phone.reply(message)
            assert alice.final() == 200


def test_the_next_target_is_tried_when_one_cannot_be_reached():
    second = Listening()
    parameters = ('failure_route[next] {{\n  if (t_check_status("503")) {{\n'
                  f'    $du = "sip:127.0.0.1:{second.port};transport=tcp"; t_relay();\n'
                  '  }}\n}}\n')
    with server(parameters=parameters, route='t_on_failure("next");') as s:
        for client in (Peer(s.port), Datagrams()):
            refused = over_tcp(ports.reserve())
            if isinstance(client, Peer):
                client.send(uri=refused, method="MESSAGE")
                peer = second.accept()
            else:
                client.send(s.port, refused)
            peer.reply(peer.message())
            assert client.final() == 200


def test_datagrams_end_at_their_length_on_a_stream():
    with server() as s:
        alice, target = Datagrams(), Listening()
        hidden = alice.request("sip:hidden@h")
        alice.send(s.port, over_tcp(target.port), body=b"body", behind=hidden)
        bob = target.accept()
        first = bob.message()
        assert first[2] == b"body", first
        bob.reply(first)
        assert alice.final() == 200
        # One without Content-Length has its whole rest as body, and says so on the stream.
        alice.send(s.port, over_tcp(target.port), body=b"body", behind=hidden, length=False)
        second = bob.message()
        assert second[2] == b"body" + hidden and not bob.bytes, second
        bob.reply(second)
        assert alice.final() == 200


def test_replies_without_length_get_one_on_a_stream():
    with server() as s:
        bob, alice = Datagrams(), Peer(s.port)
        for user in ("a", "forward"):
            alice.send(uri=f"sip:{user}@127.0.0.1:{bob.port}", method="MESSAGE")
            bob.reply(bob.message(), length=False, body=b"body")
            line, headers, body = alice.message()
            assert line == "SIP/2.0 200 OK" and body == b"body", (line, headers, body)


def test_a_script_says_what_large_requests_leave_over():
    with server(parameters="udp_mtu=1000\n", route='udp_mtu_try_proto("TCP");') as s:
        alice, target = Datagrams(), Listening()
        alice.send(s.port, f"sip:a@127.0.0.1:{target.port}", body=b"x" * 1000)
        bob = target.accept()
        message = bob.message()
        assert values(message, "Via")[0].startswith("SIP/2.0/TCP "), message
        bob.reply(message)
        assert alice.final() == 200


def return_over_udp(s, bob, users="a"):
    alice = Peer(s.port)
    for user in users:
        alice.send(uri=f"sip:{user}@127.0.0.1:{bob.port}", method="MESSAGE", body=b"x" * 1000)
        message = bob.message()
        assert values(message, "Via")[0].startswith(f"SIP/2.0/UDP 127.0.0.1:{s.port};"), message
        assert message[2] == b"x" * 1000
        assert bob.peer == ("127.0.0.1", s.port), bob.peer
        bob.reply(message)
        assert alice.final() == 200


LARGE = "udp_mtu=1000\nudp_mtu_try_proto=TCP\n"


def test_large_requests_leave_over_udp_when_the_connection_is_refused():
    with server(parameters=LARGE) as s:
        bob = Datagrams()  # nobody accepts connections on his port
        return_over_udp(s, bob)
        assert s.report()["tm:udp_returns"] == 1
        # From now on somebody does.
        target = Listening(port=bob.port)
        alice = Peer(s.port)
        alice.send(uri=f"sip:a@127.0.0.1:{bob.port}", method="MESSAGE", body=b"x" * 1000)
        peer = target.accept()
        message = peer.message()
        assert values(message, "Via")[0].startswith("SIP/2.0/TCP "), message
        peer.reply(message)
        assert alice.final() == 200
        assert s.report()["tm:udp_returns"] == 1


def test_large_requests_leave_over_udp_when_the_connection_takes_too_long():
    with server(parameters=LARGE) as s, never_accepting() as full:
        return_over_udp(s, Datagrams(full.port))
        assert s.report()["tm:udp_returns"] == 1


def test_large_requests_leave_over_udp_when_nothing_may_be_opened():
    with server(parameters=LARGE + "tcp_no_connect=yes\n") as s:
        return_over_udp(s, Datagrams(), users=("a", "forward"))
        assert s.report()["tm:udp_returns"] == 1


def test_a_balancer_says_where_a_request_came_from():
    route = ('append_to_reply("X-From: $si:$sp\\r\\nX-To: $Ri\\r\\n"); '
             'sl_send_reply("200", "OK"); exit;')
    with server(parameters="tcp_accept_haproxy=yes\n", route=route) as s:
        p = Peer(s.port)
        p.socket.sendall(b"PROXY TCP4 192.0.2.1 192.0.2.9 40000 5070\r\n" + p.request(uri="sip:a@h"))
        line, headers, _ = p.message()
        assert line == "SIP/2.0 200 OK", line
        assert ("X-From", "192.0.2.1:40000") in headers, headers
        assert ("X-To", "127.0.0.1") in headers, headers
        p.close()
        plain = Peer(s.port)
        plain.send()
        assert plain.is_closed() and not plain.bytes, plain.bytes
        plain.close()


def test_nothing_is_opened_or_kept_when_the_script_says_so():
    route = 'if ($rU == "n") set_forward_no_connect(); if ($rU == "c") set_forward_close();'
    with server(route=route) as s:
        target, alice = Listening(), Datagrams()
        alice.send(s.port, over_tcp(target.port, "n"))
        assert alice.final() >= 400
        alice.send(s.port, over_tcp(target.port, "c"))
        bob = target.accept()
        assert bob.message()[0].startswith("MESSAGE ")
        assert bob.is_closed()


def test_the_script_is_told_that_there_is_no_connection():
    route = ('set_forward_no_connect(); t_relay(); sl_send_reply("500", "Code $rc"); '
             'exit;')
    with server(route=route) as s:
        alice = Datagrams()
        alice.send(s.port, over_tcp(ports.reserve()))
        line = alice.message()[0]
        assert line == "SIP/2.0 500 Code -477", line


if __name__ == "__main__":
    fairlead.main(dict(globals()))
