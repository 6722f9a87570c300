#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails on a file, header, function, test case, nesting, parameter list or include set above the
limit. `--report` prints the distribution too."""
import re
import sys

import cpp_scan
import tree

SOURCE_LINES, HEADER_LINES, TEST_LINES = 700, 300, 700
FUNCTION_LINES, TEST_CASE_LINES = 80, 60
LONG_FUNCTION, LONG_SHARE = 40, 0.03
NESTING, PARAMETERS, OWN_HEADERS = 4, 6, 40

# path or path:function -> the limit that holds instead, and why.
EXCEPTIONS = {
    "core/module.h": (650, "the one contract header: its templates are the module author's API"),
}
EXCEPTIONS |= {
    "test/cfg/run_test.cpp:TEST_CASE": (70, "a table of expressions"),
    "test/core/shm/processes_test.cpp:TEST_CASE":
        (105, "the programs of several processes, with what they share"),
    "test/modules/tm/relay_test.cpp:TEST_CASE": (80, "one call from its INVITE to its end"),
}
# The checker and the interpreter join the syntax tree with the whole contract of modules.
EXCEPTIONS |= {f"cfg/{name}.cpp:headers": (45, "syntax tree and contract meet here")
               for name in ("check", "check_call", "check_expression", "check_usage",
                            "check_variable", "parse_globals", "program", "run", "run_call",
                            "run_expression", "run_resume", "run_trace")}
# Where the layers are put together, all of them meet.
EXCEPTIONS |= {f"core/server/{name}.cpp:headers": (78, "the wiring of the server")
               for name in ("server", "service", "worker")}
EXCEPTIONS |= {f"core/server/{name}.cpp:headers": (55, "implements all that modules see")
               for name in ("configured", "core_commands", "engine", "forward", "program",
                            "receive")}
EXCEPTIONS["core/server/tcp_commands.cpp:headers"] = (55, "streams and contract meet here")
EXCEPTIONS["core/server/load_command.cpp:headers"] = (50, "sockets and contract meet here")
EXCEPTIONS |= {f"core/server/{name}.cpp:headers": (50, "DNS and contract meet here")
               for name in ("dns_commands", "dns_service")}
MACROS = {
    "core/base/log.h": {"LOG", "FAIRLEAD_STRINGIZE", "FAIRLEAD_STRINGIZE_2"},
    "core/base/result.h": {"TRY"},
    "core/module.h": {"FAIRLEAD_MODULE"},
}


def limit_for(name, limit):
    return EXCEPTIONS[name][0] if name in EXCEPTIONS else limit


def check_file(path, code):
    lines = code.count("\n")
    limit = HEADER_LINES if path.endswith(".h") else SOURCE_LINES
    if path.startswith("test/"):
        limit = TEST_LINES
    limit = limit_for(path, limit)
    found = [f"{path}: {lines} lines, the limit is {limit}"] if lines > limit else []
    stripped = tree.strip(code)
    for match in re.finditer(r"^[ \t]*#[ \t]*define[ \t]+(\w+)\(", stripped, re.M):
        if match.group(1) not in MACROS.get(path, ()):
            line = stripped.count("\n", 0, match.start()) + 1
            found.append(f"{path}:{line}: function-like macro {match.group(1)}: write a function")
    return found


def check_function(path, function):
    where = f"{path}:{function.line}: {function.name}"
    key = f"{path}:{function.name}"
    is_test_case = function.name in ("TEST_CASE", "SCENARIO", "TEST_CASE_METHOD")
    limit = limit_for(key, TEST_CASE_LINES if is_test_case else FUNCTION_LINES)
    found = []
    if function.lines > limit:
        found.append(f"{where}: {function.lines} lines, the limit is {limit}")
    if function.nesting > NESTING:
        found.append(f"{where}: nested {function.nesting} deep, the limit is {NESTING}")
    if function.parameters > PARAMETERS and not is_test_case:
        found.append(f"{where}: {function.parameters} parameters, the limit is {PARAMETERS}")
    return found


def headers_of_unit(root, path):
    """How many own headers a unit pulls in; to a module the whole contract is one."""
    headers = tree.own_headers(root, path, set())
    if path.startswith("modules/"):
        contract = {header for header in headers if header.startswith("core/")}
        return len(headers - contract) + 1
    return len(headers)


def measure(root):
    """Violations, and the product's functions for the report."""
    found, product = [], []
    for file in tree.files(root, "*.h", "*.cpp"):
        path = file.relative_to(root).as_posix()
        code = file.read_text()
        functions = cpp_scan.functions(code)
        found += check_file(path, code)
        for function in functions:
            found += check_function(path, function)
        if path.startswith(("core/", "cfg/", "modules/")):
            product += [(path, function) for function in functions]
            count = headers_of_unit(root, path)
            if path.endswith(".cpp") and count > limit_for(path + ":headers", OWN_HEADERS):
                found.append(f"{path}: pulls in {count} own headers, the limit is {OWN_HEADERS}")
    long = [entry for entry in product if entry[1].lines > LONG_FUNCTION]
    if len(product) >= 100 and len(long) > LONG_SHARE * len(product):
        names = ", ".join(f"{path}:{function.line}" for path, function in long)
        found.append(f"{len(long)} of {len(product)} functions are over {LONG_FUNCTION} lines, "
                     f"the limit is {LONG_SHARE:.0%}: {names}")
    return found, product


def check(root):
    return measure(root)[0]


def print_report(root, product):
    def line(name, values):
        values = sorted(values) or [0]
        at = lambda share: values[min(len(values) - 1, int(len(values) * share))]
        print(f"{name}: {len(values)}, median {at(0.5)}, 90% below {at(0.9)}, most {values[-1]}")

    count = lambda *patterns: [f.read_text().count("\n") for f in tree.files(root, *patterns)]
    line("sources", count("core/*.cpp", "cfg/*.cpp", "modules/*.cpp"))
    line("headers", count("core/*.h", "cfg/*.h", "modules/*.h"))
    line("functions", [function.lines for _, function in product])
    code = sum(count("core/*.cpp", "core/*.h", "cfg/*.cpp", "cfg/*.h", "modules/*.cpp",
                     "modules/*.h"))
    tests = sum(count("test/*.cpp", "test/*.h", "test/*.py", "test/*.scn"))
    print(f"test lines per line of code: {tests / max(code, 1):.2f}")


if __name__ == "__main__":
    violations, everything = measure(tree.root_from_args())
    if "--report" in sys.argv:
        print_report(tree.root_from_args(), everything)
    sys.exit(tree.report("check_size", violations))
