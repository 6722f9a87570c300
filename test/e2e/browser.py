# SPDX-License-Identifier: Apache-2.0
"""A browser registers over WebSocket, calls a phone (sipp) and is called by it, through
cfg/examples/websocket.cfg: over ws with a phone on UDP, over wss with one on TCP."""
import base64
import contextlib
import hashlib
import os
import re
import signal
import sys
import tempfile

import certificates
import chromium
import fairlead
import ports
import sipp
from shipped import Shipped

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "browser")
LIMIT = 60  # seconds for one call of sipp


class Site:
    """The server that the browser and the phone use."""

    def __init__(self, certificate=None):
        self.web_port, self.secure_port = ports.reserve(), ports.reserve()
        self.server = Shipped("examples/websocket.cfg", workers=2)
        self.domain = self.server.address
        self.browser_port = ""  # where the browser is
        self.define(PHONES=self.domain, WEB=f"127.0.0.1:{self.web_port}")
        if certificate:
            self.server.args += ["-A", "WITH_TLS"]
            self.define(SECURE_WEB=f"127.0.0.1:{self.secure_port}", KEY=f'"{certificate}"',
                        CERTIFICATE=f'"{certificate}"')

    def define(self, **names):
        for name, value in names.items():
            self.server.args += ["-A", f"{name}={value}"]

    def takes(self, origin):
        """The server, which takes browsers with a page from there only."""
        self.define(ORIGIN=f'"{origin}"')
        return self.server


class Phone(sipp.Sipp):
    """sipp as one party of one call. `messages()` is what it sent and received."""

    def __init__(self, scenario, site, transport, hangs_up, port=None, call=None):
        self.folder = tempfile.TemporaryDirectory(prefix="fairlead-sipp-")
        self.trace = os.path.join(self.folder.name, "messages")
        words = ["-m", "1", "-trace_msg", "-message_file", self.trace, "-timeout", f"{LIMIT}s",
                 "-timeout_error", "-set", "hangs_up", "yes" if hangs_up else "no"]
        words += ["-set", "domain", site.domain, "-s", call] if call else []
        super().__init__(self.folder.name, scenario, os.path.join(FOLDER, scenario + ".xml"), *words,
                         site.domain, port=port, mode={"udp": "u1", "tcp": "t1"}[transport])
        if not call:
            self.wait_bound()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.folder.cleanup()

    def said(self):
        return f"{super().said()}\n{self.messages()}"

    def messages(self):
        """(received or not, text) of each message."""
        with contextlib.suppress(FileNotFoundError), open(self.trace, newline="") as file:
            parts = re.findall(r"^\w+ message (sent|received) .*\n\n([^-][^\0]*?\r\n\r\n)", file.read(), re.M)
            return [Message(text, way == "received") for way, text in parts]
        return []


class Message:
    """A SIP message: its start line, and header fields by name."""

    def __init__(self, text, received=True):
        head = text.split("\r\n\r\n")[0]
        self.start, *lines = head.split("\r\n")
        self.received = received
        self.fields = [tuple(part.strip() for part in line.split(":", 1)) for line in lines]

    def all(self, name):
        """The values, one for each element of a list."""
        return [value.strip() for n, values in self.fields if n.lower() == name.lower()
                for value in values.split(",")]

    def get(self, name):
        return self.all(name)[0]

    def __repr__(self):
        return "\n".join([self.start, *(f"{n}: {v}" for n, v in self.fields)]) + "\n"


def named(messages, start):
    """The first that begins like this and came in."""
    found = [m for m in messages if m.received and m.start.startswith(start + " ")]
    assert found, f"no {start} came: {messages}"
    return found[0]


def register_phone(site, port, transport):
    """bob is at this port."""
    client = fairlead.Client(site.server.port)
    me = client.message(method="REGISTER", user="bob").decode()
    me = re.sub(r"sip:(\w+)@127\.0\.0\.1>", rf"sip:bob@{site.domain}>", me)
    me = me.replace("REGISTER sip:bob@127.0.0.1 ", f"REGISTER sip:{site.domain} ")
    contact = f"Contact: <sip:phone@127.0.0.1:{port};transport={transport}>\r\n"
    client.socket.send(me.replace("Max-Forwards", contact + "Max-Forwards").encode())
    assert client.answer() == 200
    client.close()


def pinned(certificate):
    """What makes chromium believe one certificate that no authority has signed: its key's hash."""
    key = certificates.run("x509", "-in", certificate, "-noout", "-pubkey")
    der = base64.b64decode("".join(key.split("\n")[1:-2]))
    digest = base64.b64encode(hashlib.sha256(der).digest()).decode()
    return f"--ignore-certificate-errors-spki-list={digest}"


