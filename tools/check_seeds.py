#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/seeds.md names a test for each thing that was asked for: each of them must exist.

A row of a table there is `| what | where it lives | test |`; the test is "file: name", several
divided by <br>. The name is that of a Catch2 TEST_CASE, of a Python test, or of a scenario."""
import re
import sys

import tree

PAGE = "docs/seeds.md"
ROW = re.compile(r"^\|(.+)\|(.+)\|(.+)\|\s*$")
TEST = re.compile(r"^`([^`:]+): ([^`]+)`$")


def names(file):
    """The names of the tests that a file has."""
    text = file.read_text()
    if file.suffix == ".py":
        return set(re.findall(r"^\s*def (test_\w+|[a-z]\w+)\(", text, re.M))
    joined = re.sub(r'"\s*\n\s*"', "", text)
    return set(re.findall(r'(?:TEST_CASE|SCENARIO)\(\s*"((?:\\.|[^"\\])*)"', joined))


def check(root):
    page = root / PAGE
    if not page.is_file():
        return []
    found, known = [], {}
    for number, line in enumerate(page.read_text().split("\n"), 1):
        row = ROW.match(line)
        if not row or set(row[3].strip()) <= set("-: ") or row[3].strip() == "test":
            continue
        for test in re.split(r"<br>", row[3].strip()):
            match = TEST.match(test.strip())
            if not match:
                found.append(f"{PAGE}:{number}: \"{test.strip()}\" is no `file: name of a test`")
                continue
            file = root / match[1]
            if not file.is_file():
                found.append(f"{PAGE}:{number}: there is no {match[1]}")
                continue
            if file not in known:
                known[file] = names(file)
            if match[2] not in known[file]:
                found.append(f"{PAGE}:{number}: {match[1]} has no test \"{match[2]}\"")
    return found


if __name__ == "__main__":
    sys.exit(tree.report("check_seeds", check(tree.root_from_args())))
