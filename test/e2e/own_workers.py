# SPDX-License-Identifier: Apache-2.0
"""Listeners with workers of their own (socket_workers): who reads what, what leaves from where, and
that neither dead nor stuck workers of one listener matter to another."""
import os
import re
import signal

import call_order
import fairlead
import ports
from fairlead import Client, run, wait_until
from managed import Managed
from stream_routes import Datagrams, values
from streams import Listening, Peer

OWN, COMMON = 2, 3
CONFIG = """#!KAMAILIO
debug=2
log_stderror=yes
auto_aliases=no
children=%d
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
socket_workers=%d
listen=udp:127.0.0.1:OWN tcp:127.0.0.1:OWN
loadpath "{modules}"
loadmodule "kex.so"
loadmodule "sl.so"
loadmodule "textops.so"
{extra}
request_route {{
    if ($rU == "ping") {{
        append_to_reply("X-Pid: $pp\\r\\n");
        sl_send_reply("200", "OK");
        exit;
    }}
    if ($Rp == OWN) $fs = $proto + ":127.0.0.1:{port}";
    else $fs = $proto + ":127.0.0.1:OWN";
    t_relay();
}}
onreply_route {{
    append_hf("X-Reply-Pid: $pp\\r\\n");
}}
""" % (COMMON, OWN)


class TwoListeners(Managed):
    """`port` is served by the common workers, `own` by its own."""

    def __init__(self, *args, extra="", **kwargs):
        self.own = ports.reserve()
        # Nobody gives up while a busy machine stands still.
        super().__init__(*args, config=CONFIG.replace("OWN", str(self.own)), extra=extra,
                         more='modparam("tm", "fr_timer", 30000)', **kwargs)

    def crews(self):
        """The pids of the common workers, and those of the own ones, each in their order."""
        rows = self.command("core.psx")["result"]
        rows = [(row["DSC"], row["PID"]) for row in rows if row["DSC"].startswith("worker ")]
        numbers = [int(name.split()[1]) for name, _ in rows]
        assert numbers == list(range(COMMON + OWN)), rows
        own = f"(udp:127.0.0.1:{self.own} and 1 more)"
        assert [name.endswith(own) for name, _ in rows] == [False] * COMMON + [True] * OWN, rows
        pids = [pid for _, pid in rows]
        return pids[:COMMON], pids[COMMON:]


def who_answers(client, call_id=None):
    """The pid of the process that answers one OPTIONS."""
    client.send(call_id=call_id)
    text = client.socket.recv(65536).decode()
    assert text.startswith("SIP/2.0 200 "), text
    return int(re.search(r"^X-Pid: (\d+)", text, re.M).group(1))


def who_answer(port, count=60):
    client = Client(port)
    pids = {who_answers(client, f"call-{i}") for i in range(count)}
    client.close()
    return pids


def who_accept(port, count=40):
    """Each connection is accepted by the worker that the system chooses."""
    peers = [Peer(port) for _ in range(count)]
    pids = set()
    for p in peers:
        p.send()
        pids.add(int(values(p.message(), "X-Pid")[0]))
    for p in peers:
        p.close()
    return pids


def who_owns(port, calls=12, sources=3):
    """The owner of each call, which must be the same from every source."""
    clients = [Client(port) for _ in range(sources)]
    owners = {}
    for call in range(calls):
        pids = {who_answers(client, f"owned-{call}") for client in clients}
        assert len(pids) == 1, (call, pids)
        owners[call] = pids.pop()
    for client in clients:
        client.close()
    return owners


def test_each_listener_is_read_by_its_workers_only():
    for steering in ("callid", "bpf"):
        with TwoListeners(extra=f'steering="{steering}"') as server:
            common, own = server.crews()
            assert who_answer(server.port) == set(common), steering
            assert who_answer(server.own) == set(own), steering
            who_owns(server.port)
            who_owns(server.own)
            assert who_accept(server.port) <= set(common)
            assert who_accept(server.own) <= set(own)
            assert server.report()["net:handover_dropped"] == 0


def test_by_flow_too():
    with TwoListeners(extra='steering="flow"') as server:
        common, own = server.crews()
        for _ in range(8):
            assert len(who_answer(server.port, 5) & set(common)) == 1
            assert len(who_answer(server.own, 5) & set(own)) == 1


def test_what_waits_is_told_of_the_workers_that_will_read_it():
    with TwoListeners() as server:
        common, own = server.crews()
        client = Client(server.own)
        for pid in own:
            os.kill(pid, signal.SIGSTOP)
        try:
            client.send()
            rows = server.command("core.load")["result"]
            waiting = {row["pid"]: row["queue_bytes"] for row in rows}
            assert set(common) | set(own) <= set(waiting), rows
            assert {pid for pid, size in waiting.items() if size} < set(own), rows
            assert sum(waiting.values()) > 0, rows
        finally:
            for pid in own:
                os.kill(pid, signal.SIGCONT)
        assert client.answer() == 200
        client.close()


