# SPDX-License-Identifier: Apache-2.0
"""What the checks share: the files of the tree, C++ without comments and strings, the report."""
import fnmatch
import pathlib
import re
import sys

SKIPPED_FOLDERS = ("build", ".git", ".cache", "__pycache__")


def files(root, *patterns):
    """Every file below `root` whose relative path matches one of the patterns, sorted."""
    found = []
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if any(part.startswith(SKIPPED_FOLDERS) for part in relative.parts[:-1]):
            continue
        if path.is_file() and matches(relative.as_posix(), patterns):
            found.append(path)
    return found


def matches(relative, patterns):
    return any(fnmatch.fnmatch(relative, pattern) for pattern in patterns)


_NOISE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.S)


def strip(code):
    """The code with comments and literals blanked out; line numbers stay the same."""

    def blank(match):
        text = match.group(0)
        lines = "\n" * text.count("\n")
        if text.startswith(("//", "/*")):
            return " " + lines
        return '""' + lines if text[0] != "'" else "0" + lines

    return _NOISE.sub(blank, code)


def report(name, violations):
    """Prints what was found and gives the exit status."""
    for line in violations:
        print(line)
    print(f"{name}: {len(violations)} violation{'s' if len(violations) != 1 else ''}")
    return 1 if violations else 0


def root_from_args():
    """The tree to check: the first argument that is a folder, else the one this file is in."""
    for argument in sys.argv[1:]:
        if pathlib.Path(argument).is_dir():
            return pathlib.Path(argument).resolve()
    return pathlib.Path(__file__).resolve().parent.parent
