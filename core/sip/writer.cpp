// Bounded output of bytes and numbers.
// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "core/sip/build.h"

namespace fairlead::sip {

Writer& Writer::put(std::string_view s) noexcept {
    if (s.size() > static_cast<std::size_t>(end_ - at_)) {
        ok_ = false;
        return *this;
    }
    if (!s.empty()) std::memcpy(at_, s.data(), s.size());
    at_ += s.size();
    return *this;
}

Writer& Writer::put(char c) noexcept {
    return put(std::string_view(&c, 1));
}

Writer& Writer::put_uint(std::uint64_t n) noexcept {
    char digits[20];
    char* at = digits + sizeof digits;
    do {
        *--at = static_cast<char>('0' + n % 10);
        n /= 10;
    } while (n != 0);
    return put({at, static_cast<std::size_t>(digits + sizeof digits - at)});
}

Writer& Writer::put_hex(std::uint64_t n, unsigned digits) noexcept {
    char text[16];
    unsigned used = 0;
    do {
        text[15 - used++] = "0123456789abcdef"[n & 15];
        n >>= 4;
    } while (n != 0);
    for (; digits > used; --digits) put('0');
    return put({text + 16 - used, used});
}

}  // namespace fairlead::sip
