#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Looks into what was built (the build folder is the argument): a module has no static
constructors and no variables of its own outside its object; the core has at most five."""
import pathlib
import re
import subprocess
import sys

import tree

MOST_CORE_GLOBALS = 5
# Made by the compiler, or constant after start-up.
NOT_VARIABLES = re.compile(r"^(?:end$|guard variable|vtable|typeinfo|VTT|__|_edata|_end|completed\.|"
                           r"DW\.ref|construction vtable|TLS (?:init|wrapper)|_IO_stdin|std::|fmt::|"
                           r"spdlog::|boost::|CLI::|re2::|construction)")


def symbols(path):
    """(demangled name, section) of every symbol."""
    listing = subprocess.run(["nm", "-C", "--format=sysv", "--defined-only", str(path)],
                             capture_output=True, text=True, check=True).stdout
    rows = [line.rsplit("|", 6) for line in listing.split("\n") if line.count("|") >= 6]
    return [(row[0].strip(), row[6].strip()) for row in rows]


def is_written(section):
    """Constant tables that hold addresses are in .data.rel.ro: written by the linker only."""
    return section.startswith((".data", ".bss", ".tdata", ".tbss")) and \
        not section.startswith(".data.rel.ro")


def variables(path):
    return sorted({name for name, section in symbols(path)
                   if is_written(section) and not NOT_VARIABLES.match(name)})


def check_module(path):
    found = [f"{path.name}: works in a static constructor: {name}"
             for name, _ in symbols(path) if "_GLOBAL__sub_I" in name or
             name.startswith("global constructors")]
    return found + [f"{path.name}: mutable variable outside the module's object: {name}"
                    for name in variables(path)]


def check(build):
    found = []
    for module in sorted((build / "modules").rglob("*.so")):
        found += check_module(module)
    core = set()
    for library in sorted((build / "core").rglob("*.a")) + sorted((build / "cfg").rglob("*.a")):
        core.update(variables(library))
    if len(core) > MOST_CORE_GLOBALS:
        found.append(f"the core has {len(core)} mutable globals, the limit is "
                     f"{MOST_CORE_GLOBALS}: {', '.join(sorted(core))}")
    return found


if __name__ == "__main__":
    sys.exit(tree.report("check_symbols", check(pathlib.Path(sys.argv[1]))))
