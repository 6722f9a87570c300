// Playing scenarios. SPDX-License-Identifier: Apache-2.0
#include "test/scenario/player.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <stdexcept>

#include "core/base/text.h"
#include "test/support/message_builder.h"

namespace fairlead::test {

namespace {

[[noreturn]] void complain(std::size_t line, const std::string& text) {
    throw std::runtime_error(fmt::format("{}: {}", line, text));
}

/// "500ms", "2s", "0".
Ms duration(const std::string& text) {
    const bool ms = text.ends_with("ms");
    const std::string number = text.substr(0, text.size() - (ms ? 2 : text.ends_with('s') ? 1 : 0));
    const auto n = text::parse_uint(number, 1'000'000);
    if (!n) throw std::runtime_error(fmt::format("\"{}\" is no duration", text));
    return Ms{ms || *n == 0 ? *n : *n * 1000};
}

std::string joined(const std::vector<std::string>& words, std::size_t from) {
    std::string out;
    for (std::size_t i = from; i < words.size(); ++i) out += (i > from ? " " : "") + words[i];
    return out;
}

/// \r, \n, \t, \0 and \\ in raw lines.
std::string unescaped(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            out += text[i];
            continue;
        }
        switch (text[++i]) {
            case 'r': out += '\r'; break;
            case 'n': out += '\n'; break;
            case 't': out += '\t'; break;
            case '0': out += '\0'; break;
            default: out += text[i];
        }
    }
    return out;
}

/// The raw lines of a message, each ended by CRLF; a line that ends in a backslash goes on without.
std::string raw_text(const Command& c) {
    std::string out;
    for (const auto& [line, text] : c.details) {
        const bool joins = text.ends_with('\\') && !text.ends_with("\\\\");
        out += unescaped(joins ? text.substr(0, text.size() - 1) : text);
        if (!joins) out += "\r\n";
    }
    return out + "\r\n";
}

/// "Name: value" at the first colon.
std::pair<std::string, std::string> name_and_value(const Command::Detail& detail) {
    const std::size_t colon = detail.text.find(':');
    if (colon == std::string::npos) complain(detail.line, "not a header: " + detail.text);
    return {detail.text.substr(0, colon), std::string(text::trim(detail.text.substr(colon + 1)))};
}

bool is_reply(const std::string& bytes) {
    return bytes.starts_with("SIP/2.0 ");
}

}  // namespace

void Player::play(const std::vector<Command>& commands) {
    for (const Command& c : commands) {
        try {
            run(c);
        } catch (const std::exception& e) {
            const std::string text = e.what();
            const bool has_line = !text.empty() && text::is_digit(text[0]);
            throw std::runtime_error(has_line ? text : fmt::format("{}: {}", c.line, text));
        }
    }
    end();
}

void Player::run(const Command& c) {
    const std::string& what = c.words[0];
    const auto need = [&](std::size_t n) {
        if (c.words.size() < n + 1) complain(c.line, what + ": too few words");
    };
    if (what == "listen") return need(1), listen(c);
    if (what == "alias") return need(1), host_->net.alias(c.words[1]);
    if (what == "peer") return need(2), void(peers_[c.words[1]] = c.words[2]);
    if (what == "global") return need(2), global(c);
    if (what == "config") return config(c);
    if (what == "leaks-allowed") return void(leaks_allowed_ = true);
    start();
    if (what == "recv") return need(2), receive(c);
    if (what == "reply") return need(2), reply_from(c);
    if (what == "cancel")
        return need(1), host_->receive(cancel(last_from_.at(c.words[1])), peer(c.words[1]));
    if (what == "ack") {
        need(1);
        return host_->receive(ack(last_from_.at(c.words[1]), last_to_.at(c.words[1])),
                              peer(c.words[1]));
    }
    if (what == "expect") return need(1), expect(c);
    if (what == "advance") {
        need(1);
        now_ += duration(c.words[1]);
        return host_->advance(duration(c.words[1]));
    }
    if (what == "at") {
        need(1);
        const Ms to = duration(c.words[1]);
        if (to < now_) complain(c.line, "time does not go back");
        host_->advance(to - now_);
        return void(now_ = to);
    }
    if (what == "stat") return need(2), statistic(c);
    complain(c.line, "unknown command: " + what);
}

void Player::listen(const Command& c) {
    const bool advertised = c.words.size() > 3 && c.words[2] == "advertise";
    host_->net.listen(c.words[1], {}, advertised ? c.words[3] : "");
}

void Player::global(const Command& c) {
    const bool on = c.words[2] == "on";
    Globals& g = host_->globals;
    if (c.words[1] == "check_via") return void(g.check_via = on);
    if (c.words[1] == "force_rport") return void(g.force_rport = on);
    if (c.words[1] == "local_rport") return void(g.local_rport = on);
    if (c.words[1] == "sip_warning") return void(g.sip_warning = on);
    complain(c.line, "unknown global: " + c.words[1]);
}

void Player::config(const Command& c) {
    host_->config(c.details.at(0).text);
}

void Player::start() {
    if (!started_) host_->start();
    started_ = true;
}

const std::string& Player::peer(const std::string& name) const {
    const auto at = peers_.find(name);
    if (at == peers_.end()) throw std::runtime_error("unknown peer: " + name);
    return at->second;
}

