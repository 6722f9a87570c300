// Fuzzes HTTP on streams: pieces of any size give the same requests and refusals, and each request
// is whole to the parser. SPDX-License-Identifier: Apache-2.0
#include "core/sip/http_framing.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/sip/message.h"
#include "test/fuzz/check.h"

using namespace fairlead::sip;
using fairlead::fuzz::check;
using What = HttpFramer::What;

namespace {

struct Seen {
    std::vector<std::size_t> sizes;
    bool refused = false;
};

Seen walk(std::string_view bytes, std::size_t piece, Message* message) {
    Seen seen;
    HttpFramer framer;
    std::size_t taken = 0;
    for (std::size_t come = 0; come < bytes.size();) {
        come += std::min(piece, bytes.size() - come);
        while (taken < come) {
            const auto found = framer.next(bytes.substr(taken, come - taken));
            seen.refused = found.what == What::refused;
            if (seen.refused) {
                check(found.code >= 400 && found.code <= 599, "a refusal has its code");
                return seen;
            }
            if (found.what == What::incomplete) break;
            check(found.size > 0 && found.size <= come - taken, "a part lies inside the bytes");
            check(found.size <= kMaxMessage, "a part is not too large");
            const auto part = bytes.substr(taken, found.size);
            if (found.what == What::request && message != nullptr && !message->parse_http(part)) {
                check(message->frame().body_offset + message->frame().body_size == part.size(),
                      "the parser sees the same body");
                check(message->http_version().starts_with("HTTP/1."), "it has a version");
                (void)message->http_wants_close();
            }
            if (found.what == What::request) seen.sizes.push_back(found.size);
            taken += found.size;
        }
    }
    return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Message message;
    if (size < 2) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
    (void)HttpFramer::begins(bytes);
    const auto whole = walk(bytes, bytes.size(), &message);
    const auto pieces = walk(bytes, 1 + data[0], nullptr);
    check(whole.sizes == pieces.sizes, "pieces give the same requests");
    check(whole.refused == pieces.refused, "pieces are refused where the whole is");
    return 0;
}
