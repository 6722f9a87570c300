// The Contact that NAT traversal works on, and the alias in its URI.
// SPDX-License-Identifier: Apache-2.0
#include "modules/nathelper/contact.h"

#include <algorithm>

#include "core/api/text.h"

namespace fairlead::nathelper {

std::optional<Contact> parse_contact(std::string_view value) {
    const auto parsed = sip::parse_name_addr(value);
    if (!parsed || parsed->is_star) return std::nullopt;
    const auto uri = sip::parse_uri(parsed->uri);
    if (!uri || !uri->is_sip()) return std::nullopt;
    const bool enclosed = parsed->uri.data() != value.data() && parsed->uri.data()[-1] == '<';
    return Contact{parsed->uri, *uri, *parsed, enclosed};
}

std::optional<Contact> contact(const Message& m) {
    std::string_view rest = m.sip.text(sip::HeaderType::contact);
    std::string_view last;
    while (const auto value = sip::next_value(rest)) last = *value;
    return last.empty() ? std::nullopt : parse_contact(last);
}

std::optional<Alias> find_alias(std::string_view uri, std::string_view name, bool last,
                                bool& malformed) {
    const std::string mark = ";" + std::string(name) + "=";
    const std::size_t at = last ? uri.rfind(mark) : uri.find(mark);
    malformed = false;
    if (at == uri.npos) return std::nullopt;
    const std::size_t from = at + mark.size();
    const std::size_t end = std::min(uri.find_first_of(";?", from), uri.size());
    const std::string_view value = uri.substr(from, end - from);
    const std::size_t first = value.find('~'), second = value.find('~', first + 1);
    malformed = true;
    if (first == value.npos || second == value.npos) return std::nullopt;
    Alias out{uri.substr(at, end - at), value.substr(0, first),
              value.substr(first + 1, second - first - 1), Proto::none};
    constexpr unsigned kLastProto = 6;
    const auto port = text::parse_uint(out.port, UINT16_MAX);
    const auto proto = text::parse_uint(value.substr(second + 1), kLastProto);
    if (!Address::parse(out.ip) || !port || *port == 0 || !proto || *proto == 0) {
        return std::nullopt;
    }
    out.proto = static_cast<Proto>(*proto);
    malformed = false;
    return out;
}

}  // namespace fairlead::nathelper