std::string Player::request_text(const Command& c) const {
    const std::string uri = c.words.size() > 3 ? c.words[3] : "sip:bob@192.0.2.2";
    Request request(c.words[2], uri);
    request.via(fmt::format("SIP/2.0/UDP {};branch=z9hG4bK{}", peer(c.words[1]), c.words[1]));
    std::vector<std::string> seen;
    for (const auto& detail : c.details) {
        if (detail.text.starts_with("body ")) {
            request.body(unescaped(detail.text.substr(5)));
        } else if (detail.text.starts_with("without ")) {
            request.without(detail.text.substr(8));
        } else {
            const auto [name, value] = name_and_value(detail);
            const bool again = std::ranges::find(seen, name) != seen.end();
            again ? request.header(name, value) : request.set(name, value);
            seen.push_back(name);
        }
    }
    return request.str();
}

void Player::receive(const Command& c) {
    const std::string& from = c.words[1];
    std::string bytes;
    if (c.words[2] == "raw") {
        bytes = raw_text(c);
    } else if (c.words[2] == "again") {
        bytes = last_from_.at(from);
    } else {
        bytes = request_text(c);
    }
    if (!is_reply(bytes)) last_from_[from] = bytes;
    host_->receive(bytes, peer(from));
}

void Player::reply_from(const Command& c) {
    const std::string& from = c.words[1];
    const auto code = text::parse_uint(c.words[2], 699);
    if (!code) complain(c.line, "no status code: " + c.words[2]);
    std::string lines;
    for (const auto& detail : c.details) lines += detail.text + "\r\n";
    const std::string bytes =
        reply(last_to_.at(from), static_cast<int>(*code), joined(c.words, 3), "tag-" + from, lines);
    host_->receive(bytes, peer(from));
}

void Player::expect(const Command& c) {
    auto& sent = host_->net.sent;
    if (c.words[1] == "nothing") {
        if (sent.empty()) return;
        complain(c.line,
                 fmt::format("nothing expected, but to {}: {}", sent.front().target.address.text(),
                             start_line(sent.front().bytes)));
    }
    const std::string& to = c.words[1];
    const Address where = address(peer(to));
    const auto packet =
        std::ranges::find_if(sent, [&](const Packet& p) { return p.target.address == where; });
    if (packet == sent.end()) {
        std::string seen;
        for (const Packet& p : sent) {
            seen += fmt::format("\n    to {}: {}", p.target.address.text(), start_line(p.bytes));
        }
        complain(c.line, fmt::format("nothing was sent to {}{}", to, seen));
    }
    const std::string bytes = packet->bytes;
    sent.erase(packet);

    const std::string wanted = joined(c.words, 2);
    const std::string line = start_line(bytes);
    if (wanted == "again") {
        if (bytes != last_to_[to]) complain(c.line, "not the same bytes as before:\n" + bytes);
        return;
    }
    const std::string begins =
        text::is_digit(wanted.empty() ? 'x' : wanted[0]) ? "SIP/2.0 " + wanted : wanted;
    if (!line.starts_with(begins)) complain(c.line, fmt::format("it is \"{}\"", line));
    for (const auto& detail : c.details) check_detail(bytes, detail);
    last_to_[to] = bytes;
}

void Player::check_detail(const std::string& bytes, const Command::Detail& detail) {
    // NAME[n] = text | NAME[n] ~ regex | NAME absent | NAME count n | NAME[n] as KEY | … same KEY
    static const RE2 shape(R"(([A-Za-z-]+)(?:\[(\d+)\])? (=|~|absent|count|as|same)(?: (.*))?)");
    std::string name, index, how, wanted;
    if (!RE2::FullMatch(detail.text, shape, &name, &index, &how, &wanted)) {
        complain(detail.line, "cannot be understood: " + detail.text);
    }
    const auto n = text::parse_uint(index, 999).value_or(0);
    const std::optional<std::string> value = name == "start"  ? std::optional(start_line(bytes))
                                             : name == "body" ? std::optional(body(bytes))
                                                              : header(bytes, name, n);
    const auto wrong = [&](const std::string& is) {
        complain(detail.line, fmt::format("{} is {}\n{}", name, is, bytes));
    };
    if (how == "absent") {
        if (value) wrong(*value);
        return;
    }
    if (how == "count") {
        const std::string is = std::to_string(headers(bytes, name).size());
        if (is != wanted) wrong("there " + is + " times");
        return;
    }
    if (!value) return wrong("not there");
    if (how == "as") return void(saved_[wanted] = *value);
    if (how == "same" && *value != saved_[wanted]) wrong(*value + "\n not " + saved_[wanted]);
    if (how == "=" && *value != wanted) wrong(*value);
    if (how == "~" && !RE2::PartialMatch(*value, wanted)) wrong(*value);
}

void Player::statistic(const Command& c) {
    const std::size_t dot = c.words[1].find('.');
    const std::int64_t is = host_->statistic(c.words[1].substr(0, dot), c.words[1].substr(dot + 1));
    if (std::to_string(is) != c.words[2]) complain(c.line, fmt::format("it is {}", is));
}

void Player::end() {
    if (!started_) throw std::runtime_error("0: nothing happens in it");
    if (!host_->net.sent.empty()) {
        throw std::runtime_error(
            fmt::format("0: sent and not expected: {}", start_line(host_->net.sent.front().bytes)));
    }
    host_->advance(Ms{60'000});  // longer than any timer of RFC 3261 17
    host_->discard_sent();
    const std::string leaks = host_->leaks();
    if (leaks_allowed_ && !host_->bad_books().empty())
        throw std::runtime_error("0: " + host_->bad_books());
    if (!leaks_allowed_ && !leaks.empty()) throw std::runtime_error("0: not given back: " + leaks);
}

}  // namespace fairlead::test
