// Plays the server to a script. SPDX-License-Identifier: Apache-2.0
#include "test/modules/cpl/rehearsal.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstring>
#include <memory>
#include <sstream>

#include "core/sip/status.h"
#include "core/sip/uri.h"
#include "modules/cpl/compile.h"

namespace fairlead::cpl::test {

namespace {

/// What the targets of one attempt answer together.
class Attempt {
public:
    Attempt(const World& world, const Machine& machine, const Action& action) {
        std::vector<std::string> hosts;
        for (std::size_t i = 0; i < action.target_count; ++i) {
            const std::string uri(machine.location(action.targets[i]).uri);
            const auto parsed = sip::parse_uri(uri);
            const std::string host(!parsed                ? "?"
                                   : parsed->host.empty() ? parsed->user
                                                          : parsed->host);
            if (host.ends_with(".invalid")) continue;  // nothing can be sent there
            hosts.push_back(host);
            reached_ = true;
            const auto found = world.answers.find(host);
            take(found == world.answers.end() ? "404" : found->second);
        }
        std::ranges::sort(hosts);
        text_ = fmt::format("{}", fmt::join(hosts, "+"));
    }
    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] Outcome outcome() {
        for (const std::string& uri : targets_) contacts_.push_back({.uri = uri});
        if (!reached_) return {Outcome::Kind::unreachable};
        if (best_ == 0) return {Outcome::Kind::timed_out};
        return {Outcome::Kind::answered, best_, contacts_};
    }
    [[nodiscard]] int code() const { return !reached_ ? 500 : best_ == 0 ? 408 : best_; }

private:
    static int rank(int code) { return code < 300 ? 0 : code >= 600 ? 1 : code; }
    void take(const std::string& answer) {
        if (answer == "ring") return;
        const int code = std::stoi(answer);
        if (code / 100 == 3) targets_.push_back(answer.substr(4));
        if (best_ == 0 || rank(code) < rank(best_)) best_ = code;
    }
    std::string text_;
    std::vector<std::string> targets_;
    std::vector<Contact> contacts_;
    bool reached_ = false;
    int best_ = 0;
};

std::string reply(const Action& action) {
    const std::string_view reason =
        action.text.empty() ? sip::default_reason(action.code) : action.text;
    return fmt::format("{} {}", action.code, reason);
}

std::string without_brackets(std::string text) {
    std::erase_if(text, [](char c) { return c == '<' || c == '>'; });
    return text;
}

Outcome look_up(const World& world, std::vector<Contact>& contacts) {
    if (world.lookup_fails) return {Outcome::Kind::lookup_failed};
    for (const auto& [uri, priority] : world.registered) contacts.push_back({uri, priority});
    if (contacts.empty()) return {Outcome::Kind::not_found};
    return {.kind = Outcome::Kind::found, .contacts = contacts};
}

}  // namespace

Instant instant(std::string_view text) {
    REQUIRE(text.size() == 20);
    const auto field = [&](std::size_t at, std::size_t length) {
        return std::stoi(std::string(text.substr(at, length)));
    };
    const std::chrono::year_month_day date{std::chrono::year(field(0, 4)),
                                           std::chrono::month(static_cast<unsigned>(field(5, 2))),
                                           std::chrono::day(static_cast<unsigned>(field(8, 2)))};
    return std::chrono::sys_days(date).time_since_epoch().count() * 86400 + field(11, 2) * 3600 +
           field(14, 2) * 60 + field(17, 2);
}

std::vector<std::string> split(const std::string& line, char by) {
    std::vector<std::string> fields;
    std::istringstream in(line);
    for (std::string field; std::getline(in, field, by);) fields.push_back(field);
    return fields;
}

Result rehearse(std::string_view bytes, const FakeCall& call, Direction direction,
                const World& world, const Policy& policy) {
    Result result;
    const auto script = Script::trusted(bytes);
    if (!script) return {"not a script", {}, {}, {}, {}};
    auto state = std::make_unique<State>();
    Action action = Machine(*script, call, policy, *state).start(direction);
    int last_code = 0;
    for (int steps = 0; steps < 1000; ++steps) {
        auto moved = std::make_unique<State>();
        std::memcpy(moved.get(), state.get(), sizeof(State));
        state = std::move(moved);
        Machine machine(*script, call, policy, *state);
        std::vector<Contact> contacts;
        switch (action.kind) {
            case Action::Kind::as_without_script: result.outcome = "return"; return result;
            case Action::Kind::fault: result.outcome = "fault"; return result;
            case Action::Kind::relay_best:
                result.outcome = fmt::format("{}", last_code);
                return result;
            case Action::Kind::reject: result.outcome = reply(action); return result;
            case Action::Kind::redirect:
                result.outcome = action.permanent ? "301" : "302";
                result.contacts = without_brackets(machine.contact_header());
                return result;
            case Action::Kind::proxy:
            case Action::Kind::last_proxy: {
                Attempt attempt(world, machine, action);
                if (!attempt.text().empty())
                    result.tried += (result.tried.empty() ? "" : ">") + attempt.text();
                result.timeouts.push_back(action.timeout);
                last_code = attempt.code();
                if (action.kind == Action::Kind::last_proxy) {
                    result.outcome = fmt::format("{}", last_code);
                    return result;
                }
                action = machine.resume(attempt.outcome());
                break;
            }
            case Action::Kind::lookup: action = machine.resume(look_up(world, contacts)); break;
            case Action::Kind::mail:
                result.notes.push_back(
                    fmt::format("mail {} {} {}", action.text, action.subject, action.body));
                action = machine.resume({});
                break;
            case Action::Kind::log:
                result.notes.push_back(fmt::format("log {} {}", action.text, action.body));
                action = machine.resume({});
                break;
        }
    }
    result.outcome = "endless";
    return result;
}

std::string compiled(std::string_view xml) {
    Faults faults;
    auto bytes = compile(xml, {}, faults);
    INFO(faults.str());
    REQUIRE(bytes);
    return std::move(*bytes);
}

}  // namespace fairlead::cpl::test
