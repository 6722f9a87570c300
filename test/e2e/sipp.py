# SPDX-License-Identifier: Apache-2.0
"""sipp, the field's test agent, with a built-in scenario or one of ours."""
import csv
import os
import shutil
import subprocess
import sys

import fairlead
import ports

SIPP = shutil.which("sipp")


def literal(host):
    return f"[{host}]" if ":" in host else host


def is_bound(port, transport="udp"):
    """Whether somebody of this machine receives at the port, over IPv4 or IPv6."""
    for table in (transport, transport + "6"):
        with open(f"/proc/net/{table}", encoding="ascii") as lines:
            for line in list(lines)[1:]:
                _, local, remote, *_ = line.split()
                if local.endswith(f":{port:04X}") and remote.endswith(":0000"):
                    return True
    return False


class Sipp:
    """An agent at `host` that runs until it is finished or killed. `scenario` is the path of a file,
    or the name of a built-in one; `mode` is sipp's -t. Its files are in `folder`, under its name."""

    def __init__(self, folder, name, scenario, *args, host="127.0.0.1", port=None, mode="u1"):
        self.name, self.port = name, port or ports.reserve()
        self.transport = "tcp" if mode[0] == "t" else "udp"
        base = os.path.join(folder, name)
        self.log, self.errors, self.statistics = base + ".out", base + ".err", base + ".csv"
        # A machine that stands still for a while makes everybody send again. The built-in uas gives a
        # call up when two copies of an INVITE wait for it, the built-in uac when a BYE gets a 100
        # (RFC 4320 4.1): they shall go on. What never comes fails the call by -timeout.
        kind = ["-sf", scenario] if os.sep in scenario else \
            ["-sn", scenario, "-default_behaviors", "all,-abortunexp"]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [SIPP, *kind, "-t", mode, "-i", literal(host), "-p", str(self.port), "-nostdin",
                 "-buff_size", "4194304", "-trace_stat", "-stf", self.statistics, "-fd", "1",
                 "-trace_err", "-error_file", self.errors, *args],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=folder)

    def wait_bound(self):
        """Waits until it receives; one that serves calls others before that."""
        fairlead.wait_until(
            lambda: is_bound(self.port, self.transport) or self.process.poll() is not None,
            f"sipp {self.name}")
        assert self.process.poll() is None, f"{self.name}: sipp did not start\n{self.said()}"
        return self

    def said(self):
        out = ""
        for path in (self.log, self.errors):
            if os.path.exists(path):
                with open(path, errors="replace") as file:
                    out += file.read()[-2500:]
        return out

    def finish(self, limit):
        """Waits for its end, at most `limit` seconds, which must be a success."""
        try:
            status = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            status = f"nothing within {limit:.0f} s"
        assert status == 0, f"{self.name}: sipp ended with {status}\n{self.said()}"

    def totals(self):
        """The sums of its statistics, once it has ended."""
        with open(self.statistics, newline="") as file:
            return list(csv.DictReader(file, delimiter=";"))[-1]

    def good_and_failed(self):
        totals = self.totals()
        return int(totals["SuccessfulCall(C)"]), int(totals["FailedCall(C)"])

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def written(folder, name, scenario):
    """The path of a file with that scenario."""
    path = os.path.join(folder, name + ".xml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(scenario)
    return path


def main(tests):
    """Runs the tests of a program, which are skipped without sipp."""
    if SIPP is None:
        print("SKIPPED: sipp is not installed (apt-get install sip-tester)")
        sys.exit(77)
    fairlead.main(tests)
