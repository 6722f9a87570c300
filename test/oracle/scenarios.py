# SPDX-License-Identifier: Apache-2.0
"""What the agents do. Each function is a scenario: the same steps run against both servers.

`t.alice` calls; `t.bob` and `t.carol` answer. A step that waits passes over what it does not wait
for; all that came is compared afterwards."""

SDP = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"


def invite_to(t, user, body="", **more):
    """Alice's INVITE; the server's address is that of bob, so that the Request-URI leads to him."""
    return t.alice.send(t.alice.request("INVITE", t.bob.uri(user), body=body, **more))


def confirm(t, invite, final, number=1):
    """The ACK for a 2xx: a transaction of its own, to the callee's Contact."""
    uri = final.get("Contact").strip("<>")
    routes = final.all("Record-Route")
    message = t.alice.request("ACK", uri, number=number, to_tag=final.tag("To"))
    for route in reversed(routes):
        message.add("Route", route)
    message.set("Call-ID", invite.get("Call-ID"))
    return t.alice.send(message)


def hang_up(t, agent, peer, final, routes=(), number=2):
    message = agent.request("BYE", peer.uri(), number=number, to_tag=final.tag("To"))
    for route in routes:
        message.add("Route", route)
    agent.send(message)
    bye = peer.expect("BYE")
    peer.reply(bye, 200, "OK")
    agent.expect(200, "BYE")


# ---- calls

def call(t):
    """INVITE 100 180 200 ACK BYE 200."""
    invite = invite_to(t, "call", body=SDP)
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 180, "Ringing")
    t.alice.expect(180)
    t.bob.reply(received, 200, "OK", body=SDP)
    final = t.alice.expect(200)
    confirm(t, invite, final)
    t.bob.expect("ACK")
    hang_up(t, t.alice, t.bob, final)


def call_without_provisional(t):
    invite = invite_to(t, "call")
    t.bob.reply(t.bob.expect("INVITE"), 200, "OK")
    confirm(t, invite, t.alice.expect(200))
    t.bob.expect("ACK")


def call_with_trying(t):
    """A 100 is for one hop only."""
    invite = invite_to(t, "call")
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 100, "Trying")
    t.bob.reply(received, 183, "Progress", body=SDP)
    t.alice.expect(183)
    t.bob.reply(received, 200, "OK")
    confirm(t, invite, t.alice.expect(200))
    t.bob.expect("ACK")


def recorded_call(t):
    """The server stays on the route: both sides hang up through it."""
    invite = invite_to(t, "recorded")
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 180, "Ringing")
    t.alice.expect(180)
    t.bob.reply(received, 200, "OK")
    final = t.alice.expect(200)
    confirm(t, invite, final)
    t.bob.expect("ACK")
    route = final.all("Record-Route")
    hang_up(t, t.alice, t.bob, final, route)


def recorded_call_ended_by_callee(t):
    invite = invite_to(t, "recorded")
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 200, "OK")
    final = t.alice.expect(200)
    confirm(t, invite, final)
    t.bob.expect("ACK")
    bye = t.bob.request("BYE", t.alice.uri(), to_tag="from-alice", number=7)
    bye.set("From", final.get("To")).set("To", final.get("From"))
    bye.add("Route", received.get("Record-Route"))
    t.bob.send(bye)
    t.alice.reply(t.alice.expect("BYE"), 200, "OK")
    t.bob.expect(200)


def message_relayed(t):
    t.alice.send(t.alice.request("MESSAGE", t.bob.uri("call"), body="hello"))
    t.bob.reply(t.bob.expect("MESSAGE"), 202, "Accepted")
    t.alice.expect(202)


def rport_of_the_caller(t):
    """A caller behind another address: received and rport go into its Via, replies to its port."""
    invite = t.alice.request("MESSAGE", t.bob.uri("call"))
    invite.set("Via", f"SIP/2.0/UDP 192.0.2.77:5099;rport;branch={t.alice.branch()}")
    t.alice.send(invite)
    t.bob.reply(t.bob.expect("MESSAGE"), 200, "OK")
    t.alice.expect(200)


# ---- CANCEL

def cancel_after_180(t):
    invite = invite_to(t, "call")
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 180, "Ringing")
    t.alice.expect(180)
    t.alice.cancel(invite)
    t.alice.expect(200, "CANCEL")
    t.bob.reply(t.bob.expect("CANCEL"), 200, "OK")
    t.bob.reply(received, 487, "Request Terminated")
    t.bob.expect("ACK")
    t.alice.ack(invite, t.alice.expect(487))


