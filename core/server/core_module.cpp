// The built-in module "core". SPDX-License-Identifier: Apache-2.0
#include "core/server/core_module.h"

#include <fmt/format.h>

#include "core/api/next_hop.h"
#include "core/api/uri_edit.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/server/core_base.h"
#include "core/server/engine.h"

namespace fairlead::server {

namespace {

constexpr unsigned kFlags = 32;

class CoreModule final : public CoreBase {
public:
    // Forwarding without state.
    Verdict forward(Message& m) { return said(m, engine_->forward(m)); }
    Verdict forward_to(Message& m, std::string_view where) { return to(m, where); }
    Verdict forward_to_port(Message& m, std::string_view host, std::string_view port) {
        return forward_over_port<Proto::none>(m, host, port);
    }
    /// `uri:host` and `uri:port` stand for the parts of the Request-URI.
    template <Proto P>
    Verdict forward_over_port(Message& m, std::string_view host, std::string_view port) {
        const auto uri = sip::parse_uri(m.uri());
        const bool of_uri = host == "uri:host" || port == "uri:port";
        if (of_uri && (!uri || !uri->is_sip())) return said(m, ScriptError::bad_uri);
        if (host == "uri:host") host = uri->host;
        if (port == "uri:port") port = m.arena.concat({std::to_string(uri->effective_port())});
        const std::string_view proto = P == Proto::none ? std::string_view() : name(P);
        return to(m, m.arena.concat({proto, P == Proto::none ? "" : ":", host, ":", port}));
    }
    template <Proto P>
    Verdict forward_over(Message& m, std::optional<std::string_view> where) {
        if (where && *where == "uri:host") return forward_over_port<P>(m, *where, "uri:port");
        if (where) return to(m, m.arena.concat({name(P), ":", *where}));
        const auto uri = sip::parse_uri(m.next_hop());
        if (!uri || !uri->is_sip()) return said(m, ScriptError::bad_uri);
        const std::string_view colon = uri->port_text.empty() ? "" : ":";
        return to(m, m.arena.concat({name(P), ":", uri->host, colon, uri->port_text}));
    }

    // The Request-URI.
    Verdict set_uri(Message& m, std::string_view uri) {
        if (uri.empty()) return Verdict::no;
        m.target.uri = m.arena.copy(uri);
        return Verdict::yes;
    }
    Verdict revert_uri(Message& m) {
        m.target.uri = {};
        return Verdict::yes;
    }
    Verdict set_host(Message& m, std::string_view host) {
        return edit(m, uri_edit::with_host, host);
    }
    Verdict set_host_port(Message& m, std::string_view text) {
        return edit(m, uri_edit::with_host_port, text);
    }
    Verdict set_host_port_transport(Message& m, std::string_view text) {
        return edit(m, uri_edit::with_host_port_transport, text);
    }
    Verdict set_port(Message& m, std::string_view port) {
        if (!port.empty() && !text::parse_uint(port, 65535)) return Verdict::no;
        return edit(m, uri_edit::with_port, port);
    }
    Verdict set_user(Message& m, std::string_view user) {
        return edit(m, uri_edit::with_user, user);
    }
    Verdict set_user_password(Message& m, std::string_view both) {
        return edit(m, uri_edit::with_user_password, both);
    }
    Verdict prefix(Message& m, std::string_view text) {
        const auto uri = sip::parse_uri(m.uri());
        if (!uri) return bad_uri(m);
        m.target.uri = uri_edit::with_user(m.arena, *uri, m.arena.concat({text, uri->user}));
        return Verdict::yes;
    }
    Verdict strip(Message& m, int count) { return cut_user(m, count, false); }
    Verdict strip_tail(Message& m, int count) { return cut_user(m, count, true); }
    Verdict user_phone(Message& m) {
        const auto uri = sip::parse_uri(m.uri());
        if (!uri) return bad_uri(m);
        m.target.uri = uri_edit::with_param(m.arena, *uri, "user", "phone");
        return Verdict::yes;
    }

    // Message flags.
    Verdict set_flag(Message& m, int flag) {
        if (!is_flag(flag)) return Verdict::no;
        m.flags |= 1U << flag;
        return Verdict::yes;
    }
    Verdict reset_flag(Message& m, int flag) {
        if (!is_flag(flag)) return Verdict::no;
        m.flags &= ~(1U << flag);
        return Verdict::yes;
    }
    Verdict is_flag_set(Message& m, int flag) {
        return Verdict::of(is_flag(flag) && (m.flags >> flag & 1U) != 0);
    }
    static Result<void> check_flag(const Module&, std::span<const Value> args) {
        if (!args[0].is_integer() || is_flag(args[0].integer())) return {};
        return fail(fmt::format("flag {} does not exist: flags are 0 to 31", args[0].integer()));
    }

