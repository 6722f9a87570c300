# SPDX-License-Identifier: Apache-2.0
"""Scenarios of transactions, on tm.cfg. Those that wait for a timer are `timed`: what is sent again
by itself counts once, and since a busy machine may let a timer run before an agent has acted, such
a scenario is played again, a few times, when the traces differ."""
import select

from scenarios import confirm, invite_to

CHALLENGE = "WWW-Authenticate", 'Digest realm="w", nonce="1"'
PROXY_CHALLENGE = "Proxy-Authenticate", 'Digest realm="p", nonce="2"'


def pause(seconds):
    """For what a server does by itself, or does not."""
    select.select([], [], [], seconds)


class Scenario:
    def __init__(self, name, play, timed, defines):
        self.__name__, self.play, self.timed, self.defines = name, play, timed, defines

    def __call__(self, t):
        self.play(t)


SCENARIOS = []


def scenario(*functions, timed=False, **defines):
    """Adds a scenario with these defines; the name is that of the function, and `tm_` before it."""
    def add(function, name=None):
        SCENARIOS.append(Scenario("tm_" + (name or function.__name__), function, timed,
                                  {n: str(v) for n, v in defines.items()}))
        return function
    for function, name in functions:
        add(function, name)
    return add


def at_both(t, user):
    """A forked INVITE: alice's, and what bob and carol got."""
    invite = invite_to(t, user)
    return invite, t.bob.expect("INVITE"), t.carol.expect("INVITE")


def refuse(agent, received, code, reason="No", *headers):
    """A negative reply with more header fields, and its ACK."""
    agent.reply(received, code, reason, headers=headers)
    agent.expect("ACK")


def ends_with(t, invite, code):
    """The final reply at alice, and her ACK."""
    t.alice.ack(invite, t.alice.expect(code))


# ---- creation, retransmission, matching (T01 to T17)

@scenario()
def own_provisional_repeated(t):
    """T04, 13.9: the script's own 183 comes again with the INVITE; CANCEL ends it."""
    invite = invite_to(t, "own183")
    t.alice.expect(183)
    t.alice.send(invite)
    t.alice.expect(183)
    t.alice.cancel(invite)
    t.alice.expect(200, "CANCEL")
    t.alice.drain()


@scenario()
def two_copies_at_once(t):
    """T05."""
    invite = invite_to(t, "call")
    t.alice.send(invite)
    received = t.bob.expect("INVITE")
    t.flush()
    refuse(t.bob, received, 486)
    ends_with(t, invite, 486)


@scenario()
def newtran_twice(t):
    """T06."""
    ends_with(t, invite_to(t, "newtran"), 404)


@scenario()
def lookups(t):
    ends_with(t, invite_to(t, "lookups"), 404)


def old(message):
    """As a client before RFC 3261 wrote it."""
    return message.set("Via", message.get("Via").split(";")[0])


def old_invite(t, user="call"):
    return t.alice.send(old(t.alice.request("INVITE", t.bob.uri(user))))


@scenario()
def old_client_repeats(t):
    """T08."""
    invite = old_invite(t)
    received = t.bob.expect("INVITE")
    t.alice.send(invite)
    t.flush()
    refuse(t.bob, received, 486)
    ends_with(t, invite, 486)


def old_client_from_another_port(t):
    """T08: another topmost Via is another transaction, if it counts."""
    invite = old_invite(t)
    t.bob.expect("INVITE")
    other = invite.copy()
    other.set("Via", f"SIP/2.0/UDP {t.alice.host}:9;rport")
    t.alice.send(other)
    t.flush()


scenario((old_client_from_another_port, "old_client_via1_counts"))
scenario((old_client_from_another_port, "old_client_via1_does_not_count"), VIA1=0)


def old_client_with_another_uri(t):
    """T09."""
    invite = old_invite(t)
    t.bob.expect("INVITE")
    other = invite.copy()
    other.start = f"INVITE {t.bob.uri('other')} SIP/2.0"
    t.alice.send(other)
    t.flush()


scenario((old_client_with_another_uri, "old_client_ruri_counts"))
scenario((old_client_with_another_uri, "old_client_ruri_does_not_count"), RURI=0)


@scenario()
def old_client_acknowledges_with_another_tag(t):
    """T10."""
    invite = old_invite(t, "own486")
    t.alice.expect(486)
    t.alice.send(t.alice.ack(invite, t.alice.request("INVITE", "sip:x").set("To", "<sip:peer@example.com>;tag=x")))
    t.flush()


@scenario()
def old_client_cancels(t):
    """T11."""
    invite = old_invite(t)
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 180, "Ringing")
    t.alice.expect(180)
    t.alice.cancel(invite.copy())
    t.bob.reply(t.bob.expect("CANCEL"), 200, "OK")
    t.alice.expect(200, "CANCEL")
    refuse(t.bob, received, 487, "Request Terminated")
    ends_with(t, invite, 487)


