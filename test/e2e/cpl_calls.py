# SPDX-License-Identifier: Apache-2.0
"""Scripts of subscribers on the wire: sipp calls sipp through the server, in all three modes, once for
each kind of node and each of its outputs. What the caller gets and who was rung must be right."""
import contextlib
import os
import signal
import tempfile

import fairlead
import ports
import sipp
from mail_server import MailServer
from party import Party, kill_workers
from sipp import Sipp, written

MODES = ("is_stateless", "is_stateful", "force_stateful")

# ---- Who is called -------------------------------------------------------------------------------

REPLY = """<send><![CDATA[
SIP/2.0 {line}
[last_Via:]
[last_From:]
[last_To:];tag=[pid]-[call_number]
[last_Call-ID:]
[last_CSeq:]
{more}Content-Length: 0

]]></send>
"""
CONTACT = "Contact: <sip:callee@[local_ip]:[local_port]>\n"
CALLEES = {
    "ok": "200 OK",
    "busy": "486 Busy Here",
    "full": "600 Busy Everywhere",
    "gone": "404 Not Found",
    "error": "500 Server Error",
    "moved": "302 Moved",
    "silent": "180 Ringing",
}


def callee(name, ok_port):
    """The scenario of somebody who answers as the name says."""
    def reply(line, more=""):
        return REPLY.format(line=line, more=more)

    steps = '<recv request="INVITE"/>\n'
    if name == "ok":
        steps += reply("180 Ringing", CONTACT) + reply("200 OK", CONTACT)
        # BYE has the tag already.
        steps += '<recv request="ACK"/>\n<recv request="BYE"/>\n'
        steps += reply("200 OK").replace(";tag=[pid]-[call_number]", "")
    elif name == "silent":
        # The last answer has the Vias of INVITE, not that of CANCEL.
        steps = ('<recv request="INVITE"><action><ereg regexp="(Via:.*)From:" search_in="msg" '
                 'check_it="true" assign_to="1,2"/></action></recv>\n')
        steps += reply("180 Ringing") + '<recv request="CANCEL"/>\n' + reply("200 OK")
        last = reply("487 Request Terminated").replace("[last_Via:]\n", "")
        steps += last.replace("[last_CSeq:]", "[$2]CSeq: 1 INVITE")
        steps += '<recv request="ACK"/>\n<Reference variables="1"/>\n'
    else:
        more = f"Contact: <sip:callee@127.0.0.1:{ok_port}>\n" if name == "moved" else ""
        steps += reply(CALLEES[name], more)
        steps += '<recv request="ACK"/>\n'
    return f'<?xml version="1.0"?>\n<scenario name="{name}">\n{steps}</scenario>\n'


# ---- Who calls -----------------------------------------------------------------------------------

INVITE = """<send retrans="2000"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: {origin};tag=[pid]-[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:caller@[local_ip]:[local_port]>
Max-Forwards: 70
X-Mode: [field0]
X-Way: {way}
{headers}Content-Length: 0

]]></send>
<recv response="100" optional="true"/>
<recv response="180" optional="true"/>
<recv response="{status}"{record}>{checks}</recv>
"""
LATER = """<send{again}><![CDATA[
{method} {uri} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch}
From: {origin};tag=[pid]-[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: {number} {method}
Max-Forwards: 70
Content-Length: 0

]]></send>
"""


class Case:
    """A script, a call, what the caller must get, and who is rung ("ok busy": both, once each)."""

    def __init__(self, name, script, expected, rings="", contains=(), way="incoming",
                 origin="<sip:bob@example.test>", headers=""):
        self.name, self.script, self.rings, self.way = name, script, rings.split(), way
        self.status, self.reason = expected[:3], expected[4:]
        self.contains, self.origin, self.headers = contains, origin, headers

    def scenario(self, callees):
        # A reason and parts of headers, each as a regular expression on the whole reply.
        wanted = [*([f"SIP/2.0 {self.status} {self.reason}"] if self.reason else []),
                  *map(callees.filled, self.contains)]
        checks = ""
        for n, text in enumerate(wanted):
            checks += (f'<ereg regexp="{text}" search_in="msg" check_it="true" assign_to="{n + 1}"/>'
                       f'<log message="[${n + 1}]"/>')
        text = INVITE.format(origin=self.origin, way=self.way, headers=self.headers,
                             status=self.status,
                             record=' rrs="true"' if self.status == "200" else "", checks=checks and f"<action>{checks}</action>")
        if self.status == "200":
            for number, method in ((1, "ACK"), (2, "BYE")):
                text += LATER.format(method=method, number=number, uri="[next_url]",
                                     branch="[branch]", origin=self.origin,
                                     again=' retrans="2000"' if method == "BYE" else "")
            text += '<recv response="200"/>\n'
        else:
            text += LATER.format(method="ACK", number=1, branch="[branch-4]", origin=self.origin,
                                 uri="sip:[service]@[remote_ip]:[remote_port]", again="")
        return f'<?xml version="1.0"?>\n<scenario name="{self.name}">\n{text}</scenario>\n'


