// Scripts in a database: what it refuses changes nothing, what it takes is in force from then on,
// and every REGISTER is answered once. SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "modules/db_sqlite/connection.h"
#include "test/support/message_builder.h"
#include "test/support/module_host.h"
#include "test/support/recorded_call.h"
#include "test/support/temp_folder.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

std::string reject(int code) {
    return "<cpl><incoming><reject status=\"" + std::to_string(code) + "\"/></incoming></cpl>";
}

Request invite(const std::string& user = "anna") {
    static int n = 0;
    return Request("INVITE", "sip:" + user + "@example.test")
        .branch("z9hG4bKi" + std::to_string(++n));
}

/// A server whose scripts are in a database of its own.
struct Stored : ModuleHost {
    explicit Stored(const std::string& more = {}, const std::string& function = "") {
        start_with(more, function);
    }
    void start_with(const std::string& more, const std::string& function) {
        config(
            "loadmodule \"sl\"\nloadmodule \"tm\"\nloadmodule \"db_sqlite\"\nloadmodule \"cpl\"\n"
            "modparam(\"cpl\", \"db_url\", \"sqlite:///" +
            path() + "\")\n" + more +
            "request_route { if (method == \"ACK\") exit;\n if (method == \"REGISTER\") { "
            "cpl_process_register" +
            function +
            "(); sl_send_reply(\"299\", \"Passed\"); exit; }\n"
            "if (cpl_run_script(\"incoming\", \"is_stateless\")) sl_send_reply(\"299\", "
            "\"Passed\"); }");
        start();
    }
    [[nodiscard]] std::string path() const { return folder_ / "cpl.db"; }
    void execute(const std::string& sql) const {
        auto connection = db_sqlite::Connection::open({.path = path()});
        REQUIRE(connection.has_value());
        REQUIRE(connection->execute(sql).has_value());
    }
    /// From now on the database takes nothing.
    void refuse() const {
        execute("CREATE TRIGGER no1 BEFORE INSERT ON cpl BEGIN SELECT RAISE(FAIL, 'no'); END");
        execute("CREATE TRIGGER no2 BEFORE UPDATE ON cpl BEGIN SELECT RAISE(FAIL, 'no'); END");
        execute("CREATE TRIGGER no3 BEFORE DELETE ON cpl BEGIN SELECT RAISE(FAIL, 'no'); END");
    }
    void take_again() const { execute("DROP TRIGGER no1; DROP TRIGGER no2; DROP TRIGGER no3"); }
    std::string stored() const {
        auto connection = db_sqlite::Connection::open({.path = path()});
        REQUIRE(connection.has_value());
        std::string text;
        REQUIRE(connection->first("SELECT cpl_xml FROM cpl", {}, text).has_value());
        return text;
    }

    void ask(const std::string& xml, const std::string& user = "anna",
             const std::string& call_id = "upload") {
        Request request("REGISTER", "sip:" + user + "@example.test");
        request.branch("z9hG4bKu" + std::to_string(++count_)).call_id(call_id);
        request.header("Content-Disposition",
                       xml.empty() ? "script;action=remove" : "script;action=store");
        if (xml.empty())
            request.header("Content-Type", "application/cpl+xml");
        else
            request.body(xml, "application/cpl+xml");
        receive(request.str());
    }
    /// The final answers, each as "200 OK", separated by ", ".
    std::string answers() {
        std::string all;
        while (pending() != 0) {
            const std::string line = start_line(take().bytes);
            if (line.starts_with("SIP/2.0 1")) continue;
            all += (all.empty() ? "" : ", ") + line.substr(8);
        }
        return all;
    }
    std::string upload(const std::string& xml) {
        ask(xml);
        advance(Ms(100));
        return answers();
    }
    std::string call(const std::string& user = "anna") {
        receive(invite(user).str());
        return start_line(take().bytes).substr(8, 3);
    }

private:
    TempFolder folder_;
    int count_ = 0;
};

}  // namespace

