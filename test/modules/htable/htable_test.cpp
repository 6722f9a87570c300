// htable: items, their expiry, counting, walking, and what happens when there is no room. The
// values are what Kamailio 5.6.3 gives for the same script, but where a comment says otherwise.
// SPDX-License-Identifier: Apache-2.0
#include <sys/wait.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "modules/htable/table.h"
#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::string_view_literals;

namespace {

constexpr std::string_view kTables = R"cfg(
loadmodule "pv"
loadmodule "sl"
loadmodule "htable"
modparam("htable", "htable", "a=>size=4;")
modparam("htable", "htable", "b=>size=4;autoexpire=10;")
modparam("htable", "htable", "c=>size=4;initval=5")
modparam("htable", "htable", "d=>size=4;autoexpire=10;updateexpire=0")
modparam("htable", "timer_interval", 1)
)cfg";

struct Server : ModuleHost {
    explicit Server(const std::string& routes, const std::string& more = {}) {
        config(std::string(kTables) + more + routes);
        start();
    }
    /// Runs request_route; the phrase of its reply.
    std::string run() {
        receive(Request("OPTIONS").str());
        const std::string line = start_line(take().bytes);
        return line.substr(line.find("200 ") + 4);
    }
};

/// The phrase that a script answers with.
std::string said(const std::string& script, const std::string& phrase) {
    Server server("request_route { " + script + " sl_send_reply(\"200\", \"" + phrase + "\"); }");
    return server.run();
}

}  // namespace

TEST_CASE("items are set, read and removed") {
    CHECK(said("$sht(a=>k) = \"v\"; $sht(a=>n) = 7;", "$sht(a=>k) $sht(a=>n) $sht(a=>none)") ==
          "v 7 <null>");
    CHECK(said("$sht(a=>k) = \"v\"; $sht(a=>k) = 8; $sht(a=>k) = \"long text\";", "$sht(a=>k)") ==
          "long text");
    CHECK(said("$sht(a=>k) = 1; $sht(a=>k) = $null;", "[$sht(a=>k)]") == "[<null>]");
    CHECK(said("$sht(a=>e) = \"\";", "[$sht(a=>e)]") == "[]");
    CHECK(said("$var(t) = \"a\"; $sht(a=>x::y) = 3;", "$sht($var(t)=>x::y)") == "3");
    CHECK(said("$sht(a=>k) = 1; sht_rm(\"a\", \"k\"); $var(r) = $rc; sht_rm(\"a\", \"k\");",
               "$var(r) $rc $sht(a=>k)") == "1 1 <null>");
    CHECK(said("", "$sht(c=>none)") == "5");
}

TEST_CASE("counting in one step needs a number or an initial value") {
    CHECK(said("", "$shtinc(a=>i) $sht(a=>i)") == "<null> <null>");
    CHECK(said("", "$shtinc(c=>i) $sht(c=>i) $shtinc(c=>i) $shtdec(c=>j)") == "6 6 7 4");
    CHECK(said("$sht(a=>k) = \"v\";", "$shtinc(a=>k) $sht(a=>k)") == "<null> v");
    CHECK(said("$sht(a=>k) = 41;", "$shtinc(a=>k) $shtdec(a=>k)") == "42 41");
}

TEST_CASE("items of a table with autoexpire expire, and updates renew them") {
    Server server(R"cfg(request_route {
    if ($hdr(Do) == "set") { $sht(b=>k) = "v"; $sht(d=>k) = "v"; $sht(a=>k) = "v"; }
    if ($hdr(Do) == "short") $shtex(b=>k) = 3;
    sl_send_reply("200", "$sht(a=>k) $sht(b=>k) $sht(d=>k) $shtex(a=>k) $shtex(b=>k)");
})cfg");
    const auto run = [&](const std::string& what) {
        server.receive(Request("OPTIONS").header("Do", what).str());
        return start_line(server.take().bytes).substr(12);
    };
    CHECK(run("set") == "v v v 0 10");
    server.advance(Ms{6000});
    CHECK(run("set") == "v v v 0 10");
    server.advance(Ms{6000});
    CHECK(run("look") == "v v <null> 0 4");  // updateexpire=0: the second set did not count
    CHECK(run("short") == "v v <null> 0 3");
    server.advance(Ms{2900});
    CHECK(run("look") == "v v <null> 0 1");
    server.advance(Ms{1100});
    CHECK(run("look") == "v <null> <null> 0 0");
    CHECK(server.statistic("htable", "expired") == 2);
}

