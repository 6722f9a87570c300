#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails where something dangerous is written outside the files that are allowed to.

Each rule: what is looked for in code (comments and literals blanked), who may, and why not."""
import re
import sys

import tree

PRODUCT = ("core/*", "cfg/*", "modules/*")
PROGRAMS = PRODUCT + ("tools/*",)
EVERYWHERE = PROGRAMS + ("test/*",)

# (name, pattern, where the rule holds, who may all the same, the reason in one sentence)
RULES = [
    ("fork", r"(?<![\w.>])(?:::)?v?fork\s*\(", PRODUCT,
     ("core/proc/*", "core/server/daemon.*"),
     "processes are made by the supervisor only"),
    ("reinterpret_cast", r"\breinterpret_cast\b", PROGRAMS,
     ("core/module.h", "core/shm/*", "core/event/*", "core/base/address.cpp", "core/module/*",
      "core/net/*", "core/proc/*", "tools/sipload/*"),
     "types are converted by name, except at system calls and in the segment"),
    # SendFailureHandler::failed gets back the pointer that its owner gave to send().
    ("void*", r"(?<!failed\()\bvoid\s*(?:const\s*)?\*", PRODUCT,
     ("core/module.h", "core/module/*", "core/shm/*", "core/event/*", "core/api/net.h",
      "core/api/core.h", "modules/cpl/mailer.*",  # libcurl's handles and its read callback
       "core/net/dns_client.cpp",  # callbacks of c-ares
       "modules/tls/contexts.*", "modules/tls/tls_stream.cpp"),  # callbacks of OpenSSL
     "a type is lost only in the contract, the segment, the event glue, before libcurl, c-ares and OpenSSL"),
    ("throw", r"\bthrow\b", PROGRAMS, (), "errors are values (docs/errors.md)"),
    ("std::regex", r"\bstd::w?regex\b|#\s*include\s*<regex>", PROGRAMS, (),
     "it recurses and backtracks: use RE2"),
    ("real time", r"\bsystem_clock\b|\bgettimeofday\s*\(|\bCLOCK_REALTIME\b|(?<![\w.>])"
     r"(?:std::|::)?time\s*\(\s*(?:nullptr|NULL|0|&)", EVERYWHERE,
     ("core/base/clock.h", "core/base/log.cpp", "core/event/loop.cpp"),
     "time comes from Clock, which a test can set"),
    ("unbounded text", r"\b(?:sprintf|vsprintf|strcpy|strcat|strncpy|strncat|gets|strtok|atoi|atol|"
     r"atoll|scanf|sscanf)\s*\(", EVERYWHERE, (),
     "use fmt, string_view and core/base/text.h"),
    ("new", r"(?<!operator )(?<!<)\bnew\b(?!\s*\()", EVERYWHERE, (),
     "use make_unique, a container, the arena or shm::make"),
    ("placement new", r"\bnew\s*\(", PRODUCT, ("core/base/arena.h", "core/shm/*"),
     "only the arena and the segment make objects in raw memory"),
    ("delete", r"(?<![=\w])\s\bdelete\b(?!\s*;)|\bdelete\s*\[", EVERYWHERE, (),
     "owners are unique_ptr and containers"),
    ("malloc", r"(?<![\w.>])(?:std::)?(?:malloc|calloc|realloc|free)\s*\(", PROGRAMS, ("core/shm/*",),
     "owners are unique_ptr and containers"),
    ("goto", r"\bgoto\b", EVERYWHERE, (), "write a function that returns"),
    ("sleep", r"\b(?:sleep_for|sleep_until|usleep|nanosleep|(?<![\w.])sleep)\s*\(", EVERYWHERE, (),
     "nothing waits by sleeping: use the loop, or wait for the event itself"),
    ("shell", r"(?:(?<![\w.>:])|(?<=std::))(?:system|popen)\s*\(\s*[^)\s]", EVERYWHERE, (),
     "the server runs no shell"),
    ("blocking resolver", r"\b(?:getaddrinfo|gethostbyname\w*)\s*\(", PRODUCT,
     ("core/server/*", "core/net/hosts.*"), "it blocks: only names in the configuration, at start"),
    ("threads", r"\bstd::j?thread\b|\bpthread_create\s*\(|\bstd::async\b", PRODUCT, (),
     "a process is one thread around one loop"),
    ("dlopen", r"\bdl(?:open|close|sym)\s*\(", PRODUCT, ("core/module/*",),
     "modules are loaded in one place"),
    ("setjmp", r"\b(?:setjmp|longjmp|sigsetjmp|siglongjmp)\s*\(", EVERYWHERE, (),
     "control flow stays in the language"),
    ("using namespace", r"\busing\s+namespace\s+(?!std::(?:string_view_)?literals|"
     r"std::chrono_literals)\w", ("*.h",), (), "a header must not open a namespace for others"),
]

# Exceptions of one file from one rule, each with its reason.
EXCEPTIONS = {
    ("reinterpret_cast", "modules/tm/stored_request.cpp"):
        "a stored request is one block: its table and texts lie behind its head",
    ("reinterpret_cast", "modules/mi_fifo/endpoint.cpp"): "addresses of local sockets",
    ("reinterpret_cast", "modules/tm/late_writes.cpp"): "addresses of local sockets",
    ("reinterpret_cast", "modules/tls/certificate.cpp"): "OpenSSL's texts are unsigned char",
    ("reinterpret_cast", "tools/fairleadctl/client.cpp"): "addresses of local sockets",
    ("throw", "core/shm/mapping.cpp"):
        "the only way out of Boost's allocator when its lock is lost; caught in the same file",
    ("new", "core/shm/mapping.cpp"): "private constructor; unique_ptr owns it in the same line",
    ("new", "core/shm/segment.cpp"): "private constructor; unique_ptr owns it in the same line",
    ("new", "core/shm/counters.cpp"): "private constructor; the caller owns it",
    ("new", "core/shm/histograms.cpp"): "private constructor; the caller owns it",
    ("new", "core/net/dns_cache.cpp"): "private constructor; unique_ptr owns it in the same line",
    ("new", "core/net/dns_client.cpp"): "private constructor; unique_ptr owns it in the same line",
    ("throw", "core/server/engine.cpp"):
        "message_slot gives a number; it is called from prepare(), around which the core catches",
    ("sleep", "core/server/worker.cpp"):
        "a busy worker's pause in which datagrams gather: bounded, and waits for no event",
    ("sleep", "test/core/event/loop_test.cpp"):
        "shows that the loop's clock stands still while real time passes",
}


def check_file(path, code):
    stripped = tree.strip(code)
    found = []
    for name, pattern, holds, may, reason in RULES:
        if not tree.matches(path, holds) or tree.matches(path, may) or (name, path) in EXCEPTIONS:
            continue
        for match in re.finditer(pattern, stripped):
            line = stripped.count("\n", 0, match.start() + len(match.group(0)) -
                                  len(match.group(0).lstrip())) + 1
            text = code.split("\n")[line - 1].strip()
            found.append(f"{path}:{line}: {name}: {text}: {reason}")
    return found


def check(root):
    found = []
    for file in tree.files(root, "core/*.h", "core/*.cpp", "cfg/*.h", "cfg/*.cpp", "modules/*.h",
                           "modules/*.cpp", "tools/*.h", "tools/*.cpp", "test/*.h", "test/*.cpp"):
        found += check_file(file.relative_to(root).as_posix(), file.read_text())
    return found


if __name__ == "__main__":
    sys.exit(tree.report("check_allow", check(tree.root_from_args())))
