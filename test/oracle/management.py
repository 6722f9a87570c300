# SPDX-License-Identifier: Apache-2.0
"""Debian's kamcmd, and JSON-RPC, against Kamailio and this server with one configuration: the
answers must have the same shape, and errors the same words."""
import argparse
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from ports import reserve
from server import Server

CONFIG = """#!KAMAILIO
debug=2
log_stderror=yes
disable_tcp=yes
listen=udp:127.0.0.1:{port}
auto_aliases=no
alias=udp:mine.example:{port}
alias=other.example
{modules}
modparam("ctl", "binrpc", "unix:{folder}/ctl")
modparam("jsonrpcs", "fifo_name", "{folder}/rpc.fifo")
modparam("jsonrpcs", "dgram_socket", "{folder}/rpc.sock")
modparam("htable", "htable", "a=>size=4;")
modparam("htable", "htable", "b=>size=3;autoexpire=100;")
modparam("pv", "shvset", "number=i:1")
modparam("pv", "shvset", "count=i:2")
request_route {{ sl_send_reply("200", "OK"); }}
"""
MODULES = ("jsonrpcs", "kex", "corex", "tm", "tmx", "sl", "pv", "htable", "ctl", "cfg_rpc")
DEADLINE = 20

# In this order: some leave something for others.
COMMANDS = """core.uptime
core.version
core.info
core.psx
core.ps
core.psa
core.shmmem
core.shmmem k
core.arg
core.pwd
core.flags
core.modules
core.runinfo
core.sockets_list
core.aliases_list
core.tcp_info
core.tcp_list
core.tcp_options
core.echo a b
core.prints abc
core.printi 12
jsonrpc.echo a
system.listMethods
system.methodHelp tm.stats
system.methodHelp
stats.get_statistics all
stats.get_statistics sl:
stats.get_statistics
stats.fetch sl:
stats.fetchn sl:
stats.fetch nope
stats.reset_statistics sl:
shm.stats
tm.stats
tm.list
tm.clean
tm.cancel a
htable.sets a key value
htable.dump a
htable.seti a number 4
htable.sets b key value
htable.get a key
htable.get a number
htable.get a nothing
htable.get q key
htable.dump q
htable.listTables
htable.stats
htable.setex b key 4
htable.reload a
htable.delete a key
htable.delete a key
htable.flush a
pv.shvGet number
pv.shvGet
pv.shvGet nope
pv.shvSet number int 5
pv.shvSet count str x
pv.shvSet nope int 5
cfg.list
cfg.list core
cfg.get core debug
cfg.get core nope
cfg.seti core debug 1
cfg.sets core debug x
corex.list_sockets
corex.list_aliases
corex.debug
corex.debug 1
no.such""".split("\n")


# The same server by way of Debian's kamctl, which writes to the JSON-RPC FIFO.
KAMCTL = """uptime
ps
psa
stats
stats sl
srv version
srv sockets
srv aliases
srv modules
srv rpclist
srv debug
srv debug 1
rpc core.uptime
rpc core.version
rpc core.info
rpc core.psx
rpc core.echo s:a i:5
rpc core.printi i:5
rpc jsonrpc.echo s:a i:5
rpc core.shmmem
rpc core.arg
rpc core.pwd
rpc core.sockets_list
rpc system.methodHelp tm.stats
rpc tm.stats
rpc tm.list
rpc tm.clean
rpc tm.reply
rpc tm.reply 200
rpc tm.reply 200 OK
rpc tm.reply 200 OK s:1:2
rpc tm.reply_callid
rpc tm.reply_callid 200 OK
rpc tm.reply_callid 200 OK some
rpc tm.t_uac_start
rpc stats.get_statistics sl:
rpc stats.fetch sl:
rpc htable.sets a kamctl value
rpc htable.get a kamctl
rpc htable.dump a
rpc pv.shvGet number
rpc pv.shvSet number int i:7
rpc cfg.get core debug
rpc cfg.seti core debug i:1
rpc cfg.set tm fr_timer i:2000
rpc cfg.set_delayed_int tm fr_timer i:3000
rpc cfg.commit
rpc cfg.rollback
rpc no.such""".split("\n")