TEST_CASE("event routes: at the start, and for what expires") {
    Server server(R"cfg(
event_route[htable:mod-init] { $sht(a=>init) = "yes"; }
event_route[htable:expired:b] {
    $sht(a=>gone) = $shtrecord(key) + "=" + $shtrecord(value);
}
request_route { $sht(b=>k) = 3; sl_send_reply("200", "$sht(a=>init) $sht(a=>gone) $shtrecord(key)"); }
)cfg");
    CHECK(server.run() == "yes <null> <null>");
    server.advance(Ms{12000});
    CHECK(server.run() == "yes k=3 <null>");
}

TEST_CASE("names and values are counted, matched and removed by pattern") {
    const std::string fill =
        "$sht(a=>k1) = \"v1\"; $sht(a=>k2) = \"v2\"; $sht(a=>n1) = 7; $sht(a=>e) = \"\"; ";
    CHECK(said(fill, "$shtcn(a=>~~k) $shtcn(a=>.*) $shtcn(a=>==k1) $shtcn(a=>==k)") == "2 4 1 0");
    CHECK(said(fill, "$shtcv(a=>~~^v) $shtcv(a=>==v1) $shtcv(a=>eq7) $shtcv(a=>eq5)") == "2 1 1 0");
    CHECK(said(fill, "$shtcn(a=>*)") == "0");
    const auto yes = [&](const std::string& call) {
        return said(fill + "if (" + call + ") $var(x) = \"yes\"; else $var(x) = \"no\";",
                    "$var(x)") == "yes";
    };
    CHECK(yes(R"(sht_match_name("a", "eq", "n1"))"));
    CHECK(yes(R"(sht_match_name("a", "ne", "n1"))"));
    CHECK(yes(R"(sht_has_name("a", "sw", "n"))"));
    CHECK(yes(R"(sht_match_name("a", "re", "^n"))"));
    CHECK_FALSE(yes(R"(sht_match_name("a", "re", "^z"))"));
    CHECK_FALSE(yes(R"(sht_match_name("a", "re", "("))"));
    CHECK_FALSE(yes(R"(sht_match_name("a", "zz", "k1"))"));
    CHECK_FALSE(yes(R"(sht_match_name("nope", "eq", "k1"))"));
    CHECK(yes(R"(sht_match_str_value("a", "eq", "v1"))"));
    CHECK_FALSE(yes(R"(sht_has_str_value("a", "eq", "7"))"));
    CHECK(said(fill + "sht_rm_name_re(\"a=>^k\");", "$shtcn(a=>.*)") == "2");
    CHECK(said(fill + "sht_rm_value_re(\"a=>2$$\");", "$shtcn(a=>.*) $sht(a=>k2)") == "3 <null>");
    CHECK(said(fill + "sht_rm_name(\"a\", \"sw\", \"k\");", "$shtcn(a=>.*)") == "2");
    CHECK(said(fill + "sht_rm_value(\"a\", \"sw\", \"v\");", "$shtcn(a=>.*)") == "2");
    CHECK(said(fill + "sht_reset(\"a\");", "$shtcn(a=>.*) $rc") == "0 1");
    CHECK(said(fill + "sht_reset(\"nope\");", "$rc") == "-1");
}

TEST_CASE("values with a time of their own") {
    CHECK(said("sht_setxs(\"b\", \"k\", \"text\", \"100\");", "$sht(b=>k) $shtex(b=>k)") ==
          "text 100");
    CHECK(said("sht_setxi(\"b\", \"k\", \"77\", \"100\");", "$shtinc(b=>k) $shtex(b=>k)") ==
          "78 10");
    CHECK(said("sht_setxi(\"b\", \"k\", \"x\", \"100\");", "$rc $sht(b=>k)") == "-1 <null>");
}

TEST_CASE("iterators walk all items once, and may change what they walk") {
    const std::string fill =
        "$var(i) = 0; while ($var(i) < 40) { $sht(a=>k$var(i)) = $var(i); "
        "$var(i) = $var(i) + 1; } $var(n) = 0; $var(sum) = 0; ";
    CHECK(said(fill + "sht_iterator_start(\"i\", \"a\"); while (sht_iterator_next(\"i\")) { "
                      "$var(n) = $var(n) + 1; $var(sum) = $var(sum) + $shtitval(i); } "
                      "sht_iterator_end(\"i\");",
               "$var(n) $var(sum) $shtitkey(i)") == "40 780 <null>");
    CHECK(said(fill + "sht_iterator_start(\"i\", \"a\"); sht_iterator_next(\"i\"); "
                      "while (sht_iterator_rm(\"i\")) $var(n) = $var(n) + 1; $var(r) = $rc;",
               "$var(n) $shtcn(a=>.*)") == "39 0");
    CHECK(said("$sht(a=>k) = 1; sht_iterator_start(\"i\", \"a\"); sht_iterator_next(\"i\"); "
               "sht_iterator_seti(\"i\", \"5\"); $var(x) = $sht(a=>k); "
               "sht_iterator_sets(\"i\", \"five\");",
               "$var(x) $sht(a=>k)") == "5 five");
    CHECK(said("sht_iterator_next(\"none\");", "$rc") == "-1");
    CHECK(said("sht_iterator_start(\"i\", \"nope\");", "$rc") == "-1");
    CHECK(said("sht_iterator_start(\"1\", \"a\"); sht_iterator_start(\"2\", \"a\"); "
               "sht_iterator_start(\"3\", \"a\"); sht_iterator_start(\"4\", \"a\"); "
               "sht_iterator_start(\"4\", \"a\"); $var(r) = $rc; sht_iterator_start(\"5\", \"a\");",
               "$var(r) $rc") == "1 -1");
}

TEST_CASE("sht_lock is re-entrant and ends with the script") {
    // Kamailio waits for a lock; here the call says -1.
    CHECK(said("sht_lock(\"a=>x\"); $var(r) = $rc; sht_lock(\"a=>x\"); $var(s) = $rc; "
               "sht_unlock(\"a=>x\"); sht_unlock(\"a=>x\"); $var(t) = $rc; sht_unlock(\"a=>x\");",
               "$var(r) $var(s) $var(t) $rc") == "1 1 1 -1");
}

TEST_CASE("what is too long is refused, not cut") {
    Server server(R"cfg(request_route { $sht(a=>$hdr(Key)) = $hdr(Key);
        sl_send_reply("200", "[$(sht(a=>$hdr(Key)){s.len})]"); })cfg");
    const auto run = [&](std::size_t size) {
        server.receive(Request("OPTIONS").header("Key", std::string(size, 'k')).str());
        return start_line(server.take().bytes).substr(12);
    };
    CHECK(run(htable::kMaxKey) == "[" + std::to_string(htable::kMaxKey) + "]");
    CHECK(run(htable::kMaxKey + 1) == "[]");
    CHECK(server.statistic("htable", "refused") == 1);
}