def incoming(text):
    return f"<cpl><incoming>{text}</incoming></cpl>"


def at(where, inner="", more=""):
    """A location: "busy" stands for that callee's address."""
    return f'<location url="sip:callee@{{{where}}}"{more}>{inner}</location>'


def switch(kind, condition, fields=""):
    """486 when the condition holds, 481 when what it is about is absent, else 603."""
    return incoming(f'<{kind}-switch {fields}><{kind} {condition}><reject status="busy"/></{kind}>'
                    '<not-present><reject status="481"/></not-present>'
                    f'<otherwise><reject status="reject"/></otherwise></{kind}-switch>')


BUSY, NO = "486 Busy Here", "603 Decline"


def address(fields, match):
    return switch("address", match, fields)


def string(field, match):
    return switch("string", match, f'field="{field}"')


CASES = [
    Case("no-incoming", "<cpl><outgoing/></cpl>", "404 Passed"),
    Case("empty", "<cpl/>", "404 Passed"),
    # reject and redirect
    Case("reject-busy", incoming('<reject status="busy"/>'), BUSY),
    Case("reject-notfound", incoming('<reject status="notfound"/>'), "404 Not Found"),
    Case("reject-reject", incoming('<reject status="reject"/>'), NO),
    Case("reject-error", incoming('<reject status="error"/>'), "500 Internal Server Error"),
    Case("reject-number", incoming('<reject status="493" reason="not now"/>'), "493 not now"),
    Case("redirect", incoming(at("ok", "<redirect/>")), "302 Moved Temporarily",
         contains=("Contact: .sip:callee@127.0.0.1:[0-9]+.;q=1",)),
    Case("redirect-permanent",
         incoming(at("ok", at("busy", '<redirect permanent="yes"/>', ' priority="0.5"'))),
         "301 Moved Permanently", contains=("q=1.0, .sip:callee.*q=0.5",)),
    # locations
    Case("location-clear", incoming(at("busy", at("gone", "<redirect/>", ' clear="yes"'))),
         "302", contains=("Contact: .sip:callee@{gone}.;q=1",)),
    Case("remove-location",
         incoming(at("busy", at("ok", '<remove-location location="sip:callee@{busy}"><proxy/>'
                                '</remove-location>'))), "200", "ok"),
    Case("remove-all", incoming(at("busy", "<remove-location/>")), "404"),
    Case("location-only", incoming(at("ok")), "200", "ok"),
    # lookup
    Case("lookup-success", incoming(
        '<lookup source="registration"><success><proxy/></success><notfound><reject status="480"/>'
        '</notfound></lookup>'), "200", "ok"),
    Case("lookup-default", incoming('<lookup source="registration"/>'), "200", "ok"),
    Case("lookup-notfound", incoming(
        '<lookup source="registration"><success><proxy/></success><notfound><reject status="480"/>'
        '</notfound></lookup>'), "480"),
    Case("lookup-clear", incoming(at("busy", '<lookup source="registration" clear="yes"><success>'
                                     '<proxy/></success></lookup>')), "200", "ok"),
    # proxy: orderings
    Case("parallel", incoming(at("silent", at("ok", "<proxy/>"))), "200", "silent ok"),
    Case("parallel-best", incoming(at("gone", at("error", '<proxy ordering="parallel"/>'))), "404",
         "gone error"),
    Case("sequential", incoming(at("busy", at("gone", at(
        "ok", '<proxy ordering="sequential"/>', ' priority="0.1"'), ' priority="0.5"'))),
         "200", "busy gone ok"),
    Case("sequential-order", incoming(at("ok", at(
        "busy", '<proxy ordering="sequential"/>', ' priority="0.1"'), ' priority="0.2"')),
         "200", "ok"),
    Case("sequential-timeout", incoming(at("silent", at(
        "ok", '<proxy ordering="sequential" timeout="1"/>', ' priority="0.1"'))), "200", "silent ok"),
    Case("first-only", incoming(at("busy", at("ok", '<proxy ordering="first-only"><busy><redirect/>'
                                              '</busy></proxy>', ' priority="0.5"'))),
         "302", "busy", contains=("q=0.5",)),
    # proxy: outputs
    Case("output-busy", incoming(at("busy", '<proxy><busy><reject status="480"/></busy></proxy>')),
         "480", "busy"),
    Case("output-busy-600", incoming(at(
        "full", '<proxy><busy><reject status="480"/></busy></proxy>')), "480", "full"),
    Case("output-noanswer", incoming(at(
        "silent", f'<proxy timeout="1"><noanswer>{at("ok", "<proxy/>")}</noanswer></proxy>')),
         "200", "silent ok"),
    Case("output-failure", incoming(at(
        "error", '<proxy><failure><reject status="480"/></failure></proxy>')), "480", "error"),
    Case("output-redirection", incoming(at(
        "moved", '<proxy recurse="no"><redirection><redirect/></redirection></proxy>')),
         "302 Moved Temporarily", "moved", contains=("Contact: .sip:callee@",)),
    Case("output-default", incoming(at(
        "gone", '<proxy><busy><reject status="481"/></busy><default><reject status="480"/></default>'
        '</proxy>')), "480", "gone"),
    Case("output-empty", incoming(at(
        "busy", '<proxy><busy/><default><reject status="480"/></default></proxy>')), "486", "busy"),
    Case("output-none", incoming(at("gone", "<proxy/>")), "404", "gone"),
    Case("recurse", incoming(at("moved", "<proxy/>")), "200", "moved ok"),
    Case("twice", incoming(at("busy", f'<proxy><busy>{at("gone", "<proxy><failure>" + at("ok", "<proxy/>") + "</failure></proxy>")}'
                              '</busy></proxy>')), "200", "busy gone ok"),
    # switches
    Case("address-user", address('field="origin" subfield="user"', 'is="bob"'), BUSY),
    Case("address-user-not", address('field="origin" subfield="user"', 'is="Bob"'), NO),
    Case("address-uri", address('field="origin"', 'is="sip:bob@EXAMPLE.test"'), BUSY),
    Case("address-host", address('field="origin" subfield="host"', 'subdomain-of="test"'), BUSY),
    Case("address-display", address('field="origin" subfield="display"', 'contains="THE B"'), BUSY,
         origin='"Bob the Builder" <sip:bob@example.test>'),
    Case("address-tel", address('field="origin" subfield="tel"', 'subdomain-of="4930"'), BUSY,
         origin="<sip:+49-30-1234@example.test;user=phone>"),
    Case("address-destination", address('field="destination" subfield="user"',
                                        'is="address-destination"'), BUSY),
    Case("address-original", address('field="original-destination" subfield="host"',
                                     'is="127.0.0.1"'), BUSY),
    Case("address-port", address('field="origin" subfield="port"', 'is="5070"'), BUSY,
         origin="<sip:bob@example.test:5070>"),
    Case("string-subject", string("subject", 'contains="urgent"'), BUSY,
         headers="Subject: Very URGENT call\n"),
    Case("string-agent", string("user-agent", 'is="sipp"'), BUSY, headers="User-Agent: SIPp\n"),
    Case("string-organization", string("organization", 'is="x"'), NO, headers="Organization: y\n"),
    Case("string-absent", string("subject", 'is="x"'), "481"),
    Case("language", switch("language", 'matches="de-AT"'), BUSY,
         headers="Accept-Language: fr;q=0.2, de\n"),
    Case("language-not", switch("language", 'matches="de"'), NO,
         headers="Accept-Language: de;q=0, fr\n"),
    Case("language-absent", switch("language", 'matches="de"'), "481"),
    Case("time-now", switch("time", 'dtstart="20000101T000000" duration="P1D" freq="daily"',
                            'tzid="Europe/Vienna"'), BUSY),
    Case("time-not-now", switch("time", 'dtstart="20000101T000000" duration="PT1H"',
                                'tzid="America/New_York"'), NO),
    Case("priority", switch("priority", 'greater="normal"'), BUSY,
         headers="Priority: emergency\n"),
    Case("priority-less", switch("priority", 'less="normal"'), BUSY,
         headers="Priority: non-urgent\n"),
    Case("priority-equal", switch("priority", 'equal="Other"'), BUSY,
         headers="Priority: other\n"),
    Case("priority-absent", switch("priority", 'equal="normal"'), BUSY),
    # notes, subactions, the other direction
    Case("log", incoming('<log name="calls" comment="Hello"><reject status="busy"/></log>'), BUSY),
    Case("mail", incoming('<mail url="mailto:anna@example.test?subject=A%20call"><reject '
                          'status="busy"/></mail>'), BUSY),
    Case("sub", '<cpl><subaction id="a"><reject status="480"/></subaction><subaction id="b">'
         '<sub ref="a"/></subaction><incoming><sub ref="b"/></incoming></cpl>', "480"),
    Case("outgoing", '<cpl><outgoing><address-switch field="destination" subfield="user"><address '
         'is="outgoing"><reject status="493" reason="not you"/></address></address-switch></outgoing>'
         '</cpl>', "493 not you", way="outgoing", origin="<sip:outgoing@example.test>"),
]

