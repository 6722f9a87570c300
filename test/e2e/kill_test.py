#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Calls go on while a worker is killed every second.

`kill_test.py BUILD [SECONDS] [RATE]`: at least 99.9 % of the calls complete, the server never
stops, each worker is back within 50 ms, and in the end transactions and shared memory in use are
what they were before."""
import json
import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
import ports
import standstill

WORKERS = 4
BACK_WITHIN = 0.050  # seconds
COMPLETE = 0.999
# RFC 6026: an answered INVITE is kept for 64*T1, then the wait time; and a little patience.
SETTLED_WITHIN = 32 + 2 + 20
# Under sanitizers or on a busy machine a fork takes longer; the calls must complete all the same.
PATIENCE = float(os.environ.get("KILL_TEST_PATIENCE", "1"))


def children(pid):
    """In the order in which they were forked; none when the process is gone."""
    try:
        return [int(child) for child in
                pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


class Server:
    def __init__(self, build, folder):
        self.port = ports.reserve()
        self.log = pathlib.Path(folder) / "log"
        self.process = subprocess.Popen(
            [str(build / "core/fairlead"), "-DD", "-E", "-n", str(WORKERS), "-m", "128", "-f",
             str(HERE / "kill.cfg"), "-L", str(build / "modules"), "-w", folder, "-l",
             f"udp:127.0.0.1:{self.port}"],
            stdin=subprocess.DEVNULL, stdout=self.log.open("w"), stderr=subprocess.STDOUT)

    def is_running(self):
        return self.process.poll() is None

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def report(self):
        """(transactions in memory, bytes of shared memory in use, transactions that are overdue or
        unaccounted for), logged on SIGUSR1."""
        begin = self.log.stat().st_size
        self.process.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            text = self.log.read_text()[begin:]
            transactions = re.search(r"tm:inuse_transactions = (-?\d+)", text)
            wrong = re.findall(r"tm:(?:overdue|unaccounted) = (-?\d+)", text)
            used = re.search(r"shmem:used_size = (\d+)", text)
            if transactions and used:
                return (int(transactions.group(1)), int(used.group(1)),
                        sum(abs(int(n)) for n in wrong))
            select.select([], [], [], 0.01)
        raise AssertionError("no report on SIGUSR1")


class Checks(Exception):
    """Counts what held and says what did not. Raised when something did not."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, held, text):
        print(("ok      " if held else "FAILED  ") + text, flush=True)
        self.passed += bool(held)
        self.failed += not held


def sipload(build, port, *arguments):
    return [str(build / "tools/sipload/sipload"), "--mode", "call", "--target",
            f"127.0.0.1:{port}", "--uas", "127.0.0.1:0", "--json", "--ignore-violations",
            *arguments]


def wait_for_start(server, build):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and server.is_running():
        result = subprocess.run(sipload(build, server.port, "--calls", "1", "--timeout", "0.5",
                                        "--duration", "0.5"), capture_output=True, check=False)
        if result.returncode == 0:
            return
    raise AssertionError("the server does not relay a call:\n" + server.log.read_text()[-3000:])


def wait_until_settled(server, wanted):
    """The report, as soon as it is what is wanted, or at the end of all timers."""
    deadline = time.monotonic() + SETTLED_WITHIN
    seen = server.report()
    while seen != wanted and time.monotonic() < deadline:
        select.select([], [], [], 0.5)
        seen = server.report()
    return seen


def kill_one(server, victim):
    """Seconds until another process has taken the place of `victim`; None when none did."""
    before = set(children(server.process.pid))
    os.kill(victim, signal.SIGKILL)
    began = time.monotonic()
    while time.monotonic() - began < 3:
        new = set(children(server.process.pid)) - before
        if new:
            return time.monotonic() - began, new.pop()
        select.select([], [], [], 0.0005)
    return None, None


def kill_while(load, server, seconds):
    """Kills the workers in turn, one a second; gives the times until each was replaced."""
    workers, times = children(server.process.pid)[:WORKERS], []
    next_kill = time.monotonic() + 1
    end = time.monotonic() + seconds
    while time.monotonic() < end and load.poll() is None and server.is_running():
        if time.monotonic() < next_kill:
            select.select([], [], [], 0.01)
            continue
        next_kill += 1
        slot = len(times) % WORKERS
        took, replacement = kill_one(server, workers[slot])
        times.append(took)
        if replacement is None:
            break
        workers[slot] = replacement
    return times


def run(build, seconds, rate, folder):
    checks = Checks()
    server = Server(build, folder)
    try:
        wait_for_start(server, build)
        # Caches and tables that grow once, with the first calls, have then grown.
        subprocess.run(sipload(build, server.port, "--calls", str(2 * rate), "--rate", str(rate)),
                       capture_output=True, check=False)
        before = wait_until_settled(server, (0, server.report()[1], 0))
        checks.check(before[0] == 0, f"no transactions before, {before[1]} bytes in use")
        load = subprocess.Popen(sipload(build, server.port, "--rate", str(rate), "--duration",
                                        str(seconds)), stdout=subprocess.PIPE, text=True)
        times = kill_while(load, server, seconds)
        report = json.loads(load.communicate()[0])
        checks.check(server.is_running(), "the server never stopped")
        checks.check(len(times) >= seconds - 2 and None not in times,
                     f"{len(times)} workers were killed and replaced")
        slow = [f"{took * 1000:.0f} ms" for took in times
                if took is None or took > BACK_WITHIN * PATIENCE]
        known = [took for took in times if took is not None]
        checks.check(not slow, f"each was back within {BACK_WITHIN * PATIENCE * 1000:.0f} ms, the "
                     f"slowest after {max(known, default=0) * 1000:.1f} ms {slow or ''}")
        done, started = report["uac"]["completed"], report["uac"]["started"]
        checks.check(started >= 0.9 / min(PATIENCE, 2) * rate * seconds and done >= COMPLETE * started,
                     f"{done} of {started} calls completed, {report['uac']['retransmitted']} "
                     f"messages were sent again {report['uac']['reasons'] or ''}")
        after = wait_until_settled(server, (0, before[1], 0))
        checks.check(after[0] == 0, f"{after[0]} transactions are left")
        checks.check(after[1] <= before[1],
                     f"shared memory in use: {after[1]} bytes, before {before[1]}")
        checks.check(after[2] == 0, f"{after[2]} transactions are overdue or unaccounted for")
        checks.check(server.stop() == 0, "a clean stop")
    finally:
        if server.is_running():
            server.stop()
        if checks.failed:
            print(server.log.read_text()[-4000:])
    return checks


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    rate = int(sys.argv[3]) if len(sys.argv) > 3 else 500

    def play():
        with tempfile.TemporaryDirectory(prefix="kill-test-") as folder:
            found = run(build, seconds, rate, folder)
        if found.failed:
            raise found
        return found

    try:
        checks = standstill.patiently(play)
    except Checks as failed:
        checks = failed
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
