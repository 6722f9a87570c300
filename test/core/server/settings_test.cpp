// Global parameters: types, bounds, unknown names, and the command line on top.
// SPDX-License-Identifier: Apache-2.0
#include "core/server/settings.h"

#include <syslog.h>

#include <catch2/catch.hpp>

using namespace fairlead;
using namespace fairlead::server;

namespace {

struct Read {
    cfg::Diagnostics diagnostics;
    Settings values;
    explicit Read(const std::string& text, const Options& options = {}) {
        const cfg::Config config =
            cfg::read_text(text + "\nrequest_route { exit; }\n", {}, diagnostics);
        values = read_settings(config, options, diagnostics);
    }
};

}  // namespace

TEST_CASE("parameters reach their fields, under every name") {
    const Read r(
        "debug=2\nlog_stderror=yes\nlog_facility=LOG_LOCAL0\nchildren=3\nport=5080\n"
        "wdir=\"/tmp\"\nshm_mem_size=32\nserver_signature=no\nmax_branches=4\n"
        "server_header=\"Server: x\"\nsteering=\"callid\"\ntos=IPTOS_LOWDELAY\n");
    INFO(r.diagnostics.print());
    REQUIRE(r.diagnostics.errors() == 0);
    CHECK(r.values.debug == 2);
    CHECK(r.values.log_stderror);
    CHECK(r.values.log_facility == "LOG_LOCAL0");
    CHECK(r.values.workers == 3);
    CHECK(r.values.port == 5080);
    CHECK(r.values.work_dir == "/tmp");
    CHECK(r.values.memory_mb == 32);
    CHECK_FALSE(r.values.server_signature);
    CHECK(r.values.max_branches == 4);
    CHECK(r.values.server_header == "Server: x");
    CHECK(r.values.steering == "callid");
    CHECK(r.values.tos == 0x10);
}

TEST_CASE("an unknown parameter is an error with its place and a suggestion") {
    const Read r("childern=3\n");
    REQUIRE(r.diagnostics.errors() == 1);
    const auto& error = r.diagnostics.all().front();
    CHECK(error.text == "unknown parameter childern");
    CHECK(error.hint == "did you mean children?");
    CHECK(error.at.line == 1);
}

TEST_CASE("wrong types and values are errors") {
    CHECK(Read("children=\"three\"\n").diagnostics.errors() == 1);
    CHECK(Read("children=0\n").diagnostics.errors() == 1);
    CHECK(Read("port=70000\n").diagnostics.errors() == 1);
    CHECK(Read("steering=\"random\"\n").diagnostics.errors() == 1);
    CHECK(Read("log_facility=LOG_NOWHERE\n").diagnostics.errors() == 1);
}

TEST_CASE("parameters without meaning give a notice, custom ones nothing") {
    const Read r("use_dns_cache=off\nmax_while_loops=200\npstn.gw_ip=\"\" desc \"x\"\n");
    INFO(r.diagnostics.print());
    CHECK(r.diagnostics.errors() == 0);
    REQUIRE(r.diagnostics.all().size() == 1);
    CHECK(r.diagnostics.all().front().severity == cfg::Severity::notice);
    CHECK(r.diagnostics.all().front().text.starts_with("use_dns_cache has no effect"));
}

TEST_CASE("the command line wins") {
    Options o;
    o.children = 5;
    o.debug = 3;
    o.work_dir = "/var";
    o.fork = Fork::none;
    o.fork_given = true;
    o.auto_aliases = false;
    const Read r("children=3\ndebug=0\nworkdir=\"/tmp\"\nfork=yes\n", o);
    CHECK(r.values.workers == 5);
    CHECK(r.values.debug == 3);
    CHECK(r.values.work_dir == "/var");
    CHECK_FALSE(r.values.fork);
    CHECK_FALSE(r.values.auto_aliases);
}

TEST_CASE("syslog facilities by either spelling") {
    CHECK(syslog_facility("LOG_LOCAL7") == LOG_LOCAL7);
    CHECK(syslog_facility("daemon") == LOG_DAEMON);
    CHECK(syslog_facility("LOG_NOTHING") == -1);
}

TEST_CASE("names are unique") {
    auto names = setting_names();
    std::sort(names.begin(), names.end());
    CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
}
