// htable: tables that are read from a database and written back. What Kamailio 5.6.3 stores for the
// same table is read here, and the other way round. SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "modules/db_sqlite/connection.h"
#include "test/support/message_builder.h"
#include "test/support/module_host.h"
#include "test/support/recorded_call.h"
#include "test/support/temp_folder.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

constexpr std::string_view kTable =
    "CREATE TABLE t (id INTEGER PRIMARY KEY NOT NULL, key_name VARCHAR(64) DEFAULT '' NOT NULL, "
    "key_type INTEGER DEFAULT 0 NOT NULL, value_type INTEGER DEFAULT 0 NOT NULL, key_value "
    "VARCHAR(128) DEFAULT '' NOT NULL, expires INTEGER DEFAULT 0 NOT NULL);";
/// The server's clock at its start.
constexpr std::int64_t kNow = 1'700'001'000;

class Stored {
public:
    explicit Stored(const std::string& rows = {}) { execute(std::string(kTable) + rows); }

    void execute(const std::string& sql) const {
        auto connection = db_sqlite::Connection::open({.path = folder_ / "h.db"});
        REQUIRE(connection.has_value());
        REQUIRE(connection->execute(sql).has_value());
    }
    /// "key type value_type value expires|…", in the order of the keys.
    [[nodiscard]] std::string rows(const std::string& table = "t") const {
        auto connection = db_sqlite::Connection::open({.path = folder_ / "h.db"});
        REQUIRE(connection.has_value());
        auto all = connection->prepare(
            "SELECT key_name || ' ' || key_type || ' ' || value_type || ' ' || key_value || ' ' || "
            "expires FROM " +
            table + " ORDER BY key_name");
        REQUIRE(all.has_value());
        std::string out;
        REQUIRE(all->run({},
                         [&out](db::Row row) {
                             out += std::string(row[0].text()) + "|";
                             return true;
                         })
                    .has_value());
        return out;
    }
    /// Routes in front of which the tables stand.
    [[nodiscard]] std::string config(const std::string& definition, const std::string& more,
                                     const std::string& script, const std::string& phrase) const {
        return "loadmodule \"sl\" loadmodule \"pv\" loadmodule \"db_sqlite\" loadmodule \"htable\" "
               "modparam(\"htable\", \"htable\", \"" +
               definition + "\") modparam(\"htable\", \"db_url\", \"sqlite:///" +
               (folder_ / "h.db") + "\") " + more + " request_route { " + script +
               " sl_send_reply(\"200\", \"" + phrase + "\"); }";
    }

private:
    TempFolder folder_;
};

struct Server : ModuleHost {
    Server(const Stored& stored, const std::string& definition, const std::string& phrase,
           const std::string& more = {}, const std::string& script = {}) {
        config(stored.config(definition, more, script, phrase));
        start();
    }
    std::string run() {
        receive(Request("OPTIONS").str());
        const std::string line = start_line(take().bytes);
        return line.substr(line.find("200 ") + 4);
    }
    /// A command whose answer waits for the database.
    std::string ask(std::string_view command, std::string_view table = "a") {
        RecordedCall call({Value(table)});
        std::string said = call.run(engine(), command);
        for (int i = 0; said.empty() && i < 500; ++i) {
            advance(Ms{10});
            said = call.out();
        }
        return said;
    }
};

}  // namespace

TEST_CASE("rows become items at the start: texts, numbers, arrays") {
    const Stored stored(
        "INSERT INTO t (key_name, key_type, value_type, key_value) VALUES ('k', 0, 0, 'v'), "
        "('n', 0, 1, '42'), ('arr', 1, 0, 'x'), ('arr', 1, 0, 'y'), ('bad', 0, 1, 'twelve');");
    Server server(stored, "a=>size=4;dbtable=t;",
                  "$sht(a=>k) $shtinc(a=>n) $sht(a=>arr[0]) $sht(a=>arr[1]) $sht(a=>arr::size) "
                  "$sht(a=>arr) $sht(a=>bad)");
    CHECK(server.run() == "v 43 x y 2 <null> 0");
}

TEST_CASE("columns have the names that the operator gave") {
    const Stored stored(
        "CREATE TABLE o (k TEXT, kt INTEGER, vt INTEGER, v TEXT, e INTEGER);"
        "INSERT INTO o VALUES ('one', 1, 1, '7', 0);");
    Server server(
        stored, "a=>size=4;dbtable=o", "$sht(a=>one[0]) $sht(a=>one-n)",
        "modparam(\"htable\", \"key_name_column\", \"k\") modparam(\"htable\", "
        "\"key_type_column\", \"kt\") modparam(\"htable\", \"value_type_column\", \"vt\") "
        "modparam(\"htable\", \"key_value_column\", \"v\") modparam(\"htable\", "
        "\"expires_column\", \"e\") modparam(\"htable\", \"array_size_suffix\", \"-n\") "
        "modparam(\"htable\", \"fetch_rows\", 10) ");
    CHECK(server.run() == "7 1");
}

