// The conditions of switches. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/conditions.h"

#include <array>

#include "core/api/sip.h"
#include "core/api/text.h"
#include "modules/cpl/texts.h"

namespace fairlead::cpl {

namespace {

Fact fact_of(AddressField field) {
    switch (field) {
        case AddressField::origin: return Fact::from;
        case AddressField::original_destination: return Fact::to;
        case AddressField::destination: break;
    }
    return Fact::request_uri;
}

std::optional<std::string> present(std::string_view text) {
    return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

/// A tel URI, or a SIP URI that says that its user is a number (RFC 3261 19.1.6).
std::optional<std::string> number_of(const sip::Uri& uri) {
    const auto user_param = uri.param("user");
    const bool is_number =
        uri.scheme == sip::Scheme::tel || (user_param && text::ci_equal(*user_param, "phone"));
    if (!is_number || uri.user.empty()) return std::nullopt;
    // In a SIP URI the number may have parameters of its own behind ';'.
    return telephone(unescape(uri.user.substr(0, uri.user.find(';'))));
}

std::optional<std::string> part_of(const sip::Uri& uri, Subfield subfield) {
    switch (subfield) {
        case Subfield::whole: return std::string(uri.text);
        case Subfield::address_type: return present(uri.scheme_text);
        case Subfield::user: return present(unescape(uri.user));
        case Subfield::host: return uri.is_sip() ? present(uri.host) : std::nullopt;
        case Subfield::port: return present(uri.port_text);
        case Subfield::tel: return number_of(uri);
        case Subfield::password: return present(unescape(uri.password));
        case Subfield::display:
        case Subfield::unknown: break;
    }
    return std::nullopt;
}

/// A display name without quotes and escapes, folded.
std::optional<std::string> display_of(std::string_view display) {
    display = text::trim(display);
    std::string out;
    if (display.size() >= 2 && display.front() == '"' && display.back() == '"') {
        display = display.substr(1, display.size() - 2);
        for (std::size_t i = 0; i < display.size(); ++i) {
            if (display[i] == '\\' && i + 1 < display.size()) ++i;
            out += display[i];
        }
    } else {
        out = display;
    }
    return present(fold(unfold(out)));
}

std::string_view without_dots(std::string_view host) {
    while (host.starts_with('.')) host.remove_prefix(1);
    return host;
}

bool matches_host(std::string_view value, Match match, std::string_view argument) {
    const auto a = Address::parse(value), b = Address::parse(argument);
    if (a || b) return a && b && a->same_ip(*b);  // RFC 3880 4.1.1: numerically, never by name
    value = without_dots(value);
    argument = without_dots(argument);
    if (text::ci_equal(value, argument)) return true;
    if (match == Match::is || argument.empty() || value.size() <= argument.size()) return false;
    const std::size_t split = value.size() - argument.size();
    return value[split - 1] == '.' && text::ci_equal(value.substr(split), argument);
}

bool same_port(std::string_view a, std::string_view b) {
    const auto x = text::parse_uint(a, 65535), y = text::parse_uint(b, 65535);
    return x && y && *x == *y;
}

constexpr std::array<std::string_view, 4> kPriorities{"non-urgent", "normal", "urgent",
                                                      "emergency"};

}  // namespace

bool same_uri(std::string_view a, std::string_view b) {
    const auto x = sip::parse_uri(a), y = sip::parse_uri(b);
    if (!x || !y) return a == b;
    if (x->scheme == sip::Scheme::tel && y->scheme == sip::Scheme::tel) {
        const auto m = number_of(*x), n = number_of(*y);
        return m && n && *m == *n && x->user.starts_with('+') == y->user.starts_with('+') &&
               text::ci_equal(x->params, y->params);
    }
    return sip::equal(*x, *y);
}

std::optional<AddressValue> address_value(const Call& call, AddressField field, Subfield subfield) {
    const auto header = call.fact(fact_of(field));
    if (!header || subfield == Subfield::unknown) return std::nullopt;
    std::string_view uri_text = *header, display;
    if (field != AddressField::destination) {
        const auto address = sip::parse_name_addr(*header);
        if (!address) return std::nullopt;
        uri_text = address->uri;
        display = address->display;
    }
    std::optional<std::string> value;
    if (subfield == Subfield::display) {
        value = display_of(display);
    } else if (const auto uri = sip::parse_uri(uri_text)) {
        value = part_of(*uri, subfield);
    }
    if (!value) return std::nullopt;
    return AddressValue{subfield, std::move(*value)};
}

bool matches_address(const AddressValue& value, Match match, std::string_view argument,
                     bool users_without_case) {
    const std::string& text = value.text;
    switch (value.subfield) {
        case Subfield::whole: return same_uri(text, argument);
        case Subfield::address_type: return text::ci_equal(text, argument);
        case Subfield::user: {
            const std::string wanted = unescape(argument);
            return users_without_case ? text::ci_equal(text, wanted) : text == wanted;
        }
        case Subfield::host: return matches_host(text, match, argument);
        case Subfield::port: return same_port(text, argument);
        case Subfield::tel:
            return match == Match::is ? text == argument : text.starts_with(argument);
        case Subfield::display: return matches_string(text, match, argument);
        case Subfield::password: return text == unescape(argument);
        case Subfield::unknown: break;
    }
    return false;
}

std::optional<std::string> string_value(const Call& call, StringField field) {
    std::optional<std::string_view> value;
    switch (field) {
        case StringField::subject: value = call.fact(Fact::subject); break;
        case StringField::organization: value = call.fact(Fact::organization); break;
        case StringField::user_agent: value = call.fact(Fact::user_agent); break;
        case StringField::display: break;  // SIP has none (RFC 3880 4.2.1)
    }
    if (!value) return std::nullopt;
    return fold(unfold(*value));
}

bool matches_string(std::string_view value, Match match, std::string_view argument) {
    return match == Match::contains ? value.contains(argument) : value == argument;
}

bool matches_priority(std::string_view value, Match match, std::string_view argument) {
    if (match == Match::equal) return text::ci_equal(value, argument);
    int level = 1;  // an unknown value counts as normal
    for (std::size_t i = 0; i < kPriorities.size(); ++i)
        if (text::ci_equal(kPriorities[i], value)) level = static_cast<int>(i);
    if (argument.size() != 1) return false;
    const int wanted = argument.front() - '0';
    return match == Match::less ? level < wanted : level > wanted;
}

}  // namespace fairlead::cpl
