#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fairlead-cpl: what it prints and its exit status."""
import os
import subprocess
import sys
import tempfile
import unittest

TOOL = sys.argv.pop(1)
SCRIPT = """<cpl><incoming><address-switch field="origin" subfield="user">
<address is="bob"><reject status="busy"/></address>
</address-switch></incoming></cpl>"""


class Tool(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = folder.name
        self.file = self.write("script.xml", SCRIPT)

    def write(self, name, text):
        path = os.path.join(self.path, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run_tool(self, *arguments):
        done = subprocess.run([TOOL, *arguments], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def test_correct_script(self):
        code, out, _ = self.run_tool("check", self.file)
        self.assertEqual(code, 0)
        self.assertRegex(out, r"script\.xml: correct, \d+ bytes compiled\n$")

    def test_faults_have_file_line_and_column(self):
        wrong = self.write("wrong.xml", "<cpl>\n <incoming><proxy speed='1'/></incoming></cpl>")
        code, out, _ = self.run_tool("check", wrong)
        self.assertEqual(code, 1)
        self.assertEqual(out, wrong + ":2:12: proxy has no attribute speed (RFC 3880 2)\n")

    def test_explain(self):
        code, out, _ = self.run_tool("check", "--explain", self.file)
        self.assertEqual((code, out), (0, "incoming:\n  address origin user\n    is \"bob\":\n"
                                          "      reject with 486\n"))

    def test_drawing(self):
        drawing = os.path.join(self.path, "script.svg")
        self.assertEqual(self.run_tool("check", "--svg", drawing, self.file)[0], 0)
        with open(drawing, encoding="utf-8") as file:
            self.assertIn("reject with 486", file.read())
        nowhere = os.path.join(self.path, "no/such/folder.svg")
        self.assertEqual(self.run_tool("check", "--svg", nowhere, self.file)[0], 2)

    def test_dry_run(self):
        code, out, _ = self.run_tool("run", self.file, "--call", "incoming",
                                     "from=sip:bob@example.com")
        self.assertEqual((code, out), (0, "address origin user: is \"bob\"\nreject with 486\n"
                                          "outcome 486 Busy Here\n"))
        code, out, _ = self.run_tool("run", self.file)
        self.assertEqual((code, out.splitlines()[-1]), (0, "outcome the default behaviour"))
        code, _, err = self.run_tool("run", self.file, "--call", "noon")
        self.assertEqual(code, 2)
        self.assertRegex(err, r'^fairlead-cpl: "noon" does not describe a call: incoming or .*\n$')

    def test_what_cannot_be_read(self):
        code, _, err = self.run_tool("check", os.path.join(self.path, "missing"))
        self.assertEqual(code, 2)
        self.assertIn("cannot read", err)
        self.assertNotEqual(self.run_tool("dance", self.file)[0], 0)
        self.assertNotEqual(self.run_tool()[0], 0)


if __name__ == "__main__":
    unittest.main()