def cancel_with_another_call_id(t):
    """T12."""
    invite = invite_to(t, "call")
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 180, "Ringing")
    t.alice.expect(180)
    t.alice.cancel(invite.copy().set("Call-ID", "other@oracle"))
    t.flush()
    refuse(t.bob, received, 486)
    ends_with(t, invite, 486)


scenario((cancel_with_another_call_id, "cancel_of_another_call_relayed"))
scenario((cancel_with_another_call_id, "cancel_of_another_call_forwarded"), UNMATCHED=1)
scenario((cancel_with_another_call_id, "cancel_of_another_call_dropped"), UNMATCHED=2)


@scenario()
def same_branch_from_two_hosts(t):
    """T13."""
    first = t.alice.request("MESSAGE", t.bob.uri("call"))
    second = first.copy()
    branch = first.get("Via").split("branch=")[1]
    second.set("Via", f"SIP/2.0/UDP 192.0.2.77:5060;rport;branch={branch}")
    t.alice.send(first)
    t.bob.reply(t.bob.expect("MESSAGE"), 200, "OK")
    t.alice.expect(200)
    t.alice.send(second)
    t.bob.reply(t.bob.expect("MESSAGE"), 202, "Accepted")
    t.alice.expect(202)


def reply_with_another_call_id(t):
    """T15."""
    invite = invite_to(t, "call")
    received = t.bob.expect("INVITE")
    t.bob.reply(received.copy().set("Call-ID", "other@oracle"), 180, "Ringing")
    t.flush()
    refuse(t.bob, received, 486)
    ends_with(t, invite, 486)


scenario((reply_with_another_call_id, "foreign_reply"))
scenario((reply_with_another_call_id, "foreign_reply_taken"), LIKE_KAMAILIO=1)


@scenario()
def reply_of_another_method(t):
    """17.1.3: the method in CSeq counts."""
    invite = invite_to(t, "call")
    received = t.bob.expect("INVITE")
    t.bob.reply(received.copy().set("CSeq", "1 OPTIONS"), 180, "Ringing")
    t.flush()
    refuse(t.bob, received, 486)
    ends_with(t, invite, 486)


@scenario()
def failure_with_one_via(t):
    """A callee that copies the topmost Via alone; what it answers is acknowledged each time."""
    invite = invite_to(t, "call")
    received = t.bob.expect("INVITE")
    top = received.get("Via")
    bare = received.copy().without("Via").add("Via", top)
    refuse(t.bob, bare, 486, "Busy Here")
    refuse(t.bob, bare, 486, "Busy Here")
    ends_with(t, invite, 486)


# ---- replies (T18 to T29)

def hundred(t):
    """T18."""
    invite = invite_to(t, "call")
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 100, "Bob tries")
    t.flush()
    refuse(t.bob, received, 486)
    ends_with(t, invite, 486)


scenario((hundred, "trying_stays_here"))
scenario((hundred, "trying_relayed"), RELAY_100=1)


@scenario()
def provisional_replies_in_order(t):
    """T19."""
    invite = invite_to(t, "call")
    received = t.bob.expect("INVITE")
    for code in (183, 180, 180, 199):
        t.bob.reply(received, code, "Still")
    t.alice.expect(199)
    refuse(t.bob, received, 486)
    ends_with(t, invite, 486)


@scenario(timed=True, T1=400, T2=400, WT=60000)
def unacknowledged_negative_reply(t):
    """T22: repeated until the ACK."""
    invite = invite_to(t, "call")
    refuse(t.bob, t.bob.expect("INVITE"), 486)
    for _ in range(3):
        negative = t.alice.expect(486)
    t.alice.ack(invite, negative)


def only_503(t):
    """T26."""
    invite = invite_to(t, "call")
    refuse(t.bob, t.bob.expect("INVITE"), 503, "Full up", ("Retry-After", "10"), ("X-Why", "full"))
    t.alice.ack(invite, t.alice.expect_any(500, 503))


scenario((only_503, "503_becomes_500"))
scenario((only_503, "503_as_it_is"), REMAP=0)


@scenario(timed=True, FR=800)
def answer_behind_408(t):
    """T27."""
    invite = invite_to(t, "call")
    received = t.bob.expect("INVITE")
    ends_with(t, invite, 408)
    t.bob.reply(received, 200, "OK")
    t.alice.expect(200)


@scenario()
def replies_dropped_by_the_script(t):
    """T28: a provisional one can be dropped, a final one cannot."""
    invite = invite_to(t, "drop")
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 183, "Progress")
    t.bob.reply(received, 180, "Ringing")
    t.alice.expect(180)
    refuse(t.bob, received, 404)
    ends_with(t, invite, 404)


def provisional_to_options(t):
    """T29, RFC 4320."""
    t.alice.send(t.alice.request("OPTIONS", t.bob.uri("call")))
    received = t.bob.expect("OPTIONS")
    t.bob.reply(received, 180, "Ringing")
    t.bob.reply(received, 183, "Progress")
    t.bob.reply(received, 200, "OK")
    t.alice.expect(200)


