#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installs into a directory of its own, builds modules there out of the tree, runs them, refuses one
of another server, and uninstalls: install_test.py BUILD SOURCE."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD, SOURCE = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
LOG = BUILD / "meson-logs/install-log.txt"


def run(*command, **options):
    """What it printed; fails with all of it when it fails."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    if done.returncode:
        raise AssertionError(f"{command}: exit status {done.returncode}\n{done.stdout}")
    return done.stdout


def option(name):
    options = json.loads((BUILD / "meson-info/intro-buildoptions.json").read_text())
    return next(row["value"] for row in options if row["name"] == name)


class Installation:
    """One installed server, or only its headers, below `root`."""

    def __init__(self, root, build, *arguments):
        self.root = root
        run("meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", root, *arguments)
        self.prefix = root / option("prefix").lstrip("/")
        pc = next(root.rglob("fairlead.pc"))
        # A staged tree that is used where it stands: its prefix is there.
        pc.write_text(pc.read_text().replace("prefix=" + option("prefix"), f"prefix={self.prefix}", 1))
        self.environment = {key: value for key, value in os.environ.items()
                            if key not in ("CXX", "CC", "CXXFLAGS", "LDFLAGS", "DESTDIR")}
        self.environment |= {"PKG_CONFIG_PATH": str(pc.parent), "PYTHONDONTWRITEBYTECODE": "1"}
        self.server = self.prefix / option("bindir") / "fairlead"

    @staticmethod
    def temporary(case):
        """A folder that goes with the test case, which gives the log of an earlier installation back
        to the owner of the build, for its uninstall."""
        folder = tempfile.TemporaryDirectory(prefix="fairlead-test-")
        case.addClassCleanup(folder.cleanup)
        kept = LOG.read_text() if LOG.exists() else None
        case.addClassCleanup(lambda: LOG.write_text(kept) if kept else LOG.unlink(missing_ok=True))
        os.chmod(folder.name, 0o755)
        return pathlib.Path(folder.name)

    def compile(self, source, *flags):
        """With the compiler alone and the flags of pkg-config, as the shell passes them on."""
        command = f'g++ -Wall -Wextra -Werror $(pkg-config --cflags fairlead) "$@" {source}'
        return run("sh", "-c", command, "sh", *flags, env=self.environment, cwd=source.parent)

    def new_module(self, name, folder):
        run(self.server.parent / "fairlead-new-module", name, folder, env=self.environment)
        return folder / f"{name}.cpp"


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Installation.temporary(cls)
        cls.here = Installation(cls.folder / "root", BUILD)

    def fresh(self):
        return pathlib.Path(tempfile.mkdtemp(dir=self.folder))

    def check(self, config):
        path = self.fresh() / "test.cfg"
        path.write_text(config)
        return subprocess.run([str(self.here.server), "-c", "-f", str(path)], text=True,
                              capture_output=True, stdin=subprocess.DEVNULL)

    def test_the_installed_server_finds_its_configuration_and_modules(self):
        self.assertIn("config file ok", run(self.here.server, "-c"))
        self.assertIn(f"Default config: {self.here.root}", run(self.here.server, "-I"))
        self.assertIn("t_relay", run(self.here.server, "--describe", "tm"))

    def test_the_servers_of_build_tree_and_installation_keep_apart(self):
        self.assertNotIn(str(self.here.root), run(BUILD / "core/fairlead", "-I"))
        self.assertNotIn(str(BUILD), run(self.here.server, "-I"))

    def test_every_installed_header_compiles_with_the_installed_flags(self):
        include = self.here.prefix / option("includedir") / "fairlead"
        headers = sorted(path.relative_to(include).as_posix() for path in include.rglob("*.h"))
        for wanted in ("core/module.h", "core/api/core.h", "modules/tm/api.h", "modules/sl/api.h"):
            self.assertIn(wanted, headers)
        source = self.fresh() / "all.cpp"
        source.write_text("".join(f'#include "{name}"\n' for name in headers))
        self.here.compile(source, "-fsyntax-only")

    def test_a_new_module_builds_and_passes_its_own_test(self):
        folder = self.fresh() / "greeter"
        source = self.here.new_module("night_watch", folder)
        self.assertLessEqual(len(source.read_text().splitlines()), 50)
        run("meson", "setup", "build", env=self.here.environment, cwd=folder)
        self.assertIn("OK", run("meson", "test", "-C", "build", "-v", env=self.here.environment,
                                cwd=folder))
        self.assertIn("night_watch_greet", run(self.here.server, "--describe",
                                               folder / "build/night_watch.so"))

    def test_a_new_module_builds_with_the_compiler_alone(self):
        source = self.here.new_module("hello", self.fresh() / "hello")
        self.here.compile(source, "-shared", '-DFAIRLEAD_LOG_TAG="hello"', "-o", "hello.so")
        done = self.check(f'loadmodule "{source.parent}/hello.so"\n'
                          'request_route { hello_greet("you"); }\n')
        self.assertEqual((done.returncode, "config file ok" in done.stderr), (0, True), done.stderr)

    def test_new_module_overwrites_nothing_and_wants_a_name(self):
        folder = self.fresh()
        source = self.here.new_module("hello", folder)
        source.write_text("mine")
        with self.assertRaisesRegex(AssertionError, "new-module: .*hello.cpp: File exists"):
            self.here.new_module("hello", folder)
        self.assertEqual(source.read_text(), "mine")
        with self.assertRaisesRegex(AssertionError, "small letters"):
            self.here.new_module("Bad-Name", folder)

    def test_a_module_built_against_other_headers_is_refused_in_one_line(self):
        tree = self.fresh() / "other"
        for name in ("core", "cfg", "modules", "tools"):
            shutil.copytree(SOURCE / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("meson.build", "meson_options.txt"):
            shutil.copy(SOURCE / name, tree / name)
        header = tree / "core/api/core.h"
        old = "class Core {\npublic:\n"
        self.assertIn(old, header.read_text())
        header.write_text(header.read_text().replace(
            old, old + "    virtual int from_another_version() = 0;\n"))
        run("meson", "setup", "-Dtests=false", "--prefix", option("prefix"), tree / "build", tree)
        other = Installation(self.fresh(), tree / "build", "--tags", "devel")
        source = self.here.new_module("stranger", self.fresh())
        other.compile(source, "-shared", '-DFAIRLEAD_LOG_TAG="stranger"', "-o", "stranger.so")
        done = self.check(f'loadmodule "{source.parent}/stranger.so"\nrequest_route {{ drop; }}\n')
        self.assertEqual(done.returncode, 255)
        lines = [line for line in done.stderr.splitlines() if "error: " in line]
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertRegex(lines[0], "was built for interface [0-9a-f]{16}/.*, this server has "
                                   "[0-9a-f]{16}/.*: rebuild it with `pkg-config --cflags fairlead`")

    def test_uninstall_leaves_nothing(self):
        root = self.fresh() / "root"
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", root)
        self.assertTrue(any(root.rglob("fairlead.cfg")))
        run("ninja", "-C", BUILD, "uninstall")
        self.assertEqual([str(path) for path in root.rglob("*") if not path.is_dir()], [])
        self.assertEqual(list(root.rglob("fairlead")), [], "a directory is left")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
