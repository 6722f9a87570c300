#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the same configurations and the same agents against Kamailio and against Fairlead, and
compares what the agents received.

Differences are listed in differences.txt, each with its reason; one that is not listed, and a
listed one that no longer occurs, fail the test.

    oracle.py --fairlead build/core/fairlead --modules build/modules [scenario …]
    oracle.py --only kamailio [scenario …]     prints the reference's traces
"""
import concurrent.futures
import fnmatch
import os
import subprocess
import tempfile

import options
import registrar_scenarios
import scenarios
import stock
import stock_auth
import stock_rpc
import tm_scenarios
import web_scenarios
from agent import Agent, Missing
from server import DidNotStart, Server, reserve
from trace import compare, normalise, without_repetitions

HERE, ROOT = options.HERE, options.ROOT
AT_ONCE = 4   # scenarios: most of their time goes by waiting
TRIES = 3     # of a scenario that waits for timers, on a machine that may be busy


class Stage:
    """The agents of one scenario, and the server as they see it."""

    def __init__(self, port):
        self.port, self.server_address = port, f"127.0.0.1:{port}"
        self.ports = {port: "server"}  # of the server, by name
        server = ("127.0.0.1", port)
        self.alice, self.bob, self.carol = (Agent(n, "127.0.0.1", server)
                                            for n in ("alice", "bob", "carol"))
        # Asks and is answered: when the answer is there, all that came before is dealt with.
        self.watcher = Agent("watcher", "127.0.0.1", server)
        self.has_flush = True
        self.more = []  # agents of one scenario

    @property
    def agents(self):
        return [self.alice, self.bob, self.carol, *self.more]

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


class Configuration:
    """What a set of scenarios runs on. `defines(stage)` are given with -A; without `with_l` the
    address is too, as LISTEN, instead of with -l. `has_flush`: an OPTIONS for the user `flush` is
    answered at once; None: the end of a scenario does not wait for it. `has_streams`: it listens
    for more than datagrams. `listen`: what -l says."""

    def __init__(self, path, entries, defines=None, with_l=True, has_flush=True, has_streams=False,
                 listen="udp:{address}"):
        self.path, self.with_l, self.has_flush, self.listen = path, with_l, has_flush, listen
        self.has_streams = has_streams
        self.scenarios = [Case(self, entry) for entry in entries]
        self.defines = defines or (lambda stage: {})


class Case:
    """A scenario on its configuration."""

    def __init__(self, configuration, entry):
        self.configuration = configuration
        self.name, self.play = entry if isinstance(entry, tuple) else (entry.__name__, entry)
        self.is_timed = getattr(self.play, "timed", False)
        # Datagrams and streams are read by processes of their own, which race.
        self.comes_again = self.is_timed or configuration.has_streams
        self.defines = getattr(self.play, "defines", {})


def configurations(folder):
    def carol(stage):
        return {"CAROL": f'"{stage.carol.uri()}"', "CAROL_PORT": f'"{stage.carol.port}"',
                "PORT": str(stage.port)}

    return [
        Configuration(os.path.join(HERE, "oracle.cfg"), scenarios.ON_ORACLE_CFG, carol),
        Configuration(os.path.join(HERE, "tm.cfg"), tm_scenarios.SCENARIOS, carol),
        Configuration(os.path.join(HERE, "registrar.cfg"), registrar_scenarios.SCENARIOS),
        Configuration(os.path.join(ROOT, "cfg/fairlead.cfg"), scenarios.ON_DEFAULT_CFG,
                      with_l=False, has_flush=False),
        Configuration(os.path.join(ROOT, "cfg/examples/relay.cfg"), scenarios.ON_RELAY_CFG,
                      lambda s: {"TARGET": f'"sip:{s.bob.address}"'}, has_flush=None),
        Configuration(os.path.join(ROOT, "cfg/examples/websocket.cfg"), web_scenarios.SCENARIOS,
                      web_scenarios.defines, with_l=False, has_flush=False, has_streams=True),
        Configuration(os.path.join(ROOT, "cfg/examples/minimal.cfg"), scenarios.ON_MINIMAL_CFG,
                      has_flush=False),
        Configuration(stock.write(folder), stock.SCENARIOS, has_flush=False),
        Configuration(stock.write(folder), stock_auth.SCENARIOS,
                      lambda stage: stock_auth.defines(folder), has_flush=False),
        Configuration(stock.write(folder), stock_rpc.SCENARIOS, lambda stage: stock_rpc.DEFINES,
                      has_flush=False, has_streams=True, listen="{address}"),
    ]


def run_one(name, command, case):
    """(trace per agent, error text or "") of one scenario on a server of its own."""
    on = case.configuration
    port = reserve()
    stage = Stage(port)
    stage.has_flush = bool(on.has_flush)
    listen = on.listen.format(address=stage.server_address)
    defines = {**on.defines(stage), **case.defines, name.upper(): "1"}
    if not on.with_l:
        defines["LISTEN"] = listen
    try:
        server = Server(command, on.path, defines, listen if on.with_l else "", port)
    except DidNotStart:
        stage.close()
        raise
    error = ""
    try:
        case.play(stage)
        if on.has_flush is not None:
            stage.flush()
        if name == "fairlead":
            error = server.bad_books()
    except Missing as missing:
        error = str(missing)
    finally:
        for agent in stage.agents:
            agent.drain()
        log = server.log()
        status = server.stop()
        trace = normalise(stage.agents, stage.ports)
        stage.close()
    # The reference hangs now and then when it ends; that is not what is compared.
    if name != "kamailio" and (error or status != 0):
        log = "\n".join(log.split("\n")[-40:])
        error = f"{error or 'nothing else is wrong'}; the server ended with status {status}\n{log}"
    return without_repetitions(trace) if case.is_timed else trace, error


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
    parser = options.parser(__doc__)
    parser.add_argument("--only", choices=("kamailio", "fairlead"))
    parser.add_argument("scenario", nargs="*", help="names or patterns; all when none is given")
    return parser.parse_args()


def chosen(patterns, folder):
    return [case for configuration in configurations(folder) for case in configuration.scenarios
            if not patterns or any(fnmatch.fnmatch(case.name, p) for p in patterns)]


def main(given):
    commands = options.commands(given)
    with (tempfile.TemporaryDirectory(prefix="oracle-") as folder,
          concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool):
        cases = chosen(given.scenario, folder)
        if given.only:
            return int(show_all(given.only, commands, cases))
        listed = Listed(os.path.join(HERE, "differences.txt"))
        failures, again = 0, []
        for case, lines in zip(cases, pool.map(lambda case: differences(commands, case, listed),
                                               cases)):
            if case.comes_again and lines:
                again.append(case)
            else:
                failures += not report(case.name, lines)
        # Alone: those that ran beside them may have been too much for the machine.
        failures += sum(not report(case.name, differences(commands, case, listed))
                        for case in again)
        if not given.scenario:
            for defines in ({}, stock_auth.defines(folder)):
                failures += not passes_check(commands["fairlead"], stock.write(folder), defines)
    for entry in listed.unseen([case.name for case in cases]):
        failures += 1
        print(f"differences.txt:{entry['at']}: no longer occurs: {entry['line']}")
    print(f"{len(cases) - failures} passed, {failures} failed")
    return 1 if failures else 0


def show_all(name, commands, cases):
    """Prints one server's traces; true when a scenario did not come to its end."""
    failed = False
    for case in cases:
        trace, error = run_one(name, commands[name], case)
        print(f"{case.name}: {error or 'done'}")
        show(trace)
        failed = failed or bool(error)
    return failed


