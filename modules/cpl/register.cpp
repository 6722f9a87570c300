// Scripts that come and go by REGISTER. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "core/api/log.h"
#include "core/api/text.h"
#include "modules/cpl/cpl.h"
#include "modules/cpl/texts.h"

namespace fairlead::cpl {

namespace {

constexpr std::string_view kServerError = "Internal server error";

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
    return remove(m, *owner, answer);
}

/// Makes a change and answers when the database has it: until then the transaction is suspended.
Verdict Cpl::answer_later(Message& m, const std::function<Result<void>(Database::Done)>& change) {
    if (!database_.is_used()) {
        const bool ok = change(nullptr).has_value();
        return answer_register(m, ok ? 200 : 500, ok ? "OK" : kServerError);
    }
    constexpr Ms kPatience{10000};
    const auto token = suspend->suspend(m, {.until = kPatience});
    if (!token && token.error() == ScriptError::none) return Verdict::stop;  // it came again
    if (!token) return answer_register(m, 500, kServerError);
    const sip::CSeq* const cseq = m.sip.cseq();
    const std::string call_id(m.sip.call_id());
    const auto answer = [this, call_id, number = cseq->number](bool ok) {
        if (!ok) database_failures.add();
        tm->reply_to_call(call_id, number, ok ? 200 : 500, ok ? "OK" : kServerError);
    };
    if (change(answer)) return Verdict::stop;
    suspend->cancel_suspend(m, *token);
    return answer_register(m, 500, kServerError);
}

Verdict Cpl::remove(Message& m, const std::string& owner, bool answer) {
    if (!answer) return drop(owner, nullptr) ? Verdict::yes : answer_register(m, 500, kServerError);
    return answer_later(m, [&](Database::Done done) { return drop(owner, std::move(done)); });
}

Verdict Cpl::store(Message& m, const std::string& owner, bool answer) {
    Faults faults;
    const auto compiled = compile(m.sip.body(), limits(), faults);
    if (!compiled) {
        refused.add();
        return refuse_script(m, faults);
    }
    const auto change = [&](Database::Done done) {
        auto kept = keep(owner, m.sip.body(), *compiled, std::move(done));
        if (!kept) LOG(error, "no room for the CPL script of {}", owner);
        return kept;
    };
    if (answer) return answer_later(m, change);
    return change(nullptr) ? Verdict::yes : answer_register(m, 500, kServerError);
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
