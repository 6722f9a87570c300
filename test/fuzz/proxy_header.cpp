// Fuzzes PROXY headers: what is whole is so in every longer piece, and incomplete in every shorter.
// SPDX-License-Identifier: Apache-2.0
#include "core/net/proxy_header.h"

#include <cstdint>
#include <string_view>

#include "test/fuzz/check.h"

using namespace fairlead::net;
using fairlead::fuzz::check;
using What = ProxyHeader::What;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto found = read_proxy_header(bytes);
    if (found.what == What::incomplete) {
        check(size < ProxyHeader::kLargest, "what is incomplete is not too large");
        return 0;
    }
    if (found.what == What::broken) {
        check(!found.why.empty(), "a reason is given");
        return 0;
    }
    check(found.size > 0 && found.size <= size, "a header lies inside the bytes");
    const auto exact = read_proxy_header(bytes.substr(0, found.size));
    check(exact.what == What::whole && exact.source == found.source,
          "what follows does not matter");
    for (std::size_t i = 0; i < found.size; ++i)
        check(read_proxy_header(bytes.substr(0, i)).what == What::incomplete,
              "a piece of it is incomplete");
    return 0;
}
