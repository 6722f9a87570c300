// The To-tag of stateless replies: who we are, and a checksum of what the request's ACK repeats.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <string_view>

#include "core/api/sip.h"

namespace fairlead::sl {

/// CRC-16/X-25 over the parts joined together, as four hexadecimal digits with the least
/// significant first: the form that such tags have in Kamailio. (There an empty part hides those
/// behind it.)
[[nodiscard]] std::array<char, 4> checksum(std::string_view a, std::string_view b,
                                           std::string_view c) noexcept;

/// Tags of this server. The first part is the same for all of them; the second is a checksum of top
/// Via and Call-ID, which the ACK for a negative reply carries unchanged (RFC 3261 17.1.1.3), so
/// that the tag can be made again from the ACK alone.
class Tag {
public:
    static constexpr std::size_t kSize = 41;  ///< 32 digits, '.', 8 digits
    using Text = std::array<char, kSize>;

    Tag() noexcept { signature_.fill('0'); }
    /// `identity` is hashed: what distinguishes this server from others.
    explicit Tag(std::string_view identity) noexcept;

    /// For a request with a top Via; without one only the Call-ID counts.
    [[nodiscard]] Text make(const sip::Message& request) const noexcept;

    /// Whether `to_tag` is the one that make() gives for this request.
    [[nodiscard]] bool is_ours(std::string_view to_tag, const sip::Message& request) const noexcept;

private:
    std::array<char, 32> signature_;
};

}  // namespace fairlead::sl