def cancel_before_180(t):
    """The CANCEL waits for a provisional reply (RFC 3261 9.1)."""
    invite = invite_to(t, "call")
    received = t.bob.expect("INVITE")
    t.alice.cancel(invite)
    t.alice.expect(200, "CANCEL")
    t.flush()
    t.bob.reply(received, 180, "Ringing")
    t.bob.reply(t.bob.expect("CANCEL"), 200, "OK")
    t.bob.reply(received, 487, "Request Terminated")
    t.bob.expect("ACK")
    t.alice.ack(invite, t.alice.expect(487))


def cancel_crosses_200(t):
    """The call was answered before the CANCEL came."""
    invite = invite_to(t, "call")
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 180, "Ringing")
    t.bob.reply(received, 200, "OK")
    final = t.alice.expect(200)
    t.alice.cancel(invite)
    t.alice.expect(200, "CANCEL")
    confirm(t, invite, final)
    t.bob.expect("ACK")


def cancel_of_nothing(t):
    t.alice.cancel(t.alice.request("INVITE", t.bob.uri("call")))


def cancel_of_a_fork(t):
    invite = invite_to(t, "fork")
    at_bob, at_carol = t.bob.expect("INVITE"), t.carol.expect("INVITE")
    t.bob.reply(at_bob, 180, "Ringing")
    t.alice.expect(180)
    t.carol.reply(at_carol, 180, "Ringing")
    t.alice.expect(180)
    t.alice.cancel(invite)
    t.alice.expect(200, "CANCEL")
    for agent, received in ((t.bob, at_bob), (t.carol, at_carol)):
        agent.reply(agent.expect("CANCEL"), 200, "OK")
        agent.reply(received, 487, "Request Terminated")
        agent.expect("ACK")
    t.alice.ack(invite, t.alice.expect(487))


# ---- forks

def fork_486_then_200(t):
    invite = invite_to(t, "fork")
    at_bob, at_carol = t.bob.expect("INVITE"), t.carol.expect("INVITE")
    t.bob.reply(at_bob, 486, "Busy Here")
    t.bob.expect("ACK")
    t.carol.reply(at_carol, 180, "Ringing")
    t.alice.expect(180)
    t.carol.reply(at_carol, 200, "OK")
    confirm(t, invite, t.alice.expect(200))
    t.carol.expect("ACK")


def fork_200_cancels_the_other(t):
    invite = invite_to(t, "fork")
    at_bob, at_carol = t.bob.expect("INVITE"), t.carol.expect("INVITE")
    t.bob.reply(at_bob, 180, "Ringing")
    t.alice.expect(180)
    t.carol.reply(at_carol, 200, "OK")
    final = t.alice.expect(200)
    t.bob.reply(t.bob.expect("CANCEL"), 200, "OK")
    t.bob.reply(at_bob, 487, "Request Terminated")
    t.bob.expect("ACK")
    confirm(t, invite, final)
    t.carol.expect("ACK")


def fork_404_and_486(t):
    """All branches fail: the lowest class is picked, then by preference (RFC 3261 16.7 step 6)."""
    invite = invite_to(t, "fork")
    at_bob, at_carol = t.bob.expect("INVITE"), t.carol.expect("INVITE")
    t.bob.reply(at_bob, 486, "Busy Here")
    t.bob.expect("ACK")
    t.carol.reply(at_carol, 404, "Not Found")
    t.carol.expect("ACK")
    t.alice.ack(invite, t.alice.expect(404))


def fork_503_and_404(t):
    invite = invite_to(t, "fork")
    at_bob, at_carol = t.bob.expect("INVITE"), t.carol.expect("INVITE")
    t.bob.reply(at_bob, 503, "Service Unavailable")
    t.bob.expect("ACK")
    t.carol.reply(at_carol, 404, "Not Found")
    t.carol.expect("ACK")
    t.alice.ack(invite, t.alice.expect(404))


def fork_603(t):
    """A 6xx ends the search: the other branch is cancelled."""
    invite = invite_to(t, "fork")
    at_bob, at_carol = t.bob.expect("INVITE"), t.carol.expect("INVITE")
    t.bob.reply(at_bob, 180, "Ringing")
    t.alice.expect(180)
    t.carol.reply(at_carol, 603, "Decline")
    t.carol.expect("ACK")
    t.bob.reply(t.bob.expect("CANCEL"), 200, "OK")
    t.bob.reply(at_bob, 487, "Request Terminated")
    t.bob.expect("ACK")
    t.alice.ack(invite, t.alice.expect(603))


