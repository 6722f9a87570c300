# SPDX-License-Identifier: Apache-2.0
"""What agents received, in a form in which two servers can be compared.

What must differ is replaced by names: ports, the server's branches and tags (each by its number in
the order of appearance, so that equal ones stay equal), nonces, the values of Server and User-Agent. Header
fields are compared in their order among those of the same name only: their order among different
names means nothing (RFC 3261 7.3.1)."""
import re


class Names:
    """Gives the n-th new text of a kind the name <kind n>."""

    def __init__(self, kind):
        self.kind, self.known = kind, {}

    def __call__(self, text):
        return self.known.setdefault(text, f"<{self.kind} {len(self.known) + 1}>")


class Normaliser:
    def __init__(self, ports):
        """`ports`: port number to the name of its owner."""
        self.ports = ports
        self.branches, self.tags = Names("branch"), Names("tag")

    def _text(self, text):
        text = re.sub(r"(SIP/2\.0/\w+) +", r"\1 ", text)  # any white space (RFC 3261 7.3.1)
        for port, name in self.ports.items():
            text = re.sub(rf"(127\.0\.0\.1|\[::1\]):{port}\b", rf"\1:<{name}>", text)
            text = re.sub(rf"rport={port}\b", f"rport=<{name}>", text)
            text = re.sub(rf"~{port}~", f"~<{name}>~", text)
        text = re.sub(r"branch=(z9hG4bK(?!-)[^;\s]+)",
                      lambda m: "branch=" + self.branches(m.group(1)), text)
        text = re.sub(r'nonce="[^"]*"', 'nonce="<nonce>"', text)
        return re.sub(r";tag=(?!from-|to-)([^;\s>]+)", lambda m: ";tag=" + self.tags(m.group(1)),
                      text)

    def _via(self, text):
        """Its parameters sorted, as their order means nothing, and without the number of a connection
        that is for the server alone."""
        sent_by, *parameters = self._text(text).split(";")
        return ";".join([sent_by, *sorted(p for p in parameters if not p.startswith("i="))])

    def message(self, message):
        """(start line, sorted header lines and the body)."""
        lines = []
        for name, value in message.fields:
            if name.lower() in ("server", "user-agent"):
                value = "<product>"
            shown = self._via(value) if name.lower() == "via" else self._text(value)
            lines.append((name.lower(), f"{name}: {shown}"))
        lines.sort(key=lambda line: line[0])
        shown = [line for _, line in lines]
        if message.body:
            shown.append("body: " + self._text(message.body).replace("\r\n", "|"))
        return self._text(message.start), shown


def normalise(agents, server_ports):
    """Per agent name: its messages. `server_ports`: port to name. Agents are taken one after the other, so that names given to
    branches and tags do not depend on which of two agents was faster."""
    ports = {port: agent.name for agent in agents for port in agent.ports} | server_ports
    normaliser = Normaliser(ports)
    return {agent.name: [normaliser.message(m) for m in agent.received] for agent in agents}


def without_repetitions(trace):
    """What an agent gets again at once counts once: how often a timer sends it depends on how busy
    the machine is."""
    return {agent: [m for i, m in enumerate(messages) if i == 0 or m != messages[i - 1]]
            for agent, messages in trace.items()}


def compare(reference, other):
    """Differences of two message lists as lines: `- …` only the reference has it, `+ …` only the
    other. A message that has no counterpart is one line."""
    import difflib
    found = []
    starts = [start for start, _ in reference], [start for start, _ in other]
    for kind, a, b, c, d in difflib.SequenceMatcher(None, *starts, autojunk=False).get_opcodes():
        if kind == "equal":
            for (start, left), (_, right) in zip(reference[a:b], other[c:d]):
                found += [f"- {start} / {x}" for x in left if left.count(x) > right.count(x)]
                found += [f"+ {start} / {x}" for x in right if right.count(x) > left.count(x)]
                same = sorted(left) == sorted(right)
                if same and left != right:
                    found.append(f"~ {start} / header fields of one name in another order")
        else:
            found += [f"- {start}" for start, _ in reference[a:b]]
            found += [f"+ {start}" for start, _ in other[c:d]]
    return found
