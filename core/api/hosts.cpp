// Reading the hosts file (hosts(5)) and looking names up.
// SPDX-License-Identifier: Apache-2.0
#include "core/api/hosts.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "core/base/text.h"

namespace fairlead {
namespace {

/// The next word of a line; empty at its end.
std::string_view take_word(std::string_view& line) noexcept {
    line = text::trim(line);
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(end);
    return word;
}

std::string system_file() {
    std::ifstream file("/etc/hosts");
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

Hosts::Hosts(std::string_view text) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        add_line(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

void Hosts::add_line(std::string_view line) {
    line = line.substr(0, line.find('#'));
    const auto address = Address::parse(take_word(line));
    if (!address) return;
    for (auto name = take_word(line); !name.empty(); name = take_word(line)) {
        if (rows_.size() >= kMost) return;
        // IPv4 first; within a family the file's order.
        const auto at = std::upper_bound(
            rows_.begin(), rows_.end(), address->version,
            [](std::uint8_t version, const Row& row) { return version < row.address.version; });
        rows_.insert(at, {std::string(name), *address});
    }
}

const Hosts& Hosts::system() {
    static const Hosts hosts(system_file());
    return hosts;
}

std::optional<Address> Hosts::find(std::string_view name) const noexcept {
    if (name.ends_with('.')) name.remove_suffix(1);
    for (const Row& row : rows_)
        if (text::ci_equal(row.name, name)) return row.address;
    return Address::of_localhost(name);
}

}  // namespace fairlead
