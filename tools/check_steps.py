#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The steps of tools/check: static checks, builds, tests, sanitizers, static analysis, fuzzers.

Each step adds to the count of test cases. The last line is "N passed, N failed"; what failed is
listed above it with the place of its output."""
import argparse
import base64
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PYTHON = sys.executable
JOBS = os.cpu_count() or 1
FUZZ_SECONDS = int(os.environ.get("FUZZ_SECONDS", "60"))
# One seed for everybody, so that a change is judged by what it changed; `tools/dev fuzz` takes a
# new one each time.
FUZZ_SEED = os.environ.get("FUZZ_SEED", "1")


class Count:
    def __init__(self, later=()):
        self.passed = 0
        self.failures = []
        self.later = set(later)  # the steps that have not begun

    def add(self, name, ok, why=""):
        if ok:
            self.passed += 1
        else:
            self.failures.append(f"{name}: {why}" if why else name)
            print(f"FAILED {self.failures[-1]}", flush=True)


def run(command, **options):
    """Runs quietly; gives the exit status and all that was printed."""
    result = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, errors="replace", **options)
    return result.returncode, result.stdout


def command_case(count, name, command, **options):
    """One command that passes or fails as one test case; shows its output when it fails."""
    status, output = run(command, **options)
    if status:
        print("\n".join(output.rstrip().split("\n")[-60:]))
    count.add(name, status == 0, f"exit status {status}")
    return status == 0


def stand_back():
    """This process and its children run only when nobody else wants the processor."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


@contextlib.contextmanager
def head_start(command):
    """Begins a later step's work while this step waits for its tests, which leave the processors
    idle most of the time. Whatever is not done at the end is stopped: the later step runs the
    command itself, and finds less to do."""
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True, preexec_fn=stand_back)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def last(text, lines):
    return "\n".join(text.rstrip().split("\n")[-lines:])


# ---- Static checks ---------------------------------------------------------------------------

def static(count):
    for name in ("layers", "size", "allow", "words", "seeds"):
        command_case(count, f"check_{name}", [PYTHON, f"tools/check_{name}.py"])
    command_case(count, "changes", [PYTHON, "tools/join_changes", "--check"])
    sources = [str(path.relative_to(ROOT)) for folder in ("core", "cfg", "modules", "tools", "test")
               for path in sorted((ROOT / folder).rglob("*")) if path.suffix in (".h", ".cpp")]
    command_case(count, "format", ["clang-format-19", "--dry-run", "-Werror"] + sources)


# ---- Builds ----------------------------------------------------------------------------------

def configure(folder, cc, cxx, *options):
    if (ROOT / folder / "build.ninja").exists():
        return 0, ""
    cache = "ccache " if shutil.which("ccache") else ""
    environment = os.environ | {"CC": cache + cc, "CXX": cache + cxx}
    if shutil.which("mold"):
        environment["CXX_LD"] = "mold"
    return run(["meson", "setup", folder, *options], env=environment)


def build(count, name, folder, cc, cxx, *options):
    status, output = configure(folder, cc, cxx, *options)
    if status == 0:
        status, output = run(["ninja", "-j", str(JOBS), "-C", folder])
    if status:
        print(last(output, 60))
    count.add(name, status == 0, "does not build")
    return status == 0


def build_gcc(count):
    return build(count, "gcc build", "build", "gcc", "g++")


ASAN = ("build-asan", "clang-19", "clang++-19", "-Db_sanitize=address,undefined", "-Db_lundef=false",
        "-Dfuzz=true", "-Doptimization=1", "-Dcpp_args=-gline-tables-only")


def build_asan(count):
    return build(count, "clang build with sanitizers", *ASAN)


def symbols(count):
    if build_gcc(count):
        command_case(count, "check_symbols", [PYTHON, "tools/check_symbols.py", "build"])
        if (ROOT / "tools/gen_readme").exists():
            command_case(count, "generated documents",
                         ["tools/gen_readme", "--check", "--build", "build"])


