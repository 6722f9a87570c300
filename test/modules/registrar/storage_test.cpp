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
