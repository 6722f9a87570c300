# SPDX-License-Identifier: Apache-2.0
"""What the checks share: the files of the tree, C++ without comments and strings, the report."""
import fnmatch
import hashlib
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent.parent  # the tree that this file is in
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


def own_headers(root, path, seen):
    """Adds every header of the tree that `path` pulls in."""
    for target in re.findall(r'^\s*#\s*include\s*"([^"]+)"', (root / path).read_text(), re.M):
        if target not in seen and (root / target).is_file():
            seen.add(target)
            own_headers(root, target, seen)
    return seen


class Stamps:
    """Remembers which files were clean, until they or a header that they pull in change."""

    def __init__(self, root, name, *settings):
        self.root, self.folder = root, root / ".cache" / name
        self.settings = "\n".join(settings).encode()

    def fingerprint(self, path):
        digest = hashlib.sha256(self.settings)
        for part in [path] + sorted(own_headers(self.root, path, set())):
            digest.update((self.root / part).read_bytes())
        return digest.hexdigest()

    def is_clean(self, path):
        stamp = self.folder / path.replace("/", "_")
        return stamp.exists() and stamp.read_text() == self.fingerprint(path)

    def set_clean(self, path):
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / path.replace("/", "_")).write_text(self.fingerprint(path))


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
    return HERE
