# SPDX-License-Identifier: Apache-2.0
"""SIP over WebSocket as a browser sees it, and phones that it talks to, on cfg/examples/websocket.cfg.
`t.web` is the browser, `t.bob` a phone on UDP."""
import websocket_client
from registrar_scenarios import fresh
from server import reserve
from web_agent import WebAgent


def defines(stage):
    stage.web_port = reserve()
    stage.ports[stage.web_port] = "web server"
    return {"PHONES": stage.server_address, "WEB": f"127.0.0.1:{stage.web_port}"}


# ---- HTTP

def other_pages(t):
    """Nothing is there but the handshake."""
    for request in ({"Upgrade": None, "Connection": None, "Sec_WebSocket_Key": None},
                    {"method": "POST", "path": "/other"}, {"Upgrade": "h2c"}):
        t.web.open().ask(**request)
        t.web.expect_end()


def handshake(t):
    t.web.ask()
    t.web.open().ask(Upgrade="WebSocket", Connection="keep-alive, Upgrade", path="/any?x=1")
    t.web.open().ask(Sec_WebSocket_Protocol="chat, sip", Origin="http://example.org",
                     Sec_WebSocket_Extensions="permessage-deflate")
    t.web.open().ask(Sec_WebSocket_Protocol=["chat", "sip"])


def refused(**changes):
    """A handshake with something wrong, behind which the connection ends."""
    def run(t):
        t.web.ask(**changes)
        t.web.expect_end()
    return run


# ---- SIP

def register(t, agent, user, number=1, expires=600):
    message = agent.request("REGISTER", f"sip:{t.server_address}", call=user, number=number)
    message.set("From", f"<{t.server_uri(user)}>;tag=from-{agent.name}")
    message.set("To", f"<{t.server_uri(user)}>")
    agent.send(message.add("Contact", f"<{agent.uri()}>").add("Expires", str(expires)))
    return fresh(agent.expect(200))


def registered(t):
    t.web.join()
    register(t, t.web, "alice")
    register(t, t.web, "alice", number=2, expires=0)


def both_registered(t):
    t.web.join()
    register(t, t.web, "alice")
    register(t, t.bob, "bob")


def message_to_phone(t):
    both_registered(t)
    t.web.send(t.web.request("MESSAGE", t.server_uri("bob"), body="hello"))
    t.bob.reply(t.bob.expect("MESSAGE"), 200, "OK")
    t.web.expect(200)


def message_to_browser(t):
    both_registered(t)
    text = "gr\u00fc\u00df dich"
    message = t.bob.request("MESSAGE", t.server_uri("alice"), body=text)
    t.bob.send(message.set("Content-Length", str(len(text.encode()))))
    t.web.reply(t.web.expect("MESSAGE"), 200, "OK")
    t.bob.expect(200)


def message_from_browser_to_browser(t):
    """Both are the same one."""
    both_registered(t)
    t.web.send(t.web.request("MESSAGE", t.server_uri("alice"), body="to myself"))
    t.web.reply(t.web.expect("MESSAGE"), 486, "Busy Here")
    t.web.expect(486)


def nobody(t):
    t.web.join()
    t.web.send(t.web.request("MESSAGE", t.server_uri("nobody")))
    t.web.expect(404)


def confirm(caller, invite, final):
    """ACK for a 2xx, on the recorded route."""
    return in_dialog(caller, "ACK", invite, final, int(invite.get("CSeq").split()[0]))


def in_dialog(caller, method, invite, final, number):
    contact = final.get("Contact").strip("<>").split(">")[0]
    message = caller.request(method, contact, number=number, to_tag=final.tag("To"))
    for route in reversed(final.all("Record-Route")):
        message.add("Route", route)
    return caller.send(message.set("Call-ID", invite.get("Call-ID")).set("From", invite.get("From")))


def call(t, caller, callee, user):
    invite = caller.send(caller.request("INVITE", t.server_uri(user), body="v=0\r\n"))
    received = callee.expect("INVITE")
    callee.reply(received, 180, "Ringing")
    caller.expect(180)
    callee.reply(received, 200, "OK", body="v=0\r\n")
    final = caller.expect(200)
    confirm(caller, invite, final)
    callee.expect("ACK")
    return invite, received, final


def hang_up(caller, callee, invite, final):
    in_dialog(caller, "BYE", invite, final, 2)
    callee.reply(callee.expect("BYE"), 200, "OK")
    caller.expect(200)


def callee_hangs_up(caller, callee, received):
    """The callee's BYE follows the route that the INVITE recorded."""
    contact = received.get("Contact").strip("<>").split(">")[0]
    bye = callee.request("BYE", contact, number=7)
    bye.set("From", received.get("To") + f";tag=to-{callee.name}").set("To", received.get("From"))
    for route in received.all("Record-Route"):
        bye.add("Route", route)
    callee.send(bye.set("Call-ID", received.get("Call-ID")))
    caller.reply(caller.expect("BYE"), 200, "OK")
    callee.expect(200)


def call_to_phone(t):
    both_registered(t)
    invite, _, final = call(t, t.web, t.bob, "bob")
    hang_up(t.web, t.bob, invite, final)


def call_to_phone_ended_by_it(t):
    both_registered(t)
    _, received, _ = call(t, t.web, t.bob, "bob")
    callee_hangs_up(t.web, t.bob, received)


