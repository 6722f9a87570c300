# SPDX-License-Identifier: Apache-2.0
"""sipp registers and calls with a password, as its own [authentication] computes it."""
import csv
import os
import shutil
import subprocess
import sys
import tempfile

import fairlead
import ports

SIPP = shutil.which("sipp")
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


def sipp(folder, name, scenario, *args):
    statistics = os.path.join(folder, name + ".csv")
    port = ports.reserve()
    with open(os.path.join(folder, name + ".log"), "wb") as log:
        process = subprocess.Popen(
            [SIPP, *scenario, "-i", "127.0.0.1", "-p", str(port), "-nostdin", "-trace_stat", "-stf",
             statistics, "-fd", "1", "-m", str(RUNS), "-timeout", "120s", "-timeout_error", *args],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
    return process, port, statistics


def good_runs(statistics):
    with open(statistics, newline="") as file:
        last = list(csv.DictReader(file, delimiter=";"))[-1]
    return int(last["SuccessfulCall(C)"]), int(last["FailedCall(C)"])


def run(scenario, answers):
    """Runs the scenario; `answers`: it calls somebody who does."""
    with tempfile.TemporaryDirectory(prefix="fairlead-auth-") as folder:
        uas = None
        uas_port = ports.reserve()
        if answers:
            uas, uas_port, _ = sipp(folder, "uas", ["-sn", "uas"])
            fairlead.wait_until(lambda: is_bound(uas_port), "sipp")
        route = ROUTE % ("realm", "realm", "realm", "realm", uas_port)
        try:
            with fairlead.Server(extra=MODULES, route=route) as server:
                uac, _, statistics = sipp(folder, "uac", ["-sf", os.path.join(HERE, scenario)],
                                          "-r", "20", f"127.0.0.1:{server.port}")
                status = uac.wait(150)
                with open(os.path.join(folder, "uac.log"), errors="replace") as log:
                    assert status == 0, f"sipp ended with {status}\n{log.read()[-3000:]}"
                assert good_runs(statistics) == (RUNS, 0)
        finally:
            if uas is not None:
                uas.kill()
                uas.wait()


def is_bound(port):
    with open("/proc/net/udp", encoding="ascii") as lines:
        return any(f":{port:04X} " in line for line in lines)


def test_registrations():
    run("auth_register.xml", answers=False)


def test_calls():
    run("auth_call.xml", answers=True)


if __name__ == "__main__":
    if SIPP is None:
        print("SKIPPED: sipp is not installed (apt-get install sip-tester)")
        sys.exit(77)
    fairlead.main(dict(globals()))
