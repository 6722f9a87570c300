// The one tokenizer: start line and header fields of a message, in one pass (RFC 3261 7, 25.1).
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "core/base/text.h"
#include "core/sip/chars.h"
#include "core/sip/message.h"
#include "core/sip/params.h"

namespace fairlead::sip {

/// Works on after an error, so that a request that is refused can still be answered: a header field
/// with an error is left out of the table, the first error is what parse() returns.
class Parser {
public:
    Parser(Message& m, std::string_view bytes, bool is_http) noexcept
        : m_(m), begin_(bytes.data()), at_(begin_), end_(begin_ + bytes.size()), is_http_(is_http) {
        m_.forget();
        m_.bytes_ = begin_;
        m_.headers_ = m_.table_.data();
        m_.first_.fill(0);
        m_.frame_ = Frame{};
        m_.frame_.is_http = is_http;
        if (is_http) m_.have_none();
    }

    std::optional<ParseError> run() noexcept {
        if (static_cast<std::size_t>(end_ - begin_) < kMinMessage && !is_http_) {
            fail(0, begin_, "Too short");
            return error_;
        }
        if (static_cast<std::size_t>(end_ - begin_) > kMaxMessage) {
            fail(513, begin_ + kMaxMessage, "Message Too Large");
            end_ = begin_ + kMaxMessage;
        }
        if (start_line()) {
            m_.frame_.headers_offset = static_cast<std::uint16_t>(at_ - begin_);
            while (header_field()) {
            }
            if (!is_http_) check_required();
        }
        body();
        return error_;
    }

private:
    void fail(int code, const char* at, std::string_view reason) noexcept {
        if (!error_) error_ = ParseError{code, offset(at), reason};
    }
    std::uint32_t offset(const char* p) const noexcept {
        return static_cast<std::uint32_t>(p - begin_);
    }

    // Start line.
    bool start_line() noexcept;
    void request_line(std::string_view line) noexcept;
    void status_line(std::string_view line) noexcept;
    void check_version(std::string_view version) noexcept;

    // Header fields.
    bool header_field() noexcept;
    bool take_name(Header& h) noexcept;
    bool take_value(Header& h) noexcept;
    void add(Header& h) noexcept;
    void note(const Header& h) noexcept;
    void note_via(const Header& h) noexcept;
    void check_call_id(const Header& h) noexcept;
    void check_number(const Header& h) noexcept;

    void check_required() noexcept;
    void check_method() noexcept;
    void body() noexcept;