def fork_with_branch_route(t):
    invite_to(t, "branch")
    at_bob, at_carol = t.bob.expect("INVITE"), t.carol.expect("INVITE")
    t.bob.reply(at_bob, 486, "Busy Here")
    t.carol.reply(at_carol, 486, "Busy Here")
    t.alice.expect(486)


def serial_after_486(t):
    """failure_route sends the call on."""
    invite = invite_to(t, "serial")
    t.bob.reply(t.bob.expect("INVITE"), 486, "Busy Here")
    t.bob.expect("ACK")
    t.carol.reply(t.carol.expect("INVITE"), 200, "OK")
    confirm(t, invite, t.alice.expect(200))
    t.carol.expect("ACK")


def serial_not_after_480(t):
    invite = invite_to(t, "serial")
    t.bob.reply(t.bob.expect("INVITE"), 480, "Gone")
    t.bob.expect("ACK")
    t.alice.ack(invite, t.alice.expect(480))


def reply_route(t):
    invite = invite_to(t, "reply")
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 180, "Ringing")
    t.alice.expect(180)
    t.bob.reply(received, 486, "Busy Here")
    t.alice.ack(invite, t.alice.expect(486))


# ---- negative answers and retransmissions

def negative_answer(t):
    invite = invite_to(t, "call")
    t.bob.reply(t.bob.expect("INVITE"), 486, "Busy Here")
    t.bob.expect("ACK")
    t.alice.ack(invite, t.alice.expect(486))


def negative_answer_repeated(t):
    """The server confirms each repetition itself; its client hears it once."""
    invite = invite_to(t, "call")
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 486, "Busy Here")
    t.bob.expect("ACK")
    t.bob.reply(received, 486, "Busy Here")
    t.bob.expect("ACK")
    t.alice.ack(invite, t.alice.expect(486))


def invite_repeated_before_provisional(t):
    invite = invite_to(t, "call")
    received = t.bob.expect("INVITE")
    t.alice.send(invite)
    t.flush()
    t.bob.reply(received, 486, "Busy Here")
    t.alice.ack(invite, t.alice.expect(486))


def invite_repeated_after_180(t):
    invite = invite_to(t, "call")
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 180, "Ringing")
    t.alice.expect(180)
    t.alice.send(invite)
    t.alice.expect(180)
    t.bob.reply(received, 486, "Busy Here")
    t.alice.ack(invite, t.alice.expect(486))


def invite_repeated_after_486(t):
    invite = invite_to(t, "call")
    t.bob.reply(t.bob.expect("INVITE"), 486, "Busy Here")
    t.alice.expect(486)
    t.alice.send(invite)
    t.alice.ack(invite, t.alice.expect(486))


def invite_repeated_after_200(t):
    """The Accepted state absorbs it (RFC 6026 7.1)."""
    invite = invite_to(t, "call")
    t.bob.reply(t.bob.expect("INVITE"), 200, "OK")
    final = t.alice.expect(200)
    t.alice.send(invite)
    t.flush()
    confirm(t, invite, final)
    t.bob.expect("ACK")


def answer_repeated(t):
    """The callee repeats its 200 until the ACK comes; each goes to the caller (RFC 6026 7.1)."""
    invite = invite_to(t, "call")
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 200, "OK")
    t.alice.expect(200)
    t.bob.reply(received, 200, "OK")
    confirm(t, invite, t.alice.expect(200))
    t.bob.expect("ACK")


def bye_repeated(t):
    invite = invite_to(t, "call")
    t.bob.reply(t.bob.expect("INVITE"), 200, "OK")
    final = t.alice.expect(200)
    confirm(t, invite, final)
    t.bob.expect("ACK")
    bye = t.alice.request("BYE", t.bob.uri(), number=2, to_tag=final.tag("To"))
    t.alice.send(bye)
    received = t.bob.expect("BYE")
    t.alice.send(bye)
    t.flush()
    t.bob.reply(received, 200, "OK")
    t.alice.expect(200, "BYE")
    t.alice.send(bye)
    t.alice.expect(200, "BYE")


def stateful_404(t):
    """A reply of the server's own, repeated, confirmed."""
    invite = invite_to(t, "t404")
    negative = t.alice.expect(404)
    t.alice.send(invite)
    t.alice.expect(404)
    t.alice.ack(invite, negative)