# ---- The run -------------------------------------------------------------------------------------

EXTRA = """
loadmodule "tm.so"
loadmodule "pv.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "cpl.so"
modparam("cpl", "lookup_domain", "location")
modparam("cpl", "load_dir", "{folder}/scripts")
modparam("cpl", "log_dir", "{folder}/logs")
modparam("cpl", "mail_server", "smtp://127.0.0.1:{mail}")
"""
ROUTE = """
    if ($rm == "REGISTER") { save("location"); exit; }
    if ($rm == "CANCEL") { t_relay(); exit; }
    if ($rm == "ACK" && uri == myself) { t_check_trans(); exit; }
    if ($rm != "INVITE") { t_relay(); exit; }
    if ($hdr(X-Mode) == "is_stateful" && !t_newtran()) exit;
    if (cpl_run_script($hdr(X-Way), $hdr(X-Mode))) {
        if ($hdr(X-Mode) == "is_stateful") t_reply("404", "Passed");
        else sl_send_reply("404", "Passed");
        exit;
    }
    sl_send_reply("599", "Error");
"""


class Callees:
    """One sipp for each way to answer."""

    def __init__(self, folder):
        self.all = {}
        ok_port = ports.reserve()
        for name in CALLEES:
            port = ok_port if name == "ok" else ports.reserve()
            self.all[name] = Sipp(folder, name, written(folder, name, callee(name, ok_port)), port=port)
        for one in self.all.values():
            one.wait_bound()

    def filled(self, script):
        for name, one in self.all.items():
            script = script.replace(f"{{{name}}}", f"127.0.0.1:{one.port}")
        return script

    def check(self, cases):
        """Each was rung as often as the cases say, and none of its calls failed."""
        for name, one in self.all.items():
            one.process.send_signal(signal.SIGUSR1)  # ends when its calls have
            one.process.wait(fairlead.DEADLINE)
            totals = one.totals()
            rung = sum(case.rings.count(name) for case in cases) * len(MODES)
            assert int(totals["IncomingCall(C)"]) == rung, (name, totals["IncomingCall(C)"], rung)
            assert int(totals["FailedCall(C)"]) == 0, f"{name}\n{one.said()}"

    def kill(self):
        for one in self.all.values():
            one.kill()


