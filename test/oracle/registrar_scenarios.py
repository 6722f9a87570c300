# SPDX-License-Identifier: Apache-2.0
"""Registrations as clients see them, on registrar.cfg. Lifetimes are read a moment after they were
given, so answers that show them are compared for what is fresh only."""
import re


def register(t, *contacts, user="bob", call="reg", number=1, expires=None, headers=()):
    """Sends a REGISTER and waits for its answer."""
    message = t.alice.request("REGISTER", f"sip:{t.server_address}", call=call, number=number)
    message.set("From", f"<sip:{user}@example.com>;tag=from-{user}")
    message.set("To", f"<sip:{user}@example.com>")
    for contact in contacts:
        message.add("Contact", contact)
    if expires is not None:
        message.add("Expires", expires)
    for name, value in headers:
        message.add(name, value)
    t.alice.send(message)
    return fresh(t.alice.expect_any(200, 400, 420, 423, 500, 503))


def fresh(answer):
    """With the lifetimes that were given, whatever a busy machine has counted down since."""
    for field in answer.fields:
        if field[0].lower() == "contact":
            field[1] = re.sub(r"expires=(\d+)", rounded, field[1])
    return answer


def rounded(match):
    """3597 is 3600: lifetimes in the scenarios are multiples of 50, and no machine is so slow."""
    return f"expires={(int(match.group(1)) + 49) // 50 * 50}"


def where(t, user, method="OPTIONS"):
    """Where lookup() leads."""
    t.alice.send(t.alice.request(method, f"sip:{user}@{t.server_address}"))
    return t.alice.expect(200)


def ask(t, method, user):
    message = t.alice.request(method, f"sip:asked@{t.server_address}")
    message.set("To", f"<sip:{user}@example.com>")
    t.alice.send(message)
    return t.alice.expect_any(200, 404)


def first(t):
    register(t, "<sip:1@192.0.2.1:5070;x=1>;q=0.5;foo=bar")
    where(t, "bob")


def nobody(t):
    register(t)
    where(t, "bob")


def refreshed(t):
    register(t, "<sip:1@192.0.2.1>")
    register(t, "<sip:1@192.0.2.1>;expires=600", number=2)


def removed(t):
    register(t, "<sip:1@h>", "<sip:2@h>")
    register(t, "<sip:1@h>;expires=0", number=2)
    register(t, "<sip:9@h>;expires=0", number=3)
    register(t, "<sip:2@h>", expires="0", number=4)
    where(t, "bob")


def star(t):
    register(t, "<sip:1@h>", "<sip:2@h>")
    register(t, "*", expires="0", number=2)
    register(t, number=3)
    register(t, "*", expires="0", number=4)


def star_refused(t):
    register(t, "<sip:1@h>")
    register(t, "*", number=2)
    register(t, "*", expires="10", number=3)
    register(t, number=5)


def several_of_one_header(t):
    register(t, "<sip:1@h>, <sip:2@h>;q=0.5, <sip:3@h>;q=0.7, <sip:4@h>")
    register(t, "<sip:1@h>, <sip:2@h>;q=0.5, <sip:3@h>;q=0.7, <sip:4@h>", number=2)
    where(t, "bob")


def several_headers(t):
    register(t, "<sip:1@h>", "<sip:2@h>", "\"Bob\" <sip:3@h>;q=1")
    where(t, "bob")


def ordered_by_q(t):
    for number, q in enumerate(("0.5", "0.5", "0.7", "0.3", "1.0", "0"), 1):
        register(t, f"<sip:{number}@h>;q={q}", number=number)
    where(t, "bob")


def q_refused(t):
    register(t, "<sip:1@h>;q=1.5")
    register(t, "<sip:1@h>;q=abc", number=2)
    register(t, "<sip:1@h>;q=0.12345", number=3)


def expires_of_the_contact(t):
    register(t, "<sip:1@h>;expires=100", expires="200")
    register(t, "<sip:2@h>", expires="200", number=2)
    register(t, "<sip:3@h>;expires=1", number=3)


def expires_nonsense(t):
    for number, text in enumerate(("abc", "-5", "99999999999"), 1):
        register(t, f"<sip:{number}@h>;expires={text}", number=number, user=f"u{number}")
    register(t, "<sip:1@h>", expires="soon", user="u4")


