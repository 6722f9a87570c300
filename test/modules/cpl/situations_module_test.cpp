// Every script of the table is uploaded to the module, and every situation is a call through it:
// what it sends, and when, on the virtual clock. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/text.h"
#include "modules/cpl/rehearsal.h"
#include "test/modules/cpl/fake_usrloc.h"
#include "test/modules/cpl/situations.h"
#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;
using namespace fairlead::cpl::test;
using namespace std::string_view_literals;

namespace {

using Row = std::vector<std::string>;

/// Names of those who are called, and addresses in their place: nothing is resolved. In the order
/// of the names, in which the table writes what rings at once.
constexpr std::pair<std::string_view, std::string_view> kHosts[] = {
    {"desk.example.net", "198.51.100.1"},
    {"home.example.net", "198.51.100.2"},
    {"mobile.example.net", "198.51.100.3"},
    {"rec.example.net", "198.51.100.4"},
    {"vm.example.net", "198.51.100.5"}};

std::string with_addresses(std::string text) {
    for (const auto& [name, address] : kHosts)
        for (std::size_t at = 0; at + name.size() <= text.size(); ++at)
            if (text::ci_equal(std::string_view(text).substr(at, name.size()), name))
                text.replace(at, name.size(), address);
    return text;
}

std::vector<std::string> parts(std::string_view text, char by) {
    std::vector<std::string> all;
    while (!text.empty()) {
        const std::size_t at = std::min(text.find(by), text.size());
        all.emplace_back(text::trim(text.substr(0, at)));
        text.remove_prefix(std::min(at + 1, text.size()));
    }
    return all;
}

/// A server with one script, at the time of a row.
struct World : ModuleHost {
    explicit World(const std::string& time) : ModuleHost(16 << 20) {
        add(fake_usrloc);
        for (const char* name : {"sl", "tm", "cpl"}) load(name);
        param("cpl", "lookup_domain", "location"sv);
        param("cpl", "lookup_append_branches", 1);
        on_request([this](Message& m) {
            if (m.sip.method_text() == "REGISTER") return void(call(m, "cpl_process_register"));
            if (m.sip.method_text() == "ACK") return void(call(m, "t_relay"));
            const int code =
                call(m, "cpl_run_script", {std::string_view(direction), "force_stateful"sv});
            if (code != 0) call(m, "sl_send_reply", {299, code > 0 ? "Passed"sv : "Error"sv});
        });
        if (!time.empty()) {
            const auto at = cpl::parse_instant(time);
            REQUIRE(at);
            clock.advance(Ms{(*at - clock.unix_seconds()) * 1000});
        }
        start();
        advance(Ms{10});  // timers follow while there are none yet
    }
    std::string upload(const std::string& xml) {
        receive(Request("REGISTER", "sip:anna@example.test")
                    .branch("z9hG4bKu")
                    .header("Content-Disposition", "script;action=store")
                    .body(xml, "application/cpl+xml")
                    .str());
        answer = take().bytes;
        return start_line(answer);
    }
    /// Plays the row's call to its end: `tried`, and the final answer in `answer`.
    void play(const Row& row) {
        direction = row[kKind];
        tried.clear();
        answers.clear();
        asked.clear();
        texts.clear();
        auto& usrloc = *module<FakeUsrloc>("usrloc");
        usrloc.found.clear();
        for (const std::string& contact : parts(with_addresses(row[kRegistered]), ',')) {
            const auto fields = parts(contact, ' ');
            texts.push_back(fields.at(0));
            const auto q = static_cast<std::int16_t>(std::stod(fields.at(1)) * 1000 + 0.5);
            const auto behind =
                std::ranges::upper_bound(usrloc.found, q, std::greater(), &usrloc::Contact::q);
            usrloc.found.insert(behind, {.uri = texts.back(), .q = q});
        }
        for (const std::string& one : parts(with_addresses(row[kAnswers]), '|'))
            answers[one.substr(0, one.find('='))] = one.substr(one.find('=') + 1);
        Request invite("INVITE", row[kRequestUri]);
        invite.branch("z9hG4bKi" + std::to_string(++calls_))
            .set("From", row[kFrom] + ";tag=caller")
            .set("To", row[kTo]);
        if (const std::size_t colon = row[kHeader].find(':'); colon != std::string::npos)
            invite.header(
                row[kHeader].substr(0, colon),
                std::string(text::trim(std::string_view(row[kHeader]).substr(colon + 1))));
        answer.clear();
        receive(invite.str());
        for (int seconds = 0; answer.empty() && seconds < 200; ++seconds) {
            while (pending() != 0) burst();
            if (!answer.empty()) break;
            advance(Ms{1000});
            has_waited = true;
        }
        if (start_line(answer) > "SIP/2.0 3") receive(ack(invite.str(), answer));
        discard_sent();
    }
    /// What was sent at once is answered at once.
    void burst() {
        std::vector<Packet> packets;
        while (pending() != 0) packets.push_back(take());
        std::vector<std::string> at_once;
        for (const Packet& p : packets) {
            const std::string line = start_line(p.bytes);
            const std::string host = p.target.address.text();
            if (line.starts_with("INVITE ")) {
                const std::string name = host.substr(0, host.find(':'));
                if (!asked[name].empty() && asked[name] == p.bytes) continue;  // sent again
                asked[name] = p.bytes;
                at_once.push_back(name);
            } else if (line.starts_with("SIP/2.0 ") && line[8] >= '2' && answer.empty()) {
                answer = p.bytes;
            }
        }
        std::ranges::sort(at_once);
        for (const std::string& name : at_once)
            tried += (tried.empty() ? "" : name == at_once.front() ? ">" : "+") + name;
        for (const Packet& p : packets) respond(p);
    }
    void respond(const Packet& p) {
        const std::string from = p.target.address.text();
        const std::string name = from.substr(0, from.find(':'));
        if (p.bytes.starts_with("CANCEL ")) {
            receive(reply(p.bytes, 200, "OK", "t"), from);
            receive(reply(asked[name], 487, "Request Terminated", "t"), from);
        }
        if (!p.bytes.starts_with("INVITE ")) return;
        const std::string what = answers.contains(name) ? answers[name] : "404";
        if (what == "ring") return receive(reply(p.bytes, 180, "Ringing", "t"), from);
        const std::string contact =
            what.contains(' ') ? "Contact: <" + what.substr(what.find(' ') + 1) + ">\r\n" : "";
        receive(reply(p.bytes, std::stoi(what), "Said", "t", contact), from);
    }

