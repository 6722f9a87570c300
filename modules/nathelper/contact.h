// The Contact that NAT traversal works on, and the alias in its URI.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/api/message.h"
#include "core/api/sip.h"

namespace fairlead::nathelper {

/// A contact with a SIP URI.
struct Contact {
    std::string_view uri_text;  ///< in the message
    sip::Uri uri;
    sip::NameAddr address;
    bool enclosed = false;  ///< in < and >

    /// What stands behind host and port.
    [[nodiscard]] const char* behind_port() const noexcept {
        const std::string_view last = uri.port_text.empty() ? uri.host : uri.port_text;
        return last.data() + last.size();
    }
};

/// The contact that one function may change: of several in the first Contact header the last.
[[nodiscard]] std::optional<Contact> contact(const Message& m);
/// One value of a Contact header; nullopt for "*" and what is no SIP URI.
[[nodiscard]] std::optional<Contact> parse_contact(std::string_view value);

/// ";alias=ip~port~proto" in a URI.
struct Alias {
    std::string_view whole;  ///< with its semicolon
    std::string_view ip, port;
    Proto proto = Proto::none;
};
/// The first, or the last, alias parameter; `malformed` when there is one that cannot be read.
[[nodiscard]] std::optional<Alias> find_alias(std::string_view uri, std::string_view name,
                                              bool last, bool& malformed);

}  // namespace fairlead::nathelper
