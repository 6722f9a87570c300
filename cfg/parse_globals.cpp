// The parser: settings, listen and alias lines, modules and their parameters.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <utility>

#include "cfg/parser.h"
#include "cfg/variable_text.h"
#include "core/base/text.h"

namespace fairlead::cfg {

namespace {

struct HostPort {
    std::optional<Proto> proto;
    std::string host;
    std::uint16_t port = 0;
};

/// "[proto:]host[:port]", IPv6 in brackets or bare; `*` as the port is any.
std::optional<HostPort> parse_host_port(std::string_view text) {
    HostPort out;
    if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
        if (const auto proto = parse_proto(text.substr(0, colon))) {
            out.proto = proto;
            text.remove_prefix(colon + 1);
        }
    }
    std::string_view port;
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos) return std::nullopt;
        out.host = text.substr(1, close - 1);
        text.remove_prefix(close + 1);
        if (!text.empty() && text[0] != ':') return std::nullopt;
        if (!text.empty()) port = text.substr(1);
        if (!text.empty() && port.empty()) return std::nullopt;
    } else if (Address::parse(text)) {
        out.host = text;
    } else {
        const std::size_t colon = text.rfind(':');
        out.host = text.substr(0, colon);
        if (colon != std::string_view::npos) port = text.substr(colon + 1);
        if (colon != std::string_view::npos && port.empty()) return std::nullopt;
        if (out.host.find(':') != std::string::npos) return std::nullopt;
    }
    if (out.host.empty() || out.host.find('*') != std::string::npos) return std::nullopt;
    if (!port.empty() && port != "*") {
        const auto number = text::parse_uint(port, 65535);
        if (!number) return std::nullopt;
        out.port = static_cast<std::uint16_t>(*number);
    }
    return out;
}

std::optional<bool> boolean(std::string_view word) noexcept {
    constexpr std::array<std::string_view, 4> kYes{"yes", "true", "on", "enable"};
    constexpr std::array<std::string_view, 4> kNo{"no", "false", "off", "disable"};
    for (std::size_t i = 0; i < kYes.size(); ++i) {
        if (word == kYes[i]) return true;
        if (word == kNo[i]) return false;
    }
    return std::nullopt;
}

}  // namespace

void Parser::section() {
    const Token t = peek();
    if (accept(";")) return;
    if (t.kind == Tok::bad) {
        take();
        return;
    }
    if (starts_route()) return route();
    if (t.is("}")) {
        fail(t, "\"}\" without \"{\"");
        take();
        return;
    }
    if (t.kind != Tok::word) {
        fail(t, fmt::format("a setting, loadmodule or route expected, found {}", found()));
        return skip_section();
    }
    const std::string_view word = t.text;
    if (word == "loadmodule" || word == "loadmodulex") return load_line(word);
    if (word == "loadpath" || word == "mpath") return load_path();
    if (word == "modparam" || word == "modparamx") return modparam();
    if (word == "listen" && peek(1).is("=")) return listen();
    if (word == "alias" && peek(1).is("=")) return alias();
    const bool names = word == "flags" || word == "bool" || word == "avpflags";
    if (names && peek(1).kind == Tok::word) return flag_names(word != "avpflags");
    if (word == "cfgengine" && (peek(1).is("=") || peek(1).kind == Tok::string)) return engine();
    setting();
}

void Parser::load_line(std::string_view word) {
    take();
    const bool parentheses = accept("(");
    accept("=");
    if (peek().kind != Tok::string) {
        fail(peek(), fmt::format("{} needs the name of a module in quotes", word));
        return skip_section();
    }
    LoadLine line{std::string(peek().text), search_path_, peek().at};
    if (word == "loadmodulex") line.name = with_variables(peek());
    take();
    if (parentheses) {
        if (accept(",")) take();  // options of newer versions say how to link; ours has one way
        if (!expect(")", "behind the module name")) return skip_section();
    }
    config_.modules.push_back(std::move(line));
}

void Parser::load_path() {
    const Token keyword = take();
    accept("=");
    const bool parentheses = accept("(");
    if (peek().kind != Tok::string) {
        fail(peek(), fmt::format("{} needs directories in quotes", keyword.text));
        return skip_section();
    }
    std::string_view rest = take().text;
    search_path_.clear();
    while (!rest.empty()) {
        const std::size_t colon = rest.find(':');
        if (colon != 0) search_path_.emplace_back(rest.substr(0, colon));
        rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
    }
    if (parentheses && !expect(")", "behind the directories")) skip_section();
}

