# SPDX-License-Identifier: Apache-2.0
"""SIP over TLS: certificates on both sides, names, a new configuration while calls go on, peers that
misbehave, workers that die, and calls. CALLS and RATE change the calls (50 calls/s for 4 s)."""
import json
import os
import signal
import socket
import ssl
import subprocess
import threading

import certificates
import fairlead
import ports
import streams

BASIC = """[server:default]
certificate = {server}
ca_list = {ca}
[client:default]
certificate = {server}
"""
CONFIG = streams.CONFIG.replace("listen=tcp:{host}:{port}", """listen=tcp:{host}:{port}
listen=tls:{host}:TLSPORT
enable_tls=yes""").replace("PARAMETERS", """loadmodule "tls.so"
loadmodule "jsonrpcs.so"
loadmodule "rr.so"
modparam("tls", "config", "tls.cfg")
modparam("tls", "xavp_cfg", "tls")
PARAMETERS""").replace('X-From: $proto', 'X-From: $proto\\r\\nX-Tls: $tls_version;'
                       '$tls_peer_subject_cn;$tls_peer_verified;$tls_peer_server_name;'
                       '$tls_my_subject_cn;$K(TLS)')
MADE = certificates.Certificates()
MADE.authority("other")
MADE.make("localhost", names="DNS:localhost,IP:127.0.0.1,IP:::1")
MADE.make("b.example")
MADE.make("client", subject="/O=Example/CN=client")
MADE.make("stranger", authority="other")


def text_of(profiles, **more):
    return profiles.format(server=MADE.file("localhost.pem"), ca=MADE.file("ca.pem"),
                           b=MADE.file("b.example.pem"), client=MADE.file("client.pem"), **more)


class Server(fairlead.Server):
    def __init__(self, profiles=BASIC, parameters="", route="", host="127.0.0.1", own_workers=0,
                 **kwargs):
        self.tls_port = ports.reserve()
        config = CONFIG.replace("TLSPORT", str(self.tls_port)).replace("PARAMETERS", parameters)
        config = config.replace("listen=tls", f"socket_workers={own_workers}\nlisten=tls")
        super().__init__(config=config.replace("ROUTE", route), host=host, **kwargs)
        self.host = host
        self.write(text_of(profiles))

    def write(self, profiles):
        with open(os.path.join(self.path, "tls.cfg"), "w") as out:
            out.write(profiles)

    def command(self, name):
        """The answer as JSON-RPC gives it, as text, and whether it is no error."""
        client = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        client.bind("")  # a name outside the file system
        client.settimeout(fairlead.DEADLINE)
        client.connect(os.path.join(self.run_dir, "fairlead_rpc.sock"))
        client.send(json.dumps({"jsonrpc": "2.0", "method": name, "params": [], "id": 7}).encode())
        answer = json.loads(client.recv(1 << 20))
        client.close()
        return json.dumps(answer), "error" not in answer


def context(certificate=None, verify=True, purpose=ssl.Purpose.SERVER_AUTH):
    made = ssl.create_default_context(purpose, cafile=MADE.file("ca.pem"))
    if purpose is ssl.Purpose.SERVER_AUTH and not verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    if certificate:
        made.load_cert_chain(MADE.file(certificate + ".pem"))
    return made


class Peer(streams.Peer):
    """The same over TLS."""

    def __init__(self, server=None, accepted=None, name="localhost", **kwargs):
        if accepted is None:
            plain = socket.create_connection((server.host, server.tls_port), fairlead.DEADLINE)
            accepted = context(**kwargs).wrap_socket(plain, server_hostname=name)
        super().__init__(accepted=accepted)

    def request(self, **kwargs):
        return super().request(**kwargs).replace(b"Via: SIP/2.0/TCP", b"Via: SIP/2.0/TLS", 1)

    def facts(self):
        """What the server says of the connection."""
        self.send()
        line, headers, _ = self.message()
        assert line == "SIP/2.0 200 OK", line
        assert dict(headers)["X-From"] == "tls", headers
        names = ("version", "peer", "verified", "name", "mine", "constant")
        return dict(zip(names, dict(headers)["X-Tls"].split(";")))

    def cn(self):
        return dict(part[0] for part in self.socket.getpeercert()["subject"])["commonName"]


