#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tree speaks of the product alone: fails on private paths, unfinished-work markers without a
ticket, and a file without its licence line."""
import re
import sys

import tree

# Written so that this file does not contain what it looks for.
WORDS = [
    (r"(?<![\w.])/" + r"work/", "a path of one person's machine"),
    (r"(?<![\w.])/" + r"home/\w", "a path of one person's machine"),
    (r"/tmp/" + r"wt\b", "a path of one person's machine"),
    (r"\.\./" + r"shared/|\bshared/(?:spec|seeds|design)\b", "a document that is not in the tree"),
    (r"\bhouse-" + r"style\.md", "a document that is not in the tree"),
    (r"\b(?:T" + r"ODO|F" + r"IXME|X" + r"XX)\b(?!\(#\d+\))", "unfinished work needs a ticket"),
    (r"(?i)\blanguage " + r"model\b|\bchat" + r"bot\b|\bai-generated\b", "not about the product"),
]
TEXT = ("*.h", "*.cpp", "*.py", "*.md", "*.cfg", "*.build", "*.txt", "*.scn", "*.xml", "*.yml",
        "tools/*", ".ci/*", ".clang-*", "*.in")
LICENSED = ("*.h", "*.cpp", "*.py", "tools/start", "tools/check", "tools/dev", "tools/bench", "tools/new-module",
            ".ci/run")


def check(root):
    found = []
    for file in tree.files(root, *TEXT):
        path = file.relative_to(root).as_posix()
        if path.startswith("test/fuzz/corpus/"):
            continue
        try:
            text = file.read_text()
        except UnicodeDecodeError:
            continue
        for pattern, why in WORDS:
            for match in re.finditer(pattern, text):
                line = text.count("\n", 0, match.start()) + 1
                found.append(f"{path}:{line}: {match.group(0)}: {why}")
        if tree.matches(path, LICENSED) and \
                "SPDX-License-Identifier: Apache-2.0" not in re.sub(r"\n(?://|#) ", " ", "\n".join(text.split("\n")[:25])):
            found.append(f"{path}:1: no SPDX-License-Identifier in the first lines")
    return found


if __name__ == "__main__":
    sys.exit(tree.report("check_words", check(tree.root_from_args())))
