// Access to an indexed message; typed headers are parsed when first asked for.
// SPDX-License-Identifier: Apache-2.0
#include "core/sip/message.h"

#include "core/base/text.h"
#include "core/sip/params.h"

namespace fairlead::sip {

void Message::forget() noexcept {
    via_.known = second_via_.known = Known::unknown;
    from_.known = to_.known = Known::unknown;
    cseq_.known = Known::unknown;
    uri_.known = Known::unknown;
}

void Message::have_none() noexcept {
    via_.known = second_via_.known = Known::absent;
    from_.known = to_.known = Known::absent;
    cseq_.known = Known::absent;
    uri_.known = Known::absent;
}

void Message::attach(const char* bytes, const Header* headers, const Frame& frame) noexcept {
    forget();
    if (frame.is_http) have_none();
    bytes_ = bytes;
    headers_ = headers;
    frame_ = frame;
    first_.fill(0);
    for (std::size_t i = frame.header_count; i-- > 0;) {
        const auto type = static_cast<std::size_t>(headers[i].type);
        if (type < first_.size()) first_[type] = static_cast<std::uint16_t>(i + 1);
    }
}

bool Message::can_be_answered() const noexcept {
    return is_request() && frame_.first_size != 0 && method() != Method::ack && via() != nullptr &&
           to() != nullptr && !text(HeaderType::from).empty() && !call_id().empty() &&
           !text(HeaderType::cseq).empty();
}

std::string_view Message::http_version() const noexcept {
    constexpr std::size_t kSize = 8;
    if (frame_.second_size == 0) return "HTTP/1.1";
    return bytes().substr(frame_.second_offset + frame_.second_size + 1, kSize);
}

bool Message::http_wants_close() const noexcept {
    bool closes = http_version() == "HTTP/1.0";
    for (std::size_t n = 0; const Header* h = header("Connection", n); ++n) {
        std::string_view values = value(*h);
        while (const auto word = next_value(values)) {
            if (text::ci_equal(*word, "close")) return true;
            if (text::ci_equal(*word, "keep-alive")) closes = false;
        }
    }
    return closes;
}

std::string_view Message::method_text() const noexcept {
    if (is_request()) return {bytes_ + frame_.first_offset, frame_.first_size};
    const CSeq* const value = cseq();
    return value != nullptr ? value->method_text : std::string_view{};
}

std::string_view Message::request_uri() const noexcept {
    if (!is_request()) return {};
    return {bytes_ + frame_.second_offset, frame_.second_size};
}

std::string_view Message::reason() const noexcept {
    if (is_request()) return {};
    return {bytes_ + frame_.second_offset, frame_.second_size};
}

const Header* Message::header(HeaderType type, std::size_t n) const noexcept {
    std::size_t i = 0;
    const auto slot = static_cast<std::size_t>(type);
    if (slot < first_.size() && type != HeaderType::other) {
        if (first_[slot] == 0) return nullptr;
        i = first_[slot] - 1u;
    }
    for (; i < frame_.header_count; ++i)
        if (headers_[i].type == type && n-- == 0) return &headers_[i];
    return nullptr;
}

const Header* Message::header(std::string_view wanted, std::size_t n) const noexcept {
    const HeaderType type = header_type(wanted);
    if (type != HeaderType::other) return header(type, n);
    for (const Header& h : headers())
        if (h.type == HeaderType::other && text::ci_equal(name(h), wanted) && n-- == 0) return &h;
    return nullptr;
}

std::size_t Message::count(HeaderType type) const noexcept {
    std::size_t n = 0;
    for (const Header& h : headers()) n += h.type == type ? 1 : 0;
    return n;
}

std::string_view Message::text(HeaderType type) const noexcept {
    const Header* const h = header(type);
    return h != nullptr ? value(*h) : std::string_view{};
}

namespace {

/// Fills a lazy form at the first call.
template <class Lazy, class Make>
auto known_or(Lazy& lazy, Make make) noexcept -> decltype(&lazy.value) {
    using Known = decltype(lazy.known);
    if (lazy.known == Known::unknown) {
        const auto made = make();
        lazy.known = made ? Known::present : Known::absent;
        if (made) lazy.value = *made;
    }
    return lazy.known == Known::present ? &lazy.value : nullptr;
}

}  // namespace

const Via* Message::via() const noexcept {
    return known_or(via_, [this] {
        std::string_view values = text(HeaderType::via);
        return parse_via(next_value(values).value_or(""));
    });
}

std::string_view Message::second_via_text() const noexcept {
    std::string_view values = text(HeaderType::via);
    if (!next_value(values)) return {};
    if (const auto second = next_value(values)) return *second;
    const Header* const next = header(HeaderType::via, 1);
    if (next == nullptr) return {};
    values = value(*next);
    return next_value(values).value_or("");
}

const Via* Message::second_via() const noexcept {
    return known_or(second_via_, [this] { return parse_via(second_via_text()); });
}

const NameAddr* Message::from() const noexcept {
    return known_or(from_, [this] { return parse_name_addr(text(HeaderType::from)); });
}

const NameAddr* Message::to() const noexcept {
    return known_or(to_, [this] { return parse_name_addr(text(HeaderType::to)); });
}

const CSeq* Message::cseq() const noexcept {
    return known_or(cseq_, [this] { return parse_cseq(text(HeaderType::cseq)); });
}

std::optional<std::uint32_t> Message::max_forwards() const noexcept {
    const auto number = text::parse_uint(text(HeaderType::max_forwards), 255);
    if (!number) return std::nullopt;
    return static_cast<std::uint32_t>(*number);
}

const Uri* Message::parsed_request_uri() const noexcept {
    return known_or(uri_, [this] { return parse_uri(request_uri()); });
}

}  // namespace fairlead::sip