class Listening(streams.Listening):
    """A TLS socket that the server connects to."""

    def __init__(self, certificate="localhost", require=False, **kwargs):
        super().__init__(**kwargs)
        self.uri = self.uri.replace("=tcp", "=tls")
        self.context = context(certificate, purpose=ssl.Purpose.CLIENT_AUTH)
        self.names = []
        self.context.sni_callback = lambda connection, name, _: self.names.append(name)
        if require:
            self.context.verify_mode = ssl.CERT_REQUIRED

    def accept(self):
        plain = self.socket.accept()[0]
        plain.settimeout(fairlead.DEADLINE)
        return Peer(accepted=self.context.wrap_socket(plain, server_side=True))


def expect_no_tls(connect):
    """TLS 1.3 tells a client only with the first bytes that it is refused."""
    try:
        p = connect()
        p.send()
        p.message()
    except (ssl.SSLError, ConnectionError, EOFError):
        return
    raise AssertionError("the connection was taken")


def test_requests_in_any_pieces_and_keep_alives():
    with Server() as s:
        p = Peer(s)
        first = p.request()
        for at in range(len(first)):
            p.socket.sendall(first[at:at + 1])
        assert p.status() == 200
        p.socket.sendall(b"\r\n\r\n")
        assert p.read(2) == b"\r\n"
        p.socket.sendall(b"\r\n" + p.request() + p.request(body=b"x" * 60000))
        assert p.status() == 200 and p.status() == 200
        facts = p.facts()
        assert facts == {"version": "TLSv1.3", "peer": "<null>", "verified": "0",
                         "name": "localhost", "mine": "localhost", "constant": "3"}, facts
        p.close()


def test_pipelined_messages_are_all_answered_in_order():
    count = 10_000
    with Server(parameters="tcp_conn_wq_max=33554432\ntcp_wq_max=134217728\n") as s:
        p = Peer(s)
        all_of_them = [p.request() for _ in range(count)]
        # An OpenSSL connection is not for two threads at a time: written in portions that the
        # server's answers to fit between.
        number = 0
        for begin in range(0, count, 500):
            p.socket.sendall(b"".join(all_of_them[begin:begin + 500]))
            for _ in range(500):
                number += 1
                line, headers, _ = p.message()
                assert line == "SIP/2.0 200 OK", line
                assert ("Call-ID", f"{id(p)}-{number}") in headers, (number, headers)
        p.close()


def test_from_udp_to_tls_and_back():
    with Server() as s:
        target = Listening()
        client = fairlead.Client(s.port)
        client.socket.send(client.message(method="MESSAGE").replace(
            b"MESSAGE sip:ping@127.0.0.1 ", f"MESSAGE {target.uri} ".encode()))
        out = target.accept()
        message = out.message()
        assert message[1][0][1].startswith(f"SIP/2.0/TLS 127.0.0.1:{s.tls_port};"), message
        out.reply(message)
        assert client.answer() == 200
        # The other way, from the same peer: to a datagram's port.
        out.send(uri=f"sip:a@127.0.0.1:{client.socket.getsockname()[1]}", method="MESSAGE")
        bytes_ = client.socket.recv(65536)
        lines = bytes_.decode().split("\r\n")
        assert lines[1].startswith("Via: SIP/2.0/UDP ") and ";i=" in lines[1], lines
        head = "\r\n".join(line for line in lines[1:] if not line.startswith("Max-Forwards"))
        client.socket.send(f"SIP/2.0 200 OK\r\n{head}".encode())
        assert out.final() == 200
        client.close()


def test_sips_means_tls_and_is_not_downgraded():
    with Server() as s:
        target, p = Listening(), Peer(s)
        p.send(uri=f"sips:a@127.0.0.1:{target.port}", method="MESSAGE")
        out = target.accept()
        message = out.message()
        assert message[1][0][1].startswith("SIP/2.0/TLS "), message
        out.reply(message)
        assert p.final() == 200
        p.send(uri=f"sips:a@127.0.0.1:{target.port};transport=udp", method="MESSAGE")
        assert 400 <= p.final() < 700


def test_ipv6():
    with Server(host="::1", profiles=BASIC) as s:
        target, p = Listening(host="::1"), Peer(s)
        p.send(uri=target.uri, method="MESSAGE")
        out = target.accept()
        message = out.message()
        assert message[1][0][1].startswith(f"SIP/2.0/TLS [::1]:{s.tls_port};"), message
        out.reply(message)
        assert p.final() == 200


