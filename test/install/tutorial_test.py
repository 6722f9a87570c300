#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes the modules and configurations out of docs/modules.md, builds them against an installation
and runs them as the page says: tutorial_test.py BUILD SOURCE."""
import os
import pathlib
import re
import signal
import sys
import tempfile
import unittest

import install_test
from snippets import SNIPPET, files

PAGE = (install_test.SOURCE / "docs/modules.md").read_text()
WORKERS = 2


class Tutorial(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = install_test.Installation.temporary(cls)
        here = install_test.Installation(cls.folder / "root", install_test.BUILD)
        cls.modules = cls.folder / "modules"
        cls.modules.mkdir()
        for name, text in files(PAGE).items():
            if name == "host_test.cpp":  # built with the tree, see meson.build
                continue
            path = cls.modules / name
            path.write_text(text)
            if path.suffix == ".cpp":
                here.compile(path, "-O1", "-shared", f'-DFAIRLEAD_LOG_TAG="{path.stem}"', "-o",
                             path.with_suffix(".so"))
        os.environ |= {"FAIRLEAD": str(here.server), "FAIRLEAD_TEST_MODULES": str(cls.modules),
                       "FAIRLEAD_MODULES": str(next(here.prefix.rglob("sl.so")).parent)}
        sys.path.insert(0, str(install_test.SOURCE / "test/e2e"))
        global e2e
        import fairlead as e2e

    def serve(self, name):
        text = (self.modules / f"{name}.cfg").read_text().replace("{", "{{").replace("}", "}}")
        return e2e.Server(config="#!KAMAILIO\ndebug=2\nlog_stderror=yes\nauto_aliases=no\n"
                          f"children={WORKERS}\nlisten=udp:{{host}}:{{port}}\n"
                          'loadpath "{modules}"\n' + text)

    def ask(self, client, user):
        client.send(user=user)
        client.socket.settimeout(e2e.DEADLINE)
        return client.socket.recv(65536).decode()

    def statistic(self, server, name):
        """From what USR1 logs."""
        found = rf"{name} = (-?\d+)"
        before = len(re.findall(found, server.log()))
        os.kill(server.pid, signal.SIGUSR1)
        values = e2e.wait_until(lambda: re.findall(found, server.log())[before:], name)
        return int(values[-1])

    def test_no_code_of_the_page_is_left_out(self):
        self.assertEqual([text for _, name, text in SNIPPET.findall(PAGE) if not name], [])
        self.assertEqual(sorted(files(PAGE)), ["calls.cfg", "calls.cpp", "guests.cfg", "guests.cpp", "hello.cfg", "hello.cpp",
                                           "host_test.cpp"])

    def test_hello(self):
        with self.serve("hello") as server:
            client = e2e.Client(server.port)
            self.assertIn("\r\nX-Hello: you\r\n", self.ask(client, "joe"))
            self.assertEqual(self.statistic(server, "hello:asked"), 2)
            client.close()

    def test_calls_are_counted_by_what_became_of_them(self):
        with self.serve("calls") as server:
            client = e2e.Client(server.port)
            for user in ("joe", "joe", "anna", "uncounted"):
                self.ask(client, user)
            self.assertEqual(self.statistic(server, "calls:answered"), 2)
            self.assertEqual(self.statistic(server, "calls:refused"), 1)
            client.close()

    def test_guests_are_seen_by_all_workers_and_leave_in_time(self):
        with self.serve("guests") as server:
            clients = [e2e.Client(server.port) for _ in range(4)]
            answers = [self.ask(client, "joe").split("\r\n")[0] for client in clients]
            self.assertEqual(answers, ["SIP/2.0 200 Welcome"] * 3 + ["SIP/2.0 486 No seat"])
            self.assertEqual(self.statistic(server, "guests:turned_away"), 1)
            e2e.wait_until(lambda: " 0 guests," in self.ask(clients[0], "ask"), "the guests to leave")
            for client in clients:
                client.close()

    def test_the_process_of_the_module_has_a_wheel_and_a_mailbox(self):
        with self.serve("guests") as server:
            client = e2e.Client(server.port)
            self.ask(client, "joe")
            clerk = WORKERS + 2  # behind the workers and the control process
            e2e.wait_until(lambda: re.search(rf" 1 letters, \d+ rounds by {clerk}\r",
                                             self.ask(client, "ask")), "the letter to be read")
            self.assertRegex(server.log(), rf"(?m)^ *{clerk}\(\d+\) INFO: .*the clerk reads: joe is here")
            self.assertEqual(len(server.workers()), clerk)
            client.close()

    def test_a_clerk_that_dies_is_replaced_and_reads_on(self):
        with self.serve("guests") as server:
            client = e2e.Client(server.port)
            before = set(server.workers())
            os.kill(max(before), signal.SIGKILL)
            self.ask(client, "joe")
            e2e.wait_until(lambda: " 1 letters," in self.ask(client, "ask"), "the letter to be read")
            rounds = int(re.search(r"(\d+) rounds", self.ask(client, "ask")).group(1))
            e2e.wait_until(lambda: int(re.search(r"(\d+) rounds", self.ask(client, "ask")).group(1))
                           > rounds + 2, "rounds of the new clerk")
            client.close()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
