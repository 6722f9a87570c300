// NAT traversal of signalling: guessing NATs, contacts rewritten or aliased to where they came
// from. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>

#include "core/api/log.h"
#include "core/api/sip.h"
#include "core/api/text.h"
#include "core/module.h"
#include "modules/nathelper/contact.h"
#include "modules/nathelper/sdp.h"

namespace fairlead::nathelper {

namespace {

std::uint32_t offset(const Message& m, const char* at) noexcept {
    return static_cast<std::uint32_t>(at - m.sip.bytes().data());
}

/// "sip:ip:port", with ";transport=…" for all but UDP.
std::string source_uri(const Message& m) {
    std::string uri = "sip:" + m.received.source.text();
    if (m.received.proto != Proto::udp) uri += fmt::format(";transport={}", name(m.received.proto));
    return uri;
}

bool in(const Address& a, std::uint8_t first, std::uint8_t second, unsigned bits) noexcept {
    const unsigned mask = 0xff00U >> bits & 0xff;
    return a.ip[0] == first && (a.ip[1] & mask) == (second & mask);
}

class Nathelper final : public Module {
public:
    int nat_addr_mode = 1, append_sdp_oldmediaip = 1;
    std::string alias_name = "alias", nortpproxy_str = "a=nortpproxy:yes\r\n";
    // Of pinging registered contacts: known, so that a configuration that sets them starts.
    int natping_interval = 0, ping_nated_only = 0, natping_processes = 1, sipping_bflag = -1,
        natping_disable_bflag = -1, keepalive_timeout = 0, udpping_from_path = 0,
        filter_server_id = 0;
    std::string force_socket, natping_socket, sipping_from, sipping_method = "OPTIONS";
    const VariableRef* received = nullptr;

    Result<void> set_received(std::string_view text, ParamVariables& variables) {
        received = TRY(variables.variable(text));
        return {};
    }

    Result<void> prepare(Core&) override {
        if (natping_interval > 0) {
            LOG(warning, "natping_interval: nobody is pinged, there is no table of contacts");
        }
        return {};
    }

