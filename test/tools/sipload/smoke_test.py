#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The load tool against itself: every mode, both address families, several sources."""
import json
import os
import signal
import subprocess
import sys
import unittest

SIPLOAD = sys.argv.pop(1)


def run(*arguments):
    result = subprocess.run([SIPLOAD, "--json", *arguments], capture_output=True, text=True,
                            timeout=25)
    return result.returncode, json.loads(result.stdout) if result.stdout else result.stderr


class Smoke(unittest.TestCase):
    def completes(self, count, *arguments):
        status, report = run("--calls", str(count), *arguments)
        self.assertEqual(status, 0, report)
        self.assertEqual(report["uac"]["completed"], count)
        self.assertEqual(report["uac"]["retransmitted"], 0)
        return report

    def test_calls_at_a_rate(self):
        report = self.completes(200, "--mode", "call", "--uas", "127.0.0.1:0", "--rate", "1000")
        self.assertGreater(report["latency_us"]["p50"], 0)

    def test_messages_in_a_closed_loop_over_ipv6(self):
        self.completes(500, "--mode", "message", "--uas", "[::1]:0", "--concurrency", "5")

    def test_many_sources(self):
        self.completes(500, "--mode", "message", "--uas", "127.0.0.1:0", "--sources", "16")

    def test_calls_over_tcp(self):
        self.completes(200, "--mode", "call", "--uas", "127.0.0.1:0", "--rate", "1000",
                       "--transport", "tcp", "--sources", "3")

    def test_calls_over_tls(self):
        self.completes(200, "--mode", "call", "--uas", "127.0.0.1:0", "--rate", "1000",
                       "--transport", "tls", "--sources", "3")

    def test_messages_over_tcp_and_ipv6(self):
        self.completes(500, "--mode", "message", "--uas", "[::1]:0", "--concurrency", "5",
                       "--transport", "tcp")

    def test_nobody_listens(self):
        status, text = run("--target", "127.0.0.1:9", "--calls", "1", "--transport", "tcp")
        self.assertEqual(status, 2)
        self.assertIn("cannot connect to 127.0.0.1:9", text)

    def test_writing_to_a_closed_connection_does_not_end_it(self):
        """OpenSSL writes as if nobody minded SIGPIPE; the report must come all the same."""
        with subprocess.Popen([SIPLOAD, "--json", "--target", "127.0.0.1:9", "--calls", "1", "--timeout",
                               "0.7", "--duration", "1", "--uas", "127.0.0.1:0"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            self.assertIn("answering on", process.stderr.readline())
            process.send_signal(signal.SIGPIPE)
            report = process.communicate(timeout=25)[0]
        self.assertEqual(process.returncode, 1)
        self.assertEqual(json.loads(report)["uac"]["failed"], 1)

    def test_cpu_of_a_process(self):
        report = self.completes(2000, "--mode", "message", "--uas", "127.0.0.1:0", "--pid",
                                str(os.getpid()))
        self.assertGreater(report["cpu_us"], 0.1)
        self.assertLess(report["cpu_us"], 10000)

    def test_no_answer_is_a_failure(self):
        status, report = run("--target", "127.0.0.1:9", "--calls", "3", "--rate", "100",
                             "--timeout", "0.7", "--duration", "1")
        self.assertEqual(status, 1)
        self.assertEqual(report["uac"]["reasons"], {"no answer": 3})
        self.assertEqual(report["uac"]["retransmitted"], 3)

    def test_a_wrong_option_is_explained(self):
        status, text = run("--mode", "nonsense")
        self.assertEqual(status, 2)
        self.assertIn("nonsense", text)


if __name__ == "__main__":
    unittest.main()