scenario((provisional_to_options, "provisional_to_options_absorbed"))
scenario((provisional_to_options, "provisional_to_options_relayed"), LIKE_KAMAILIO=1)


@scenario()
def message_repeated(t):
    message = t.alice.send(t.alice.request("MESSAGE", t.bob.uri("call")))
    received = t.bob.expect("MESSAGE")
    t.alice.send(message)
    t.flush()
    t.bob.reply(received, 404, "Not Found")
    t.alice.expect(404)
    t.alice.send(message)
    t.alice.expect(404)


@scenario()
def message_answered_twice(t):
    """The second final reply is absorbed."""
    t.alice.send(t.alice.request("MESSAGE", t.bob.uri("call")))
    received = t.bob.expect("MESSAGE")
    t.bob.reply(received, 200, "OK")
    t.alice.expect(200)
    t.bob.reply(received, 200, "OK")
    t.bob.reply(received, 404, "Not Found")
    t.flush()


@scenario()
def another_negative_reply(t):
    """The callee changes its mind: the second reply is confirmed and goes no further."""
    invite = invite_to(t, "call")
    received = t.bob.expect("INVITE")
    refuse(t.bob, received, 486)
    ends_with(t, invite, 486)
    refuse(t.bob, received, 500)


@scenario()
def provisional_behind_final(t):
    invite = invite_to(t, "call")
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 200, "OK")
    final = t.alice.expect(200)
    t.bob.reply(received, 180, "Ringing")
    t.bob.reply(received, 486, "Busy Here")
    confirm(t, invite, final)
    t.bob.expect("ACK")


@scenario()
def answers_with_two_tags(t):
    """Two callees behind one branch."""
    invite = invite_to(t, "call")
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 180, "Ringing", "to-one")
    t.bob.reply(received, 180, "Ringing", "to-two")
    t.alice.expect(180)
    t.alice.expect(180)
    t.bob.reply(received, 200, "OK", "to-two")
    t.alice.expect(200)
    t.bob.reply(received, 200, "OK", "to-one")
    t.alice.expect(200)


# ---- timers (T30 to T40)

@scenario(timed=True, T1=300, T2=300, FR=2500)
def silent_callee(t):
    """T30: copies, then 408."""
    invite = invite_to(t, "call")
    for _ in range(3):
        t.bob.expect("INVITE")
    ends_with(t, invite, 408)


@scenario(timed=True, FR=1000)
def silent_callee_of_a_fork(t):
    invite, at_bob, _ = at_both(t, "fork")
    refuse(t.bob, at_bob, 404)
    t.alice.ack(invite, t.alice.expect(404))


@scenario(timed=True, FR_INV=1500)
def ringing_for_too_long(t):
    """T33: CANCEL without Reason, 408."""
    invite = invite_to(t, "call")
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 180, "Ringing")
    t.bob.reply(t.bob.expect("CANCEL"), 200, "OK")
    ends_with(t, invite, 408)


@scenario(timed=True, MAX_INV=1500)
def longest_lifetime(t):
    """T34."""
    invite = invite_to(t, "call")
    t.bob.reply(t.bob.expect("INVITE"), 180, "Ringing")
    t.bob.expect("CANCEL")
    ends_with(t, invite, 408)


@scenario(timed=True)
def set_fr_without_reply(t):
    """T36."""
    invite = invite_to(t, "setfr")
    t.bob.expect("INVITE")
    ends_with(t, invite, 408)


@scenario(timed=True)
def set_fr_with_180(t):
    """T36."""
    invite = invite_to(t, "setfr")
    t.bob.reply(t.bob.expect("INVITE"), 180, "Ringing")
    t.bob.expect("CANCEL")
    ends_with(t, invite, 408)


@scenario(timed=True)
def set_retr(t):
    """T37."""
    invite = invite_to(t, "setretr")
    for _ in range(4):
        received = t.bob.expect("INVITE")
    refuse(t.bob, received, 486)
    ends_with(t, invite, 486)


@scenario(timed=True)
def timer_of_an_avp(t):
    """T38."""
    invite = invite_to(t, "avpfr")
    t.bob.reply(t.bob.expect("INVITE"), 180, "Ringing")
    t.bob.expect("CANCEL")
    ends_with(t, invite, 408)


@scenario(timed=True, FR=500, NOISY=0)
def silent_end(t):
    """T39: nothing is said to the caller."""
    invite_to(t, "call")
    t.bob.expect("INVITE")
    pause(1.5)
    t.flush()


@scenario(timed=True, FR_INV=1000, NOISY=0)
def no_silent_end_behind_180(t):
    """T39."""
    invite = invite_to(t, "call")
    t.bob.reply(t.bob.expect("INVITE"), 180, "Ringing")
    t.bob.expect("CANCEL")
    ends_with(t, invite, 408)


