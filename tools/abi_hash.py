#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the hash that server and modules must share: of every header a module can include, the
compiler, and the flags that change layout (given as arguments)."""
import hashlib
import sys

import public_headers

digest = hashlib.sha256()
for header in public_headers.core_headers(public_headers.ROOT):
    digest.update(header.encode())
    digest.update((public_headers.ROOT / header).read_bytes())
for flag in sys.argv[1:]:
    digest.update(flag.encode())
print("0x" + digest.hexdigest()[:16])
