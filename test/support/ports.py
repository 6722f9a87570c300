# SPDX-License-Identifier: Apache-2.0
"""Ports for servers under test, outside the range that the kernel hands out by itself: no other
socket gets one between the moment in which it is chosen and that in which the server binds it."""
import errno
import random
import socket

FIRST, LAST = 10000, 29999
HELD = []  # one socket per port, for the life of this process


def is_free(port):
    """Whether a server could bind it on loopback, for any transport."""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            try:
                with socket.socket(family, kind) as probe:
                    probe.bind((host, port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    return False
    return True


def reserve():
    """A port that no other test of this machine gets while this process lives."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as line:
        ephemeral = range(*(int(word) for word in line.read().split()))
    while True:
        port = random.SystemRandom().randint(FIRST, LAST)
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0fairlead-test-port-{port}")
        except OSError:
            claim.close()
            continue
        if (port not in ephemeral or len(ephemeral) > 40000) and is_free(port):
            HELD.append(claim)
            return port
        claim.close()
