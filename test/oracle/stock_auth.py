# SPDX-License-Identifier: Apache-2.0
"""The configuration of Debian's package with WITH_AUTH and WITH_USRLOCDB, on a database of SQLite:
subscribers who register and call each other."""
import hashlib
import os
import re
import sqlite3
import tempfile

from registrar_scenarios import fresh
from scenarios import confirm, hang_up

PASSWORDS = {"alice": "wonderland", "bob": "builder"}
TABLES = """
CREATE TABLE version (id INTEGER PRIMARY KEY NOT NULL, table_name VARCHAR(32) NOT NULL,
    table_version INTEGER DEFAULT 0 NOT NULL, CONSTRAINT version_table_name_idx UNIQUE (table_name));
CREATE TABLE subscriber (id INTEGER PRIMARY KEY NOT NULL, username VARCHAR(64) DEFAULT '' NOT NULL,
    domain VARCHAR(64) DEFAULT '' NOT NULL, password VARCHAR(64) DEFAULT '' NOT NULL,
    ha1 VARCHAR(128) DEFAULT '' NOT NULL, ha1b VARCHAR(128) DEFAULT '' NOT NULL,
    CONSTRAINT subscriber_account_idx UNIQUE (username, domain));
CREATE TABLE location (id INTEGER PRIMARY KEY NOT NULL, ruid VARCHAR(64) DEFAULT '' NOT NULL,
    username VARCHAR(64) DEFAULT '' NOT NULL, domain VARCHAR(64) DEFAULT NULL,
    contact VARCHAR(512) DEFAULT '' NOT NULL, received VARCHAR(128) DEFAULT NULL,
    path VARCHAR(512) DEFAULT NULL,
    expires TIMESTAMP WITHOUT TIME ZONE DEFAULT '2030-05-28 21:32:15' NOT NULL,
    q REAL DEFAULT 1.0 NOT NULL, callid VARCHAR(255) DEFAULT 'Default-Call-ID' NOT NULL,
    cseq INTEGER DEFAULT 1 NOT NULL,
    last_modified TIMESTAMP WITHOUT TIME ZONE DEFAULT '2000-01-01 00:00:01' NOT NULL,
    flags INTEGER DEFAULT 0 NOT NULL, cflags INTEGER DEFAULT 0 NOT NULL,
    user_agent VARCHAR(255) DEFAULT '' NOT NULL, socket VARCHAR(64) DEFAULT NULL,
    methods INTEGER DEFAULT NULL, instance VARCHAR(255) DEFAULT NULL,
    reg_id INTEGER DEFAULT 0 NOT NULL, server_id INTEGER DEFAULT 0 NOT NULL,
    connection_id INTEGER DEFAULT 0 NOT NULL, keepalive INTEGER DEFAULT 0 NOT NULL,
    partition INTEGER DEFAULT 0 NOT NULL, CONSTRAINT location_ruid_idx UNIQUE (ruid));
INSERT INTO version (table_name, table_version) VALUES ('version', 1), ('subscriber', 7),
    ('location', 9);
"""


def defines(folder):
    """What switches it on, with a fresh database."""
    path = os.path.join(tempfile.mkdtemp(dir=folder), "users.db")
    with sqlite3.connect(path) as database:
        database.executescript(TABLES)
        database.executemany(
            "INSERT INTO subscriber (username, domain, password) VALUES (?, '127.0.0.1', ?)",
            PASSWORDS.items())
    return {"WITH_AUTH": "1", "WITH_USRLOCDB": "1", "DBURL": f'"sqlite:///{path}"'}


def md5(*parts):
    return hashlib.md5(":".join(parts).encode()).hexdigest()