@scenario(timed=True, FR=500, NOISY=0)
def no_silent_end_with_failure_route(t):
    """T40."""
    ends_with(t, invite_to(t, "tell"), 480)


def silent_message(t):
    """RFC 4320 4.2."""
    t.alice.send(t.alice.request("MESSAGE", t.bob.uri("call")))
    t.bob.expect("MESSAGE")
    pause(1.5)
    t.flush()


scenario((silent_message, "message_without_answer"), timed=True, FR=500)
scenario((silent_message, "message_without_answer_408"), timed=True, FR=500, LIKE_KAMAILIO=1)


@scenario(timed=True, WT=500)
def invite_repeated_late(t):
    """T25: the Accepted state absorbs it for 64*T1."""
    invite = invite_to(t, "call")
    t.bob.reply(t.bob.expect("INVITE"), 200, "OK")
    t.alice.expect(200)
    pause(1.5)
    t.alice.send(invite)
    t.flush()


@scenario(timed=True, T1=300, T2=300, WT=60000)
def cancel_without_answer_is_repeated(t):
    invite = invite_to(t, "call")
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 180, "Ringing")
    t.alice.expect(180)
    t.alice.cancel(invite)
    for _ in range(3):
        at_bob = t.bob.expect("CANCEL")
    t.bob.reply(at_bob, 200, "OK")
    refuse(t.bob, received, 487, "Request Terminated")
    ends_with(t, invite, 487)


# ---- forks (T43 to T53)

def both_refuse(bob, carol):
    def run(t):
        """T43."""
        invite, at_bob, at_carol = at_both(t, "fork")
        refuse(t.bob, at_bob, bob, f"Bob {bob}")
        refuse(t.carol, at_carol, carol, f"Carol {carol}")
        t.alice.ack(invite, t.alice.expect_any(bob, carol))
    return run


for pair in ((404, 401), (407, 404), (486, 500), (302, 404), (404, 484), (415, 420), (600, 302),
             (500, 502), (480, 480)):
    scenario((both_refuse(*pair), "fork_%d_%d" % pair))


def challenges(t):
    """T44."""
    invite, at_bob, at_carol = at_both(t, "fork")
    refuse(t.bob, at_bob, 401, "Who", CHALLENGE)
    refuse(t.carol, at_carol, 407, "Who else", PROXY_CHALLENGE)
    ends_with(t, invite, 401)


def challenges_swapped(t):
    invite, at_bob, at_carol = at_both(t, "fork")
    refuse(t.bob, at_bob, 407, "Who else", PROXY_CHALLENGE)
    refuse(t.carol, at_carol, 401, "Who", CHALLENGE)
    ends_with(t, invite, 401)


scenario((challenges, "challenges_collected"), (challenges_swapped, "challenges_collected_swapped"))
scenario((challenges, "challenges_apart"), (challenges_swapped, "challenges_apart_swapped"),
         AGGREGATE=0)


def declined(user):
    def run(t):
        """T46: a 603 like any other reply."""
        invite, at_bob, at_carol = at_both(t, user)
        t.carol.reply(at_carol, 180, "Ringing")
        t.alice.expect(180)
        refuse(t.bob, at_bob, 603, "Decline")
        t.flush()
        refuse(t.carol, at_carol, 404)
        t.alice.ack(invite, t.alice.expect_any(404, 603))
    return run


scenario((declined("no6xx"), "6xx_not_blocking_by_function"))
scenario((declined("fork"), "6xx_not_blocking_by_parameter"), NO_6XX_BLOCK=1)


def answers_cross(t):
    """T47."""
    invite, at_bob, at_carol = at_both(t, "fork")
    t.carol.reply(at_carol, 180, "Ringing")
    t.alice.expect(180)
    t.bob.reply(at_bob, 200, "OK")
    confirm(t, invite, t.alice.expect(200))
    t.bob.expect("ACK")
    t.carol.expect("CANCEL")
    t.carol.reply(at_carol, 200, "OK")
    t.alice.expect(200)


scenario((answers_cross, "two_answers"))
scenario((answers_cross, "two_answers_no_reason"), LOCAL_REASON=0)


@scenario()
def answer_before_the_other_rings(t):
    """The CANCEL waits for carol's first provisional reply."""
    _, at_bob, at_carol = at_both(t, "fork")
    t.bob.reply(at_bob, 200, "OK")
    t.alice.expect(200)
    t.carol.reply(at_carol, 100, "Trying")
    t.carol.reply(t.carol.expect("CANCEL"), 200, "OK")
    refuse(t.carol, at_carol, 487, "Request Terminated")


@scenario()
def first_branch_dropped(t):
    """T48."""
    invite = invite_to(t, "dropfirst")
    refuse(t.carol, t.carol.expect("INVITE"), 404)
    ends_with(t, invite, 404)


@scenario()
def all_branches_dropped(t):
    """T48."""
    ends_with(t, invite_to(t, "dropall"), 500)


