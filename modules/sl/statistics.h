// Which counter a reply belongs to.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>

namespace fairlead::sl {

/// The counters of the module, in the order in which its documentation lists them.
enum class Stat : std::size_t {
    r1xx,
    r200,
    r202,
    r2xx,
    r300,
    r301,
    r302,
    r3xx,
    r400,
    r401,
    r403,
    r404,
    r407,
    r408,
    r483,
    r4xx,
    r500,
    r5xx,
    r6xx,
    rxxx,
    sent,
    sent_errors,
    failures,
    acks,
    count
};

/// A code with a counter of its own goes there and not to its class; what belongs to no class goes
/// to `rxxx`. (Kamailio counts 1xx there too, against its documentation.)
[[nodiscard]] constexpr Stat stat_of(int code) noexcept {
    switch (code) {
        case 200: return Stat::r200;
        case 202: return Stat::r202;
        case 300: return Stat::r300;
        case 301: return Stat::r301;
        case 302: return Stat::r302;
        case 400: return Stat::r400;
        case 401: return Stat::r401;
        case 403: return Stat::r403;
        case 404: return Stat::r404;
        case 407: return Stat::r407;
        case 408: return Stat::r408;
        case 483: return Stat::r483;
        case 500: return Stat::r500;
        default: break;
    }
    switch (code / 100) {
        case 1: return Stat::r1xx;
        case 2: return Stat::r2xx;
        case 3: return Stat::r3xx;
        case 4: return Stat::r4xx;
        case 5: return Stat::r5xx;
        case 6: return Stat::r6xx;
        default: return Stat::rxxx;
    }
}

}  // namespace fairlead::sl
