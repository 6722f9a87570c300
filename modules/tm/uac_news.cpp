// What became of requests of our own, on its way to who asked; and the ACK for a 2xx.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <exception>

#include "core/api/late_send.h"
#include "core/api/log.h"
#include "core/api/route_target.h"
#include "modules/tm/observe.h"
#include "modules/tm/tm.h"
#include "modules/tm/uac.h"

namespace fairlead::tm {
namespace {

/// The head of what is posted; the parameter and a part of the reply follow.
struct Record {
    UacId id;
    std::uint32_t incarnation = 0;
    std::uint32_t total = 0, offset = 0;  ///< of the reply
    std::uint16_t code = 0, param_size = 0;
    UacCallback callback = UacCallback::none;
};
constexpr std::size_t kHead = sizeof(Record);
constexpr std::size_t kMostParts = 32;  ///< replies that are being put together

std::uint32_t hash(std::string_view s) noexcept {
    std::uint32_t h = 2166136261U;
    for (const char c : s) h = (h ^ static_cast<std::uint8_t>(c)) * 16777619U;
    return h;
}

void call(const Runtime& rt, UacCallback callback, const UacReply& reply) noexcept {
    const auto index = static_cast<std::size_t>(callback);
    if (index >= rt.listeners.size()) return;
    try {
        rt.listeners[index]->replied(reply);
    } catch (const std::exception& e) {
        LOG(error, "a listener to replies threw: {}", e.what());
    }
}

/// Whole, or in parts when it is longer than a record of a mailbox.
bool post(const Runtime& rt, const LocalNews& n) {
    const std::size_t room = Core::kMaxMail - kHead - n.param.size();
    std::size_t offset = 0;
    do {
        const std::string_view part = n.reply.substr(offset, room);
        const Record head{.id = n.id,
                          .incarnation = n.incarnation,
                          .total = static_cast<std::uint32_t>(n.reply.size()),
                          .offset = static_cast<std::uint32_t>(offset),
                          .code = static_cast<std::uint16_t>(n.code),
                          .param_size = static_cast<std::uint16_t>(n.param.size()),
                          .callback = n.callback};
        std::string bytes(kHead, '\0');
        std::memcpy(bytes.data(), &head, kHead);
        bytes.append(n.param).append(part);
        if (!rt.core->post(n.asker, rt.uac_mail, bytes)) return false;
        offset += part.size();
    } while (offset < n.reply.size());
    return true;
}

/// The reply once all of it is here; nullptr before.
const std::string* put_together(Runtime& rt, const Record& head, std::string_view part) {
    const std::uint64_t key =
        std::uint64_t{head.id.slot} << 42U | std::uint64_t{head.id.label} << 10U | head.code;
    if (head.offset == 0 && rt.uac_parts.size() >= kMostParts) {
        rt.counts.uac_lost.add(static_cast<std::int64_t>(rt.uac_parts.size()));
        rt.uac_parts.clear();
    }
    std::string& whole = rt.uac_parts[key];
    if (head.offset != whole.size()) {
        rt.uac_parts.erase(key);  // a part was lost
        return nullptr;
    }
    whole.append(part);
    return whole.size() >= head.total ? &whole : nullptr;
}

/// A loose router says so (RFC 3261 16.12.1.1).
bool is_loose(std::string_view uri) noexcept {
    const auto parsed = sip::parse_uri(uri);
    return parsed && parsed->param("lr");
}

std::string uri_in(std::string_view route) {
    const auto address = sip::parse_name_addr(route);
    return std::string(address ? address->uri : route);
}

}  // namespace

bool is_new_tag(LocalRequest& local, std::string_view tag) noexcept {
    const std::uint32_t wanted = hash(tag);
    const auto known = std::span(local.tags).first(local.tag_count);
    if (std::ranges::find(known, wanted) != known.end()) return false;
    if (local.tag_count < local.tags.size()) local.tags.at(local.tag_count++) = wanted;
    return true;
}

void note_local(const Runtime& rt, const Cell& c, LocalNews news, Outgoing& out) {
    const LocalRequest& local = *c.local;
    note_moment(rt, c,
                {.moment = news.code >= 200 ? Moment::local_completed : Moment::local_response_out,
                 .code = news.code,
                 .branch = 0,
                 .made_here = news.reply.empty(),
                 .message = news.reply},
                out);
    const bool told = local.callback != UacCallback::none &&
                      (news.code >= 200 || (news.code != 0 && local.provisional));
    if (!told && !news.acknowledge) return;
    news.id = {c.slot, c.label};
    news.asker = local.asker;
    news.incarnation = local.incarnation;
    news.callback = told ? local.callback : UacCallback::none;
    news.in_any_process = local.in_any_process;
    news.reply = out.arena().copy(news.reply);
    news.param = out.arena().copy({local.param.data(), local.param_size});
    Event event;
    event.news = out.arena().make<LocalNews>(news);
    out.add_event(event);
}

void deliver(Runtime& rt, const LocalNews& n) noexcept {
    if (n.acknowledge && !send_ack(rt, n.reply, n.target, {}, {}))
        LOG(warning, "no ACK could be made for a 2xx");
    if (n.code == 0 || n.callback == UacCallback::none) return;
    const UacReply reply{n.id, n.code, n.reply.empty(), n.reply, n.param};
    if (n.in_any_process) return call(rt, n.callback, reply);
    if (n.asker == rt.process()) {
        if (n.incarnation == rt.incarnation) call(rt, n.callback, reply);
        return;
    }
    if (!post(rt, n)) rt.counts.uac_lost.add();
}

void take_news(Runtime& rt, std::string_view record) noexcept {
    Record head;
    if (record.size() < kHead) return;
    std::memcpy(&head, record.data(), kHead);
    record.remove_prefix(kHead);
    if (head.incarnation != rt.incarnation || head.param_size > record.size()) return;
    const std::string_view param = record.substr(0, head.param_size);
    record.remove_prefix(head.param_size);
    UacReply reply{head.id, head.code, head.total == 0, record, param};
    if (head.total == record.size()) return call(rt, head.callback, reply);
    const std::string* const whole = put_together(rt, head, record);
    if (whole == nullptr) return;
    const std::string bytes = *whole;
    std::erase_if(rt.uac_parts, [&](const auto& entry) { return &entry.second == whole; });
    reply.reply = bytes;
    call(rt, head.callback, reply);
}

std::vector<std::string> route_set(const sip::Message& reply) {
    std::vector<std::string> routes;
    for (const sip::Header& h : reply.headers()) {
        if (h.type != sip::HeaderType::record_route) continue;
        std::string_view rest = reply.value(h);
        while (const auto value = sip::next_value(rest)) routes.emplace_back(*value);
    }
    std::ranges::reverse(routes);
    return routes;
}

std::string_view contact_uri(const sip::Message& m) noexcept {
    std::string_view rest = m.text(sip::HeaderType::contact);
    const auto first = sip::next_value(rest);
    const auto address = first ? sip::parse_name_addr(*first) : std::nullopt;
    return address && !address->is_star ? address->uri : std::string_view();
}

Routed routed(std::string_view target, const std::vector<std::string>& routes) {
    Routed r{std::string(target), {}, std::string(target)};
    if (routes.empty()) return r;
    r.next_hop = uri_in(routes.front());
    const bool strict = !is_loose(r.next_hop);
    if (strict) r.request_uri = r.next_hop;
    for (std::size_t i = strict ? 1 : 0; i < routes.size(); ++i)
        r.lines += "Route: " + routes[i] + "\r\n";
    if (strict) r.lines += fmt::format("Route: <{}>\r\n", target);
    return r;
}

bool send_ack(Runtime& rt, std::string_view reply, const Target& sent_to, std::string_view headers,
              std::string_view body) {
    const auto m = std::make_unique<sip::Message>();
    if (m->parse(reply) || m->is_request() || m->cseq() == nullptr || m->to() == nullptr)
        return false;
    std::string_view contact = contact_uri(*m);
    if (contact.empty()) contact = m->to()->uri;
    const Routed way = routed(contact, route_set(*m));
    Target target = sent_to;
    const auto found = resolve(rt.core->net(), way.next_hop, sent_to.listener, sent_to.listener);
    const bool by_route = rt.options.local_ack_mode == 0;
    const bool is_name = by_route && !found && found.error() == ScriptError::bad_address;
    if (by_route && found) target = *found;
    const Listener& from = rt.core->net().listeners()[target.listener];

    // RFC 3261 17.1.1.3: an ACK for a 2xx has a branch of its own.
    const std::string branch =
        fmt::format("{}{:016x}", sip::kMagicCookie, rt.core->random().next());
    Message& blank = rt.core->borrow_message();
    Outgoing out(rt.outbox, rt.core->net());
    sip::Writer via = out.writer(from.via_sent_by.size() + branch.size() + 80);
    sip::Writer text = out.writer(reply.size() + way.request_uri.size() + way.lines.size() +
                                  headers.size() + body.size() + from.via_sent_by.size() + 512);
    text.put("ACK ").put(way.request_uri).put(" SIP/2.0\r\n");
    text.put(write_via(via, from, target.proto, blank, branch));
    rt.core->give_back(blank);
    text.put("From: ").put(m->text(sip::HeaderType::from)).put("\r\nTo: ");
    text.put(m->text(sip::HeaderType::to)).put("\r\nCall-ID: ").put(m->call_id());
    text.put("\r\nCSeq: ").put_uint(m->cseq()->number).put(" ACK\r\n").put(way.lines);
    text.put("Max-Forwards: 70\r\n").put(rt.core->globals().user_agent_header).put(headers);
    text.put("Content-Length: ").put_uint(body.size()).put("\r\n\r\n").put(body);
    if (!text.ok()) return false;
    if (is_name) {
        const HopQuestion question{way.next_hop, sent_to.listener, sent_to.listener};
        return rt.sends->send(rt.core->next_hops(), question, text.text()) == ScriptError::none;
    }
    out.add(target, text.text());
    out.send();
    return true;
}

// ---- UacApi -------------------------------------------------------------------------------------

bool Tm::has_socket(std::string_view socket) const noexcept {
    return find_listener(rt_, socket).has_value();
}

UacCallback Tm::on_reply(UacListener& listener) {
    rt_.listeners.push_back(&listener);
    return static_cast<UacCallback>(rt_.listeners.size() - 1);
}

bool Tm::acknowledge(UacId id, std::string_view reply, std::string_view headers,
                     std::string_view body) {
    if (id.slot >= rt_.table.size()) return false;
    Target target;
    {
        Bucket& b = rt_.table.bucket(id.slot);
        const shm::Guard<Bucket> guard(b);
        const Cell* const c = Table::find(b, id.label);
        if (c == nullptr || !c->local || !c->is_invite() || !c->branches) return false;
        const Branch* answered = c->branches.get();
        for (const Branch* x = answered; x != nullptr; x = x->next.get())
            if (x->status >= 200 && x->status < 300) answered = x;
        target = answered->target;
    }
    return send_ack(rt_, reply, target, headers, body);
}

}  // namespace fairlead::tm