@scenario()
def flags_of_branches(t):
    """T49."""
    invite, at_bob, at_carol = at_both(t, "flags")
    t.bob.reply(at_bob, 180, "Ringing")
    t.alice.expect(180)
    t.carol.reply(at_carol, 183, "Progress")
    t.alice.expect(183)
    refuse(t.bob, at_bob, 486)
    refuse(t.carol, at_carol, 486)
    ends_with(t, invite, 486)


@scenario()
def failure_route_of_one_branch(t):
    """T49: armed in the branch_route of the first; the second wins."""
    invite, at_bob, at_carol = at_both(t, "armfirst")
    refuse(t.bob, at_bob, 486)
    refuse(t.carol, at_carol, 404)
    t.alice.ack(invite, t.alice.expect_any(404, 480))


@scenario()
def more_branches_than_there_may_be(t):
    """T50."""
    invite_to(t, "many")
    for _ in range(12):
        t.bob.expect("INVITE")
    t.flush()


@scenario(timed=True, FR=800, FAKED_PRIO=2000)
def penalty_for_timeouts(t):
    """T52."""
    invite, _, at_carol = at_both(t, "fork")
    refuse(t.carol, at_carol, 480)
    t.alice.ack(invite, t.alice.expect_any(408, 480))


@scenario()
def forked_register(t):
    """T53: the second answer is absorbed, and nothing is cancelled."""
    t.alice.send(t.alice.request("REGISTER", t.bob.uri("fork")))
    at_bob, at_carol = t.bob.expect("REGISTER"), t.carol.expect("REGISTER")
    t.bob.reply(at_bob, 200, "OK")
    t.alice.expect(200)
    t.carol.reply(at_carol, 200, "OK")
    t.flush()


@scenario()
def forked_message_refused(t):
    t.alice.send(t.alice.request("MESSAGE", t.bob.uri("fork")))
    at_bob, at_carol = t.bob.expect("MESSAGE"), t.carol.expect("MESSAGE")
    t.bob.reply(at_bob, 486, "Busy Here")
    t.carol.reply(at_carol, 404, "Not Found")
    t.alice.expect(404)


@scenario()
def forked_message_declined(t):
    """6xx to another method: no CANCEL."""
    t.alice.send(t.alice.request("MESSAGE", t.bob.uri("fork")))
    at_bob, at_carol = t.bob.expect("MESSAGE"), t.carol.expect("MESSAGE")
    t.bob.reply(at_bob, 603, "Decline")
    t.flush()
    t.carol.reply(at_carol, 200, "OK")
    t.alice.expect(200)


# ---- failure_route (T54 to T61)

@scenario()
def serial_after_603(t):
    """T55."""
    invite = invite_to(t, "serial")
    refuse(t.bob, t.bob.expect("INVITE"), 603, "Decline")
    t.carol.reply(t.carol.expect("INVITE"), 200, "OK")
    confirm(t, invite, t.alice.expect(200))
    t.carol.expect("ACK")


@scenario()
def reply_of_the_failure_route(t):
    """T56, T59: replied, no timeout."""
    invite = invite_to(t, "tell")
    refuse(t.bob, t.bob.expect("INVITE"), 404)
    ends_with(t, invite, 480)


@scenario()
def failure_route_that_does_nothing(t):
    """T57."""
    invite = invite_to(t, "nothing")
    refuse(t.bob, t.bob.expect("INVITE"), 486, "Busy", ("X-Kept", "yes"))
    ends_with(t, invite, 486)


@scenario()
def failure_route_once(t):
    """T58: not armed again, the second step's failure goes up."""
    invite = invite_to(t, "serial")
    refuse(t.bob, t.bob.expect("INVITE"), 486)
    refuse(t.carol, t.carol.expect("INVITE"), 404)
    ends_with(t, invite, 404)


@scenario()
def failure_route_twice(t):
    invite = invite_to(t, "again")
    refuse(t.bob, t.bob.expect("INVITE"), 486)
    refuse(t.carol, t.carol.expect("INVITE"), 404)
    ends_with(t, invite, 480)


@scenario(timed=True, FR=600)
def failure_route_of_a_timeout(t):
    """T59."""
    invite = invite_to(t, "tell")
    t.bob.expect("INVITE")
    ends_with(t, invite, 480)


@scenario(timed=True, FR_INV=1000)
def failure_route_of_a_timeout_behind_180(t):
    """T59."""
    invite = invite_to(t, "tell")
    t.bob.reply(t.bob.expect("INVITE"), 180, "Ringing")
    t.bob.expect("CANCEL")
    ends_with(t, invite, 480)


@scenario(timed=True, FR=800)
def failure_route_of_one_timeout_of_two(t):
    invite, at_bob, _ = at_both(t, "forkfail")
    refuse(t.bob, at_bob, 404)
    ends_with(t, invite, 480)