def came_again(t):
    register(t, "<sip:1@h>", number=7)
    register(t, "<sip:1@h>;expires=600", number=7)
    register(t, number=8)


def out_of_order(t):
    register(t, "<sip:1@h>", number=7)
    register(t, "<sip:1@h>", number=6)
    register(t, "<sip:1@h>;expires=0", number=6)
    register(t, number=8)


def another_call(t):
    register(t, "<sip:1@h>", number=7)
    register(t, "<sip:1@h>;expires=600", number=1, call="another")
    register(t, "<sip:2@h>", number=1, call="third")


def unreadable_contact(t):
    register(t, "<sip:1@h")
    register(t, "", number=2)


def long_contact(t):
    register(t, "<sip:" + "l" * 600 + "@h>")


def user_without_case(t):
    register(t, "<sip:1@h>", user="BoB")
    where(t, "bOb")
    where(t, "%62ob")


def addr_spec(t):
    register(t, "sip:1@h;expires=100")
    where(t, "bob")


def path_supported(t):
    register(t, "<sip:1@h>", headers=(("Path", "<sip:p1;lr>"), ("Path", "<sip:p2;lr>, <sip:p3;lr>"),
                                      ("Supported", "path")))
    where(t, "bob")


def path_not_supported(t):
    register(t, "<sip:1@h>", headers=(("Path", "<sip:p1;lr>"),))
    where(t, "bob")


def behind_nat(t):
    register(t, "<sip:1@h>", user="nat")
    where(t, "nat")


def one_contact_only(t):
    register(t, "<sip:1@h>", user="one")
    register(t, "<sip:2@h>", user="one", number=2)
    register(t, "<sip:2@h>", user="one", number=3)


def answered_later(t):
    register(t, "<sip:1@h>", user="late")


def for_another_user(t):
    register(t, "<sip:1@h>", user="other")
    where(t, "other")
    where(t, "aside")


def outbound_required(t):
    register(t, "<sip:1@h>", headers=(("Require", "outbound"),))


def with_instance(t):
    register(t, "<sip:1@h>;+sip.instance=\"<urn:uuid:1>\"")
    where(t, "bob")


def is_registered(t):
    ask(t, "SUBSCRIBE", "bob")
    register(t, "<sip:1@h>")
    ask(t, "SUBSCRIBE", "bob")


def unregistered(t):
    register(t, "<sip:1@h>", "<sip:2@h>")
    ask(t, "PUBLISH", "bob")
    register(t, number=2)


def fetched(t):
    register(t, "<sip:1@h>;q=0.5", "<sip:2@h>", headers=(("Allow", "INVITE, ACK, BYE, MESSAGE"),))
    ask(t, "INFO", "bob")


def to_destination_set(t):
    register(t, "<sip:1@h>;q=0.5", "<sip:2@h>")
    where(t, "bob", "UPDATE")


def too_many(t):
    register(t, "<sip:1@h>, <sip:2@h>, <sip:3@h>")
    register(t, "<sip:1@h>, <sip:2@h>", number=2)
    register(t, "<sip:3@h>", number=3)
    register(t, "<sip:2@h>", number=4)


def too_brief(t):
    register(t, "<sip:1@h>;expires=10")


def too_long(t):
    register(t, "<sip:1@h>;expires=99999")


def path_refused(t):
    register(t, "<sip:1@h>", headers=(("Path", "<sip:p1;lr>"),))


def methods(t):
    register(t, "<sip:1@h>", headers=(("Allow", "INVITE, ACK, BYE"),))
    where(t, "bob")
    where(t, "bob", "BYE")


STRICT = (too_many, too_brief, too_long, path_refused, methods)
for scenario in STRICT:
    scenario.defines = {"STRICT": "1"}
SCENARIOS = [("reg_" + run.__name__, run) for run in (
    first, nobody, refreshed, removed, star, star_refused, several_of_one_header, several_headers,
    ordered_by_q, q_refused, expires_of_the_contact, expires_nonsense, came_again, out_of_order,
    another_call, unreadable_contact, long_contact, user_without_case, addr_spec, path_supported,
    path_not_supported, behind_nat, one_contact_only, answered_later, for_another_user,
    outbound_required, with_instance, is_registered, unregistered, fetched, to_destination_set,
    *STRICT)]
