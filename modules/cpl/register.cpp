// Scripts that come and go by REGISTER. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "core/api/log.h"
#include "core/api/text.h"
#include "modules/cpl/cpl.h"
#include "modules/cpl/texts.h"

namespace fairlead::cpl {

namespace {

constexpr std::string_view kServerError = "Internal server error";
constexpr std::string_view kNoOwner = "Neither Request-URI nor To says whose script it is.";

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
    if (request.what == ScriptRequest::What::bad)
        return refuse(m, "Bad request", request.why, request.why);
    if (!owner) return refuse(m, "Bad request", kNoOwner, kNoOwner);
    if (request.what == ScriptRequest::What::store) return store(m, *owner, answer);
    if (request.what == ScriptRequest::What::download)
        return download(m, *owner, request.type, answer);
    return remove(m, *owner, answer);
}

Verdict Cpl::refuse_change(Message& m, const Error& error) {
    LOG(error, "a change of the CPL script of {} was not begun: {}", m.uri(), error.text);
    if (error.code != Database::kBusy) return answer_register(m, 500, kServerError);
    m.append_to_reply("Retry-After: 10\r\n");
    return answer_register(m, Database::kBusy, "Too many changes wait");
}

/// Makes a change and answers when the database has it: until then the transaction is suspended.
/// Should nobody answer, because a process died in between, tm does after the same time: 408.
Verdict Cpl::answer_later(Message& m, const Begin& change) {
    if (!database_.is_used()) {
        const auto changed = change({});
        return changed ? answer_register(m, 200, "OK") : refuse_change(m, changed.error());
    }
    constexpr Ms kPatience{10000};
    const auto token = suspend->suspend(m, {.until = kPatience});
    if (!token && token.error() == ScriptError::none) return Verdict::stop;  // it came again
    if (!token) return answer_register(m, 500, kServerError);
    const auto begun = change(*token);
    if (begun) return Verdict::stop;
    suspend->cancel_suspend(m, *token);
    return refuse_change(m, begun.error());
}

void Cpl::answer_waiting(const tm::SuspendToken& waiting, bool ok) {
    if (waiting.ticket == 0) return;
    // False when it has been answered already: it took too long.
    (void)tm->answer(waiting.slot, waiting.label,
                     {.code = ok ? 200 : 500, .reason = ok ? "OK" : kServerError});
}

Verdict Cpl::remove(Message& m, const std::string& owner, bool answer) {
    const auto change = [&](const tm::SuspendToken& waiting) {
        return drop(owner, waiting, nullptr);
    };
    if (answer) return answer_later(m, change);
    const auto begun = change({});
    return begun ? Verdict::yes : refuse_change(m, begun.error());
}

Verdict Cpl::store(Message& m, const std::string& owner, bool answer) {
    Faults faults;
    const auto compiled = compile(m.sip.body(), limits(), faults);
    if (!compiled) {
        refused.add();
        return refuse(m, "Bad CPL script", faults.all().front().str(), faults.str());
    }
    const auto change = [&](const tm::SuspendToken& waiting) {
        return keep(owner, m.sip.body(), *compiled, waiting, nullptr);
    };
    if (answer) return answer_later(m, change);
    const auto begun = change({});
    return begun ? Verdict::yes : refuse_change(m, begun.error());
}

/// 400 that says what is wrong: shortly in a Warning, and with all of it in the body.
Verdict Cpl::refuse(Message& m, std::string_view reason, std::string_view warning,
                    std::string_view all) {
    const Listener& in = core_->net().listeners()[m.received.listener];
    m.append_to_reply(fmt::format("Warning: 399 {} \"{}\"\r\n", in.via_sent_by, quotable(warning)));
    m.reply_body = m.arena.copy(all);
    m.reply_content_type = "text/plain;charset=UTF-8";
    return answer_register(m, 400, reason);
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
