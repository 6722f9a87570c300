# SPDX-License-Identifier: Apache-2.0
"""Starts the server with a configuration that ships, on a free port, as an operator would."""
import os

import fairlead
from sipp import literal

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Shipped(fairlead.Server):
    """`config` below cfg/; `defines` are given with -A."""

    def __init__(self, config, workers=1, host="127.0.0.1", defines=None):
        super().__init__(host=host)
        self.address = f"{literal(host)}:{self.port}"
        self.config = os.path.join(ROOT, "cfg", config)
        self.args[self.args.index("-f") + 1] = self.config
        self.args += ["-L", fairlead.MODULES, "-n", str(workers), "-E", "-m", "64",
                      "--debug=2"]
        for name, value in (defines or {}).items():
            self.args += ["-A", f"{name}={value}"]

    def listen(self):
        """Gives the address with -l; for configurations without a listen line."""
        self.args += ["-l", f"udp:{self.address}"]
        return self


def relay_to(target, workers=1, host="127.0.0.1"):
    """cfg/examples/relay.cfg, which sends everything to `target`."""
    return Shipped("examples/relay.cfg", workers, host,
                   {"TARGET": f'"sip:{target}"'}).listen()