class Call:
    """Both parties of the calls of one test, and what must be seen of the server by each."""

    def __init__(self, site, page, scheme, transport):
        self.site, self.page, self.transport = site, page, transport
        self.protocol = scheme.upper()
        self.web = f"127.0.0.1:{site.secure_port if scheme == 'wss' else site.web_port}"
        # As alias= in URIs numbers the protocols.
        self.number = {"ws": 5, "wss": 6}[scheme]
        # The elements of Record-Route that a party finds on its own side, and on the other.
        more = "" if transport == "udp" else ";transport=tcp"
        self.at_phone = f"<sip:{site.domain}{more};"
        self.at_browser = f"<sip:{self.web};transport=ws;"

    def seen(self, step, *start):
        """The messages that the browser got in a step which must end well, and that one of them."""
        assert step.get("status", 200) == 200, step
        messages = [Message(text) for text in step["received"]]
        return named(messages, *start)

    def check_record_route(self, message, first, second):
        routes = message.all("Record-Route")
        assert len(routes) == 2, message
        for route, begin in zip(routes, (first, second)):
            assert route.startswith(begin) and ";r2=on" in route and ";lr" in route, message

    def check_from_browser(self, message):
        """What a request of the browser looks like at the phone."""
        ours, its = message.all("Via")
        assert ours.startswith(f"SIP/2.0/{self.transport.upper()} {self.site.domain};"), message
        sent_by = rf"SIP/2\.0/{self.protocol} \w+\.invalid;"
        assert re.match(sent_by, its) and ";received=127.0.0.1" in its, message
        return re.search(r";rport=(\d+)", its)[1]

    def check_to_browser(self, message):
        """What a request of the phone looks like at the browser."""
        assert re.match(r"\w+ sip:alice@\w+\.invalid;transport=ws SIP/2.0$", message.start), message
        ours, its = message.all("Via")
        assert re.match(rf"SIP/2\.0/{self.protocol} +{re.escape(self.web)};branch=", ours), message
        assert its.startswith(f"SIP/2.0/{self.transport.upper()} 127.0.0.1:"), message

    def check_contact(self, message, port):
        """It says how the browser is reached."""
        contact = message.get("Contact")
        assert re.match(r"<sip:alice@\w+\.invalid;", contact), message
        assert f";alias=127.0.0.1~{port}~{self.number}" in contact, message

    def browser_calls(self, port, phone_hangs_up):
        with Phone("called", self.site, self.transport, phone_hangs_up, port) as phone:
            step = self.page.do("call", "bob")
            assert 180 in step["rang"], step
            self.check_record_route(self.seen(step, "SIP/2.0 200"), self.at_phone, self.at_browser)
            bye = self.hang_up(phone_hangs_up)
            phone.finish(LIMIT + 20)
            messages = phone.messages()
            invite = named(messages, "INVITE")
            named(messages, "ACK")
            self.check_record_route(invite, self.at_phone, self.at_browser)
            self.check_contact(invite, self.check_from_browser(invite))
            self.check_bye(bye, messages)

    def phone_calls(self, phone_hangs_up):
        self.page.begin("takeCall")
        with Phone("caller", self.site, self.transport, phone_hangs_up, call="alice") as phone:
            step = self.page.report("takeCall")
            invite = self.seen(step, "INVITE")
            self.check_to_browser(invite)
            self.check_record_route(invite, self.at_browser, self.at_phone)
            self.check_to_browser(self.seen(step, "ACK"))
            bye = self.hang_up(phone_hangs_up)
            phone.finish(LIMIT + 20)
            messages = phone.messages()
            named(messages, "SIP/2.0 180")
            answer = named(messages, "SIP/2.0 200")
            self.check_record_route(answer, self.at_browser, self.at_phone)
            self.check_contact(answer, self.site.browser_port)
            self.check_bye(bye, messages)

    def hang_up(self, phone_hangs_up):
        """The BYE at the browser, None when it is the phone that must get it."""
        if phone_hangs_up:
            return self.seen(self.page.do("isHungUp"), "BYE")
        self.seen(self.page.do("hangUp"), "SIP/2.0 200")
        return None

    def check_bye(self, at_browser, at_phone):
        if at_browser:
            self.check_to_browser(at_browser)
            assert at_phone[-1].received and at_phone[-1].start == "SIP/2.0 200 OK", at_phone
        else:
            self.check_from_browser(named(at_phone, "BYE"))


def calls(scheme, transport):
    made = certificates.Certificates() if scheme == "wss" else None
    certificate = made.make("localhost", names="IP:127.0.0.1") if made else None
    site = Site(certificate)
    url = f"{scheme}://127.0.0.1:{site.secure_port if made else site.web_port}/"
    page = chromium.Page(FOLDER, {"url": url, "user": "alice", "domain": site.domain},
                         [pinned(certificate)] if made else [])
    with site.takes(page.origin), page:
        assert page.do("connect")["protocol"] == "sip"
        step = page.do("register")
        assert step["status"] == 200 and ".invalid;transport=ws>" in step["contacts"][0], step
        via = Message(step["received"][0]).get("Via")
        site.browser_port = re.search(r";rport=(\d+)", via)[1]
        call = Call(site, page, scheme, transport)
        phone = ports.reserve()
        register_phone(site, phone, transport)
        for phone_hangs_up in (False, True):
            call.browser_calls(phone, phone_hangs_up)
            call.phone_calls(phone_hangs_up)
        step = page.do("unregister")
        assert step["status"] == 200 and not step["contacts"], step
        assert page.do("close")["code"] == 1000


def test_calls_over_ws_with_a_phone_on_udp():
    calls("ws", "udp")


def test_calls_over_wss_with_a_phone_on_tcp():
    calls("wss", "tcp")


def test_a_page_from_elsewhere_is_refused():
    site = Site()
    page = chromium.Page(FOLDER, {"url": f"ws://127.0.0.1:{site.web_port}/"})
    with site.takes("https://phone.example.org"), page:
        assert page.do("refused")["connected"] is False
        fairlead.wait_until(lambda: f"a page of {page.origin} at 127.0.0.1 is refused"
                            in site.server.log(), "the word of who was refused")


if __name__ == "__main__":
    if sipp.SIPP is None or chromium.PROGRAM is None:
        print("SKIPPED: sipp or chromium is not installed (apt-get install sip-tester chromium)")
        sys.exit(77)
    # Whoever ends this test ends the browser with it, which is in a session of its own.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))
    fairlead.main(dict(globals()))
