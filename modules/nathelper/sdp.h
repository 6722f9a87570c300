// fix_nated_sdp(): addresses and marks in an SDP body. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "core/api/message.h"

namespace fairlead::nathelper {

struct SdpChanges {
    bool direction = false;   ///< 1: "a=direction:active" behind each media section
    bool connection = false;  ///< 2: the address in c= and a=rtcp
    bool mark = false;        ///< 4: `mark_line` behind the body
    bool origin = false;      ///< 8: the address in o= and a=rtcp
    std::string_view address;
    std::string_view mark_line;  ///< with its CRLF; "" for none
    bool note_old = true;        ///< "a=oldmediaip:…" for each address that was replaced
};

/// Makes them as edits: 1 when an address was replaced, 2 when none was, -1 when there is no SDP.
/// Only IPv4 addresses are replaced, and not 0.0.0.0, which puts a stream on hold.
[[nodiscard]] int fix_sdp(Message& m, const SdpChanges& changes);

}  // namespace fairlead::nathelper
