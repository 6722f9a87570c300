// What the tests of tm share: a host with tm, a caller at 192.0.2.1 and callees by address.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

#include "test/support/message_builder.h"
#include "test/support/module_host.h"

namespace fairlead::test {

using namespace std::string_view_literals;

inline constexpr std::string_view kCaller = "192.0.2.1:5060";
inline constexpr std::string_view kCallee = "192.0.2.2:5060";

/// A host with tm and the given routes.
class TmHost : public ModuleHost {
public:
    explicit TmHost(std::size_t memory = 16 << 20) : ModuleHost(memory) {
        load("tm");
        param("tm", "hash_size", 64);
    }
    /// request_route { t_relay(); }
    void relay_all() {
        on_request([this](Message& m) { last = call(m, "t_relay"); });
        start();
    }
    /// The next packet's bytes; the address that it went to stays in `to`.
    std::string next() {
        const Packet p = take();
        to = p.target.address.text();
        return p.bytes;
    }
    [[nodiscard]] std::string next_line() { return start_line(next()); }
    void answer(std::string_view request, int code, std::string_view reason,
                std::string_view tag = "totag", std::string_view lines = {},
                std::string_view from = kCallee) {
        receive(reply(request, code, reason, tag, lines), from);
    }
    [[nodiscard]] std::int64_t count(std::string_view name) const { return statistic("tm", name); }

    int last = 0;  ///< what the last function said
    std::string to;
};

}  // namespace fairlead::test
