// Fuzzes requests of the binary protocol: what is read lies inside the packet, or belongs to the
// request. SPDX-License-Identifier: Apache-2.0
#include "modules/ctl/binrpc.h"

#include <cstdint>
#include <string_view>

#include "test/fuzz/check.h"

using namespace fairlead::ctl;
using fairlead::fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    std::string_view body = bytes;
    if (const auto header = read_header(bytes); header && *header) {
        check((*header)->size <= bytes.size(), "a header lies inside the bytes");
        check((*header)->body <= kMaxRequest, "a body is not too long");
        body = bytes.substr((*header)->size, (*header)->body);
    }
    const auto request = read_request(body);
    if (!request) return 0;
    Writer writer;
    writer.text(request->method);
    for (const auto& value : request->arguments) writer.value(value);
    const std::string again = writer.take();
    const auto second = read_request(again);
    // Bytes may have a NUL inside, which no text has; all else comes back.
    check(!second || second->arguments.size() == request->arguments.size(),
          "what was read can be written");
    return 0;
}
