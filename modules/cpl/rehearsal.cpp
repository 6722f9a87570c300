// Plays the server to a script. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/rehearsal.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <memory>

#include "core/api/sip.h"
#include "core/api/text.h"
#include "modules/cpl/listing.h"
#include "modules/cpl/luggage.h"
#include "modules/cpl/texts.h"

namespace fairlead::cpl {

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
        const std::size_t blank = std::min(answer.find(' '), answer.size());
        const int code =
            static_cast<int>(text::parse_uint(answer.substr(0, blank), 699).value_or(404));
        if (code / 100 == 3 && blank < answer.size()) targets_.push_back(answer.substr(blank + 1));
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

class Path final : public Trace {
public:
    explicit Path(std::vector<Rehearsal::Step>& steps) : steps_(steps) {}
    void visited(Target node) override { steps_.push_back({node, std::nullopt}); }
    void left_by(Target node, std::size_t output) override {
        if (!steps_.empty() && steps_.back().node == node) steps_.back().output = output;
    }

private:
    std::vector<Rehearsal::Step>& steps_;
};

constexpr int kRehearsalSteps = 1000;
constexpr std::size_t kAnySize = std::size_t{1} << 20U;

}  // namespace

Rehearsal rehearse(std::string_view bytes, const DescribedCall& call, Direction direction,
                   const World& world, const Policy& policy) {
    Rehearsal result;
    const auto script = Script::trusted(bytes);
    if (!script) {
        result.outcome = "not a script";
        return result;
    }
    Path path(result.path);
    Zones zones;
    auto state = std::make_unique<State>();
    Action action = Machine(*script, call, policy, zones, *state, &path).start(direction);
    int last_code = 0;
    for (int steps = 0; steps < kRehearsalSteps; ++steps) {
        // As it would go from the process that forwarded the call to the one that hears of it.
        Run run;
        run.state = *state;
        const std::string luggage = pack(run, kAnySize);
        const auto arrived = unpack(luggage);
        if (!arrived) {
            result.outcome = "not to be unpacked";
            return result;
        }
        *state = arrived->state;
        Machine machine(*script, call, policy, zones, *state, &path);
        std::vector<Contact> contacts;
        switch (action.kind) {
            case Action::Kind::as_without_script: result.outcome = "return"; return result;
            case Action::Kind::fault: result.outcome = "fault"; return result;
            case Action::Kind::relay_best:
                result.outcome = fmt::format("{}", last_code < 400 ? last_code : state->answer());
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

std::optional<Instant> parse_instant(std::string_view text) {
    constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:ddZ";
    if (text.size() != kForm.size()) return std::nullopt;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        if (kForm[i] == 'd' ? !digit : text[i] != kForm[i]) return std::nullopt;
    }
    const auto field = [&](std::size_t at, std::size_t length) {
        return static_cast<unsigned>(text::parse_uint(text.substr(at, length), 9999).value_or(0));
    };
    const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(field(0, 4))),
                                           std::chrono::month(field(5, 2)),
                                           std::chrono::day(field(8, 2))};
    const Instant hour = field(11, 2), minute = field(14, 2), second = field(17, 2);
    if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
    return Instant{std::chrono::sys_days(date).time_since_epoch().count()} * 86400 + hour * 3600 +
           minute * 60 + second;
}