    std::string direction, answer, tried;
    std::map<std::string, std::string> answers, asked;
    std::deque<std::string> texts;
    bool has_waited = false;

private:
    int calls_ = 0;
};

/// "486" of "SIP/2.0 486 Busy Here" when only the number is wanted; "return" when the route goes
/// on.
std::string outcome(const std::string& answer, const std::string& expected) {
    const std::string line = start_line(answer);
    if (line == "SIP/2.0 299 Passed") return "return";
    if (line.size() < 12) return line;
    return expected.contains(' ') ? line.substr(8) : line.substr(8, 3);
}

std::string contacts(const std::string& answer) {
    std::string all = header(answer, "Contact").value_or("");
    std::erase_if(all, [](char c) { return c == '<' || c == '>'; });
    return all;
}

}  // namespace

TEST_CASE("cpl: every script of the table is taken or refused by the module") {
    World server("");
    std::string before;
    int taken = 0, refused = 0;
    for (const Row& row : situations()) {
        if (row[kFile] == before) continue;
        before = row[kFile];
        INFO(row[kFile] << ": " << row[kWhy]);
        const std::string line = server.upload(read_script(row[kFile]));
        const bool valid = row[kValid] == "yes";
        CHECK(line == (valid ? "SIP/2.0 200 OK" : "SIP/2.0 400 Bad CPL script"));
        if (!valid) CHECK(header(server.answer, "Warning").value_or("").starts_with("399 "));
        ++(valid ? taken : refused);
    }
    CHECK(taken == 67);
    CHECK(refused == 76);
    CHECK(server.statistic("cpl", "scripts") == 1);
}

TEST_CASE("cpl: every situation of the table is a call through the module") {
    setenv("TZ", "UTC", 1);  // NOLINT(concurrency-mt-unsafe): one thread
    tzset();
    int seen = 0;
    std::unique_ptr<World> server;  // one for several rows while its time is theirs
    std::string time;
    for (const Row& row : situations()) {
        if (row[kValid] != "yes") continue;
        if (server == nullptr || server->has_waited || row[kTime] != time)
            server = std::make_unique<World>(row[kTime]);
        World& world = *server;
        time = row[kTime];
        INFO(row[kFile] << ": " << row[kWhy] << "; from " << row[kFrom] << " at " << row[kTime]
                        << ' ' << row[kHeader] << ' ' << row[kAnswers]);
        REQUIRE(world.upload(with_addresses(read_script(row[kFile]))) == "SIP/2.0 200 OK");
        world.play(row);
        CHECK(outcome(world.answer, row[kExpected]) == row[kExpected]);
        CHECK(world.tried == with_addresses(row[kTried]));
        if (!row[kContacts].empty())
            CHECK(contacts(world.answer) == with_addresses(row[kContacts]));
        CHECK(world.statistic("cpl", "failed") == 0);
        ++seen;
    }
    CHECK(seen == 163);
}
