# SPDX-License-Identifier: Apache-2.0
"""A small DNS server on loopback, for tests that run the whole server: addresses and services, and
names about which it says nothing until it is told to."""
import socket
import struct
import threading

A, SRV = 1, 33
NO_SUCH_NAME = 3


def packed(name):
    labels = [label for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


class DnsServer:
    """Answers datagrams from a thread of its own until it is closed."""

    def __init__(self):
        self.records = {}
        self.silent = set()
        self.held = []  # questions that were not answered: name, its bytes, who asked
        self.asked = []  # names, in order
        self.lock = threading.Lock()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def a(self, name, ip="127.0.0.1"):
        self.records.setdefault((name, A), []).append(socket.inet_aton(ip))
        return self

    def srv(self, name, port, target, priority=0, weight=0):
        data = struct.pack("!HHH", priority, weight, port) + packed(target)
        self.records.setdefault((name, SRV), []).append(data)
        return self

    def never(self, name):
        """Nothing is said of this name from now on."""
        self.silent.add(name)
        return self

    def speak(self, name):
        """Answers what was asked of the name meanwhile, and what will be."""
        with self.lock:
            self.silent.discard(name)
            held = [(query, who) for of, query, who in self.held if of == name]
            self.held = [one for one in self.held if one[0] != name]
        for query, who in held:
            self.socket.sendto(self.reply(query), who)

    @staticmethod
    def question(query):
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
            at += query[at] + 1
        kind, = struct.unpack("!H", query[at + 1:at + 3])
        return ".".join(labels), kind, query[12:at + 5]

    def reply(self, query):
        name, kind, question = self.question(query)
        records = self.records.get((name, kind), [])
        exists = any(known == name for known, _ in self.records)
        flags = 0x8180 | (0 if exists else NO_SUCH_NAME)
        answer = query[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0) + question
        for data in records:
            answer += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data
        return answer

    def serve(self):
        while True:
            try:
                query, who = self.socket.recvfrom(4096)
            except OSError:
                return
            if not query:  # from close()
                return
            name = self.question(query)[0]
            with self.lock:
                self.asked.append(name)
                if name in self.silent:
                    self.held.append((name, query, who))
                    continue
            self.socket.sendto(self.reply(query), who)

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stop:
            stop.sendto(b"", self.socket.getsockname())
        self.thread.join()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
