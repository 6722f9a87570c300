#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles every header alone: each must include what it uses. CXX chooses the compiler. With a
folder that has been built (--build) only those are compiled that no source there includes first:
the others have been compiled alone with that source."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

import tree

FLAGS = ["-std=c++23", "-Wall", "-Wextra", "-Wno-missing-field-initializers", "-fsyntax-only",
         "-Wno-unused-const-variable", '-DFAIRLEAD_ABI_HASH=0', "-x", "c++"]


def compile_alone(root, header, compiler, stamps):
    path = header.relative_to(root).as_posix()
    if stamps.is_clean(path):
        return []
    # Included, not compiled, so that #pragma once is in its place.
    result = subprocess.run(
        shlex.split(compiler) + FLAGS + [f"-I{root}", "-"],
        input=f'#include "{path}"\n', capture_output=True, text=True)
    if result.returncode == 0:
        stamps.set_clean(path)
        return []
    errors = [line for line in result.stderr.split("\n") if "error" in line]
    return [f"{path}: does not compile alone: {(errors or [result.stderr])[0]}"]


FIRST_INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)', re.M)


def included_first(folder):
    """The headers that a source of the build includes before anything else."""
    found = set()
    for entry in json.loads((folder / "compile_commands.json").read_text()):
        source = pathlib.Path(entry["directory"]) / entry["file"]
        if not source.is_file():  # made by the build, and not yet
            continue
        if first := FIRST_INCLUDE.search(source.read_text()):
            found.add(first.group(1))
    return found


def check(root, build=None):
    headers = tree.files(root, "core/*.h", "cfg/*.h", "modules/*.h", "tools/*.h", "test/*.h")
    if build is not None:
        compiled = included_first(build)
        headers = [path for path in headers if path.relative_to(root).as_posix() not in compiled]
    compiler = os.environ.get("CXX", "g++")
    stamps = tree.Stamps(root, "headers-" + re.sub(r"\W", "_", compiler), *FLAGS)
    found = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for violations in pool.map(lambda header: compile_alone(root, header, compiler, stamps), headers):
            found += violations
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=tree.HERE)
    parser.add_argument("--build", type=pathlib.Path, help="a folder with compile_commands.json")
    options = parser.parse_args()
    sys.exit(tree.report("check_headers", check(options.root.resolve(), options.build)))
