#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the ways of steering: one source, stateless replies, 1 to 4 workers.

    FAIRLEAD=build/core/fairlead FAIRLEAD_MODULES=build/modules \\
        test/bench/steering.py build/test/bench/steering_bench [SECONDS]

For each way it prints answers per second, processor time of all server processes per message, how
much of it the busiest worker had, datagrams handed over between workers, and requests of a call
that overtook another (must be 0)."""
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
import fairlead  # noqa: E402
from fairlead import Server  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")
CALLS, IN_FLIGHT = 1000, 256


def cpu_seconds(pid):
    """User and system time, from the scheduler's nanoseconds."""
    with open(f"/proc/{pid}/schedstat") as f:
        return int(f.read().split()[0]) / 1e9


def counter(server, name):
    os.kill(server.pid, signal.SIGUSR1)
    found = fairlead.wait_until(
        lambda: re.findall(rf"net:{name} = (\d+)", server.log()), f"the counter {name}")
    return int(found[-1])


def measure(bench, seconds, steering, workers):
    with Server(children=workers, extra=f'steering="{steering}"') as server:
        def load(time):
            return subprocess.run([bench, str(server.port), str(CALLS), str(IN_FLIGHT), str(time)],
                                  capture_output=True, text=True, check=True).stdout.split()
        load(1)  # caches and page tables
        before = [cpu_seconds(pid) for pid in server.family()]
        words = load(seconds)
        spent = [cpu_seconds(pid) - b for pid, b in zip(server.family(), before)]
        result = dict(zip(words[::2], map(int, words[1::2])))
        per_message = sum(spent) / result["answered"] * 1e6
        busiest = max(spent) / sum(spent)
        print(f"{steering:7} {workers:7} {result['rate']:9} {per_message:11.2f} "
              f"{result['client_ns'] / 1000:9.2f} {busiest:8.0%} "
              f"{counter(server, 'handed_over'):12} {result['overtaken']:10} {result['lost']:5}",
              flush=True)


def main():
    bench, seconds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    print("way     workers  answers/s  us/message  us/client  busiest  handed over  overtaken  lost")
    for workers in (1, 2, 4):
        for steering in ("flow", "callid", "bpf"):
            measure(bench, seconds, steering, workers)


if __name__ == "__main__":
    main()
