#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails on an #include against the order of the layers, with the offending line.

base < event, shm, sip < net < api, module < cfg < proc < server < main; a module stands beside, on
core/module.h, core/api/*.h, its own files and modules/OTHER/api.h."""
import re
import sys

import tree

# A folder may include itself and what is listed. The longest prefix decides.
LAYERS = {
    "core/base/": (),
    "core/event/": ("core/base/",),
    "core/shm/": ("core/base/",),
    "core/sip/": ("core/base/",),
    # What core/net implements and calls; they hold no code.
    "core/net/": ("core/base/", "core/event/", "core/shm/", "core/sip/", "core/api/net.h",
                  "core/api/stream_codec.h", "core/api/stream_layer.h"),
    "core/api/": ("core/base/", "core/event/", "core/sip/", "core/shm/"),
    "core/module.h": ("core/base/", "core/api/"),
    "core/module/": ("core/base/", "core/sip/", "core/shm/", "core/api/", "core/module.h"),
    "cfg/": ("core/base/", "core/event/", "core/shm/", "core/sip/", "core/net/", "core/api/",
             "core/module.h", "core/module/"),
    "core/proc/": ("core/base/", "core/event/", "core/shm/", "core/sip/", "core/net/", "core/api/",
                   "core/module.h", "core/module/", "cfg/"),
    "core/server/": ("core/base/", "core/event/", "core/shm/", "core/sip/", "core/net/",
                     "core/api/", "core/module.h", "core/module/", "cfg/", "core/proc/"),
    "core/main.cpp": ("core/", "cfg/"),
    "tools/": ("core/base/", "core/sip/"),
    "tools/fairlead-cpl/": ("core/base/", "core/sip/", "modules/cpl/"),
    "test/": ("core/", "cfg/", "modules/", "tools/"),
}

# Who may see a library; nobody else does.
LIBRARIES = {
    r"event2/|event\.h|evhttp": ("core/event/", "test/core/event/"),
    r"boost/": ("core/shm/", "test/core/shm/"),
    r"libxml2?/|libical/|unicode/": ("modules/cpl/", "test/modules/cpl/"),
    r"sqlite3\.h": ("modules/db_sqlite/",),
    r"curl/": ("modules/cpl/",),
    r"openssl/ssl\.h": ("modules/tls/", "tools/sipload/", "test/modules/tls/"),
    r"re2/": ("cfg/preprocessor.", "core/api/regex.", "core/module/", "test/"),
    r"nlohmann/": ("modules/jsonrpcs/", "tools/", "test/"),
    r"CLI/": ("core/server/", "tools/"),
    r"spdlog/": ("core/base/", "core/server/"),
    r"ares": ("core/net/",),
    r"dlfcn\.h": ("core/module/", "test/core/module/"),
    r"catch2/": ("test/",),
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)


def own_layer(path):
    prefixes = [prefix for prefix in LAYERS if path.startswith(prefix)]
    return max(prefixes, key=len, default=None)


def allowed_in_module(path, target):
    folder = "/".join(path.split("/")[:2]) + "/"
    if target == "core/module.h" or re.fullmatch(r"core/api/[^/]+\.h", target):
        return True
    return target.startswith(folder) or bool(re.fullmatch(r"modules/[^/]+/api\.h", target))


def why_refused(root, path, quoted, target):
    """A sentence, or None when the include is in order."""
    if not quoted:
        for pattern, homes in LIBRARIES.items():
            if re.match(pattern, target) and not path.startswith(homes):
                return f"only {', '.join(homes)} may include it"
        return None
    if not (root / target).is_file():
        return "write the path from the top of the tree"
    if path.startswith("modules/"):
        if allowed_in_module(path, target):
            return None
        if re.match(r"core/(base|event|shm|sip)/", target):
            return "core/api/{log,loop,text,sip,shm,timer}.h bring it"
        return ("a module includes core/module.h, core/api/*.h, its own files and "
                "modules/OTHER/api.h")
    layer = own_layer(path)
    if layer is None:
        return "this folder has no layer: name it in tools/check_layers.py"
    if target.startswith(layer if layer.endswith("/") else path) or target.startswith(
            LAYERS[layer]):
        return None
    return f"{layer} may include only: {', '.join(LAYERS[layer]) or 'itself'}"


def check(root):
    found = []
    for file in tree.files(root, "core/*.h", "core/*.cpp", "cfg/*.h", "cfg/*.cpp", "modules/*.h",
                           "modules/*.cpp", "tools/*.h", "tools/*.cpp", "test/*.h", "test/*.cpp"):
        path = file.relative_to(root).as_posix()
        code = file.read_text()
        for match in INCLUDE.finditer(code):
            why = why_refused(root, path, match.group(1) == '"', match.group(2))
            if why:
                line = code.count("\n", 0, match.start()) + 1
                found.append(f"{path}:{line}: {match.group(0).strip()}: {why}")
    return found


if __name__ == "__main__":
    sys.exit(tree.report("check_layers", check(tree.root_from_args())))