void Parser::modparam() {
    const Token keyword = take();
    if (!expect("(", fmt::format("behind {}", keyword.text))) return skip_section();
    ModParamLine line;
    line.at = keyword.at;
    for (std::string* const part : {&line.module, &line.name}) {
        if (peek().kind != Tok::string) {
            fail(peek(), fmt::format("{} needs (\"module\", \"parameter\", value)", keyword.text));
            return skip_section();
        }
        (part == &line.name ? line.at : line.module_at) = peek().at;
        *part = take().text;
        if (!expect(",", fmt::format("in {}", keyword.text))) return skip_section();
    }
    auto value = literal();
    if (!value || !expect(")", "behind the value")) return skip_section();
    line.value = std::move(*value);
    if (keyword.text == "modparamx" && line.value.is_string) {
        line.value.text = with_variables(tokens_[at_ - 2]);
    }
    config_.parameters.push_back(std::move(line));
}

std::optional<Literal> Parser::literal() {
    Literal out;
    const bool negative = at("-") && peek(1).kind == Tok::number;
    if (negative) take();
    const Token& t = peek();
    if (t.kind == Tok::string) {
        out.is_string = true;
        out.text = take().text;
    } else if (t.kind == Tok::number && (negative || peek(1).line_start || !peek(1).is("."))) {
        out.number = negative ? -t.number : t.number;
        out.text = fmt::format("{}{}", negative ? "-" : "", take().text);
    } else if (const auto yes = t.kind == Tok::word ? boolean(t.text) : std::nullopt; yes) {
        out.number = *yes ? 1 : 0;
        out.text = take().text;
    } else if (t.kind == Tok::word || t.kind == Tok::address || t.kind == Tok::number) {
        Position at;
        out.is_string = true;
        out.text = joined(";,)", at);
    } else {
        fail(t, fmt::format("a value expected, found {}", found()));
        return std::nullopt;
    }
    return out;
}

void Parser::setting() {
    Setting setting;
    setting.at = peek().at;
    setting.name = take().text;
    if (accept("[")) {  // group[1].name
        if (peek().kind != Tok::number) {
            fail(peek(), "a number expected between [ and ]");
            return skip_section();
        }
        setting.name += fmt::format("[{}]", take().text);
        if (!expect("]", "behind the number")) return skip_section();
    }
    if (accept(".")) {
        if (peek().kind != Tok::word) {
            fail(peek(), fmt::format("a name expected behind \".\", found {}", found()));
            return skip_section();
        }
        setting.name += '.';
        setting.name += take().text;
    }
    extend(setting.at, tokens_[at_ - 1]);
    if (!at("=")) {
        Token t;
        t.at = setting.at;
        fail(t, fmt::format("\"{}\" is no setting and no section", setting.name),
             "settings are written name = value");
        return skip_section();
    }
    take();
    const bool next_line = peek().line_start && (starts_section() || peek(1).is("="));
    if (next_line || peek().kind == Tok::end) {
        fail_behind(fmt::format("the value of {} is missing", setting.name));
        return;
    }
    setting.value_at = peek().at;
    auto value = literal();
    if (!value) return skip_section();
    setting.value = std::move(*value);
    if (accept_word("desc") || accept_word("descr") || accept_word("description")) {
        if (peek().kind != Tok::string) {
            fail(peek(), "a description in quotes expected");
            return skip_section();
        }
        setting.description = take().text;
    }
    if (setting.name == "mpath" || setting.name == "loadpath") return;
    const bool next_setting = peek().kind == Tok::word && (peek(1).is("=") || peek(1).is("."));
    if (!peek().line_start && !at(";") && peek().kind != Tok::end && !next_setting) {
        fail(peek(), fmt::format("unexpected {} behind the value", found()));
        skip_section();
    }
    if (setting.name == "socket_workers") socket_workers_ = config_.settings.size();
    config_.settings.push_back(std::move(setting));
}

