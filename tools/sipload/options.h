// The command line. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/address.h"
#include "core/base/result.h"

namespace fairlead::sipload {

enum class Mode : std::uint8_t { reply, stateful_reply, message, call };
enum class Transport : std::uint8_t { udp, tcp, tls };

/// What a URI says of it.
[[nodiscard]] constexpr std::string_view uri_parameter(Transport t) noexcept {
    switch (t) {
        case Transport::tcp: return ";transport=tcp";
        case Transport::tls: return ";transport=tls";
        case Transport::udp: break;
    }
    return "";
}

struct Options {
    Mode mode = Mode::reply;
    Address target;      ///< where requests are sent
    Address uas;         ///< not set: this process answers nothing
    bool uac = true;     ///< false: answers only
    std::string method;  ///< of reply modes
    std::string uri;     ///< Request-URI
    double rate = 0;     ///< units per second; 0: closed loop
    std::uint32_t concurrency = 10;
    std::uint64_t calls = 0;  ///< stop after so many; 0: by time
    std::uint32_t sources = 1;
    Transport transport = Transport::udp, uas_transport = Transport::udp;
    std::chrono::milliseconds duration{10000}, warmup{0}, timeout{32000}, hold{0}, ring{0};
    int answer = 200;  ///< final response of our UAS to INVITE
    std::chrono::microseconds tick{0};
    bool retransmit = true;
    int pid = 0;
    bool json = false;
    bool ignore_violations = false;
};

/// Fails with a sentence for the user; code 0 in the error means that help was asked for.
[[nodiscard]] Result<Options> read_options(int argc, char** argv);

}  // namespace fairlead::sipload
