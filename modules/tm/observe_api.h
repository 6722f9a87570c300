// Being told of what happens to transactions, and shaping what they are made of; a part of
// modules/tm/api.h. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "core/api/text.h"
#include "core/module.h"

namespace fairlead::tm {

/// Names a transaction. Never used again in the life of the server.
struct TransactionId {
    using ShmSafe = void;
    std::uint32_t slot = 0, label = 0;
    friend bool operator==(TransactionId, TransactionId) = default;
};
/// "slot:label", both decimal: what $T(id_index) and $T(id_label) say. Nullopt for what is none.
[[nodiscard]] inline std::optional<TransactionId> parse_id(std::string_view text) noexcept {
    const std::size_t colon = std::min(text.find(':'), text.size());
    const auto slot = text::parse_uint(text.substr(0, colon), UINT32_MAX);
    const auto label = text::parse_uint(text.substr(std::min(colon + 1, text.size())), UINT32_MAX);
    if (!slot || !label) return std::nullopt;
    return TransactionId{static_cast<std::uint32_t>(*slot), static_cast<std::uint32_t>(*label)};
}

/// What may happen to a transaction. In comments: what Notice::message is, Notice::code if it is
/// not the status of that message, and the name that callbacks of SER and its kin have.
enum class Moment : std::uint8_t {
    request_in,          ///< a client's request became a transaction; it (REQUEST_IN)
    request_again,       ///< it came again; it (REQ_RETR_IN)
    request_pending,     ///< a 100 was made for it; the 100 (REQUEST_PENDING)
    request_built,       ///< a branch was made; its request (REQUEST_FWDED, REQUEST_BUILT)
    request_out,         ///< … and left for the first time; its request (REQUEST_OUT)
    request_sent,        ///< request, CANCEL or ACK left, again too; it (REQUEST_SENT)
    response_in,         ///< a reply to a branch or its CANCEL came, again too; it (RESPONSE_IN)
    response_forwarded,  ///< a branch's reply goes to the client; as sent (RESPONSE_FWDED)
    response_out,        ///< a reply went to the client for the first time; it (RESPONSE_OUT)
    response_sent,       ///< a reply went to the client, again too; it (RESPONSE_SENT)
    failed,              ///< all branches ended without a 2xx; best reply or "" (ON_FAILURE_RO)
    branch_failed,       ///< one did; "" (ON_BRANCH_FAILURE_RO)
    ack_in,              ///< ACK of a negative reply; the ACK (ACK_NEG_IN)
    e2e_ack_in,          ///< ACK of a 2xx, the first with its To-tag; the ACK (E2EACK_IN)
    e2e_ack_again,       ///< … not the first; the ACK (E2EACK_RETR_IN)
    e2e_cancel_in,       ///< the client cancels; the CANCEL (E2ECANCEL_IN)
    local_request_in,    ///< a request of our own became a transaction; it (LOCAL_REQUEST_IN)
    local_response_in,   ///< a reply to one came, again too; it (LOCAL_RESPONSE_IN)
    local_response_out,  ///< … a provisional one that counts; it (LOCAL_RESPONSE_OUT)
    local_completed,     ///< … or the final one; it, "" when it was made here (LOCAL_COMPLETED)
    destroyed,           ///< it is gone; "" (DESTROY, TRANS_DELETED)
    count
};

/// A set of moments.
struct Moments {
    using ShmSafe = void;
    std::uint32_t bits = 0;
    constexpr Moments() noexcept = default;
    constexpr Moments(std::initializer_list<Moment> list) noexcept {
        for (const Moment m : list) bits |= std::uint32_t{1} << static_cast<unsigned>(m);
    }
    [[nodiscard]] constexpr bool has(Moment m) const noexcept {
        return (bits >> static_cast<unsigned>(m) & 1) != 0;
    }
};
static_assert(static_cast<unsigned>(Moment::count) <= 32);

/// Something that happened. Views are valid during the call only.
struct Notice {
    Moment moment{};
    TransactionId id;
    int code = 0;            ///< status of the reply; 0 for requests
    int branch = -1;         ///< its index; below 0 when it is of none
    bool again = false;      ///< a retransmission
    bool made_here = false;  ///< the reply is ours
    std::string_view message;
    std::uint64_t param = 0;  ///< as it was given to attach(); 0 for watchers of all
};

/// What ObserveApi::observe gave; the same in every process.
enum class ObserverId : std::uint16_t { none = 0xffff };

/// Is told.
class Observer {
public:
    /// In the process where it happened, without any lock, when what was to be sent has left; in
    /// the order in which it happened to this transaction in this process. Others may have gone on
    /// with the transaction meanwhile.
    virtual void noticed(const Notice& notice) = 0;

protected:
    ~Observer() = default;
};

/// Has a hand in it.
class Shaper {
public:
    /// A request has just become a transaction, in its script, without any lock (REQUEST_IN). What
    /// is changed in `m` stays; observers may be attached.
    virtual void request_in(Message& m, TransactionId id);
    /// A branch is about to be written, behind branch_route, without any lock (REQUEST_FWDED). `m`
    /// is the request with the branch's target. Edits, target and branch flags that are changed
    /// are this branch's; flags and variables stay. False: the branch is left out.
    virtual bool branch_out(Message& m, TransactionId id, int branch);

protected:
    ~Shaper() = default;
};
inline void Shaper::request_in(Message& /*m*/, TransactionId /*id*/) {}
inline bool Shaper::branch_out(Message& /*m*/, TransactionId /*id*/, int /*branch*/) {
    return true;
}

/// The counterpart of register_tmcb. Who is to be told is kept as a number. ON_FAILURE that adds
/// branches is StepsApi; DONT_ACK and callbacks of one local request are UacApi's; replies that
/// count for accounting are Api::watch.
struct ObserveApi {
    static constexpr ApiId api_id{"tm.observe", 1};

    /// Before fork (in prepare()): `observer` is told of these moments of all transactions whose
    /// message has one of `flags`; of all when `flags` is 0. With no moments it is only given a
    /// number, for attach(). The one registered last is told first.
    virtual ObserverId observe(Observer& observer, Moments moments, std::uint32_t flags = 0) = 0;
    /// Before fork: `shaper` is called for all transactions of clients.
    virtual void shape(Shaper& shaper) = 0;
    /// Tells `observer` of these moments of one transaction, until it is destroyed; `param` comes
    /// back with each. In any process with an engine, without any lock. False when the transaction
    /// is gone, has kMostAttached of them, or memory is full.
    virtual bool attach(TransactionId id, ObserverId observer, Moments moments,
                        std::uint64_t param) = 0;
    static constexpr int kMostAttached = 16;
    /// The transaction of this message, if there is one.
    [[nodiscard]] virtual bool id_of(const Message& m, TransactionId& id) const noexcept = 0;
    /// Gives `into` the variables (AVP, XAVP and their kin) of a transaction, in any process with
    /// an engine, without any lock. The status that was last sent upstream; 0 when it is gone.
    virtual int variables_of(TransactionId id, Message& into) = 0;

protected:
    ~ObserveApi() = default;
};

}  // namespace fairlead::tm
