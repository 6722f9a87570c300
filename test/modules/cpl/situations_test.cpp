// Every script of the table is accepted or refused as it says, and every situation has its outcome.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>

#include "core/base/text.h"
#include "modules/cpl/compile.h"
#include "test/modules/cpl/rehearsed.h"
#include "test/modules/cpl/situations.h"

using namespace fairlead::cpl;
using namespace fairlead::cpl::test;

namespace {

void add_header(DescribedCall& call, const std::string& header) {
    const std::size_t colon = header.find(':');
    if (colon == header.npos) return;
    const std::string name = header.substr(0, colon);
    const std::string value(fairlead::text::trim(std::string_view(header).substr(colon + 1)));
    if (name == "Subject" || name == "s") call.facts[Fact::subject] = value;
    if (name == "User-Agent") call.facts[Fact::user_agent] = value;
    if (name == "Priority") call.facts[Fact::priority] = value;
    if (name == "Accept-Language") call.facts[Fact::accept_language] = value;
}

World world_of(const std::vector<std::string>& row) {
    World world;
    for (const std::string& contact : split(row[kRegistered], ',')) {
        const auto fields = split(std::string(fairlead::text::trim(contact)), ' ');
        if (fields.size() != 2) continue;
        const auto q = static_cast<std::uint16_t>(std::stod(fields[1]) * 1000 + 0.5);
        world.registered.push_back({fields[0], q});
    }
    for (const std::string& answer : split(row[kAnswers], '|')) {
        const std::size_t equals = answer.find('=');
        world.answers[answer.substr(0, equals)] = answer.substr(equals + 1);
    }
    return world;
}

}  // namespace

TEST_CASE("cpl: every script of the table is accepted or refused") {
    int valid = 0, invalid = 0;
    std::string before;
    for (const auto& row : situations()) {
        if (row[kFile] == before) continue;
        before = row[kFile];
        Faults faults;
        const auto bytes = compile(read_script(row[kFile]), {}, faults);
        INFO(row[kFile] << ": " << row[kWhy] << '\n' << faults.str());
        CHECK(bytes.has_value() == (row[kValid] == "yes"));
        CHECK(faults.empty() == bytes.has_value());
        ++(row[kValid] == "yes" ? valid : invalid);
    }
    CHECK(valid == 67);
    CHECK(invalid == 76);
}

TEST_CASE("cpl: every situation of the table has its outcome") {
    setenv("TZ", "UTC", 1);  // NOLINT(concurrency-mt-unsafe): one thread
    tzset();
    int seen = 0;
    for (const auto& row : situations()) {
        if (row[kValid] != "yes") continue;
        DescribedCall call;
        call.facts = {
            {Fact::from, row[kFrom]}, {Fact::to, row[kTo]}, {Fact::request_uri, row[kRequestUri]}};
        call.at = instant(row[kTime]);
        add_header(call, row[kHeader]);
        const auto direction = row[kKind] == "incoming" ? Direction::incoming : Direction::outgoing;
        const Rehearsal result =
            rehearse(compiled(read_script(row[kFile])), call, direction, world_of(row));
        INFO(row[kFile] << ": " << row[kWhy] << "; from " << row[kFrom] << " at " << row[kTime]
                        << ' ' << row[kHeader]);
        const std::string& expected = row[kExpected];
        const bool only_code = !expected.contains(' ') && expected != "return";
        CHECK((only_code ? result.outcome.substr(0, 3) : result.outcome) == expected);
        CHECK(result.tried == row[kTried]);
        CHECK(result.contacts == row[kContacts]);
        ++seen;
    }
    CHECK(seen == 163);
}
