// Which hosts and ports are this server.
// SPDX-License-Identifier: Apache-2.0
#include "core/net/own_names.h"

#include <algorithm>
#include <array>

#include "core/base/text.h"

namespace fairlead::net {
namespace {

/// IPv6 text as the system writes it, else the host as it is. `buffer` has at least 64 bytes.
std::string_view canonical(std::string_view host, char* buffer) noexcept {
    if (host.find(':') == std::string_view::npos) return host;
    const auto address = Address::parse(host);
    if (!address) return host;
    return {buffer, address->write_ip(buffer, false)};
}

}  // namespace

std::uint32_t OwnNames::hash(std::string_view host) noexcept {
    std::uint32_t h = 2166136261U;
    for (const char c : host) h = (h ^ static_cast<std::uint8_t>(text::to_lower(c))) * 16777619U;
    return h ^ (h >> 15);
}

void OwnNames::add(std::string_view host, std::uint16_t port, Proto proto) {
    std::array<char, 64> buffer{};
    Name name{std::string(canonical(host, buffer.data())), port, proto};
    std::transform(name.host.begin(), name.host.end(), name.host.begin(), text::to_lower);
    if (std::find(names_.begin(), names_.end(), name) != names_.end()) return;
    names_.push_back(std::move(name));
    rebuild();
}

void OwnNames::rebuild() {
    std::size_t size = 16;
    while (size < names_.size() * 4) size *= 2;
    buckets_.assign(size, 0);
    for (std::size_t i = 0; i < names_.size(); ++i) {
        std::size_t at = hash(names_[i].host) & (size - 1);
        while (buckets_[at] != 0) at = (at + 1) & (size - 1);
        buckets_[at] = static_cast<std::uint32_t>(i + 1);
    }
}

bool OwnNames::contains(std::string_view host, std::uint16_t port, Proto proto) const noexcept {
    if (buckets_.empty()) return false;
    std::array<char, 64> buffer;
    host = canonical(host, buffer.data());
    const std::size_t mask = buckets_.size() - 1;
    for (std::size_t at = hash(host) & mask; buckets_[at] != 0; at = (at + 1) & mask) {
        const Name& name = names_[buckets_[at] - 1];
        if (!text::ci_equal(name.host, host)) continue;
        const bool port_fits = port == 0 || name.port == 0 || name.port == port;
        // "ws" in a URI means wss as well (RFC 7118 5.2.2).
        const bool proto_fits = proto == Proto::none || name.proto == Proto::none ||
                                name.proto == carrier(proto) ||
                                (proto == Proto::ws && name.proto == Proto::tls);
        if (port_fits && proto_fits) return true;
    }
    return false;
}

}  // namespace fairlead::net