def caller_of(folder, server, callees, case, count=len(MODES)):
    """A sipp that makes the calls, in each mode in turn."""
    modes = os.path.join(folder, "modes.csv")
    if not os.path.exists(modes):
        with open(modes, "w", encoding="ascii") as file:
            file.write("SEQUENTIAL\n" + "".join(mode + ";\n" for mode in MODES))
    scenario = written(folder, case.name, case.scenario(callees))
    return Sipp(folder, case.name, scenario, "-m", str(count), "-r", "100", "-inf", modes, "-s", case.name,
                "-timeout", "60s", "-timeout_error", f"127.0.0.1:{server.port}")


def finish_calls(caller, count=len(MODES)):
    try:
        caller.finish(90)
        assert caller.good_and_failed() == (count, 0), caller.totals()
    finally:
        caller.kill()


def register(server, user, port):
    client = fairlead.Client(server.port)
    text = client.message(method="REGISTER", user=user).decode()
    contact = f"Contact: <sip:callee@127.0.0.1:{port}>\r\nContent-Length"
    client.socket.send(text.replace("Content-Length", contact).encode())
    assert client.answer() == 200
    client.close()


@contextlib.contextmanager
def called():
    """A folder with scripts and logs, and those who are called."""
    with tempfile.TemporaryDirectory(prefix="fairlead-cpl-") as folder:
        os.chmod(folder, 0o755)
        for name in ("scripts", "logs"):
            os.mkdir(os.path.join(folder, name))
        callees = Callees(folder)
        try:
            yield folder, callees
        finally:
            callees.kill()


