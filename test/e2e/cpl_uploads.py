# SPDX-License-Identifier: Apache-2.0
"""Scripts that come, go and are asked for by sipp's REGISTER; scripts and registrations are there
again after SIGKILL of the whole server, also when it comes in the middle of uploads."""
import os
import re
import socket
import sqlite3
import tempfile
import threading

import fairlead
import sipp
from party import Party
from sipp import Sipp, written

COUNT = 30
EXTRA = """
loadmodule "tm.so"
loadmodule "pv.so"
loadmodule "db_sqlite.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "cpl.so"
modparam("usrloc", "db_mode", 1)
modparam("usrloc|cpl", "db_url", "sqlite:///all.sqlite")
"""
ROUTE = """
    if ($rm == "REGISTER") {
        cpl_process_register();
        save("location");
        exit;
    }
    if ($rm == "ACK") exit;
    if ($rm == "INVITE") {
        cpl_run_script("incoming", "is_stateless");
        sl_send_reply("404", "No Script");
        exit;
    }
    if (lookup("location")) sl_send_reply("200", "$ru"); else sl_send_reply("404", "Not There");
"""

REGISTER = """<send retrans="2000"><![CDATA[
REGISTER sip:user[call_number]@example.test SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:user[call_number]@example.test>;tag=[call_number]-{number}
To: <sip:user[call_number]@example.test>
Call-ID: [call_id]
CSeq: {number} REGISTER
Max-Forwards: 70
{headers}Content-Length: [len]

{body}]]></send>
<recv response="100" optional="true"/>
<recv response="{status}">{check}</recv>
"""
TYPE = "Content-Type: application/cpl+xml\nContent-Disposition: script;action="
REJECT = '<cpl><incoming><reject status="480" reason="number {}"/></incoming></cpl>'


def scenario(*steps):
    """Each step: headers, body, the status that must come, and what must be in the answer."""
    text = ""
    for number, (headers, body, status, expected) in enumerate(steps, 1):
        check = ""
        if expected:
            check = (f'<action><ereg regexp="{expected}" search_in="msg" check_it="true" '
                     f'assign_to="{number}"/><log message="[${number}]"/></action>')
        text += REGISTER.format(number=number, headers=headers, body=body, status=status, check=check)
    return f'<?xml version="1.0"?>\n<scenario name="register">\n{text}</scenario>\n'


def by_sipp(folder, name, server, *steps):
    one = Sipp(folder, name, written(folder, name, scenario(*steps)), "-m", str(COUNT), "-r", "100",
               "-timeout", "60s", "-timeout_error", f"127.0.0.1:{server.port}")
    try:
        one.finish(90)
        assert one.good_and_failed() == (COUNT, 0)
    finally:
        one.kill()


STORE = (TYPE + "store\n", REJECT.format("[call_number]"), 200, "")
ASK = ("Accept: application/cpl+xml\n", "")
REMOVE = (TYPE + "remove\n", "", 200, "")


def new_server():
    return fairlead.Server(children=2, extra=EXTRA, route=ROUTE)


def kill_and_start(server):
    server.abort()
    with sqlite3.connect(os.path.join(server.path, "all.sqlite")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    server.start_again()


def said(party, **kwargs):
    """The start line of the answer to a request; answers to others are passed over."""
    call = f"said-{party.count}-{party.port}"
    party.send(call_id=call, **kwargs)
    while True:
        text = party.receive()
        if f"Call-ID: {call}\r\n" in text:
            return text.split("\r\n", 1)[0]


def test_upload_download_and_removal_by_sipp():
    with tempfile.TemporaryDirectory(prefix="fairlead-cpl-") as folder, new_server() as server:
        stored = (*ASK, 200, 'reason="number [0-9]+"'.replace('"', "&quot;"))
        nothing = (*ASK, 200, "Content-Length: 0")
        wrong = (TYPE + "store\n", "<cpl><incoming><reject/></incoming></cpl>", 400,
                 "Warning: 399 .*1:16.*status")
        half = (TYPE + "steal\n", REJECT, 400, "")
        by_sipp(folder, "first", server, nothing, STORE, stored, REMOVE, nothing, STORE)
        # What is refused changes nothing.
        by_sipp(folder, "second", server, wrong, half, stored)
        kill_and_start(server)
        by_sipp(folder, "third", server, stored)
        party = Party(server.port)
        for n in range(1, COUNT + 1):
            assert party.download(f"user{n}") == REJECT.format(n)
            assert said(party, method="INVITE", user=f"user{n}") == f"SIP/2.0 480 number {n}"
        by_sipp(folder, "fourth", server, REMOVE)
        kill_and_start(server)
        assert said(party, method="INVITE", user="user1") == "SIP/2.0 404 No Script"
        assert server.report()["cpl:scripts"] == 0
        party.close()


class Uploads(threading.Thread):
    """Registers one user after the other and uploads their scripts, until nobody answers."""

    def __init__(self, server, name):
        super().__init__(daemon=True)
        self.party, self.name_of_all = Party(server.port), name
        self.registered, self.stored, self.is_over = [], [], threading.Event()

    def run(self):
        try:
            for n in range(100000):
                user = f"{self.name_of_all}{n}"
                text = self.party.message(method="REGISTER", user=user).decode()
                contact = f"Contact: <sip:{user}@192.0.2.1>\r\nContent-Length"
                self.ask(text.replace("Content-Length", contact).encode())
                self.registered.append(user)
                self.ask(self.upload(user))
                self.stored.append(user)
        except OSError:  # nobody answers any more
            pass

    def upload(self, user):
        script = REJECT.format(user)
        text = self.party.message(method="REGISTER", user=user).decode()
        lines = TYPE.replace("\n", "\r\n") + "store\r\n"
        return (text.replace("Content-Length: 0", f"{lines}Content-Length: {len(script)}")
                + script).encode()

    def ask(self, request):
        """Sends it until it is answered with 200, or the server is dead."""
        call = re.search(rb"Call-ID: (\S+)", request)[1].decode()
        self.party.socket.settimeout(0.5)
        self.party.socket.sendto(request, self.party.server)
        while True:
            try:
                text = self.party.receive()
            except socket.timeout:
                if self.is_over.is_set():
                    raise
                self.party.socket.sendto(request, self.party.server)
                continue
            if f"Call-ID: {call}\r\n" in text and not text.startswith("SIP/2.0 100"):
                assert text.startswith("SIP/2.0 200"), text
                return


def test_what_was_answered_outlives_a_kill_in_the_middle():
    with new_server() as server:
        threads = [Uploads(server, name) for name in ("anna", "bert", "cleo")]
        for thread in threads:
            thread.start()
        fairlead.wait_until(lambda: all(len(t.stored) >= 30 for t in threads), "uploads")
        server.abort()
        for thread in threads:
            thread.is_over.set()
            thread.join(fairlead.DEADLINE)
            assert not thread.is_alive()
        kill_and_start(server)
        party = Party(server.port)
        for thread in threads:
            for user in thread.stored:
                assert said(party, method="INVITE", user=user) == f"SIP/2.0 480 number {user}"
            for user in thread.registered:
                assert said(party, method="OPTIONS", user=user) == f"SIP/2.0 200 sip:{user}@192.0.2.1"
            thread.party.close()
        party.close()


if __name__ == "__main__":
    sipp.main(dict(globals()))
