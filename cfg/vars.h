// What the language itself knows without any module: $rc, $null, $def, $env, and the words of
// expressions such as `method` and `src_ip`.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "core/module.h"

namespace fairlead::cfg {

/// The module behind these names; compile() adds it to the registry when nobody has.
class Builtin final : public Module {
public:
    Result<void> prepare(Core& core) override;

    /// What $def reads; set by compile().
    void set_defines(std::map<std::string, std::string, std::less<>> defines) {
        defines_ = std::move(defines);
    }
    [[nodiscard]] const std::string* define(std::string_view name) const noexcept;

    /// The address of the socket from which the message leaves; null outside of onsend_route.
    [[nodiscard]] const Address* sending_address(const Message& m) const noexcept;

    /// Whether an address, or the host and port of a URI, are ours (`== myself`).
    [[nodiscard]] bool is_mine(const Address& address) const noexcept;
    [[nodiscard]] bool is_mine(std::string_view uri) const noexcept;

private:
    const Net* net_ = nullptr;
    std::map<std::string, std::string, std::less<>> defines_;
};

[[nodiscard]] const Descriptor& builtin_descriptor() noexcept;

/// The number of a protocol or address family written as a word (`udp`, `TCP`, `INET6`); nullopt
/// when it is neither.
[[nodiscard]] std::optional<std::int64_t> number_word(std::string_view word) noexcept;

}  // namespace fairlead::cfg