    Message& m_;
    const char *begin_, *at_, *end_;
    std::uint64_t seen_[2] = {};  ///< bit set by HeaderType: which types were there
    std::size_t vias_ = 0;
    std::optional<std::uint64_t> content_length_;
    bool headers_end_ = false;  ///< the empty line was there
    bool is_http_;
    std::optional<ParseError> error_;
};

bool Parser::start_line() noexcept {
    const char* eol = find_control(at_, end_);
    while (eol != end_ && *eol == '\t') eol = find_control(eol + 1, end_);
    if (end_ - eol < 2 || eol[0] != '\r' || eol[1] != '\n') {
        fail(400, eol, "Bad start line");
        return false;
    }
    const std::string_view line(at_, static_cast<std::size_t>(eol - at_));
    if (text::ci_starts_with(line, "SIP/") && !is_http_) {
        status_line(line);
        if (m_.frame_.status == 0) return false;
    } else {
        request_line(line);
    }
    at_ = eol + 2;
    return true;
}

void Parser::check_version(std::string_view version) noexcept {
    if (is_http_ ? version.starts_with("HTTP/1.") : text::ci_equal(version, "SIP/2.0")) return;
    bool other_version = text::ci_starts_with(version, "SIP/") && version.size() > 4;
    for (char c : version.substr(std::min<std::size_t>(version.size(), 4)))
        other_version = other_version && (text::is_digit(c) || c == '.');
    if (other_version) {
        fail(505, version.data(), "Version Not Supported");
    } else {
        fail(400, version.data(), "Bad start line");
    }
}

void Parser::request_line(std::string_view line) noexcept {
    Frame& frame = m_.frame_;
    const std::size_t space = line.find(' ');
    const std::string_view method = line.substr(0, space);
    if (space == std::string_view::npos || !is_token(method) || method.size() > kMaxMethod)
        return fail(400, line.data(), "Bad start line");
    frame.first_offset = offset(method.data());
    frame.first_size = static_cast<std::uint16_t>(method.size());
    frame.method = parse_method(method);

    const std::string_view rest = line.substr(space + 1);
    const std::size_t uri_end = rest.find(' ');
    const std::string_view uri = rest.substr(0, uri_end);
    // What a target may have in it is between the client and whoever serves it.
    const bool good = is_http_ || is_all(uri, kUriChar);
    if (uri_end == std::string_view::npos || uri.empty() || !good)
        return fail(400, uri.data(), "Bad start line");
    frame.second_offset = offset(uri.data());
    frame.second_size = static_cast<std::uint16_t>(uri.size());
    if (uri.size() > kMaxUri) fail(414, uri.data(), "Request-URI Too Long");
    check_version(rest.substr(uri_end + 1));
}

void Parser::status_line(std::string_view line) noexcept {
    Frame& frame = m_.frame_;
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::string_view version = line.substr(0, space);
    check_version(version);
    const std::string_view code = line.substr(std::min(space + 1, line.size())).substr(0, 3);
    const std::string_view reason = line.substr(std::min(space + 4, line.size()));
    const auto status = text::parse_uint(code, 699);
    if (code.size() != 3 || !status || *status < 100 || (!reason.empty() && reason[0] != ' '))
        return fail(400, code.data(), "Bad status line");
    frame.status = static_cast<std::uint16_t>(*status);
    frame.first_offset = offset(version.data());
    frame.first_size = static_cast<std::uint16_t>(version.size());
    const std::size_t skip = reason.empty() ? 0 : 1;
    frame.second_offset = offset(reason.data() + skip);
    frame.second_size = static_cast<std::uint16_t>(reason.size() - skip);
}

/// One header field, or the empty line. False when there are no more.
bool Parser::header_field() noexcept {
    if (end_ - at_ >= 2 && at_[0] == '\r' && at_[1] == '\n') {
        at_ += 2;
        headers_end_ = true;
        return false;
    }
    if (at_ == end_) {
        fail(400, at_, "Incomplete message");
        return false;
    }
    if (m_.frame_.header_count == kMaxHeaders) {
        fail(400, at_, "Too many headers");
        return false;
    }
    Header h;
    h.name_offset = offset(at_);
    const bool good_name = take_name(h);
    const bool good_value = take_value(h);
    if (good_name && good_value) add(h);
    return true;
}

/// Stands behind the colon afterwards, or where the name is wrong.
bool Parser::take_name(Header& h) noexcept {
    const char* const name = at_;
    while (at_ != end_ && is_char(*at_, kTokenChar)) ++at_;
    const auto size = static_cast<std::size_t>(at_ - name);
    if (size > 0 && size <= kMaxHeaderName && at_ != end_ && *at_ == ':') {
        h.name_length = static_cast<std::uint8_t>(size);
        // HTTP knows no compact forms: "l" is no Content-Length there.
        h.type = is_http_ && size == 1 ? HeaderType::other : header_type({name, size});
        ++at_;
        return true;
    }
    // RFC 3261 25.1 allows white space before the colon. It is refused by design: elements disagree
    // about what such a field is, which hides headers from those that look for them.
    if (size > kMaxHeaderName) {
        fail(400, name, "Header name too long");
    } else {
        fail(400, at_, "Bad header name");
    }
    return false;
}

/// Goes behind the CRLF that ends the field; folded lines belong to it.
bool Parser::take_value(Header& h) noexcept {
    bool good = true;
    while (at_ != end_ && text::is_space(*at_)) {  // up to the value, also over folds
        if (*at_ == '\r' || *at_ == '\n') break;
        ++at_;
    }
    const char* value = at_;
    const char* p = at_;
    while (true) {
        p = find_control(p, end_);
        if (p == end_) {
            fail(400, p, "Incomplete message");
            at_ = end_;
            return false;
        }
        if (*p == '\t') {
            ++p;
        } else if (*p == '\r' && end_ - p >= 2 && p[1] == '\n') {
            const bool folded = end_ - p >= 3 && (p[2] == ' ' || p[2] == '\t');
            if (!folded) break;
            p += 3;
        } else {
            fail(400, p, *p == '\r' || *p == '\n' ? "Bare CR or LF" : "Control character");
            good = false;
            ++p;
        }
    }
    const auto text = text::trim({value, static_cast<std::size_t>(p - value)});
    at_ = p + 2;
    if (text.size() > kMaxHeaderValue) {
        fail(400, value, "Header too long");
        return false;
    }
    h.value_offset = offset(text.empty() ? value : text.data());
    h.value_length = static_cast<std::uint16_t>(text.size());
    h.line_length = static_cast<std::uint16_t>(offset(at_) - h.name_offset);
    return good;
}

void Parser::add(Header& h) noexcept {
    const auto type = static_cast<std::size_t>(h.type);
    const std::uint64_t bit = std::uint64_t{1} << (type % 64);
    const bool seen = (seen_[type / 64] & bit) != 0;
    seen_[type / 64] |= bit;
    if (seen && header_rows()[type].singleton &&
        (!is_http_ || h.type == HeaderType::content_length))
        fail(400, begin_ + h.name_offset, "Duplicate header field");
    const std::uint16_t index = m_.frame_.header_count++;
    m_.table_[index] = h;
    if (type < m_.first_.size() && m_.first_[type] == 0)
        m_.first_[type] = static_cast<std::uint16_t>(index + 1);
    note(h);
}

/// What must be right for the message to be accepted is looked at as it comes by.
void Parser::note(const Header& h) noexcept {
    if (is_http_ && h.type != HeaderType::content_length) return;
    switch (h.type) {
        case HeaderType::via: note_via(h); break;
        case HeaderType::call_id: check_call_id(h); break;
        case HeaderType::max_forwards:
        case HeaderType::content_length: check_number(h); break;
        default: break;
    }
}

void Parser::note_via(const Header& h) noexcept {
    std::string_view rest = m_.value(h);
    if (std::memchr(rest.data(), ',', rest.size()) == nullptr) {
        ++vias_;
    } else {
        while (next_value(rest)) ++vias_;
    }
    if (vias_ > kMaxVias) fail(400, begin_ + h.name_offset, "Too many Vias");
}

void Parser::check_call_id(const Header& h) noexcept {
    // Its words have no white space and no comma (25.1), so that nobody sees two values in it.
    const std::string_view value = m_.value(h);
    bool good = !value.empty();
    for (char c : value) good = good && c != ',' && !text::is_space(c);
    if (!good) fail(400, begin_ + h.name_offset, "Bad Call-ID header");
}

void Parser::check_number(const Header& h) noexcept {
    if (h.type == HeaderType::max_forwards) {
        if (!text::parse_uint(m_.value(h), 255))
            fail(400, begin_ + h.name_offset, "Bad Max-Forwards header");
        return;
    }
    const auto length = text::parse_uint(m_.value(h), kMaxMessage);
    if (!length) fail(400, begin_ + h.name_offset, "Bad Content-Length header");
    if (length && !content_length_) content_length_ = length;
}

void Parser::check_required() noexcept {
    struct Required {
        HeaderType type;
        std::string_view missing;
    };
    constexpr Required kRequired[] = {{HeaderType::via, "Missing Via header"},
                                      {HeaderType::from, "Missing From header"},
                                      {HeaderType::to, "Missing To header"},
                                      {HeaderType::call_id, "Missing Call-ID header"},
                                      {HeaderType::cseq, "Missing CSeq header"}};
    for (const auto& row : kRequired)
        if (m_.header(row.type) == nullptr) return fail(400, at_, row.missing);
    const auto where = [&](HeaderType type) { return begin_ + m_.header(type)->name_offset; };
    const auto bad_tag = [](const NameAddr* a) {
        return a == nullptr || a->is_star || (a->has_tag && a->tag.empty());
    };
    if (m_.via() == nullptr) fail(400, where(HeaderType::via), "Bad Via header");
    if (bad_tag(m_.from())) fail(400, where(HeaderType::from), "Bad From header");
    if (bad_tag(m_.to())) fail(400, where(HeaderType::to), "Bad To header");
    check_method();
}

void Parser::check_method() noexcept {
    const CSeq* const cseq = m_.cseq();
    const char* const where = begin_ + m_.header(HeaderType::cseq)->name_offset;
    if (cseq == nullptr) return fail(400, where, "Bad CSeq header");
    if (!m_.is_request()) {
        m_.frame_.method = cseq->method;
    } else if (cseq->method_text != m_.method_text()) {
        fail(400, where, "CSeq method does not match request method");
    }
}

void Parser::body() noexcept {
    Frame& frame = m_.frame_;
    if (!headers_end_) at_ = end_;
    frame.body_offset = offset(at_);
    frame.body_size = static_cast<std::uint32_t>(end_ - at_);
    if (headers_end_ && content_length_) {
        // 18.3: what is behind the body in a datagram is thrown away; a short body is an error.
        if (*content_length_ > frame.body_size)
            fail(400, at_, "Content-Length exceeds the message");
        else
            frame.body_size = static_cast<std::uint32_t>(*content_length_);
    }
    frame.size = frame.body_offset + frame.body_size;
}

std::optional<ParseError> Message::parse(std::string_view bytes) noexcept {
    return Parser(*this, bytes, false).run();
}

std::optional<ParseError> Message::parse_http(std::string_view bytes) noexcept {
    return Parser(*this, bytes, true).run();
}

}  // namespace fairlead::sip