TEST_CASE("cpl: what the database refuses leaves the old script in force") {
    Stored server;
    CHECK(server.upload(reject(480)) == "200 OK");
    CHECK(server.call() == "480");
    server.refuse();
    CHECK(server.upload(reject(481)) == "500 Internal server error");
    CHECK(server.call() == "480");
    CHECK(server.upload("") == "500 Internal server error");
    CHECK(server.call() == "480");
    CHECK(server.statistic("cpl", "database_failures") == 2);
    CHECK(server.statistic("cpl", "scripts") == 1);
    CHECK(server.stored() == reject(480));
    server.take_again();
    CHECK(server.upload(reject(481)) == "200 OK");
    CHECK(server.call() == "481");
    CHECK(server.upload("") == "200 OK");
    CHECK(server.call() == "299");
    CHECK(server.statistic("cpl", "scripts") == 0);
    server.advance(Ms(40'000));
    CHECK(server.leaks().empty());
}

TEST_CASE("cpl: the first script of a user that the database refuses is none") {
    Stored server;
    server.refuse();
    CHECK(server.upload(reject(480)) == "500 Internal server error");
    CHECK(server.call() == "299");
    CHECK(server.statistic("cpl", "scripts") == 0);
    CHECK(server.statistic("cpl", "stored") == 0);
    server.advance(Ms(40'000));
    CHECK(server.leaks().empty());
}

TEST_CASE("cpl: a script is in force when the database has it, and not before") {
    Stored server;
    CHECK(server.upload(reject(480)) == "200 OK");
    server.ask(reject(481));
    CHECK(server.answers().empty());
    CHECK(server.call() == "480");
    server.advance(Ms(100));
    CHECK(server.answers() == "200 OK");
    CHECK(server.call() == "481");
    // Without an answer of its own it is the same.
    Stored silent("", "_norpl");
    silent.ask(reject(480));
    CHECK(silent.answers() == "299 Passed");
    CHECK(silent.call() == "299");
    silent.advance(Ms(100));
    CHECK(silent.call() == "480");
    silent.refuse();
    silent.ask(reject(481));
    CHECK(silent.answers() == "299 Passed");
    silent.advance(Ms(100));
    CHECK(silent.call() == "480");
}

TEST_CASE("cpl: each of two REGISTERs with one Call-ID and number is answered, and once") {
    Stored server;
    server.ask(reject(480), "anna", "same");
    server.ask(reject(481), "bert", "same");
    server.advance(Ms(100));
    CHECK(server.answers() == "200 OK, 200 OK");
    server.advance(Ms(30'000));
    CHECK(server.answers().empty());
    CHECK(server.call("anna") == "480");
    CHECK(server.call("bert") == "481");
}

TEST_CASE("cpl: as many changes wait as may, and the others are told to come again") {
    Stored server("modparam(\"cpl\", \"max_waiting\", 3)\n");
    for (int i = 0; i < 5; ++i) server.ask(reject(480 + i), "user" + std::to_string(i));
    CHECK(server.pending() == 2);
    const std::string refused = server.take().bytes;
    CHECK(start_line(refused) == "SIP/2.0 503 Too many changes wait");
    CHECK(header(refused, "Retry-After") == "10");
    server.discard_sent();
    CHECK(server.statistic("cpl", "turned_away") == 2);
    server.advance(Ms(100));
    CHECK(server.answers() == "200 OK, 200 OK, 200 OK");
    CHECK(server.call("user2") == "482");
    CHECK(server.call("user3") == "299");
    CHECK(server.upload(reject(486)) == "200 OK");
}

TEST_CASE("cpl: of several changes that wait the last one stays") {
    Stored server;
    server.ask(reject(480), "anna", "one");
    server.ask("", "anna", "two");
    server.ask(reject(481), "anna", "three");
    server.advance(Ms(100));
    CHECK(server.answers() == "200 OK, 200 OK, 200 OK");
    CHECK(server.call() == "481");
    CHECK(server.statistic("cpl", "scripts") == 1);
    server.ask(reject(482), "anna", "four");
    server.ask("", "anna", "five");
    server.advance(Ms(100));
    CHECK(server.answers() == "200 OK, 200 OK");
    CHECK(server.call() == "299");
    CHECK(server.statistic("cpl", "scripts") == 0);
}

TEST_CASE("cpl: what the queue of the database has no room for is not begun") {
    Stored server("modparam(\"db_sqlite\", \"queue_size\", 1)\n");
    server.ask(reject(480), "anna", "one");
    server.ask(reject(481), "bert", "two");  // the queue is full
    CHECK(server.answers() == "500 Internal server error");
    server.advance(Ms(100));
    CHECK(server.answers() == "200 OK");
    CHECK(server.call("bert") == "299");
    CHECK(server.statistic("cpl", "database_failures") == 1);
}

TEST_CASE("cpl: commands answer when the database has decided") {
    const TempFolder files;
    files.add("busy.xml", reject(486));
    Stored server;
    const std::string file = files.path() + "/busy.xml";
    RecordedCall load({Value(std::string_view("anna")), Value(std::string_view(file))});
    CHECK(load.run(server.engine(), "cpl.load").empty());
    CHECK(server.call() == "299");
    server.advance(Ms(100));
    CHECK(load.out() == "\"CPL Enabled\"");
    CHECK(server.call() == "486");
    server.refuse();
    RecordedCall remove({Value(std::string_view("anna"))});
    CHECK(remove.run(server.engine(), "cpl.remove").empty());
    server.advance(Ms(100));
    CHECK(remove.out() == "error 500 Remove failed");
    CHECK(server.call() == "486");
}
