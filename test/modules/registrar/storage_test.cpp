// Contacts in a database: at once, within an interval, and again at the next start.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <string>

#include "modules/db_sqlite/connection.h"
#include "test/modules/registrar/users.h"
#include "test/support/temp_folder.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

class Stored {
public:
    [[nodiscard]] std::string parameters(int mode) const {
        return "loadmodule \"db_sqlite\" modparam(\"usrloc\", \"db_mode\", " +
               std::to_string(mode) +
               ") modparam(\"usrloc\", \"timer_interval\", 10) modparam(\"usrloc\", \"db_url\", "
               "\"sqlite:///" +
               path() + "\") ";
    }
    [[nodiscard]] std::string path() const { return folder_ / "k.db"; }
    /// The first column of the first row, as text.
    std::string ask(const std::string& sql) const {
        auto connection = db_sqlite::Connection::open({.path = path()});
        REQUIRE(connection.has_value());
        std::string text;
        const auto value = connection->first(sql, {}, text);
        REQUIRE(value.has_value());
        return value->type() == db::Value::Type::integer ? std::to_string(value->integer()) : text;
    }
    void execute(const std::string& sql) const {
        auto connection = db_sqlite::Connection::open({.path = path()});
        REQUIRE(connection.has_value());
        REQUIRE(connection->execute(sql).has_value());
    }

private:
    TempFolder folder_;
};

}  // namespace

TEST_CASE("written through: the answer comes when the database has it") {
    const Stored stored;
    Users users(stored.parameters(1));
    users.start();
    users.receive(Register("anna", "<sip:1@h>;q=0.5;expires=100").str());
    CHECK(users.pending() == 0);
    CHECK(stored.ask("SELECT COUNT(*) FROM location") == "0");
    users.advance(Ms(100));
    REQUIRE(users.pending() == 1);
    const std::string answer = users.take().bytes;
    CHECK(start_line(answer) == "SIP/2.0 200 OK");
    CHECK(header(answer, "Contact") == "<sip:1@h>;q=0.5;expires=100");
    CHECK(header(answer, "To").value_or("").find(";tag=") != std::string::npos);
    CHECK(stored.ask("SELECT username || '|' || contact || '|' || q || '|' || callid FROM "
                     "location") == "anna|sip:1@h|0.5|anna@phone");
    // As Kamailio has it: the Julian day.
    CHECK(stored.ask("SELECT strftime('%s', expires) - strftime('%s', last_modified) FROM "
                     "location") == "100");
    users.receive(Register("anna", "*").header("Expires", "0").cseq(2000).str());
    users.advance(Ms(100));
    CHECK(start_line(users.take().bytes) == "SIP/2.0 200 OK");
    CHECK(stored.ask("SELECT COUNT(*) FROM location") == "0");
    CHECK(users.leaks().empty());
}

