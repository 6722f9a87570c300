// auth_db: passwords and hashes of a table, users that differ, and changes by other programs. Codes
// are those of Kamailio 5.6.3. SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <optional>
#include <string>

#include "modules/auth/digest.h"
#include "modules/db_sqlite/connection.h"
#include "test/support/message_builder.h"
#include "test/support/module_host.h"
#include "test/support/temp_folder.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

constexpr std::string_view kUri = "sip:bob@192.0.2.2";

/// A server that says the code of auth_check() in the phrase of its reply.
class Gate {
public:
    explicit Gate(const std::string& more = {}, const std::string& flags = "1") {
        // The tables are there before any subscriber is.
        {
            ModuleHost first;
            first.config(text(more, flags));
            first.start();
        }
        execute(
            "INSERT INTO subscriber (username, domain, password, ha1, ha1b) VALUES ('alice', "
            "'realm', 'pw', '" +
            ha1("alice", "hashed") + "', '" + ha1("alice@realm", "hashed") + "')");
        host_.emplace();
        host().config(text(more, flags));
        host().start();
    }
    ModuleHost& host() { return *host_; }
    void execute(const std::string& sql) const {
        auto connection = db_sqlite::Connection::open({.path = folder_ / "k.db"});
        REQUIRE(connection.has_value());
        REQUIRE(connection->execute(sql).has_value());
    }
    /// The code for a request with these credentials.
    int check(const std::string& user, const std::string& password,
              const std::string& from = "alice", const std::string& method = "INVITE") {
        const bool www = method == "REGISTER";
        Request request(method, kUri);
        request.set("From", "<sip:" + from + "@realm>;tag=f").set("To", "<sip:" + from + "@realm>");
        host().receive(request.str());
        const std::string reply = host().take().bytes;
        const std::string challenge =
            header(reply, www ? "WWW-Authenticate" : "Proxy-Authenticate").value_or("");
        const std::size_t at = challenge.find("nonce=\"") + 7;
        const std::string nonce = challenge.substr(at, challenge.find('"', at) - at);
        const std::string response = auth::digest(
            auth::Hash::md5,
            {ha1(user, password), nonce, auth::digest(auth::Hash::md5, {method, kUri})});
        request.header(www ? "Authorization" : "Proxy-Authorization",
                       "Digest username=\"" + user + "\", realm=\"realm\", nonce=\"" + nonce +
                           "\", uri=\"" + std::string(kUri) + "\", response=\"" + response + "\"");
        request.branch("z9hG4bKsecond").cseq(2);
        host().receive(request.str());
        const std::string phrase = start_line(host().take().bytes).substr(12);
        extra = phrase.substr(phrase.find(' ') + 1);
        return std::stoi(phrase);
    }

    std::string extra;

private:
    static std::string ha1(const std::string& user, const std::string& password) {
        return auth::digest(auth::Hash::md5, {user, "realm", password});
    }
    [[nodiscard]] std::string text(const std::string& more, const std::string& flags) const {
        return "loadmodule \"sl\" loadmodule \"pv\" loadmodule \"auth\" loadmodule \"db_sqlite\" "
               "loadmodule \"auth_db\" modparam(\"auth_db\", \"db_url\", \"sqlite:///" +
               (folder_ / "k.db") + "\") " + more +
               " request_route { if ($rm == \"INFO\") { is_subscriber(\"$ru\", \"subscriber\", "
               "\"1\"); "
               "sl_send_reply(\"200\", \"$rc $avp(pw)\"); exit; } "
               "if (!has_credentials(\"realm\")) { auth_challenge(\"realm\", \"0\"); exit; } "
               "$var(code) = auth_check(\"realm\", \"subscriber\", \"" +
               flags + "\"); sl_send_reply(\"200\", \"$var(code) $avp(pw)\"); }";
    }
    TempFolder folder_;
    std::optional<ModuleHost> host_;
};

}  // namespace

TEST_CASE("hashes of the table, with and without a domain in the user's name") {
    Gate gate;
    CHECK(gate.check("alice", "hashed") == 1);
    CHECK(gate.check("alice", "wrong") == -2);
    CHECK(gate.check("alice@realm", "hashed") == 1);
    CHECK(gate.check("nobody", "hashed") == -3);
    CHECK(gate.check("alice", "hashed", "alice", "REGISTER") == 1);
    CHECK(gate.host().leaks().empty());
}

TEST_CASE("passwords of the table, and columns that become AVPs") {
    Gate gate(
        "modparam(\"auth_db\", \"calculate_ha1\", 1) modparam(\"auth_db\", "
        "\"password_column\", \"password\") modparam(\"auth_db\", \"load_credentials\", "
        "\"$avp(pw)=password\")");
    CHECK(gate.check("alice", "pw") == 1);
    CHECK(gate.extra == "pw");
    CHECK(gate.check("alice", "hashed") == -2);
    CHECK(gate.extra == "<null>");
}

TEST_CASE("the user must be that of From, and of To where it registers") {
    SECTION("1") {
        Gate gate;
        CHECK(gate.check("alice", "hashed", "mallory") == -8);
        CHECK(gate.check("alice", "hashed", "mallory", "REGISTER") == -8);
    }
    SECTION("3: calls may be anonymous") {
        Gate gate({}, "3");
        CHECK(gate.check("alice", "hashed", "anonymous") == 1);
        CHECK(gate.check("alice", "hashed", "mallory", "REGISTER") == -8);
    }
    SECTION("0") {
        Gate gate({}, "0");
        CHECK(gate.check("alice", "hashed", "mallory") == 1);
    }
}

TEST_CASE("what another program changes is known within cache_interval") {
    Gate gate;
    const auto subscribers = [&](std::string_view user) {
        gate.host().receive(Request("INFO", "sip:" + std::string(user) + "@realm").str());
        return start_line(gate.host().take().bytes);
    };
    CHECK(subscribers("alice") == "SIP/2.0 200 1 <null>");
    CHECK(subscribers("carol") == "SIP/2.0 200 -1 <null>");
    gate.host().advance(Ms(3000));
    std::string rows;
    for (int i = 0; i < 1200; ++i)
        rows += "INSERT INTO subscriber (username, domain) VALUES ('u" + std::to_string(i) +
                "', 'realm');";
    gate.execute("BEGIN; DELETE FROM subscriber; " + rows +
                 " INSERT INTO subscriber (username, domain) VALUES ('carol', 'realm'); COMMIT");
    gate.host().advance(Ms(3000));
    CHECK(subscribers("alice") == "SIP/2.0 200 -1 <null>");
    CHECK(subscribers("carol") == "SIP/2.0 200 1 <null>");
    CHECK(subscribers("u0") == "SIP/2.0 200 1 <null>");
    CHECK(subscribers("u1199") == "SIP/2.0 200 1 <null>");
}

TEST_CASE("domains differ when use_domain says so") {
    Gate gate("modparam(\"auth_db\", \"use_domain\", 1)");
    CHECK(gate.check("alice", "hashed") == 1);
    gate.host().receive(Request("INFO", "sip:alice@other").str());
    CHECK(start_line(gate.host().take().bytes) == "SIP/2.0 200 -1 <null>");
    for (const std::string_view uri : {"sip:realm", "tel:alice", "sip:@realm"}) {
        gate.host().receive(Request("INFO", uri).str());
        CHECK(start_line(gate.host().take().bytes) == "SIP/2.0 200 -1 <null>");
    }
}
