#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the hash that server and modules must share: of every header a module can include, the
compiler, and the flags that change layout (given as arguments)."""
import hashlib
import pathlib
import sys

root = pathlib.Path(__file__).resolve().parent.parent
digest = hashlib.sha256()
headers = [root / "core/module.h"]
for folder in ("core/api", "core/base", "core/sip", "core/shm"):
    headers += sorted((root / folder).glob("*.h"))
for header in headers:
    digest.update(header.read_bytes())
for flag in sys.argv[1:]:
    digest.update(flag.encode())
print(digest.hexdigest()[:16])
