// Transformations of MSRP URIs (RFC 4975 6): {msrpuri.…}.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>

#include "cfg/transform.h"
#include "core/base/text.h"

namespace fairlead::cfg {

namespace {

using Args = const TransformArgs&;

/// msrp[s]://[userinfo@]host[:port][/session][;transport[;parameters]]
struct MsrpUri {
    std::string_view scheme, userinfo, user, host, port, session, proto;
    std::string_view params;  ///< from the transport on; "" when that is all
};

/// Takes what stands before the first of `ends`.
std::string_view take(std::string_view& rest, std::string_view ends) noexcept {
    const std::size_t end = std::min(rest.find_first_of(ends), rest.size());
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(end);
    return part;
}

bool take_host(std::string_view& rest, MsrpUri& uri) noexcept {
    if (rest.starts_with('[')) {
        const std::size_t close = rest.find(']');
        if (close == rest.npos) return false;
        uri.host = rest.substr(0, close + 1);
        rest.remove_prefix(close + 1);
    } else {
        uri.host = take(rest, ":/;");
    }
    if (uri.host.empty()) return false;
    if (!rest.starts_with(':')) return true;
    rest.remove_prefix(1);
    uri.port = take(rest, "/;");
    constexpr std::uint64_t kMost = 65535;
    return text::parse_uint(uri.port, kMost).has_value();
}

std::optional<MsrpUri> parse(std::string_view rest) noexcept {
    MsrpUri uri;
    const std::size_t slashes = rest.find("://");
    if (slashes == rest.npos) return std::nullopt;
    uri.scheme = rest.substr(0, slashes);
    if (!text::ci_equal(uri.scheme, "msrp") && !text::ci_equal(uri.scheme, "msrps"))
        return std::nullopt;
    rest.remove_prefix(slashes + 3);
    const std::size_t authority = std::min(rest.find('/'), rest.size());
    if (const std::size_t at = rest.substr(0, authority).rfind('@'); at != rest.npos) {
        uri.userinfo = rest.substr(0, at);
        uri.user = uri.userinfo.substr(0, uri.userinfo.find(':'));
        rest.remove_prefix(at + 1);
    }
    if (!take_host(rest, uri)) return std::nullopt;
    if (rest.starts_with('/')) {
        rest.remove_prefix(1);
        uri.session = take(rest, ";");
    }
    if (rest.empty()) return uri;
    if (!rest.starts_with(';') || rest.size() == 1) return std::nullopt;
    rest.remove_prefix(1);
    uri.params = rest;
    uri.proto = take(rest, ";");
    if (rest.empty()) uri.params = {};
    return uri;
}

template <std::string_view MsrpUri::* Field>
Value field(Message& m, const Value& in, Args) {
    const auto uri = parse(text_of(m, in));
    return uri ? Value((*uri).*Field) : Value::absent();
}

constexpr TransformRow kRows[] = {
    {"msrpuri", "user", "", "User of an MSRP URI.", field<&MsrpUri::user>},
    {"msrpuri", "userinfo", "", "User and what follows it.", field<&MsrpUri::userinfo>},
    {"msrpuri", "host", "", "Host, with the brackets of IPv6.", field<&MsrpUri::host>},
    {"msrpuri", "port", "", "Port, \"\" when there is none.", field<&MsrpUri::port>},
    {"msrpuri", "session", "", "The session's name.", field<&MsrpUri::session>},
    {"msrpuri", "proto", "", "The transport.", field<&MsrpUri::proto>},
    {"msrpuri", "scheme", "", "msrp or msrps.", field<&MsrpUri::scheme>},
    {"msrpuri", "params", "", "Transport and parameters, when there are any of these.",
     field<&MsrpUri::params>},
};

}  // namespace

std::span<const TransformRow> msrp_transforms() noexcept {
    return kRows;
}

}  // namespace fairlead::cfg
