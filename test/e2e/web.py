# SPDX-License-Identifier: Apache-2.0
"""HTTP: JSON-RPC, metrics, who may ask, and long answers over every interface."""
import base64
import http.client
import json
import os
import re
import resource
import select
import socket
import subprocess

import fairlead
import ports
import websocket_client
from fairlead import Client, Server, wait_until

EXTRA = """loadmodule "pv.so"
loadmodule "tm.so"
loadmodule "htable.so"
loadmodule "cfg_rpc.so"
loadmodule "mi_fifo.so"
loadmodule "ctl.so"
loadmodule "jsonrpcs.so"
loadmodule "metrics.so"
loadmodule "http.so"
modparam("http", "listen", "127.0.0.1:{http}")
modparam("http", "listen", "unix:fairlead_http")
modparam("http", "user", "admin:secret")
modparam("http", "reader", "watch:other")
modparam("http", "token", "0123456789abcdef")
modparam("mi_fifo", "reply_dir", "{path}")
modparam("jsonrpcs", "fifo_reply_dir", "{path}")
modparam("htable", "htable", "big=>size=12")
{more}
"""
FILL = """
    if ($rU == "fill") {
        $var(i) = 0;
        while ($var(i) < $(hdr(X-Count){s.int})) {
            $sht(big=>key-$var(i)) = "a value that is some forty bytes long: " + $var(i);
            $var(i) = $var(i) + 1;
        }
    }
    sl_send_reply("200", "OK");
"""


