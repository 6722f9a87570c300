// Both versions of the PROXY protocol. SPDX-License-Identifier: Apache-2.0
#include "core/net/proxy_header.h"

#include <algorithm>
#include <array>
#include <optional>

#include "core/base/text.h"

namespace fairlead::net {
namespace {

using What = ProxyHeader::What;

constexpr std::string_view kText = "PROXY ";
constexpr std::size_t kLongestText = 107;
/// Holds a NUL and line ends, which no text protocol begins with.
constexpr std::string_view kBinary{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t kBinaryHead = 16;

ProxyHeader broken(std::string_view why) noexcept {
    ProxyHeader header;
    header.what = What::broken;
    header.why = why;
    return header;
}

std::uint8_t byte(std::string_view bytes, std::size_t at) noexcept {
    return static_cast<std::uint8_t>(bytes[at]);
}

std::uint16_t number(std::string_view bytes, std::size_t at) noexcept {
    return static_cast<std::uint16_t>(byte(bytes, at) << 8U | byte(bytes, at + 1));
}

std::optional<Address> address(std::string_view ip, std::string_view port, int version) noexcept {
    const auto n = text::parse_uint(port, 65535);
    if (!n || ip.starts_with('[')) return std::nullopt;
    auto found = Address::parse(ip, static_cast<std::uint16_t>(*n));
    return found && found->version == version ? found : std::nullopt;
}

/// "PROXY TCP4 192.0.2.1 192.0.2.9 40000 5060", without its line end.
ProxyHeader read_text(std::string_view line) noexcept {
    ProxyHeader header;
    header.what = What::whole;
    header.size = line.size() + 2;
    std::array<std::string_view, 5> words;
    std::string_view rest = line.substr(kText.size());
    for (auto& word : words) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        word = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    if (words[0] == "UNKNOWN") return header;  // whatever follows has no meaning
    const int version = words[0] == "TCP4" ? 4 : words[0] == "TCP6" ? 6 : 0;
    const auto source = address(words[1], words[3], version);
    const auto destination = address(words[2], words[4], version);
    if (version == 0 || !source || !destination || line.ends_with(' ') || !rest.empty())
        return broken("the PROXY line cannot be read");
    header.source = *source;
    return header;
}

Address raw_address(std::string_view bytes, std::size_t ip, std::size_t size,
                    std::size_t port) noexcept {
    Address a;
    a.version = size == 4 ? 4 : 6;
    for (std::size_t i = 0; i < size; ++i) a.ip[i] = byte(bytes, ip + i);
    a.port = number(bytes, port);
    return a;
}

/// With its source; each of the two addresses has `size` bytes.
ProxyHeader with_source(ProxyHeader header, std::string_view bytes, std::size_t size) noexcept {
    const std::size_t ports = kBinaryHead + 2 * size;
    if (header.size < ports + 4) return broken("the PROXY header has no addresses");
    header.source = raw_address(bytes, kBinaryHead, size, ports);
    return header;
}

ProxyHeader read_binary(std::string_view bytes) noexcept {
    ProxyHeader header;
    if (bytes.size() < kBinaryHead) return header;
    const std::uint8_t command = byte(bytes, 12), family = byte(bytes, 13);
    constexpr std::uint8_t kLocal = 0x20, kProxy = 0x21;
    if (command != kLocal && command != kProxy) return broken("no known command of PROXY");
    header.size = kBinaryHead + number(bytes, 14);
    if (header.size > ProxyHeader::kLargest) return broken("the PROXY header is too long");
    if (bytes.size() < header.size) return header;
    header.what = What::whole;
    if (command == kLocal) return header;
    switch (family) {
        case 0x11: return with_source(header, bytes, 4);
        case 0x21: return with_source(header, bytes, 16);
        // Unspecified, datagrams and local sockets: as if nothing were said.
        case 0x00:
        case 0x12:
        case 0x22:
        case 0x31:
        case 0x32: return header;
        default: return broken("no known family of PROXY");
    }
}

/// Whether what is there is the beginning of this.
bool begins(std::string_view bytes, std::string_view with) noexcept {
    const std::size_t size = std::min(bytes.size(), with.size());
    return bytes.substr(0, size) == with.substr(0, size);
}

}  // namespace

ProxyHeader read_proxy_header(std::string_view bytes) noexcept {
    if (bytes.empty()) return {};
    if (begins(bytes, kBinary)) return read_binary(bytes);
    if (!begins(bytes, kText)) return broken("it does not begin with a PROXY header");
    const std::size_t end = bytes.substr(0, kLongestText).find("\r\n");
    if (end != std::string_view::npos && end >= kText.size())
        return read_text(bytes.substr(0, end));
    if (bytes.size() < kLongestText) return {};
    return broken("the PROXY line is too long");
}

}  // namespace fairlead::net
