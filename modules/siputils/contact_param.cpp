// Contacts that carry the URI that they stand for in a parameter, in Base64URL (RFC 4648 5).
// SPDX-License-Identifier: Apache-2.0
#include "modules/siputils/contact_param.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "core/api/sip.h"
#include "core/api/text.h"

namespace fairlead::siputils {

namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr unsigned kBitsOfDigit = 6, kBitsOfByte = 8;

std::string encoded(std::string_view text) {
    std::string out;
    std::uint32_t bits = 0;
    unsigned have = 0;
    for (const char c : text) {
        bits = bits << kBitsOfByte | static_cast<unsigned char>(c);
        for (have += kBitsOfByte; have >= kBitsOfDigit; have -= kBitsOfDigit) {
            out += kDigits[bits >> (have - kBitsOfDigit) & 0x3fU];
        }
    }
    if (have != 0) out += kDigits[bits << (kBitsOfDigit - have) & 0x3fU];
    return out;
}

/// A SIP URI, or nothing: what is put into a message must not end its line.
std::optional<std::string> decoded(std::string_view digits) {
    while (digits.ends_with('=') || (digits.size() % 4 == 0 && digits.ends_with('-'))) {
        digits.remove_suffix(1);
    }
    std::string out;
    std::uint32_t bits = 0;
    unsigned have = 0;
    for (const char c : digits) {
        const std::size_t digit = kDigits.find(c);
        if (digit == std::string_view::npos) return std::nullopt;
        bits = bits << kBitsOfDigit | static_cast<std::uint32_t>(digit);
        have += kBitsOfDigit;
        if (have < kBitsOfByte) continue;
        have -= kBitsOfByte;
        out += static_cast<char>(bits >> have & 0xffU);
    }
    const auto uri = sip::parse_uri(out);
    const bool plain = std::ranges::all_of(
        out, [](char c) { return c > ' ' && c != '<' && c != '>' && c != '\x7f'; });
    return uri && uri->is_sip() && plain ? std::optional(out) : std::nullopt;
}

/// Calls `change(uri text, parsed)` for each SIP URI in Contact; it gives a new text, or nullopt to
/// leave it. False when one of them says that something is wrong.
template <class Change>
bool each_contact(Message& m, Change change) {
    bool good = true;
    for (std::size_t n = 0; const sip::Header* h = m.sip.header(sip::HeaderType::contact, n); ++n) {
        std::string_view rest = m.sip.value(*h);
        while (const auto value = sip::next_value(rest)) {
            const auto contact = sip::parse_name_addr(*value);
            if (!contact || contact->is_star) continue;
            const auto uri = sip::parse_uri(contact->uri);
            if (!uri || !uri->is_sip()) continue;
            const bool enclosed = contact->uri.data()[-1] == '<';
            std::optional<std::string> text = change(contact->uri, *uri, good);
            if (!text) continue;
            if (!enclosed) text = "<" + *text + ">";
            good = m.edits.replace(
                       static_cast<std::uint32_t>(contact->uri.data() - m.sip.bytes().data()),
                       static_cast<std::uint32_t>(contact->uri.size()), m.arena.copy(*text)) &&
                   good;
        }
    }
    return good;
}

bool is_token(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        return text::is_digit(c) || (text::to_lower(c) >= 'a' && text::to_lower(c) <= 'z') ||
               std::string_view("-.!%*_+`'~").find(c) != std::string_view::npos;
    });
}

/// The URI without the parameter; nullopt when it has none.
std::optional<std::string> without(std::string_view whole, const sip::Uri& uri,
                                   std::string_view name) {
    for (std::string_view rest = uri.params; !rest.empty();) {
        const std::size_t end = std::min(rest.find(';'), rest.size());
        const std::string_view one = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (!text::ci_equal(one.substr(0, one.find('=')), name)) continue;
        const auto at = static_cast<std::size_t>(one.data() - whole.data()) - 1;  // the semicolon
        return std::string(whole.substr(0, at)).append(whole.substr(at + 1 + one.size()));
    }
    return std::nullopt;
}

}  // namespace

bool encode_contact_param(Message& m, std::string_view name, std::string_view server) {
    const auto target = sip::parse_uri(server);
    const bool plain = std::ranges::all_of(
        server, [](char c) { return c > ' ' && c != '<' && c != '>' && c != '?'; });
    if (!target || !target->is_sip() || !plain || !is_token(name)) return false;
    return each_contact(m, [&](std::string_view whole, const sip::Uri&, bool&) {
        return std::optional(
            std::string(server).append(";").append(name).append("=").append(encoded(whole)));
    });
}

bool decode_contact_param(Message& m, std::string_view name) {
    return each_contact(m, [&](std::string_view, const sip::Uri& uri, bool& good) {
        const auto value = uri.param(name);
        if (!value) return std::optional<std::string>();
        auto text = decoded(*value);
        good = good && text;
        return text;
    });
}

bool decode_uri_param(Message& m, std::string_view name) {
    const auto uri = sip::parse_uri(m.uri());
    const auto value = uri && uri->is_sip() ? uri->param(name) : std::nullopt;
    if (!value) return true;
    const auto text = decoded(*value);
    if (text) m.target.uri = m.arena.copy(*text);
    return text.has_value();
}

bool remove_contact_param(Message& m, std::string_view name) {
    return each_contact(m, [&](std::string_view whole, const sip::Uri& uri, bool&) {
        return without(whole, uri, name);
    });
}

}  // namespace fairlead::siputils
