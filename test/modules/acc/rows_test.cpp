// acc: records in a database. SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <string>

#include "modules/db_sqlite/connection.h"
#include "test/support/message_builder.h"
#include "test/support/module_host.h"
#include "test/support/temp_folder.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

constexpr std::string_view kCallee = "192.0.2.2:5060";
constexpr std::string_view kFixed =
    "method || ' ' || from_tag || ' ' || to_tag || ' ' || callid || ' ' || sip_code || ' ' || "
    "sip_reason";

class Server : public ModuleHost {
public:
    explicit Server(const std::string& more = {}, const std::string& script = "t_relay();") {
        config(
            "loadmodule \"tm\" loadmodule \"pv\" loadmodule \"db_sqlite\" loadmodule \"acc\" "
            "modparam(\"acc\", \"db_url\", \"sqlite:///" +
            (folder_ / "a.db") +
            "\") modparam(\"acc\", \"db_flag\", 1) modparam(\"acc\", \"db_missed_flag\", 2) " +
            more + " request_route { setflag(1); setflag(2); " + script + " }");
        start();
    }
    void call(int code, std::string_view reason_text) {
        receive(Request("INVITE", "sip:bob@192.0.2.2").from_tag("ft").call_id("cid").str());
        take();  // 100
        receive(reply(take().bytes, code, reason_text, "tt"), kCallee);
    }
    /// Each row of a query as its first column, with a bar behind.
    std::string rows(const std::string& what, const std::string& table) {
        advance(Ms{50});
        auto connection = db_sqlite::Connection::open({.path = folder_ / "a.db"});
        REQUIRE(connection.has_value());
        auto all = connection->prepare("SELECT " + what + " FROM " + table + " ORDER BY id");
        REQUIRE(all.has_value());
        std::string out;
        REQUIRE(all->run({},
                         [&out](db::Row row) {
                             out += (row[0].is_null() ? "NULL" : std::string(row[0].text())) + "|";
                             return true;
                         })
                    .has_value());
        return out;
    }

private:
    TempFolder folder_;
};

}  // namespace

TEST_CASE("an answered call is a row of acc, one that failed a row of missed_calls") {
    Server answered;
    answered.call(200, "Fine");
    CHECK(answered.rows(std::string(kFixed), "acc") == "INVITE ft tt cid 200 Fine|");
    CHECK(answered.rows("method", "missed_calls").empty());
    // The time as Kamailio stores it: in Julian days.
    CHECK(answered.rows("datetime(time)", "acc") == "2023-11-14 22:30:00|");
    Server failed;
    failed.call(486, "Busy Here");
    CHECK(failed.rows(std::string(kFixed), "missed_calls") == "INVITE ft tt cid 486 Busy Here|");
    CHECK(failed.rows("method", "acc").empty());
    CHECK(failed.statistic("acc", "rows_lost") == 0);
}

TEST_CASE("more columns, and a row for each leg") {
    Server server(
        "modparam(\"acc\", \"db_extra\", \"caller=$fU;nothing=$avp(none);number=$avp(n)\") "
        "modparam(\"acc\", \"multi_leg_info\", \"src=$avp(src);dst=$avp(dst)\") "
        "modparam(\"acc\", \"time_mode\", 4) modparam(\"acc\", \"time_format\", \"%Y it's\") ",
        "$avp(n) = 7; $avp(src) = \"a\"; $avp(dst) = \"b\"; $avp(src) = \"c\"; $avp(dst) = \"d\"; "
        "t_relay();");
    server.call(200, "OK");
    CHECK(server.rows("caller || ' [' || \"nothing\" || '] ' || number || src || dst || time_attr",
                      "acc") == "alice [] 7cd2023 it's|alice [] 7ab2023 it's|");
}

TEST_CASE("nulls are stored as such when that is wanted") {
    Server server(
        "modparam(\"acc\", \"db_extra\", \"nothing=$avp(none)\") "
        "modparam(\"acc\", \"acc_extra_nullable\", 1) ");
    server.call(200, "OK");
    CHECK(server.rows("\"nothing\"", "acc") == "NULL|");
}

TEST_CASE("acc_db_request and acc_request write into the table that they name") {
    Server server("",
                  "acc_db_request(\"404 Gone\", \"mine\"); acc_request(\"just text\", \"mine\"); "
                  "$var(t) = \"other\"; acc_db_request(\"x\", \"$var(t)\");");
    server.receive(Request("OPTIONS").from_tag("ft").call_id("cid").str());
    CHECK(server.rows("sip_code || ',' || sip_reason", "mine") == "404,Gone|,just text|");
    CHECK(server.statistic("acc", "rows_lost") == 1);
}

TEST_CASE("columns and tables have the names that the operator gave") {
    Server server(
        "modparam(\"acc\", \"db_table_acc\", \"calls\") modparam(\"acc\", \"acc_time_column\", "
        "\"at\") modparam(\"acc\", \"acc_callid_column\", \"call\") modparam(\"acc\", "
        "\"acc_method_column\", \"m\") modparam(\"acc\", \"acc_from_tag_column\", \"f\") "
        "modparam(\"acc\", \"acc_to_tag_column\", \"t\") modparam(\"acc\", "
        "\"acc_sip_code_column\", \"c\") modparam(\"acc\", \"acc_sip_reason_column\", \"r\") "
        "modparam(\"acc\", \"time_mode\", 1) ");
    server.call(200, "OK");
    CHECK(server.rows("m || f || t || call || c || r || time_exten", "calls") ==
          "INVITEftttcid200OK0|");
}

TEST_CASE("a value cannot leave its column") {
    Server server("modparam(\"acc\", \"db_extra\", \"about=$hdr(Subject)\") ");
    server.receive(
        Request("INVITE", "sip:bob@192.0.2.2").header("Subject", "a'); DROP TABLE acc; --").str());
    server.take();
    server.receive(reply(server.take().bytes, 200, "it's", "tt"), kCallee);
    CHECK(server.rows("sip_reason || about", "acc") == "it'sa'); DROP TABLE acc; --|");
}

TEST_CASE("what cannot be a table or column is refused at the start") {
    const TempFolder folder;
    const auto refusal = [&folder](std::string_view name, std::string_view value) {
        ModuleHost host;
        try {
            host.config(
                "loadmodule \"tm\" loadmodule \"pv\" loadmodule \"db_sqlite\" loadmodule \"acc\" "
                "modparam(\"acc\", \"db_url\", \"sqlite:///" +
                (folder / "a.db") + "\") modparam(\"acc\", \"" + std::string(name) + "\", \"" +
                std::string(value) + "\") request_route { exit; }");
            const auto started = host.try_start();
            return started ? std::string() : started.error().str();
        } catch (const std::exception& e) {
            return std::string(e.what());
        }
    };
    CHECK(refusal("db_table_acc", "acc_$time(year)").find("cannot be a table") !=
          std::string::npos);
    CHECK(refusal("acc_time_column", "a b").find("cannot be a column") != std::string::npos);
    CHECK(refusal("db_extra", "method=$rU").find("twice") != std::string::npos);
    CHECK(refusal("db_extra", "x;y=$rU").find("is not name=$variable") != std::string::npos);
    ModuleHost alone;
    alone.load("tm");
    alone.load("acc");
    alone.param("acc", "db_url", std::string_view("sqlite:///x"));
    CHECK_FALSE(alone.try_start().has_value());
}
