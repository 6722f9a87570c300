// What tm offers to other modules. `needs<&Mine::tm>()` binds it; see docs/modules.md.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string_view>

#include "core/module.h"

namespace fairlead::tm {

/// Something that became of a transaction.
struct Report {
    enum class What : std::uint8_t {
        replied,  ///< a final reply went upstream; a provisional one if the watcher wants them
        failed    ///< all branches ended with `code`; failure_route has not run yet
    };
    What what = What::replied;
    bool local = false;      ///< the reply was made here
    bool by_script = false;  ///< … by t_reply() and its kin
    int code = 0;
    std::string_view reply;  ///< the whole message; "" when there is none
};

/// Told of transactions that have one of its flags.
class Watcher {
public:
    /// In the process where it happened, without any lock. `request` is a copy with the flags and
    /// variables of the transaction; its URI is that of the branch. What is returned are flags
    /// that the transaction loses.
    virtual std::uint32_t told(Message& request, const Report& report) = 0;

protected:
    ~Watcher() = default;
};

/// All calls in a process with an engine, on the message that it works on. No lock may be held.
struct Api {
    static constexpr ApiId api_id{"tm", 2};

    /// Whether a transaction exists for this message in this script run (made or looked up).
    [[nodiscard]] virtual bool has_transaction(const Message& m) const noexcept = 0;
    /// t_newtran: 1 made, 0 a retransmission (dealt with), below 0 a ScriptError.
    virtual int new_transaction(Message& m) = 0;
    /// t_reply: a stateful reply; 1, or -1 when there is no transaction or a final reply went out.
    virtual int reply(Message& m, int code, std::string_view reason) = 0;
    /// t_relay to where the message points.
    virtual int relay(Message& m) = 0;
    /// The To-tag that replies of this transaction carry; "" without transaction.
    [[nodiscard]] virtual std::string_view reply_to_tag(const Message& m) const noexcept = 0;
    /// Before fork (in prepare()): tells `watcher` of transactions with any of these message flags.
    virtual void watch(Watcher& watcher, std::uint32_t flags, bool provisional) = 0;

    enum class Which : std::uint8_t { all, others, current };
    /// Cancels branches of the transaction of this reply; false without one.
    virtual bool cancel_branches(Message& m, Which which) = 0;
    /// Cancels the INVITE with this Call-ID and CSeq number that is pending, and sets `flags` in
    /// it; `code` is the cause in the Reason of the CANCELs, 0 for none. False when there is none.
    /// Walks the whole table.
    virtual bool cancel_call(std::string_view call_id, std::uint32_t cseq, std::uint32_t flags,
                             std::uint16_t code) = 0;
    /// Replies to the transaction with this Call-ID and CSeq number. False when there is none, or
    /// when it has its final reply. Walks the whole table.
    virtual bool reply_to_call(std::string_view call_id, std::uint32_t cseq, int code,
                               std::string_view reason) = 0;

protected:
    ~Api() = default;
};

}  // namespace fairlead::tm
