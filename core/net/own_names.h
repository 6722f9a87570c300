// Which hosts and ports are this server: listeners, what they advertise, aliases.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/address.h"

namespace fairlead::net {

/// Filled before fork, then only read: a question costs one hash and one comparison.
class OwnNames {
public:
    /// Port 0: any port. Proto::none: any protocol. The same entry twice is kept once.
    void add(std::string_view host, std::uint16_t port, Proto proto);
    /// Port 0 and Proto::none in the question match whatever the entry says. Hosts are compared
    /// without case; IPv6 addresses in any spelling, with or without brackets.
    [[nodiscard]] bool contains(std::string_view host, std::uint16_t port,
                                Proto proto) const noexcept;

    struct Name {
        std::string host;  ///< lower case, IPv6 without brackets
        std::uint16_t port = 0;
        Proto proto = Proto::none;
        friend bool operator==(const Name&, const Name&) = default;
    };
    [[nodiscard]] const std::vector<Name>& all() const noexcept { return names_; }

private:
    [[nodiscard]] static std::uint32_t hash(std::string_view host) noexcept;
    void rebuild();

    std::vector<Name> names_;             ///< in the order of add()
    std::vector<std::uint32_t> buckets_;  ///< index + 1 into names_, 0 free; a power of two
};

}  // namespace fairlead::net