def own_provisional_then_final(t):
    invite = invite_to(t, "t183")
    t.alice.expect(183)
    t.alice.ack(invite, t.alice.expect(480))


# ---- stateless replies

def options_to(user, **more):
    def scenario(t):
        t.alice.send(t.alice.request("OPTIONS", t.server_uri(user)))
        t.alice.expect(more["code"])
    return scenario


sl_404 = options_to("sl404", code=404)
sl_180 = options_to("sl180", code=180)
sl_extra_headers = options_to("extra", code=200)
redirect_to_branches = options_to("redirect", code=302)
redirect_to_new_uri = options_to("redirected", code=301)
redirect_to_nowhere = options_to("unmoved", code=300)


def sl_invite_and_ack(t):
    invite = invite_to(t, "sl404")
    t.alice.ack(invite, t.alice.expect(404))
    t.flush()


def via_variants(t):
    """Who the Via names, who really sent it, and whether rport is asked for."""
    host = t.alice.host
    for via in (f"{host}:{t.alice.port};rport", f"{host}:{t.alice.port}",
                "192.0.2.9:5070;rport", "192.0.2.9:5070;rport=7", "192.0.2.9:5070",
                "192.0.2.9:5070;received=192.0.2.8", "phone.example.com;rport"):
        for user in ("sl404", "force"):
            message = t.alice.request("OPTIONS", t.server_uri(user))
            message.set("Via", f"SIP/2.0/UDP {via};branch={t.alice.branch()}")
            # Without rport and received the reply would go to 192.0.2.9.
            if host in via or "rport" in via or user == "force":
                t.alice.send(message)
                t.alice.expect(404 if user == "sl404" else 200)


def many_vias(t):
    message = t.alice.request("OPTIONS", t.server_uri("sl404"))
    message.fields.insert(1, ["Via", "SIP/2.0/UDP 192.0.2.5;branch=z9hG4bK-x, SIP/2.0/TCP h:5"])
    message.add("Record-Route", "<sip:192.0.2.5;lr>")
    t.alice.send(message)
    t.alice.expect(404)


def too_many_hops(t):
    t.alice.send(t.alice.request("OPTIONS", t.bob.uri("call")).set("Max-Forwards", "0"))
    t.alice.expect(483)


def without_max_forwards(t):
    t.alice.send(t.alice.request("MESSAGE", t.bob.uri("call")).without("Max-Forwards"))
    t.bob.reply(t.bob.expect("MESSAGE"), 200, "OK")
    t.alice.expect(200)


def unresolvable(t):
    invite_to(t, "nohost")
    t.alice.expect(478)


# ---- routing

def forwarded_without_state(t):
    t.alice.send(t.alice.request("MESSAGE", t.bob.uri("stateless"), body="hello"))
    t.bob.reply(t.bob.expect("MESSAGE"), 200, "OK")
    t.alice.expect(200)


def invite_forwarded_without_state(t):
    invite = invite_to(t, "stateless")
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 180, "Ringing")
    t.alice.expect(180)
    t.bob.reply(received, 486, "Busy Here")
    t.alice.ack(invite, t.alice.expect(486))
    t.bob.expect("ACK")


def stray_reply(t):
    """A reply that belongs to nothing goes where its second Via says."""
    t.bob.reply(t.alice.request("OPTIONS", t.bob.uri()), 200, "OK")
    message = t.alice.request("OPTIONS", t.bob.uri())
    message.fields.insert(0, ["Via", f"SIP/2.0/UDP {t.server_address};branch=z9hG4bK-none"])
    t.bob.reply(message, 200, "OK")
    t.alice.expect(200)


def route_header(name, routes, in_dialog=True):
    def scenario(t):
        message = t.alice.request("MESSAGE", t.bob.uri("call" if in_dialog else "preloaded"),
                                  to_tag="to-x" if in_dialog else "")
        for route in routes:
            message.add("Route", route.format(us=t.server_address, carol=t.carol.address))
        t.alice.send(message)
        getter = t.carol if "{carol}" in "".join(routes) else t.bob
        getter.reply(getter.expect("MESSAGE"), 200, "OK")
        t.alice.expect(200)
    scenario.__name__ = name
    return scenario


