#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The FIFO's example, given to the server by a shell and received by sipp exactly as written."""
import os
import subprocess
import tempfile

import fairlead
import sipp
from managed import Managed
from sipp import Sipp, written

EXAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../transaction.fifo")
CHECK = """<ereg regexp="{}" search_in="{}" check_it="true" assign_to="{}"/>"""
# A dot twice: the end of a line.
WANTED = [("^MESSAGE sip:mrx@iptel.org SIP/2.0", "msg"),
          ("From: [^:]*sip:sender@iptel.org>?;tag=", "msg"),
          ("..header:value..foo:bar..bznk:hjhjk..p_header: p_value..", "msg"),
          ("Content-Length: 39..", "msg"),
          ("^body body body..yet body..end of body..$", "body")]
RECEIVER = """<?xml version="1.0"?>
<scenario name="receiver">
<recv request="MESSAGE"><action>{checks}<log message="{used}"/></action></recv>
<send><![CDATA[
SIP/2.0 {status}
[last_Via:]
[last_From:]
[last_To:];tag=sipp
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
</scenario>
"""


def receiver(folder, status):
    checks = "".join(CHECK.format(text, where, i) for i, (text, where) in enumerate(WANTED, 1))
    used = " ".join(f"[${i}]" for i in range(1, len(WANTED) + 1))
    scenario = written(folder, "receiver", RECEIVER.format(checks=checks, used=used, status=status))
    agent = Sipp(folder, "receiver", scenario, "-m", "1", "-timeout", "60s", "-timeout_error")
    return agent.wait_bound()


def test_a_shell_gives_the_example_and_sipp_receives_it():
    for status in ("202 Accepted for delivery", "404 Not Found"):
        with tempfile.TemporaryDirectory() as folder:
            agent = receiver(folder, status)
            try:
                with Managed(proxy=agent.port) as server:
                    subprocess.run(f"cat {EXAMPLE} > {server.fifo}", shell=True, check=True)
                    assert server.reply("xxx") == status
                    agent.finish(fairlead.DEADLINE)
            finally:
                agent.kill()


if __name__ == "__main__":
    sipp.main(dict(globals()))
