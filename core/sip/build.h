// Writing messages: a request with edits applied, a reply to a request, a reply with its top Via
// gone. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/sip/edits.h"
#include "core/sip/message.h"

namespace fairlead::sip {

/// Appends to a caller's buffer and never beyond its end. Once something did not fit, ok() is false
/// and what was written is useless.
class Writer {
public:
    Writer(char* out, std::size_t size) noexcept : begin_(out), at_(out), end_(out + size) {}
    Writer& put(std::string_view s) noexcept;
    Writer& put(char c) noexcept;
    Writer& put_uint(std::uint64_t n) noexcept;
    Writer& put_hex(std::uint64_t n,
                    unsigned digits = 0) noexcept;  ///< lower case; 0: as few as fit
    [[nodiscard]] bool ok() const noexcept { return ok_; }
    [[nodiscard]] std::size_t size() const noexcept {
        return static_cast<std::size_t>(at_ - begin_);
    }
    [[nodiscard]] std::string_view text() const noexcept { return {begin_, size()}; }

private:
    char *begin_, *at_, *end_;
    bool ok_ = true;
};

/// What a forwarded request needs besides its own edits.
struct RequestPlan {
    std::string_view request_uri;  ///< "" keeps the received one
    std::string_view via;          ///< the new top Via line with CRLF; "" adds none
    /// "[;received=…][;rport=…]" for the received top Via (RFC 3261 18.2.1, RFC 3581 4): replaces
    /// such a parameter where it stands, else goes behind sent-by; "" changes nothing.
    std::string_view top_via_mark;
    std::string_view route;           ///< Route lines with CRLF, put before the first Route header
    bool add_content_length = false;  ///< streams: when the received message had none
    std::uint16_t from = kAnySocket;  ///< the socket it leaves from, for edits that depend on it
};
/// False when it did not fit, when the new Request-URI has characters that no URI has, and for
/// HTTP. A body that edits changed gets the right Content-Length; edits must not insert one
/// themselves.
[[nodiscard]] bool write_request(Writer& out, const Message& m, std::span<const Edit> edits,
                                 const RequestPlan& plan) noexcept;

/// A reply made here (RFC 3261 8.2.6): copies Via, From, To, Call-ID, CSeq, for 180…299 also
/// Record-Route and for 100 the Timestamp, in the request's order; then `headers`, Content-Type,
/// Server and Content-Length. Edits on the request do not show. The answer to an HTTP request
/// has none of what is copied.
struct ReplyPlan {
    int code = 500;
    std::string_view reason;
    std::string_view to_tag;  ///< added when the request's To has none and code > 100; "" adds none
    std::string_view top_via;  ///< the whole first Via value to write instead of the received; ""
    std::string_view headers;  ///< whole lines with CRLF
    std::string_view server;   ///< the Server line with CRLF; "" none
    std::string_view content_type;
    std::string_view body;
    std::string_view warning;  ///< the Warning line with CRLF, behind Content-Length; "" none
};
[[nodiscard]] bool write_reply(Writer& out, const Message& request, const ReplyPlan& plan) noexcept;

/// A reply on its way upstream: the topmost Via value is removed, edits are applied; `code` and
/// `reason` replace the status line's when code is not 0. It gets a Content-Length when it had none
/// and the Via behind names a stream.
[[nodiscard]] bool write_relayed_reply(Writer& out, const Message& reply,
                                       std::span<const Edit> edits, int code = 0,
                                       std::string_view reason = {}) noexcept;

/// The topmost Via value of a request as its reply must carry it (RFC 3261 18.2.1, RFC 3581 4):
/// with received and rport filled in from where the request came. Writes into `out`; "" when the
/// value can stay as it is, or did not fit (then out.ok() is false). `force_rport` acts as if the
/// sender had asked for rport.
[[nodiscard]] std::string_view mark_via(Writer& out, const Message& request, const Address& source,
                                        bool force_rport) noexcept;

/// A hop-by-hop request that shares the transaction of an INVITE that was sent: its CANCEL
/// (RFC 3261 9.1) or its ACK for a negative reply (17.1.1.3; `reply_to` is the To value of the
/// reply). `sent` is the INVITE as it was sent; Route is kept, extra lines go before
/// Content-Length.
[[nodiscard]] bool write_cancel(Writer& out, const Message& sent, std::string_view extra) noexcept;
[[nodiscard]] bool write_negative_ack(Writer& out, const Message& sent, std::string_view reply_to,
                                      std::string_view extra = {}) noexcept;

}  // namespace fairlead::sip