void Parser::listen() {
    take();
    take();
    const auto workers = std::exchange(socket_workers_, std::nullopt);
    do {
        ListenLine line;
        line.workers = workers;
        Position at = peek().at;
        const std::string text =
            peek().kind == Tok::string ? std::string(take().text) : joined(";", at);
        const auto parsed = parse_host_port(text);
        if (!parsed) {
            Token t;
            t.at = at;
            fail(t, fmt::format("\"{}\" is no address to listen on", text),
                 "as in listen=udp:127.0.0.1:5060 or listen=udp:[::1]:5060");
            return skip_section();
        }
        line.proto = parsed->proto;
        line.host = parsed->host;
        line.port = parsed->port;
        line.at = at;
        if (accept_word("advertise")) {
            Position where = peek().at;
            const std::string advertised =
                peek().kind == Tok::string ? std::string(take().text) : joined(";", where);
            const auto value = parse_host_port(advertised);
            if (!value) {
                Token t;
                t.at = where;
                fail(t, fmt::format("\"{}\" is no address to advertise", advertised));
                return skip_section();
            }
            line.advertised_host = value->host;
            line.advertised_port = value->port;
        }
        if (accept_word("name")) {
            if (peek().kind != Tok::string) {
                fail(peek(), "the name of a socket is written in quotes");
                return skip_section();
            }
            line.name = take().text;
        }
        accept_word("virtual");
        config_.listen.push_back(std::move(line));
    } while (!peek().line_start && !at(";") && peek().kind != Tok::end);
}

void Parser::alias() {
    take();
    take();
    do {
        Position at = peek().at;
        const std::string text =
            peek().kind == Tok::string ? std::string(take().text) : joined(";", at);
        const auto parsed = parse_host_port(text);
        if (!parsed) {
            Token t;
            t.at = at;
            fail(t, fmt::format("\"{}\" is no alias", text), "as in alias=example.org:5060");
            return skip_section();
        }
        config_.aliases.push_back({parsed->proto, parsed->host, parsed->port, at});
    } while (!peek().line_start && !at(";") && peek().kind != Tok::end);
}

/// A string with $def(NAME) and $env(NAME) filled in, for loadmodulex and modparamx.
std::string Parser::with_variables(const Token& t) {
    std::string out;
    for (std::size_t i = 0; i < t.text.size();) {
        const std::string_view rest = t.text.substr(i);
        if (!begins_variable(rest)) {
            out += t.text[i++];
            continue;
        }
        const VariableText variable = take_variable(rest);
        i += variable.text.size();
        const std::string_view name = variable.name, inner = variable.inner;
        const auto define = tree_.defines.find(inner);
        const bool is_define = name == "def" || name == "defn";
        if (is_define && define != tree_.defines.end()) {
            out += define->second.value.value_or("");
        } else if (name == "env" || name == "envn") {
            const char* const value = std::getenv(std::string(inner).c_str());
            out += value != nullptr ? value : "";
        } else {
            fail(t, fmt::format("{} has no value while modules are loaded", variable.text),
                 is_define ? "" : "$def and $env have one");
        }
    }
    return out;
}

void Parser::engine() {
    take();
    accept("=");
    const Token name = peek();
    if (name.kind != Tok::string) {
        fail(name, "cfgengine needs the name of a language in quotes");
        return skip_section();
    }
    take();
    if (name.text == "native" || name.text == "default") return;
    diagnostics_.error(name.at, fmt::format("there is no cfgengine \"{}\"", name.text),
                       "routes are written in this file: \"native\"");
}

void Parser::flag_names(bool kept) {
    if (!kept) {
        diagnostics_.notice(peek().at, "avpflags has no effect: values of $avp have no flags here");
    }
    take();
    std::int64_t next = 0;
    do {
        const Token name = peek();
        if (name.kind != Tok::word) {
            fail(name, "the name of a flag expected");
            return skip_section();
        }
        take();
        if (accept(":")) {
            if (peek().kind != Tok::number || peek().number > 31) {
                fail(peek(), "a flag is a number from 0 to 31");
                return skip_section();
            }
            next = take().number;
        }
        if (kept && !tree_.flags.emplace(std::string(name.text), next++).second) {
            diagnostics_.error(name.at, fmt::format("flag {} is declared twice", name.text));
        }
    } while (accept(","));
}

}  // namespace fairlead::cfg