TEST_CASE("written back: within timer_interval, and at the end") {
    const Stored stored;
    {
        Users users(stored.parameters(2));
        users.start();
        CHECK(users.contacts(Register("anna", "<sip:1@h>, <sip:2@h>")) != "");
        CHECK(stored.ask("SELECT COUNT(*) FROM location") == "0");
        users.advance(Ms(11'100));
        CHECK(stored.ask("SELECT COUNT(*) FROM location") == "2");
        (void)users.send(Register("anna", "<sip:1@h>;expires=0"));
        (void)users.send(Register("bert", "<sip:3@h>"));
    }
    CHECK(stored.ask("SELECT group_concat(contact) FROM (SELECT contact FROM location ORDER BY "
                     "contact)") == "sip:2@h,sip:3@h");
}

TEST_CASE("written back: what is older than timer_interval is stored, whenever it came") {
    // 10 seconds, and as long as the database takes in this test.
    constexpr int kInterval = 10;
    const Stored stored;
    Users users(stored.parameters(2));
    users.start();
    const auto name = [](int n) { return "user" + std::to_string(n); };
    const auto is_stored = [&](int n, const std::string& contact) {
        return stored.ask("SELECT COUNT(*) FROM location WHERE username = '" + name(n) +
                          "' AND contact = '" + contact + "'") == "1";
    };
    for (int now = 0; now < 3 * kInterval; ++now) {
        (void)users.send(Register(name(now), "<sip:a@h>, <sip:b@h>;expires=600"));
        // The one of an interval ago changes, and another one goes.
        if (now >= kInterval)
            (void)users.send(Register(name(now - kInterval), "<sip:a@h>;expires=0"));
        users.advance(Ms(1000));
        INFO(now);
        if (now >= kInterval) CHECK(is_stored(now - kInterval, "sip:b@h"));
        if (now >= 2 * kInterval) CHECK_FALSE(is_stored(now - 2 * kInterval, "sip:a@h"));
    }
}

TEST_CASE("a new server has the contacts of the old one, and their rows") {
    const Stored stored;
    std::string ruid;
    {
        Users users(stored.parameters(2) +
                    "modparam(\"registrar\", \"use_path\", 1) "
                    "modparam(\"registrar\", \"path_mode\", 0)");
        users.start();
        (void)users.send(Register("anna", "<sip:1@h>;q=0.3;expires=600")
                             .header("Path", "<sip:p;lr>")
                             .header("Allow", "INVITE"));
        (void)users.send(Register("anna", "<sip:2@h>;q=0.7;expires=61"));
    }
    ruid = stored.ask("SELECT ruid FROM location WHERE contact = 'sip:1@h'");
    stored.execute(
        "UPDATE location SET expires = julianday('2020-01-01') WHERE contact = 'sip:2@h'");
    stored.execute(
        "INSERT INTO location (ruid, username, contact, expires, callid) VALUES ('x', "
        "'bert', 'sip:b@h', '2090-05-28 21:32:15', 'c')");
    {
        Users users(stored.parameters(2));
        users.start();
        CHECK(users.contacts(Register("anna")) == "<sip:1@h>;q=0.3;expires=600");
        CHECK(users.where("anna") == "1 sip:1@h sip:p;lr <null>");
        CHECK(users.where("bert") == "1 sip:b@h <null> <null>");
        CHECK(stored.ask("SELECT COUNT(*) FROM location") == "2");
        (void)users.send(Register("anna", "<sip:1@h>;q=0.4").call_id("other"));
    }
    CHECK(stored.ask("SELECT ruid || q FROM location WHERE username = 'anna'") == ruid + "0.4");
}

TEST_CASE("columns under other names, and moments as numbers") {
    const Stored stored;
    const std::string columns =
        "modparam(\"usrloc\", \"user_column\", \"who\") modparam(\"usrloc\", "
        "\"contact_column\", \"place\") modparam(\"usrloc\", \"expires_column\", \"until\") "
        "modparam(\"usrloc\", \"ruid_column\", \"id2\") modparam(\"usrloc\", "
        "\"expires_type\", 1) ";
    std::string until;
    {
        Users users(stored.parameters(2) + columns);
        users.start();
        (void)users.send(Register("anna", "<sip:1@h>;expires=600"));
        until = std::to_string(users.clock.unix_seconds() + 600);
    }
    CHECK(stored.ask("SELECT who || ' ' || place || ' ' || until FROM location") ==
          "anna sip:1@h " + until);
    {
        Users users(stored.parameters(2) + columns);
        users.start();
        CHECK(users.contacts(Register("anna")) == "<sip:1@h>;expires=600");
        (void)users.send(Register("anna", "<sip:1@h>;expires=0").call_id("other"));
    }
    CHECK(stored.ask("SELECT COUNT(*) FROM location") == "0");
    Users wrong(stored.parameters(2) + "modparam(\"usrloc\", \"q_column\", \"q, (SELECT 1)\") ");
    const auto started = wrong.try_start();
    REQUIRE_FALSE(started.has_value());
    CHECK(started.error().str().find("cannot be a column") != std::string::npos);
}

TEST_CASE("contacts of connections are gone with the server when that is wanted") {
    const Stored stored;
    {
        Users users(stored.parameters(2));
        users.start();
        (void)users.send(Register("anna", "<sip:1@h;transport=tcp>, <sip:2@h>"));
    }
    Users kept(stored.parameters(2));
    kept.start();
    CHECK(stored.ask("SELECT COUNT(*) FROM location") == "2");
    Users users(stored.parameters(2) + "modparam(\"usrloc\", \"db_clean_tcp\", 1) ");
    users.start();
    CHECK(users.where("anna") == "1 sip:2@h <null> <null>");
    CHECK(stored.ask("SELECT COUNT(*) FROM location") == "1");
}

TEST_CASE("what the database refuses is tried again, and its answer does not come") {
    const Stored stored;
    Users users(stored.parameters(1));
    users.start();
    stored.execute(
        "CREATE TRIGGER no BEFORE INSERT ON location BEGIN SELECT RAISE(FAIL, 'no'); END");
    users.receive(Register("anna", "<sip:1@h>").str());
    users.advance(Ms(500));
    CHECK(users.pending() == 0);
    CHECK(users.statistic("registrar", "replies_lost") == 1);
    CHECK(users.statistic("usrloc", "rows_failed") == 1);
    stored.execute("DROP TRIGGER no");
    users.advance(Ms(11'000));
    CHECK(stored.ask("SELECT COUNT(*) FROM location") == "1");
    // The client asks again, and is answered.
    users.receive(Register("anna", "<sip:1@h>").cseq(2000).str());
    users.advance(Ms(500));
    CHECK(users.pending() == 1);
}

TEST_CASE(
    "without a module for databases, or with another kind of URL, the server does not start") {
    Users users("modparam(\"usrloc\", \"db_mode\", 1)");
    CHECK_FALSE(users.try_start().has_value());
    Users other("loadmodule \"db_sqlite\" modparam(\"usrloc\", \"db_mode\", 1)");
    CHECK_FALSE(other.try_start().has_value());
}
