#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Evaluates the same expressions, variables, transformations and functions on the same messages in
Kamailio and in Fairlead, and compares what both log.

The cases are in cases/*.txt; differences are listed in expression_differences.txt, each with its
reason. One that is not listed, and a listed one that no longer occurs, fail the test.

    expressions.py --fairlead build/core/fairlead --modules build/modules [pattern …]
    expressions.py --show [pattern …]      prints both values of the cases whose text matches
"""
import fnmatch
import os
import re
import socket
import tempfile
import time

import options
from server import Server, reserve

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 10.0  # seconds until an answer that does not come is given up
# Not the source lines of warnings, where a quote stands before it.
LOGGED = re.compile(r"(?<!\")CASE (\d+) <<(.*?)>>END", re.DOTALL)


class Case:
    def __init__(self, file, line, section, text):
        self.place, self.section = f"{os.path.basename(file)}:{line}", section
        self.statements, _, self.format = text.rpartition(" ;; ")
        self.text = text


class Cases:
    """Sections `[name message]`, then one case per line: `statements ;; format`, or the format
    alone. The message is a file in messages/; each section gets a message of its own."""

    def __init__(self, folder):
        self.sections, self.all = {}, []
        for name in sorted(os.listdir(folder)):
            section = None
            path = os.path.join(folder, name)
            with open(path, encoding="utf-8") as lines:
                for number, line in enumerate(lines, 1):
                    line = line.rstrip("\n")
                    if not line.strip() or line.startswith("#"):
                        continue
                    if line.startswith("["):
                        section, message = line.strip("[]").split()
                        if section in self.sections:
                            raise ValueError(f"{path}:{number}: section {section} twice")
                        self.sections[section] = message
                    else:
                        self.all.append(Case(path, number, section, line))

    def configuration(self):
        """One route per section, chosen by the Call-ID, which is the section's name."""
        with open(os.path.join(HERE, "expressions.cfg"), encoding="utf-8") as base:
            out = [base.read()]
        for route, kind in (("request_route", "request"), ("reply_route", "reply")):
            out.append(route + " {")
            for section, message in self.sections.items():
                if message.startswith("reply") == (kind == "reply"):
                    out.append(f'    if ($ci == "{section}") route(WITH_{section});')
            out.append("    sl_send_reply(200, \"OK\");" if kind == "request" else "    drop;")
            out.append("}")
        for section in self.sections:
            out.append(f"route[WITH_{section}] {{")
            for number, case in enumerate(self.all):
                if case.section == section:
                    out.append(f"    {case.statements} xlog(\"L_INFO\", "
                               f"\"CASE {number} <<{case.format}>>END\\n\");")
            out.append("}")
        return "\n".join(out) + "\n"


class Client:
    def __init__(self, server):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(LIMIT)
        self.server = server
        self.port = self.socket.getsockname()[1]

    def message(self, file, call):
        with open(os.path.join(HERE, "messages", file), encoding="utf-8") as lines:
            text = lines.read()
        head, _, body = text.partition("\n\n")
        text = head.replace("\n", "\r\n") + "\r\n\r\n" + body.replace("\n", "\r\n")
        body = text.partition("\r\n\r\n")[2]
        for name, value in (("CLIENT", self.port), ("SERVER", self.server[1]), ("CALL", call),
                            ("LENGTH", len(body))):
            text = text.replace("{" + name + "}", str(value))
        return text.encode()

    def send(self, file, call):
        """Sends a message and waits until the server has dealt with it."""
        self.socket.sendto(self.message(file, call), self.server)
        if file.startswith("reply"):  # nobody answers a reply, but what comes behind it
            self.socket.sendto(self.message("request.sip", f"behind-{call}"), self.server)
        while True:
            answer = self.socket.recv(65535).decode("utf-8", "replace")
            if f"{call}\r\n" in answer and answer.startswith("SIP/2.0 200"):
                return


def run(command, defines, cases, config):
    """What one server logged: {number: value}."""
    port = reserve()
    client = Client(("127.0.0.1", port))
    server = Server(command, config, defines, f"udp:127.0.0.1:{port}", port)
    try:
        for section, message in cases.sections.items():
            try:
                client.send(message, section)
            except TimeoutError:
                print(f"{command[0]}: no answer in section {section}")
        until = time.monotonic() + LIMIT
        last = len(cases.all)
        while f"CASE {last - 1} <<" not in server.log() and time.monotonic() < until:
            time.sleep(0.02)  # the log is a file that others write
        log = server.log()
    finally:
        server.stop()
        client.socket.close()

    def neutral(value):
        return re.sub(rf"\b{client.port}\b", "CLIENT",
                      re.sub(rf"\b{port}\b", "SERVER", value))

    values = {}
    for number, value in LOGGED.findall(log):
        values.setdefault(int(number), []).append(neutral(value))
    return {n: " | ".join(v) for n, v in values.items()}, log


def shown(value):
    if value is None:
        return "(not logged)"
    return value.replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n")


class Listed:
    """Blocks: the case's text, `- ` what Kamailio gives, `+ ` what Fairlead gives, the reason."""

    def __init__(self, path):
        self.entries, entry = {}, None
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                line = line.rstrip("\n")
                if not line or line.startswith("#"):
                    continue
                if line.startswith("= "):
                    entry = {"at": number, "-": None, "+": None, "reason": "", "seen": False}
                    self.entries.setdefault(line[2:], []).append(entry)
                elif line[:1] in "-+" and not entry["reason"]:
                    entry[line[0]] = line[2:]
                else:
                    entry["reason"] += line.removeprefix("reason:").strip() + " "
        for text, entry in self.all():
            if None in (entry["-"], entry["+"]) or not entry["reason"]:
                raise ValueError(f"{path}:{entry['at']}: incomplete: {text}")

    def all(self):
        return [(text, entry) for text, entries in self.entries.items() for entry in entries]

    def explains(self, text, kamailio, fairlead):
        for entry in self.entries.get(text, []):
            if (kamailio.rstrip(" "), fairlead.rstrip(" ")) == (entry["-"], entry["+"]):
                entry["seen"] = True
                return True
        return False


def arguments():
    parser = options.parser(__doc__)
    parser.add_argument("--show", action="store_true")
    parser.add_argument("pattern", nargs="*")
    return parser.parse_args()


def main(given):
    command = options.commands(given)
    cases = Cases(os.path.join(HERE, "cases"))
    with tempfile.TemporaryDirectory(prefix="oracle-") as folder:
        config = os.path.join(folder, "expressions.cfg")
        with open(config, "w", encoding="utf-8") as out:
            out.write(cases.configuration())
        reference, _ = run(command["kamailio"], {"KAMAILIO": "1"}, cases, config)
        ours, log = run(command["fairlead"], {"FAIRLEAD": "1"}, cases, config)
    listed = Listed(os.path.join(HERE, "expression_differences.txt"))
    failures = 0
    for number, case in enumerate(cases.all):
        left, right = shown(reference.get(number)), shown(ours.get(number))
        if given.show and (not given.pattern or any(
                fnmatch.fnmatch(case.text, f"*{p}*") for p in given.pattern)):
            print(f"{'  ' if left == right else '!!'} {case.text}\n     - {left}\n     + {right}")
        if number in reference and left == right:
            continue
        if listed.explains(case.text, left, right):
            continue
        failures += 1
        if not given.show:
            print(f"{case.place}: = {case.text}\n- {left}\n+ {right}")
    for text, entry in listed.all():
        if not entry["seen"]:
            failures += 1
            print(f"expression_differences.txt:{entry['at']}: no longer occurs: {text}")
    if not ours:
        print(log)
    differences = sum(entry["seen"] for _, entry in listed.all())
    print(f"{len(cases.all)} cases, {differences} listed differences, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    options.run(main, arguments())
