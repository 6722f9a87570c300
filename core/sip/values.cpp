// Via, name-addr and CSeq values. Folded lines inside a value count as white space.
// SPDX-License-Identifier: Apache-2.0
#include "core/sip/values.h"

#include "core/base/text.h"
#include "core/sip/chars.h"
#include "core/sip/limits.h"
#include "core/sip/params.h"

namespace fairlead::sip {
namespace {

constexpr auto npos = std::string_view::npos;

/// Reads a value from left to right.
class Cursor {
public:
    explicit Cursor(std::string_view s) noexcept : rest_(s) {}
    void skip_space() noexcept {
        while (!rest_.empty() && text::is_space(rest_[0])) rest_.remove_prefix(1);
    }
    [[nodiscard]] bool take(char c) noexcept {
        if (rest_.empty() || rest_[0] != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    [[nodiscard]] std::string_view take_while(CharClass wanted) noexcept {
        std::size_t n = 0;
        while (n < rest_.size() && is_char(rest_[n], wanted)) ++n;
        return take(n);
    }
    [[nodiscard]] std::string_view take(std::size_t n) noexcept {
        const std::string_view taken = rest_.substr(0, n);
        rest_.remove_prefix(taken.size());
        return taken;
    }
    [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

private:
    std::string_view rest_;
};

/// "SIP / 2.0 / UDP" in front of a Via's sent-by; false when it is none.
bool take_protocol(Cursor& at, Via& via) noexcept {
    for (int part = 0; part < 3; ++part) {
        const std::string_view token = at.take_while(kTokenChar);
        if (token.empty()) return false;
        if (part == 2) {
            via.transport = token;
            return !at.rest().empty() && text::is_space(at.rest()[0]);
        }
        at.skip_space();
        if (!at.take('/')) return false;
        at.skip_space();
    }
    return false;
}

bool take_sent_by(Cursor& at, Via& via) noexcept {
    at.skip_space();
    if (!at.rest().empty() && at.rest()[0] == '[') {
        const std::size_t close = at.rest().find(']');
        if (close == npos) return false;
        via.host = at.take(close + 1);
        const auto address = Address::parse(via.host);
        if (!address || address->version != 6) return false;
    } else {
        via.host = at.take_while(kHostChar);
        if (via.host.empty()) return false;
    }
    at.skip_space();
    if (!at.take(':')) return true;
    at.skip_space();
    std::size_t digits = 0;
    while (digits < at.rest().size() && text::is_digit(at.rest()[digits])) ++digits;
    via.port_text = at.take(digits);
    const auto port = text::parse_uint(via.port_text, 65535);
    if (!port || *port == 0) return false;
    via.port = static_cast<std::uint16_t>(*port);
    at.skip_space();
    return true;
}

/// What routing reads may be there only once: two of them would be read differently elsewhere.
bool note_via_param(const Param& param, Via& via, bool& has_maddr) noexcept {
    const auto once = [](bool& seen) {
        const bool first = !seen;
        seen = true;
        return first;
    };
    const auto is = [&](std::string_view name) {
        return param.name == name || text::ci_equal(param.name, name);
    };
    switch (param.name.size()) {  // the lengths tell most names apart at once
        case 5:
            if (is("rport")) {
                via.rport = param.value;
                return once(via.has_rport) &&
                       (param.value.empty() || text::parse_uint(param.value, 65535).has_value());
            }
            if (!is("maddr")) return true;
            via.maddr = param.value;
            return once(has_maddr);
        case 6:
            if (!is("branch")) return true;
            via.branch = param.value;
            return once(via.has_branch);
        case 8:
            if (!is("received")) return true;
            via.received = param.value;
            return once(via.has_received);
        default: return true;
    }
}

/// The parameters behind a value: `rest` is empty or begins with ';'. Calls `note` for each; false
/// when one is malformed, refused, or there are too many.
template <class Note>
bool walk_params(std::string_view rest, std::string_view& params, Note note) noexcept {
    if (rest.empty()) return true;
    if (rest[0] != ';') return false;
    params = text::trim(rest.substr(1));
    std::size_t count = 0;
    while (auto param = next_param(rest))
        if (++count > kMaxParams || !note(*param)) return false;
    return rest.empty();
}

bool has_scheme(std::string_view uri) noexcept {
    if (uri.empty() || !is_char(uri[0], kAlphaChar)) return false;
    for (char c : uri) {
        if (c == ':') return true;
        if (!is_char(c, kTokenChar)) return false;
    }
    return false;
}

/// Display name and URI; `at` is then behind them.
bool take_address(Cursor& at, NameAddr& result) noexcept {
    const std::string_view s = at.rest();
    if (s.empty()) return false;
    if (s[0] == '"') {
        std::size_t end = 1;
        while (end < s.size() && s[end] != '"') end += s[end] == '\\' ? 2 : 1;
        if (end >= s.size()) return false;
        result.display = at.take(end + 1);
        at.skip_space();
        if (at.rest().empty() || at.rest()[0] != '<') return false;
    } else {
        Cursor probe = at;
        const std::string_view display = probe.take_while(kDisplayChar);
        if (!probe.rest().empty() && probe.rest()[0] == '<') {
            result.display = text::trim(display);
            at = probe;
        }
    }
    if (at.take('<')) {
        result.uri = at.take_while(kUriChar);
        if (!at.take('>')) return false;
    } else {
        // RFC 3261 20: a URI with ',', '?' or ';' stands in <>; so ';' begins header parameters.
        std::size_t n = 0;
        while (n < at.rest().size() && is_char(at.rest()[n], kUriChar) && at.rest()[n] != ';') ++n;
        result.uri = at.take(n);
        if (result.uri.find_first_of("?,") != npos) return false;
    }
    at.skip_space();
    return has_scheme(result.uri);
}

}  // namespace

std::optional<Via> parse_via(std::string_view value) noexcept {
    Via via;
    via.text = text::trim(value);
    Cursor at(via.text);
    if (!take_protocol(at, via) || !take_sent_by(at, via)) return std::nullopt;
    via.proto = parse_proto(via.transport).value_or(Proto::none);
    bool has_maddr = false;
    const bool good = walk_params(at.rest(), via.params, [&](const Param& param) {
        return note_via_param(param, via, has_maddr);
    });
    if (!good) return std::nullopt;
    return via;
}

std::optional<std::string_view> NameAddr::param(std::string_view name) const noexcept {
    const auto found = find_param(params, name);
    if (!found) return std::nullopt;
    return found->value;
}

std::optional<NameAddr> parse_name_addr(std::string_view value) noexcept {
    NameAddr result;
    result.text = text::trim(value);
    if (result.text == "*") {
        result.is_star = true;
        return result;
    }
    Cursor at(result.text);
    if (!take_address(at, result)) return std::nullopt;
    const bool good = walk_params(at.rest(), result.params, [&](const Param& param) {
        if (!text::ci_equal(param.name, "tag")) return true;
        if (result.has_tag) return false;
        result.has_tag = true;
        result.tag = param.value;
        return true;
    });
    if (!good) return std::nullopt;
    return result;
}

std::optional<CSeq> parse_cseq(std::string_view value) noexcept {
    const std::string_view s = text::trim(value);
    std::size_t digits = 0;
    while (digits < s.size() && text::is_digit(s[digits])) ++digits;
    CSeq cseq;
    cseq.number_text = s.substr(0, digits);
    const auto number = text::parse_uint(cseq.number_text, 0x7fffffff);
    if (!number || digits == s.size() || !text::is_space(s[digits])) return std::nullopt;
    cseq.number = static_cast<std::uint32_t>(*number);
    cseq.method_text = text::trim(s.substr(digits));
    if (!is_token(cseq.method_text)) return std::nullopt;
    cseq.method = parse_method(cseq.method_text);
    return cseq;
}

}  // namespace fairlead::sip
