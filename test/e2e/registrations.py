# SPDX-License-Identifier: Apache-2.0
"""Registrations outlive the server: what was answered is there again after SIGKILL of all of it
(written through), and after a restart (written back)."""
import os
import signal
import socket
import sqlite3

import fairlead
from fairlead import DEADLINE, Server, is_alive, wait_until

ROUTE = """
    if ($rm == "REGISTER") {{ save("location"); exit; }}
    if (lookup("location")) {{ sl_send_reply("200", "$ru"); }} else {{ sl_send_reply("404", "No"); }}
"""
MODULES = """
loadmodule "pv.so"
loadmodule "db_sqlite.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
modparam("usrloc", "db_url", "sqlite:///users.db")
modparam("usrloc", "timer_interval", {interval})
modparam("usrloc", "db_mode", {mode})
"""


class Phone:
    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port))
        self.socket.settimeout(DEADLINE)
        self.count = 0

    def ask(self, method, user, more=""):
        """The start line of the answer to this request; others are passed over."""
        self.count += 1
        call = f"{method}-{self.count}-{id(self)}"
        port = self.socket.getsockname()[1]
        self.socket.send((
            f"{method} sip:{user}@example.test SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{call}\r\n"
            f"From: <sip:{user}@example.test>;tag=1\r\nTo: <sip:{user}@example.test>\r\n"
            f"Call-ID: {call}\r\nCSeq: {self.count} {method}\r\nMax-Forwards: 70\r\n{more}"
            "Content-Length: 0\r\n\r\n").encode())
        while True:
            answer = self.socket.recv(65536).decode()
            if f"Call-ID: {call}\r\n" in answer:
                return answer.split("\r\n", 1)[0]

    def register(self, user):
        return self.ask("REGISTER", user, f"Contact: <sip:{user}@192.0.2.1>\r\n")

    def close(self):
        self.socket.close()


def server(mode, interval=60):
    return Server(children=2, route=ROUTE.replace("{{", "{").replace("}}", "}"),
                  extra=MODULES.format(mode=mode, interval=interval))


USERS = [f"user{n}" for n in range(50)]


def check_all(one):
    phone = Phone(one.port)
    for user in USERS:
        assert phone.ask("OPTIONS", user) == f"SIP/2.0 200 sip:{user}@192.0.2.1"
    phone.close()


def test_written_through_and_killed():
    with server(1) as one:
        phone = Phone(one.port)
        for user in USERS:
            assert phone.register(user) == "SIP/2.0 200 OK"
        phone.close()
        family = one.family()
        os.kill(one.pid, signal.SIGKILL)
        one.process.wait(DEADLINE)
        wait_until(lambda: not any(is_alive(pid) for pid in family), "the end of all processes")
        with sqlite3.connect(os.path.join(one.path, "users.db")) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert database.execute("SELECT COUNT(*) FROM location").fetchone() == (len(USERS),)
        one.start_again()
        check_all(one)


def test_written_back_and_killed():
    """What a round has stored is there again; only what came behind it may be lost."""
    late = [f"late{n}" for n in range(50)]
    with server(2, interval=1) as one:
        phone = Phone(one.port)
        for user in USERS:
            assert phone.register(user) == "SIP/2.0 200 OK"
        wait_until(lambda: one.report()["usrloc:rows_stored"] >= len(USERS),
                   "the contacts to be stored")
        for user in late:
            assert phone.register(user) == "SIP/2.0 200 OK"
        phone.close()
        one.abort()
        with sqlite3.connect(os.path.join(one.path, "users.db")) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            stored = {row[0] for row in database.execute("SELECT username FROM location")}
        assert set(USERS) <= stored <= set(USERS) | set(late)
        one.start_again()
        check_all(one)
        phone = Phone(one.port)
        for user in late:
            assert phone.ask("OPTIONS", user) == (
                f"SIP/2.0 200 sip:{user}@192.0.2.1" if user in stored else "SIP/2.0 404 No")
            assert phone.register(user) == "SIP/2.0 200 OK"
            assert phone.ask("OPTIONS", user) == f"SIP/2.0 200 sip:{user}@192.0.2.1"
        phone.close()


def test_written_back_and_restarted():
    with server(2) as one:
        phone = Phone(one.port)
        for user in USERS:
            assert phone.register(user) == "SIP/2.0 200 OK"
        phone.close()
        one.stop()
        one.start_again()
        check_all(one)


def test_the_database_process_dies():
    """It is forked again, and carries out what waits."""
    with server(1) as one:
        phone = Phone(one.port)
        for n, user in enumerate(USERS):
            if n % 10 == 5:
                os.kill(one.workers()[-1], signal.SIGKILL)
            assert phone.register(user) == "SIP/2.0 200 OK"
        phone.close()
        found = one.report()
        assert found["process:respawned"] >= 1
        check_all(one)


fairlead.main(dict(globals()))
