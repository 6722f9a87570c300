# SPDX-License-Identifier: Apache-2.0
"""A server with all that operators talk to, and a phone that it sends requests to."""
import collections
import json
import os
import re
import socket
import subprocess

import fairlead
from fairlead import Server, wait_until

EXTRA = """loadmodule "pv.so"
loadmodule "tm.so"
loadmodule "mi_fifo.so"
loadmodule "jsonrpcs.so"
loadmodule "ctl.so"
modparam("mi_fifo", "reply_dir", "{path}")
modparam("mi_fifo", "outbound_proxy", "sip:127.0.0.1:{sip}")
modparam("jsonrpcs", "fifo_reply_dir", "{path}")
modparam("tm", "fr_timer", 500)
{more}
"""


class Phone:
    """Takes requests of the server's own."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(fairlead.DEADLINE)
        self.port = self.socket.getsockname()[1]

    def receive(self):
        self.request, self.peer = self.socket.recvfrom(65536)
        return self.request

    def reply(self, code, reason, *extra):
        wanted = ("via:", "from:", "call-id:", "cseq:")
        lines = self.request.decode().split("\r\n\r\n")[0].split("\r\n")[1:]
        head = [line for line in lines if line.lower().startswith(wanted)]
        to = [line + ";tag=phone" for line in lines if line.lower().startswith("to:")]
        text = "\r\n".join([f"SIP/2.0 {code} {reason}", *head, *to, *extra, "Content-Length: 0"])
        self.socket.sendto((text + "\r\n\r\n").encode(), self.peer)


class Managed(Server):
    def __init__(self, *args, more="", proxy=None, **kwargs):
        """What the server sends of its own goes to the port `proxy`, else to `phone`."""
        self.phone = Phone()
        super().__init__(*args, **kwargs)
        with open(self.config) as f:
            text = f.read()
        extra = EXTRA.format(path=self.path, sip=proxy or self.phone.port, more=more)
        with open(self.config, "w") as f:
            f.write(text.replace("request_route", extra + "request_route", 1))
        self.fifo = os.path.join(self.run_dir, "fairlead_fifo")
        self.ctl = os.path.join(self.run_dir, "fairlead_ctl")

    def write(self, text, fifo=None):
        """As one write, like a shell's."""
        fd = os.open(fifo or self.fifo, os.O_WRONLY)
        try:
            data = text.encode() if isinstance(text, str) else text
            assert os.write(fd, data) == len(data)
        finally:
            os.close(fd)

    def reply(self, name, whole=lambda text: text):
        """What is in a reply file once `whole` says that it is all there."""
        path = os.path.join(self.path, name)

        def seen():
            try:
                with open(path, newline="") as f:
                    text = f.read()
            except FileNotFoundError:
                return None
            return text if whole(text) else None
        return wait_until(seen, f"an answer in {name}")

    def ask(self, text, name, ends="\n"):
        self.write(text)
        return self.reply(name, lambda got: got.endswith(ends))

    def command(self, method, *params):
        """By JSON-RPC over a datagram: the whole answer."""
        client = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        client.bind("")  # a name outside the file system
        client.settimeout(fairlead.DEADLINE)
        client.connect(os.path.join(self.run_dir, "fairlead_rpc.sock"))
        request = {"jsonrpc": "2.0", "method": method, "params": list(params), "id": 7}
        client.send(json.dumps(request).encode())
        text = b""
        while True:
            text += client.recv(1 << 20)
            try:
                answer = json.loads(text)
            except ValueError:
                continue
            client.close()
            assert answer["id"] == 7 and answer["jsonrpc"] == "2.0", answer
            return answer

    def statistic(self, name):
        return int(self.command("stats.fetch", name)["result"][name])

    def descriptors(self):
        """What each process has open, by kind."""
        return collections.Counter((pid, opened(f"/proc/{pid}/fd/{fd}")) for pid in self.family()
                                   for fd in os.listdir(f"/proc/{pid}/fd"))

    def wait_for_no_more_than(self, before):
        """What was open before may have been closed since: a connection that was just over."""
        wait_until(lambda: not self.descriptors() - before, f"no other descriptors than {before}")

    def files(self):
        return sorted(os.listdir(self.path)), sorted(os.listdir(self.run_dir))

    def is_idle(self):
        """There is no transaction."""
        stats = self.command("tm.stats")["result"]
        return stats["current"] == 0 and stats["waiting"] == 0


def opened(link):
    try:
        return re.sub(r"\[\d+\]", "", os.readlink(link))
    except FileNotFoundError:
        return "closed just now"


def kamcmd(server, *words):
    return subprocess.run(["kamcmd", "-s", "unix:" + server.ctl, *words], capture_output=True,
                          text=True, timeout=fairlead.DEADLINE).stdout
