// IP addresses with port, and transport protocols.
// SPDX-License-Identifier: Apache-2.0
#include "core/base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "core/base/text.h"

namespace fairlead {
namespace {

struct ProtoName {
    Proto proto;
    std::string_view lower, upper;
};
constexpr ProtoName kProtos[] = {
    {Proto::none, "", ""},      {Proto::udp, "udp", "UDP"},    {Proto::tcp, "tcp", "TCP"},
    {Proto::tls, "tls", "TLS"}, {Proto::sctp, "sctp", "SCTP"}, {Proto::ws, "ws", "WS"},
    {Proto::wss, "wss", "WSS"},
};

}  // namespace

std::string_view name(Proto proto) noexcept {
    return kProtos[static_cast<std::size_t>(proto)].lower;
}

std::string_view via_name(Proto proto) noexcept {
    return kProtos[static_cast<std::size_t>(proto)].upper;
}

std::optional<Proto> parse_proto(std::string_view text) noexcept {
    for (const auto& row : kProtos)
        if (!text.empty() && text::ci_equal(text, row.lower)) return row.proto;
    return std::nullopt;
}

bool Address::is_loopback() const noexcept {
    if (version == 4) return ip[0] == 127;
    return version == 6 && std::all_of(ip.begin(), ip.end() - 1, [](auto b) { return b == 0; }) &&
           ip[15] == 1;
}

bool Address::is_any() const noexcept {
    return version != 0 && std::all_of(ip.begin(), ip.end(), [](auto b) { return b == 0; });
}

std::size_t Address::write_ip(char* out, bool brackets) const noexcept {
    if (version == 0) return 0;
    char* at = out;
    const bool wrap = brackets && version == 6;
    if (version == 4) {  // every message needs this; inet_ntop goes through sprintf
        for (std::size_t i = 0; i < 4; ++i) {
            if (i != 0) *at++ = '.';
            at = std::to_chars(at, at + 3, ip[i]).ptr;
        }
        return static_cast<std::size_t>(at - out);
    }
    if (wrap) *at++ = '[';
    inet_ntop(AF_INET6, ip.data(), at, INET6_ADDRSTRLEN);
    at += std::strlen(at);
    if (wrap) *at++ = ']';
    return static_cast<std::size_t>(at - out);
}

std::string Address::ip_text(bool brackets) const {
    char buffer[64];
    return {buffer, write_ip(buffer, brackets)};
}

std::string Address::text() const {
    return ip_text(true) + ":" + std::to_string(port);
}

std::optional<Address> Address::parse(std::string_view literal, std::uint16_t port) noexcept {
    if (literal.size() > 1 && literal.front() == '[' && literal.back() == ']')
        literal = literal.substr(1, literal.size() - 2);
    char buffer[INET6_ADDRSTRLEN + 1];
    if (literal.empty() || literal.size() >= sizeof buffer) return std::nullopt;
    std::memcpy(buffer, literal.data(), literal.size());
    buffer[literal.size()] = '\0';
    Address result;
    result.port = port;
    if (inet_pton(AF_INET, buffer, result.ip.data()) == 1) {
        result.version = 4;
        return result;
    }
    if (inet_pton(AF_INET6, buffer, result.ip.data()) == 1) {
        result.version = 6;
        return result;
    }
    return std::nullopt;
}

std::optional<Address> Address::of_localhost(std::string_view name) noexcept {
    constexpr std::string_view kName = "localhost";
    if (name.ends_with('.')) name.remove_suffix(1);
    if (name.size() < kName.size()) return std::nullopt;
    const std::string_view above = name.substr(0, name.size() - kName.size());
    if (!above.empty() && !above.ends_with('.')) return std::nullopt;
    if (!text::ci_equal(name.substr(above.size()), kName)) return std::nullopt;
    return parse("127.0.0.1");
}

Address Address::from(const sockaddr* from) noexcept {
    Address result;
    if (from->sa_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, from, sizeof in);
        result.version = 4;
        result.port = ntohs(in.sin_port);
        std::memcpy(result.ip.data(), &in.sin_addr, 4);
    } else if (from->sa_family == AF_INET6) {
        sockaddr_in6 in{};
        std::memcpy(&in, from, sizeof in);
        result.version = 6;
        result.port = ntohs(in.sin6_port);
        result.scope = in.sin6_scope_id;
        std::memcpy(result.ip.data(), &in.sin6_addr, 16);
    }
    return result;
}

unsigned Address::to(sockaddr_storage& out) const noexcept {
    std::memset(&out, 0, sizeof out);
    if (version == 6) {
        sockaddr_in6 in{};
        in.sin6_family = AF_INET6;
        in.sin6_port = htons(port);
        in.sin6_scope_id = scope;
        std::memcpy(&in.sin6_addr, ip.data(), 16);
        std::memcpy(&out, &in, sizeof in);
        return sizeof in;
    }
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, ip.data(), 4);
    std::memcpy(&out, &in, sizeof in);
    return sizeof in;
}

}  // namespace fairlead