@scenario()
def uri_of_the_winner(t):
    """T60."""
    invite, at_bob, at_carol = at_both(t, "winner")
    refuse(t.bob, at_bob, 486)
    refuse(t.carol, at_carol, 404)
    ends_with(t, invite, 480)


@scenario()
def what_failure_route_still_knows(t):
    """T97: flags, AVPs, XAVPs and the request."""
    invite = invite_to(t, "kept")
    refuse(t.bob, t.bob.expect("INVITE"), 486)
    ends_with(t, invite, 480)


@scenario()
def variables_of_the_transaction(t):
    invite = invite_to(t, "values")
    refuse(t.bob, t.bob.expect("INVITE"), 486, "Busy", ("X-Why", "asleep"))
    ends_with(t, invite, 480)


@scenario()
def statuses_in_failure_route(t):
    invite, at_bob, at_carol = at_both(t, "statuses")
    refuse(t.bob, at_bob, 486)
    refuse(t.carol, at_carol, 404)
    ends_with(t, invite, 480)


@scenario()
def all_replies_dropped(t):
    """T57: nothing is left to send."""
    invite = invite_to(t, "forget")
    refuse(t.bob, t.bob.expect("INVITE"), 486)
    ends_with(t, invite, 500)


@scenario()
def replies_dropped_before_the_next_step(t):
    invite = invite_to(t, "forgetnext")
    refuse(t.bob, t.bob.expect("INVITE"), 401)
    refuse(t.carol, t.carol.expect("INVITE"), 486)
    ends_with(t, invite, 486)


def step_of_302_and_silence(t):
    """T51."""
    invite = invite_to(t, "loop")
    refuse(t.bob, t.bob.expect("INVITE"), 302, "Moved")
    t.carol.expect("INVITE")
    t.alice.ack(invite, t.alice.expect_any(302, 408, 500))


for mode in (0, 2, 3):
    scenario((step_of_302_and_silence, f"failure_reply_mode_{mode}"), timed=True, FR=1200,
             FAILURE_MODE=mode)


# ---- CANCEL (T62 to T70)

def ringing(t, user="call", *headers):
    """An INVITE that rings at bob: alice's, and bob's."""
    invite = t.alice.request("INVITE", t.bob.uri(user))
    for name, value in headers:
        invite.add(name, value)
    t.alice.send(invite)
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 180, "Ringing")
    t.alice.expect(180)
    return invite, received


def cancel_ringing(t, user, *headers):
    invite, received = ringing(t, user)
    cancel = invite.copy()
    for name, value in headers:
        cancel.add(name, value)
    t.alice.cancel(cancel)
    t.alice.expect(200, "CANCEL")
    t.bob.reply(t.bob.expect("CANCEL"), 200, "OK")
    refuse(t.bob, received, 487, "Request Terminated")
    ends_with(t, invite, 487)


@scenario()
def cancel_of_an_invite_with_much(t):
    """T62: Route is kept, Require is not."""
    invite, received = ringing(t, "call", ("Route", f"<sip:{t.bob.address};lr>"),
                               ("Require", "100rel"), ("X-More", "1"))
    t.alice.cancel(invite)
    t.alice.expect(200, "CANCEL")
    t.bob.reply(t.bob.expect("CANCEL"), 200, "OK")
    refuse(t.bob, received, 487, "Request Terminated")
    ends_with(t, invite, 487)


def cancel_at_once(t):
    """T63."""
    invite = invite_to(t, "call")
    received = t.bob.expect("INVITE")
    t.alice.cancel(invite)
    t.flush()
    refuse(t.bob, received, 487, "Request Terminated")
    ends_with(t, invite, 487)


scenario((cancel_at_once, "cancel_b_method_0"), CANCEL_B=0)
scenario((cancel_at_once, "cancel_b_method_2"), CANCEL_B=2)

@scenario(ONSEND=1)
def onsend_route_sees_no_cancel(t):
    """Nor the ACK of a negative reply: what tm makes by itself leaves without asking."""
    cancel_ringing(t, "call")


REASON = "Reason", "Q.850;cause=16;text=\"Terminated\""


def cancel_with_reason(t):
    """T64."""
    cancel_ringing(t, "call", REASON, ("X-Other", "1"))


scenario((cancel_with_reason, "reason_of_the_cancel"))
scenario((cancel_with_reason, "reason_of_the_cancel_by_parameter"), E2E_REASON=0)


@scenario()
def reason_of_the_cancel_by_function(t):
    """T64."""
    cancel_ringing(t, "noreason", REASON)


@scenario()
def cancel_behind_the_final_reply(t):
    """T65."""
    invite = invite_to(t, "call")
    refuse(t.bob, t.bob.expect("INVITE"), 486)
    negative = t.alice.expect(486)
    t.alice.cancel(invite)
    t.alice.expect(200, "CANCEL")
    t.alice.ack(invite, negative)


