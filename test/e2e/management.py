# SPDX-License-Identifier: Apache-2.0
"""What operators and programs talk to a running server over: the line protocol of the FIFO,
JSON-RPC, and the binary protocol with Debian's kamcmd."""
import json
import os
import re
import socket
import stat

import fairlead
from fairlead import wait_until
from managed import Managed, kamcmd

EXAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../transaction.fifo")


def test_the_example_is_sent_as_it_is_written():
    with Managed() as server:
        with open(EXAMPLE) as f:
            server.write(f.read())
        request = server.phone.receive().decode()
        head, body = request.split("\r\n\r\n", 1)
        lines = head.split("\r\n")
        assert lines[0] == "MESSAGE sip:mrx@iptel.org SIP/2.0", request
        assert body == "body body body\r\nyet body\r\nend of body\r\n", request
        at = lines.index("header:value")
        assert lines[at:at + 4] == ["header:value", "foo:bar", "bznk:hjhjk", "p_header: p_value"]
        assert any(re.fullmatch(r"From: <?sip:sender@iptel.org>?;tag=.+", x) for x in lines), request
        assert any(re.fullmatch(r"To: <sip:mrx@iptel.org>", x) for x in lines), request
        assert f"Content-Length: {len(body)}" in lines, request
        server.phone.reply(202, "Accepted for delivery")
        assert server.reply("xxx") == "202 Accepted for delivery"
        assert stat.S_IMODE(os.stat(os.path.join(server.path, "xxx")).st_mode) == 0o600


def test_nobody_answers_is_408():
    with Managed() as server:
        with open(EXAMPLE) as f:
            server.write(f.read())
        server.phone.receive()
        assert server.reply("xxx") == "408 Request Timeout"


def test_a_challenge_is_reported():
    with Managed() as server:
        server.write(":t_uac_from:auth\nOPTIONS\n\nsip:b@iptel.org\n\n.\n\n")
        request = server.phone.receive().decode()
        assert "From: \"UAC Account\" <sip:uac@dev.null:9>;tag=" in request, request
        assert request.endswith("\r\n\r\n"), request
        server.phone.reply(407, "Proxy Authentication Required",
                           'Proxy-Authenticate: Digest realm="r", nonce="n"')
        assert server.reply("auth") == "407 Proxy Authentication Required"


def test_a_dialog_request_reports_the_whole_reply():
    report_of_a_dialog("mi_fifo", 1)


def test_pass_provisional_replies_of_tm_is_for_the_fifo():
    report_of_a_dialog("tm", 1)


def test_without_it_the_final_reply_alone_is_reported():
    report_of_a_dialog("tm", 0)


def report_of_a_dialog(module, provisional):
    more = f'modparam("{module}", "pass_provisional_replies", {provisional})'
    with Managed(more=more) as server:
        server.write(":t_uac_dlg:dlg\nINVITE\nsip:b@iptel.org\n.\nFrom: <sip:a@x.org>;tag=me\n"
                     "To: <sip:b@iptel.org>\nCall-ID: one\nCSeq: 7 INVITE\n"
                     "Contact: <sip:a@127.0.0.1>\nContent-Type: text/plain\n\nhello\n.\n\n")
        request = server.phone.receive().decode()
        lines = request.split("\r\n")
        for line in ("From: <sip:a@x.org>;tag=me", "Call-ID: one", "CSeq: 7 INVITE",
                     "Contact: <sip:a@127.0.0.1>"):
            assert lines.count(line) == 1, (line, request)
        server.phone.reply(180, "Ringing")
        if provisional:
            text = server.reply("dlg", lambda got: got.endswith("\r\n\r\n\n"))
            assert text.startswith("180 Ringing\n.\n.\n.\nVia: "), text
        server.phone.reply(486, "Busy Here")
        text = server.reply("dlg", lambda got: got.count("\r\n\r\n\n") == 1 + provisional)
        assert "486 Busy Here\n.\n.\n.\nVia: " in text, text
        assert provisional or text.startswith("486 "), text
        assert server.phone.receive().startswith(b"ACK "), server.phone.request


