// The statistics group `core`: what came in, what was passed on, what was refused.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>

#include "core/shm/counters.h"
#include "core/sip/method.h"

namespace fairlead::server {

/// Registered before fork. Names are Kamailio's where it has one.
struct MessageCounters {
    static constexpr std::size_t kMethods = static_cast<std::size_t>(sip::Method::publish) + 1;

    void add_to(shm::Counters& counters);
    /// A whole request or reply was read.
    void request(sip::Method method) const noexcept;
    void reply(int status) const noexcept;

    shm::Counter rcv_requests, rcv_replies, fwd_requests, fwd_replies, drop_requests, drop_replies,
        err_requests, err_replies, bad_uris, unsupported_methods, bad_headers, ignored, exceptions;
    std::array<shm::Counter, kMethods> by_method;  ///< cell 0 for other
    std::array<shm::Counter, 7> by_class;          ///< by the first digit
    struct OneStatus {
        int status;
        shm::Counter counter;
    };
    std::array<OneStatus, 6> by_status{{{180}, {401}, {404}, {407}, {480}, {486}}};
};

}  // namespace fairlead::server
