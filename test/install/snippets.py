#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes files out of a page: blocks of code with the same file name follow each other in that file.
As a program it writes some of them: snippets.py PAGE FOLDER NAME…"""
import pathlib
import re
import sys

SNIPPET = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)


def files(page):
    found = {}
    for _, name, text in SNIPPET.findall(page):
        if name:
            found[name] = found.get(name, "") + text
    return found


def main():
    found = files(pathlib.Path(sys.argv[1]).read_text())
    for name in sys.argv[3:]:
        (pathlib.Path(sys.argv[2]) / name).write_text(found[name])


if __name__ == "__main__":
    main()