TEST_CASE("cols: columns in one text, NULL as an asterisk") {
    const Stored stored(
        "CREATE TABLE o (name TEXT, a TEXT, b INTEGER);"
        "INSERT INTO o VALUES ('x', 'left', 5), ('y', NULL, 6);");
    Server two(stored, "a=>size=4;dbtable=o;cols='name,a,b';", "$sht(a=>x) $sht(a=>y)");
    CHECK(two.run() == "left,5 *,6");
    Server one(stored, "a=>size=4;dbtable=o;cols='name,b';", "$sht(a=>x) $shtinc(a=>x)");
    CHECK(one.run() == "5 <null>");
}

TEST_CASE("what expires is read with db_expires, and what has expired is not") {
    const std::string rows = "INSERT INTO t (key_name, key_value, expires) VALUES ('old', 'v', " +
                             std::to_string(kNow - 1) + "), ('soon', 'v', " +
                             std::to_string(kNow + 30) + "), ('ever', 'v', 0);";
    const std::string phrase =
        "$sht(a=>old) $shtex(a=>old) $sht(a=>soon) $shtex(a=>soon) $sht(a=>ever) $shtex(a=>ever)";
    Server with(Stored(rows), "a=>size=4;autoexpire=100;dbtable=t", phrase,
                "modparam(\"htable\", \"db_expires\", 1) ");
    CHECK(with.run() == "<null> 0 v 30 v 100");
    // Without it all that was read is as if it were set now.
    Server without(Stored(rows), "a=>size=4;autoexpire=100;dbtable=t", phrase);
    CHECK(without.run() == "v 100 v 100 v 100");
    // In a table without autoexpire nothing expires.
    const Stored stored(rows);
    Server never(stored, "a=>size=4;dbtable=t", phrase, "modparam(\"htable\", \"db_expires\", 1) ");
    never.advance(Ms{200'000});
    CHECK(never.run() == "v 0 v 0 v 0");
}

TEST_CASE("a table without dbmode is not written, and one without dbtable is not read") {
    const Stored stored("INSERT INTO t (key_name, key_value) VALUES ('k', 'v');");
    {
        Server server(stored, "a=>size=4;dbtable=t", "x", {}, "$sht(a=>new) = 1;");
        (void)server.run();
    }
    CHECK(stored.rows() == "k 0 0 v 0|");
    Server other(stored, "a=>size=4;dbmode=1", "[$sht(a=>k)]");
    CHECK(other.run() == "[<null>]");
}

TEST_CASE("a table with dbmode is written when the server stops, and read when it starts") {
    const Stored stored(
        "INSERT INTO t (key_name, key_type, value_type, key_value) VALUES ('gone', 0, 0, 'v'), "
        "('arr', 1, 0, 'x');");
    const std::string definition = "a=>size=4;autoexpire=100;dbtable=t;dbmode=1";
    const std::string expires = "modparam(\"htable\", \"db_expires\", 1) ";
    {
        Server server(stored, definition, "x", expires,
                      "$sht(a=>gone) = $null; $sht(a=>n) = 7; $sht(a=>q) = \"it's\"; "
                      "$shtex(a=>q) = 40;");
        (void)server.run();
    }
    const std::string usual = " " + std::to_string(kNow + 100) + "|";
    CHECK(stored.rows() == "arr::size 0 1 1" + usual + "arr[0] 0 0 x" + usual + "n 0 1 7" + usual +
                               "q 0 0 it's " + std::to_string(kNow + 40) + "|");
    Server again(stored, definition,
                 "$sht(a=>gone) $shtinc(a=>n) $sht(a=>q) $shtex(a=>q) "
                 "$sht(a=>arr[0]) $sht(a=>arr::size)",
                 expires);
    CHECK(again.run() == "<null> 8 it's 40 x 1");
}

TEST_CASE("more items than the database's queue takes are all written") {
    const Stored stored;
    {
        Server server(stored, "a=>size=6;dbtable=t;dbmode=1", "x",
                      "modparam(\"db_sqlite\", \"queue_size\", 100) \nmax_while_loops=2000\n",
                      "while ($var(i) < 1500) { $sht(a=>k$var(i)) = $var(i); "
                      "$var(i) = $var(i) + 1; }");
        (void)server.run();
    }
    Server again(stored, "a=>size=6;dbtable=t",
                 "$sht(a=>k0) $sht(a=>k749) $sht(a=>k1499) $shtcn(a=>~~^k)");
    CHECK(again.run() == "0 749 1499 1500");
}

TEST_CASE("htable.reload takes the rows as they are now") {
    const Stored stored("INSERT INTO t (key_name, key_value) VALUES ('k', 'v'), ('gone', 'v');");
    Server server(stored, "a=>size=4;dbtable=t", "$sht(a=>k) $sht(a=>gone) $sht(a=>new)");
    CHECK(server.run() == "v v <null>");
    stored.execute("DELETE FROM t WHERE key_name = 'gone'; UPDATE t SET key_value = 'w';");
    std::string many = "INSERT INTO t (key_name, key_value) VALUES ('new', '1')";
    for (int i = 0; i < 1200; ++i) many += ", ('m" + std::to_string(i) + "', 'x')";
    stored.execute(many);
    CHECK(server.ask("htable.reload") == "\"Ok. Htable successfully reloaded.\"");
    CHECK(server.run() == "w <null> 1");
    CHECK(server.statistic("htable", "added") == 1203);
    CHECK(server.ask("htable.reload", "nope") == "error 500 No such htable");
}

TEST_CASE("htable.store writes a table while the server runs") {
    const Stored stored("INSERT INTO t (key_name, key_value) VALUES ('k', 'v'), ('gone', 'v');");
    Server server(stored, "a=>size=4;dbtable=t", "x", "\nmax_while_loops=2000\n",
                  "$sht(a=>gone) = $null; while ($var(i) < 1100) { $sht(a=>m$var(i)) = 1; $var(i) "
                  "= $var(i) + 1; }");
    (void)server.run();
    CHECK(server.ask("htable.store") == "\"Ok. Htable successfully stored to DB.\"");
    const std::string rows = stored.rows();
    CHECK(std::ranges::count(rows, '|') == 1101);
    CHECK(rows.starts_with("k 0 0 v 0|m0 0 1 1 0|"));
    CHECK(rows.find("gone") == rows.npos);
}

TEST_CASE("a database that goes away is an answer, not a loss") {
    const Stored stored("INSERT INTO t (key_name, key_value) VALUES ('k', 'v');");
    Server server(stored, "a=>size=4;dbtable=t", "$sht(a=>k)");
    stored.execute("ALTER TABLE t RENAME TO elsewhere;");
    CHECK(server.ask("htable.reload").starts_with("error "));
    CHECK(server.run() == "v");
    CHECK(server.ask("htable.store").starts_with("error "));
    CHECK(stored.rows("elsewhere") == "k 0 0 v 0|");
    stored.execute("ALTER TABLE elsewhere RENAME TO t;");
    CHECK(server.ask("htable.reload") == "\"Ok. Htable successfully reloaded.\"");
}

TEST_CASE("tables of a database that cannot be are refused at the start") {
    const auto refusal = [](const std::string& definition, const std::string& more = {}) {
        const Stored stored;
        ModuleHost host;
        try {
            host.config(stored.config(definition, more, "", "x"));
            const auto started = host.try_start();
            return started ? std::string() : started.error().str();
        } catch (const std::exception& e) {
            return std::string(e.what());
        }
    };
    CHECK(refusal("a=>size=4;dbtable=fresh").empty());
    CHECK(refusal("a=>size=4;dbtable=t;cols='key_name,nope'").find("nope") != std::string::npos);
    CHECK(refusal("a=>dbtable=t;cols='key_name'").find("cols names") != std::string::npos);
    CHECK(refusal("a=>dbtable=t; DROP TABLE t").find("is no number") != std::string::npos);
    CHECK(refusal("a=>dbtable=t x").find("cannot be a table") != std::string::npos);
    CHECK(refusal("a=>dbtable=t;cols='a b,c'").find("cannot be a column") != std::string::npos);
    CHECK(refusal("a=>dbtable=t", "modparam(\"htable\", \"key_name_column\", \"k--\") ")
              .find("cannot be a column") != std::string::npos);
    CHECK(refusal("a=>dbtable=t;dmqreplicate=1").find("not replicated") != std::string::npos);
    ModuleHost alone;
    alone.load("htable");
    alone.param("htable", "db_url", std::string_view("sqlite:///x"));
    const auto started = alone.try_start();
    REQUIRE_FALSE(started.has_value());
    CHECK(started.error().str().find("db_sqlite") != std::string::npos);
}