    // Sockets and Via.
    Verdict force_rport(Message& m) {
        m.force_rport = true;
        return Verdict::yes;
    }
    Verdict add_local_rport(Message& m) {
        m.add_local_rport = true;
        return Verdict::yes;
    }
    Verdict force_send_socket(Message& m, std::string_view text) {
        const Listener* const listener = find_listener(engine_->net(), text);
        if (listener == nullptr) {
            LOG(error, "force_send_socket: \"{}\" is none of our listeners", text);
            return Verdict::no;
        }
        m.target.listener = listener->index;
        return Verdict::yes;
    }
    Verdict set_advertised_address(Message& m, std::string_view host) {
        m.advertised_host = m.arena.copy(host);
        return Verdict::yes;
    }
    Verdict set_advertised_port(Message& m, int port) {
        if (port < 1 || port > 65535) return Verdict::no;
        m.advertised_port = static_cast<std::uint16_t>(port);
        return Verdict::yes;
    }

    // Branches.
    Verdict remove_branch(Message& m, int index) {
        if (index < 0 || static_cast<std::size_t>(index) >= m.branch_count) return Verdict::no;
        std::move(m.branches.begin() + index + 1, m.branches.begin() + m.branch_count,
                  m.branches.begin() + index);
        --m.branch_count;
        return Verdict::yes;
    }
    Verdict clear_branches(Message& m) {
        m.branch_count = 0;
        return Verdict::yes;
    }

    // Connections: a datagram has none, so there is nothing to keep, open or close.
    template <bool Message::* Field>
    Verdict of_connection(Message& m) {
        m.*Field = true;
        return Verdict::yes;
    }
    /// Without a port that of the topmost Via.
    Verdict connection_alias(Message& m, std::optional<int> port) {
        if (m.received.connection == 0) return Verdict::yes;
        const sip::Via* const via = m.sip.via();
        const int wanted = port ? *port : via != nullptr ? via->effective_port() : 0;
        if (wanted < 1 || wanted > 65535) return Verdict::no;
        return Verdict::of(
            engine_->net().add_alias(m.received.connection, static_cast<std::uint16_t>(wanted)));
    }
    Verdict try_proto(Message& m, std::string_view proto) {
        const auto known = parse_proto(proto);
        if (known) m.udp_mtu_try_proto = *known;
        return Verdict::of(known.has_value());
    }
    static Result<void> check_proto(const Module&, std::span<const Value> args) {
        if (!args[0].is_string() || parse_proto(args[0].string())) return {};
        return fail(fmt::format("\"{}\" is no protocol: UDP, TCP, TLS or SCTP", args[0].string()));
    }

    Verdict log(Message&, std::string_view text) {
        log::write(log::Level::error, "<script>", "", trimmed(text));
        return Verdict::yes;
    }
    Verdict log_at(Message&, int level, std::string_view text) {
        const auto wanted = static_cast<log::Level>(std::clamp(
            level, static_cast<int>(log::Level::alert), static_cast<int>(log::Level::debug)));
        if (log::enabled(wanted)) log::write(wanted, "<script>", "", trimmed(text));
        return Verdict::yes;
    }

private:
    static bool is_flag(std::int64_t n) noexcept { return n >= 0 && n < kFlags; }

    /// Scripts end their lines with "\n"; the sink adds one.
    static std::string_view trimmed(std::string_view text) noexcept {
        while (text.ends_with('\n')) text.remove_suffix(1);
        return text;
    }

    static Verdict said(Message& m, ScriptError error) noexcept {
        m.error = error;
        return error == ScriptError::none ? Verdict::yes : Verdict(error);
    }
    Verdict to(Message& m, std::string_view where) {
        const std::string_view uri = hop_uri(where, m.arena);
        if (uri.empty()) return said(m, ScriptError::bad_address);
        const std::string_view before = m.target.dst_uri;
        m.target.dst_uri = uri;
        const ScriptError error = engine_->forward(m);
        m.target.dst_uri = before;
        return said(m, error);
    }

