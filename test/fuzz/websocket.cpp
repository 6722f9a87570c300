// Fuzzes frames of WebSocket: pieces of any size give the same messages, answers and end.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string_view>

#include "test/fuzz/check.h"
#include "test/modules/websocket/peer.h"

using fairlead::fuzz::check;
using fairlead::test::WebSocketPeer;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
    WebSocketPeer whole, pieces;
    whole.feed(bytes);
    pieces.feed(bytes, 1U + data[0]);
    check(whole.messages == pieces.messages, "pieces give the same messages");
    check(whole.answers == pieces.answers, "pieces are answered like the whole");
    check(whole.closed == pieces.closed, "pieces close where the whole does");
    for (const auto& message : whole.messages)
        check(message.size() <= fairlead::sip::kMaxMessage, "no message is too large");
    std::string out;
    if (whole.closed) check(!whole.session->wrap("x", out), "nothing is said behind the end");
    return 0;
}
