# SPDX-License-Identifier: Apache-2.0
"""The client fairleadctl, traces, roles, and the commands about transactions, with the real
server."""
import json
import os
import re
import socket
import subprocess

import fairlead
from fairlead import Client, wait_until
from managed import Managed, kamcmd

PROGRAM = os.environ["FAIRLEADCTL"]
RELAY = 't_relay("127.0.0.1", "{phone}");'


class Operated(Managed):
    """With the client's words; routes INVITEs to the phone."""

    def __init__(self, *args, route='sl_send_reply("200", "OK");', more="", **kwargs):
        more = 'loadmodule "cfg_rpc.so"\n' + more
        super().__init__(*args, route="@ROUTE@", more=more, **kwargs)
        with open(self.config) as f:
            text = f.read()
        with open(self.config, "w") as f:
            f.write(text.replace("@ROUTE@", route.replace("{phone}", str(self.phone.port))))
        self.socket = os.path.join(self.run_dir, "fairlead_rpc.sock")

    def run(self, *words, socket=None):
        return subprocess.run([PROGRAM, "-s", socket or self.socket, *words], capture_output=True,
                              text=True, timeout=fairlead.DEADLINE)

    def say(self, *words):
        done = self.run(*words)
        assert done.returncode == 0, (words, done)
        return done.stdout


def test_commands_tables_json_and_exit_status():
    with Operated() as server:
        assert server.say("core.version").startswith("fairlead ")
        lines = server.say("core.psx").splitlines()
        assert lines[0].split() == ["IDX", "PID", "DSC"], lines
        assert [int(line.split()[1]) for line in lines[1:]] == server.family(), lines
        assert re.search(r"^uptime: \d+$", server.say("core.uptime"), re.M)
        answer = json.loads(server.say("--json", "core.echo", "5", "s:5", "i:7", 'quote"d\n'))
        assert answer["result"] == ["5", "5", "7", 'quote"d\n'], answer
        answer = json.loads(server.say("--json", "jsonrpc.echo", "5", "s:5", "x"))
        assert answer["result"] == [5, "5", "x"], answer
        assert server.say("core.echo", "\x1b[2J") == "?[2J\n"
        done = server.run("no.such")
        assert done.returncode == 1 and "Method Not Found" in done.stderr, done
        done = server.run("core.kill", "nonsense")
        assert done.returncode == 1 and "must be a number" in done.stderr, done
        assert server.run().returncode == 2
        done = server.run("core.version", socket=os.path.join(server.path, "nothing"))
        assert done.returncode == 3 and 'loadmodule "jsonrpcs.so"' in done.stderr, done
        done = subprocess.run([PROGRAM, "core.version"], capture_output=True, text=True,
                              timeout=fairlead.DEADLINE,
                              env={**os.environ, "FAIRLEAD_SOCKET": server.socket})
        assert done.returncode == 0, done


def test_help_and_completion_come_from_the_server():
    with Operated() as server:
        names = server.say("complete").split()
        assert names == server.command("system.listMethods")["result"]
        assert server.say("complete", "core.up").split() == ["core.uptime"]
        assert server.say("help", "core.kill") == \
            "core.kill([int signal])\nSends a signal to the server.\n"
        assert server.run("help", "no.such").returncode == 1
        listed = server.say("help").splitlines()
        assert [line.split()[0] for line in listed] == names
        script = server.say("completion")
        words = 'COMP_WORDS=(fairleadctl -s "$S" core.up); COMP_CWORD=3; _fairleadctl; ' \
                'echo "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "-c", script + words], capture_output=True, text=True,
                              timeout=fairlead.DEADLINE,
                              env={**os.environ, "S": server.socket,
                                   "PATH": os.path.dirname(PROGRAM) + ":" + os.environ["PATH"]})
        assert done.stdout.split() == ["core.uptime"], done


def test_a_long_answer_arrives_whole():
    with Operated() as server:
        lines = server.say("tm.t_hash").splitlines()
        assert len(lines) == 32768 and lines[-1] == "32767.?0?0", lines[-1]  # no tabs, either
        assert len(json.loads(server.say("-j", "tm.t_hash"))["result"]) == 32768


def test_top():
    with Operated() as server:
        client = Client(server.port)
        assert client.ask() == 200
        text = server.say("--once", "-i", "0.05", "top")
        assert re.search(r"^transactions +0 live +0 waiting ", text, re.M), text
        assert re.search(r"^requests +\d+\.\d/s in ", text, re.M), text
        rows = [line.split() for line in text.splitlines()]
        head = next(i for i, row in enumerate(rows) if row[:2] == ["slot", "pid"])
        assert [int(row[1]) for row in rows[head + 1:]] == server.family(), text
        client.close()