def headers(count):
    if build_gcc(count):
        command_case(count, "headers alone", [PYTHON, "tools/check_headers.py", "--build", "build"])


# ---- Tests -----------------------------------------------------------------------------------

CATCH_OK = re.compile(r"All tests passed \([\d,]+ assertions? in (\d+) test cases?\)")
CATCH_BAD = re.compile(r"test cases:\s*(\d+)\s*\|(?:\s*(\d+) passed\s*\|)?\s*(\d+) failed")
UNITTEST = re.compile(r"^Ran (\d+) tests? in", re.M)
UNITTEST_BAD = re.compile(r"^FAILED \((.*)\)", re.M)
OWN = re.compile(r"^(\d+) passed, (\d+) failed", re.M)


def cases(output):
    """(passed, failed) from what a test program printed; None when it does not count."""
    if match := CATCH_OK.search(output):
        return int(match.group(1)), 0
    if match := CATCH_BAD.search(output):
        return int(match.group(1)) - int(match.group(3)), int(match.group(3))
    if match := UNITTEST.search(output):
        bad = UNITTEST_BAD.search(output)
        failed = sum(map(int, re.findall(r"(?:failures|errors)=(\d+)", bad.group(1)))) if bad else 0
        return int(match.group(1)) - failed, failed
    if match := OWN.search(output):
        return int(match.group(1)), int(match.group(2))
    return None


def count_test(count, prefix, entry):
    """Adds one meson test with the cases in it."""
    output = (entry.get("stdout") or "") + "\n" + (entry.get("stderr") or "")
    passed, failed = cases(output) or (0, 0)
    name = f"{prefix}{entry['name']}"
    if entry["result"] == "SKIP":
        count.add(name, False, "skipped")
    elif entry["result"] == "OK":
        count.passed += max(passed, 1)
    else:
        print(last(output, 60))
        count.passed += passed
        for _ in range(max(failed, 1)):
            count.failures.append(f"{name}: {entry['result']}")
        print(f"FAILED {count.failures[-1]}", flush=True)


def meson_tests(count, prefix, folder, *arguments):
    log = ROOT / folder / "meson-logs/testlog.json"
    log.unlink(missing_ok=True)
    status, output = run(["meson", "test", "-C", folder, "--no-rebuild", "--num-processes",
                          str(JOBS), *arguments])
    entries = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    if not entries and "No suitable tests" not in output and status:
        print(last(output, 20))
        count.add(f"{prefix}meson test", False, "no tests ran")
    for entry in entries:
        count_test(count, prefix, entry)


# A busy machine may be several times slower than the one that a test's limit was measured on.
PATIENTLY = ["--timeout-multiplier", "4"]


def unit(count):
    if build_gcc(count):
        meson_tests(count, "", "build", "--no-suite", "e2e", "--no-suite", "oracle", *PATIENTLY)


def whole(count):
    if not build_gcc(count):
        return
    ahead = contextlib.nullcontext()
    if "asan" in count.later and configure(*ASAN)[0] == 0:
        ahead = head_start(["ninja", "-j", str(JOBS), "-C", "build-asan"])
    with ahead:
        meson_tests(count, "", "build", "--suite", "e2e", "--suite", "oracle", *PATIENTLY)


TIDY = [PYTHON, "tools/run_tidy.py", "build-asan"]


def asan(count):
    if not build_asan(count):
        return
    with head_start(TIDY) if "tidy" in count.later else contextlib.nullcontext():
        meson_tests(count, "sanitizers: ", "build-asan", "--timeout-multiplier", "5")


# ---- Static analysis -------------------------------------------------------------------------

def tidy(count):
    status, output = configure(*ASAN)
    if status == 0:  # compile commands of a tree that has changed since
        status, output = run(["ninja", "-C", "build-asan", "build.ninja"])
    if status:
        print(last(output, 20))
        count.add("clang-tidy", False, "build-asan cannot be configured")
        return
    command_case(count, "clang-tidy", TIDY)


