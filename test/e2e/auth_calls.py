# SPDX-License-Identifier: Apache-2.0
"""sipp registers and calls with a password, as its own [authentication] computes it."""
import contextlib
import os
import tempfile

import fairlead
import ports
import sipp
from sipp import Sipp

HERE = os.path.dirname(os.path.abspath(__file__))
RUNS = 20

MODULES = """
loadmodule "tm.so"
loadmodule "pv.so"
loadmodule "auth.so"
modparam("auth", "add_authinfo_hdr", 1)
modparam("auth", "nonce_count", 1)
"""
ROUTE = """
    if ($rm == "REGISTER") {
        if (!pv_www_authenticate("%s", "secret", "0")) { www_challenge("%s", "1"); exit; }
        sl_send_reply("200", "OK");
        exit;
    }
    if ($rm == "INVITE") {
        if (!pv_proxy_authenticate("%s", "secret", "0")) { proxy_challenge("%s", "1"); exit; }
        consume_credentials();
    }
    $du = "sip:127.0.0.1:%d";
    t_relay();
"""


def agent(folder, name, scenario, *args):
    return Sipp(folder, name, scenario, "-m", str(RUNS), "-timeout", "120s", "-timeout_error", *args)


def run(scenario, answers):
    """Runs the scenario; `answers`: it calls somebody who does."""
    with tempfile.TemporaryDirectory(prefix="fairlead-auth-") as folder, \
            contextlib.ExitStack() as agents:
        uas_port = ports.reserve()
        if answers:
            uas = agent(folder, "uas", "uas").wait_bound()
            agents.callback(uas.kill)
            uas_port = uas.port
        route = ROUTE % ("realm", "realm", "realm", "realm", uas_port)
        with fairlead.Server(extra=MODULES, route=route) as server:
            uac = agent(folder, "uac", os.path.join(HERE, scenario), "-r", "20",
                        f"127.0.0.1:{server.port}")
            agents.callback(uac.kill)
            uac.finish(150)
            assert uac.good_and_failed() == (RUNS, 0)


def test_registrations():
    run("auth_register.xml", answers=False)


def test_calls():
    run("auth_call.xml", answers=True)


if __name__ == "__main__":
    sipp.main(dict(globals()))
