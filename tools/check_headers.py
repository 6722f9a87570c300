#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles every header alone: each must include what it uses. CXX chooses the compiler."""
import concurrent.futures
import os
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


def check(root):
    headers = tree.files(root, "core/*.h", "cfg/*.h", "modules/*.h", "tools/*.h", "test/*.h")
    compiler = os.environ.get("CXX", "g++")
    stamps = tree.Stamps(root, "headers-" + re.sub(r"\W", "_", compiler), *FLAGS)
    found = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for violations in pool.map(lambda header: compile_alone(root, header, compiler, stamps), headers):
            found += violations
    return found


if __name__ == "__main__":
    sys.exit(tree.report("check_headers", check(tree.root_from_args())))