def test_classic_commands():
    with Managed() as server:
        assert server.ask(":print:a\nhello there\n\n", "a") == "200 ok\nhello there\n"
        assert re.fullmatch(r"200 ok\nNow: .{24}\nUp Since: .{24}\nUp time: \d+ \[sec\]\n",
                            server.ask(":uptime:b\n\n", "b"))
        assert server.ask(":version:c\n\n", "c").startswith("200 ok\nServer: fairlead (")
        assert server.ask(":pwd:d\n\n", "d") == f"200 ok\n{server.path}\n"
        assert server.ask(":arg:e\n\n", "e") == "\n".join(
            ["200 ok", fairlead.BINARY, *server.args, "-DD", ""])
        names = server.ask(":which:f\n\n", "f").split("\n")
        assert names[0] == "200 ok" and {"t_uac_from", "core.psx", "print"} <= set(names), names
        rows = server.ask(":ps:g\n\n", "g").split("\n")[1:-1]
        pids = [int(row.split("\t")[1]) for row in rows]
        assert pids == server.family(), (rows, server.family())
        assert re.fullmatch(r"200 ok\ntotal:\d+\nfree:\d+\nused:\d+\nmax used:\d+\nfragments:\d+\n",
                            server.ask(":meminfo:h\n\n", "h"))
        text = server.ask(":get_statistics:i\nmi_fifo:\n\n", "i")
        assert text.startswith("200 OK\nModule name = mi_fifo; statistics=5\nmi_fifo:"), text
        assert server.ask(":get_statistics:j\nrequests\n\n", "j").startswith("200 OK\n")
        assert server.ask(":get_statistics:k\nnope\n\n", "k") == "404 Statistic not found\n"
        assert server.ask(":get_statistics:l\nnope:\n\n", "l") == "404 Module not found\n"
        assert server.ask(":get_statistics:m\n\n", "m").startswith("200 OK\nTotal statistics = ")
        assert server.ask(":reset_statistics:n\n\n", "n") == "400 Statistic name expected\n"
        assert server.ask(":reset_statistics:o\nsent\n\n", "o") == "200 OK\n"
        assert server.ask(":PS:p\n\n", "p").startswith("200 ok\n0\t")
        assert server.ask(":debug:q\n3\n\n", "q") == "200 OK\n\told:: 2\n\tnew:: 3\n"
        assert server.ask(":system.methodHelp:r\ncore.ps\n\n", "r").startswith("200 OK\nProc")


def test_kill_ends_the_server():
    with Managed() as server:
        server.assert_books()
        server.write(":kill:bye\n\n")
        assert server.reply("bye") == "200 killing now..."
        wait_until(server.ended, "the end of the server")
        assert server.process.returncode == 0
        assert not os.path.exists(server.fifo) and not os.path.exists(server.ctl)