TEST_CASE("full memory refuses new items and keeps the old ones") {
    Server server(R"cfg(request_route { $sht(a=>$hdr(Key)) = 1;
        sl_send_reply("200", "[$sht(a=>$hdr(Key))]"); })cfg");
    const auto run = [&](const std::string& key) {
        server.receive(Request("OPTIONS").header("Key", key).str());
        return start_line(server.take().bytes).substr(12);
    };
    CHECK(run("first") == "[1]");
    server.segment->fail_nth(1);
    CHECK(run("second") == "[<null>]");
    CHECK(server.statistic("htable", "refused") == 1);
    CHECK(run("first") == "[1]");
    CHECK(run("second") == "[1]");
}

TEST_CASE("tables are defined once, and what cannot be is refused") {
    ModuleHost host;
    host.load("htable");
    const auto refused = [&](std::string_view name, const Value& value) {
        try {
            host.param("htable", name, value);
        } catch (const std::runtime_error&) {
            return true;
        }
        return false;
    };
    CHECK_FALSE(refused("htable", "a=>size=4;autoexpire=0;initval=1;dbtable=;dmqreplicate=0;"sv));
    CHECK(refused("htable", "a=>size=4"sv));
    CHECK(refused("htable", "b=>size=four"sv));
    CHECK(refused("htable", "c=>colour=4"sv));
    CHECK(refused("htable", "d=>size=4;dbtable=x y"sv));
    CHECK(refused("htable", "=>size=4"sv));
    CHECK(refused("htable", "e=>autoexpire=-1"sv));
    CHECK(refused("enable_dmq", 1));
    CHECK_FALSE(refused("enable_dmq", 0));
    CHECK_THROWS(said("", "$sht(nope=>x)"));
    CHECK_THROWS(said("", "$sht(a)"));
}

TEST_CASE("$shtinc loses nothing when processes count at once") {
    ModuleHost host;
    host.load("htable");
    host.param("htable", "htable", "a=>size=3;initval=0"sv);
    host.on_request([&](Message& m) {
        for (int i = 0; i < 20000; ++i) (void)host.variable(m, "shtinc", "a=>n");
    });
    host.start();
    std::vector<pid_t> children;
    for (std::uint16_t n = 0; n < 3; ++n) {
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            host.segment->enter(static_cast<std::uint16_t>(10 + n));
            host.receive(Request("OPTIONS").str());
            ::_exit(0);
        }
        children.push_back(child);
    }
    for (const pid_t child : children) REQUIRE(::waitpid(child, nullptr, 0) == child);
    Arena arena;
    Message m(arena);
    CHECK(host.variable(m, "sht", "a=>n").integer() == 60000);
}
