// xlog: levels, places, prefixes and methods that are passed over.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "core/base/log.h"
#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

class Lines final : public log::Sink {
public:
    Lines() : before_(log::level()) {
        log::set_sink(this);
        log::set_level(log::Level::info);
    }
    Lines(const Lines&) = delete;
    Lines& operator=(const Lines&) = delete;
    ~Lines() {
        log::set_sink(nullptr);
        log::set_level(before_);
    }
    void write(log::Level level, std::string_view module, std::string_view,
               std::string_view text) noexcept override {
        all.push_back(std::string(log::name(level)) + "|" + std::string(module) + "|" +
                      std::string(text));
    }
    std::vector<std::string> all;

private:
    log::Level before_;
};

std::vector<std::string> logged(const std::string& statements, const std::string& params = "") {
    ModuleHost server;
    server.config("loadmodule \"pv\"\nloadmodule \"xlog\"\n" + params + "\nrequest_route {\n" +
                  statements + "\n}");
    server.start();
    Lines lines;
    server.receive(Request("INVITE").str());
    return lines.all;
}
using Expected = std::vector<std::string>;

}  // namespace

TEST_CASE("lines have the level that was asked for") {
    CHECK(logged(
              "xlog(\"a $rm\\n\"); xlog(\"L_INFO\", \"b\"); xlog(\"$var(l)\", \"c\"); xdbg(\"no\");"
              " xnotice(\"d\");") == Expected{"ERROR|<script>|a INVITE", "INFO|<script>|b",
                                              "WARNING|<script>|c", "NOTICE|<script>|d"});
}

TEST_CASE("xlogl says which line of the configuration runs") {
    CHECK(logged("xlogl(\"a\");\nxlogl(\"L_WARN\", \"b\"); xdbgl(\"no\");") ==
          Expected{"ERROR|<script>|5:a", "WARNING|<script>|6:b"});
    const auto lines = logged("xlogl(\"a\");", "modparam(\"xlog\", \"long_format\", 1)");
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].ends_with(":5:a"));
    CHECK(lines[0] != "ERROR|<script>|5:a");
}

TEST_CASE("the prefix stands where the module's name would") {
    CHECK(logged("xlog(\"a\");", "modparam(\"xlog\", \"prefix\", \"-xlog: \")") ==
          Expected{"ERROR|-xlog|a"});
}

TEST_CASE("xlogm passes over the methods of its filter") {
    CHECK(logged("xlogm(\"L_ERR\", \"a\");").empty());
    CHECK(logged("xlogm(\"L_ERR\", \"a\");", "modparam(\"xlog\", \"methods_filter\", 1)").empty());
    CHECK(logged("xlogm(\"L_ERR\", \"a\");", "modparam(\"xlog\", \"methods_filter\", 2)").size() ==
          1);
}

TEST_CASE("$C changes colors") {
    CHECK(logged("xlog(\"$C(rx)a$C(bg)b$C(xx)c$C(Sw)d\");") ==
          Expected{"ERROR|<script>|\x1b[0;31;49ma\x1b[0;34;42mb\x1b[0;39;49mc\x1b[1;30;47md"});
    for (const char* wrong : {"zz", "r", "rxx", "xR", "Xx"}) {
        CHECK_THROWS(logged("xlog(\"$C(" + std::string(wrong) + ")\");"));
    }
}

TEST_CASE("a facility is checked") {
    CHECK(
        logged("xlog(\"LOG_LOCAL3\", \"L_INFO\", \"a\"); xlogl(\"LOG_USER\", \"L_ERR\", \"b\");") ==
        Expected{"INFO|<script>|a", "ERROR|<script>|5:b"});
    CHECK_THROWS(logged("xlog(\"LOCAL3\", \"L_INFO\", \"a\");"));
    CHECK_THROWS(logged("", "modparam(\"xlog\", \"log_facility\", \"x\")"));
    CHECK_NOTHROW(logged("", "modparam(\"xlog\", \"log_facility\", \"LOG_DAEMON\")"));
}