MALFORMED = [
    ("t_uac_from:{}\n\n", "400 fifo_uac: method expected"),
    ("t_uac_from:{}\n\n\n\n\n.\n\n", "400 fifo_uac: method expected"),
    ("t_uac_from:{}\nMESSAGE\n", "400 fifo_uac: from expected\n"),
    ("t_uac_from:{}\nMESSAGE\n\n", "400 fifo_uac: destination expected\n"),
    ("t_uac_from:{}\nMESSAGE\n\n\n\n.\n\n", "400 fifo_uac: destination expected\n"),
    ("t_uac_from:{}\nMESSAGE\n\nsip:b@x\n", "400 fifo_uac: HFs expected\n"),
    ("t_uac_from:{}\nMESSAGE\n\nsip:b@x\na: b\n", "400 fifo_uac: HFs expected\n"),
    ("t_uac_from:{}\nMESSAGE\n\nsip:b@x\na: b\n\nbody", "400 fifo_uac: body expected\n"),
    ("t_uac_from:{}\nMESSAGE\n\nsip:b@x\na: b\n\nbody\n", "400 fifo_uac: body expected\n"),
    ("t_uac_from:{}\nMESSAGE\n\nsip:b@x\nno colon\n\n.\n\n", "400 fifo_uac: HFs unparseable\n"),
    ("t_uac_from:{}\nMESSAGE\n\nsip:b@x\n: x\n\n.\n\n", "400 fifo_uac: HFs unparseable\n"),
    ("t_uac_from:{}\nMESSAGE\n\nsip:b@x\n folded\n\n.\n\n", "400 fifo_uac: HFs unparseable\n"),
    ("t_uac_from:{}\nMESSAGE\n\nsip:b@x\nContent-Length: 3\n\n.\n\n",
     "400 fifo_uac: Content-Length disallowed\n"),
    ("t_uac_from:{}\nMESSAGE\n\nsip:b@x\nl: 3\n\n.\n\n", "400 fifo_uac: Content-Length disallowed\n"),
    ("t_uac_from:{}\nMESSAGE\n\nsip:b@x\nVia: SIP/2.0/UDP x\n\n.\n\n",
     "400 fifo_uac: Content-Length disallowed\n"),
    ("t_uac_from:{}\nMESSAGE\n\nsip:b@x\nCSeq: x MESSAGE\n\n.\n\n",
     "400 fifo_uac: non-numerical CSeq\n"),
    ("t_uac_from:{}\nMESSAGE\n\nsip:b@x\na: \x01\n\n.\n\n", "400 fifo_uac: bad request\n"),
    ("t_uac_from:{}\nMESSAGE\n\nsip:b@x\na: b\rX: y\n\n.\n\n", "400 fifo_uac: bad request\n"),
    ("t_uac_from:{}\nMESS\x00AGE\n\nsip:b@x\n\n.\n\n", "400 fifo_uac: bad request\n"),
    ("t_uac_from:{}\nMESSAGE\n\nnonsense\n\n.\n\n", "400 Bad Request (400/FIFO/UAC)"),
    ("t_uac_dlg:{}\n\n", "400 fifo_uac_error: method expected"),
    ("t_uac_dlg:{}\nINVITE\n", "400 fifo_uac_error: ruri expected"),
    ("t_uac_dlg:{}\nINVITE\nnonsense\n.\n\n.\n\n", "400 fifo_uac_error: ruri invalid\n"),
    ("t_uac_dlg:{}\nINVITE\nsip:b@x\n\n\n.\n\n", "400 fifo_uac_error: next hop address expected\n"),
    ("t_uac_dlg:{}\nINVITE\nsip:b@x\nnonsense\n\n.\n\n", "400 fifo_uac_error: next hop uri invalid\n"),
    ("t_uac_dlg:{}\nINVITE\nsip:b@x\n.\n\n.\n\n", "400 fifo_uac_error: To missing"),
    ("t_uac_dlg:{}\nINVITE\nsip:b@x\n.\nTo: <sip:b@x>\n\n.\n\n", "400 fifo_uac_error: From missing"),
    ("t_uac_dlg:{}\nINVITE\nsip:b@x\n.\nTo: <sip:b@x>\nFrom: <sip:a@x>\n\nx\n.\n\n",
     "400 fifo_uac_error: Content-Type missing"),
    ("t_uac_dlg:{}\nINVITE\nsip:b@x\n.\nTo: <sip:b@x>\nFrom: <sip:a@x>\nCSeq: 1 BYE\n\n.\n\n",
     "400 fifo_uac_error: CSeq method mismatch"),
    ("t_uac_dlg:{}\nINVITE\nsip:b@x\n.\nTo: <sip:b@x>\nFrom: <sip:a@x>\nCSeq: x INVITE\n\n.\n\n",
     "400 fifo_uac_error: non-numerical CSeq"),
    ("t_uac_dlg:{}\nINVITE\nsip:b@x\n.\nTo: <sip:b@x>\n", "400 fifo_uac_error: HFs expected"),
    ("t_uac_dlg:{}\nINVITE\nsip:b@x\n.\nTo: <sip:b@x>\n\nx\n", "400 fifo_uac_error: body expected"),
    ("t_uac_cancel:{}\n\n", "400 fifo_uac_cancel: callid expected\n"),
    ("t_uac_cancel:{}\none\n\n", "400 fifo_uac_cancel: cseq expected\n"),
    ("t_uac_cancel:{}\none\nx\n\n", "400 fifo_uac_cancel: cseq expected\n"),
    ("t_uac_cancel:{}\none\n1\n\n", "481 fifo_uac_cancel: no such transaction\n"),
    ("t_reply_callid:{}\n\n\n\n\n\n\n.\n\n", "400 fifo_t_reply: callid expected"),
    ("t_reply_callid:{}\nx\n1\n99\nOK\nt\n\n.\n\n", "400 fifo_t_reply: code(int) has wrong format"),
    ("t_reply_callid:{}\nx\n1\n200\nOK\nt\n\n.\n\n", "481 fifo_t_reply: no such transaction\n"),
    ("no_such:{}\n\n", "500 command 'no_such' not available\n"),
    ("no_such:{}\n:ps:b\nline\n\n", "500 command 'no_such' not available\n"),
    ("core.kill:{}\nnonsense\n\n", "400 signal must be a number\n"),
    ("core.uptime:{}\ntoo\nmany\n\n", "400 core.uptime takes 0 argument(s)\n"),
    ("print:{}\n" + "x" * 300 + "\n\n", "500 print_fifo_cmd: too big text\n"),
    ("print:{}\n" + "x" * 65536 + "\n\n", "400 bad request\n"),
    ("print:{}\na\x00b\n\n", "400 bad request\n"),
]


