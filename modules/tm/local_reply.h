// Replies that are made here: from the message at hand, or from the stored request.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "modules/tm/runtime.h"

namespace fairlead::tm {

/// The To-tag of this transaction's own replies: unique to it, and the same in all of them.
inline constexpr std::size_t kTagSize = 25;
using TagText = std::array<char, kTagSize>;
[[nodiscard]] TagText to_tag(const Runtime& rt, const Cell& c) noexcept;

/// A reply to the request at hand, in the outbox's memory; "" when it cannot be written. `plan` has
/// code, reason, tag and headers (none: what the script appended).
[[nodiscard]] std::string_view make_reply(Runtime& rt, Outgoing& out, const Message& m,
                                          sip::ReplyPlan plan);
/// The same for the stored request; its bucket's lock is held.
[[nodiscard]] std::string_view make_stored_reply(Runtime& rt, Outgoing& out, const Cell& c,
                                                 int code, std::string_view reason,
                                                 std::string_view headers = {});

/// The same with what `plan` has; the tag is the transaction's own unless it gives one.
[[nodiscard]] std::string_view make_stored_reply(Runtime& rt, Outgoing& out, const Cell& c,
                                                 sip::ReplyPlan plan);

/// A reply kept at a branch, changed: another code with the same phrase, our To-tag, and in place
/// of its challenges those of all branches. "" when it cannot be read.
[[nodiscard]] std::string_view rewrite_kept(Runtime& rt, Outgoing& out, const Cell& c,
                                            const Branch& winner, int code, bool all_challenges);

}  // namespace fairlead::tm
