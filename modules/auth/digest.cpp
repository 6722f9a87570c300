// Digest arithmetic.
// SPDX-License-Identifier: Apache-2.0
#include "modules/auth/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/api/text.h"

namespace fairlead::auth {

namespace {

std::string_view unquoted(std::string_view s) noexcept {
    return s.size() >= 2 && s.front() == '"' && s.back() == '"' ? s.substr(1, s.size() - 2) : s;
}

/// Whether it is "…-sess"; nullopt when it is another hash.
std::optional<bool> session_form(Hash hash, std::string_view algorithm) noexcept {
    const std::string_view name = hash == Hash::md5 ? "MD5" : "SHA-256";
    if (algorithm.empty()) return hash == Hash::md5 ? std::optional(false) : std::nullopt;
    if (!text::ci_starts_with(algorithm, name)) return std::nullopt;
    algorithm.remove_prefix(name.size());
    if (algorithm.empty()) return false;
    return text::ci_equal(algorithm, "-sess") ? std::optional(true) : std::nullopt;
}

}  // namespace

std::string digest(Hash hash, std::initializer_list<std::string_view> parts) {
    std::string text;
    bool first = true;
    for (const std::string_view part : parts) {
        if (!first) text += ':';
        first = false;
        text += part;
    }
    std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), raw.data(), &size,
                   hash == Hash::md5 ? EVP_md5() : EVP_sha256(), nullptr) != 1) {
        return {};
    }
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    for (unsigned i = 0; i < size; ++i) {
        out += kDigits[raw[i] >> 4];
        out += kDigits[raw[i] & 15];
    }
    return out;
}

std::array<unsigned char, 32> keyed(std::string_view key, std::string_view data) {
    std::array<unsigned char, 32> out{};
    const std::vector<unsigned char> bytes(data.begin(), data.end());
    unsigned size = 0;
    std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
    if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes.data(), bytes.size(),
             raw.data(), &size) != nullptr) {
        std::copy_n(raw.begin(), out.size(), out.begin());
    }
    return out;
}

bool same(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<Credentials> parse_credentials(std::string_view value) {
    constexpr std::string_view kScheme = "Digest";
    if (!text::ci_starts_with(value, kScheme) || value.size() == kScheme.size() ||
        !text::is_space(value[kScheme.size()])) {
        return std::nullopt;
    }
    value.remove_prefix(kScheme.size());
    std::string_view rest = text::trim(value);
    Credentials out;
    const std::pair<std::string_view, std::string_view Credentials::*> fields[] = {
        {"username", &Credentials::user},     {"realm", &Credentials::realm},
        {"nonce", &Credentials::nonce},       {"uri", &Credentials::uri},
        {"response", &Credentials::response}, {"algorithm", &Credentials::algorithm},
        {"qop", &Credentials::qop},           {"nc", &Credentials::nc},
        {"cnonce", &Credentials::cnonce}};
    while (const auto param = sip::next_param(rest, ',')) {
        for (const auto& [name, field] : fields) {
            if (text::ci_equal(param->name, name)) out.*field = unquoted(param->value);
        }
    }
    if (!text::trim(rest).empty()) return std::nullopt;
    return out;
}

std::optional<std::string> expected_response(Hash hash, const Credentials& given,
                                             std::string_view ha1, std::string_view method,
                                             std::string_view body) {
    const std::optional<bool> in_session = session_form(hash, given.algorithm);
    if (!in_session || (*in_session && given.cnonce.empty())) return std::nullopt;
    const std::string key =
        *in_session ? digest(hash, {ha1, given.nonce, given.cnonce}) : std::string(ha1);
    std::string ha2 = digest(hash, {method, given.uri});
    if (given.qop.empty()) return digest(hash, {key, given.nonce, ha2});
    if (text::ci_equal(given.qop, "auth-int")) {
        ha2 = digest(hash, {method, given.uri, digest(hash, {body})});
    } else if (!text::ci_equal(given.qop, "auth")) {
        return std::nullopt;
    }
    return digest(hash, {key, given.nonce, given.nc, given.cnonce, given.qop, ha2});
}

}  // namespace fairlead::auth