def test_malformed_requests_are_answered_one_by_one():
    assert len(MALFORMED) >= 40
    with Managed(more='modparam("mi_fifo", "request_timeout", 200)') as server:
        before, (files, _) = server.descriptors(), server.files()
        for i, (request, expected) in enumerate(MALFORMED):
            name = f"m{i}"
            server.write(":" + request.format(name))
            text = server.reply(name, lambda got, wanted=expected: len(got) >= len(wanted))
            assert text.startswith(expected), (request[:200], text, expected)
            # Whatever came of it, the next command is understood.
            assert server.ask(f":print:n{i}\nstill here\n\n", f"n{i}") == "200 ok\nstill here\n"
        server.phone.socket.setblocking(False)
        try:
            assert not server.phone.socket.recv(65536), "something was sent"
        except BlockingIOError:
            pass
        server.wait_for_no_more_than(before)
        wait_until(server.is_idle, "the end of all transactions")
        there = {f"{kind}{i}" for kind in "mn" for i in range(len(MALFORMED))}
        assert set(server.files()[0]) - there == set(files), server.files()


def test_reply_files_stay_where_they_belong():
    with Managed() as server:
        outside = os.path.join(server.path, "outside")
        with open(outside, "w") as f:
            f.write("untouched")
        os.chmod(outside, 0o666)
        os.symlink(outside, os.path.join(server.path, "link"))
        os.link(outside, os.path.join(server.path, "second"))
        os.mkdir(os.path.join(server.path, "folder"))
        os.mkfifo(os.path.join(server.path, "nobody"))
        for name in ("../outside", "a.b", "/tmp/x", "back\\slash", "x" * 200, "link", "second",
                     "folder", "nobody", "outside"):
            server.write(f":uptime:{name}\n\n")
        server.ask(":print:last\nhere\n\n", "last")
        with open(outside) as f:
            assert f.read() == "untouched"
        dropped = lambda: server.statistic("mi_fifo.dropped_answers") == 5
        wait_until(dropped, "five answers that nobody takes")
        assert server.statistic("mi_fifo.refused_requests") == 5


def test_a_reader_of_a_fifo_gets_its_answer_and_a_slow_one_holds_nobody_up():
    with Managed() as server:
        slow, quick = (os.path.join(server.path, name) for name in ("slow", "quick"))
        os.mkfifo(slow)
        os.mkfifo(quick)
        held = os.open(slow, os.O_RDONLY | os.O_NONBLOCK)
        for _ in range(20):
            server.write(":get_statistics:slow\nall\n\n")  # fills the pipe
        reader = os.open(quick, os.O_RDONLY | os.O_NONBLOCK)
        server.write(":print:quick\nhello\n\n")
        os.set_blocking(reader, True)
        wait_until(lambda: server.statistic("mi_fifo.requests") >= 21, "all requests read")
        assert os.read(reader, 100) == b"200 ok\nhello\n"
        os.close(reader)
        os.close(held)


