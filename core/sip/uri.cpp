// Parsing and comparing URIs (RFC 3261 19.1, RFC 3966).
// SPDX-License-Identifier: Apache-2.0
#include "core/sip/uri.h"

#include "core/base/text.h"
#include "core/sip/chars.h"
#include "core/sip/limits.h"

namespace fairlead::sip {
namespace {

constexpr auto npos = std::string_view::npos;

/// Only characters that may stand in a URI, and each '%' with two hex digits behind it.
bool is_uri_text(std::string_view s) noexcept {
    for (std::size_t i = 0; i < s.size(); ++i) {
        if (!is_char(s[i], kUriChar)) return false;
        if (s[i] != '%') continue;
        if (s.size() - i < 3 || !is_char(s[i + 1], kHexChar) || !is_char(s[i + 2], kHexChar))
            return false;
    }
    return true;
}

bool is_scheme(std::string_view s) noexcept {
    if (s.empty() || !is_char(s[0], kAlphaChar)) return false;
    for (char c : s)
        if (!is_char(c, kAlphaChar) && !text::is_digit(c) && c != '+' && c != '-' && c != '.')
            return false;
    return true;
}

Scheme scheme_of(std::string_view s) noexcept {
    if (text::ci_equal(s, "sip")) return Scheme::sip;
    if (text::ci_equal(s, "sips")) return Scheme::sips;
    if (text::ci_equal(s, "tel")) return Scheme::tel;
    return Scheme::other;
}

/// One "name[=value]" between separators; the rest moves on.
struct Piece {
    std::string_view name, value;
    bool has_value;
};
Piece take_piece(std::string_view& rest, char separator) noexcept {
    const std::size_t end = rest.find(separator);
    const std::string_view piece = rest.substr(0, end);
    rest = end == npos ? std::string_view{} : rest.substr(end + 1);
    const std::size_t equals = piece.find('=');
    if (equals == npos) return {piece, {}, false};
    return {piece.substr(0, equals), piece.substr(equals + 1), true};
}

std::size_t count_pieces(std::string_view list, char separator) noexcept {
    std::size_t n = list.empty() ? 0 : 1;
    for (char c : list) n += c == separator ? 1 : 0;
    return n;
}

bool parse_host_port(std::string_view s, Uri& uri) noexcept {
    std::size_t host_end;
    if (!s.empty() && s[0] == '[') {
        host_end = s.find(']');
        if (host_end == npos) return false;
        ++host_end;
        const auto address = Address::parse(s.substr(0, host_end));
        if (!address || address->version != 6) return false;
    } else {
        host_end = 0;
        while (host_end < s.size() && is_char(s[host_end], kHostChar)) ++host_end;
    }
    uri.host = s.substr(0, host_end);
    if (uri.host.empty()) return false;
    if (host_end == s.size()) return true;
    if (s[host_end] != ':') return false;
    uri.port_text = s.substr(host_end + 1);
    const auto port = text::parse_uint(uri.port_text, 65535);
    if (!port || *port == 0) return false;
    uri.port = static_cast<std::uint16_t>(*port);
    return true;
}

bool parse_sip(std::string_view rest, Uri& uri) noexcept {
    // A literal '@' can only end the user part, so the first one does; ';' and '?' before it belong
    // to the user.
    const std::size_t at = rest.find('@');
    if (at != npos) {
        uri.has_user = true;
        const std::string_view user = rest.substr(0, at);
        const std::size_t colon = user.find(':');
        uri.user = user.substr(0, colon);
        if (colon != npos) uri.password = user.substr(colon + 1);
        rest.remove_prefix(at + 1);
        if (rest.find('@') != npos) return false;
    }
    const std::size_t question = rest.find('?');
    if (question != npos) {
        uri.headers = rest.substr(question + 1);
        rest = rest.substr(0, question);
    }
    const std::size_t semicolon = rest.find(';');
    if (semicolon != npos) {
        uri.params = rest.substr(semicolon + 1);
        rest = rest.substr(0, semicolon);
    }
    if (count_pieces(uri.params, ';') > kMaxParams || count_pieces(uri.headers, '&') > kMaxParams)
        return false;
    return parse_host_port(rest, uri);
}

bool parse_tel(std::string_view rest, Uri& uri) noexcept {
    const std::size_t semicolon = rest.find(';');
    uri.user = rest.substr(0, semicolon);
    if (semicolon != npos) uri.params = rest.substr(semicolon + 1);
    if (count_pieces(uri.params, ';') > kMaxParams || uri.user.empty()) return false;
    uri.has_user = true;
    for (char c : uri.user) {
        const std::string_view others = "+-.()*#pPwW";  // RFC 2806's pauses are still in use
        if (!is_char(c, kHexChar) && others.find(c) == npos) return false;
    }
    return true;
}

/// One character of escaped text: an escape of a character that means nothing special is the
/// character itself (19.1.4); one of a reserved character stays different from it.
unsigned take_unescaped(std::string_view& s) noexcept {
    const auto hex = [](char c) {
        return text::is_digit(c) ? static_cast<unsigned>(c - '0')
                                 : static_cast<unsigned>(text::to_lower(c) - 'a' + 10);
    };
    if (s[0] != '%' || s.size() < 3) {
        const auto c = static_cast<unsigned char>(s[0]);
        s.remove_prefix(1);
        return c;
    }
    const unsigned value = hex(s[1]) * 16 + hex(s[2]);
    s.remove_prefix(3);
    const bool special = value == '%' || is_char(static_cast<char>(value), kReservedChar);
    return special ? value + 256 : value;
}

bool equal_text(std::string_view a, std::string_view b, bool with_case) noexcept {
    while (!a.empty() && !b.empty()) {
        unsigned x = take_unescaped(a), y = take_unescaped(b);
        if (!with_case && x < 128)
            x = static_cast<unsigned char>(text::to_lower(static_cast<char>(x)));
        if (!with_case && y < 128)
            y = static_cast<unsigned char>(text::to_lower(static_cast<char>(y)));
        if (x != y) return false;
    }
    return a.empty() && b.empty();
}

std::optional<Piece> find_piece(std::string_view list, std::string_view name,
                                char separator) noexcept {
    while (!list.empty()) {
        const Piece piece = take_piece(list, separator);
        if (!piece.name.empty() && equal_text(piece.name, name, false)) return piece;
    }
    return std::nullopt;
}

/// 19.1.4: these make two URIs different when only one of them has them.
bool must_be_in_both(std::string_view name) noexcept {
    for (std::string_view known : {"user", "ttl", "method", "maddr", "transport"})
        if (equal_text(name, known, false)) return true;
    return false;
}

bool params_agree(std::string_view a, std::string_view b) noexcept {
    while (!a.empty()) {
        const Piece mine = take_piece(a, ';');
        if (mine.name.empty()) continue;
        const auto theirs = find_piece(b, mine.name, ';');
        if (!theirs && must_be_in_both(mine.name)) return false;
        if (theirs && !equal_text(mine.value, theirs->value, false)) return false;
    }
    return true;
}

/// Whether `b` has all headers of `a`.
bool headers_agree(std::string_view a, std::string_view b) noexcept {
    while (!a.empty()) {
        const Piece mine = take_piece(a, '&');
        const auto theirs = find_piece(b, mine.name, '&');
        if (!theirs || !equal_text(mine.value, theirs->value, true)) return false;
    }
    return true;
}

bool same_host(std::string_view a, std::string_view b) noexcept {
    if (text::ci_equal(a, b)) return true;
    if (a.empty() || b.empty() || a[0] != '[' || b[0] != '[') return false;
    const auto x = Address::parse(a), y = Address::parse(b);
    return x && y && x->same_ip(*y);
}

}  // namespace

std::optional<std::string_view> Uri::param(std::string_view name) const noexcept {
    if (params.empty()) return std::nullopt;
    const auto piece = find_piece(params, name, ';');
    if (!piece) return std::nullopt;
    return piece->value;
}

std::optional<Proto> Uri::transport() const noexcept {
    const auto value = param("transport");
    if (!value) return Proto::none;
    return parse_proto(*value);
}

std::uint16_t Uri::effective_port() const noexcept {
    if (port != 0) return port;
    if (scheme == Scheme::sips) return default_port(Proto::tls);
    return default_port(transport().value_or(Proto::none));
}

std::optional<Uri> parse_uri(std::string_view text) noexcept {
    if (text.size() > kMaxUri || !is_uri_text(text)) return std::nullopt;
    const std::size_t colon = text.find(':');
    if (colon == npos || !is_scheme(text.substr(0, colon))) return std::nullopt;
    Uri uri;
    uri.text = text;
    uri.scheme_text = text.substr(0, colon);
    uri.scheme = scheme_of(uri.scheme_text);
    const std::string_view rest = text.substr(colon + 1);
    if (uri.is_sip()) {
        if (!parse_sip(rest, uri)) return std::nullopt;
    } else if (uri.scheme == Scheme::tel) {
        if (!parse_tel(rest, uri)) return std::nullopt;
    } else {
        if (rest.empty()) return std::nullopt;
        uri.host = rest;
    }
    return uri;
}

bool equal(const Uri& a, const Uri& b) noexcept {
    if (a.text == b.text) return true;
    if (!a.is_sip() || !b.is_sip()) return false;
    return a.scheme == b.scheme && a.has_user == b.has_user && equal_text(a.user, b.user, true) &&
           equal_text(a.password, b.password, true) && same_host(a.host, b.host) &&
           a.port == b.port && params_agree(a.params, b.params) &&
           params_agree(b.params, a.params) && headers_agree(a.headers, b.headers) &&
           headers_agree(b.headers, a.headers);
}

}  // namespace fairlead::sip
