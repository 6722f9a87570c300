# SPDX-License-Identifier: Apache-2.0
"""Starts the real server for a test, talks to it over loopback, and checks how it ends.

Nothing here waits by sleeping for a fixed time: each wait is for something to be seen, with a
deadline far above what is needed."""
import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import ports
import standstill

DEADLINE = 20.0
BINARY = os.environ["FAIRLEAD"]
MODULES = os.environ["FAIRLEAD_MODULES"]
TEST_MODULES = os.environ.get("FAIRLEAD_TEST_MODULES", MODULES)


def wait_until(seen, what, deadline=DEADLINE):
    """The first true value of seen(); fails the test when there is none in time."""
    end = time.monotonic() + deadline
    pause = threading_event()
    while True:
        value = seen()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {what}")
        pause(0.002)


def threading_event():
    """A short pause between two looks that does not burn the processor others need."""
    poller = select.poll()
    return lambda seconds: poller.poll(seconds * 1000)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(word) for word in f.read().split()]
    except FileNotFoundError:
        return []


def run(*args, **kwargs):
    """The server with these arguments, to its end."""
    return subprocess.run([BINARY, *args], capture_output=True, text=True, timeout=DEADLINE, **kwargs)


class Client:
    """A UDP socket that speaks a little SIP."""

    def __init__(self, port, host="127.0.0.1"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.connect((host, port))
        self.socket.settimeout(DEADLINE)
        self.count = 0

    def message(self, method="OPTIONS", call_id=None, cseq=1, user="ping"):
        self.count += 1
        host, port = self.socket.getsockname()[:2]
        host = f"[{host}]" if ":" in host else host
        return (f"{method} sip:{user}@{host} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{os.getpid()}-{id(self)}-{self.count}\r\n"
                f"From: <sip:tester@{host}>;tag=1\r\nTo: <sip:{user}@{host}>\r\n"
                f"Call-ID: {call_id or f'{self.count}-{id(self)}'}\r\nCSeq: {cseq} {method}\r\n"
                f"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n").encode()

    def send(self, **kwargs):
        self.socket.send(self.message(**kwargs))

    def answer(self, timeout=DEADLINE):
        """The next status code, or None."""
        self.socket.settimeout(timeout)
        try:
            return int(self.socket.recv(65536).split(b" ", 2)[1])
        except (socket.timeout, ConnectionRefusedError):
            return None

    def ask(self, timeout=DEADLINE, **kwargs):
        self.send(**kwargs)
        return self.answer(timeout)

    def close(self):
        self.socket.close()


class Server:
    """One server in a directory of its own. Use as a context: on the way out it is stopped, and
    neither a process nor its pid file may be left."""

    CONFIG = """#!KAMAILIO
debug=2
log_stderror=yes
auto_aliases=no
children={children}
listen=udp:{host}:{port}
loadpath "{modules}"
loadmodule "sl.so"
{extra}
request_route {{ {route} }}
"""

    def __init__(self, *args, children=2, extra="", route='sl_send_reply("200", "OK");',
                 config=None, daemon=False, host="127.0.0.1", exit_status=0):
        self.directory = tempfile.TemporaryDirectory(prefix="fairlead-test-")
        self.path = self.directory.name
        os.chmod(self.path, 0o755)
        self.port = ports.reserve()
        self.run_dir = os.path.join(self.path, "run")
        self.pid_file = os.path.join(self.path, "server.pid")
        self.log_file = os.path.join(self.path, "log")
        self.config = os.path.join(self.path, "server.cfg")
        self.exit_status = exit_status
        text = config or self.CONFIG
        with open(self.config, "w") as f:
            f.write(text.format(port=self.port, host=f"[{host}]" if ":" in host else host,
                                children=children, extra=extra, route=route,
                                modules=f"{TEST_MODULES}:{MODULES}"))
        self.args = ["-f", self.config, "-P", self.pid_file, "-w", self.path, "-Y", self.run_dir,
                     *args]
        self.daemon = daemon
        self.process = None
        self.pid = None

    def start(self):
        """Returns when it serves. As a daemon: the exit status of the process that was started."""
        with open(self.log_file, "ab") as log:
            args = [BINARY, *self.args] + ([] if self.daemon or "-D" in self.args else ["-DD"])
            self.process = subprocess.Popen(args, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL, stderr=log)
        if self.daemon:
            status = self.process.wait(DEADLINE)
            assert status == 0, f"the daemon did not start: {status}\n{self.log()}"
            with open(self.pid_file) as f:
                self.pid = int(f.read())
        else:
            self.pid = self.process.pid
            wait_until(lambda: "ready: " in self.log() or self.process.poll() is not None, "ready")
            assert self.process.poll() is None, f"the server ended\n{self.log()}"
        return self

    def start_again(self):
        """Behind abort() and stop(): the same server with the files it had, but for its log."""
        os.truncate(self.log_file, 0)
        return self.start()

    def log(self):
        with open(self.log_file, errors="replace") as f:
            return f.read()

    def workers(self):
        return children(self.pid)

    def family(self):
        return [self.pid, *self.workers()]

    def ended(self):
        return self.process.poll() is not None if not self.daemon else not is_alive(self.pid)

    def report(self):
        """Statistics by name, as the server logs them upon SIGUSR1."""
        begin = os.path.getsize(self.log_file)
        os.kill(self.pid, signal.SIGUSR1)

        def whole():
            with open(self.log_file, errors="replace") as f:
                f.seek(begin)
                text = f.read()
            return "shmem:blocks = " in text and text

        text = wait_until(whole, "the report upon SIGUSR1")
        return {name: int(value) for name, value in re.findall(r"([\w:-]+) = (-?\d+)", text)}

    def assert_books(self):
        """No transaction was lost, and none is older than its timers allow."""
        found = {}

        def good():
            found.update(self.report())
            # While messages are under way a walk through the table may meet some of them.
            return found.get("tm:unaccounted", 0) == 0 and found.get("tm:overdue", 0) == 0
        try:
            wait_until(good, "transactions that are accounted for and on time")
        except AssertionError as error:
            books = {name: value for name, value in found.items() if value}
            raise AssertionError(f"{error}: {books}\n{self.log()[-4000:]}") from None

    def stop(self, number=signal.SIGTERM):
        self.assert_books()
        family = self.family()
        os.kill(self.pid, number)
        wait_until(self.ended, "the end of the server")
        if not self.daemon:
            assert self.process.returncode == self.exit_status, \
                f"exit status {self.process.returncode}\n{self.log()}"
        wait_until(lambda: not any(is_alive(pid) for pid in family), "the end of all processes")
        assert not os.path.exists(self.pid_file), "the pid file is left"

    def crash_files(self):
        if not os.path.isdir(self.run_dir):
            return []
        return sorted(os.path.join(self.run_dir, name) for name in os.listdir(self.run_dir)
                      if name.startswith("fairlead-crash-") and name.endswith(".sip"))

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            sys.stderr.write(f"--- log of the server\n{self.log()}---\n")
            self.abort()
            self.directory.cleanup()
            raise

    def __exit__(self, kind, value, trace):
        try:
            if kind is not None:
                sys.stderr.write(f"--- log of the server\n{self.log()}---\n")
                self.abort()
            elif not self.ended():
                try:
                    self.stop()
                except BaseException:
                    self.abort()
                    raise
        finally:
            self.directory.cleanup()

    def abort(self):
        """Kills all its processes. When it returns they have closed what they had open: another
        server may listen where this one did."""
        if self.pid is not None and not self.ended():
            family = self.family()
            for pid in family:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not any(is_alive(pid) for pid in family), "the end of all processes")
        if self.process is not None:
            self.process.kill()
            self.process.wait(DEADLINE)


def main(tests):
    """Runs the functions of a file; the names of some may be given."""
    wanted = sys.argv[1:]
    failed = 0
    for name, test in tests.items():
        if not name.startswith("test_") or (wanted and name not in wanted):
            continue
        begin = time.monotonic()
        try:
            standstill.patiently(test)
        except Exception as error:  # reported, then the next test runs
            import traceback
            traceback.print_exc()
            failed += 1
            print(f"FAILED {name}: {error}", flush=True)
        else:
            print(f"ok {name} ({time.monotonic() - begin:.2f} s)", flush=True)
    sys.exit(1 if failed else 0)