    static Verdict bad_uri(Message& m) noexcept {
        LOG(warning, "the Request-URI \"{}\" cannot be changed: it is no URI", m.uri());
        m.error = ScriptError::bad_uri;
        return Verdict::no;
    }
    template <class F>
    static Verdict edit(Message& m, F change, std::string_view text) {
        const auto uri = sip::parse_uri(m.uri());
        if (!uri) return bad_uri(m);
        m.target.uri = change(m.arena, *uri, text);
        return Verdict::yes;
    }
    static Verdict cut_user(Message& m, int count, bool from_end) {
        const auto uri = sip::parse_uri(m.uri());
        if (!uri) return bad_uri(m);
        if (count < 0) return Verdict::no;
        std::string_view user = uri->user;
        const auto n = static_cast<std::size_t>(count);
        if (n > user.size()) {
            LOG(warning, "strip: {} characters of the user \"{}\", which is removed", n, user);
        }
        const std::size_t cut = std::min(n, user.size());
        if (from_end) {
            user.remove_suffix(cut);
        } else {
            user.remove_prefix(cut);
        }
        m.target.uri = uri_edit::with_user(m.arena, *uri, user);
        return Verdict::yes;
    }
};

using M = CoreModule;
constexpr Route any = Route::any;

constexpr std::string_view event_routes[] = {"core:worker-one-init", "core:pre-routing",
                                             "core:msg-received", "core:receive-parse-error"};

constexpr Function functions[] = {
    function<&M::forward>("forward", "Forwards without state to $du, else to the Request-URI.",
                          any),
    function<&M::forward_to>("forward", "Forwards without state to [proto:]host[:port].", any,
                             "where"),
    function<&M::forward_to_port>("forward", "Forwards without state to a host and port.", any,
                                  "host", "port"),
    function<&M::forward_over<Proto::udp>>("forward_udp", "Forwards without state over UDP.", any,
                                           "where"),
    function<&M::forward_over<Proto::tcp>>("forward_tcp", "Forwards without state over TCP.", any,
                                           "where"),
    function<&M::forward_over<Proto::tls>>("forward_tls", "Forwards without state over TLS.", any,
                                           "where"),
    function<&M::forward_over<Proto::sctp>>("forward_sctp", "Forwards without state over SCTP.",
                                            any, "where"),
    function<&M::forward_over_port<Proto::udp>>("forward_udp", "The same to a host and port.", any,
                                                "host", "port"),
    function<&M::forward_over_port<Proto::tcp>>("forward_tcp", "The same to a host and port.", any,
                                                "host", "port"),
    function<&M::forward_over_port<Proto::tls>>("forward_tls", "The same to a host and port.", any,
                                                "host", "port"),
    function<&M::forward_over_port<Proto::sctp>>("forward_sctp", "The same to a host and port.",
                                                 any, "host", "port"),
    function<&M::set_uri>("seturi", "Replaces the Request-URI.", any, "uri"),
    function<&M::set_uri>("rewriteuri", "The same as seturi.", any, "uri"),
    function<&M::revert_uri>("revert_uri", "Goes back to the Request-URI as received.", any),
    function<&M::set_host>("sethost", "Replaces the host; port and parameters stay.", any, "host"),
    function<&M::set_host>("rewritehost", "The same as sethost.", any, "host"),
    function<&M::set_host>("seth", "The same as sethost.", any, "host"),
    function<&M::set_host_port>("sethostport", "Replaces host and port.", any, "host_port"),
    function<&M::set_host_port>("rewritehostport", "The same as sethostport.", any, "host_port"),
    function<&M::set_host_port>("sethp", "The same as sethostport.", any, "host_port"),
    function<&M::set_host_port_transport>(
        "sethostporttrans", "Replaces host, port and the transport parameter.", any, "text"),
    function<&M::set_host_port_transport>("rewritehostporttrans", "The same as sethostporttrans.",
                                          any, "text"),
    function<&M::set_host_port_transport>("sethpt", "The same as sethostporttrans.", any, "text"),
    function<&M::set_port>("setport", "Replaces the port; an empty text removes it.", any, "port"),
    function<&M::set_port>("rewriteport", "The same as setport.", any, "port"),
    function<&M::set_port>("setp", "The same as setport.", any, "port"),
    function<&M::set_user>("setuser", "Replaces the user; an empty text removes it.", any, "user"),
    function<&M::set_user>("rewriteuser", "The same as setuser.", any, "user"),
    function<&M::set_user>("setu", "The same as setuser.", any, "user"),
    function<&M::set_user_password>("setuserpass", "Replaces user and password.", any,
                                    "user_password"),
    function<&M::set_user_password>("rewriteuserpass", "The same as setuserpass.", any,
                                    "user_password"),
    function<&M::set_user_password>("setup", "The same as setuserpass.", any, "user_password"),
    function<&M::prefix>("prefix", "Puts text before the user.", any, "text"),
    function<&M::strip>("strip", "Takes characters off the front of the user.", any, "count"),
    function<&M::strip_tail>("strip_tail", "Takes characters off the end of the user.", any,
                             "count"),
    function<&M::user_phone>("userphone", "Adds the parameter user=phone.", any),
    checked_function<&M::set_flag>(M::check_flag, "setflag", "Sets a message flag (0 to 31).", any,
                                   "flag"),
    checked_function<&M::reset_flag>(M::check_flag, "resetflag", "Clears a message flag.", any,
                                     "flag"),
    checked_function<&M::is_flag_set>(M::check_flag, "isflagset",
                                      "True when a message flag is set.", any, "flag"),
    function<&M::force_rport>("force_rport",
                              "Acts as if the sender's Via had asked for rport (RFC 3581).", any),
    function<&M::force_rport>("add_rport", "The same as force_rport.", any),
    function<&M::add_local_rport>("add_local_rport", "Asks for rport in our own Via.", any),
    function<&M::force_send_socket>(
        "force_send_socket", "Sends from the listener [proto:]address[:port].", any, "socket"),
    function<&M::set_advertised_address>(
        "set_advertised_address", "The host that our Via says for this message.", any, "host"),
    function<&M::set_advertised_port>("set_advertised_port",
                                      "The port that our Via says for this message.", any, "port"),
    function<&M::remove_branch>("remove_branch", "Removes an added branch, counted from 0.", any,
                                "index"),
    function<&M::clear_branches>("clear_branches", "Removes all added branches.", any),
    function<&M::of_connection<&Message::forward_no_connect>>(
        "set_forward_no_connect", "Over TCP the request only leaves on a connection that exists.",
        any),
    function<&M::of_connection<&Message::forward_close>>(
        "set_forward_close", "The TCP connection on which the request leaves is closed behind it.",
        any),
    function<&M::of_connection<&Message::reply_no_connect>>(
        "set_reply_no_connect", "Replies over TCP only leave on a connection that exists.", any),
    function<&M::of_connection<&Message::reply_close>>(
        "set_reply_close", "The TCP connection on which a reply leaves is closed behind it.", any),
    function<&M::connection_alias>(
        "force_tcp_alias",
        "Requests to this port of the sender use the connection; without a port that of its Via.",
        any, "port"),
    function<&M::connection_alias>("add_tcp_alias", "The same as force_tcp_alias.", any, "port"),
    checked_function<&M::try_proto>(M::check_proto, "udp_mtu_try_proto",
                                    "For this request instead of the parameter of this name.", any,
                                    "proto"),
    function<&M::log>("log", "Writes a line to the log as an error.", any, "text"),
    function<&M::log_at>("log", "Writes a line to the log at a level from -5 to 3.", any, "level",
                         "text"),
};

constexpr Descriptor descriptor{.name = "core",
                                .summary = "The functions that need no module.",
                                .create = make_module<CoreModule>,
                                .functions = functions,
                                .event_routes = event_routes,
                                .commands = core_commands,
                                .tunables = core_tunables};

/// Takes ":<digits>" off the end of `text`, but not out of an IPv6 address without brackets.
std::optional<std::uint16_t> take_port(std::string_view& text) noexcept {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || text.ends_with(']')) return std::nullopt;
    const bool has_more = text.find(':') != colon;
    if (has_more && !text.starts_with('[')) return std::nullopt;
    const auto port = text::parse_uint(text.substr(colon + 1), 65535);
    if (!port) return std::nullopt;
    text = text.substr(0, colon);
    return static_cast<std::uint16_t>(*port);
}

}  // namespace

Result<void> CoreBase::prepare(Core& core) {
    engine_ = static_cast<Engine*>(&core);  // nobody else prepares modules
    return {};
}

const Descriptor& core_descriptor() noexcept {
    return descriptor;
}

const Listener* find_listener(const Net& net, std::string_view text) noexcept {
    Proto proto = Proto::none;
    if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
        if (const auto known = parse_proto(text.substr(0, colon))) {
            proto = *known;
            text.remove_prefix(colon + 1);
        }
    }
    std::string_view host = text;
    const auto port = take_port(host);
    const auto address = Address::parse(host);
    for (const Listener& l : net.listeners()) {
        if (proto != Proto::none && proto != l.proto) continue;
        if (port && *port != l.address.port && *port != l.advertised_port) continue;
        if ((address && address->same_ip(l.address)) || text::ci_equal(host, l.advertised_host) ||
            (!l.name.empty() && host == l.name)) {
            return &l;
        }
    }
    return nullptr;
}

}  // namespace fairlead::server