def test_the_name_that_a_client_asks_for_picks_the_certificate():
    with Server(BASIC + "[server:any]\nserver_name = b.example\ncertificate = {b}\n") as s:
        assert Peer(s).cn() == "localhost"
        p = Peer(s, name="b.example")
        assert p.cn() == "b.example"
        assert p.facts()["mine"] == "b.example"


def test_certificates_of_clients():
    strict = BASIC.replace("ca_list", "verify_certificate = yes\nrequire_certificate = yes\nca_list")
    with Server(strict) as s:
        facts = Peer(s, certificate="client").facts()
        assert facts["peer"] == "client" and facts["verified"] == "1", facts
        expect_no_tls(lambda: Peer(s))
        expect_no_tls(lambda: Peer(s, certificate="stranger"))
        fairlead.wait_until(lambda: s.report()["tls:failed_handshakes"] == 2, "two refusals")
    anybody = BASIC.replace("ca_list", "verify_client = optional_no_ca\nca_list")
    with Server(anybody) as s:
        facts = Peer(s, certificate="stranger").facts()
        assert facts["peer"] == "stranger" and facts["verified"] == "0", facts
        assert Peer(s).facts()["verified"] == "0"


def test_servers_that_are_connected_to_are_verified():
    strict = BASIC + "verify_certificate = yes\nverify_name = yes\nca_list = {ca}\n"
    route = '$xavp(tls=>server_name) = $rU;'
    with Server(strict, route=route) as s:
        good = Listening("b.example", require=True)
        p = Peer(s)
        p.send(uri=good.uri.replace("sip:", "sip:b.example@"), method="MESSAGE")
        out = good.accept()
        out.reply(out.message())
        assert p.final() == 200
        assert good.names == ["b.example"]
        for name, certificate in (("other.example", "b.example"), ("stranger", "stranger")):
            bad = Listening(certificate)
            p.send(uri=bad.uri.replace("sip:", f"sip:{name}@"), method="MESSAGE")
            try:
                bad.accept().message()
                raise AssertionError(f"a message for {name} went to {certificate}")
            except (ssl.SSLError, ConnectionError, EOFError):
                pass
            assert 400 <= p.final() < 700


def test_connections_of_different_profiles_are_not_mixed():
    profiles = BASIC + ("[client:192.0.2.1:1]\nserver_id = one\nserver_name = one.example\n"
                        "[client:192.0.2.1:2]\nserver_id = two\nserver_name = two.example\n"
                        "certificate = {client}\n")
    route = '$xavp(tls=>server_id) = $rU;'
    with Server(profiles, route=route, children=2) as s:
        target, p = Listening(require=True), Peer(s)
        out = {}
        for name, cn in (("two", "client"), ("none", "localhost")):
            p.send(uri=target.uri.replace("sip:", f"sip:{name}@"), method="MESSAGE")
            out[name] = target.accept()
            assert out[name].cn() == cn
            out[name].reply(out[name].message())
            assert p.final() == 200
        # Each again, from the other workers as well: over the connection of its profile.
        for peer in [p, *(Peer(s) for _ in range(6))]:
            for name in ("two", "none"):
                peer.send(uri=target.uri.replace("sip:", f"sip:{name}@"), method="MESSAGE")
                out[name].reply(out[name].message())
                assert peer.final() == 200
        assert target.names == ["two.example", None]


def test_a_new_configuration_while_connections_live():
    with Server(children=2) as s:
        before = Peer(s)
        assert before.cn() == "localhost"
        s.write(text_of(BASIC).replace(MADE.file("localhost.pem"), MADE.file("missing.pem")))
        text, good = s.command("tls.reload")
        assert not good and MADE.file("missing.pem") in text, text
        s.write("[server:default]\ncertifcate = x\n")
        text, good = s.command("tls.reload")
        assert not good and "tls.cfg:2: unknown setting certifcate" in text, text
        for _ in range(8):
            assert Peer(s).cn() == "localhost"
        s.write(text_of(BASIC).replace(MADE.file("localhost.pem"), MADE.file("b.example.pem")))
        text, good = s.command("tls.reload")
        assert good, text
        owners = set()
        while len(owners) < 2:  # every worker, and each time
            p = Peer(s, name="b.example")
            assert p.cn() == "b.example"
            p.send()
            owners.add(dict(p.message()[1])["X-Pid"])
        before.send()
        assert before.status() == 200
        # A worker that is forked later has it as well.
        dead = int(owners.pop())
        os.kill(dead, signal.SIGKILL)
        fairlead.wait_until(lambda: dead not in s.workers() and len(s.workers()) == 3, "a successor")
        for _ in range(16):
            assert Peer(s, name="b.example").cn() == "b.example"


