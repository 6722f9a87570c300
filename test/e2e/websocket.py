# SPDX-License-Identifier: Apache-2.0
"""SIP over WebSocket, and HTTP: handshakes, frames right and wrong, calls of the parties' SIP to each
other and to UDP, closes, commands, and workers that die."""
import os
import re
import signal
import socket
import struct
import sys

import certificates
import fairlead
import managed
import ports
import ws_client
from fairlead import wait_until
from ws_client import BINARY, CLOSE, HEADERS, PING, PONG, TEXT, Connection, WebSocket, frame

CONFIG = """#!KAMAILIO
debug=2
log_stderror=yes
auto_aliases=no
children={children}
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
TLS
tcp_msg_read_timeout=2
GLOBALS
loadpath "{modules}"
loadmodule "kex.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "rr.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "nathelper.so"
loadmodule "jsonrpcs.so"
loadmodule "xhttp.so"
loadmodule "websocket.so"
modparam("nathelper|registrar", "received_avp", "$avp(received)")
modparam("websocket", "cors_mode", 2)
modparam("xhttp", "url_skip", "^/skipped")
PARAMETERS
request_route {{
    if ($rU == "ping") {{
        append_to_reply("X-Pid: $pp\\r\\nX-From: $proto\\r\\n");
        if (proto == WS) append_to_reply("X-Ws: yes\\r\\n");
        sl_send_reply("200", "OK");
        exit;
    }}
    if ($rU == "close") {{
        ws_close(4000, "Because");
        exit;
    }}
    if (nat_uac_test(64)) {{
        force_rport();
        if (is_method("REGISTER")) fix_nated_register();
        else add_contact_alias();
    }}
    if (is_method("REGISTER")) {{
        save("location");
        exit;
    }}
    if (has_totag()) {{
        loose_route();
        if ($du == $null) handle_ruri_alias();
        t_relay();
        exit;
    }}
    if (is_method("INVITE")) record_route();
    if (!lookup("location")) {{
        sl_send_reply("404", "Not Found");
        exit;
    }}
    if (!t_relay()) sl_reply_error();
}}
onreply_route {{
    if (nat_uac_test(64)) add_contact_alias();
}}
event_route[xhttp:request] {{
    if ($hu == "/close") set_reply_close();
    if ($hu == "/silent") exit;
    if ($hu == "/relay") {{
        $du = "sip:127.0.0.1:{port}";
        forward(); record_route(); lookup("location"); loose_route(); t_reply("200", "OK");
        add_contact_alias(); force_rport(); t_check_trans(); append_to_reply("X-Far: yes\\r\\n");
    }}
    if ($hu == "/t_relay") t_relay();
    if ($hu == "/t_newtran") t_newtran();
    if ($hu == "/save") save("location");
    if ($hdr(Upgrade) =~ "websocket") {{
        set_reply_close();
        ws_handle_handshake();
        xhttp_reply("500", "Too late", "", "");
        exit;
    }}
    xhttp_reply("200", "Fine", "text/plain", "$rm $hu $si $proto $hdr(X-Mine) $rb");
}}
event_route[websocket:closed] {{
    xlog("L_WARN", "over: $ws_conid $si:$sp $proto\\n");
}}
"""
MADE = certificates.Certificates()
MADE.make("localhost", names="DNS:localhost,IP:127.0.0.1")
TLS = """listen=tls:127.0.0.1:{port}
enable_tls=yes
"""
TLS_MODULE = """loadmodule "tls.so"
modparam("tls", "certificate", "{file}")
modparam("tls", "private_key", "{file}")
"""


class Server(fairlead.Server):
    command, statistic = managed.Managed.command, managed.Managed.statistic

    def __init__(self, secure=False, parameters="", global_lines="", children=2, **kwargs):
        self.tls_port = ports.reserve()
        tls = TLS.format(port=self.tls_port) if secure else ""
        more = TLS_MODULE.format(file=MADE.file("localhost.pem")) if secure else ""
        config = CONFIG.replace("TLS\n", tls, 1).replace("GLOBALS", global_lines)
        super().__init__(config=config.replace("PARAMETERS", more + parameters), children=children,
                         **kwargs)

    def dump(self):
        return self.command("ws.dump")["result"]["connections"]


def get(port, *args, **kwargs):
    connection = Connection(port)
    answer = connection.ask(*args, **kwargs)
    return connection, answer


