// Finding and making the transaction of a request (t_newtran, t_lookup_request, t_check_trans).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "modules/tm/runtime.h"

namespace fairlead::tm {

/// t_newtran: 1 made (or an ACK that belongs to no negative reply), 0 a retransmission or such an
/// ACK (dealt with), below 0 a ScriptError. With `trying`, an INVITE's 100 goes with it.
[[nodiscard]] int new_transaction(Runtime& rt, Message& m, Work& w, bool trying, Outgoing& out);

/// t_lookup_request: 1 or -1; binds the transaction, nothing else.
[[nodiscard]] int lookup_request(Runtime& rt, Message& m, Work& w);

/// t_lookup_cancel: binds nothing. The flags of the INVITE are copied when wanted.
[[nodiscard]] int lookup_cancel(Runtime& rt, Message& m, bool copy_flags);

/// t_check_trans for requests: 1 found, -1 not, 0 a retransmission or negative ACK (dealt with);
/// with `deal` false these are 1, and nothing happens.
[[nodiscard]] int check_request(Runtime& rt, Message& m, Work& w, bool deal);

/// t_check_trans for replies.
[[nodiscard]] int check_reply(Runtime& rt, const Message& m);

/// t_retransmit_reply.
[[nodiscard]] int retransmit_reply(Runtime& rt, Work& w);

/// Whether an ACK or CANCEL of a client before RFC 3261 has the To-tag that ack_tag_matching or
/// cancel_tag_matching ask for; every other request has. With the bucket's lock.
[[nodiscard]] bool has_right_tag(Runtime& rt, const Cell& invite, const RequestKey& key) noexcept;

}  // namespace fairlead::tm