def test_commands():
    with Server() as s:
        p = Peer(s)
        p.send()
        assert p.status() == 200
        text, good = s.command("tls.list")
        assert good and f'"src_port": {p.socket.getsockname()[1]}' in text and "TLSv1.3" in text, text
        assert '"opened_connections": 1' in s.command("tls.info")[0]
        assert '"connection_timeout": 600' in s.command("tls.options")[0]
        text = s.command("core.tcp_list")[0]
        assert '"type": "TLS"' in text and '"state": "CONN_OK"' in text, text
        p.close()
        fairlead.wait_until(lambda: '"opened_connections": 0' in s.command("tls.info")[0], "its end")


def test_what_is_no_tls_is_closed():
    with Server() as s:
        good = Peer(s)
        for text in (good.request(), b"GET / HTTP/1.1\r\n\r\n", b"\0" * 1000, b"\xff" * 1000):
            p = streams.Peer(s.tls_port)
            p.socket.sendall(text)
            assert p.is_closed()
            p.close()
        fairlead.wait_until(lambda: s.report()["tls:failed_handshakes"] == 4, "four refusals")
        good.send()
        assert good.status() == 200


def test_who_never_ends_the_greeting_is_closed():
    with Server(parameters="tcp_connect_timeout=1\n") as s:
        silent, slow, good = streams.Peer(s.tls_port), streams.Peer(s.tls_port), Peer(s)
        hello = ssl.MemoryBIO()
        asking = context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost")
        try:
            asking.do_handshake()
        except ssl.SSLWantReadError:
            pass
        closed = threading.Event()

        def drip():
            for byte in hello.read()[:-1]:
                try:
                    slow.socket.sendall(bytes([byte]))
                except ConnectionError:
                    break
                if closed.wait(0.05):
                    break
        thread = threading.Thread(target=drip)
        thread.start()
        for _ in range(50):
            good.send()
            assert good.status() == 200
        assert silent.is_closed() and slow.is_closed()
        closed.set()
        thread.join()
        assert s.report()["tcp:con_timeout"] == 2


def test_a_server_that_never_greets_fails_its_message_only():
    with Server(parameters="tcp_connect_timeout=1\n") as s:
        mute, p, other = streams.Listening(), Peer(s), Peer(s)
        p.send(uri=mute.uri.replace("=tcp", "=tls"), method="MESSAGE")
        held = mute.accept()
        for _ in range(50):
            other.send()
            assert other.status() == 200
        assert 400 <= p.final() < 700
        held.close()
        # One that does not speak TLS at all.
        p.send(uri=mute.uri.replace("=tcp", "=tls"), method="MESSAGE")
        held = mute.accept()
        held.socket.sendall(b"SIP/2.0 200 OK\r\n\r\n")
        assert 400 <= p.final() < 700


def test_slow_loris_is_closed():
    with Server(parameters="tcp_msg_read_timeout=1\n") as s:
        p = Peer(s)
        p.socket.sendall(p.request()[:100])
        assert p.is_closed()
        assert fairlead.wait_until(lambda: s.report()["tcp:con_timeout"] == 1, "the timeout")


def test_a_worker_that_dies_takes_only_its_connections():
    with Server(children=2) as s:
        left = streams.kill_an_owner(lambda: Peer(s), 10)
        fairlead.wait_until(lambda: f'"opened_connections": {len(left)}' in s.command("tls.info")[0],
                            "clean notes")


def test_a_listener_with_workers_of_its_own():
    with Server(children=2, own_workers=2) as s:
        rows = json.loads(s.command("core.psx")[0])["result"]
        own = {row["PID"] for row in rows if row["DSC"].endswith(f"(tls:127.0.0.1:{s.tls_port})")}
        assert len(own) == 2, rows
        peers, pids = [Peer(s) for _ in range(40)], []  # who accepts one is the system's choice
        for p in peers:
            p.send()
            pids.append(int(dict(p.message()[1])["X-Pid"]))
        assert set(pids) == own, (pids, own)
        # What a common worker sends to TLS leaves by a connection of theirs, and comes back.
        target, client = Listening(), streams.Peer(s.port)
        client.send(uri=target.uri, method="MESSAGE")
        out = target.accept()
        out.reply(out.message())
        assert client.final() == 200
        os.kill(pids[0], signal.SIGKILL)
        for p, pid in zip(peers[1:], pids[1:]):
            if pid != pids[0]:
                assert p.facts()["version"].startswith("TLSv1."), pid
        client.send()
        assert client.status() == 200


