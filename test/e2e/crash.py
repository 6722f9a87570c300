# SPDX-License-Identifier: Apache-2.0
"""Workers that die: forked again at once, the datagram saved, the server goes on."""
import os
import re
import signal
import socket

import fairlead
from fairlead import Client, Server

CRASHING = {
    "extra": 'loadmodule "crash.so"',
    "route": 'if (uri =~ "^sip:crash@") crash(); sl_send_reply("200", "OK");',
}


def kill(server, pid):
    """Kills a process and waits until another one is in its place."""
    before = set(server.workers())
    os.kill(pid, signal.SIGKILL)

    def is_replaced():
        now = set(server.workers())  # once: it may change between two looks
        return len(now) == len(before) and now != before
    fairlead.wait_until(is_replaced, "a new worker")


def test_killed_worker_is_replaced():
    with Server(children=2) as server:
        for _ in range(3):
            kill(server, server.workers()[0])
        client = Client(server.port)
        for _ in range(20):
            assert client.ask() == 200
        client.close()
        fairlead.wait_until(lambda: server.log().count("exited by a signal 9") == 3, "the log")
        assert "too often" not in server.log()


def test_crash_saves_the_datagram_and_costs_nothing_else():
    with Server(children=2, **CRASHING) as server:
        client = Client(server.port)
        client.send(user="crash", call_id="the-guilty-one")
        fairlead.wait_until(server.crash_files, "the file")
        [path] = server.crash_files()
        assert os.stat(path).st_mode & 0o777 == 0o600
        with open(path) as f:
            text = f.read()
        assert re.match(r"# received \S+Z from udp:127\.0\.0\.1:\d+ on udp:127\.0\.0\.1:", text), text
        assert "Call-ID: the-guilty-one" in text
        for _ in range(20):
            assert client.ask() == 200
        client.close()


def test_what_was_read_with_the_fatal_datagram_is_answered():
    with Server(children=1, **CRASHING) as server:
        [worker] = server.workers()[:1]
        os.kill(worker, signal.SIGSTOP)  # so that one read takes them all
        client = Client(server.port)
        for i in range(20):
            client.send(user="crash" if i == 9 else "ping")
        os.kill(worker, signal.SIGCONT)
        answers = [client.answer() for _ in range(19)]
        assert answers == [200] * 19, answers
        assert len(server.crash_files()) == 1
        client.close()


def test_a_worker_that_does_not_run_loses_nothing():
    """As on a virtual machine that is not run for some seconds."""
    with open("/proc/sys/net/core/rmem_max", encoding="ascii") as most:
        allowed = int(most.read())
    count = min(2000, allowed * 2 // 2048)  # the system counts less than 2 KB for each of these
    with Server(children=1, **CRASHING) as server:
        [worker] = server.workers()[:1]
        client = Client(server.port)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        os.kill(worker, signal.SIGSTOP)
        try:
            for _ in range(count):
                client.send()
        finally:
            os.kill(worker, signal.SIGCONT)
        for number in range(count):
            assert client.answer() == 200, f"{number} of {count}"
        client.close()


def test_the_log_says_when_less_may_wait_than_was_wanted():
    for wanted, told in ((4096, 0), (2147483647, 1)):
        with Server(children=2, extra=f"maxbuffer={wanted}") as server:
            assert server.log().count(f"maxbuffer is {wanted}, the system allows ") == told, server.log()


def test_slot_that_dies_often_waits():
    with Server(children=1, **CRASHING) as server:
        client = Client(server.port)
        for n in range(20):
            client.send(user="crash")
            fairlead.wait_until(lambda: server.log().count("died while it worked") > n, "the death")
            if "dies too often" in server.log():
                break
        assert 5 <= n < 20, n
        assert client.ask() == 200  # it comes back, later
        client.close()


def test_no_process_outlives_a_killed_supervisor():
    server = Server(children=3, exit_status=-signal.SIGKILL).start()
    family = server.family()
    os.kill(server.pid, signal.SIGKILL)
    fairlead.wait_until(server.ended, "the end of the supervisor")
    fairlead.wait_until(lambda: not any(fairlead.is_alive(pid) for pid in family),
                        "the end of all processes")
    server.directory.cleanup()


def test_worker_that_hangs_is_killed_in_the_end():
    with Server(children=2, extra='exit_timeout=1') as server:
        worker = server.workers()[0]
        os.kill(worker, signal.SIGSTOP)
        server.stop()
        assert "killing them" in server.log()


def test_control_process_is_replaced_too():
    with Server(children=2) as server:
        kill(server, server.workers()[-1])
        client = Client(server.port)
        assert client.ask() == 200
        client.close()


fairlead.main(dict(globals()))
