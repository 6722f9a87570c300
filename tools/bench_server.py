# SPDX-License-Identifier: Apache-2.0
"""A server that a benchmark measures: its start, its log and statistics, its end."""
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test/support"))
from ports import reserve  # noqa: E402,F401 (the tools import it from here)

CONFIGURATIONS = ROOT / "tools/bench-cfg"
DEADLINE = 60.0


def stand_back():
    """This process (of a thread: this thread) runs only when nobody else wants the processor."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def in_the_middle(values):
    """(median, first quartile, third quartile); of one value that value three times."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    first, median, third = statistics.quantiles(values, n=4)
    return median, first, third


class Server:
    """Started and ready; its files are below `path`, its run-time ones below `path / "run"`. Ends
    with stop() or a `with` block. A server that does not come up ends the benchmark."""

    def __init__(self, build, configuration, arguments, core=None):
        self.folder = tempfile.TemporaryDirectory(prefix="bench-")
        self.path = pathlib.Path(self.folder.name)
        self.log = self.path / "log"
        pinned = [] if core is None else ["taskset", "-c", str(core)]
        begin = time.monotonic()
        self.process = subprocess.Popen(
            [*pinned, build / "core/fairlead", "-L", build / "modules", "-f", configuration, "-DD",
             "-E", "-Y", self.path / "run", *arguments],
            stdin=subprocess.DEVNULL, stdout=self.log.open("w"), stderr=subprocess.STDOUT)
        while "ready: " not in self.text():
            if self.process.poll() is not None:
                sys.exit(self.text())
            time.sleep(0.01)
        self.seconds = time.monotonic() - begin  # until it was ready

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Gives its log."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return self.text()

    def text(self):
        return self.log.read_text(errors="replace")

    def report(self):
        """The statistics, with the shared memory in use."""
        seen = len(self.text())
        self.process.send_signal(signal.SIGUSR1)
        end = time.monotonic() + DEADLINE
        while "shmem:blocks = " not in (text := self.text()[seen:]):
            if time.monotonic() > end:
                sys.exit(f"no statistics upon SIGUSR1:\n{self.text()[-2000:]}")
            time.sleep(0.01)
        return {name: int(value) for name, value in re.findall(r"([\w:-]+) = (-?\d+)", text)}

    def children(self):
        """Its processes without the first one, in the order of their birth."""
        pid = self.process.pid
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(word) for word in text.split()]
