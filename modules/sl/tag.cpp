// The To-tag of stateless replies.
// SPDX-License-Identifier: Apache-2.0
#include "modules/sl/tag.h"

#include <openssl/evp.h>

#include <algorithm>

namespace fairlead::sl {

namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

/// CRC-16/X-25, reflected polynomial; one table row per byte.
constexpr std::array<std::uint16_t, 256> make_crc_table() {
    std::array<std::uint16_t, 256> table{};
    for (unsigned byte = 0; byte < table.size(); ++byte) {
        unsigned crc = byte;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x8408 : crc >> 1;
        }
        table[byte] = static_cast<std::uint16_t>(crc);
    }
    return table;
}
constexpr auto kCrcTable = make_crc_table();

}  // namespace

std::array<char, 4> checksum(std::string_view a, std::string_view b, std::string_view c) noexcept {
    unsigned crc = 0xffff;
    for (const std::string_view part : {a, b, c}) {
        for (const char byte : part) {
            crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<unsigned char>(byte)) & 0xff];
        }
    }
    crc ^= 0xffff;
    std::array<char, 4> out{};
    for (char& digit : out) {
        digit = kDigits[crc & 15];
        crc >>= 4;
    }
    return out;
}

Tag::Tag(std::string_view identity) noexcept {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    signature_.fill('0');
    // A name, not a secret: MD5 keeps the length that Kamailio's tags have.
    if (EVP_Digest(identity.data(), identity.size(), digest.data(), &size, EVP_md5(), nullptr) != 1)
        return;
    for (std::size_t i = 0; i < signature_.size() / 2; ++i) {
        signature_[2 * i] = kDigits[digest[i] >> 4];
        signature_[2 * i + 1] = kDigits[digest[i] & 15];
    }
}

Tag::Text Tag::make(const sip::Message& request) const noexcept {
    Text out;
    auto at = std::ranges::copy(signature_, out.begin()).out;
    *at++ = '.';
    const sip::Via none;
    const sip::Via& via = request.via() != nullptr ? *request.via() : none;
    at = std::ranges::copy(checksum(via.host, via.port_text, via.branch), at).out;
    std::ranges::copy(checksum(via.port_text, via.host, request.call_id()), at);
    return out;
}

bool Tag::is_ours(std::string_view to_tag, const sip::Message& request) const noexcept {
    if (to_tag.size() != kSize) return false;
    const Text expected = make(request);
    return std::string_view(expected.data(), expected.size()) == to_tag;
}

}  // namespace fairlead::sl
