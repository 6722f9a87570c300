// What a branch needs to be sent later, or to another place, by whichever process: its request with
// the script's edits, where it is to go, and the places that RFC 3263 found for that.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "core/api/message.h"
#include "core/api/next_hop.h"
#include "modules/tm/transaction.h"

namespace fairlead::tm {

struct Runtime;
struct StoredRequest;

struct Itinerary {
    using ShmSafe = void;
    shm::Ptr<StoredRequest> request;
    Buffer texts;         ///< URI, next hop, Path, and the variables (Message::keep)
    NextHops hops;        ///< none while they are being looked up
    std::uint8_t at = 0;  ///< the place that the branch goes to; those before it have failed
    /// That place is one for datagrams, and the branch went there over a stream, for its size only.
    bool instead = false;
    bool by_datagram = false;  ///< … which failed: now it goes by datagram, however large it is
    Due until = kNever;        ///< … and has no more time for it than the stream had
    std::uint16_t asker = kNobody;         ///< the process that looks them up
    std::uint16_t listener = kNoListener;  ///< forced
    Proto udp_mtu_try_proto = Proto::none;
    bool no_connect = false, close_after = false;
    std::uint32_t uri_size = 0, dst_size = 0, path_size = 0, kept_size = 0;
    std::uint32_t flag_bits = 0, script_flags = 0;

    [[nodiscard]] bool has_next() const noexcept { return at + 1 < hops.count; }
    [[nodiscard]] std::string_view uri() const noexcept { return texts.view().substr(0, uri_size); }
    /// $du, else the Request-URI.
    [[nodiscard]] std::string_view next_hop() const noexcept {
        return dst_size != 0 ? texts.view().substr(uri_size, dst_size) : uri();
    }
};

/// Of `m`, with its edits, for a branch to `t`; in the hand of this process. Null, and counted,
/// when memory is full.
[[nodiscard]] Itinerary* make_itinerary(Runtime& rt, const Message& m,
                                        const BranchTarget& t) noexcept;
void publish_itinerary(Runtime& rt, Itinerary& i) noexcept;
void free_itinerary(Runtime& rt, Itinerary* i) noexcept;

/// Makes `m`, which is empty, the request again; what it reads is in its arena.
void load_itinerary(const Itinerary& i, Message& m);

}  // namespace fairlead::tm