def test_what_one_listener_gets_leaves_from_the_other():
    with TwoListeners() as server:
        common, own = server.crews()
        phone, client = Datagrams(), Datagrams()
        target = f"sip:phone@127.0.0.1:{phone.port}"
        for inside, outside, back in ((server.own, server.port, common),
                                      (server.port, server.own, own)):
            for _ in range(10):
                client.send(inside, target)
                request = phone.message()
                assert phone.peer == ("127.0.0.1", outside), (phone.peer, server.own, server.port)
                assert f":{outside};" in values(request, "Via")[0].replace(" ", ""), request
                phone.reply(request)
                answer = client.message()
                assert answer[0].startswith("SIP/2.0 200 "), answer
                assert client.peer == ("127.0.0.1", inside), client.peer
                assert int(values(answer, "X-Reply-Pid")[0]) in back, answer
        phone.close()
        client.close()


def test_streams_leave_from_the_other_listener_too():
    with TwoListeners() as server:
        common, own = server.crews()
        for inside, outside, accepting in ((server.own, server.port, own),
                                           (server.port, server.own, common)):
            phone, caller = Listening(), Peer(inside)
            caller.send(uri=phone.uri, method="MESSAGE")
            callee = phone.accept()
            request = callee.message()
            assert f"127.0.0.1:{outside};" in values(request, "Via")[0], request
            callee.reply(request)
            answer = caller.message()
            assert answer[0].startswith("SIP/2.0 200 "), answer
            # Whoever opens a connection reads it.
            assert int(values(answer, "X-Reply-Pid")[0]) in accepting, answer
            for thing in (phone, caller, callee):
                thing.close()


def test_a_killed_worker_is_replaced_by_one_for_the_same_listener():
    with TwoListeners() as server:
        for _ in range(2):
            common, own = server.crews()
            owners = who_owns(server.own)
            os.kill(own[0], signal.SIGKILL)

            def replaced():
                now = server.crews()[1]
                return now if now[0] not in (0, own[0]) else None

            after = wait_until(replaced, "another worker")
            assert after[1] == own[1] and server.crews()[0] == common
            assert who_answer(server.own) == set(after)
            assert who_answer(server.port) == set(common)
            assert who_accept(server.own) <= set(after)
            # A call stays with its place.
            assert who_owns(server.own) == {call: after[own.index(pid)]
                                            for call, pid in owners.items()}


def test_stuck_workers_of_one_listener_do_not_hold_up_another():
    with TwoListeners() as server:
        crews = server.crews()
        for stuck, free, port in ((crews[0], crews[1], server.own),
                                  (crews[1], crews[0], server.port)):
            for pid in stuck:
                os.kill(pid, signal.SIGSTOP)
            try:
                assert who_answer(port) == set(free)
                assert who_accept(port) <= set(free)
                waiting = Client(server.port if port == server.own else server.own)
                waiting.send(call_id="patient")
                assert waiting.answer(timeout=0.05) is None
            finally:
                for pid in stuck:
                    os.kill(pid, signal.SIGCONT)
            assert waiting.answer() == 200
            waiting.close()


def test_a_call_across_listeners_keeps_its_order():
    """The caller is on the listener with workers of its own, the callee on the common one."""
    callee = call_order.Callee("127.0.0.1")
    with TwoListeners() as server:
        callee.server = ("127.0.0.1", server.port)
        caller = call_order.Caller("127.0.0.1", ("127.0.0.1", server.own), callee.address)
        caller.begin()
        call_order.exchange(caller, callee)
        call_order.check(caller, callee)
        caller.socket.close()
    callee.socket.close()


def check(text, *args):
    """The exit status of -c and what it says."""
    server = fairlead.Server(config="#!KAMAILIO\n" + text +
                             "\nrequest_route {{ exit; }}\n")
    done = run("-c", "-f", server.config, *args)
    server.directory.cleanup()
    return done.returncode, done.stderr


def test_what_is_wrong_is_told_with_its_place():
    listen = "listen=udp:127.0.0.1:{port}\n"
    status, text = check("socket_workers=2\n" + listen)
    assert status == 0 and "socket_workers" not in text, text
    status, text = check("socket_workers=-1\n" + listen)
    assert status == 255 and ".cfg:2:1: error: socket_workers must be 0…199" in text, text
    status, text = check("children=190\nsocket_workers=11\n" + listen)
    assert status == 255 and ".cfg:3:1: error: children and all socket_workers make 201" in text
    status, text = check(listen + "socket_workers=2\n")
    assert status == 0 and ".cfg:3:1: warning: socket_workers has no effect" in text, text
    status, text = check(listen + "socket_workers=2\n" + listen)
    assert status == 0 and ".cfg:3:1: warning: socket_workers has no effect: the addr" in text, text


def test_one_process_and_addresses_of_the_command_line_have_no_such_workers():
    with TwoListeners("-D") as server:
        assert who_answer(server.own) == who_answer(server.port) == {server.pid}
    more = ports.reserve()
    with TwoListeners("-l", f"udp:127.0.0.1:{more}") as server:
        common, own = server.crews()
        assert who_answer(more) == set(common)
        assert who_answer(server.own) == set(own)


if __name__ == "__main__":
    fairlead.main(dict(globals()))
