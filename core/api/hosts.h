// The names in /etc/hosts: the only ones that can be turned into addresses without waiting.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/address.h"

namespace fairlead {

/// Read once, never changed afterwards.
class Hosts {
public:
    /// From a hosts file's text: "address name name…  # comment". Lines that are none are passed
    /// over; so is what is beyond kMost names.
    static constexpr std::size_t kMost = 4096;
    explicit Hosts(std::string_view text);

    /// /etc/hosts as it was at the first call. The server calls it before fork, so that no worker
    /// ever reads a file.
    [[nodiscard]] static const Hosts& system();

    /// Without case. IPv4 goes before IPv6, as DNS look-ups do; port 0. localhost is known without
    /// a line for it.
    [[nodiscard]] std::optional<Address> find(std::string_view name) const noexcept;

private:
    struct Row {
        std::string name;
        Address address;
    };
    void add_line(std::string_view line);
    std::vector<Row> rows_;
};

}  // namespace fairlead
