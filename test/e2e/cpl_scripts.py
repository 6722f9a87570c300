# SPDX-License-Identifier: Apache-2.0
"""Scripts of subscribers in a real server: runs that wait while workers die, scripts that outlive
the server, logs, mails, and the FIFO's commands."""
import contextlib
import os
import re
import signal
import socket

import fairlead
from fairlead import Server, wait_until
from mail_server import MailServer
from party import Party, kill_workers

EXTRA = """
loadmodule "tm.so"
loadmodule "cpl.so"
"""
ROUTE = """
    if (method == "REGISTER") { cpl_process_register(); exit; }
    if (method == "ACK") exit;
    if (method == "CANCEL") { t_relay(); exit; }
    if (cpl_run_script("incoming", "is_stateless")) sl_send_reply("404", "No Script");
"""


def reject(code):
    return f'<cpl><incoming><reject status="{code}"/></incoming></cpl>'


def test_runs_go_on_in_any_worker_also_when_all_have_died_meanwhile():
    with Server(children=4, extra=EXTRA, route=ROUTE) as server:
        caller, desk, mobile = (Party(server.port) for _ in range(3))
        script = (f'<cpl><incoming><location url="sip:anna@127.0.0.1:{desk.port}"><proxy '
                  f'timeout="60"><busy><location url="sip:anna@127.0.0.1:{mobile.port}"><proxy/>'
                  '</location></busy></proxy></location></incoming></cpl>')
        assert caller.upload("anna", script).startswith("SIP/2.0 200")
        count = 20
        for i in range(count):
            caller.send(method="INVITE", user="anna", call_id=f"paused-{i}")
        rings = desk.take(count, "INVITE ", ("CANCEL ",))
        for request in rings.values():
            desk.reply(request, "180 Ringing")
        caller.take(count, "SIP/2.0 180")
        kill_workers(server)
        for request in rings.values():
            desk.reply(request, "486 Busy Here")
        again = mobile.take(count, "INVITE ")
        assert set(again) == set(rings)
        for request in again.values():
            mobile.reply(request, "603 Decline")
        answered = caller.take(count, "SIP/2.0 603")
        assert set(answered) == set(rings)
        for text in answered.values():
            ack = text.split("\r\n\r\n")[0].split("\r\n")
            lines = [h for h in ack[1:] if h.startswith(("Via:", "From:", "To:", "Call-ID:"))]
            caller.socket.sendto(("\r\n".join(
                [f"ACK sip:anna@127.0.0.1:{caller.port} SIP/2.0", *lines, "CSeq: 1 ACK",
                 "Content-Length: 0"]) + "\r\n\r\n").encode(), caller.server)
        wait_until(lambda: server.report()["cpl:resumed"] == 2 * count, "all runs to end")
        for party in (caller, desk, mobile):
            party.close()


def test_scripts_outlive_the_server():
    with Server(children=2, extra=EXTRA, route=ROUTE) as outer:
        # A directory that stays while a second server is killed in it.
        url = f"sqlite:///{outer.path}/scripts.sqlite"
        extra = f'loadmodule "db_sqlite.so"\n{EXTRA}modparam("cpl", "db_url", "{url}")\n'
        first = Server(children=2, extra=extra, route=ROUTE)
        with first:
            party = Party(first.port)
            for i in range(10):
                assert party.upload(f"user{i}", reject(480 + i)).startswith("SIP/2.0 200")
            assert party.upload("user3", "", "remove").startswith("SIP/2.0 200")
            first.abort()
            party.close()
        with Server(children=2, extra=extra, route=ROUTE) as second:
            party = Party(second.port)
            assert second.report()["cpl:scripts"] == 9
            for i in range(10):
                party.send(method="INVITE", user=f"user{i}")
                assert party.receive().startswith(f"SIP/2.0 {404 if i == 3 else 480 + i} ")
            assert party.download("user5") == reject(485)
            party.close()


def database_process(server):
    """The one that has the file open, once the others have closed what they were born with."""
    def has_it(pid):
        folder = f"/proc/{pid}/fd"
        for name in os.listdir(folder):
            with contextlib.suppress(OSError):
                if os.readlink(f"{folder}/{name}").endswith("scripts.sqlite"):
                    return True
        return False

    def the_only_one():
        having = list(filter(has_it, server.workers()))
        return having[0] if len(having) == 1 else None
    return wait_until(the_only_one, "the database process")


def test_an_upload_is_answered_though_its_worker_died():
    """Neither the answer of the database nor that to the REGISTER gets lost with the worker."""
    extra = f'loadmodule "db_sqlite.so"\n{EXTRA}modparam("cpl", "db_url", "sqlite:///scripts.sqlite")\n'
    with Server(children=1, extra=extra, route=ROUTE) as server:
        party = Party(server.port)
        assert party.upload("anna", reject(480)).startswith("SIP/2.0 200")  # opens the database
        # It answers first, and takes the statement out of its queue then.
        wait_until(lambda: server.report()["db_sqlite:waiting"] == 0, "an empty queue")
        database = database_process(server)
        os.kill(database, signal.SIGSTOP)
        try:
            party.send_upload("anna", reject(481))
            wait_until(lambda: server.report()["db_sqlite:waiting"] == 1, "the upload to wait")
            before = set(server.workers())
            workers = before - {database}
            for pid in workers:
                os.kill(pid, signal.SIGKILL)
            wait_until(lambda: len(set(server.workers()) - before) == len(workers), "other processes")
            party.send(method="INVITE", user="anna")
            assert party.receive().startswith("SIP/2.0 480")
        finally:
            os.kill(database, signal.SIGCONT)
        assert party.receive().startswith("SIP/2.0 200")
        party.send(method="INVITE", user="anna")
        assert party.receive().startswith("SIP/2.0 481")
        assert server.report()["cpl:database_failures"] == 0
        party.close()


