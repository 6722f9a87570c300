// Following the Route of a request (RFC 3261 16.4, 16.6 steps 6 and 7, 16.12).
// SPDX-License-Identifier: Apache-2.0
#include <bit>

#include "core/api/log.h"
#include "core/api/regex.h"
#include "core/api/text.h"
#include "modules/rr/rr.h"

namespace fairlead::rr {

namespace {

bool has_to_tag(const Message& m) noexcept {
    return m.sip.to() != nullptr && !m.sip.to()->tag.empty();
}

bool is_loose(const sip::Uri& uri) noexcept {
    return uri.param("lr").has_value();
}

/// Parameters with the ';' before them, as patterns like ";nat=yes" expect.
std::string_view params_of(std::string_view uri) noexcept {
    const auto parsed = sip::parse_uri(uri);
    if (!parsed || parsed->params.empty()) return {};
    return {parsed->params.data() - 1, parsed->params.size() + 1};
}

/// The URI that leads to a route: its maddr counts more than its host (RFC 3261 19.1.1).
std::string_view next_hop(Message& m, std::string_view uri) {
    const auto parsed = sip::parse_uri(uri);
    const auto maddr = parsed ? parsed->param("maddr") : std::nullopt;
    if (!maddr || maddr->empty()) return uri;
    const bool has_port = !parsed->port_text.empty();
    const auto transport = parsed->param("transport").value_or("");
    return m.arena.concat({parsed->scheme_text, ":", *maddr, has_port ? ":" : "", parsed->port_text,
                           transport.empty() ? "" : ";transport=", transport});
}

}  // namespace

Result<void> Rr::prepare(Core& core) {
    core_ = &core;
    slot_ = core.message_slot();
    return {};
}

Rr::State& Rr::state(Message& m) const {
    std::uintptr_t& word = m.slots[slot_];
    if (word == 0) word = std::bit_cast<std::uintptr_t>(m.arena.make<State>());
    return *std::bit_cast<State*>(word);
}

bool Rr::is_own(std::string_view text) const noexcept {
    const auto uri = sip::parse_uri(text);
    if (!uri || !uri->is_sip()) return false;
    return core_->net().is_myself(uri->host, uri->effective_port(),
                                  uri->transport().value_or(Proto::none));
}

const Listener* Rr::listener_of(const sip::Uri& uri) const noexcept {
    const auto socket_name = sockname_mode ? uri.param("sn") : std::nullopt;
    if (socket_name && !socket_name->empty()) {
        for (const Listener& listener : core_->net().listeners()) {
            if (listener.name == *socket_name) return &listener;
        }
    }
    const auto address = Address::parse(uri.host, uri.effective_port());
    for (const Listener& listener : core_->net().listeners()) {
        const bool here =
            address && listener.address.same_ip(*address) && listener.address.port == address->port;
        const bool advertised = text::ci_equal(listener.advertised_host, uri.host) &&
                                listener.advertised_port == uri.effective_port();
        if (here || advertised) return &listener;
    }
    return nullptr;
}

Verdict Rr::loose_route(Message& m) {
    return loose_route_mode(m, 0);
}

Verdict Rr::loose_route_mode(Message& m, int mode) {
    State& s = state(m);
    if (s.result == 0) s.result = follow(m, s, mode == 0);
    return Verdict(s.result);
}

Verdict Rr::loose_route_preloaded(Message& m) {
    if (has_to_tag(m)) return Verdict::no;
    const int result = loose_route(m).code;
    return Verdict::of(result > 0 || result == -3);
}

int Rr::follow(Message& m, State& s, bool strict_too) {
    RouteSet routes;
    if (!routes.read(m)) {
        LOG(error, "a Route header is malformed");
        return -1;
    }
    if (routes.empty()) return -1;
    const bool in_dialog = has_to_tag(m);
    std::string_view request_uri = m.uri();
    if (strict_too && in_dialog && is_own(request_uri)) {
        undo_strict(m, s, routes, request_uri);
    } else {
        take_own(m, s, routes);
        // A route set that only names us says nothing about where an initial request goes.
        if (!in_dialog && routes.empty()) {
            routes.write(m);
            tell(m, s);
            return -3;
        }
        s.next_is_route = s.has_params && !routes.empty();
    }
    go_to_next(m, routes, request_uri);
    routes.write(m);
    tell(m, s);
    return 1;
}

void Rr::tell(Message& m, const State& s) const {
    if (!s.has_params) return;
    for (RouteListener* const listener : listeners_) listener->route_followed(m, s.route_params);
}

void Rr::undo_strict(Message& m, State& s, RouteSet& routes, std::string_view& request_uri) const {
    s.route_params = params_of(request_uri);
    s.has_params = true;
    RouteValue* const last = routes.last();
    const bool only_one = last == routes.first();
    request_uri = last->uri;
    m.target.uri = last->uri;
    last->removed = true;
    if (only_one) {
        // What was the last is also the next hop; there is no Route left to say so.
        const auto uri = sip::parse_uri(last->uri);
        if (uri && is_loose(*uri)) m.target.dst_uri = next_hop(m, last->uri);
        return;
    }
    State ignored;
    take_own(m, ignored, routes);
}

void Rr::take_own(Message& m, State& s, RouteSet& routes) const {
    RouteValue* const first = routes.first();
    if (first == nullptr || !is_own(first->uri)) return;
    first->removed = true;
    s.has_params = true;
    s.route_params = params_of(first->uri);
    const auto uri = sip::parse_uri(first->uri);
    const Listener* leaves_from = force_send_socket ? listener_of(*uri) : nullptr;
    // We recorded ourselves twice because the request crossed from one socket to another; the
    // second value names the one to leave from.
    RouteValue* const second = routes.first();
    if (uri->param("r2") && second != nullptr && is_own(second->uri)) {
        second->removed = true;
        leaves_from = listener_of(*sip::parse_uri(second->uri));
    }
    if (leaves_from != nullptr) m.target.listener = leaves_from->index;
}

void Rr::go_to_next(Message& m, RouteSet& routes, std::string_view request_uri) {
    RouteValue* const next = routes.first();
    if (next == nullptr) return;
    const auto uri = sip::parse_uri(next->uri);
    if (uri && !is_loose(*uri)) {
        // A strict router wants itself in the Request-URI, and that at the end of the Route.
        routes.push_back(m, request_uri);
        m.target.uri = next->uri;
        next->removed = true;
        return;
    }
    m.target.dst_uri = next_hop(m, next->uri);
}

const Rr::State& Rr::with_params(Message& m) {
    State& s = state(m);
    if (s.result != 0) return s;
    RouteSet routes;
    if (!s.has_params && routes.read(m) && !routes.empty() && is_own(routes.first()->uri)) {
        s.has_params = true;
        s.route_params = params_of(routes.first()->uri);
    }
    return s;
}

Verdict Rr::check_route_param(Message& m, const Regex& pattern) {
    const State& s = with_params(m);
    return Verdict::of(s.has_params && pattern.matches(s.route_params));
}

bool Rr::is_upstream(Message& m) {
    const auto ftag = sip::find_param(with_params(m).route_params, "ftag");
    return ftag && m.sip.from() != nullptr && ftag->value != m.sip.from()->tag;
}

Verdict Rr::is_direction(Message& m, std::string_view direction) {
    const bool upstream = text::ci_equal(direction, "upstream");
    if (!upstream && !text::ci_equal(direction, "downstream")) {
        LOG(error, "is_direction takes upstream or downstream, not \"{}\"", direction);
        return Verdict::no;
    }
    return Verdict::of(is_upstream(m) == upstream);
}

Verdict Rr::rr_next_hop_route(Message& m) {
    return Verdict::of(state(m).next_is_route);
}

Value Rr::route_uri(Message& m) {
    std::string_view rest = m.sip.text(sip::HeaderType::route);
    const auto value = sip::next_value(rest);
    const auto parsed = value ? sip::parse_name_addr(*value) : std::nullopt;
    return parsed ? Value(parsed->uri) : Value(std::string_view());
}

Value Rr::initial_tag(Message& m, bool of_caller) {
    const sip::NameAddr* const who = is_upstream(m) == of_caller ? m.sip.to() : m.sip.from();
    return who != nullptr && !who->tag.empty() ? Value(who->tag) : Value();
}

Value Rr::direction(Message& m, bool as_number) {
    const bool upstream = is_upstream(m);
    if (as_number) return upstream ? 2 : 1;
    return std::string_view(upstream ? "upstream" : "downstream");
}

std::optional<std::string_view> Rr::route_param(Message& m, std::string_view name) {
    const auto found = sip::find_param(with_params(m).route_params, name);
    return found ? std::optional(found->value) : std::nullopt;
}

}  // namespace fairlead::rr