def server_with(folder, callees, cases, mail_port):
    for case in cases:
        path = os.path.join(folder, "scripts", case.name + ".xml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(callees.filled(case.script))
    extra = EXTRA.replace("{folder}", folder).replace("{mail}", str(mail_port))
    return fairlead.Server(children=3, extra=extra, route=ROUTE)


def test_each_node_in_each_mode():
    mail = MailServer()
    mail.start()
    with called() as (folder, callees):
        with server_with(folder, callees, CASES, mail.port) as server:
            for user in ("lookup-success", "lookup-default", "lookup-clear"):
                register(server, user, callees.all["ok"].port)
            for case in CASES:
                finish_calls(caller_of(folder, server, callees, case))
            # A call that is sent again without state runs its script again.
            fairlead.wait_until(lambda: server.report()["cpl:mailed"] >= len(MODES), "mails")
            fairlead.wait_until(lambda: server.report()["cpl:logged"] >= len(MODES), "logs")
            found = server.report()
            assert found["cpl:runs"] >= len(CASES) * len(MODES), found
            assert found["cpl:failed"] == 0, found
        callees.check(CASES)
        with open(os.path.join(folder, "logs", "log.log"), encoding="utf-8") as file:
            assert file.read().count(" calls: Hello\n") >= len(MODES)
    mail.stop()
    assert len(mail.letters) >= len(MODES)
    assert all("Subject: A call\r\n" in letter for letter in mail.letters), mail.letters


def test_calls_go_on_when_the_workers_die_while_they_ring():
    """The first callee rings until all workers are dead and others there, and is busy then."""
    count = 10 * len(MODES)
    with called() as (folder, callees):
        case = Case("paused", incoming('<location url="sip:callee@{desk}"><proxy timeout="60"><busy>'
                                       + at("ok", "<proxy/>") + '</busy></proxy></location>'), "200")
        server = server_with(folder, callees, [], 9)
        desk = Party(server.port)
        with open(os.path.join(folder, "scripts", "paused.xml"), "w", encoding="utf-8") as file:
            file.write(callees.filled(case.script).replace("{desk}", f"127.0.0.1:{desk.port}"))
        with server:
            caller = caller_of(folder, server, callees, case, count)
            rings = desk.take(count, "INVITE ")
            for request in rings.values():
                desk.reply(request, "180 Ringing")
            # Whoever dies in the middle of the allocator ends the server (docs/processes.md).
            fairlead.wait_until(lambda: server.report()["tm:relayed_replies"] >= count,
                                "all to ring")
            kill_workers(server)
            for request in rings.values():
                desk.reply(request, "486 Busy Here")
            finish_calls(caller, count)
            assert server.report()["cpl:resumed"] == count
        desk.close()
        one = callees.all["ok"]
        one.process.send_signal(signal.SIGUSR1)
        one.process.wait(fairlead.DEADLINE)
        assert int(one.totals()["SuccessfulCall(C)"]) == count, one.said()


if __name__ == "__main__":
    sipp.main(dict(globals()))
