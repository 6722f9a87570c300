// Asking to stay on the route of a dialog (RFC 3261 16.6 step 4, RFC 5658 for two sockets).
// SPDX-License-Identifier: Apache-2.0
#include "core/api/log.h"
#include "core/api/route_target.h"
#include "modules/rr/rr.h"

namespace fairlead::rr {

namespace {

constexpr std::string_view kName = "Record-Route: <";

}  // namespace

/// The parts that all lines of one message share.
struct Rr::Line {
    std::string_view scheme, user, at, lr, ftag, tag, params;
    bool names_sockets = false;

    /// Our own address as a socket has it.
    [[nodiscard]] std::string_view own(Arena& arena, const Listener& listener, Proto proto,
                                       bool one_of_two, std::string_view extra) const {
        const bool udp = proto == Proto::udp;
        // RFC 7118 5.2.2: there is no "wss" in URIs.
        const std::string_view socket_name = names_sockets ? listener.name : std::string_view();
        return arena.concat({kName, scheme, user, at, listener.via_sent_by,
                             udp ? "" : ";transport=",
                             udp                   ? ""
                             : is_websocket(proto) ? "ws"
                                                   : name(proto),
                             socket_name.empty() ? "" : ";sn=", socket_name,
                             one_of_two ? ";r2=on" : "", lr, ftag, tag, extra, params, ">\r\n"});
    }
    /// An address that the script gave.
    [[nodiscard]] std::string_view given(Arena& arena, std::string_view address) const {
        return arena.concat({kName, scheme, user, at, address, ftag, tag, lr, params, ">\r\n"});
    }
    /// … for one of two sockets of different protocols.
    [[nodiscard]] std::string_view given(Arena& arena, std::string_view address,
                                         Proto proto) const {
        return given(arena, arena.concat({address, ";transport=", name(proto), ";r2=on"}));
    }
};

std::string_view Rr::dialog_tag(Message& m) {
    // The tag of who began the dialog, whoever sends this request.
    const sip::NameAddr* const who = is_upstream(m) ? m.sip.to() : m.sip.from();
    return who != nullptr ? who->tag : std::string_view();
}

Rr::Line Rr::new_line(Message& m) {
    Line line;
    const auto uri = sip::parse_uri(m.uri());
    line.scheme = uri && uri->scheme == sip::Scheme::sips && !ignore_sips ? "sips:" : "sip:";
    line.names_sockets = sockname_mode;
    if (add_username) {
        const Value own = custom_user != nullptr ? custom_user->get(m) : Value();
        if (own.is_string()) line.user = own.string();
        if (line.user.empty() && uri) line.user = uri->user;
        if (!line.user.empty()) line.at = "@";
    }
    line.lr = enable_full_lr ? ";lr=on" : ";lr";
    if (append_fromtag) line.tag = dialog_tag(m);
    if (!line.tag.empty()) line.ftag = ";ftag=";
    line.params = state(m).rr_params;
    return line;
}

bool Rr::is_recorded(const Message& m) noexcept {
    for (const sip::Edit& edit : m.edits.list()) {
        if (edit.text.starts_with(kName)) return true;
    }
    return false;
}

void Rr::add_lines(Message& m, std::string_view text, std::uint16_t only_from) const {
    m.edits.insert(m.sip.frame().headers_offset, text, only_from);
}

Verdict Rr::record_route(Message& m, std::optional<std::string_view> params) {
    if (is_recorded(m)) {
        LOG(error, "the request is already record-routed");
        return Verdict::no;
    }
    const Line line = new_line(m);
    const std::string_view extra = params.value_or("");
    const auto listeners = core_->net().listeners();
    const Listener& in = listeners[m.received.listener];
    const Proto arrived = carrier(m.received.proto) == in.proto ? m.received.proto : in.proto;
    const std::string_view one = line.own(m.arena, in, arrived, false, extra);
    const bool has_websockets = core_->net().serves_http();
    const bool is_only_way = listeners.size() == 1 && !has_websockets;
    if (enable_double_rr == 0 || (is_only_way && enable_double_rr == 1)) {
        add_lines(m, one, sip::kAnySocket);
        return Verdict::yes;
    }
    // Which socket it leaves from is decided later: a variant for each.
    const std::string_view inbound = line.own(m.arena, in, arrived, true, extra);
    const auto add = [&](const Listener& out, Proto proto) {
        const bool crosses = out.index != in.index || proto != arrived || enable_double_rr == 2;
        const std::string_view text =
            crosses ? m.arena.concat({line.own(m.arena, out, proto, true, extra), inbound}) : one;
        add_lines(m, text, socket_key(out.index, proto));
    };
    for (const Listener& out : listeners) {
        add(out, out.proto);
        if (has_websockets && out.proto == Proto::tcp) add(out, Proto::ws);
        if (has_websockets && out.proto == Proto::tls) add(out, Proto::wss);
    }
    return Verdict::yes;
}

Verdict Rr::record_route_preset(Message& m, std::string_view outbound,
                                std::optional<std::string_view> inbound) {
    if (is_recorded(m)) {
        LOG(error, "the request is already record-routed");
        return Verdict::no;
    }
    warn_of_mismatch(m, inbound && !inbound->empty() ? *inbound : outbound);
    const Line line = new_line(m);
    std::string_view text = line.given(m.arena, outbound);
    if (inbound && !inbound->empty()) {
        text = m.arena.concat({text, line.given(m.arena, *inbound)});
    }
    add_lines(m, text, sip::kAnySocket);
    return Verdict::yes;
}

Verdict Rr::record_route_advertised_address(Message& m, std::string_view address) {
    if (is_recorded(m)) {
        LOG(error, "the request is already record-routed");
        return Verdict::no;
    }
    const Line line = new_line(m);
    const auto listeners = core_->net().listeners();
    const Listener& in = listeners[m.received.listener];
    for (const Listener& out : listeners) {
        const bool two = enable_double_rr == 2 || (enable_double_rr == 1 && out.proto != in.proto);
        const std::string_view text = two ? m.arena.concat({line.given(m.arena, address, out.proto),
                                                            line.given(m.arena, address, in.proto)})
                                          : line.given(m.arena, address);
        add_lines(m, text, out.index);
    }
    return Verdict::yes;
}

void Rr::warn_of_mismatch(const Message& m, std::string_view address) const {
    if (!enable_socket_mismatch_warning) return;
    const Listener& in = core_->net().listeners()[m.received.listener];
    const std::string_view host = address.substr(0, address.find_first_of(":;", 1));
    if (address.starts_with('[') ? address.starts_with(in.address.ip_text(true))
                                 : host == in.address.ip_text() || host == in.advertised_host) {
        return;
    }
    LOG(warning, "record_route_preset: \"{}\" is not the socket on which the request came, {}",
        address, in.uri_text);
}

Result<void> Rr::set_custom_user(std::string_view text, ParamVariables& variables) {
    custom_user = TRY(variables.variable(text));
    return {};
}

Verdict Rr::add_rr_param(Message& m, std::string_view param) {
    return Verdict::of(add_param(m, param));
}

bool Rr::add_param(Message& m, std::string_view param) {
    if (!param.starts_with(';')) {
        LOG(error, "add_rr_param: \"{}\" does not begin with ';'", param);
        return false;
    }
    State& s = state(m);
    s.rr_params = m.arena.concat({s.rr_params, param});
    for (const sip::Edit& edit : m.edits.list()) {
        if (!edit.text.starts_with(kName)) continue;
        std::string_view rest = edit.text, text;
        for (std::size_t end; (end = rest.find(">\r\n")) != std::string_view::npos;) {
            text = m.arena.concat({text, rest.substr(0, end), param, ">\r\n"});
            rest.remove_prefix(end + 3);
        }
        m.edits.change_text(edit.text, text);
    }
    return true;
}

Verdict Rr::remove_record_route(Message& m) {
    for (const sip::Edit& edit : m.edits.list()) {
        if (edit.text.starts_with(kName)) m.edits.change_text(edit.text, {});
    }
    return Verdict::yes;
}

}  // namespace fairlead::rr
