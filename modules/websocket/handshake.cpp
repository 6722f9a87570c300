// The opening handshake. SPDX-License-Identifier: Apache-2.0
#include "modules/websocket/handshake.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "core/api/text.h"

namespace fairlead::websocket {
namespace {

constexpr std::string_view kVersionLine = "Sec-WebSocket-Version: 13\r\n",
                           kProtocolLine = "Sec-WebSocket-Protocol: sip\r\n";

/// Whether one of the header's values, in all its fields, is this word.
bool has_word(const sip::Message& m, std::string_view name, std::string_view word) noexcept {
    for (std::size_t n = 0; const sip::Header* h = m.header(name, n); ++n) {
        std::string_view values = m.value(*h);
        while (const auto value = sip::next_value(values))
            if (text::ci_equal(text::trim(*value), word)) return true;
    }
    return false;
}

/// The value of a header that is there once; "" when it is not.
std::string_view single(const sip::Message& m, std::string_view name) noexcept {
    const sip::Header* const h = m.header(name);
    return h == nullptr || m.header(name, 1) != nullptr ? std::string_view() : m.value(*h);
}

/// 16 bytes as base64: 22 letters, of which the last says 2 bits, and the padding.
bool is_key(std::string_view key) noexcept {
    constexpr std::string_view kPadding = "==", kLast = "AQgw";
    constexpr std::size_t kLetters = 22;
    if (key.size() != kLetters + kPadding.size() || !key.ends_with(kPadding)) return false;
    key.remove_suffix(kPadding.size());
    return std::ranges::all_of(key,
                               [](char c) {
                                   const char lower = text::to_lower(c);
                                   return text::is_digit(c) || (lower >= 'a' && lower <= 'z') ||
                                          c == '+' || c == '/';
                               }) &&
           kLast.find(key.back()) != std::string_view::npos;
}

Answer refuse(int code, std::string_view reason, std::string_view why,
              std::initializer_list<std::string_view> lines = {}) {
    Answer answer{.code = code, .reason = reason, .why = std::string(why)};
    for (const std::string_view line : lines) answer.headers += line;
    return answer;
}

Answer bad(std::string_view why) {
    return refuse(400, "Bad Request", why, {kProtocolLine, kVersionLine});
}

}  // namespace

std::string accept_of(std::string_view key) {
    std::string text(key);
    text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 1.3
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1)
        return {};
    std::array<unsigned char, 2 * EVP_MAX_MD_SIZE> encoded{};
    const int length = EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(size));
    return {encoded.begin(), encoded.begin() + length};
}

Answer answer_handshake(const sip::Message& m, Cors cors) {
    if (m.method_text() != "GET")
        return refuse(405, "Method Not Allowed", "not a GET", {"Allow: GET\r\n"});
    if (m.http_version() != "HTTP/1.1") return bad("not HTTP/1.1");
    if (single(m, "Host").empty()) return bad("no Host");
    if (!has_word(m, "Upgrade", "websocket")) return bad("no Upgrade to websocket");
    if (!has_word(m, "Connection", "upgrade")) return bad("no Connection: Upgrade");
    const std::string_view version = single(m, "Sec-WebSocket-Version");
    if (version.empty()) return bad("no Sec-WebSocket-Version");
    if (version != "13")
        return refuse(426, "Upgrade Required", "a version that is not 13", {kVersionLine});
    const std::string_view key = single(m, "Sec-WebSocket-Key");
    if (!is_key(key)) return bad("no Sec-WebSocket-Key of 16 bytes");
    if (!has_word(m, "Sec-WebSocket-Protocol", "sip")) return bad("a sub-protocol that is not sip");
    Answer answer{.reason = "Switching Protocols", .headers = std::string(kProtocolLine)};
    answer.headers += "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
    answer.headers += accept_of(key);
    answer.headers += "\r\n";
    const std::string_view origin = single(m, "Origin");
    const std::string_view allowed = cors == Cors::any      ? std::string_view("*")
                                     : cors == Cors::origin ? origin
                                                            : std::string_view();
    if (!allowed.empty()) {
        answer.headers += "Access-Control-Allow-Origin: ";
        answer.headers += allowed;
        answer.headers += "\r\n";
    }
    return answer;
}

}  // namespace fairlead::websocket
