// Fuzzes the framing of streams: pieces of any size give the same messages, and each of them is one
// whole message to the parser. SPDX-License-Identifier: Apache-2.0
#include "core/sip/framing.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/sip/message.h"
#include "test/fuzz/check.h"

using namespace fairlead::sip;
using fairlead::fuzz::check;
using What = StreamFramer::What;

namespace {

/// The kinds and sizes of what is found, up to the first that breaks the stream.
struct Seen {
    std::vector<std::size_t> parts;
    std::size_t left = 0;
    bool broken = false;
};

Seen walk(std::string_view bytes, std::size_t piece, Message* message) {
    Seen seen;
    StreamFramer framer;
    std::size_t taken = 0;
    for (std::size_t come = 0; come < bytes.size();) {
        come += std::min(piece, bytes.size() - come);
        while (taken < come) {
            const auto found = framer.next(bytes.substr(taken, come - taken));
            if (found.what == What::incomplete) break;
            seen.broken = found.what == What::broken;
            if (seen.broken) return seen;
            check(found.size > 0 && found.size <= come - taken, "a part lies inside the bytes");
            check(found.size <= kMaxMessage, "a part is not too large");
            const auto part = bytes.substr(taken, found.size);
            if (found.what == What::message && message != nullptr && !message->parse(part))
                check(message->frame().body_offset + message->frame().body_size == part.size(),
                      "the parser sees the same body");
            // Two keep-alive halves may come apart: both forms of them count by their bytes only.
            if (found.what == What::message) seen.parts.push_back(found.size);
            taken += found.size;
        }
    }
    seen.left = bytes.size() - taken;
    return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Message message;
    if (size < 2) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
    const auto whole = walk(bytes, bytes.size(), &message);
    const auto pieces = walk(bytes, 1 + data[0], nullptr);
    check(whole.parts == pieces.parts, "pieces give the same messages");
    check(whole.broken == pieces.broken, "pieces break where the whole does");
    check(whole.left == pieces.left, "the same bytes are left");
    return 0;
}