def call_to_browser(t):
    both_registered(t)
    invite, _, final = call(t, t.bob, t.web, "alice")
    hang_up(t.bob, t.web, invite, final)


def call_to_browser_ended_by_it(t):
    both_registered(t)
    _, received, _ = call(t, t.bob, t.web, "alice")
    callee_hangs_up(t.bob, t.web, received)


def cancelled_by_browser(t):
    both_registered(t)
    invite = t.web.send(t.web.request("INVITE", t.server_uri("bob"), body="v=0\r\n"))
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 180, "Ringing")
    t.web.expect(180)
    t.web.cancel(invite)
    cancel = t.bob.expect("CANCEL")
    t.web.expect(200)  # the 487 comes by another process: nothing else keeps the two in order
    t.bob.reply(cancel, 200, "OK")
    t.bob.reply(received, 487, "Request Terminated")
    t.bob.expect("ACK")
    t.web.ack(invite, t.web.expect(487))


def browser_is_gone(t):
    """It was registered, and its connection is no more."""
    both_registered(t)
    t.web.connection.send_close()
    t.web.expect_end()
    t.bob.send(t.bob.request("MESSAGE", t.server_uri("alice")))
    t.bob.expect_any(404, 408, 477, 480, 500)


def browser_comes_back(t):
    """What is for it goes over the new connection."""
    both_registered(t)
    t.web.join()
    register(t, t.web, "alice", number=2)
    t.bob.send(t.bob.request("MESSAGE", t.server_uri("alice")))
    t.web.reply(t.web.expect("MESSAGE"), 200, "OK")
    t.bob.expect(200)


# ---- frames

def asked(t):
    return str(t.web.request("OPTIONS", f"sip:{t.server_address}"))


def ping(t):
    t.web.join().connection.send(websocket_client.PING, "are you there")
    t.web.expect_frame("pong")
    t.web.connection.send(websocket_client.PING, "")
    t.web.expect_frame("pong")
    t.web.connection.send(websocket_client.PONG, "nobody asked")
    t.web.connection.send_message(asked(t))
    t.web.expect(200)


def pieces(t):
    """A message in frames, with a ping between."""
    web, text = t.web.join().connection, asked(t)
    web.send(websocket_client.TEXT, text[:50], fin=False)
    web.send(websocket_client.PING, "now")
    t.web.expect_frame("pong")
    web.send(websocket_client.CONTINUATION, text[50:70], fin=False)
    web.send(websocket_client.CONTINUATION, text[70:])
    t.web.expect(200)


def binary(t):
    t.web.join().connection.send_message(asked(t), opcode=websocket_client.BINARY)
    t.web.expect(200)


def not_sip(t):
    """A message that is none, and one that is."""
    web = t.web.join().connection
    web.send_bytes(websocket_client.encoded(websocket_client.TEXT, "hello world") +
                   websocket_client.encoded(websocket_client.TEXT, asked(t)))
    t.web.expect_end_or(200)


def closed(code, reason=""):
    def run(t):
        t.web.join().connection.send_close(code, reason)
        t.web.expect_end()
    return run


def wrong(data):
    """A frame behind which the server gives up the connection."""
    def run(t):
        t.web.join().connection.send_bytes(data(t) if callable(data) else data)
        t.web.expect_end()
    return run


encoded = websocket_client.encoded
FRAMES = {
    "close": closed(1000, "bye"), "close_without_code": closed(None), "close_4000": closed(4000),
    "close_of_one_byte": wrong(encoded(websocket_client.CLOSE, b"\x03")),
    "close_999": closed(999),
    "unmasked": wrong(lambda t: encoded(websocket_client.TEXT, asked(t), mask=b"")),
    "unmasked_ping": wrong(encoded(websocket_client.PING, "a", mask=b"")),
    "reserved_bit": wrong(lambda t: encoded(websocket_client.TEXT, asked(t), rsv=4)),
    "unknown_opcode": wrong(encoded(3, "x")),
    "ping_in_pieces": wrong(encoded(websocket_client.PING, "x", fin=False)),
}
REFUSED = {
    "no_key": {"Sec_WebSocket_Key": None}, "two_keys": {"Sec_WebSocket_Key": ["a" * 24, "b" * 24]},
    "no_version": {"Sec_WebSocket_Version": None}, "version_8": {"Sec_WebSocket_Version": "8"},
    "no_protocol": {"Sec_WebSocket_Protocol": None}, "chat": {"Sec_WebSocket_Protocol": "chat"},
    "no_connection": {"Connection": None}, "connection_close": {"Connection": "close"},
}


def in_a_browser(scenario):
    def run(t):
        t.web = WebAgent(t.web_port, ("127.0.0.1", t.port))
        t.more = [t.web]
        scenario(t)
    return run


SCENARIOS = [("web_" + name, in_a_browser(run)) for name, run in [
    *((run.__name__, run) for run in (
        other_pages, handshake, registered, message_to_phone, message_to_browser,
        message_from_browser_to_browser, nobody, call_to_phone, call_to_phone_ended_by_it,
        call_to_browser, call_to_browser_ended_by_it, cancelled_by_browser, browser_is_gone,
        browser_comes_back, ping, pieces, binary, not_sip)),
    *(("refused_" + name, refused(**changes)) for name, changes in REFUSED.items()),
    *FRAMES.items()]]