def test_a_trace_tells_what_became_of_a_call():
    route = '$var(who) = $rU; t_on_failure("F"); route(OUT); } route[OUT] { ' + RELAY + \
            ' } failure_route[F] { $var(code) = 480; t_reply("480", "Nobody");'
    with Operated(route=route, more='modparam("tm", "retr_timer1", 200)') as server:
        client = Client(server.port)
        quiet = server.run("trace", "call-one")
        assert quiet.returncode == 1 and "cfg.seti core trace 1" in quiet.stderr, quiet
        server.command("cfg.seti", "core", "trace", 1)
        client.send(method="INVITE", call_id="call-one", user="joe")
        server.phone.receive()
        server.phone.receive()  # again, by a timer
        assert client.answer() == 100
        server.phone.reply(486, "Busy Here")
        assert client.answer() == 480
        listed = server.say("trace")
        assert re.search(r"^call-one +1 ", listed, re.M), listed
        events = server.command("core.trace", "call-one")["result"]
        seen = [(e["kind"], e["what"]) for e in events]

        def at(kind, begin):
            found = [i for i, (k, what) in enumerate(seen) if k == kind and what.startswith(begin)]
            assert found, (kind, begin, seen)
            return found[0]
        phone = f"to udp:127.0.0.1:{server.phone.port}"
        order = [at("received", "INVITE sip:joe@"), at("route", "request_route"),
                 at("assigned", '$var(who) = "joe"'), at("call", "t_on_failure(): 1"),
                 at("route", "route[OUT]"), at("branch", "0 "), at("sent", "INVITE "),
                 at("call", "t_relay(): 1"), at("timer", "retransmission"),
                 at("received", "SIP/2.0 486 Busy Here from udp:"), at("route", "failure_route[F]"),
                 at("assigned", "$var(code) = 480"), at("sent", "SIP/2.0 480 Nobody to udp:")]
        assert order == sorted(order), (order, seen)
        assert len([1 for kind, what in seen if kind == "sent" and what.endswith(phone)]) >= 3, seen
        assert all(e["place"].startswith("server.cfg:") for e in events if e["kind"] == "call")
        text = server.say("trace", "call-one")
        assert re.search(r"ms +1 +\[\d\] +call +t_relay\(\): 1 +\(server.cfg:\d+\)", text), text
        server.command("core.trace_clear")
        assert server.run("trace", "call-one").returncode == 1
        client.close()


def test_readers_change_nothing_and_changes_are_logged():
    more = ('modparam("jsonrpcs", "read_only_socket", "{path}/look")\n'
            'modparam("ctl", "read_only", "unix:{path}/look-ctl")\n'
            'modparam("mi_fifo", "read_only_fifo", "{path}/look-fifo")\n')

    class WithReaders(Operated):
        def __init__(self):
            super().__init__(more="@MORE@")
            with open(self.config) as f:
                text = f.read()
            with open(self.config, "w") as f:
                f.write(text.replace("@MORE@", more.replace("{path}", self.path)))

    with WithReaders() as server:
        look = os.path.join(server.path, "look")
        assert server.run("core.version", socket=look).returncode == 0
        done = server.run("cfg.seti", "core", "debug", "1", socket=look)
        assert done.returncode == 1 and "403 Permission denied" in done.stderr, done
        server.ctl, admin = os.path.join(server.path, "look-ctl"), server.ctl
        assert kamcmd(server, "core.version").startswith("fairlead ")
        assert "error: 403 - Permission denied" in kamcmd(server, "cfg.seti", "core", "debug", "1")
        server.ctl = admin
        fifo = os.path.join(server.path, "look-fifo")
        server.write(":print:a\nhello\n\n", fifo)
        assert server.reply("a", lambda got: got.endswith("\n")) == "200 ok\nhello\n"
        for i, text in enumerate(("t_uac_from:{}\nMESSAGE\n\nsip:b@x\n\n.\n\n", "kill:{}\n\n",
                                  "reset_statistics:{}\nsent\n\n", "cfg.seti:{}\ncore\ndebug\n1\n\n")):
            server.write(":" + text.format(f"b{i}"), fifo)
            assert server.reply(f"b{i}", lambda got: got.endswith("\n")) == "403 Permission denied\n"
        assert server.say("cfg.get", "core", "debug") == "2\n"
        assert "cfg.seti core" not in server.log(), "a change that was refused is in the log"
        server.say("cfg.seti", "core", "trace", "1")
        kamcmd(server, "cfg.seti", "core", "trace", "0")
        who = rf"uid {os.getuid()}, pid \d+"
        for interface, value in (("jsonrpcs", 1), ("ctl", 0)):
            line = rf"{interface} \({who}\): cfg.seti core trace {value}"
            wait_until(lambda line=line: re.search(line, server.log()), line)