    Verdict fix_nated_contact(Message& m) {
        const auto at = contact(m);
        if (!at) return Verdict::no;
        const char* const host = at->uri.host.data();
        return Verdict::of(m.edits.replace(offset(m, host),
                                           static_cast<std::uint32_t>(at->behind_port() - host),
                                           m.arena.copy(m.received.source.text())));
    }
    Verdict fix_nated_register(Message& m) {
        if (received == nullptr) {
            LOG(error, "fix_nated_register needs the parameter received_avp");
            return Verdict::no;
        }
        return Verdict::of(received->set(m, m.arena.copy(source_uri(m))));
    }
    Verdict fix_nated_sdp(Message& m, int flags, std::optional<std::string_view> ip) {
        const std::string_view address = ip ? *ip : m.arena.copy(m.received.source.ip_text());
        const auto parsed = Address::parse(address);
        if ((flags & 10) != 0 && (!parsed || parsed->version != 4)) {
            LOG(error, "fix_nated_sdp: \"{}\" is no IPv4 address", address);
            return Verdict::no;
        }
        return Verdict(fix_sdp(m, {.direction = (flags & 1) != 0,
                                   .connection = (flags & 2) != 0,
                                   .mark = (flags & 4) != 0,
                                   .origin = (flags & 8) != 0,
                                   .address = address,
                                   .mark_line = nortpproxy_str,
                                   .note_old = append_sdp_oldmediaip != 0}));
    }
    /// In every contact, for another registrar.
    Verdict add_rcv_param(Message& m, std::optional<int> into_uri) {
        const bool in_uri = into_uri.value_or(0) != 0;
        const std::string uri = source_uri(m);
        const std::string_view text =
            m.arena.copy(in_uri ? ";received=" + uri : ";received=\"" + uri + "\"");
        for (std::size_t n = 0; const sip::Header* h = m.sip.header(sip::HeaderType::contact, n);
             ++n) {
            std::string_view rest = m.sip.value(*h);
            while (const auto value = sip::next_value(rest)) {
                const auto one = parse_contact(*value);
                if (!one) continue;
                const std::string_view into = in_uri ? one->uri_text : *value;
                const std::size_t headers = in_uri ? into.find('?') : into.npos;
                m.edits.insert(offset(m, into.data() + std::min(headers, into.size())), text);
            }
        }
        return Verdict::yes;
    }
    Value record_routes(Message& m, bool top) {
        std::int64_t count = 0;
        bool is_double = false;
        for (std::size_t n = 0;
             const sip::Header* h = m.sip.header(sip::HeaderType::record_route, n); ++n) {
            std::string_view rest = m.sip.value(*h);
            while (const auto value = sip::next_value(rest)) {
                const auto route = ++count == 1 ? sip::parse_name_addr(*value) : std::nullopt;
                const auto uri = route ? sip::parse_uri(route->uri) : std::nullopt;
                // Two lines of one server mark each other with r2=on.
                is_double = is_double || (uri && uri->param("r2"));
            }
        }
        return top && count > 0 ? (is_double ? 2 : 1) : count;
    }
    Verdict add_contact_alias(Message& m) {
        return alias(m, m.received.source.ip_text(true), m.received.source.port, m.received.proto);
    }
    Verdict add_contact_alias_given(Message& m, std::string_view ip, Value port,
                                    std::string_view proto) {
        const auto number =
            port.is_integer() ? std::optional(port.integer()) : text::parse_int(port.string());
        const auto transport = parse_proto(proto);
        if (!Address::parse(ip) || !number || *number < 1 || *number > UINT16_MAX || !transport) {
            LOG(error, "add_contact_alias: address, port or protocol is none");
            return Verdict::no;
        }
        return alias(m, ip, static_cast<std::uint16_t>(*number), *transport);
    }
    Verdict set_contact_alias(Message& m, std::optional<int> trim) {
        const auto at = contact(m);
        if (!at) return Verdict::no;
        bool malformed = false;
        const auto old = find_alias(at->uri_text, alias_name, false, malformed);
        if (trim.value_or(0) == 1 && old) {
            (void)m.edits.replace(offset(m, old->whole.data()),
                                  static_cast<std::uint32_t>(old->whole.size()), {});
        }
        // Kamailio differs: with headers in the URI it writes the alias behind them, where it is no
        // parameter.
        const std::size_t headers = std::min(at->uri_text.find('?'), at->uri_text.size());
        return alias(m, *at, at->uri_text.data() + headers, m.received.source.ip_text(true),
                     m.received.source.port, m.received.proto);
    }
    Verdict set_alias_to_pv(Message& m, const VariableRef& variable) {
        const auto at = contact(m);
        bool malformed = false;
        const auto found =
            at ? find_alias(at->uri_text, alias_name, false, malformed) : std::nullopt;
        if (!found) return Verdict::no;
        const std::string_view uri = m.arena.concat(
            {"sip:", found->ip, ":", found->port, ";transport=", name(found->proto)});
        return Verdict::of(variable.set(m, uri));
    }
    Verdict handle_ruri_alias(Message& m, std::optional<int> mode) {
        const std::string_view uri = m.uri();
        bool malformed = false;
        const auto found = find_alias(uri, alias_name, mode.value_or(0) != 0, malformed);
        if (!found) return malformed ? Verdict::no : Verdict(2);
        const bool udp = found->proto == Proto::udp;
        m.target.dst_uri = m.arena.concat(
            {"sip:", found->ip, ":", found->port,
             udp ? "" : ";transport=", udp ? std::string_view() : name(found->proto)});
        const auto at = static_cast<std::size_t>(found->whole.data() - uri.data());
        m.target.uri = m.arena.concat({uri.substr(0, at), uri.substr(at + found->whole.size())});
        return Verdict::yes;
    }
    Verdict is_rfc1918(Message& m, std::string_view ip) {
        (void)m;
        return Verdict::of(is_private(ip));
    }
    Verdict nat_uac_test(Message& m, int tests) {
        const sip::Via* const via = m.sip.via();
        const Address& source = m.received.source;
        const auto at = contact(m);
        const auto sent_by = via != nullptr ? Address::parse(via->host) : std::nullopt;
        const std::uint16_t via_port = via != nullptr && via->port != 0 ? via->port : 5060;
        const bool found =
            ((tests & 1) != 0 && at && is_private(at->uri.host)) ||
            ((tests & 2) != 0 && via != nullptr && (!sent_by || !sent_by->same_ip(source))) ||
            ((tests & 4) != 0 && via != nullptr && is_private(via->host)) ||
            ((tests & 16) != 0 && via != nullptr && source.port != via_port) ||
            ((tests & 32) != 0 && is_private(source.ip_text())) ||
            ((tests & 64) != 0 &&
             (m.received.proto == Proto::ws || m.received.proto == Proto::wss)) ||
            ((tests & 128) != 0 && at && at->uri.effective_port() != source.port) ||
            ((tests & 8) != 0 &&
             any_media_address(m, [&](std::string_view ip) { return is_private(ip); })) ||
            ((tests & 256) != 0 && any_media_address(m,
                                                     [&](std::string_view ip) {
                                                         const auto media = Address::parse(ip);
                                                         return media && !media->same_ip(source);
                                                     })) ||
            ((tests & 512) != 0 && goes_elsewhere(m));
        return Verdict::of(found);
    }

private:
    /// Whether a connection address ("c=IN IP4 …", RFC 4566 5.7) of an SDP body is `wanted`.
    template <class F>
    static bool any_media_address(const Message& m, F wanted) {
        std::string_view rest = m.sip.body();
        while (!rest.empty()) {
            const std::size_t end = std::min(rest.find('\n'), rest.size());
            std::string_view line = text::trim(rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
            if (!line.starts_with("c=IN IP4 ") && !line.starts_with("c=IN IP6 ")) continue;
            line = text::trim(line.substr(9));
            if (wanted(line.substr(0, line.find('/')))) return true;  // without TTL and number
        }
        return false;
    }
    static bool is_socket(std::optional<Proto> proto) noexcept {
        return proto == Proto::ws || proto == Proto::wss;
    }
    /// Request: $du leads to another host or port than the Request-URI, or over WebSocket. Reply:
    /// the next Via was seen from another address than it says, or is of a WebSocket.
    static bool goes_elsewhere(const Message& m) {
        if (m.is_request()) {
            const auto to = sip::parse_uri(m.uri()), next = sip::parse_uri(m.target.dst_uri);
            if (!to || !next) return false;
            return !text::ci_equal(to->host, next->host) ||
                   to->effective_port() != next->effective_port() || is_socket(next->transport());
        }
        const sip::Via* const via = m.sip.second_via();
        if (via == nullptr) return false;
        const auto rport = text::parse_uint(via->rport, UINT16_MAX);
        return (!via->received.empty() && !text::ci_equal(via->received, via->host)) ||
               (rport && *rport != via->effective_port()) || is_socket(via->proto);
    }
    Verdict alias(Message& m, std::string_view ip, std::uint16_t port, Proto proto) {
        if (m.sip.header(sip::HeaderType::contact) == nullptr) return Verdict(2);
        const auto at = contact(m);
        return at ? alias(m, *at, at->behind_port(), ip, port, proto) : Verdict::no;
    }
    /// A bare URI is put into < and >, or the alias would be a parameter of the header.
    Verdict alias(Message& m, const Contact& to, const char* where, std::string_view ip,
                  std::uint16_t port, Proto proto) {
        const std::string text =
            fmt::format(";{}={}~{}~{}", alias_name, ip, port, static_cast<int>(proto));
        if (!to.enclosed) m.edits.insert(offset(m, to.uri_text.data()), "<");
        m.edits.insert(offset(m, where), m.arena.copy(text));
        if (!to.enclosed) {
            m.edits.insert(offset(m, to.uri_text.data() + to.uri_text.size()), ">");
        }
        return Verdict::yes;
    }
    [[nodiscard]] bool is_private(std::string_view text) const noexcept {
        const auto a = Address::parse(text);
        if (!a || a->version != 4) return false;
        const bool protocol = in(*a, 192, 0, 8) && a->ip[2] == 0;
        return a->ip[0] == 10 || in(*a, 172, 16, 4) || in(*a, 192, 168, 8) || in(*a, 100, 64, 2) ||
               (protocol && (nat_addr_mode != 0 || a->ip[3] < 8));
    }
};

constexpr Route kAny = Route::request | Route::reply | Route::branch | Route::failure;

constexpr std::string_view kPing =
    "Of pinging registered contacts, which nobody keeps yet: accepted, without effect.";
constexpr Param params[] = {
    param<&Nathelper::nat_addr_mode>("nat_addr_mode",
                                     "1: all of 192.0.0.0/24 counts as private, 0: only /29.",
                                     {.min = 0, .max = 1}),
    param<&Nathelper::alias_name>("alias_name", "Name of the URI parameter of aliases."),
    param_variables<&Nathelper::set_received>("received_avp",
                                              "Variable that fix_nated_register() writes."),
    param<&Nathelper::append_sdp_oldmediaip>("append_sdp_oldmediaip",
                                             "fix_nated_sdp() notes each address that it replaced.",
                                             {.min = 0, .max = 1}),
    param<&Nathelper::nortpproxy_str>("nortpproxy_str",
                                      "Line that fix_nated_sdp() marks a body with."),
    param<&Nathelper::natping_interval>("natping_interval", kPing, {.min = 0}),
    param<&Nathelper::ping_nated_only>("ping_nated_only", kPing),
    param<&Nathelper::natping_processes>("natping_processes", kPing),
    param<&Nathelper::natping_socket>("natping_socket", kPing),
    param<&Nathelper::force_socket>("force_socket", kPing),
    param<&Nathelper::sipping_bflag>("sipping_bflag", kPing),
    param<&Nathelper::sipping_from>("sipping_from", kPing),
    param<&Nathelper::sipping_method>("sipping_method", kPing),
    param<&Nathelper::natping_disable_bflag>("natping_disable_bflag", kPing),
    param<&Nathelper::keepalive_timeout>("keepalive_timeout", kPing),
    param<&Nathelper::udpping_from_path>("udpping_from_path", kPing),
    param<&Nathelper::filter_server_id>("filter_server_id", kPing),
};
constexpr Function functions[] = {
    function<&Nathelper::fix_nated_contact>(
        "fix_nated_contact", "Writes the source address and port into the Contact.", kAny),
    function<&Nathelper::fix_nated_register>(
        "fix_nated_register", "Puts the source as a URI into received_avp.", Route::request),
    function<&Nathelper::add_contact_alias>(
        "add_contact_alias",
        "Adds ;alias=ip~port~protocol of the source to the Contact, behind host and port.",
        kAny | Route::local),
    function<&Nathelper::add_contact_alias_given>("add_contact_alias", "The same of an address.",
                                                  kAny | Route::local, "ip", "port", "protocol"),
    function<&Nathelper::set_contact_alias>("set_contact_alias",
                                            "The same behind the URI's other parameters; with trim "
                                            "1 an older alias goes.",
                                            kAny, "trim"),
    function<&Nathelper::set_alias_to_pv>("set_alias_to_pv",
                                          "Writes the alias of the Contact as a URI to a variable.",
                                          kAny, "variable"),
    function<&Nathelper::fix_nated_sdp>(
        "fix_nated_sdp",
        "Changes the SDP body: 1 adds a=direction:active, 2 puts the source address (or ip) into "
        "c= and a=rtcp, 4 adds nortpproxy_str, 8 puts it into o= and a=rtcp. 1 when an address was "
        "replaced, 2 when none was.",
        kAny, "flags", "ip"),
    function<&Nathelper::add_rcv_param>(
        "add_rcv_param",
        "Adds a parameter received with the source as a URI to all Contacts; to their URIs when "
        "into_uri is not 0.",
        Route::request, "into_uri"),
    function<&Nathelper::handle_ruri_alias>("handle_ruri_alias",
                                            "Takes the alias out of the Request-URI into $du: 1 "
                                            "done, 2 none, -1 malformed; mode 1 takes "
                                            "the last of several.",
                                            kAny | Route::local, "mode"),
    function<&Nathelper::nat_uac_test>("nat_uac_test",
                                       "Whether one test finds a NAT: 1 private Contact, 2 Via is "
                                       "not the source, 4 private Via, 16 "
                                       "Via's port is not the source's, 32 private source, 64 "
                                       "WebSocket, 128 Contact's port is not "
                                       "the source's, 8 private address in SDP, 256 one in SDP "
                                       "that is not the source, 512 the target ($du; of a reply "
                                       "received and rport) is not what the Request-URI or Via "
                                       "says.",
                                       kAny, "tests"),
    function<&Nathelper::is_rfc1918>("is_rfc1918", "Whether an address is private.", Route::any,
                                     "ip"),
};
constexpr Variable variables[] = {
    {.name = "rr_count",
     .doc = "Record-Routes of the message.",
     .get =
         [](Module& m, Message& msg, const VariableName&) {
             return static_cast<Nathelper&>(m).record_routes(msg, false);
         }},
    {.name = "rr_top_count",
     .doc = "Record-Routes of the top server: 2 when it wrote two, 0 when there is none.",
     .get =
         [](Module& m, Message& msg, const VariableName&) {
             return static_cast<Nathelper&>(m).record_routes(msg, true);
         }},
};
constexpr Descriptor descriptor{.name = "nathelper",
                                .summary = "NAT traversal of signalling.",
                                .create = make_module<Nathelper>,
                                .params = params,
                                .functions = functions,
                                .variables = variables};

}  // namespace

}  // namespace fairlead::nathelper

FAIRLEAD_MODULE(fairlead::nathelper::descriptor)
