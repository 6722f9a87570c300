# SPDX-License-Identifier: Apache-2.0
"""Calls from sipp's built-in uac through the server to sipp's built-in uas: none may fail, few
messages sent again. CALLS, RATE and MOST_AGAIN change it (200 calls/s for 10 s; with MOST_AGAIN=0 the
machine must be quiet)."""
import csv
import os
import shutil
import subprocess
import sys
import tempfile

import fairlead
import ports
import standstill
from shipped import Shipped, literal, relay_to

RATE = int(os.environ.get("RATE", "200"))
CALLS = int(os.environ.get("CALLS", str(RATE * 10)))
# A machine that stands still for half a second makes sipp and the server send again what was not
# lost; a server that loses messages needs many more. 0 on a quiet machine.
MOST_AGAIN = int(os.environ.get("MOST_AGAIN", str(CALLS // 10)))
SIPP = shutil.which("sipp")


class Sipp:
    """One sipp with a built-in scenario; `totals()` after its end are the sums of its statistics."""

    def __init__(self, scenario, host, folder, *args):
        self.port, self.log = ports.reserve(), os.path.join(folder, scenario + ".log")
        self.statistics = os.path.join(folder, scenario + ".csv")
        words = [SIPP, "-sn", scenario, "-i", literal(host), "-p", str(self.port), "-nostdin",
                 "-trace_stat", "-stf", self.statistics, "-fd", "1", "-m", str(CALLS), *args]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        fairlead.wait_until(lambda: self.is_bound() or self.process.poll() is not None, "sipp")

    def is_bound(self):
        for table in ("/proc/net/udp", "/proc/net/udp6"):
            with open(table, encoding="ascii") as lines:
                if any(f":{self.port:04X} " in line for line in lines):
                    return True
        return False

    def finish(self):
        limit = CALLS / RATE + 60
        status = self.process.wait(limit)
        with open(self.log, errors="replace") as log:
            assert status == 0, f"sipp ended with {status}\n{log.read()[-3000:]}"

    def totals(self):
        with open(self.statistics, newline="") as file:
            return list(csv.DictReader(file, delimiter=";"))[-1]

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def calls(server_for, host, uri_to_uas=False):
    """Runs the load; `server_for(address of the uas)` makes the server."""
    standstill.patiently(lambda: play(server_for, host, uri_to_uas))


def play(server_for, host, uri_to_uas):
    with tempfile.TemporaryDirectory(prefix="fairlead-calls-") as folder:
        uas = Sipp("uas", host, folder)
        uac = None
        try:
            with server_for(f"{literal(host)}:{uas.port}") as server:
                target = [f"{literal(host)}:{uas.port}", "-rsa", server.address] if uri_to_uas \
                    else [server.address]
                uac = Sipp("uac", host, folder, "-r", str(RATE), "-timeout", "120s",
                           "-timeout_error", *target)
                uac.finish()
                uas.finish()
            for sipp in (uac, uas):
                totals = sipp.totals()
                assert int(totals["SuccessfulCall(C)"]) == CALLS, totals
                assert int(totals["FailedCall(C)"]) == 0, totals
                assert int(totals["Retransmissions(C)"]) <= MOST_AGAIN, totals
        finally:
            uas.stop()
            if uac is not None:
                uac.stop()


def test_relay_with_1_worker():
    calls(lambda uas: relay_to(uas, workers=1), "127.0.0.1")


def test_relay_with_4_workers():
    calls(lambda uas: relay_to(uas, workers=4), "127.0.0.1")


def test_relay_over_ipv6():
    calls(lambda uas: relay_to(uas, workers=4, host="::1"), "::1")


def test_default_configuration_relays_by_request_uri():
    def server(_):
        shipped = Shipped("fairlead.cfg", workers=4)
        shipped.args += ["-A", f"LISTEN=udp:{shipped.address}"]
        return shipped
    calls(server, "127.0.0.1", uri_to_uas=True)


def test_default_configuration_over_ipv6():
    def server(_):
        shipped = Shipped("fairlead.cfg", workers=4, host="::1")
        shipped.args += ["-A", f"LISTEN=udp:{shipped.address}"]
        return shipped
    calls(server, "::1", uri_to_uas=True)


if __name__ == "__main__":
    if SIPP is None:
        print("SKIPPED: sipp is not installed (apt-get install sip-tester)")
        sys.exit(77)
    fairlead.main(dict(globals()))
