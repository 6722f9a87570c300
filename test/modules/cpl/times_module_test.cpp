// Every vector of both tables of times as a call through the module: the script is uploaded by
// REGISTER, and its time-switch decides what the caller gets. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "modules/cpl/rehearsal.h"
#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::string_view_literals;

namespace {

/// Zone, attributes of <time>, an instant, and whether the condition holds then.
struct Vector {
    std::string zone, attributes, at;
    bool holds = false;
};

std::vector<std::string> split(const std::string& line, char by) {
    std::vector<std::string> fields;
    std::istringstream in(line);
    for (std::string field; std::getline(in, field, by);) fields.push_back(field);
    return fields;
}

std::vector<Vector> time_vectors() {
    std::vector<Vector> all;
    std::ifstream file(FAIRLEAD_CPL_DATA "/time_vectors.tsv");
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with("tv")) continue;
        const auto f = split(line, '\t');
        REQUIRE(f.size() >= 5);
        all.push_back({f[1], f[2], f[3], f[4] == "1"});
    }
    return all;
}

std::vector<Vector> dst_vectors() {
    std::vector<Vector> all;
    std::ifstream file(FAIRLEAD_CPL_DATA "/dst_vectors.tsv");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with('#')) continue;
        const auto f = split(line, '\t');
        REQUIRE(f.size() == 3);
        for (const std::string& one : split(f[2], ' '))
            all.push_back({f[0], f[1], one.substr(0, one.find('=')), one.ends_with("=1")});
    }
    return all;
}

/// Without state, so that time may go forward and back between two calls.
struct Caller : ModuleHost {
    Caller() {
        for (const char* name : {"sl", "tm", "cpl"}) load(name);
        on_request([this](Message& m) {
            if (m.sip.method_text() == "REGISTER") return void(call(m, "cpl_process_register"));
            call(m, "cpl_run_script", {"incoming"sv, "is_stateless"sv});
        });
        start();
    }
    void upload(const Vector& v) {
        const std::string both = v.zone + v.attributes;
        if (both == uploaded_) return;
        uploaded_ = both;
        const std::string xml = "<cpl><incoming><time-switch tzid=\"" + v.zone + "\"><time " +
                                v.attributes +
                                "><reject status=\"busy\"/></time><otherwise><reject "
                                "status=\"reject\"/></otherwise></time-switch></incoming></cpl>";
        receive(Request("REGISTER", "sip:anna@example.test")
                    .branch("z9hG4bKu")
                    .header("Content-Disposition", "script;action=store")
                    .body(xml, "application/cpl+xml")
                    .str());
        REQUIRE(start_line(take().bytes) == "SIP/2.0 200 OK");
    }
    std::string status(const Vector& v) {
        const auto at = cpl::parse_instant(v.at);
        REQUIRE(at);
        clock.advance(Ms{(*at - clock.unix_seconds()) * 1000});
        receive(Request("INVITE", "sip:anna@example.test").str());
        return start_line(take().bytes).substr(8, 3);
    }

private:
    std::string uploaded_;
};

void check_all(const std::vector<Vector>& vectors) {
    Caller caller;
    for (const Vector& v : vectors) {
        INFO(v.zone << ' ' << v.attributes << " at " << v.at);
        caller.upload(v);
        CHECK(caller.status(v) == (v.holds ? "486" : "603"));
    }
    CHECK(caller.statistic("cpl", "rejected") == static_cast<std::int64_t>(vectors.size()));
}

}  // namespace

TEST_CASE("cpl: every vector of the table of times is a call through the module") {
    const auto vectors = time_vectors();
    CHECK(vectors.size() == 221);
    check_all(vectors);
}

TEST_CASE("cpl: so is every instant around the changes of daylight saving") {
    const auto vectors = dst_vectors();
    CHECK(vectors.size() == 4954);
    check_all(vectors);
}