route_of_ours = route_header("route_of_ours", ["<sip:{us};lr>"])
route_to_another = route_header("route_to_another", ["<sip:{us};lr>", "<sip:{carol};lr>"])
route_in_one_line = route_header("route_in_one_line",
                                 ["<sip:{us};lr;ftag=from-alice>, <sip:{carol};lr>"])
route_preloaded = route_header("route_preloaded", ["<sip:{us};lr>", "<sip:{carol};lr>"], False)
route_preloaded_to_us = route_header("route_preloaded_to_us", ["<sip:{us};lr>"], False)
route_to_strict_router = route_header("route_to_strict_router",
                                      ["<sip:{us};lr>", "<sip:strict@{carol}>"])
route_foreign = route_header("route_foreign", ["<sip:{carol};lr>"])


def route_from_strict_router(t):
    """Our URI came in the Request-URI; the last Route is where the request is meant for."""
    message = t.alice.request("MESSAGE", f"sip:{t.server_address}", to_tag="to-x")
    message.add("Route", f"<sip:{t.carol.address};lr>").add("Route", f"<{t.bob.uri()}>")
    t.alice.send(message)
    t.carol.reply(t.carol.expect("MESSAGE"), 200, "OK")
    t.alice.expect(200)


def changed_headers(t):
    message = t.alice.request("MESSAGE", t.bob.uri("headers"), body="hello")
    message.add("Subject", "gone").add("X-Folded", "a,\r\n b").add("s", "gone too")
    t.alice.send(message)
    t.bob.reply(t.bob.expect("MESSAGE"), 200, "OK")
    t.alice.expect(200)


ON_ORACLE_CFG = [
    call, call_without_provisional, call_with_trying, recorded_call, recorded_call_ended_by_callee,
    message_relayed, rport_of_the_caller,
    cancel_after_180, cancel_before_180, cancel_crosses_200, cancel_of_nothing, cancel_of_a_fork,
    fork_486_then_200, fork_200_cancels_the_other, fork_404_and_486, fork_503_and_404, fork_603,
    fork_with_branch_route, serial_after_486, serial_not_after_480, reply_route,
    negative_answer, negative_answer_repeated, invite_repeated_before_provisional,
    invite_repeated_after_180, invite_repeated_after_486, invite_repeated_after_200,
    answer_repeated, bye_repeated, stateful_404, own_provisional_then_final,
    ("sl_404", sl_404), ("sl_180", sl_180), ("sl_extra_headers", sl_extra_headers),
    ("redirect_to_branches", redirect_to_branches), ("redirect_to_new_uri", redirect_to_new_uri),
    ("redirect_to_nowhere", redirect_to_nowhere),
    sl_invite_and_ack, via_variants, many_vias, too_many_hops, without_max_forwards, unresolvable,
    forwarded_without_state, invite_forwarded_without_state, stray_reply,
    route_of_ours, route_to_another, route_in_one_line, route_preloaded, route_preloaded_to_us,
    route_to_strict_router,
    route_foreign, route_from_strict_router, changed_headers,
]


# ---- the configurations that ship

def default_options(t):
    t.alice.send(t.alice.request("OPTIONS", f"sip:{t.server_address}"))
    t.alice.expect(200)


def default_not_found(t):
    invite = t.alice.send(t.alice.request("INVITE", t.server_uri("bob")))
    t.alice.ack(invite, t.alice.expect(404))


def default_call(t):
    invite = invite_to(t, "bob")
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 180, "Ringing")
    t.alice.expect(180)
    t.bob.reply(received, 200, "OK")
    final = t.alice.expect(200)
    confirm(t, invite, final)
    t.bob.expect("ACK")
    hang_up(t, t.alice, t.bob, final, final.all("Record-Route"))


ON_DEFAULT_CFG = [default_options, default_not_found, default_call, cancel_of_nothing,
                  too_many_hops]


def relay_call(t):
    """Whatever the Request-URI says, it goes to the target."""
    invite = t.alice.send(t.alice.request("INVITE", "sip:anyone@192.0.2.200", body=SDP))
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 180, "Ringing")
    t.alice.expect(180)
    t.bob.reply(received, 200, "OK", body=SDP)
    final = t.alice.expect(200)
    confirm(t, invite, final)
    t.bob.expect("ACK")
    hang_up(t, t.alice, t.bob, final)


def relay_cancel(t):
    cancel_after_180(t)


def minimal_options(t):
    default_options(t)


ON_RELAY_CFG = [relay_call, relay_cancel]
ON_MINIMAL_CFG = [minimal_options]
