// The message path: what happens to each datagram, in order. docs/life-of-a-request.md tells it in
// words. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <exception>

#include "core/api/route_target.h"
#include "core/base/log.h"
#include "core/server/engine_impl.h"
#include "core/server/stable_hash.h"
#include "core/sip/params.h"

namespace fairlead::server {

namespace {

std::string_view without_line_ends(std::string_view bytes) noexcept {
    // RFC 3261 7.5: CRLFs before the start line are ignored.
    while (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
    return bytes;
}

/// The To-tag of a reply made without state: the same for each retransmission (RFC 3261 8.2.7).
std::string_view stable_tag(Message& m) noexcept {
    StableHash hash;
    hash.add(m.sip.call_id());
    if (const auto* const from = m.sip.from()) hash.add(from->tag);
    if (const auto* const cseq = m.sip.cseq()) hash.add(cseq->number_text);
    if (const auto* const via = m.sip.via()) hash.add(via->branch);
    char text[StableHash::kText];
    return m.arena.concat({"fl-", hash.text(text)});
}

}  // namespace

void Engine::receive(std::string_view bytes, const Received& from) noexcept {
    if (from.is_http) return impl_->http(bytes, from);
    if (NetFilter* const filter = impl_->net.filter()) bytes = filter->arrived(bytes, from);
    bytes = without_line_ends(bytes);
    if (bytes.size() < sip::kMinMessage) {
        impl_->count.ignored.add();
        return;
    }
    impl_->tunables.follow();
    Message& m = impl_->pool.take();
    m.reset(from, impl_->parts.clock.now());
    m.arrived_ns = impl_->parts.clock.ns();
    m.number = ++impl_->messages;
    m.add_local_rport = impl_->globals.local_rport;
    m.force_rport = impl_->globals.force_rport;
    // Seldom enough to cost nothing.
    if ((m.number & 15) == 0) impl_->queue.record(impl_->parts.clock.exact_ns() - m.arrived_ns);
    const auto error = m.sip.parse(bytes);
    if (impl_->is_tracing && !error) {
        m.trace = &impl_->traces;
        m.trace->note(m, Trace::Kind::received,
                      TraceLine(bytes, "from", from.proto, from.source).text());
    }
    const bool first = impl_->runs_arrival_route;
    if (first && !impl_->is_wanted(m, impl_->arrival_route)) {
        impl_->count.ignored.add();
        return impl_->pool.give_back(m);
    }
    if (error) {
        impl_->refused(m, *error);
    } else {
        if (impl_->log_prefix != nullptr) log::set_prefix(impl_->log_prefix->text(m));
        if (m.is_request()) {
            impl_->request(m);
        } else {
            impl_->reply(m);
        }
        log::set_prefix({});
    }
    impl_->pool.give_back(m);
}

/// An HTTP request: none of what is done for SIP is done for it.
void Engine::Impl::http(std::string_view bytes, const Received& from) noexcept {
    tunables.follow();
    Message& m = pool.take();
    m.reset(from, parts.clock.now());
    m.arrived_ns = parts.clock.ns();
    m.number = ++messages;
    const auto error = m.sip.parse_http(bytes);
    m.reply_no_connect = true;
    m.reply_close = error.has_value() || m.sip.http_wants_close();
    net.watch_connection(from.connection);
    if (!error) http_handled(m);
    // A client must not wait for ever, nor take the answer to its next request for that to this.
    if (!net.was_used()) {
        m.reply_close = true;
        error ? answer(m, error->code, error->reason) : answer(m, 404, "Not Found");
    }
    net.watch_connection(0);
    done(m, {});
    pool.give_back(m);
}

void Engine::Impl::http_handled(Message& m) noexcept {
    HttpHandler* const handler = net.http();
    if (handler == nullptr) return;
    try {
        return handler->http_request(m);
    } catch (const std::exception& e) {
        LOG(error, "exception on an HTTP request: {}", e.what());
    }
    count.exceptions.add();
    if (!net.was_used()) answer(m, 500, "Server Internal Error");
}

/// Runs an event route, if there is one; false when it dropped the message.
bool Engine::Impl::is_wanted(Message& m, RouteId event) noexcept {
    if (event == RouteId::none) return true;
    m.route_type = Route::request;
    const RouteResult result = script->run(event, m);
    if (result.threw) count.exceptions.add();
    return !result.dropped;
}

/// event_route[core:worker-one-init]: once, in the first worker, when all modules have started. It
/// sees a request that nobody sent.
void Engine::Impl::worker_one() noexcept {
    constexpr std::string_view kRequest =
        "OPTIONS sip:you@localhost SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1\r\n"
        "From: <sip:you@localhost>;tag=worker-one\r\nTo: <sip:you@localhost>\r\n"
        "Call-ID: worker-one\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
    if (init_route == RouteId::none) return;
    Message& m = engine.borrow_message();
    if (!m.sip.parse(kRequest)) (void)is_wanted(m, init_route);
    engine.give_back(m);
}

void Engine::Impl::request(Message& m) noexcept {
    count.request(m.sip.method());
    if (m.sip.parsed_request_uri() == nullptr) count.bad_uris.add();
    if (globals.accept_aliases && m.received.connection != 0) follow_alias(m);
    RouteResult result;
    const bool consumed = std::ranges::any_of(on_request, [&](module::Loaded* module) {
        return arrived(*module, m, &Module::request_arrived) == Next::consumed;
    });
    if (consumed) {
        count.drop_requests.add();
    } else if (!is_wanted(m, pre_routing_route)) {
        count.drop_requests.add();
    } else if (request_route != RouteId::none) {
        m.route_type = Route::request;
        result = script->run(request_route, m);
        if (result.code < 0) warn_script(m);
        if (result.threw) {
            count.exceptions.add();
            if (!m.is_owned) answer(m, 500, "Server Internal Error");
        }
    }
    done(m, result);
}

/// RFC 5923 4: the sender takes requests to the port of its Via on this connection too.
void Engine::Impl::follow_alias(const Message& m) noexcept {
    const sip::Via* const via = m.sip.via();
    if (via == nullptr || !sip::find_param(via->params, "alias")) return;
    if (!net.add_alias(m.received.connection, via->effective_port()))
        LOG(debug, "connection {} gets no alias", m.received.connection);
}

void Engine::Impl::reply(Message& m) noexcept {
    count.reply(m.sip.status());
    RouteResult result;
    if (reply_route != RouteId::none) {
        m.route_type = Route::core_reply;
        result = script->run(reply_route, m);
        if (result.code < 0) warn_script(m);
        if (result.threw) count.exceptions.add();
    }
    const bool is_wanted = !result.dropped && result.code > 0;
    const bool consumed = is_wanted && std::ranges::any_of(on_reply, [&](module::Loaded* module) {
                              return arrived(*module, m, &Module::reply_arrived) == Next::consumed;
                          });
    if (!is_wanted) {
        count.drop_replies.add();
    } else if (!consumed) {
        relay_reply(m);
    }
    done(m, result);
}

void Engine::Impl::relay_reply(Message& m) noexcept {
    const sip::Via* const top = m.sip.via();
    const bool is_ours =
        !globals.check_via ||
        (top != nullptr && net.is_myself(top->host, top->effective_port(), top->proto));
    sip::Writer writer(out.data(), out.size());
    const bool sent = is_ours && sip::write_relayed_reply(writer, m.sip, m.edits.list()) &&
                      send_reply(m, writer.text()) == ScriptError::none;
    (sent ? count.fwd_replies : count.drop_replies).add();
}

/// Where the next Via says; a sent-by that is a name is looked up (RFC 3263 5).
ScriptError Engine::Impl::send_reply(const Message& m, std::string_view bytes) {
    const auto target = relay_target(net, m.sip, m.received.listener);
    if (target)
        return net.send(*target, bytes) == Sent::queued ? ScriptError::none : ScriptError::send;
    if (target.error() != ScriptError::bad_address) return target.error();
    const std::string_view uri = reply_hop(m.sip, m.arena);
    if (uri.empty()) return target.error();
    return late_replies.send(*finder, {uri, m.received.listener}, bytes);
}

Next Engine::Impl::arrived(module::Loaded& module, Message& m,
                           Next (Module::*hook)(Message&)) noexcept {
    try {
        return (module.object.get()->*hook)(m);
    } catch (const std::exception& e) {
        LOG(error, "module {}: exception on a message: {}", module.name, e.what());
    } catch (...) {
        LOG(error, "module {}: exception on a message", module.name);
    }
    count.exceptions.add();
    if (m.is_request()) answer(m, 500, "Server Internal Error");
    return Next::consumed;
}

void Engine::Impl::done(Message& m, const RouteResult& result) noexcept {
    for (module::Loaded* const module : on_done) {
        try {
            module->object->message_done(m, result);
        } catch (const std::exception& e) {
            LOG(error, "module {}: exception behind a message: {}", module->name, e.what());
            count.exceptions.add();
        } catch (...) {
            LOG(error, "module {}: exception behind a message", module->name);
            count.exceptions.add();
        }
    }
}

void Engine::Impl::warn_script(const Message& m) noexcept {
    std::uint64_t held_back = 0;
    if (!script_log.allow(m.arrived, held_back)) return;
    LOG(warning, "error while trying script ({} from {}; {} more not shown)", m.sip.method_text(),
        m.received.source.text(), held_back);
}

void Engine::Impl::refused(Message& m, const sip::ParseError& error) noexcept {
    (m.is_request() ? count.err_requests : count.err_replies).add();
    (error.code == 414 ? count.bad_uris : count.bad_headers).add();
    std::uint64_t held_back = 0;
    if (parse_log.allow(m.arrived, held_back)) {
        LOG(error, "core parsing of SIP message failed ({}/{}): {} at byte {} ({} more not shown)",
            m.received.source.text(), name(m.received.proto), error.reason, error.offset,
            held_back);
    }
    if (!is_wanted(m, parse_error_route)) return;
    if (error.code >= 300 && m.sip.can_be_answered()) answer(m, error.code, error.reason);
}

void Engine::Impl::answer(Message& m, int code, std::string_view reason) noexcept {
    if (m.sip.method() == sip::Method::ack) return;  // RFC 3261 17.1.1.3: nothing answers an ACK
    char via_text[1024];
    sip::Writer via_writer(via_text, sizeof via_text);
    const std::string_view via =
        sip::mark_via(via_writer, m.sip, m.received.source, m.force_rport || globals.force_rport);
    sip::ReplyPlan plan{.code = code,
                        .reason = reason,
                        .to_tag = stable_tag(m),
                        .top_via = via_writer.ok() ? via : std::string_view(),
                        .server = globals.server_header};
    sip::Writer writer(out.data(), out.size());
    if (globals.sip_warning) {
        const std::size_t room = kWarningRoom + 2 * m.sip.request_uri().size();
        sip::Writer warning(m.arena.allocate(room), room);
        plan.warning = write_warning(warning, m.sip, m.received, m.sip.request_uri());
    }
    if (sip::write_reply(writer, m.sip, plan)) {
        const Sent sent = net.send(reply_target(m), writer.text());
        if (sent != Sent::queued) LOG(debug, "an error reply could not be sent");
        if (m.arrived_ns != 0) first_reply.record(parts.clock.exact_ns() - m.arrived_ns);
    }
}

}  // namespace fairlead::server