def answered(message, challenge, user, password, number):
    """The same request again, with credentials for the challenge (RFC 2617 without qop)."""
    www = challenge.what == "401"
    given = challenge.get("WWW-Authenticate" if www else "Proxy-Authenticate")
    realm, nonce = (re.search(rf'{name}="([^"]*)"', given).group(1) for name in ("realm", "nonce"))
    response = md5(md5(user, realm, password), nonce, md5(message.what, message.uri))
    again = message.copy()
    again.set("CSeq", f"{number} {message.what}")
    again.set("Via", again.get("Via") + f"-{number}")
    return again.add("Authorization" if www else "Proxy-Authorization",
                     f'Digest username="{user}", realm="{realm}", nonce="{nonce}", '
                     f'uri="{message.uri}", response="{response}"')


def ask_to_register(t, agent, user=None, contact=None):
    user = user or agent.name
    message = agent.request("REGISTER", f"sip:{t.server_address}", call=f"register-{user}")
    message.set("From", f"<{t.server_uri(user)}>;tag=from-{user}").set("To", f"<{t.server_uri(user)}>")
    return agent.send(message.add("Contact", contact or f"<{agent.uri()}>;expires=3600"))


def register(t, agent):
    """With the password, when it is asked for."""
    message = ask_to_register(t, agent)
    challenge = agent.expect(401)
    agent.send(answered(message, challenge, agent.name, PASSWORDS[agent.name], 2))
    fresh(agent.expect(200))


def call(t, user="alice"):
    """Alice's INVITE to bob, with her password; as bob has got it, and as she sent it."""
    invite = t.alice.request("INVITE", t.server_uri("bob"))
    invite.set("From", f"<{t.server_uri(user)}>;tag=from-alice")
    t.alice.send(invite)
    challenge = t.alice.expect(407)
    t.alice.ack(invite, challenge)
    again = answered(invite, challenge, "alice", PASSWORDS["alice"], 2)
    t.alice.send(again)
    return again


def registered(t):
    register(t, t.alice)
    register(t, t.bob)


def wrong_password(t):
    message = ask_to_register(t, t.bob)
    challenge = t.bob.expect(401)
    t.bob.send(answered(message, challenge, "bob", "wrong", 2))
    t.bob.expect(401)


def no_subscriber(t):
    message = ask_to_register(t, t.bob, "nobody")
    challenge = t.bob.expect(401)
    t.bob.send(answered(message, challenge, "nobody", "password", 2))
    t.bob.expect(401)


def name_of_another(t):
    """Bob registers as alice."""
    message = ask_to_register(t, t.bob, "alice")
    challenge = t.bob.expect(401)
    t.bob.send(answered(message, challenge, "bob", PASSWORDS["bob"], 2))
    t.bob.expect(401)


def called(t):
    register(t, t.bob)
    again = call(t)
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 180, "Ringing")
    t.alice.expect(180)
    t.bob.reply(received, 200, "OK")
    final = t.alice.expect(200)
    confirm(t, again, final, number=2)
    t.bob.expect("ACK")
    hang_up(t, t.alice, t.bob, final, final.all("Record-Route"), number=3)


def called_as_another(t):
    register(t, t.bob)
    again = call(t, "mallory")
    t.alice.ack(again, t.alice.expect(407))


def busy(t):
    register(t, t.bob)
    again = call(t)
    t.bob.reply(t.bob.expect("INVITE"), 486, "Busy Here")
    t.bob.expect("ACK")
    t.alice.ack(again, t.alice.expect(486))


def cancelled(t):
    register(t, t.bob)
    again = call(t)
    received = t.bob.expect("INVITE")
    t.bob.reply(received, 180, "Ringing")
    t.alice.expect(180)
    t.alice.cancel(again.copy().without("Proxy-Authorization"))
    t.alice.expect(200, "CANCEL")
    t.bob.reply(t.bob.expect("CANCEL"), 200, "OK")
    t.bob.reply(received, 487, "Request Terminated")
    t.bob.expect("ACK")
    t.alice.ack(again, t.alice.expect(487))


def not_there(t):
    again = call(t)
    t.alice.ack(again, t.alice.expect(404))


SCENARIOS = [("auth_" + run.__name__, run) for run in (
    registered, wrong_password, no_subscriber, name_of_another, called, called_as_another, busy,
    cancelled, not_there)]
