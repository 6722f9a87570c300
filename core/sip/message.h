// A received SIP message: its bytes, a table of offsets, and typed headers made when first asked
// for. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/sip/headers.h"
#include "core/sip/limits.h"
#include "core/sip/method.h"
#include "core/sip/values.h"

namespace fairlead::sip {

/// One header field as offsets into the message, so that the table can be copied to shared memory
/// with one memcpy and read there by any process.
struct Header {
    using ShmSafe = void;
    std::uint32_t name_offset = 0;
    std::uint32_t value_offset = 0;  ///< first byte that is not white space
    std::uint16_t value_length = 0;  ///< without white space at its end; folded lines included
    std::uint16_t line_length = 0;   ///< from the name to behind the final CRLF
    std::uint8_t name_length = 0;
    HeaderType type = HeaderType::other;
    std::uint16_t unused = 0;
};
static_assert(sizeof(Header) == 16);

/// Start line and table sizes: with the bytes and the headers, all of a Message that is stored.
struct Frame {
    using ShmSafe = void;
    std::uint32_t size = 0;         ///< bytes of the message
    std::uint32_t body_offset = 0;  ///< behind the empty line
    std::uint32_t body_size = 0;
    std::uint16_t header_count = 0;
    std::uint16_t status = 0;                           ///< 0: a request
    std::uint32_t first_offset = 0, second_offset = 0;  ///< method and R-URI, or version and reason
    std::uint16_t first_size = 0, second_size = 0;
    std::uint16_t headers_offset = 0;  ///< behind the start line
    Method method = Method::other;     ///< of the request, or of the CSeq in a reply
    bool is_http = false;              ///< parse_http() made it
};

/// Why a message was refused.
struct ParseError {
    int code = 400;            ///< the status that fits, 0 when nothing can be answered
    std::uint32_t offset = 0;  ///< where in the bytes
    std::string_view reason;   ///< static text, fit for a reason phrase: "Bad CSeq header"
};

/// A request or reply. Holds views only; the bytes must outlive it. Reused for message after
/// message without allocating. Per process; not thread-safe (the lazy forms are filled in by const
/// calls).
class Message {
public:
    Message() = default;
    Message(const Message&) = delete;  // the table is pointed into
    Message& operator=(const Message&) = delete;

    /// Indexes a datagram or one framed stream message. The rules:
    /// - the start line is complete, SIP/2.0 (else 505), method and header names are tokens;
    /// - nothing between header name and colon, no control character but HT in a value, no NUL
    ///   before the body; a bare CR or LF does not end a line but is refused;
    /// - From, To, Call-ID, CSeq and Via are there,
    /// From/To/Call-ID/CSeq/Max-Forwards/Content-Length
    ///   and the other singletons only once; the CSeq method is that of the request;
    /// - Content-Length is a number and at most what came behind the empty line (a shorter value
    /// cuts
    ///   the body on UDP; a longer one is refused); Max-Forwards is 0…255;
    /// - the limits of limits.h.
    /// On error the object holds what was understood before it, which is enough for
    /// can_be_answered().
    [[nodiscard]] std::optional<ParseError> parse(std::string_view bytes) noexcept;

    /// Indexes an HTTP/1.x request that HttpFramer found whole: method, target, header fields and
    /// body are there as those of SIP are, but no typed form, whatever the fields say: nothing is
    /// routed, answered or forwarded by them. Limits as above.
    [[nodiscard]] std::optional<ParseError> parse_http(std::string_view bytes) noexcept;
    [[nodiscard]] bool is_http() const noexcept { return frame_.is_http; }
    [[nodiscard]] std::string_view http_version() const noexcept;  ///< "HTTP/1.1"
    /// Whether the connection ends behind the answer (RFC 9112 9.3).
    [[nodiscard]] bool http_wants_close() const noexcept;

    /// Attaches to a message stored earlier (bytes, table and frame copied from a parsed Message).
    void attach(const char* bytes, const Header* headers, const Frame& frame) noexcept;

    /// True when Via, From, To, Call-ID and CSeq could be read, so that a reply can be built, even
    /// though parse() refused the message. Never true for replies and ACK.
    [[nodiscard]] bool can_be_answered() const noexcept;

    [[nodiscard]] std::string_view bytes() const noexcept { return {bytes_, frame_.size}; }
    [[nodiscard]] const Frame& frame() const noexcept { return frame_; }
    [[nodiscard]] std::span<const Header> headers() const noexcept {
        return {headers_, frame_.header_count};
    }

    [[nodiscard]] bool is_request() const noexcept { return frame_.status == 0; }
    [[nodiscard]] Method method() const noexcept { return frame_.method; }
    /// Request: the method as written. Reply: the CSeq's method.
    [[nodiscard]] std::string_view method_text() const noexcept;
    [[nodiscard]] std::string_view request_uri() const noexcept;
    [[nodiscard]] int status() const noexcept { return frame_.status; }
    [[nodiscard]] std::string_view reason() const noexcept;
    [[nodiscard]] std::string_view body() const noexcept {
        return {bytes_ + frame_.body_offset, frame_.body_size};
    }

    [[nodiscard]] std::string_view name(const Header& h) const noexcept {
        return {bytes_ + h.name_offset, h.name_length};
    }
    [[nodiscard]] std::string_view value(const Header& h) const noexcept {
        return {bytes_ + h.value_offset, h.value_length};
    }
    /// The n-th header of a type, counted from the top; null when there is none.
    [[nodiscard]] const Header* header(HeaderType type, std::size_t n = 0) const noexcept;
    /// By name, without case; compact forms are the same header.
    [[nodiscard]] const Header* header(std::string_view name, std::size_t n = 0) const noexcept;
    [[nodiscard]] std::size_t count(HeaderType type) const noexcept;
    /// Value of the first header of a type, "" when absent.
    [[nodiscard]] std::string_view text(HeaderType type) const noexcept;

    // Typed forms. Null when the header is absent or malformed.
    [[nodiscard]] const Via* via() const noexcept;  ///< topmost
    [[nodiscard]] const Via* second_via()
        const noexcept;  ///< next value, same or next header field
    /// As it stands there, "" when there is no other: asks less than second_via().
    [[nodiscard]] std::string_view second_via_text() const noexcept;
    [[nodiscard]] const NameAddr* from() const noexcept;
    [[nodiscard]] const NameAddr* to() const noexcept;
    [[nodiscard]] const CSeq* cseq() const noexcept;
    [[nodiscard]] std::string_view call_id() const noexcept { return text(HeaderType::call_id); }
    [[nodiscard]] std::optional<std::uint32_t> max_forwards() const noexcept;
    [[nodiscard]] const Uri* parsed_request_uri() const noexcept;  ///< null when it is no URI

private:
    friend class Parser;
    enum class Known : std::uint8_t { unknown, absent, present };
    template <class T>
    struct Lazy {
        Known known = Known::unknown;
        T value;
    };
    void forget() noexcept;     ///< empties all lazy forms
    void have_none() noexcept;  ///< there is none of them

    const char* bytes_ = nullptr;
    const Header* headers_ = nullptr;
    Frame frame_;
    std::array<Header, kMaxHeaders> table_;
    std::array<std::uint16_t, 16> first_{};  ///< index + 1 of the first header of the common types
    mutable Lazy<Via> via_, second_via_;
    mutable Lazy<NameAddr> from_, to_;
    mutable Lazy<CSeq> cseq_;
    mutable Lazy<Uri> uri_;
};

}  // namespace fairlead::sip