def test_log_and_mail():
    mail_server = MailServer()
    mail_server.start()
    with Server(children=2, extra=EXTRA, route=ROUTE) as outer:
        logs = os.path.join(outer.path, "logs")
        os.mkdir(logs)
        extra = (EXTRA + f'modparam("cpl", "log_dir", "{logs}")\n'
                 f'modparam("cpl", "mail_server", "smtp://127.0.0.1:{mail_server.port}")\n'
                 'modparam("cpl", "mail_from", "calls@example.test")\n')
        with Server(children=2, extra=extra, route=ROUTE) as server:
            party = Party(server.port)
            script = ('<cpl><incoming><log name="calls" comment="Hello&#10;there"><mail '
                      'url="mailto:anna@example.test?subject=A%20call"><reject status="busy"/>'
                      '</mail></log></incoming></cpl>')
            assert party.upload("../anna", script).startswith("SIP/2.0 200")
            party.send(method="INVITE", user="../anna")
            assert party.receive().startswith("SIP/2.0 486")
            party.close()
            wait_until(lambda: server.report()["cpl:mailed"] == 1, "the mail")
            wait_until(lambda: server.report()["cpl:logged"] == 1, "the log")
        assert os.listdir(logs) == ["%2E.%2Fanna.log"], os.listdir(logs)
        with open(os.path.join(logs, "%2E.%2Fanna.log"), encoding="utf-8") as file:
            line = file.read()
        assert re.fullmatch(r"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4} calls: Hello there\n", line), line
    mail_server.stop()
    [letter] = mail_server.letters
    assert "MAIL FROM:<calls@example.test>" in " ".join(mail_server.commands), mail_server.commands
    assert "RCPT TO:<anna@example.test>" in mail_server.commands
    for part in ("From: <calls@example.test>\r\n", "To: <anna@example.test>\r\n",
                 "Subject: A call\r\n"):
        assert part in letter, letter


def test_a_mail_server_that_does_not_answer_stops_nobody():
    deaf = socket.create_server(("127.0.0.1", 0))
    extra = (EXTRA + f'modparam("cpl", "mail_server", "smtp://127.0.0.1:{deaf.getsockname()[1]}")\n'
             'modparam("cpl", "mail_timeout", 1)\nmodparam("cpl", "mail_queue", 2)\n')
    with Server(children=2, extra=extra, route=ROUTE) as server:
        party = Party(server.port)
        script = ('<cpl><incoming><mail url="mailto:anna@example.test"><reject status="busy"/>'
                  '</mail></incoming></cpl>')
        assert party.upload("anna", script).startswith("SIP/2.0 200")
        for _ in range(20):
            party.send(method="INVITE", user="anna")
            assert party.receive().startswith("SIP/2.0 486")
        party.close()

        def counted():
            found = server.report()
            return found["cpl:note_failures"] + found["cpl:dropped_notes"] == 20
        wait_until(counted, "every mail to be counted")
    deaf.close()


def test_commands_of_the_fifo():
    extra = 'loadmodule "mi_fifo.so"\n' + EXTRA
    with Server(children=2, extra=extra, route=ROUTE) as outer:
        with Server(children=2, route=ROUTE,
                    extra=extra + f'modparam("mi_fifo", "reply_dir", "{outer.path}")\n') as server:
            def ask(name, text):
                with open(os.path.join(server.run_dir, "fairlead_fifo"), "w",
                          encoding="utf-8") as fifo:
                    fifo.write(text.replace(":R\n", f":{name}\n"))
                path = os.path.join(outer.path, name)

                def seen():
                    if not os.path.exists(path):
                        return None
                    with open(path, encoding="utf-8") as file:
                        return file.read()
                return wait_until(seen, f"an answer in {name}")

            file = os.path.join(outer.path, "script.xml")
            with open(file, "w", encoding="utf-8") as out:
                out.write(reject("busy"))
            wrong = os.path.join(outer.path, "wrong.xml")
            with open(wrong, "w", encoding="utf-8") as out:
                out.write("<cpl><x/></cpl>")
            assert ask("a", f":LOAD_CPL:R\nanna\n{file}\n\n") == "OK\n"
            party = Party(server.port)
            party.send(method="INVITE", user="anna")
            assert party.receive().startswith("SIP/2.0 486")
            party.close()
            assert ask("b", ":GET_CPL:R\nanna\n\n") == reject("busy")
            assert ask("c", f":LOAD_CPL:R\nanna\n{wrong}\n\n").startswith(
                "ERROR\nError: Failed encoding CPL\nError: 1:6: x is not allowed in cpl")
            assert ask("d", ":LOAD_CPL:R\nanna\n/no/such/file\n\n") == \
                "ERROR\nError: Cannot read CPL file.\n"
            assert ask("e", ":REMOVE_CPL:R\nanna\n\n") == "OK\n"
            assert ask("f", ":REMOVE_CPL:R\nsip:host\n\n") == "ERROR\nError: Bad user@host.\n"


fairlead.main(dict(globals()))
