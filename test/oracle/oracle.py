#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the same configurations and the same agents against Kamailio and against Fairlead, and
compares what the agents received.

Differences are listed in differences.txt, each with its reason; one that is not listed, and a
listed one that no longer occurs, fail the test.

    oracle.py --fairlead build/core/fairlead --modules build/modules [scenario …]
    oracle.py --only kamailio [scenario …]     prints the reference's traces
"""
import argparse
import fnmatch
import os
import shutil
import subprocess
import sys
import tempfile

import scenarios
import stock
from agent import Agent, Missing
from server import DidNotStart, Server, reserve
from trace import compare, normalise

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SKIPPED = 77


class Stage:
    """The agents of one scenario, and the server as they see it."""

    def __init__(self, port):
        self.port, self.server_address = port, f"127.0.0.1:{port}"
        server = ("127.0.0.1", port)
        self.alice, self.bob, self.carol = (Agent(n, "127.0.0.1", server)
                                            for n in ("alice", "bob", "carol"))
        # Asks and is answered: when the answer is there, all that came before is dealt with.
        self.watcher = Agent("watcher", "127.0.0.1", server)
        self.has_flush = True

    @property
    def agents(self):
        return [self.alice, self.bob, self.carol]

    def server_uri(self, user):
        return f"sip:{user}@{self.server_address}"

    def flush(self):
        """Waits until the server has dealt with all that was sent to it."""
        user = "flush@" if self.has_flush else ""
        self.watcher.send(self.watcher.request("OPTIONS", f"sip:{user}{self.server_address}"))
        self.watcher.expect(200)
        for agent in self.agents:
            agent.drain()

    def close(self):
        for agent in [*self.agents, self.watcher]:
            agent.close()


# Configuration, its scenarios, the defines for a stage, whether the address is given with -l, and
# whether an OPTIONS for the user `flush` is answered at once.
def stages(folder):
    carol = lambda s: {"CAROL": f'"{s.carol.uri()}"'}
    target = lambda s: {"TARGET": f'"sip:{s.bob.address}"'}
    callee = lambda s: {"CALLEE": f'"{s.bob.address}"'}
    nothing = lambda s: {}
    return [
        ("oracle", os.path.join(HERE, "oracle.cfg"), scenarios.ON_ORACLE_CFG, carol, True, True),
        ("fairlead", os.path.join(ROOT, "cfg/fairlead.cfg"), scenarios.ON_DEFAULT_CFG, nothing,
         False, False),
        ("relay", os.path.join(ROOT, "cfg/examples/relay.cfg"), scenarios.ON_RELAY_CFG, target,
         True, None),
        ("minimal", os.path.join(ROOT, "cfg/examples/minimal.cfg"), scenarios.ON_MINIMAL_CFG,
         nothing, True, False),
        ("stock", stock.write(folder), stock.SCENARIOS, callee, True, False),
    ]


def named(entry):
    return entry if isinstance(entry, tuple) else (entry.__name__, entry)


def run_one(command, config, scenario, defines, with_l, has_flush):
    """(trace per agent, error text or "") of one scenario on a server of its own."""
    port = reserve()
    stage = Stage(port)
    stage.has_flush = bool(has_flush)
    listen = f"udp:127.0.0.1:{port}"
    values = defines(stage) if with_l else {**defines(stage), "LISTEN": listen}
    server = Server(command, config, values, listen if with_l else "", port)
    error = ""
    try:
        scenario(stage)
        if has_flush is not None:
            stage.flush()
    except Missing as missing:
        error = str(missing)
    finally:
        for agent in stage.agents:
            agent.drain()
        log = server.log()
        status = server.stop()
        trace = normalise(stage.agents, port)
        stage.close()
    # The reference hangs now and then when it ends; that is not what is compared.
    if status != 0 and not error and not command[0].endswith("kamailio"):
        error = f"the server ended with status {status}\n{log}"
    return trace, error


class Listed:
    """differences.txt: blocks of a `scenario agent` line (patterns), difference lines, and a reason
    that begins with `reason:`."""

    def __init__(self, path):
        self.entries, block = [], None
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                line = line.rstrip("\n")
                if not line.strip() or line.startswith("#"):
                    continue
                if line.startswith("["):
                    scenario, agent = line.strip("[]").split()
                    block = {"where": (scenario, agent), "reason": ""}
                elif line[:2] in ("- ", "+ ", "~ "):
                    self.entries.append({"line": line, "block": block, "seen": 0, "at": number})
                elif line.startswith("reason:") or block["reason"]:
                    block["reason"] += line.removeprefix("reason:").strip() + " "
                else:
                    raise ValueError(f"{path}:{number}: not understood: {line}")
        for entry in self.entries:
            if not entry["block"]["reason"]:
                raise ValueError(f"{path}:{entry['at']}: a difference without reason")

    def explains(self, scenario, agent, line):
        for entry in self.entries:
            where = entry["block"]["where"]
            if (entry["line"] == line and fnmatch.fnmatchcase(scenario, where[0])
                    and fnmatch.fnmatchcase(agent, where[1])):
                entry["seen"] += 1
                return True
        return False

    def unseen(self, scenarios_run):
        """Entries that no difference matched although a scenario of theirs was run."""
        return [e for e in self.entries if not e["seen"]
                and any(fnmatch.fnmatchcase(s, e["block"]["where"][0]) for s in scenarios_run)]


def show(trace):
    for agent, messages in trace.items():
        for start, lines in messages:
            print(f"  {agent} < {start}")
            for line in lines:
                print(f"        {line}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kamailio", default=shutil.which("kamailio", path=os.environ.get(
        "PATH", "") + ":/usr/sbin:/usr/local/sbin"))
    parser.add_argument("--fairlead", default=os.path.join(ROOT, "build/core/fairlead"))
    parser.add_argument("--modules", default=os.path.join(ROOT, "build/modules"))
    parser.add_argument("--only", choices=("kamailio", "fairlead"))
    parser.add_argument("scenario", nargs="*", help="names or patterns; all when none is given")
    return parser.parse_args()


def main():
    options = arguments()
    if not options.kamailio:
        print("SKIPPED: kamailio is not installed (apt-get install kamailio); nothing to compare")
        return SKIPPED
    commands = {"kamailio": [options.kamailio],
                "fairlead": [options.fairlead, "-L", options.modules]}
    listed = Listed(os.path.join(HERE, "differences.txt"))
    run, failures = [], 0
    folder = tempfile.TemporaryDirectory(prefix="oracle-")
    for name, config, entries, defines, with_l, has_flush in stages(folder.name):
        for title, scenario in map(named, entries):
            if options.scenario and not any(fnmatch.fnmatch(title, p) for p in options.scenario):
                continue
            if options.only:
                trace, error = run_one(commands[options.only], config, scenario, defines, with_l,
                                       has_flush)
                print(f"{name}/{title}: {error or 'done'}")
                show(trace)
                failures += bool(error)
                continue
            run.append(title)
            failures += not check(commands, config, title, scenario, defines, with_l, has_flush,
                                  listed)
    if not options.only and not options.scenario:
        failures += not passes_check(commands["fairlead"], os.path.join(folder.name, "stock.cfg"))
    for entry in listed.unseen(run):
        failures += 1
        print(f"differences.txt:{entry['at']}: no longer occurs: {entry['line']}")
    print(f"{len(run) - failures} passed, {failures} failed")
    return 1 if failures else 0


def passes_check(command, config):
    """`-c` finds nothing wrong with the configuration of Kamailio's package."""
    done = subprocess.run([*command, "-c", "-f", config, "-l", "udp:127.0.0.1:5060",
                           "-A", 'CALLEE="127.0.0.1:5070"'], capture_output=True, text=True)
    if done.returncode:
        print(f"FAIL -c of the stock configuration\n{done.stderr}")
    return done.returncode == 0


def check(commands, config, title, scenario, defines, with_l, has_flush, listed):
    """Runs a scenario on both servers; prints what is not listed; true when there is nothing."""
    reference, error = run_one(commands["kamailio"], config, scenario, defines, with_l, has_flush)
    lines = [f"kamailio: {error}"] if error else []
    other, error = run_one(commands["fairlead"], config, scenario, defines, with_l, has_flush)
    lines += [f"fairlead: {error}"] if error else []
    for agent in reference:
        lines += [f"[{title} {agent}] {line}" for line in compare(reference[agent], other[agent])
                  if not listed.explains(title, agent, line)]
    print(f"{'ok  ' if not lines else 'FAIL'} {title}")
    for line in lines:
        print("     " + line)
    return not lines


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DidNotStart as problem:
        print(f"a server did not start: {problem}")
        sys.exit(1)
