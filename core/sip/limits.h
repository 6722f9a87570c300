// The limits of a SIP message, in one place. docs/limits.md is checked against this file.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>

namespace fairlead::sip {

inline constexpr std::size_t kMaxMessage = 65535;   ///< bytes; larger: 513 Message Too Large
inline constexpr std::size_t kMaxMethod = 64;       ///< bytes of a method name; longer: 400
inline constexpr std::size_t kMaxHeaders = 256;     ///< header fields; more: 400 (a flood)
inline constexpr std::size_t kMaxHeaderName = 128;  ///< bytes; longer: 400
inline constexpr std::size_t kMaxHeaderValue =
    16384;                                    ///< bytes, folded lines included; longer: 400
inline constexpr std::size_t kMaxUri = 4096;  ///< bytes of a Request-URI; longer: 414
inline constexpr std::size_t kMaxHttpHead =
    16384;                                   ///< bytes of an HTTP request up to its body; more: 431
inline constexpr std::size_t kMaxVias = 70;  ///< Via values; more: 400
inline constexpr std::size_t kMaxParams = 64;   ///< parameters of one header value or URI
inline constexpr std::size_t kMinMessage = 32;  ///< shorter datagrams are keep-alives or noise

}  // namespace fairlead::sip