def test_the_route_is_recorded_for_both_sides():
    with Server(route="record_route();") as s:
        target = Listening()
        client = fairlead.Client(s.port)
        client.socket.send(client.message(method="INVITE").replace(
            b"INVITE sip:ping@127.0.0.1 ", f"INVITE {target.uri} ".encode()))
        out = target.accept()
        routes = [value for name, value in out.message()[1] if name == "Record-Route"]
        assert len(routes) == 2 and all(";r2=on" in route for route in routes), routes
        assert f":{s.tls_port};transport=tls" in routes[0], routes
        assert "transport" not in routes[1] and f":{s.port};" in routes[1], routes
        out.socket.close()
        assert client.answer() is not None
        client.close()


def test_too_many_connections():
    with Server(parameters="tls_max_connections=2\n") as s:
        first, second = Peer(s), Peer(s)
        expect_no_tls(lambda: Peer(s))
        plain = streams.Peer(s.port)  # of TCP there are more
        plain.send()
        assert plain.status() == 200
        first.close()
        fairlead.wait_until(lambda: s.report()["tcp:current_opened_connections"] == 2, "room")
        for p in (Peer(s), second):
            p.send()
            assert p.status() == 200


def refused(text, profiles=BASIC):
    s = Server(profiles)
    with open(s.config) as f:
        config = text(f.read())
    with open(s.config, "w") as f:
        f.write(config)
    done = fairlead.run(*s.args, "-DD")
    s.directory.cleanup()
    assert done.returncode != 0, "it started"
    return done.stderr


def test_what_is_missing_is_named():
    def without(line):
        return lambda text: text.replace(line, "")
    assert 'needs loadmodule "tls.so"' in refused(
        lambda text: "\n".join(line for line in text.split("\n")
                               if '"tls' not in line and "$tls" not in line))
    assert "needs enable_tls=yes" in refused(without("enable_tls=yes"))
    assert "tls.cfg:2: method SSLv3 is not spoken" in refused(
        lambda text: text, "[server:default]\nmethod = SSLv3\n")
    assert "[server:default]: cannot read /nowhere/x.pem: No such file or directory" in refused(
        lambda text: text, "[server:default]\ncertificate = /nowhere/x.pem\n")
    with_engine = refused(lambda text: text.replace(
        'modparam("tls", "config"', 'modparam("tls", "engine", "x")\nmodparam("tls", "config"'))
    assert "keys in an engine are not supported" in with_engine, with_engine


def calls(transport, uas_transport, host="127.0.0.1", sources=1):
    """By the load tool: Debian's sipp speaks no TLS."""
    with Server(children=4, host=host) as s:
        literal = streams.literal(host)
        port = s.tls_port if transport == "tls" else s.port
        done = subprocess.run(
            [os.environ["SIPLOAD"], "--mode", "call", "--target", f"{literal}:{port}", "--uas",
             f"{literal}:0", "--transport", transport, "--uas-transport", uas_transport, "--sources",
             str(sources), "--rate", str(streams.RATE), "--calls", str(streams.CALLS), "--duration",
             "100", "--json"], capture_output=True, text=True, timeout=200)
        assert done.stdout, f"sipload ended with {done.returncode}: {done.stderr}"
        report = json.loads(done.stdout)
        assert report["uac"]["failed"] == 0 and done.returncode == 0, done.stdout
        assert report["uac"]["completed"] == streams.CALLS, done.stdout


def test_calls_over_one_connection():
    calls("tls", "tls")


def test_calls_over_several_connections():
    calls("tls", "tls", sources=16)


def test_calls_from_udp_to_tls():
    calls("udp", "tls")


def test_calls_from_tls_to_udp():
    calls("tls", "udp")


def test_calls_from_tcp_to_tls():
    calls("tcp", "tls")


def test_calls_over_ipv6():
    calls("tls", "tls", "::1")


if __name__ == "__main__":
    fairlead.main({name: test for name, test in globals().items()})