def cancel_first(t):
    """T66: the CANCEL overtakes its INVITE."""
    invite = t.alice.request("INVITE", t.bob.uri("call"))
    t.alice.cancel(invite)
    t.flush()
    t.alice.send(invite)
    t.flush()


scenario((cancel_first, "cancel_overtakes_relayed"))
scenario((cancel_first, "cancel_overtakes_forwarded"), UNMATCHED=1)
scenario((cancel_first, "cancel_overtakes_dropped"), UNMATCHED=2)


@scenario(timed=True, FR_INV=2500)
def cancel_that_is_ignored(t):
    """T67."""
    invite, _ = ringing(t)
    t.alice.cancel(invite)
    t.alice.expect(200, "CANCEL")
    t.bob.reply(t.bob.expect("CANCEL"), 200, "OK")
    ends_with(t, invite, 487)


@scenario()
def cancelled_before_failure_route(t):
    """T69: no new branch."""
    invite, received = ringing(t, "stubborn")
    t.alice.cancel(invite)
    t.alice.expect(200, "CANCEL")
    t.bob.reply(t.bob.expect("CANCEL"), 200, "OK")
    refuse(t.bob, received, 487, "Request Terminated")
    ends_with(t, invite, 487)


@scenario()
def cancelled_is_known_in_failure_route(t):
    invite, received = ringing(t, "tell")
    t.alice.cancel(invite)
    t.alice.expect(200, "CANCEL")
    t.bob.reply(t.bob.expect("CANCEL"), 200, "OK")
    refuse(t.bob, received, 487, "Request Terminated")
    t.alice.ack(invite, t.alice.expect_any(480, 487))


@scenario()
def script_cancels_other_branches(t):
    """T70."""
    invite, at_bob, at_carol = at_both(t, "others")
    t.bob.reply(at_bob, 180, "Ringing")
    t.alice.expect(180)
    t.carol.reply(at_carol, 183, "Progress")
    t.alice.expect(183)
    t.bob.reply(t.bob.expect("CANCEL"), 200, "OK")
    refuse(t.bob, at_bob, 487, "Request Terminated")
    t.carol.reply(at_carol, 200, "OK")
    confirm(t, invite, t.alice.expect(200))
    t.carol.expect("ACK")


@scenario()
def cancel_twice(t):
    invite, received = ringing(t)
    cancel = t.alice.cancel(invite)
    t.alice.expect(200, "CANCEL")
    t.bob.reply(t.bob.expect("CANCEL"), 200, "OK")
    t.alice.send(cancel)
    t.alice.expect(200, "CANCEL")
    refuse(t.bob, received, 487, "Request Terminated")
    ends_with(t, invite, 487)


@scenario()
def call_cancelled_by_another_message(t):
    """t_cancel_callid()."""
    invite, received = ringing(t)
    t.alice.send(t.alice.request("MESSAGE", t.server_uri("cancelcall"), call="other"))
    t.alice.expect(202)
    t.bob.reply(t.bob.expect("CANCEL"), 200, "OK")
    refuse(t.bob, received, 487, "Request Terminated")
    ends_with(t, invite, 487)


@scenario()
def call_answered_by_another_message(t):
    """t_reply_callid()."""
    invite, received = ringing(t)
    t.alice.send(t.alice.request("MESSAGE", t.server_uri("answercall"), call="other"))
    t.alice.expect(202)
    t.bob.reply(t.bob.expect("CANCEL"), 200, "OK")
    refuse(t.bob, received, 487, "Request Terminated")
    t.alice.drain()


# ---- what the script says itself (9.1, 10.5, 10.10, 13)

@scenario()
def own_answer(t):
    """A 200 of the script's, and the ACK for it."""
    invite = invite_to(t, "own200")
    final = t.alice.expect(200)
    t.alice.send(invite)
    t.alice.expect(200)
    ack = t.alice.request("ACK", t.bob.uri("own200"), to_tag=final.tag("To"))
    t.alice.send(ack)


@scenario()
def own_redirection(t):
    ends_with(t, invite_to(t, "own302"), 302)


@scenario()
def own_refusal(t):
    """Header fields for the reply, a phrase with variables."""
    ends_with(t, invite_to(t, "own486"), 486)


@scenario()
def own_refusal_in_dialog(t):
    """The To-tag of the request stays."""
    invite = t.alice.request("INVITE", t.bob.uri("own486"), to_tag="there")
    t.alice.send(invite)
    ends_with(t, invite, 486)


@scenario()
def many_replies_of_one_script(t):
    """Nothing comes behind the first final one."""
    ends_with(t, invite_to(t, "ownfew"), 404)


@scenario()
def released(t):
    """13.7: nothing is sent, whatever comes."""
    invite = invite_to(t, "release")
    t.flush()
    t.alice.send(invite)
    t.flush()


@scenario()
def reply_sent_again_by_the_script(t):
    ends_with(t, invite_to(t, "retransmit"), 480)


