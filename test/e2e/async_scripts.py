# SPDX-License-Identifier: Apache-2.0
"""Scripts that sleep in one process and go on in another, also when processes die meanwhile."""
import os
import re
import signal

import fairlead
from fairlead import Client, Server

SLEEPING = {
    "extra": """
async_workers=1
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "tm.so"
loadmodule "async.so"
modparam("async", "workers", 2)
route[TASK] { append_to_reply("X-After: $pp\\r\\nX-Group: $async(gname)\\r\\n"); send_reply("481", "Task"); }
""",
    "route": """
    append_to_reply("X-Before: $pp\\r\\n");
    if ($rU == "task") async_task_route("TASK");
    if ($rU == "long") async_sleep(3);
    async_ms_sleep(50);
    append_to_reply("X-After: $pp\\r\\n");
    send_reply("480", "Slept");
""",
}


def replies(client, count):
    """The next so many final replies, by Call-ID; those that come twice are a failure."""
    found = {}
    while len(found) < count:
        text = client.socket.recv(65536).decode()
        if text.startswith("SIP/2.0 1"):
            continue
        call_id = re.search(r"\r\nCall-ID: (\S+)", text)[1]
        assert call_id not in found, text
        found[call_id] = text
    return found


def header(text, name):
    return re.search(rf"\r\n{name}: ([^\r]*)", text)[1]


def test_scripts_go_on_in_processes_of_their_own():
    with Server(children=2, **SLEEPING) as server:
        client = Client(server.port)
        for i in range(40):
            client.send(method="MESSAGE", user="task" if i % 4 == 0 else "bob", call_id=f"c{i}")
        found = replies(client, 40)
        for i in range(40):
            text = found[f"c{i}"]
            assert text.startswith("SIP/2.0 481" if i % 4 == 0 else "SIP/2.0 480"), text
            assert header(text, "X-Before") != header(text, "X-After"), text
            if i % 4 == 0:
                assert header(text, "X-Group") == "default", text
        client.close()
        fairlead.wait_until(lambda: {server.report()[name] for name in (
            "tm:suspensions", "tm:suspensions_ended", "async:resumed")} == {40}, "40 of each")


def test_nothing_is_lost_when_processes_die_while_scripts_sleep():
    with Server(children=2, **SLEEPING) as server:
        client = Client(server.port)
        for i in range(30):
            client.send(method="MESSAGE", user="long", call_id=f"d{i}")
        fairlead.wait_until(lambda: server.report()["tm:suspensions"] == 30, "all to sleep")
        before = set(server.workers())
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        fairlead.wait_until(lambda: len(set(server.workers()) - before) == len(before),
                            "other processes")
        found = replies(client, 30)
        assert all(text.startswith("SIP/2.0 480") for text in found.values()), found
        client.close()


fairlead.main(dict(globals()))