class Web(Server):
    def __init__(self, *args, more="", **kwargs):
        self.http_port = ports.reserve()
        super().__init__(*args, **kwargs)
        with open(self.config) as f:
            text = f.read()
        extra = EXTRA.format(path=self.path, http=self.http_port, more=more)
        with open(self.config, "w") as f:
            f.write(text.replace("request_route", extra + "request_route", 1))
        self.local = os.path.join(self.run_dir, "fairlead_http")

    def ask(self, method, path, body=None, headers=None, local=False):
        """Status, headers and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port,
                                                timeout=fairlead.DEADLINE)
        if local:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(fairlead.DEADLINE)
            connection.sock.connect(self.local)
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, response.headers, text

    def rpc(self, request, **kwargs):
        """Status and what the answer is; None for no content."""
        body = request if isinstance(request, str) else json.dumps(request)
        status, headers, text = self.ask("POST", "/RPC", body, **kwargs)
        if text:
            assert headers["Content-Type"] == "application/json", headers
        return status, json.loads(text) if text else None

    def call(self, method, *params, **kwargs):
        status, answer = self.rpc(request(method, *params), **kwargs)
        assert status == 200 and answer["id"] == 7, (status, answer)
        return answer["result"]

    def control(self):
        return [row["PID"] for row in self.call("core.psx") if row["DSC"] == "control"][0]


def request(method, *params, **more):
    return {"jsonrpc": "2.0", "method": method, "params": list(params), "id": 7, **more}


def basic(text):
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


ADMIN = basic("admin:secret")


def test_json_rpc_over_http():
    with Web() as server:
        assert server.call("core.version").startswith("fairlead ")
        assert [row["PID"] for row in server.call("core.psx")] == server.family()
        status, answer = server.rpc(request("no.such"))
        assert (status, answer["error"]["message"]) == (500, "Method Not Found"), answer
        status, answer = server.rpc(request("core.printi", "x"))
        assert (status, answer["error"]["code"], answer["id"]) == (400, 400, 7), answer
        for text, code in (("", -32700), ("{", -32700), ("nonsense", -32700), ("[]", -32600),
                           ("5", -32600), ('{"id":7}', -32600), ("[" * 70000, -32700)):
            status, answer = server.rpc(text)
            assert (status, answer["error"]["code"]) == (400, code), (text[:50], status, answer)
        # A notification is run and not answered.
        notification = {"jsonrpc": "2.0", "method": "core.echo", "params": ["x"]}
        assert server.rpc(notification) == (204, None)
        assert server.rpc([notification, notification]) == (204, None)
        status, _, _ = server.ask("GET", "/RPC")
        assert status == 405
        assert server.ask("POST", "/other", "{}")[0] == 404
        assert server.ask("POST", "/RPCx", "{}")[0] == 404


def test_a_batch_is_answered_in_its_order():
    with Web() as server:
        status, answer = server.rpc([request("core.version", id=1), 5,
                                     {"jsonrpc": "2.0", "method": "core.echo", "params": ["x"]},
                                     request("no.such", id="b"), request("core.echo", "y", id=3)])
        assert status == 200 and [one["id"] for one in answer] == [1, None, "b", 3], answer
        assert answer[0]["result"].startswith("fairlead ")
        assert answer[1]["error"]["code"] == -32600
        assert answer[2]["error"]["code"] == 500
        assert answer[3]["result"] == ["y"]
        status, answer = server.rpc([request("core.echo", "z" * 500, id=i) for i in range(1000)])
        assert [one["id"] for one in answer] == list(range(1000))


def test_who_may_do_what():
    change = request("cfg.seti", "core", "debug", 3)
    with Web() as server:
        status, answer = server.rpc(change)
        assert (status, answer["error"]["code"]) == (403, 403), answer
        assert server.rpc(change, headers=basic("watch:other"))[0] == 403
        assert server.rpc(change, headers=ADMIN)[0] == 200
        assert server.rpc(change, headers={"Authorization": "Bearer 0123456789abcdef"})[0] == 200
        assert server.rpc(change, local=True)[0] == 200
        for wrong in (basic("admin:other"), basic("nobody:secret"), basic("admin"),
                      {"Authorization": "Bearer 0123456789abcdee"}, {"Authorization": "x" * 4000},
                      {"Origin": "http://example.org"}, {"Host": "example.org"}):
            status, headers, _ = server.ask("POST", "/RPC", json.dumps(request("core.version")), wrong)
            assert status == 401 and headers["WWW-Authenticate"].startswith("Basic "), wrong
            assert server.ask("GET", "/metrics", headers=wrong)[0] == 401
        # With the right ones a browser may be anywhere.
        origin = ADMIN | {"Origin": "http://example.org", "Host": "example.org"}
        assert server.rpc(request("core.version"), headers=origin)[0] == 200
        def logged():
            return re.search(r"jsonrpcs \(HTTP, user admin, 127\.0\.0\.1:\d+\): cfg\.seti core debug 3",
                             server.log())
        wait_until(logged, "a line that says who changed something")


def test_local_role():
    for role, status in (("administrator", 200), ("none", 401)):
        with Web(more=f'modparam("http", "local_role", "{role}")') as server:
            change = json.dumps(request("cfg.seti", "core", "debug", 3))
            assert server.ask("POST", "/RPC", change)[0] == status


def start_fails(more, why):
    server = Web(more=more)
    result = fairlead.run(*server.args, "-DD")
    assert result.returncode == 255 and why in result.stderr, (result.returncode, result.stderr)
    assert not os.path.exists(server.local)


def test_an_open_door_is_refused():
    server = Web()
    with open(server.config) as f:
        text = f.read()
    accounts = re.compile(r'modparam\("http", "(user|reader|token)", .*\n')
    with open(server.config, "w") as f:
        f.write(accounts.sub("", text).replace('"127.0.0.1:', '"0.0.0.0:'))
    result = fairlead.run(*server.args, "-DD")
    assert result.returncode == 255, result
    assert "other machines can reach 0.0.0.0:" in result.stderr, result.stderr
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        start_fails(f'modparam("http", "listen", "127.0.0.1:{port}")',
                    f"cannot listen on 127.0.0.1:{port}: Address already in use")
    for line, why in (('"listen", "example.org:80"', "is neither an address with a port"),
                      ('"listen", "127.0.0.1"', "is neither an address with a port"),
                      ('"listen", "127.0.0.1:99999"', "is neither an address with a port"),
                      ('"listen", "unix:"', "names a socket"),
                      ('"user", "nobody"', "name:password"),
                      ('"token", "short"', "at least 16 characters"),
                      ('"local_role", "king"', "local_role:")):
        start_fails(f'modparam("http", {line})', why)
    start_fails('modparam("metrics", "path", "/RPC")', "the HTTP path /RPC is served twice")
    start_fails('modparam("metrics", "path", "x/")', "begins with '/'")


def samples(text):
    return {name: float(value) for name, value in
            (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))}


def test_metrics_are_what_prometheus_reads():
    with Web(more='failure_route[BUSY] { t_reply("486", "Busy"); }') as server:
        client = Client(server.port)
        for _ in range(20):
            assert client.ask() == 200
        status, headers, text = server.ask("GET", "/metrics")
        assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
        check = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True,
                               text=True, timeout=fairlead.DEADLINE)
        assert check.returncode == 0 and not check.stderr, check.stderr
        found = samples(text)
        assert found["fairlead_core_rcv_requests_total"] == 20, text
        assert found["fairlead_sl_200_replies_total"] == 20
        workers = [found[f'fairlead_worker_requests_total{{worker="{i}"}}'] for i in range(2)]
        assert sum(workers) == 20, workers
        run = 'fairlead_core_route_seconds_{}{{route="request_route"{}}}'
        assert found[run.format("count", "")] == 20
        assert found[run.format("bucket", ',le="+Inf"')] == 20
        assert 0 < found[run.format("sum", "")] < 20
        assert found['fairlead_core_route_seconds_count{route="failure_route[BUSY]"}'] == 0
        assert found["fairlead_core_first_reply_seconds_count"] == 20
        assert found["fairlead_core_first_reply_seconds_sum"] > 0
        assert found["fairlead_core_queue_seconds_count"] >= 0
        assert found["fairlead_shared_memory_used_bytes"] > 0
        owners = [value for name, value in found.items()
                  if name.startswith("fairlead_shared_memory_owner_bytes{")]
        assert 0 < sum(owners) <= found["fairlead_shared_memory_used_bytes"]
        assert any('module="tm"' in name for name in found), text
        assert "# TYPE fairlead_http_connections gauge\n" in text

        status, headers, text = server.ask("GET", "/metrics",
                                           headers={"Accept": "application/openmetrics-text"})
        assert headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
        assert text.endswith("\n# EOF\n") and text.count("# EOF") == 1
        assert "# TYPE fairlead_core_rcv_requests counter\n" in text
        assert "# UNIT fairlead_core_route_seconds seconds\n" in text
        assert samples(text)["fairlead_core_rcv_requests_total"] == 20
        status, _, text = server.ask("HEAD", "/metrics")
        assert (status, text) == (200, "")
        assert server.ask("POST", "/metrics", "x")[0] == 405


def fill(server, count):
    client = Client(server.port)
    message = client.message(user="fill").replace(b"Max-Forwards", b"X-Count: %d\r\nMax-Forwards"
                                                  % count)
    client.socket.send(message)
    assert client.answer() == 200


def limit_memory(pid, more):
    """The process gets so many bytes of its own memory and no more."""
    with open(f"/proc/{pid}/status") as f:
        data = int(re.search(r"VmData:\s+(\d+) kB", f.read()).group(1)) * 1024
    if data < 1 << 40:  # else it runs with a sanitizer, which takes terabytes
        resource.prlimit(pid, resource.RLIMIT_DATA, (data + more, data + more))


def keys(slots):
    return {item["name"] for slot in slots for item in slot["slot"]}


def test_long_answers_come_whole_out_of_little_memory():
    count = 100_000
    wanted = {f"key-{i}" for i in range(count)}
    with Web("-m", "256", more="max_while_loops=1000000", route=FILL) as server:
        fill(server, count)
        control = server.control()
        limit_memory(control, 6 << 20)  # the answers are 13 MB and more
        assert keys(server.call("htable.dump", "big")) == wanted
        status, answers = server.rpc([request("htable.dump", "big", id=i) for i in range(3)])
        assert [keys(answer["result"]) == wanted for answer in answers] == [True] * 3

        fifo = os.path.join(server.run_dir, "fairlead_rpc.fifo")
        pipe = os.path.join(server.path, "answer")
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        with open(fifo, "w") as f:
            f.write(json.dumps(request("htable.dump", "big", reply_name="answer")))
        assert keys(json.loads(read_to_end(reader))["result"]) == wanted

        os.unlink(pipe)
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        with open(os.path.join(server.run_dir, "fairlead_fifo"), "w") as f:
            f.write(":htable.dump:answer\nbig\n\n")
        assert set(re.findall(r"key-\d+", read_to_end(reader))) == wanted

        text = over_binary_protocol(os.path.join(server.run_dir, "fairlead_ctl"))
        assert set(re.findall(r"key-\d+", text)) == wanted
        assert server.control() == control, "the control process died"
        statistics = server.call("stats.fetchn", "http:")
        assert statistics["http.most_waiting"] < 256 * 1024, statistics
        assert statistics["http.cut_short"] == 0, statistics


def over_binary_protocol(path):
    """The body of the answer; kamcmd itself takes none of this length."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(fairlead.DEADLINE)
    client.connect(path)
    body = b"\x91\x0chtable.dump\0\x41big\0"
    client.sendall(bytes((0xa1, 0x00, len(body), 7)) + body)
    with client, client.makefile("rb") as answer:
        magic, sizes = answer.read(2)
        assert magic == 0xa1 and sizes >> 4 == 1, "a reply"
        length = int.from_bytes(answer.read((sizes >> 2 & 3) + 1), "big")
        assert answer.read((sizes & 3) + 1)[-1] == 7, "the cookie"
        whole = answer.read(length)
        assert len(whole) == length, (len(whole), length)
        return whole.decode("latin-1")


