#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs clang-tidy on every source of the product, with the compile commands of a clang build.

A source that was clean is not looked at again until it, a header that it pulls in, or .clang-tidy
changes (stamps in .cache/tidy)."""
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

import tree

ROOT = pathlib.Path(__file__).resolve().parent.parent


def look_at(folder, path, stamps):
    if stamps.is_clean(path):
        return []
    result = subprocess.run(["clang-tidy-19", "--quiet", "-p", folder, str(ROOT / path)], cwd=ROOT,
                            capture_output=True, text=True)
    if result.returncode == 0:
        stamps.set_clean(path)
        return []
    # The same sentence about a header comes from many sources: keep the lines that name a place.
    lines = [line.replace(f"{ROOT}/", "") for line in result.stdout.split("\n")
             if ": error:" in line or ": warning:" in line]
    return lines or [f"{path}: {(result.stderr or result.stdout).strip()}"]


def main():
    folder = sys.argv[1]
    only = sys.argv[2:]
    commands = json.loads((ROOT / folder / "compile_commands.json").read_text())
    known = {os.path.relpath(os.path.join(entry["directory"], entry["file"]), ROOT)
             for entry in commands}
    paths = [path for path in sorted(known)
             if tree.matches(path, ("core/*", "cfg/*", "modules/*", "tools/*"))]
    if only:
        paths = [path for path in paths if any(part in path for part in only)]
    found = set()
    stamps = tree.Stamps(ROOT, "tidy", (ROOT / ".clang-tidy").read_text())
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for lines in pool.map(lambda path: look_at(folder, path, stamps), paths):
            found.update(lines)
    return tree.report("clang-tidy", sorted(found))


if __name__ == "__main__":
    sys.exit(main())
