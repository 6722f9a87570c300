# SPDX-License-Identifier: Apache-2.0
"""Calls from sipp's built-in uac through the server to sipp's built-in uas: none may fail, few
messages sent again. CALLS, RATE and MOST_AGAIN change it (200 calls/s for 10 s; with MOST_AGAIN=0 the
machine must be quiet)."""
import contextlib
import os
import tempfile

import sipp
import standstill
from shipped import Shipped, relay_to
from sipp import Sipp, literal

RATE = int(os.environ.get("RATE", "200"))
CALLS = int(os.environ.get("CALLS", str(RATE * 10)))
# A busy machine makes sipp and the server send again what was not lost; a server that loses messages
# needs many more. Not checked when the machine stood still meanwhile.
MOST_AGAIN = int(os.environ.get("MOST_AGAIN", str(CALLS // 10)))


def calls(server_for, host, uri_to_uas=False):
    """Runs the load; `server_for(address of the uas)` makes the server."""
    with standstill.Watch() as watch, tempfile.TemporaryDirectory(prefix="fairlead-calls-") as folder, \
            contextlib.ExitStack() as agents:
        def start(scenario, *args):
            agent = Sipp(folder, scenario, scenario, "-m", str(CALLS), *args, host=host)
            agents.callback(agent.kill)
            return agent

        uas = start("uas").wait_bound()
        address = f"{literal(host)}:{uas.port}"
        with server_for(address) as server:
            target = [address, "-rsa", server.address] if uri_to_uas else [server.address]
            uac = start("uac", "-r", str(RATE), "-timeout", "120s", "-timeout_error", *target)
            for agent in (uac, uas):
                agent.finish(CALLS / RATE + 60)
        for agent in (uac, uas):
            assert agent.good_and_failed() == (CALLS, 0), agent.totals()
            again = int(agent.totals()["Retransmissions(C)"])
            assert again <= MOST_AGAIN or not watch.went_on, agent.totals()


def test_relay_with_1_worker():
    calls(lambda uas: relay_to(uas, workers=1), "127.0.0.1")


def test_relay_with_4_workers():
    calls(lambda uas: relay_to(uas, workers=4), "127.0.0.1")


def test_relay_over_ipv6():
    calls(lambda uas: relay_to(uas, workers=4, host="::1"), "::1")


def test_default_configuration_relays_by_request_uri():
    def server(_):
        shipped = Shipped("fairlead.cfg", workers=4)
        shipped.args += ["-A", f"LISTEN=udp:{shipped.address}"]
        return shipped
    calls(server, "127.0.0.1", uri_to_uas=True)


def test_default_configuration_over_ipv6():
    def server(_):
        shipped = Shipped("fairlead.cfg", workers=4, host="::1")
        shipped.args += ["-A", f"LISTEN=udp:{shipped.address}"]
        return shipped
    calls(server, "::1", uri_to_uas=True)


if __name__ == "__main__":
    sipp.main(dict(globals()))
