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

namespace fairlead::nathelper {

namespace {

struct Place {
    std::string_view whole;  ///< the contact's URI, in the message
    sip::Uri uri;
};

/// The first contact, when it has a SIP URI.
std::optional<Place> contact(const Message& m) {
    std::string_view rest = m.sip.text(sip::HeaderType::contact);
    const auto value = sip::next_value(rest);
    const auto parsed = value ? sip::parse_name_addr(*value) : std::nullopt;
    if (!parsed || parsed->is_star) return std::nullopt;
    const auto uri = sip::parse_uri(parsed->uri);
    if (!uri || !uri->is_sip()) return std::nullopt;
    return Place{parsed->uri, *uri};
}

std::uint32_t offset(const Message& m, std::string_view part) noexcept {
    return static_cast<std::uint32_t>(part.data() - m.sip.bytes().data());
}

bool in(const Address& a, std::uint8_t first, std::uint8_t second, unsigned bits) noexcept {
    const unsigned mask = 0xff00U >> bits & 0xff;
    return a.ip[0] == first && (a.ip[1] & mask) == (second & mask);
}

class Nathelper final : public Module {
public:
    int nat_addr_mode = 1, natping_interval = 0;
    std::string alias_name = "alias";
    const VariableRef* received = nullptr;

    Result<void> set_received(std::string_view text, ParamVariables& variables) {
        received = TRY(variables.variable(text));
        return {};
    }

    Verdict fix_nated_contact(Message& m) {
        const auto at = contact(m);
        if (!at) return Verdict::no;
        const std::string_view host = at->uri.host, port = at->uri.port_text;
        const std::size_t end =
            port.empty() ? offset(m, host) + host.size() : offset(m, port) + port.size();
        const std::string text = m.received.source.text();
        return Verdict::of(m.edits.replace(offset(m, host),
                                           static_cast<std::uint32_t>(end - offset(m, host)),
                                           m.arena.copy(text)));
    }
    Verdict fix_nated_register(Message& m) {
        if (received == nullptr) {
            LOG(error, "fix_nated_register needs the parameter received_avp");
            return Verdict::no;
        }
        std::string uri = "sip:" + m.received.source.text();
        if (m.received.proto != Proto::udp)
            uri += fmt::format(";transport={}", name(m.received.proto));
        return Verdict::of(received->set(m, m.arena.copy(uri)));
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
    Verdict handle_ruri_alias(Message& m, std::optional<int> mode) {
        const std::string_view uri = m.uri();
        const std::string mark = ";" + alias_name + "=";
        const std::size_t at = mode.value_or(0) == 0 ? uri.find(mark) : uri.rfind(mark);
        if (at == uri.npos) return Verdict(2);
        const std::size_t from = at + mark.size();
        const std::size_t end = std::min(uri.find_first_of(";?", from), uri.size());
        const std::string_view value = uri.substr(from, end - from);
        const std::size_t first = value.find('~'), second = value.find('~', first + 1);
        if (first == value.npos || second == value.npos) return Verdict::no;
        const auto ip = Address::parse(value.substr(0, first));
        const auto port = text::parse_uint(value.substr(first + 1, second - first - 1), UINT16_MAX);
        const auto proto = text::parse_uint(value.substr(second + 1), 6);
        if (!ip || !port || *port == 0 || !proto || *proto == 0) return Verdict::no;
        const auto transport = static_cast<Proto>(*proto);
        m.target.dst_uri = m.arena.concat(
            {"sip:", value.substr(0, first), ":", value.substr(first + 1, second - first - 1),
             transport == Proto::udp ? "" : ";transport=",
             transport == Proto::udp ? std::string_view() : name(transport)});
        m.target.uri = m.arena.concat({uri.substr(0, at), uri.substr(end)});
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
        const auto at = contact(m);
        if (!at) return Verdict::no;
        const std::string text =
            fmt::format(";{}={}~{}~{}", alias_name, ip, port, static_cast<int>(proto));
        // Behind the URI's parameters, before its headers.
        const std::size_t headers = at->whole.find('?');
        m.edits.insert(
            offset(m, at->whole) + static_cast<std::uint32_t>(std::min(headers, at->whole.size())),
            m.arena.copy(text));
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

constexpr Param params[] = {
    param<&Nathelper::nat_addr_mode>("nat_addr_mode",
                                     "1: all of 192.0.0.0/24 counts as private, 0: only /29.",
                                     {.min = 0, .max = 1}),
    param<&Nathelper::alias_name>("alias_name", "Name of the URI parameter of aliases."),
    param_variables<&Nathelper::set_received>("received_avp",
                                              "Variable that fix_nated_register() writes."),
    param<&Nathelper::natping_interval>(
        "natping_interval", "Only 0: there are no contacts to be pinged.", {.min = 0, .max = 0}),
};
constexpr Function functions[] = {
    function<&Nathelper::fix_nated_contact>(
        "fix_nated_contact", "Writes the source address and port into the first Contact.", kAny),
    function<&Nathelper::fix_nated_register>(
        "fix_nated_register", "Puts the source as a URI into received_avp.", Route::request),
    function<&Nathelper::add_contact_alias>(
        "add_contact_alias", "Adds ;alias=ip~port~protocol of the source to the first Contact.",
        kAny | Route::local),
    function<&Nathelper::add_contact_alias_given>("add_contact_alias", "The same of an address.",
                                                  kAny | Route::local, "ip", "port", "protocol"),
    function<&Nathelper::add_contact_alias>("set_contact_alias", "The same as add_contact_alias().",
                                            kAny),
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
constexpr Descriptor descriptor{.name = "nathelper",
                                .summary = "NAT traversal of signalling.",
                                .create = make_module<Nathelper>,
                                .params = params,
                                .functions = functions};

}  // namespace

}  // namespace fairlead::nathelper

FAIRLEAD_MODULE(fairlead::nathelper::descriptor)
