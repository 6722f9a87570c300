#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lists the headers that a module may include, and what those include: the interfaces of modules,
core/module.h, core/api/*.h. This is what is installed; the core's part of it makes the ABI stamp."""
import argparse
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)


def closure(root, roots):
    """`roots` and all that they include of this tree, sorted, relative to `root`."""
    seen = set()
    waiting = list(roots)
    while waiting:
        header = waiting.pop()
        if header in seen:
            continue
        seen.add(header)
        waiting += INCLUDE.findall((root / header).read_text())
    return sorted(seen)


def core_headers(root):
    api = [path.relative_to(root).as_posix() for path in (root / "core/api").glob("*.h")]
    return closure(root, ["core/module.h", *api])


def all_headers(root):
    interfaces = [path.relative_to(root).as_posix() for path in (root / "modules").glob("*/api.h")]
    return sorted({*core_headers(root), *closure(root, interfaces)})


def main():
    parser = argparse.ArgumentParser(prog="tools/public_headers.py", description=__doc__)
    parser.add_argument("--core", action="store_true", help="without the interfaces of modules")
    options = parser.parse_args()
    print("\n".join(core_headers(ROOT) if options.core else all_headers(ROOT)))


if __name__ == "__main__":
    main()
