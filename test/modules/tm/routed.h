// A server with a whole configuration, for tests of what scripts do with transactions.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "test/modules/tm/call.h"

namespace fairlead::test {

/// tm and its usual companions are loaded.
class Routed : public ModuleHost {
public:
    explicit Routed(const std::string& routes) : ModuleHost(16 << 20) {
        config(
            "loadmodule \"tm\"\nloadmodule \"tmx\"\nloadmodule \"sl\"\nloadmodule \"pv\"\n"
            "loadmodule \"textops\"\nloadmodule \"corex\"\nloadmodule \"kex\"\n"
            "loadmodule \"xlog\"\nloadmodule \"siputils\"\n" +
            routes);
        start();
    }
    void request(std::string_view method = "INVITE", std::string_view branch = "z9hG4bKe") {
        receive(Request(std::string(method)).branch(std::string(branch)).str());
    }
    /// Start lines of all that was sent, with a bar behind each. The last request to each address
    /// stays in `sent`, the last of all in `down`, the last reply in `up`.
    std::string all() {
        std::string lines;
        while (pending() != 0) {
            const Packet p = take();
            if (p.bytes.starts_with("SIP/2.0")) {
                up = p.bytes;
            } else if (!p.bytes.starts_with("ACK") && !p.bytes.starts_with("CANCEL")) {
                sent[p.target.address.text()] = down = p.bytes;
            }
            lines += start_line(p.bytes) + "|";
        }
        return lines;
    }
    void answer(int code, std::string_view reason, std::string_view from = kCallee) {
        receive(reply(sent.at(std::string(from)), code, reason, "t"), from);
    }
    std::map<std::string, std::string> sent;
    std::string down, up;
};

}  // namespace fairlead::test
