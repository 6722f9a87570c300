# SPDX-License-Identifier: Apache-2.0
"""The configuration that Debian's package of Kamailio installs: read at run time from where the
package put it."""
import pathlib

from registrar_scenarios import fresh
from scenarios import (cancel_after_180, cancel_of_nothing, confirm, default_options, hang_up,
                       invite_repeated_after_180, invite_to, message_relayed, recorded_call,
                       recorded_call_ended_by_callee, too_many_hops)

PATH = pathlib.Path("/etc/kamailio/kamailio.cfg")
USERS = ("call", "recorded")  # of the scenarios; both are bob


def write(folder):
    """The path of the configuration, as both servers get it; with a database when AUTH is
    defined."""
    path = pathlib.Path(folder) / "stock.cfg"
    text = PATH.read_text()
    path.write_text(text.replace('loadmodule "usrloc.so"',
                                 '#!ifdef DBURL\nloadmodule "db_sqlite.so"\n#!endif\n'
                                 'loadmodule "usrloc.so"', 1))
    return str(path)


# ---- what agents do with it

def from_a_scanner(t):
    """Dropped without a word."""
    t.alice.send(t.alice.request("OPTIONS", f"sip:{t.server_address}").add("User-Agent", "sipvicious"))
    t.flush()


def address_incomplete(t):
    invite = t.alice.send(t.alice.request("INVITE", f"sip:{t.server_address}"))
    t.alice.ack(invite, t.alice.expect(484))


def in_dialog_without_route(t):
    t.alice.send(t.alice.request("BYE", t.server_uri("bob"), to_tag="unknown"))
    t.alice.expect(404)


def not_sane(t):
    """The method in CSeq is another than that of the request."""
    t.alice.send(t.alice.request("MESSAGE", t.bob.uri("call")).set("CSeq", "1 INVITE"))
    t.flush()


def busy(t):
    invite = invite_to(t, "call")
    t.bob.reply(t.bob.expect("INVITE"), 486, "Busy Here")
    t.bob.expect("ACK")
    t.alice.ack(invite, t.alice.expect(486))


def changed_in_dialog(t):
    """A re-INVITE and the BYE follow the recorded route."""
    invite = invite_to(t, "call")
    t.bob.reply(t.bob.expect("INVITE"), 200, "OK")
    final = t.alice.expect(200)
    confirm(t, invite, final)
    t.bob.expect("ACK")
    again = t.alice.request("INVITE", t.bob.uri(), number=2, to_tag=final.tag("To"))
    for route in final.all("Record-Route"):
        again.add("Route", route)
    t.alice.send(again)
    t.bob.reply(t.bob.expect("INVITE"), 200, "OK")
    confirmed = t.alice.request("ACK", t.bob.uri(), number=2, to_tag=t.alice.expect(200).tag("To"))
    for route in final.all("Record-Route"):
        confirmed.add("Route", route)
    t.alice.send(confirmed)
    t.bob.expect("ACK")
    hang_up(t, t.alice, t.bob, final, final.all("Record-Route"), number=3)


def stranger(t):
    """Neither from nor to a user of this server: not relayed."""
    t.bob.domain = ""
    invite = invite_to(t, "call")
    t.alice.ack(invite, t.alice.expect(403))


def register_bob(t, user, contact=None, number=1, call=None):
    """Bob's registration as `user`."""
    message = t.bob.request("REGISTER", f"sip:{t.server_address}", call=call or user, number=number)
    for name in ("From", "To"):
        message.set(name, f"<{t.server_uri(user)}>" + (";tag=from-bob" if name == "From" else ""))
    t.bob.send(message.add("Contact", contact or f"<{t.bob.uri()}>;expires=3600"))
    fresh(t.bob.expect(200))


def registered(t):
    register_bob(t, "someone")


def unregistered(t):
    """Nobody is there any more."""
    register_bob(t, "call", f"<{t.bob.uri()}>;expires=0", number=2)
    invite = invite_to(t, "call")
    t.alice.ack(invite, t.alice.expect(404))


def two_phones(t):
    """Both ring; the one that is not answered is cancelled."""
    register_bob(t, "call", f"<{t.carol.uri()}>;expires=3600", number=2)
    invite = invite_to(t, "call")
    at_bob, at_carol = t.bob.expect("INVITE"), t.carol.expect("INVITE")
    t.carol.reply(at_carol, 180, "Ringing")
    t.alice.expect(180)
    t.bob.reply(at_bob, 200, "OK")
    confirm(t, invite, t.alice.expect(200))
    t.carol.reply(t.carol.expect("CANCEL"), 200, "OK")
    t.carol.reply(at_carol, 487, "Request Terminated")
    t.carol.expect("ACK")
    t.bob.expect("ACK")


def of_this_domain(scenario):
    """The configuration relays to users of its own domain only, to where they are registered."""
    def run(t):
        for user in USERS:
            register_bob(t, user)
        t.bob.domain = t.server_address
        scenario(t)
    return run


# The names tell them from those that run on other configurations.
SCENARIOS = [("stock_" + run.__name__, of_this_domain(run)) for run in (
    registered, unregistered, two_phones, recorded_call, recorded_call_ended_by_callee, changed_in_dialog, message_relayed, busy,
    cancel_after_180, cancel_of_nothing, invite_repeated_after_180, default_options, from_a_scanner,
    stranger, address_incomplete, in_dialog_without_route, not_sane, too_many_hops)]