def pending_call(server, client, call_id):
    """An INVITE that rings at the phone: index and label of its transaction."""
    client.send(method="INVITE", call_id=call_id)
    assert client.answer() == 100
    server.phone.receive()
    rows = [r for r in server.command("tm.list")["result"] if r["callid"] == call_id]
    assert len(rows) == 1, rows
    return rows[0]["tindex"], rows[0]["tlabel"]


def final(client):
    client.socket.settimeout(fairlead.DEADLINE)
    return client.socket.recv(65536).decode()


def test_replies_from_outside():
    with Operated(route=RELAY, more='modparam("tm", "fr_timer", 20000)') as server:
        client = Client(server.port)
        index, label = pending_call(server, client, "one")
        lines = server.ask(":t_hash:hash\n\n", "hash", "32767.\t0\t0\n").split("\n")
        assert lines[:2] == ["200 ok", "\tcurrent\ttotal"], lines[:3]
        assert len(lines) == 32768 + 3 and f"{index}.\t1\t1" in lines
        assert server.ask(f":t_reply:a\n603\nNo way\n{index}:{label}\nmytag\nX-Why: because\n"
                          "Content-Type: text/plain\n\nsorry\n.\n\n", "a") == \
            "200 fifo_t_reply succeeded\n"
        text = final(client)
        head, body = text.split("\r\n\r\n", 1)
        assert head.startswith("SIP/2.0 603 No way\r\n") and body == "sorry\r\n", text
        assert re.search(r"^To: .*;tag=mytag\r$", head, re.M) and "X-Why: because" in head, text
        assert "Content-Length: 7" in head, text
        again = server.ask(f":t_reply:b\n603\nNo\n{index}:{label}\nmytag\n\n.\n\n", "b")
        assert again == "481 fifo_t_reply: no such transaction\n"
        pending_call(server, client, "two")
        assert server.ask(":t_reply_callid:c\ntwo\n1\n486\nBusy\n.\nX-Also: this\n\n.\n\n", "c") == \
            "200 fifo_t_reply succeeded\n"
        text = final(client)
        assert text.startswith("SIP/2.0 486 Busy\r\n") and "X-Also: this\r\n" in text, text
        index, label = pending_call(server, client, "three")
        server.command("tm.reply", 480, "Gone", f"{index}:{label}", "t3", "X-A: 1\r\n", "")
        text = final(client)
        assert text.startswith("SIP/2.0 480 Gone\r\n") and ";tag=t3\r\n" in text, text
        pending_call(server, client, "four")
        server.command("tm.reply_callid", "404", "Lost", "four", "1", "t4")
        assert final(client).startswith("SIP/2.0 404 Lost\r\n")
        client.close()


BAD_REPLIES = [
    ("t_reply:{}\n\n\n\n\n\n.\n\n", "400 fifo_t_reply: code expected"),
    ("t_reply:{}\nx\nOK\n1:2\nt\n\n.\n\n", "400 fifo_t_reply: code(int) has wrong format"),
    ("t_reply:{}\n200\n\n1:2\nt\n\n.\n\n", "400 fifo_t_reply: reason expected"),
    ("t_reply:{}\n200\nOK\n\nt\n\n.\n\n", "400 fifo_t_reply: trans_id expected"),
    ("t_reply:{}\n200\nOK\n1\nt\n\n.\n\n", "400 fifo_t_reply: invalid trans_id"),
    ("t_reply:{}\n200\nOK\n1:99999999999999999999\nt\n\n.\n\n", "400 fifo_t_reply: invalid trans_id"),
    ("t_reply:{}\n200\nOK\n1:2\n\n\n.\n\n", "400 fifo_t_reply: to-ta expected"),
    ("t_reply:{}\n200\nOK\n1:2\na;b=c\n\n.\n\n", "400 fifo_t_reply: to-ta expected"),
    ("t_reply:{}\n200\nOK\n1:2\nt\nVia: x\n\n.\n\n", "400 fifo_t_reply: while reading new headers"),
    ("t_reply:{}\n200\nOK\n1:2\nt\nTo: x\n\n.\n\n", "400 fifo_t_reply: while reading new headers"),
    ("t_reply:{}\n200\nOK\n1:2\nt\nnonsense\n\n.\n\n", "400 fifo_t_reply: while reading new headers"),
    ("t_reply:{}\n200\nOK\n4294967295:2\nt\n\n.\n\n", "481 fifo_t_reply: no such transaction"),
    ("t_reply_callid:{}\nx\n1\n200\nOK\na b\n\n.\n\n", "400 fifo_t_reply: to-tag expected"),
    ("t_reply_callid:{}\nx\n1\n200\nOK\nt\nl: 5\n\n.\n\n",
     "400 fifo_t_reply: while reading new headers"),
]