def shape(value):
    """What a JSON value looks like: names and types; equal neighbours once."""
    if isinstance(value, list) and value and isinstance(value[0], tuple):  # an object, with pairs
        return "{" + once(f"{name}:{shape(inner)}" for name, inner in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(sorted({shape(inner) for inner in value})) + "]"
    return "text" if isinstance(value, str) else "number"


def once(words):
    out = []
    for word in words:
        if not out or out[-1] != word:
            out.append(word)
    return ",".join(out)


def pairs(found):
    """Objects keep order and names that are there twice; an empty one differs from an empty list."""
    return found or [("", "")]


# Names that depend on what is counted, and how many there are.
COUNTED = re.compile(r"(sl\.\w+:(?:number|text),?)+")


def shape_of_text(text):
    """The same for what kamcmd prints. Errors, and what was said in words, stay as they are."""
    if text.startswith("error: "):
        return text.strip()
    root = []
    stack = [root]
    for line in text.split("\n"):
        line = line.strip()
        name, colon, value = line.partition(":")
        if line.endswith("{"):
            inner = []
            stack[-1].append((name if colon else "", inner))
            stack.append(inner)
        elif line == "}":
            stack.pop()
        elif line:
            known = colon and len(stack) > 1
            stack[-1].append((name, value.strip()) if known else ("", line))

    def show(items):
        return once(f"{name}:{'{' + show(value) + '}' if isinstance(value, list) else kind(value)}"
                    for name, value in items)

    def kind(value):
        return "number" if re.fullmatch(r"-?\d+", value) else "text"
    return "|".join(sorted(set(show([item]) for item in root)))


class Subject:
    def __init__(self, program, options, names):
        self.folder = tempfile.mkdtemp(prefix="management-")
        self.port = reserve()
        config = os.path.join(self.folder, "cfg")
        with open(config, "w", encoding="ascii") as f:
            f.write(CONFIG.format(port=self.port, folder=self.folder,
                                  modules="\n".join(f'loadmodule "{n}.so"' for n in names)))
        self.server = Server([program, *options], config, {}, None, self.port)
        self.clients = 0
        # The processes that answer start beside those that serve SIP.
        end = time.monotonic() + DEADLINE
        while not self.is_reachable():
            if time.monotonic() > end:
                raise AssertionError(f"nobody takes commands of {program}")
            time.sleep(0.01)

    def is_reachable(self):
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                client.connect(f"{self.folder}/ctl")
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
                client.connect(f"{self.folder}/rpc.sock")
            os.close(os.open(f"{self.folder}/rpc.fifo", os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return False
        return True

    def kamcmd(self, command):
        done = subprocess.run(["kamcmd", "-s", f"unix:{self.folder}/ctl", *command.split()],
                              capture_output=True, text=True, timeout=DEADLINE, check=False)
        return shape_of_text(done.stdout + done.stderr)

    def json(self, command):
        self.clients += 1
        path = os.path.join(self.folder, f"client{self.clients}")
        method, *words = command.split()
        params = [int(w) if re.fullmatch(r"\d+", w) else w for w in words]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.bind(path)
            client.settimeout(DEADLINE)
            client.connect(f"{self.folder}/rpc.sock")
            client.send(json.dumps({"jsonrpc": "2.0", "method": method, "params": params,
                                    "id": 1}).encode())
            answer = dict(json.loads(client.recv(1 << 20), object_pairs_hook=pairs))
        if "error" in answer:
            return json.dumps(dict(answer["error"]))
        return shape(answer["result"])

    def kamctl(self, command):
        done = subprocess.run(["kamctl", *command.split()], capture_output=True, text=True,
                              timeout=DEADLINE, check=False,
                              env={**os.environ, "RPCFIFOPATH": f"{self.folder}/rpc.fifo",
                                   "PID_FILE": f"{self.folder}/none"})
        text = done.stdout
        if "{" not in text:
            return f"no answer: {text}{done.stderr}"
        answer = dict(json.loads(text[text.index("{"):], object_pairs_hook=pairs))
        if "error" in answer:
            return json.dumps(dict(answer["error"]))
        return shape(answer["result"])

    def stop(self):
        self.server.stop()
        subprocess.run(["rm", "-rf", self.folder], check=False)


def without_counters(text):
    return COUNTED.sub("counters", text)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fairlead", required=True)
    parser.add_argument("--modules", required=True)
    options = parser.parse_args()
    passed = failed = 0
    reference = Subject("/usr/sbin/kamailio", [], MODULES)
    try:
        ours = Subject(options.fairlead, ["-L", options.modules], MODULES)
        try:
            for how in ("kamcmd", "json", "kamctl"):
                for command in KAMCTL if how == "kamctl" else COMMANDS:
                    wanted, got = (without_counters(getattr(s, how)(command))
                                   for s in (reference, ours))
                    if wanted == got:
                        passed += 1
                        continue
                    failed += 1
                    print(f"{how} {command}\n  kamailio: {wanted}\n  fairlead: {got}")
        finally:
            ours.stop()
    finally:
        reference.stop()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
