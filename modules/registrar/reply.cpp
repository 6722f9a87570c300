// Answers to REGISTER, which list all bindings (RFC 3261 10.3 step 8). SPDX-License-Identifier:
// Apache-2.0
#include <fmt/format.h>

#include "core/api/log.h"
#include "core/api/route_target.h"
#include "core/api/sip.h"
#include "modules/registrar/registrar.h"

namespace fairlead::registrar {
namespace {

/// Replies that may wait for the database in one process.
constexpr std::size_t kMaxWaiting = 10'000;
constexpr std::size_t kMaxContactHeader = 16 * 1024;

/// "0.5", "0.333", "1".
std::string q_text(std::int16_t q) {
    std::string text = fmt::format("{}.{:03}", q / 1000, q % 1000);
    while (text.ends_with('0')) text.pop_back();
    if (text.ends_with('.')) text.pop_back();
    return text;
}

}  // namespace

std::string_view Registrar::contact_lines(Message& m, const Registration& r) {
    const std::int64_t now = core_->clock().unix_seconds();
    std::string line;
    for (const Contact& c : users->contacts(r.domain, r.aor, m.arena)) {
        line += fmt::format("{}<{}>", line.empty() ? "Contact: " : ", ", c.uri);
        if (c.q != usrloc::kNoQ) line += ";q=" + q_text(c.q);
        line +=
            fmt::format(";expires={}", c.expires == 0 ? std::int64_t{UINT32_MAX} : c.expires - now);
        if (!received_param.empty() && !c.received.empty())
            line += fmt::format(";{}=\"{}\"", received_param, c.received);
        if (c.instance.empty()) continue;
        // RFC 5627 5.1: without the < and > of the instance.
        const bool is_bracketed =
            c.instance.size() > 2 && c.instance.front() == '<' && c.instance.back() == '>';
        if (r.wants_gruu && is_bracketed && c.reg_id == 0)
            line += fmt::format(";pub-gruu=\"{};gr={}\"", r.aor_uri,
                                c.instance.substr(1, c.instance.size() - 2));
        line += fmt::format(";+sip.instance=\"{}\"", c.instance);
        if (c.reg_id > 0) line += fmt::format(";reg-id={}", c.reg_id);
    }
    if (line.empty()) return {};
    if (line.size() > kMaxContactHeader) {
        LOG(warning, "{}: the contacts are {} bytes long and left out of the answer", r.aor,
            line.size());
        return {};
    }
    return m.arena.copy(line + "\r\n");
}

void Registrar::answer(Message& m, const Registration& r, const Refusal* refusal,
                       std::uint64_t ticket) {
    (refusal != nullptr ? rejected : accepted).add();
    std::string more;
    if (refusal == nullptr || refusal->lists_contacts) more += contact_lines(m, r);
    if (refusal != nullptr) {
        more += refusal->headers;
        more += fmt::format("P-Registrar-Error: {}\r\n", refusal->words);
        if (refusal->code / 100 == 5 && retry_after > 0)
            more += fmt::format("Retry-After: {}\r\n", retry_after);
    } else {
        const bool shows_path = path_mode == 2 || (path_mode == 1 && r.supports_path);
        if (!r.path.empty() && shows_path) more += fmt::format("Path: {}\r\n", r.path);
        if (r.supports_outbound && outbound_mode != 0) {
            more += "Require: outbound\r\nSupported: outbound\r\n";
            if (flow_timer > 0) more += fmt::format("Flow-Timer: {}\r\n", flow_timer);
        }
    }
    const bool is_silent = (r.flags & kNoReply) != 0;
    if (!is_silent || (r.flags & kPrepareReply) != 0 || refusal == nullptr)
        m.append_to_reply(m.arena.copy(more));
    if (is_silent) {
        m.slots[slot_] = static_cast<std::uintptr_t>(refusal != nullptr ? refusal->code : 200);
        return;
    }
    if (refusal != nullptr)
        send_reply(m, refusal->code, refusal->reason, 0);
    else
        send_reply(m, 200, "OK", ticket);
}

Verdict Registrar::reg_send_reply(Message& m) {
    const auto code = static_cast<int>(m.slots[slot_]);
    if (code == 0) return Verdict::no;
    m.slots[slot_] = 0;
    const std::string_view known = sip::default_reason(code);
    send_reply(m, code, known, 0);
    return Verdict::yes;
}

void Registrar::send_reply(Message& m, int code, std::string_view reason, std::uint64_t ticket) {
    const bool is_stateful = tm != nullptr && tm->has_transaction(m);
    if (ticket == 0 || is_stateful || waiting_.size() >= kMaxWaiting) {
        (void)sl->send(m, code, reason);
        return;
    }
    // Not before it is in the database: what was answered survives the death of the server.
    const std::size_t room = m.sip.bytes().size() + m.reply_headers.size() + 1024;
    sip::Writer via(m.arena.allocate(room), room), out(m.arena.allocate(room), room);
    const std::string_view top =
        sip::mark_via(via, m.sip, m.received.source, m.force_rport || core_->globals().force_rport);
    const bool written = sip::write_reply(out, m.sip,
                                          {.code = code,
                                           .reason = reason,
                                           .to_tag = sl->to_tag(m),
                                           .top_via = top,
                                           .headers = m.reply_headers,
                                           .server = core_->globals().server_header});
    if (!written) {
        (void)sl->send(m, code, reason);
        return;
    }
    waiting_.emplace(ticket, Waiting{std::string(out.text()), reply_target(m)});
}

void Registrar::stored(std::uint64_t ticket, bool ok) noexcept {
    const auto waiting = waiting_.extract(ticket);
    if (waiting.empty()) return;
    const Waiting& reply = waiting.mapped();
    // Unanswered, the client asks again, and by then it may be there.
    if (!ok || core_->net().send(reply.to, reply.bytes) != Sent::queued) replies_lost.add();
}

}  // namespace fairlead::registrar
