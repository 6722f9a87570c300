// What tells transactions apart: keys of requests (RFC 3261 17.2.3), and the branch parameters that
// this server gives to its own requests (17.1.3). Pure. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/api/sip.h"
#include "modules/tm/transaction.h"

namespace fairlead::tm {

/// How requests of clients before RFC 3261 are compared; the parameters' defaults.
struct Matching {
    bool via1 = true, ruri = true;
    bool ack_tag = false, cancel_tag = false;
    bool by_call = false;  ///< Call-ID, CSeq number and From tag instead of the Via
};

struct RequestKey {
    /// Branch parameter with the cookie; empty for a client before RFC 3261: then via_hash has what
    /// 17.2.3 compares instead.
    std::string_view branch;
    /// Of the sent-by. Of a client before RFC 3261 the To tag stands here, which is compared too.
    std::string_view host;
    std::uint16_t port = 0;
    std::string_view call_id, from_tag, to_tag;
    std::uint32_t cseq = 0;
    sip::Method method = sip::Method::other;
    std::string_view method_text;
    std::uint32_t hash = 0;  ///< of Call-ID and CSeq number: an ACK and a CANCEL share the INVITE's
    std::uint32_t via_hash = 0;
    bool by_call = false;   ///< the Via does not matter
    bool any_host = false;  ///< an ACK or CANCEL of such a client: Matching says which To tags fit
};
/// Nullopt when Via, From, Call-ID or CSeq cannot be read.
[[nodiscard]] std::optional<RequestKey> request_key(const sip::Message& m,
                                                    const Matching& matching) noexcept;

/// RequestKey::hash of these.
[[nodiscard]] std::uint32_t call_hash(std::string_view call_id, std::uint32_t cseq) noexcept;

/// Same client transaction (branch and sent-by), whatever the method.
[[nodiscard]] bool same_via(const Cell& c, const RequestKey& key) noexcept;
[[nodiscard]] bool same_method(const Cell& c, const RequestKey& key) noexcept;
/// Same dialog-forming request: Call-ID, CSeq number and From tag, as a 2xx's ACK shows it.
[[nodiscard]] bool same_call(const Cell& c, const RequestKey& key) noexcept;

/// The parts of a branch parameter of our own: z9hG4bK<slot>.<label><nonce>.<branch>, in hex.
struct OwnBranch {
    std::uint32_t slot = 0, label = 0, nonce = 0, index = 0;
};
void write_branch(sip::Writer& out, const OwnBranch& b) noexcept;
[[nodiscard]] std::optional<OwnBranch> parse_branch(std::string_view branch) noexcept;

}  // namespace fairlead::tm
