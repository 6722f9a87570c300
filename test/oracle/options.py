# SPDX-License-Identifier: Apache-2.0
"""What the programs of this folder share: their command line, and how they end."""
import argparse
import os
import shutil
import sys

from server import DidNotStart

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SKIPPED = 77


def parser(documentation):
    """The options of both servers; the program adds its own."""
    made = argparse.ArgumentParser(description=documentation.splitlines()[0])
    made.add_argument("--kamailio", default=shutil.which("kamailio", path=os.environ.get(
        "PATH", "") + ":/usr/sbin:/usr/local/sbin"))
    made.add_argument("--fairlead", default=os.path.join(ROOT, "build/core/fairlead"))
    made.add_argument("--modules", default=os.path.join(ROOT, "build/modules"))
    return made


def commands(options):
    """How each server is started."""
    return {"kamailio": [options.kamailio], "fairlead": [options.fairlead, "-L", options.modules]}


def run(compare, options):
    """Ends the program with the status of compare(options)."""
    if not options.kamailio:
        print("SKIPPED: kamailio is not installed (apt-get install kamailio); nothing to compare")
        sys.exit(SKIPPED)
    try:
        sys.exit(compare(options))
    except DidNotStart as problem:
        print(f"a server did not start: {problem}")
        sys.exit(1)