def test_malformed_replies_are_refused():
    with Operated() as server:
        for i, (request, wanted) in enumerate(BAD_REPLIES):
            server.write(":" + request.format(f"r{i}"))
            text = server.reply(f"r{i}", lambda got, wanted=wanted: len(got) >= len(wanted))
            assert text.startswith(wanted), (request, text)


def test_requests_of_commands():
    headers = "From: <sip:a@b>\r\nTo: <sip:c@d>\r\nX-Own: 1\r\n"
    with Operated() as server:
        uri = f"sip:x@127.0.0.1:{server.phone.port}"
        typed = headers + "Content-Type: text/plain\r\n"
        assert "result" in server.command("tm.t_uac_start", "MESSAGE", uri, ".", ".", typed, "hi")
        request = server.phone.receive().decode()
        assert request.startswith(f"MESSAGE {uri} SIP/2.0\r\n") and request.endswith("\r\n\r\nhi")
        assert request.count("\r\nX-Own: 1\r\n") == 1 and request.count("\r\nFrom: ") == 1, request
        server.phone.reply(200, "OK")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asker:
            asker.bind(os.path.join(server.path, "asker"))
            asker.settimeout(fairlead.DEADLINE)
            asker.connect(server.socket)
            asker.send(json.dumps({"jsonrpc": "2.0", "method": "tm.t_uac_wait_block", "id": 1,
                                   "params": ["OPTIONS", uri, ".", ".", headers]}).encode())
            server.phone.receive()
            server.phone.reply(404, "Not Here")
            answer = json.loads(asker.recv(65536))
        assert answer["result"] == {"code": 404, "text": "Not Here"}, answer
        wait = subprocess.Popen(["kamcmd", "-s", "unix:" + server.ctl, "tm.t_uac_wait", "OPTIONS",
                                 uri, ".", ".", headers], stdout=subprocess.PIPE, text=True)
        server.phone.receive()
        server.phone.reply(200, "Fine")
        out, _ = wait.communicate(timeout=fairlead.DEADLINE)
        assert "code: 200" in out and "text: Fine" in out, out
        for arguments, wanted in (
                ((), "too few parameters (0/5)"),
                (("", uri, ".", ".", headers), "Empty method"),
                (("OPTIONS", "nonsense", ".", ".", headers), 'Invalid request uri "nonsense"'),
                (("OPTIONS", uri, "bad", ".", headers), 'Invalid next-hop uri "bad"'),
                (("OPTIONS", uri, ".", "udp:1.2.3.4:5", headers),
                 'No local socket for "udp:1.2.3.4:5"'),
                (("OPTIONS", uri, ".", ".", headers, "body"), "Content-Type missing"),
                (("OPTIONS", uri, ".", ".", headers + "l: 5\r\n"), "Content-Length disallowed"),
                (("OPTIONS", uri, ".", ".", "To: <sip:c@d>\r\n"), "From missing"),
                (("OPTIONS", uri, ".", ".", "From: <sip:c@d>\r\n"), "To missing"),
                (("OPTIONS", uri, ".", ".", headers + "CSeq: x OPTIONS\r\n"), "Non-numerical CSeq"),
                (("OPTIONS", uri, ".", ".", headers + "CSeq: 5 INVITE\r\n"), "CSeq method mismatch"),
                (("OPTIONS", uri, ".", ".", "nonsense"), "Invalid headers")):
            answer = server.command("tm.t_uac_start", *arguments)
            assert answer["error"] == {"code": 400, "message": wanted}, (arguments, answer)


fairlead.main(dict(globals()))