def passes_check(command, config, defines):
    """`-c` finds nothing wrong with the configuration of Kamailio's package."""
    done = subprocess.run([*command, "-c", "-f", config, "-l", "udp:127.0.0.1:5060",
                           *(word for d in defines.items() for word in ("-A", "=".join(d)))],
                          capture_output=True, text=True)
    if done.returncode:
        print(f"FAIL -c of the stock configuration\n{done.stderr}")
    return done.returncode == 0


def differences(commands, case, listed):
    """Runs a scenario on both servers; what is different and not listed, line by line."""
    for _ in range(TRIES if case.comes_again else 1):
        reference, error = run_one("kamailio", commands["kamailio"], case)
        lines = [f"kamailio: {error}"] if error else []
        other, error = run_one("fairlead", commands["fairlead"], case)
        lines += [f"fairlead: {error}"] if error else []
        for agent in reference:
            lines += [f"[{case.name} {agent}] {line}"
                      for line in compare(reference[agent], other[agent])
                      if not listed.explains(case.name, agent, line)]
        if not lines:
            break
    return lines


def report(name, lines):
    """True when there is nothing to say."""
    print(f"{'ok  ' if not lines else 'FAIL'} {name}", flush=True)
    for line in lines:
        print("     " + line)
    return not lines


if __name__ == "__main__":
    options.run(main, arguments())