def test_a_request_in_parts_and_two_at_once():
    with Managed(more='modparam("mi_fifo", "request_timeout", 60000)') as server:
        for part in (":pri", "nt:parts\nhel", "lo\n", "\n"):
            server.write(part)
        assert server.reply("parts", lambda got: got.endswith("\n")) == "200 ok\nhello\n"
        server.write(":print:one\nfirst\n\n:print:two\nsecond\n\n\nstray line\n:ps:three\n:ps:four\n")
        assert server.reply("one", lambda got: got.endswith("\n")) == "200 ok\nfirst\n"
        assert server.reply("two", lambda got: got.endswith("\n")) == "200 ok\nsecond\n"
        for name in ("three", "four"):
            assert server.reply(name, lambda got: got.endswith("\n")).startswith("200 ok\n0\t")
        assert server.statistic("mi_fifo.skipped_lines") == 1


def test_sockets_have_their_modes():
    with Managed(more='modparam("mi_fifo", "fifo_mode", 0600)\nmodparam("ctl", "mode", 0660)') as s:
        for path, mode in ((s.fifo, 0o600), (s.ctl, 0o660),
                           (os.path.join(s.run_dir, "fairlead_rpc.sock"), 0o660)):
            assert stat.S_IMODE(os.lstat(path).st_mode) == mode, (path, oct(os.lstat(path).st_mode))
        assert stat.S_IMODE(os.lstat(s.run_dir).st_mode) == 0o700


def test_json_rpc():
    with Managed() as server:
        assert server.command("core.version")["result"].startswith("fairlead ")
        processes = server.command("core.psx")["result"]
        assert [row["PID"] for row in processes] == server.family(), processes
        assert server.command("no.such")["error"] == {"code": 500, "message": "Method Not Found"}
        assert server.command("core.echo", "ä\n\"", 5)["result"] == ["ä\n\"", "5"]
        assert server.command("core.tcp_info")["error"]["code"] == 500
        fifo = os.path.join(server.run_dir, "fairlead_rpc.fifo")
        request = {"jsonrpc": "2.0", "method": "core.arg", "reply_name": "json", "id": "x"}
        server.write(json.dumps(request), fifo)
        answer = json.loads(server.reply("json", lambda got: got.endswith("}")))
        assert answer["id"] == "x" and answer["result"][0] == fairlead.BINARY, answer
        server.write("garbage\n", fifo)
        wait_until(lambda: server.statistic("jsonrpcs.errors") >= 2, "an error that is counted")
        request["reply_name"] = "again"
        server.write(json.dumps(request), fifo)
        server.reply("again", lambda got: got.endswith("}"))


def test_kamcmd():
    with Managed() as server:
        assert kamcmd(server, "core.version").startswith("fairlead ")
        assert re.search(r"uptime: \d+\n", kamcmd(server, "core.uptime"))
        assert kamcmd(server, "core.psx").count("PID: ") == len(server.family())
        assert "error: 500 - command no.such not found" in kamcmd(server, "no.such")
        assert kamcmd(server, "core.echo", "a", "5") == "a\n5\n"
        assert "sl:sent_replies = 0\n" in kamcmd(server, "stats.get_statistics", "all")
        listed = kamcmd(server, "system.listMethods").split()
        assert len(listed) >= 30 and listed == sorted(listed), listed
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.connect(server.ctl)
        client.settimeout(fairlead.DEADLINE)
        client.send(b"GET / HTTP/1.1\r\n\r\n")
        assert client.recv(100) == b"", "the connection stays open"
        client.close()


def test_a_new_control_process_serves_on():
    with Managed(exit_status=0) as server:
        control = [row["PID"] for row in server.command("core.psx")["result"]
                   if row["DSC"] == "control"][0]
        os.kill(control, 9)
        wait_until(lambda: control not in server.workers() and len(server.workers()) == 3,
                   "another control process")
        assert server.ask(":print:after\nhello\n\n", "after") == "200 ok\nhello\n"
        assert server.command("core.version")["result"].startswith("fairlead ")


fairlead.main(dict(globals()))
