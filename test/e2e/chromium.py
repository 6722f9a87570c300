# SPDX-License-Identifier: Apache-2.0
"""Chromium without a display, with one page of a test that does what it is told.

The page asks over HTTP for its next step and reports what became of the last one. Nothing of the
browser leaves the machine: no address but that of the loopback is known to it."""
import contextlib
import functools
import http.server
import json
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import urllib.parse

import fairlead
from fairlead import wait_until

PROGRAM = shutil.which("chromium")
START = 120.0    # seconds until the page is there: the browser starts a dozen processes
STEP = 60.0      # seconds for one step of it
QUIET = """--disable-background-networking --disable-breakpad --disable-client-side-phishing-detection
--disable-component-extensions-with-background-pages --disable-component-update --disable-crash-reporter
--disable-default-apps --disable-domain-reliability --disable-extensions --disable-sync
--metrics-recording-only --no-default-browser-check --no-first-run --no-pings --no-service-autorun
--password-store=basic --use-mock-keychain
--disable-features=CertificateTransparencyComponentUpdater,DialMediaRouteProvider,MediaRouter,OptimizationHints,Translate
--no-proxy-server""".split()
# Everything in as few processes as there can be, and at full speed although nobody looks.
SMALL = """--disable-background-timer-throttling --disable-backgrounding-occluded-windows
--disable-renderer-backgrounding --disable-gpu --disable-software-rasterizer --disable-dev-shm-usage
--disable-site-isolation-trials --in-process-gpu --mute-audio --no-zygote --renderer-process-limit=1
--window-size=200,200""".split()


class Pages(http.server.ThreadingHTTPServer):
    """Serves the files of a folder. `reports` is what the page said, `steps` what it is to do."""
    daemon_threads = True

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
        self.reports, self.steps = queue.Queue(), queue.Queue()
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.steps.put({})
        self.shutdown()
        self.server_close()


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.reports.put(json.loads(body))
        answer = json.dumps(self.server.steps.get()).encode()
        # The browser may have ended meanwhile.
        with contextlib.suppress(ConnectionError):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    def log_message(self, *_):
        pass


def group(number):
    """The processes of a process group that have not ended."""
    found = []
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError, ValueError):
            with open(f"/proc/{int(name)}/stat", encoding="ascii", errors="replace") as stat:
                state, _, its = stat.read().rsplit(")", 1)[1].split()[:3]
            if int(its) == number and state != "Z":
                found.append(int(name))
    return found


class Page:
    """A browser with the page `index.html` of a folder; `parameters` are its query. Use as a context:
    on the way out no process of the browser is left."""

    def __init__(self, folder, parameters, options=()):
        self.pages = Pages(folder)
        self.origin = f"http://127.0.0.1:{self.pages.server_address[1]}"
        self.url = f"{self.origin}/index.html?{urllib.parse.urlencode(parameters)}"
        self.home = tempfile.TemporaryDirectory(prefix="fairlead-chromium-", ignore_cleanup_errors=True)
        self.log_file = os.path.join(self.home.name, "log")
        self.options, self.process = options, None

    def start(self):
        home = self.home.name
        words = [PROGRAM, "--headless=new", "--no-sandbox", f"--user-data-dir={home}/profile",
                 "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                 "--enable-logging=stderr", *QUIET, *SMALL, *self.options, self.url]
        # Neither a session bus nor the settings of whoever runs the test.
        env = {"PATH": os.environ["PATH"], "HOME": home, "TMPDIR": home, "XDG_RUNTIME_DIR": home,
               "DBUS_SESSION_BUS_ADDRESS": "disabled:", "DBUS_SYSTEM_BUS_ADDRESS": "disabled:",
               "LANG": "C.UTF-8"}
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=env, cwd=home, start_new_session=True)
        loaded = self.report("load", START)
        assert "Chrome" in loaded["agent"], loaded
        return self

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as text:
            return text.read()[-4000:]

    def report(self, step, limit=STEP):
        """What the page says of a step."""
        def said():
            with contextlib.suppress(queue.Empty):
                return self.pages.reports.get(timeout=0.1)
            status = self.process.poll()
            assert status is None, f"chromium ended with {status} in step {step}\n{self.log()}"
            return None
        try:
            report = wait_until(said, f"the page's report of step {step}", limit)
        except AssertionError as error:
            raise AssertionError(f"{error}\n--- chromium says\n{self.log()}---") from None
        assert report["step"] == step, report
        assert "error" not in report, f"step {step}: {report['error']}\n{report['received']}"
        return report

    def begin(self, step, argument=None):
        """Tells the page what to do; `report` waits for it."""
        self.pages.steps.put({"step": step, "argument": argument})

    def do(self, step, argument=None):
        self.begin(step, argument)
        return self.report(step)

    def stop(self):
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(fairlead.DEADLINE)
            wait_until(lambda: not group(self.process.pid), "the end of chromium")
        self.pages.close()
        self.home.cleanup()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()
