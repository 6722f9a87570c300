// Forwarding a request without state (RFC 3261 16.6, 16.11). SPDX-License-Identifier: Apache-2.0
#include "core/api/route_target.h"
#include "core/base/log.h"
#include "core/server/engine_impl.h"
#include "core/server/stable_hash.h"

namespace fairlead::server {

namespace {

/// RFC 3261 16.11: without state, a retransmission must get the branch that the original got, and a
/// CANCEL or the ACK for a negative reply that of its INVITE. All of them repeat the sender's
/// branch when it has the magic cookie; else Request-URI, From tag, Call-ID and CSeq number stand
/// for it. The To tag is left out: the ACK has one, its INVITE had none.
std::string_view stateless_branch(Message& m) noexcept {
    StableHash hash;
    hash.add(m.sip.call_id());
    if (const auto* const cseq = m.sip.cseq()) hash.add(cseq->number_text);
    if (const auto* const from = m.sip.from()) hash.add(from->tag);
    if (const auto* const via = m.sip.via()) {
        hash.add(via->host);
        hash.add(via->port_text);
        hash.add(via->branch);
        if (!via->is_rfc3261()) hash.add(m.sip.request_uri());
    }
    char text[StableHash::kText];
    return m.arena.concat({sip::kMagicCookie, hash.text(text), ".0"});
}

/// The Path of the target as Route lines that go before those of the message.
std::string_view route_lines(Message& m) noexcept {
    if (m.target.path.empty()) return {};
    return m.arena.concat({"Route: ", m.target.path, "\r\n"});
}

}  // namespace

std::optional<NextHops> NoFinder::find(const HopQuestion& question, HopWaiter&, std::uint64_t,
                                       std::uint64_t&) noexcept {
    NextHops hops;
    const auto target = resolve(net_, question.uri, question.received_on, question.forced);
    if (target)
        hops.targets[hops.count++] = *target;
    else
        hops.error = target.error();
    return hops;
}

ScriptError Engine::forward(Message& m) noexcept {
    if (!m.is_request()) return ScriptError::unspecified;
    if (const auto refused = Impl::may_forward(m); refused != ScriptError::none) return refused;
    const NextHops hops = impl_->late.find(*impl_->finder, m);
    if (hops.count == 0) return hops.error;  // none: a copy of it waits
    return impl_->forward(m, hops);
}

ScriptError Engine::forward_to(Message& m, const Target& target) noexcept {
    if (!m.is_request()) return ScriptError::unspecified;
    return impl_->forward(m, target);
}

bool Engine::may_send(Message& m, const Target& to, std::string_view bytes) noexcept {
    if (impl_->onsend_route == RouteId::none || m.leaving != nullptr) return true;
    const Route before = m.route_type;
    const int code = m.return_code;
    const Leaving leaving{to, bytes};
    m.route_type = Route::onsend;
    m.leaving = &leaving;
    const RouteResult result = impl_->script->run(impl_->onsend_route, m);
    m.leaving = nullptr;
    m.route_type = before;
    m.return_code = code;
    return !result.dropped;
}

ScriptError Engine::Impl::may_forward(const Message& m) noexcept {
    if (m.leaving != nullptr) return ScriptError::script;  // it is being sent already
    // RFC 3261 16.3 step 3. What the script made of the header does not matter: a hop count that
    // arrived as 0 was used up.
    return m.sip.max_forwards() == 0U ? ScriptError::too_many_hops : ScriptError::none;
}

/// The first place that can be sent to (RFC 3263 4.3: without state that is all there is to know).
ScriptError Engine::Impl::forward(Message& m, const NextHops& hops) noexcept {
    ScriptError error = hops.error;
    for (const Target& target : hops.list()) {
        error = forward(m, target);
        if (error == ScriptError::none) break;
    }
    return error;
}

void Engine::Impl::send_late(Message& m, const NextHops& hops) noexcept {
    (void)forward(m, hops);  // nobody is there any more to be told; what is lost is sent again
    if (pool.out() == 0) done(m, {});  // what an onsend_route took for it
}

ScriptError Engine::Impl::forward(Message& m, const Target& target) noexcept {
    if (const auto refused = may_forward(m); refused != ScriptError::none) return refused;
    if (target.listener >= net.listeners().size()) return ScriptError::no_socket;
    const ScriptError error = write_and_send(m, target);
    if (error == ScriptError::none) count.fwd_requests.add();
    return error;
}

ScriptError Engine::Impl::write(Message& m, const Target& target, sip::Writer& writer) noexcept {
    constexpr std::size_t kMarkSpace = 128;
    const std::size_t via_space = 512 + m.advertised_host.size() + m.via_params.size();
    sip::Writer via(m.arena.allocate(via_space), via_space);
    sip::Writer mark(m.arena.allocate(kMarkSpace), kMarkSpace);
    const sip::RequestPlan plan{.request_uri = m.target.uri,
                                .via = write_via(via, net.listeners()[target.listener],
                                                 target.proto, m, stateless_branch(m)),
                                .top_via_mark = forwarded_via_mark(mark, m),
                                .route = route_lines(m),
                                .add_content_length = is_reliable(target.proto),
                                .from = socket_key(target.listener, target.proto)};
    if (!via.ok() || !mark.ok()) return ScriptError::bad_via;
    const bool written = sip::write_request(writer, m.sip, m.edits.list(), plan);
    return written ? ScriptError::none : ScriptError::send;
}

ScriptError Engine::Impl::write_and_send(Message& m, Target target) noexcept {
    set_stream_use(net, target, m);
    sip::Writer datagram(out.data(), out.size());
    ScriptError error = write(m, target, datagram);
    if (error != ScriptError::none) return error;
    const auto other = instead_of_datagram(net, globals, target, datagram.size(), m);
    if (!other) return send(m, target, datagram.text());
    sip::Writer stream(out.data(), out.size());
    error = write(m, *other, stream);
    if (error == ScriptError::none) error = send(m, *other, stream.text());
    if (error != ScriptError::send) return error;
    // RFC 3261 18.1.1: without a connection it is tried by datagram after all. A connection that
    // fails later, when nothing is left of the request, cannot be answered so.
    sip::Writer again(out.data(), out.size());
    error = write(m, target, again);
    return error == ScriptError::none ? send(m, target, again.text()) : error;
}

ScriptError Engine::Impl::send(Message& m, const Target& target, std::string_view bytes) noexcept {
    if (!engine.may_send(m, target, bytes)) return ScriptError::dropped;
    switch (net.send(target, bytes)) {
        case Sent::queued: return ScriptError::none;
        case Sent::no_socket:
            // Of a stream it is the connection that there is not, and that could not be opened.
            if (is_reliable(target.proto)) break;
            return ScriptError::no_socket;
        case Sent::too_big:
        case Sent::queue_full: break;
    }
    return ScriptError::send;
}

}  // namespace fairlead::server
