#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A test with processes is played again only when it failed on a machine that stood still."""
import contextlib
import io
import pathlib
import sys
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import standstill


class FakeWatch:
    """A machine that stood still for `longest` seconds."""

    def __init__(self, longest):
        self.longest, self.went_on = longest, longest < standstill.MOST

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class Patiently(unittest.TestCase):
    def play(self, longest, failures):
        """How often something was played that fails so many times, and whether it failed at last."""
        plays = []

        def play():
            plays.append(None)
            if len(plays) <= failures:
                raise AssertionError("sipp ended with 1")

        failed = False
        with unittest.mock.patch.object(standstill, "Watch", lambda: FakeWatch(longest)), \
                contextlib.redirect_stdout(io.StringIO()):
            try:
                standstill.patiently(play)
            except AssertionError:
                failed = True
        return len(plays), failed

    def test_success(self):
        self.assertEqual(self.play(9, 0), (1, False))

    def test_failure_on_a_machine_that_went_on(self):
        self.assertEqual(self.play(0.1, 1), (1, True))

    def test_failure_on_a_machine_that_stood_still(self):
        self.assertEqual(self.play(0.3, 2), (3, False))

    def test_failure_of_every_play(self):
        self.assertEqual(self.play(0.3, 9), (standstill.TRIES, True))


class Watch(unittest.TestCase):
    def test_a_gap_is_seen(self):
        watch = standstill.Watch()
        times = iter([0.0, standstill.TICK, 5.0])
        with unittest.mock.patch.object(standstill.time, "monotonic", lambda: next(times)), \
                unittest.mock.patch.object(watch.ends, "wait", side_effect=[False, False, True]), \
                unittest.mock.patch.object(standstill.os, "sched_setaffinity"):
            watch.look(0)
        self.assertAlmostEqual(watch.longest, 5.0 - 2 * standstill.TICK)


if __name__ == "__main__":
    unittest.main()
