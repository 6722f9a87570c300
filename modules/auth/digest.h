// Digest arithmetic (RFC 7616, RFC 8760): hashes, the response to a challenge, credentials.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "core/api/sip.h"

namespace fairlead::auth {

enum class Hash : std::uint8_t { md5, sha256 };

/// Lower-case hexadecimal digits of the hash of the parts, joined with ':'; "" when the library
/// refuses the hash.
[[nodiscard]] std::string digest(Hash hash, std::initializer_list<std::string_view> parts);
/// HMAC-SHA-256, raw.
[[nodiscard]] std::array<unsigned char, 32> keyed(std::string_view key, std::string_view data);
/// In a time that depends on nothing but the lengths.
[[nodiscard]] bool same(std::string_view a, std::string_view b) noexcept;

/// The value of an Authorization or Proxy-Authorization header; views into it, without quotes.
struct Credentials {
    std::string_view user, realm, nonce, uri, response, algorithm, qop, nc, cnonce;
};
/// Nullopt when it is no Digest or malformed.
[[nodiscard]] std::optional<Credentials> parse_credentials(std::string_view value);

/// What the response must be; `ha1` is the hash of user, realm and password. Nullopt for a qop or
/// an algorithm that is neither `hash` nor its session form ("MD5-sess", RFC 7616 3.4.2). With an
/// empty method it is what the server proves itself with (rspauth, RFC 7615 3).
[[nodiscard]] std::optional<std::string> expected_response(Hash hash, const Credentials& given,
                                                           std::string_view ha1,
                                                           std::string_view method,
                                                           std::string_view body);

}  // namespace fairlead::auth
