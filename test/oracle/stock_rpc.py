# SPDX-License-Identifier: Apache-2.0
"""The configuration of Debian's package with WITH_JSONRPC: commands over HTTP on the port of SIP, run
by jsonrpc_dispatch()."""
import json

from agent import Message
from web_agent import WebAgent

DEFINES = {"WITH_JSONRPC": "1"}


def asked(t, method="POST", path="/RPC", body=""):
    """The response to an HTTP request on a new connection, which ends behind it."""
    if not t.more:
        t.more.append(WebAgent(t.port, ("127.0.0.1", t.port)))
    web = t.more[0].open()
    web.connection.request(method, path, fields={
        "Host": "localhost", "Content-Type": "application/json", "Content-Length": str(len(body))},
        body=body)
    response = web.connection.response()
    web.received.append(Message(str(response)))
    web.expect_end()
    return response


def command(name, *params, **more):
    return json.dumps({"jsonrpc": "2.0", "method": name, "params": list(params), "id": 1, **more})


def rpc_answers(t):
    for body in (command("core.echo", "a", 5), command("core.echo", "x", id="text")):
        assert asked(t, body=body).status == 200


def rpc_errors(t):
    assert asked(t, body=command("no.such.command")).status == 500
    assert asked(t, body=command("stats.get_statistics")).status == 400


def rpc_elsewhere(t):
    """Any other page is the script's."""
    asked(t, "GET", "/other")


SCENARIOS = [rpc_answers, rpc_errors, rpc_elsewhere]