def refused(user):
    def run(t):
        invite = invite_to(t, user)
        refuse(t.bob, t.bob.expect("INVITE"), 486)
        ends_with(t, invite, 486)
    return run


scenario((refused("no100"), "no_100_by_function"))
scenario((refused("call"), "no_100_by_parameter"), AUTO_100=0)
scenario((refused("call"), "reason_of_the_100"), REASON_100=1)


def relayed_elsewhere(user):
    def run(t):
        invite = invite_to(t, user)
        refuse(t.carol, t.carol.expect("INVITE"), 486)
        ends_with(t, invite, 486)
    return run


scenario((relayed_elsewhere("udp"), "relayed_to_an_address"))
scenario((relayed_elsewhere("nonack"), "relayed_in_two_steps"))


@scenario()
def armed_routes(t):
    """t_is_set()."""
    ends_with(t, invite_to(t, "isset"), 480)


@scenario()
def unresolvable_answered_by_the_script(t):
    """T100."""
    invite = invite_to(t, "nowhere")
    t.alice.ack(invite, t.alice.expect_any(478, 503))


@scenario()
def headers_of_the_script(t):
    """What the script changed goes to bob, and not into the ACK for his refusal."""
    invite = t.alice.request("INVITE", t.bob.uri("route"), body="v=0\r\n")
    t.alice.send(invite)
    refuse(t.bob, t.bob.expect("INVITE"), 486)
    ends_with(t, invite, 486)


@scenario()
def replicated(t):
    """T95: what the replica's target says goes nowhere."""
    t.alice.send(t.alice.request("MESSAGE", t.bob.uri("replica")))
    t.carol.reply(t.carol.expect("MESSAGE"), 500, "Broken")
    t.alice.expect(202)


# ---- async

@scenario(timed=True)
def answered_later(t):
    """async_route() with AVPs; the INVITE that comes again meanwhile gets the 100."""
    invite = invite_to(t, "later")
    t.alice.expect(100)
    t.alice.send(invite)
    ends_with(t, invite, 480)


@scenario(timed=True)
def relayed_later(t):
    """async_sleep() goes on with the next statement; what was changed before is not lost."""
    invite = invite_to(t, "sleep")
    refuse(t.bob, t.bob.expect("INVITE"), 486)
    ends_with(t, invite, 486)


@scenario(timed=True)
def cancelled_while_it_sleeps(t):
    """T88."""
    invite = invite_to(t, "later")
    t.alice.expect(100)
    t.alice.cancel(invite)
    t.alice.expect(200, "CANCEL")
    t.alice.drain()
    pause(1.5)


# ---- t_suspend and t_continue (T86 to T91)

def resume(t, user="resume", code=200):
    """Another request continues what was suspended last."""
    t.alice.send(t.alice.request("MESSAGE", t.bob.uri(user)))
    t.alice.expect(code, "MESSAGE")


@scenario()
def suspended(t):
    """T86, T89: what was done before, and flags and AVPs; the INVITE again gets the 100."""
    invite = invite_to(t, "suspended")
    t.alice.expect(100)
    t.alice.send(invite)
    t.alice.expect(100)
    resume(t)
    refuse(t.bob, t.bob.expect("INVITE"), 486)
    ends_with(t, invite, 486)


@scenario(timed=True, FR=1500)
def suspended_too_long(t):
    """T87."""
    invite = invite_to(t, "suspended")
    t.alice.expect(100)
    ends_with(t, invite, 408)
    resume(t, code=404)


@scenario()
def suspended_and_cancelled(t):
    """T88."""
    invite = invite_to(t, "suspended")
    t.alice.expect(100)
    t.alice.cancel(invite)
    ends_with(t, invite, 487)
    t.alice.expect(200, "CANCEL")
    resume(t, code=404)


@scenario()
def resumed_for_nothing(t):
    """T90."""
    invite = invite_to(t, "suspended")
    t.alice.expect(100)
    t.alice.send(t.alice.request("MESSAGE", t.bob.uri("resumeidle")))
    ends_with(t, invite, 500)
    t.alice.expect(200, "MESSAGE")
    resume(t, code=404)


@scenario()
def reply_suspended(t):
    """T91: it goes on once, with what both routes did."""
    invite = invite_to(t, "holdreply")
    got = t.bob.expect("INVITE")
    t.alice.expect(100)
    t.bob.reply(got, 200, "OK")
    t.flush()
    t.alice.send(t.alice.request("MESSAGE", t.bob.uri("resumereply")))
    final = t.alice.expect(200, "INVITE")
    t.alice.expect(200, "MESSAGE")
    confirm(t, invite, final)


# ---- too large for datagrams

@scenario(timed=True, UDP_MTU=1000, FR=1500)
def large_without_connection(t):
    """RFC 3261 18.1.1: nobody accepts connections on bob's port."""
    invite = invite_to(t, "call", body="x" * 1000)
    t.alice.ack(invite, t.alice.expect_any(408, 477, 500, 503))
