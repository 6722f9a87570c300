// Scripts that come and go by REGISTER. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "core/api/log.h"
#include "core/api/text.h"
#include "modules/cpl/cpl.h"
#include "modules/cpl/texts.h"

namespace fairlead::cpl {

namespace {

/// For a quoted string in a header.
std::string quotable(std::string_view text) {
    std::string out;
    for (const char c : without_controls(text)) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out;
}

}  // namespace

Verdict Cpl::answer_register(Message& m, int code, std::string_view reason) {
    return sl->send(m, code, reason) > 0 ? Verdict::stop : Verdict::no;
}

Verdict Cpl::handle_register(Message& m, bool answer) {
    const ScriptRequest request = read_script_request(m, accept_any);
    if (request.what == ScriptRequest::What::nothing) return Verdict::yes;
    const auto owner = callee_of(m, owners_);
    if (request.what == ScriptRequest::What::bad || !owner)
        return answer_register(m, 400, "Bad request");
    if (request.what == ScriptRequest::What::store) return store(m, *owner, answer);
    if (request.what == ScriptRequest::What::download)
        return download(m, *owner, request.type, answer);
    removed.add(store_.remove(*owner) ? 1 : 0);
    return answer ? answer_register(m, 200, "OK") : Verdict::yes;
}

Verdict Cpl::store(Message& m, const std::string& owner, bool answer) {
    Faults faults;
    const auto compiled = compile(m.sip.body(), limits(), faults);
    if (!compiled) {
        refused.add();
        return refuse_script(m, faults);
    }
    if (!store_.save(owner, m.sip.body(), *compiled)) {
        no_room.add();
        LOG(error, "no shared memory for the CPL script of {}", owner);
        return answer_register(m, 500, "Internal server error");
    }
    stored.add();
    return answer ? answer_register(m, 200, "OK") : Verdict::yes;
}

/// Says in the reply what is wrong: the first fault in a Warning, all of them in the body.
Verdict Cpl::refuse_script(Message& m, const Faults& faults) {
    const Listener& in = core_->net().listeners()[m.received.listener];
    m.append_to_reply(fmt::format("Warning: 399 {} \"{}\"\r\n", in.via_sent_by,
                                  quotable(faults.all().front().str())));
    m.reply_body = m.arena.copy(faults.str());
    m.reply_content_type = "text/plain;charset=UTF-8";
    return answer_register(m, 400, "Bad CPL script");
}

Verdict Cpl::download(Message& m, const std::string& owner, std::string_view type, bool answer) {
    const auto xml = store_.get(owner, Store::Form::xml, m.arena);
    downloaded.add();
    if (xml && !xml->empty()) {
        m.reply_body = *xml;
        m.reply_content_type = type;
    } else {
        m.append_to_reply(fmt::format("Content-Type: {}\r\n", type));
    }
    return answer ? answer_register(m, 200, "OK") : Verdict::yes;
}

}  // namespace fairlead::cpl