def read_to_end(fd):
    """What a FIFO's writer says until it closes."""
    parts = []
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    wait_until(lambda: poll.poll(0), "the beginning of an answer")
    os.set_blocking(fd, True)
    while part := os.read(fd, 1 << 20):
        parts.append(part)
    os.close(fd)
    return b"".join(parts).decode()


def test_a_slow_reader_holds_nobody_up():
    with Web("-m", "256", more="max_while_loops=1000000", route=FILL) as server:
        fill(server, 100_000)
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(fairlead.DEADLINE)
        slow.connect(("127.0.0.1", server.http_port))
        body = json.dumps(request("htable.dump", "big"))
        slow.sendall(f"POST /RPC HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                     f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
        assert slow.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
        assert server.call("core.version").startswith("fairlead ")
        assert Client(server.port).ask() == 200
        got = b""
        while part := slow.recv(1 << 20):
            got += part
        assert got.endswith(b"\r\n0\r\n\r\n"), got[-100:]
        assert len(set(re.findall(rb"key-\d+", got.replace(b"\r\n", b"")))) > 90_000


def test_a_new_control_process_serves_on():
    with Web() as server:
        control = server.control()
        os.kill(control, 9)
        wait_until(lambda: control not in server.workers() and len(server.workers()) == 3,
                   "another control process")
        assert server.call("core.version").startswith("fairlead ")
        assert server.rpc(request("core.version"), local=True)[0] == 200


SCRIPT = """#!KAMAILIO
debug=2
log_stderror=yes
auto_aliases=no
children={children}
listen=tcp:{host}:{port}
loadpath "{modules}"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "kex.so"
loadmodule "xhttp.so"
loadmodule "jsonrpcs.so"
modparam("jsonrpcs", "transport", 7)
request_route {{ exit; }}
event_route[xhttp:request] {{
    append_to_reply("X-Pid: $pp\\r\\n");
    if ($hu == "/close") set_reply_close();
    if ($hu == "/RPC" || $hu == "/close") {{
        jsonrpc_dispatch();
        exit;
    }}
    if ($hu == "/twice") {{
        jsonrpc_dispatch();
        jsonrpc_dispatch();
        exit;
    }}
    xhttp_reply("200", "OK", "text/plain", "$hu");
}}
"""


def connected(server):
    return websocket_client.Connection(server.port, limit=fairlead.DEADLINE)


def posted(body, path="/RPC"):
    body = body if isinstance(body, str) else json.dumps(body)
    return f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n{body}"


def test_commands_through_the_script():
    for args in ((), ("-D",)):
        with Server(*args, config=SCRIPT) as server, connected(server) as peer:
            peer.send_bytes(posted(request("core.psx")))
            response = peer.response()
            rows = json.loads(response.body)["result"]
            assert [row["PID"] for row in rows] == server.family(), rows
            # A worker had it, not the process that answered, unless there is one only.
            worker = [row["DSC"] for row in rows if row["PID"] == int(response.get("X-Pid"))]
            assert args or worker[0].startswith("worker"), (worker, rows)
            # Answers keep the order of their requests, whoever gives them.
            count = 20
            for n in range(count):
                peer.send_bytes(posted(request("core.echo", n, id=n)) +
                                f"GET /{n} HTTP/1.1\r\nHost: h\r\n\r\n")
            for n in range(count):
                answer = json.loads(peer.response().body)
                assert (answer["result"], answer["id"]) == ([str(n)], n), answer
                assert peer.response().body == f"/{n}"
            # One answer, also when the script asks for two.
            peer.send_bytes(posted(request("core.echo", "once"), "/twice") +
                            "GET /next HTTP/1.1\r\nHost: h\r\n\r\n")
            assert json.loads(peer.response().body)["result"] == ["once"]
            assert peer.response().body == "/next"
            peer.send_bytes(posted(request("core.echo", "last"), "/close"))
            assert peer.response().status == 200
            assert peer.is_ended()
            with connected(server) as other:
                other.send_bytes(posted("nonsense"))
                assert other.response().status == 400


def test_commands_through_the_script_and_a_new_control_process():
    with Server(config=SCRIPT) as server, connected(server) as peer:
        peer.send_bytes(posted(request("core.psx")))
        control = [row["PID"] for row in json.loads(peer.response().body)["result"]
                   if row["DSC"] == "control"][0]
        os.kill(control, 9)
        wait_until(lambda: control not in server.workers() and len(server.workers()) == 3,
                   "a new control process")
        with connected(server) as other:
            other.send_bytes(posted(request("core.echo", "again")))
            assert json.loads(other.response().body)["result"] == ["again"]


fairlead.main(dict(globals()))
