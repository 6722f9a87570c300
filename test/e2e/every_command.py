# SPDX-License-Identifier: Apache-2.0
"""Every command over every interface, without arguments, with some and with hostile ones: each is
answered, and nothing stays behind: no descriptor, no file, no transaction, no shared memory."""
import json
import os
import re
import select
import socket

import fairlead
from fairlead import wait_until
from managed import Managed

MODULES = ("kex", "corex", "tmx", "htable", "counters", "statistics", "cfg_rpc", "rr", "xlog",
           "textops", "usrloc", "cpl")
# These end the server.
DEADLY = {"core.kill", "kill"}
# Each of these waits for lines that do not come.
CLASSIC = ("t_uac_from", "t_uac_dlg", "t_uac_cancel", "t_reply", "t_reply_callid")
HOSTILE = ("", "\x01\x7f", "\xff\xfe", "%s%n" * 50, "x" * 3000, "../../etc/passwd", "-1",
           "99999999999999999999", "sip:", ";=\"<>")


class All(Managed):
    def __init__(self):
        loads = "".join(f'loadmodule "{name}.so"\n' for name in MODULES)
        super().__init__(more=loads + 'modparam("htable", "htable", "a=>size=4;")\n'
                         'modparam("pv", "shvset", "number=i:1")\n'
                         'modparam("mi_fifo", "request_timeout", 100)\n'
                         'modparam("tm", "wt_timer", 100)\n')
        self.serial = 0

    def command(self, method, *params):
        return self.by_json(method, params)

    def by_fifo(self, name, lines):
        """All of the answer: its reader is a FIFO, which ends where the answer does."""
        self.serial += 1
        path = os.path.join(self.path, f"fifo{self.serial}")
        os.mkfifo(path)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            text = "".join(line + "\n" for line in (f":{name}:fifo{self.serial}", *lines, ""))
            self.write(text.encode("latin-1"))
            return to_end(reader, (name, lines))
        finally:
            os.close(reader)
            os.unlink(path)

    def by_json(self, name, words):
        self.serial += 1
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.bind(f"\0fairlead-{os.getpid()}-{self.serial}")
            client.settimeout(fairlead.DEADLINE)
            client.connect(os.path.join(self.run_dir, "fairlead_rpc.sock"))
            client.send(json.dumps({"jsonrpc": "2.0", "method": name, "params": list(words),
                                    "id": 1}, ensure_ascii=False).encode("latin-1", "replace"))
            text = b""
            while True:
                text += client.recv(1 << 20)
                try:
                    return json.loads(text)
                except ValueError:
                    continue

    def by_ctl(self, name, words):
        """The whole answer of the binary protocol."""
        body = b"".join(item(word) for word in (name, *words))
        size = len(body).to_bytes(2, "big")
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(fairlead.DEADLINE)
            client.connect(self.ctl)
            client.sendall(bytes((0xa1, 0x04)) + size + b"\x07" + body)
            with client.makefile("rb") as answer:
                magic, sizes = answer.read(2)
                length = int.from_bytes(answer.read((sizes >> 2 & 3) + 1), "big")
                assert magic == 0xa1 and answer.read((sizes & 3) + 1)[-1] == 7, (name, words)
                whole = answer.read(length)
                assert len(whole) == length, (name, words, len(whole), length)
                return whole


def item(word):
    """A value of the binary protocol: a text with a size of two bytes."""
    raw = word.encode("latin-1") + b"\0"
    return bytes((0x21 | 0x80,)) + len(raw).to_bytes(2, "big") + raw if len(raw) > 7 else \
        bytes((len(raw) << 4 | 1,)) + raw


def to_end(fd, what):
    parts = []
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    wait_until(lambda: poll.poll(0), f"an answer to {what}")
    os.set_blocking(fd, True)
    while part := os.read(fd, 1 << 20):
        parts.append(part)
    return b"".join(parts)


def arguments(signature):
    """What fits the types a command asks for, so that it comes as far as it can."""
    types = re.findall(r"(int|string|any|text)\b", signature.partition("(")[2])
    return ["5" if kind == "int" else "a" for kind in types]


def ask_everything(server, names):
    """Each command with each list of arguments; gives how many answers there were."""
    count = 0
    for name in names:
        given = arguments(server.by_json("system.methodSignature", [name])["result"])
        most = max(len(given), 1)
        for words in ([], given, given + ["a"] * 3, *([value] * most for value in HOSTILE)):
            text = server.by_fifo(name, words)
            assert re.match(rb"[1-6]\d\d ", text), (name, words, text[:200])
            answer = server.by_json(name, words)
            assert ("result" in answer) != ("error" in answer), (name, words, answer)
            server.by_ctl(name, words)
            count += 3
    for name in (*CLASSIC, "which", "ps", "print", "version", "uptime", "pwd", "arg", "meminfo",
                 "get_statistics", "reset_statistics", "debug", "t_hash", "no_such"):
        for words in ([], ["a"]):
            text = server.by_fifo(name, words)
            assert re.match(rb"[1-6]\d\d ", text), (name, words, text[:200])
            count += 1
    return count


def launch(server):
    """Requests that are answered, refused, and left without an answer."""
    uri = f"sip:b@127.0.0.1:{server.phone.port}"
    server.write(f":t_uac_from:answered\nMESSAGE\n\n{uri}\n\nhello\n.\n\n")
    server.phone.receive()
    server.phone.reply(200, "OK")
    assert server.reply("answered") == "200 OK"
    server.write(f":t_uac_from:silent\nOPTIONS\n\n{uri}\n\n.\n\n")
    server.phone.receive()
    assert server.reply("silent") == "408 Request Timeout"
    server.write(f":t_uac_dlg:dialog\nINVITE\n{uri}\n.\nFrom: <sip:a@x>;tag=me\n"
                 f"To: <{uri}>\nContact: <sip:a@x>\n\n.\n\n")
    server.phone.receive()
    server.phone.reply(486, "Busy Here")
    server.reply("dialog", lambda got: got.endswith("\r\n\r\n\n"))
    wait_until(lambda: server.phone.receive().startswith(b"ACK "), "the ACK")
    for name in ("answered", "silent", "dialog"):
        os.unlink(os.path.join(server.path, name))


def test_every_command_is_answered_and_nothing_stays_behind():
    with All() as server:
        names = [name for name in server.command("system.listMethods")["result"]
                 if name not in DEADLY]
        assert len(names) >= 80, names

        def everything():
            count = ask_everything(server, names)
            launch(server)
            wait_until(server.is_idle, "the end of all transactions")
            return count
        everything()  # what is made once, when it is needed first
        before, files = server.descriptors(), server.files()
        bytes_used = server.statistic("shmem.used_size")
        assert everything() > 3000
        server.wait_for_no_more_than(before)
        assert server.files() == files
        wait_until(lambda: server.statistic("shmem.used_size") == bytes_used, f"{bytes_used} bytes")
        assert server.statistic("mi_fifo.dropped_answers") == 0
        assert server.statistic("jsonrpcs.dropped_answers") == 0


fairlead.main(dict(globals()))
