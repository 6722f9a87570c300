// Calls through the whole module. SPDX-License-Identifier: Apache-2.0
#include "test/modules/cpl/world.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "modules/cpl/rehearsal.h"
#include "test/modules/cpl/fake_usrloc.h"
#include "test/support/message_builder.h"

namespace fairlead::cpl::test {

using namespace fairlead::test;
using namespace std::string_view_literals;

namespace {

std::vector<std::string> parts(std::string_view text, char by) {
    std::vector<std::string> all;
    while (!text.empty()) {
        const std::size_t at = std::min(text.find(by), text.size());
        all.emplace_back(text::trim(text.substr(0, at)));
        text.remove_prefix(std::min(at + 1, text.size()));
    }
    return all;
}

}  // namespace

std::string with_addresses(std::string text, const Hosts& hosts) {
    for (const auto& [name, address] : hosts)
        for (std::size_t at = 0; at + name.size() <= text.size(); ++at)
            if (text::ci_equal(std::string_view(text).substr(at, name.size()), name))
                text.replace(at, name.size(), address);
    return text;
}

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

World::World(const std::string& time) : ModuleHost(16 << 20) {
    add(fake_usrloc);
    for (const char* name : {"sl", "tm", "cpl"}) load(name);
    param("cpl", "lookup_domain", "location"sv);
    param("cpl", "lookup_append_branches", 1);
    on_request([this](Message& m) {
        if (m.sip.method_text() == "REGISTER") return void(call(m, "cpl_process_register"));
        if (m.sip.method_text() == "ACK") return void(call(m, "t_relay"));
        const int code =
            call(m, "cpl_run_script", {std::string_view(direction_), "force_stateful"sv});
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

std::string World::upload(const std::string& xml) {
    receive(Request("REGISTER", "sip:anna@example.test")
                .branch("z9hG4bKu")
                .header("Content-Disposition", "script;action=store")
                .body(xml, "application/cpl+xml")
                .str());
    answer = take().bytes;
    return start_line(answer);
}

void World::play(const Row& row, const Hosts& hosts) {
    direction_ = row[kKind];
    tried.clear();
    answers_.clear();
    asked_.clear();
    texts_.clear();
    auto& usrloc = *module<FakeUsrloc>("usrloc");
    usrloc.found.clear();
    for (const std::string& contact : parts(with_addresses(row[kRegistered], hosts), ',')) {
        const auto fields = parts(contact, ' ');
        texts_.push_back(fields.at(0));
        const auto q = static_cast<std::int16_t>(std::stod(fields.at(1)) * 1000 + 0.5);
        const auto behind =
            std::ranges::upper_bound(usrloc.found, q, std::greater(), &usrloc::Contact::q);
        usrloc.found.insert(behind, {.uri = texts_.back(), .q = q});
    }
    for (const std::string& one : parts(with_addresses(row[kAnswers], hosts), '|'))
        answers_[one.substr(0, one.find('='))] = one.substr(one.find('=') + 1);
    Request invite("INVITE", row[kRequestUri]);
    invite.branch("z9hG4bKi" + std::to_string(++calls_))
        .set("From", row[kFrom] + ";tag=caller")
        .set("To", row[kTo]);
    if (const std::size_t colon = row[kHeader].find(':'); colon != std::string::npos)
        invite.header(row[kHeader].substr(0, colon),
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

void World::burst() {
    std::vector<Packet> packets;
    while (pending() != 0) packets.push_back(take());
    std::vector<std::string> at_once;
    for (const Packet& p : packets) {
        const std::string line = start_line(p.bytes);
        const std::string host = p.target.address.text();
        if (line.starts_with("INVITE ")) {
            const std::string name = host.substr(0, host.find(':'));
            if (!asked_[name].empty() && asked_[name] == p.bytes) continue;  // sent again
            asked_[name] = p.bytes;
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

void World::respond(const Packet& p) {
    const std::string from = p.target.address.text();
    const std::string name = from.substr(0, from.find(':'));
    if (p.bytes.starts_with("CANCEL ")) {
        receive(reply(p.bytes, 200, "OK", "t"), from);
        receive(reply(asked_[name], 487, "Request Terminated", "t"), from);
    }
    if (!p.bytes.starts_with("INVITE ")) return;
    const std::string what = answers_.contains(name) ? answers_[name] : "404";
    if (what == "ring") return receive(reply(p.bytes, 180, "Ringing", "t"), from);
    const std::string contact =
        what.contains(' ') ? "Contact: <" + what.substr(what.find(' ') + 1) + ">\r\n" : "";
    receive(reply(p.bytes, std::stoi(what), "Said", "t", contact), from);
}

}  // namespace fairlead::cpl::test