namespace {

bool add_header(DescribedCall& call, std::string_view header) {
    constexpr std::array<std::pair<std::string_view, Fact>, 6> kHeaders{
        {{"Subject", Fact::subject},
         {"s", Fact::subject},
         {"Organization", Fact::organization},
         {"User-Agent", Fact::user_agent},
         {"Accept-Language", Fact::accept_language},
         {"Priority", Fact::priority}}};
    const std::size_t colon = header.find(':');
    if (colon == header.npos) return false;
    const std::string_view name = text::trim(header.substr(0, colon));
    const std::string_view value = text::trim(header.substr(colon + 1));
    for (const auto& [known, fact] : kHeaders)
        if (text::ci_equal(known, name)) call.facts[fact] = value;
    return true;  // no script can ask for any other header
}

bool add_registration(World& world, std::string_view words) {
    const std::size_t blank = std::min(words.find(' '), words.size());
    double q = 1;
    if (blank < words.size()) {
        const std::string_view number = text::trim(words.substr(blank));
        const auto [end, error] = std::from_chars(number.begin(), number.end(), q);
        if (error != std::errc() || end != number.end() || !(q >= 0 && q <= 1)) return false;
    }
    const std::string_view uri = words.substr(0, blank);
    if (!sip::parse_uri(uri)) return false;
    world.registered.push_back(
        {std::string(uri), static_cast<std::uint16_t>(std::lround(q * 1000))});
    return true;
}

bool add_answer(World& world, std::string_view words) {
    const std::size_t equals = words.find('=');
    if (equals == 0 || equals == words.npos) return false;
    const std::string_view answer = words.substr(equals + 1);
    const auto code = text::parse_uint(answer.substr(0, 3), 699);
    if (answer != "ring" && (!code || *code < 200 || (answer.size() > 3 && answer[3] != ' ')))
        return false;
    world.answers[std::string(words.substr(0, equals))] = answer;
    return true;
}

bool add_word(Situation& to, std::string_view word) {
    const std::size_t equals = word.find('=');
    if (equals == word.npos) return false;
    const std::string_view name = word.substr(0, equals), value = word.substr(equals + 1);
    constexpr std::array<std::pair<std::string_view, Fact>, 3> kAddresses{
        {{"from", Fact::from}, {"to", Fact::to}, {"uri", Fact::request_uri}}};
    for (const auto& [known, fact] : kAddresses) {
        if (known != name) continue;
        to.call.facts[fact] = value;
        return fact == Fact::request_uri ? sip::parse_uri(value).has_value()
                                         : sip::parse_name_addr(value).has_value();
    }
    if (name == "header") return add_header(to.call, value);
    if (name == "registered") return add_registration(to.world, value);
    if (name == "answer") return add_answer(to.world, value);
    if (name == "lookup" && value == "fails") {
        to.world.lookup_fails = true;
        return true;
    }
    if (name != "time") return false;
    const auto at = parse_instant(value);
    to.call.at = at.value_or(0);
    return at.has_value();
}

}  // namespace

Result<Situation> parse_situation(std::span<const std::string_view> words, Instant now) {
    Situation situation;
    situation.call.at = now;
    situation.call.facts = {{Fact::from, "<sip:caller@example.com>"},
                            {Fact::to, "<sip:owner@example.com>"},
                            {Fact::request_uri, "sip:owner@example.com"}};
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i == 0 && (words[i] == "incoming" || words[i] == "outgoing"))
            situation.direction =
                words[i] == "incoming" ? Direction::incoming : Direction::outgoing;
        else if (!add_word(situation, words[i]))
            return fail(fmt::format(
                "\"{}\" does not describe a call: incoming or outgoing comes first, then words "
                "like from=URI, to=URI, uri=URI, time=2026-03-06T12:00:00Z, \"header=Name: text\", "
                "\"registered=URI q\", answer=HOST=CODE, lookup=fails",
                without_controls(words[i])));
    }
    return situation;
}

std::vector<std::string> path_lines(std::string_view bytes, const Rehearsal& rehearsal) {
    const auto script = Script::trusted(bytes);
    std::vector<std::string> lines;
    for (const auto& [at, output] : rehearsal.path) {
        const auto node = script ? describe_node(*script, at) : std::nullopt;
        if (!node) continue;
        std::string line = node->title;
        if (output && *output < node->outputs.size()) {
            const auto& taken = node->outputs[*output];
            line += taken.target == kAbsent ? ": no output for this" : ": " + taken.name;
        }
        lines.push_back(std::move(line));
    }
    return lines;
}

std::string report(std::string_view bytes, const Rehearsal& rehearsal) {
    std::string out;
    for (const std::string& line : path_lines(bytes, rehearsal)) out += line + '\n';
    if (!rehearsal.tried.empty()) out += fmt::format("tried {}\n", rehearsal.tried);
    for (const std::string& note : rehearsal.notes) out += note + '\n';
    out += fmt::format("outcome {}",
                       rehearsal.outcome == "return" ? "the default behaviour" : rehearsal.outcome);
    if (!rehearsal.contacts.empty()) out += fmt::format(" to {}", rehearsal.contacts);
    return out + '\n';
}

}  // namespace fairlead::cpl
