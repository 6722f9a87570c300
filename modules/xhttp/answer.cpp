// Answering the HTTP requests that come to the script. SPDX-License-Identifier: Apache-2.0
#include "core/api/route_target.h"
#include "core/api/sip.h"
#include "modules/xhttp/api.h"

namespace fairlead::xhttp {

bool answer(Core& core, Message& m, const Answer& what) {
    constexpr std::size_t kLines = 256;  // the fixed text
    const sip::ReplyPlan plan{.code = what.code,
                              .reason = what.reason,
                              .headers = m.arena.concat({m.reply_headers, what.headers}),
                              .server = core.globals().server_header,
                              .content_type = what.type,
                              .body = what.body};
    const std::size_t room = kLines + plan.reason.size() + plan.headers.size() +
                             plan.content_type.size() + plan.server.size() + plan.body.size();
    sip::Writer out(m.arena.allocate(room), room);
    return sip::write_reply(out, m.sip, plan) &&
           core.net().send(reply_target(m), out.text()) == Sent::queued;
}

}  // namespace fairlead::xhttp