# ---- Fuzzers ---------------------------------------------------------------------------------

def fuzzers():
    folder = ROOT / "build-asan/test/fuzz"
    return [path for path in sorted(folder.glob("*")) if path.is_file() and
            os.access(path, os.X_OK) and path.suffix == ""] if folder.exists() else []


def start_fuzzer(program):
    name = program.name
    corpus = ROOT / "build-asan/corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    stem = name.removeprefix("fuzz_").removesuffix("_fuzz")
    seeds = [str(path) for path in (ROOT / "test/fuzz/corpus" / stem,) if path.is_dir()]
    log = ROOT / f"build-asan/{name}.log"
    for old in log.parent.glob(f"{name}-*"):
        old.unlink()
    return name, log, subprocess.Popen(
        [str(program), f"-max_total_time={FUZZ_SECONDS}", f"-seed={FUZZ_SEED}", "-timeout=10",
         "-rss_limit_mb=4096", "-print_final_stats=1",
         f"-artifact_prefix={ROOT}/build-asan/{name}-", str(corpus), *seeds],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log.open("w"), stderr=subprocess.STDOUT)


def finish_fuzzer(count, name, log, process):
    status = process.wait()
    output = log.read_text(errors="replace")
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", output)
    print(f"  {name}: {runs.group(1) if runs else 0} inputs in {FUZZ_SECONDS} s")
    if status:
        print(last(output, 40))
        print("\n".join(re.findall(r"^\S+\.(?:cpp|h):\d+: .*$", output, re.M)))
        for path in sorted(log.parent.glob(f"{name}-*")):  # enough to repeat it elsewhere
            print(f"{path.name}, in base64: {base64.b64encode(path.read_bytes()).decode()}")
    count.add(f"fuzz {name}", status == 0, f"exit status {status}, see {log.relative_to(ROOT)}")


def fuzz(count):
    if not build_asan(count):
        return
    waiting = fuzzers()
    if not waiting:
        count.add("fuzz", False, "no fuzzer was built")
    while waiting:
        running = [start_fuzzer(program) for program in waiting[:JOBS]]
        waiting = waiting[JOBS:]
        for entry in running:
            finish_fuzzer(count, *entry)


STEPS = {
    "static": (static, "layers, sizes, allow-lists, words, format"),
    "symbols": (symbols, "no globals or static constructors; generated documents up to date"),
    "headers": (headers, "every header compiles alone"),
    "unit": (unit, "gcc build, unit and scenario tests"),
    "whole": (whole, "end-to-end and oracle tests on the gcc build"),
    "asan": (asan, "clang build with ASan and UBSan, the whole suite"),
    "tidy": (tidy, "clang-tidy"),
    "fuzz": (fuzz, f"each fuzzer for {FUZZ_SECONDS} s from its seed corpus"),
}


def main():
    parser = argparse.ArgumentParser(prog="tools/check", description=__doc__)
    parser.add_argument("--only", help="steps, with commas: " + ", ".join(STEPS))
    parser.add_argument("--list", action="store_true", help="name the steps")
    options = parser.parse_args()
    if options.list:
        print("\n".join(f"{name}: {text}" for name, (_, text) in STEPS.items()))
        return 0
    wanted = options.only.split(",") if options.only else list(STEPS)
    unknown = [name for name in wanted if name not in STEPS]
    if unknown:
        parser.error(f"no step {', '.join(unknown)}; there are {', '.join(STEPS)}")
    count = Count(wanted)
    for name in wanted:
        count.later.discard(name)
        began = time.monotonic()
        print(f"== {name}: {STEPS[name][1]}", flush=True)
        STEPS[name][0](count)
        print(f"   {time.monotonic() - began:.0f} s", flush=True)
    for failure in count.failures:
        print(f"FAILED {failure}")
    print(f"{count.passed} passed, {len(count.failures)} failed")
    return 1 if count.failures else 0


if __name__ == "__main__":
    sys.exit(main())
