#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tools that write files: module READMEs, the list of changes; and what tools/check counts."""
import importlib.machinery
import importlib.util
import os
import pathlib
import signal
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
sys.dont_write_bytecode = True
import check_steps


def load(name):
    loader = importlib.machinery.SourceFileLoader(name, str(TOOLS / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


gen_readme, join_changes, bench = load("gen_readme"), load("join_changes"), load("bench")


class Readme(unittest.TestCase):
    def test_the_introduction_is_kept(self):
        old = "# tm\nBy hand.\n\n" + gen_readme.MARKER + "\nold text\n"
        self.assertEqual(gen_readme.merged(old, "new text\n"),
                         "# tm\nBy hand.\n\n" + gen_readme.MARKER + "\nnew text\n")

    def test_an_empty_file_gets_the_marker(self):
        self.assertEqual(gen_readme.merged("", "text\n"), gen_readme.MARKER + "\ntext\n")


class Index(unittest.TestCase):
    TEXT = ("# tm\n\nSummary.\n\n## Parameters\n\n- `b` (integer)  \n  A b | c.\n\n"
            "## Functions\n\n- `go(a)` in request_route  \n  Goes.\n- `come()`  \n  Comes.\n\n"
            "## Statistics (group `tm`)\n\n- `n`  \n  A count.\n")

    def test_every_kind_is_found_with_its_text(self):
        rows = gen_readme.entries("tm", "tm.md", self.TEXT)
        self.assertEqual([row[:2] for row in rows], [("Parameters", "b"), ("Functions", "go(a)"),
                                                     ("Functions", "come()"), ("Statistics", "n")])
        self.assertEqual(rows[0][2:], ("[tm](tm.md)", "A b \\| c."))

    def test_the_index_is_in_the_order_of_the_alphabet(self):
        text = gen_readme.index(gen_readme.entries("tm", "tm.md", self.TEXT))
        self.assertLess(text.index("| `come()` | [tm](tm.md) | Comes. |"), text.index("`go(a)`"))
        self.assertIn("| `n` | [tm](tm.md) | A count. |", text)


class Changes(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        (self.root / "changes").mkdir()
        (self.root / "changes/README.md").write_text("not an entry")

    def test_entries_are_joined_above_older_ones_and_removed(self):
        (self.root / "CHANGES.md").write_text("# Changes\n\n## 0.1.0 (2026-01-01)\n\n- old\n")
        (self.root / "changes/a.md").write_text("[bug] tm: does not\nforget.\n")
        (self.root / "changes/b.md").write_text("[feature] sl: answers.\n")
        self.assertEqual(join_changes.join(self.root, "0.2.0"), [])
        text = (self.root / "CHANGES.md").read_text()
        self.assertRegex(text, r"(?s)^# Changes\n\n## 0\.2\.0 .*- \[feature\] sl: answers\.\n"
                               r"- \[bug\] tm: does not forget\.\n\n## 0\.1\.0")
        self.assertFalse((self.root / "changes/a.md").exists())

    def test_a_wrong_entry_stops_it(self):
        (self.root / "changes/a.md").write_text("fixed tm")
        self.assertEqual(len(join_changes.join(self.root, "0.2.0")), 1)
        self.assertFalse((self.root / "CHANGES.md").exists())


class Count(unittest.TestCase):
    def test_catch(self):
        self.assertEqual(check_steps.cases("All tests passed (1,234 assertions in 17 test cases)"),
                         (17, 0))
        self.assertEqual(check_steps.cases("test cases: 5 | 3 passed | 2 failed\n"), (3, 2))
        self.assertEqual(check_steps.cases("test cases: 1 | 1 failed\n"), (0, 1))

    def test_unittest(self):
        self.assertEqual(check_steps.cases("Ran 41 tests in 0.3s\n\nOK"), (41, 0))
        self.assertEqual(check_steps.cases("Ran 9 tests in 1s\n\nFAILED (failures=1, errors=2)"),
                         (6, 3))

    def test_own_summary(self):
        self.assertEqual(check_steps.cases("...\n12 passed, 1 failed\n"), (12, 1))

    def test_a_crash_is_a_failure(self):
        count = check_steps.Count()
        check_steps.count_test(count, "", {"name": "x", "result": "FAIL", "stdout": "Segfault"})
        self.assertEqual((count.passed, len(count.failures)), (0, 1))

    def test_a_skipped_test_is_not_passed(self):
        count = check_steps.Count()
        check_steps.count_test(count, "", {"name": "x", "result": "SKIP", "stdout": ""})
        self.assertEqual((count.passed, len(count.failures)), (0, 1))


class HeadStart(unittest.TestCase):
    def test_it_yields_to_everybody_and_is_stopped_with_all_its_children(self):
        with tempfile.TemporaryDirectory() as folder:
            pipe = pathlib.Path(folder) / "pipe"
            os.mkfifo(pipe)
            # The child of the child holds the pipe open for as long as it lives.
            child = f"exec > {pipe}; chrt -p $$; (exec sleep 1000) & wait"
            with check_steps.head_start(["sh", "-c", child]) as process:
                with pipe.open() as stream:
                    self.assertIn("SCHED_IDLE", stream.readline())
                    self.assertIsNone(process.poll())
                    stream.readline()
                    rest = os.dup(stream.fileno())
            self.assertEqual(os.read(rest, 1), b"")  # nobody writes any more
            os.close(rest)
            self.assertEqual(process.returncode, -signal.SIGTERM)


class Bench(unittest.TestCase):
    def test_the_table_has_ratios(self):
        text = bench.table({"stateless reply": {"Kamailio": 30.0, "Fairlead": 9.0}},
                           {"Kamailio": (12000, 12000), "Fairlead": (3000, 600)})
        self.assertIn("| stateless reply, 10,000/s: CPU | 30.0 µs | 9.0 µs | 0.30 |", text)
        self.assertIn("| waiting INVITE transaction: shared memory | 12000 bytes | 600 bytes | "
                      "0.05 |", text)

    def test_one_server_alone_has_no_ratio(self):
        self.assertIn("| 30.0 µs | - | - |",
                      bench.table({"stateless reply": {"Kamailio": 30.0}}, {}))


if __name__ == "__main__":
    unittest.main()