def test_http(server):
    c, (status, headers, body) = get(server.port, "POST", "/a?b=c", {"X-Mine": "m", "Content-Length": 3},
                                     b"xyz")
    assert (status, body) == (200, b"POST /a?b=c 127.0.0.1 tcp m xyz"), (status, body)
    assert headers["content-type"] == "text/plain" and "server" in headers, headers
    # The connection serves on; requests that come together are answered one by one.
    c.send(b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HT")
    assert [c.answer()[2].split()[1] for _ in range(2)] == [b"/1", b"/2"]
    c.send(b"TP/1.0\r\n\r\n")
    assert c.answer()[2].split()[1] == b"/3" and c.is_closed()
    for target in ("/silent", "/skipped/1"):
        c, (status, _, _) = get(server.port, target=target)
        assert status == 404 and c.is_closed(), target
    for target, headers in (("/close", {}), ("/x", {"Connection": "close"})):
        c, (status, _, _) = get(server.port, target=target, headers=headers)
        assert status == 200 and c.is_closed(), target
    # What is meant for SIP fails and the request is answered all the same.
    status, headers, _ = get(server.port, target="/relay")[1]
    assert status == 200 and "x-far" in headers, (status, headers)
    for name in ("t_relay", "t_newtran", "save"):
        assert get(server.port, target="/" + name)[1][0] >= 200, name
    c = Connection(server.port)
    c.send(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert c.answer()[0] == 100
    c.send(b"ab")
    assert c.answer()[2].endswith(b" ab")


def test_http_refused(server):
    wrong = {
        400: [b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
              b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
              b"GET / HTTP/1.1\r\nA : b\r\n\r\n", b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
              b"GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n"],
        411: [b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"],
        413: [b"POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100000],
        414: [b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n"],
        417: [b"GET / HTTP/1.1\r\nExpect: more\r\n\r\n"],
        431: [b"GET / HTTP/1.1\r\nA: " + b"x" * 20000 + b"\r\n\r\n"],
        505: [b"GET / HTTP/2.0\r\n\r\n"],
    }
    for status, requests in wrong.items():
        for request in requests:
            c = Connection(server.port)
            c.send(request)
            answer = c.answer()
            assert answer[0] == status and answer[1]["connection"] == "close", (request[:60], answer)
            assert c.is_closed(), request[:60]
    # Somebody who never ends his request.
    c = Connection(server.port)
    c.send(b"GET / HTTP/1.1\r\nA: b\r\n")
    assert c.is_closed()


def test_handshake_refused(server):
    def status(**changes):
        headers = {k: v for k, v in {**HEADERS, **changes}.items() if v is not None}
        c, answer = get(server.port, headers=headers)
        assert c.is_closed()
        return answer[0], answer[1]
    assert status(Host=None)[0] == 400
    for name, values in {"Connection": ("close",), "Sec-WebSocket-Key": (None, "YWJj", "x" * 24),
                         "Sec-WebSocket-Version": (None,),
                         "Sec-WebSocket-Protocol": (None, "msrp", "sipx")}.items():
        for value in values:
            code, headers = status(**{name: value})
            assert code == 400 and headers["sec-websocket-version"] == "13", (name, value)
    code, headers = status(**{"Sec-WebSocket-Version": "12"})
    assert code == 426 and headers["sec-websocket-version"] == "13"
    assert get(server.port, "POST", headers={**HEADERS, "Content-Length": 0})[1][0] == 405
    c, (code, headers, _) = get(server.port, headers={**HEADERS, "Origin": "https://a.example",
                                                      "Sec-WebSocket-Protocol": "msrp, sip"})
    assert code == 101 and headers["access-control-allow-origin"] == "https://a.example"
    c.close()
    assert server.statistic("websocket.ws_failed_handshakes") >= 10


def test_sip(server):
    w = WebSocket(server.port)
    w.put(w.request())
    answer = w.message()
    assert answer.startswith("SIP/2.0 200") and "X-From: ws\r\n" in answer, answer
    assert "X-Ws: yes" in answer and f"SIP/2.0/WS {w.name}" in answer, answer
    # Several frames at once; one in parts, with a ping between them; half of one.
    w.send(frame(TEXT, w.request().encode()) * 3)
    assert all(w.message().startswith("SIP/2.0 200") for _ in range(3))
    text = w.request().encode()
    w.send(frame(BINARY, text[:40], final=False) + frame(PING, b"hello") +
           frame(0, text[40:90], final=False) + frame(0, text[90:]))
    assert w.frame() == (PONG, b"hello")
    assert w.message().startswith("SIP/2.0 200")
    whole = frame(TEXT, w.request().encode())
    for i in range(0, len(whole), 7):
        w.send(whole[i:i + 7])
    assert w.message().startswith("SIP/2.0 200")
    w.put("\r\n\r\n")
    assert w.frame() == (TEXT, b"\r\n")
    w.send(frame(CLOSE, struct.pack(">H", 1000) + b"bye"))
    assert w.closed() == 1000 and w.is_closed()
    half = WebSocket(server.port)
    half.send(whole[:30])
    half.close()


def test_wrong_frames(server):
    wrong = [(1002, frame(TEXT, b"x", mask=None)), (1002, frame(TEXT, b"x", reserved=4)),
             (1002, frame(3, b"x")), (1002, frame(11)), (1002, frame(0, b"x")),
             (1002, frame(PING, b"x" * 126)), (1002, frame(PING, b"x", final=False)),
             (1002, frame(TEXT, b"x", final=False) + frame(TEXT, b"y")),
             (1002, frame(CLOSE, b"x")), (1002, frame(CLOSE, struct.pack(">H", 1005))),
             (1007, frame(CLOSE, struct.pack(">H", 1000) + b"\xff")),
             (1007, frame(TEXT, b"\xc0\xaf" + b"x" * 40)), (1009, frame(TEXT, b"x" * 70000)),
             (1009, frame(TEXT, b"x" * 40000, final=False) + frame(0, b"x" * 40000))]
    for status, data in wrong:
        w = WebSocket(server.port)
        w.send(data)
        assert w.closed() == status and w.is_closed(), (status, data[:20])
    # A message that is never whole.
    w = WebSocket(server.port)
    w.send(frame(TEXT, b"x", final=False))
    assert w.is_closed()


def test_parties(server):
    """Registers two browsers and a phone, which call each other."""
    a, b = WebSocket(server.port), WebSocket(server.port)
    phone = fairlead.Client(server.port)
    own = phone.socket.getsockname()[1]
    for party, user in ((a, "anna"), (b, "bert")):
        party.register(user)
    text = phone.message("REGISTER", user="carl").decode().replace(
        "Content-Length", f"Contact: <sip:carl@127.0.0.1:{own}>\r\nExpires: 600\r\nContent-Length")
    phone.socket.send(text.encode())
    assert phone.answer() == 200

    a.put(a.request("MESSAGE", "sip:bert@127.0.0.1", "anna", body="hello"))
    got = b.message()
    assert got.startswith("MESSAGE sip:bert@") and "Via: SIP/2.0/WS 127.0.0.1" in got, got
    b.reply(got)
    assert a.message().startswith("SIP/2.0 200")

    contact = f"Contact: <sip:anna@{a.name};transport=ws>\r\n"
    a.put(a.request("INVITE", "sip:carl@127.0.0.1", "anna", contact))
    got = phone.socket.recv(65536).decode()
    assert got.startswith("INVITE sip:carl@") and "Via: SIP/2.0/UDP" in got, got
    assert re.search(r"alias=127.0.0.1~\d+~5", got), got
    routes = re.findall(r"Record-Route: <(.*)>", got)
    assert len(routes) == 2 and "transport=ws" in routes[1] and "transport" not in routes[0], routes
    phone.socket.send(ws_client.reply_to(got).replace(
        "Content-Length", f"Contact: <sip:carl@127.0.0.1:{own}>\r\nContent-Length").encode())
    answer = a.message()
    while answer.startswith("SIP/2.0 1"):
        answer = a.message()
    assert answer.startswith("SIP/2.0 200"), answer
    # A request of the phone finds the browser again.
    target = re.search(r"\r\nContact: <(.*)>", got)[1]
    lines = "".join(f"Route: <{route}>\r\n" for route in routes)
    bye = phone.message("BYE", user="x").decode()
    bye = re.sub(r"^BYE \S+", f"BYE {target}", bye).replace("Content-Length", lines + "Content-Length")
    bye = re.sub(r"(\r\nTo: [^\r]*)", r"\1;tag=2", bye)
    phone.socket.send(bye.encode())
    got = a.message()
    assert got.startswith("BYE ") and "Via: SIP/2.0/WS 127.0.0.1" in got, got
    a.reply(got)
    assert phone.answer() == 200
    # Whoever is gone cannot be called: nothing is opened.
    b.close()
    wait_until(lambda: len(server.dump()) == 1, "the end of a connection")
    a.put(a.request("MESSAGE", "sip:bert@127.0.0.1", "anna"))
    answer = a.message()
    assert answer.split()[1] in ("477", "478", "500", "503"), answer
    a.close()


def test_commands(server):
    w = WebSocket(server.port)
    (number, text), = server.dump().items()
    assert re.fullmatch(r"ws:127.0.0.1:\d+ -> ws:127.0.0.1:\d+ \(state: OPEN,  last used \d+s ago, "
                        r"sub-protocol: sip\)", text), text
    for order in ("id_hash", "used_asc", "used_desc"):
        assert server.command("ws.dump", order)["result"]["info"]["wscounter"] == 1
    assert server.command("ws.dump", "upside")["error"]["code"] == 400
    assert "error" in server.command("ws.ping", 999999)
    for command, opcode in (("ws.ping", PING), ("ws.pong", PONG)):
        assert "error" not in server.command(command, int(number))
        got = w.frame()
        assert got[0] == opcode and got[1], got
    w.send(frame(PONG, b""))
    assert "error" not in server.command("ws.close", int(number))
    assert w.closed() == 1000
    assert "CLOSING" in server.dump()[number]
    w.send(frame(CLOSE, struct.pack(">H", 1000)))
    assert w.is_closed()
    wait_until(lambda: f"over: {number} 127.0.0.1" in server.log(), "event_route[websocket:closed]")
    assert "error" not in server.command("ws.disable")
    assert get(server.port, headers=HEADERS)[1][0] == 503
    assert "error" not in server.command("ws.enable")
    w = WebSocket(server.port)
    w.put(w.request(uri="sip:close@127.0.0.1"))
    assert w.frame() == (CLOSE, struct.pack(">H", 4000) + b"Because")
    w.close()
    wait_until(lambda: not server.dump(), "the end of all connections")
    assert server.statistic("websocket.ws_local_closed_connections") >= 2


def test_secure():
    with Server(secure=True) as server:
        w, plain = WebSocket(server.tls_port, secure=True), WebSocket(server.port)
        w.put(w.request())
        answer = w.message()
        assert "X-From: wss\r\n" in answer, answer
        w.register("anna")
        plain.put(plain.request("MESSAGE", "sip:anna@127.0.0.1"))
        got = w.message()
        assert "Via: SIP/2.0/WSS 127.0.0.1" in got, got
        w.reply(got)
        assert plain.message().startswith("SIP/2.0 200")
        w.send(frame(CLOSE, struct.pack(">H", 1000)))
        assert w.closed() == 1000 and w.is_closed()


def test_keep_alive():
    """Silent connections are pinged; those that do not answer end, the others outlive what TCP
    connections may be idle."""
    parameters = 'modparam("websocket", "keepalive_timeout", 1)\n'
    with Server(parameters=parameters, global_lines="tcp_connection_lifetime=1") as server:
        good, bad = WebSocket(server.port), WebSocket(server.port)
        for _ in range(4):
            opcode, payload = good.frame()
            assert opcode == PING, opcode
            good.send(frame(PONG, payload))
        assert bad.frame()[0] == PING and bad.is_closed()
        good.put(good.request())
        while (got := good.frame())[0] == PING:
            pass
        assert got[1].startswith(b"SIP/2.0 200"), got


def test_a_worker_dies():
    with Server() as server:
        by_pid = {}
        while len(by_pid) < 2:
            w = WebSocket(server.port)
            w.put(w.request())
            by_pid.setdefault(int(re.search(r"X-Pid: (\d+)", w.message())[1]), []).append(w)
        (victim, lost), (_, kept) = by_pid.items()
        os.kill(victim, signal.SIGKILL)
        assert all(w.is_closed() for w in lost)
        for w in kept:
            w.put(w.request())
            assert w.message().startswith("SIP/2.0 200")
        wait_until(lambda: len(server.dump()) == len(kept), "the dead worker's notes to go")


def test_the_end():
    server = Server()
    server.start()
    w = WebSocket(server.port)
    server.stop()
    assert w.closed() == 1001


def main():
    wanted = sys.argv[1:]
    together = [test_http, test_http_refused, test_handshake_refused, test_sip, test_wrong_frames,
                test_parties, test_commands]
    with Server() as server:
        for test in together:
            if not wanted or test.__name__ in wanted:
                print(test.__name__, flush=True)
                wait_until(lambda: not server.dump(), "no connection")
                test(server)
    for test in (test_secure, test_keep_alive, test_a_worker_dies, test_the_end):
        if not wanted or test.__name__ in wanted:
            print(test.__name__, flush=True)
            test()


if __name__ == "__main__":
    main()
