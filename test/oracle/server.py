# SPDX-License-Identifier: Apache-2.0
"""Starts one of the two servers with the same command line and stops it again."""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from ports import reserve

START_LIMIT, STOP_LIMIT = 30.0, 20.0  # seconds
REFERENCE_STOP_LIMIT = 5.0  # it hangs now and then when it ends


class DidNotStart(Exception):
    pass


def is_bound(port):
    """Whether any UDP socket of this machine has the port."""
    wanted = f":{port:04X}"
    for table in ("/proc/net/udp", "/proc/net/udp6"):
        with open(table, encoding="ascii") as lines:
            if any(line.split()[1].endswith(wanted) for line in list(lines)[1:]):
                return True
    return False


class Server:
    """`command` is the program with options of its own (such as -L); the rest is the same for all:
    one worker, so that what is sent for one message leaves before the next is looked at."""

    def __init__(self, command, config, defines, listen, port, workers=1):
        self.stop_limit = REFERENCE_STOP_LIMIT if command[0].endswith("kamailio") else STOP_LIMIT
        self.folder = tempfile.mkdtemp(prefix="oracle-")
        self.log_path = os.path.join(self.folder, "log")
        words = [*command, "-f", config, "-n", str(workers), "-DD", "-E", "-m", "64",
                 "-w", self.folder, "-Y", self.folder, "-P", os.path.join(self.folder, "pid")]
        for name, value in defines.items():
            words += ["-A", f"{name}={value}"]
        if listen:
            words += ["-l", listen]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT,
                                            stdin=subprocess.DEVNULL,
                                            start_new_session=True)
        until = time.monotonic() + START_LIMIT
        while not is_bound(port):
            if self.process.poll() is not None or time.monotonic() > until:
                text = self.log()
                self.stop()
                raise DidNotStart(" ".join(words) + "\n" + text)
            try:
                self.process.wait(0.02)
            except subprocess.TimeoutExpired:
                pass

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as lines:
            return lines.read()

    def bad_books(self):
        """What tm says of its transactions that should not be (Fairlead only), or ""."""
        begin = os.path.getsize(self.log_path)
        self.process.send_signal(signal.SIGUSR1)
        until = time.monotonic() + START_LIMIT
        while time.monotonic() < until and self.process.poll() is None:
            text = self.log()[begin:]
            if "shmem:blocks = " in text:
                return " ".join(re.findall(r"tm:(?:overdue|unaccounted) = -?[1-9]\d*", text))
            try:
                self.process.wait(0.005)
            except subprocess.TimeoutExpired:
                pass
        return "no report upon SIGUSR1"

    def stop(self):
        """Ends the server with all its processes; the exit status, None when it had to be killed."""
        status = self.process.poll()
        if status is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                status = self.process.wait(self.stop_limit)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # its session: also what it left behind
        except ProcessLookupError:
            pass
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        return status
