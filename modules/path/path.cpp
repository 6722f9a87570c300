// Path (RFC 3327): asking to be on the way of requests to a registered contact.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>

#include "core/api/core.h"
#include "core/api/log.h"
#include "core/api/sip.h"
#include "core/module.h"
#include "modules/rr/api.h"

namespace fairlead::path {

namespace {

int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// RFC 3261 19.1.2; nullopt for what decodes to something that no URI has.
std::optional<std::string> unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            if (i + 2 >= text.size()) return std::nullopt;
            const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            c = static_cast<char>(high * 16 + low);
            i += 2;
        }
        if (static_cast<unsigned char>(c) <= ' ') return std::nullopt;
        out += c;
    }
    return out;
}

class Path final : public Module, private rr::RouteListener {
public:
    bool use_received = false, enable_r2 = false, sockname_mode = false;
    int received_format = 0;
    std::string received_name = "received";
    rr::Api* rr = nullptr;

    Result<void> prepare(Core& core) override {
        core_ = &core;
        if (!use_received) return {};
        if (rr == nullptr) return fail("parameter \"use_received\" of module path needs module rr");
        rr->on_route(*this);
        return {};
    }

    Verdict add_path(Message& m, std::optional<std::string_view> user,
                     std::optional<std::string_view> params) {
        return add(m, user.value_or(""), params.value_or(""), {});
    }
    Verdict add_path_received(Message& m, std::optional<std::string_view> user,
                              std::optional<std::string_view> params) {
        const Address& from = m.received.source;
        const std::string_view proto = name(m.received.proto);
        std::string value;
        if (received_format == 1) {
            value = fmt::format("{}~{}~{}", from.ip_text(true), from.port,
                                static_cast<int>(m.received.proto));
        } else {
            value = fmt::format("sip:{}:{}", from.ip_text(true), from.port);
            if (m.received.proto != Proto::udp) value += fmt::format("%3Btransport%3D{}", proto);
        }
        return add(m, user.value_or(""), params.value_or(""),
                   fmt::format(";{}={}", received_name, value));
    }

private:
    Verdict add(Message& m, std::string_view user, std::string_view params,
                std::string_view received) {
        if (!m.is_request()) return Verdict::no;
        for (const std::string_view part : {user, params}) {
            if (part.find_first_of("<>\r\n") == part.npos) continue;
            LOG(error, "\"{}\" cannot stand in a URI", part);
            return Verdict::no;
        }
        const Listener& in = core_->net().listeners()[m.received.listener];
        const Proto proto = carrier(m.received.proto) == in.proto ? m.received.proto : in.proto;
        // RFC 7118 5.2.2: there is no "wss" in URIs.
        const std::string_view word = is_websocket(proto) ? "ws" : name(proto);
        const std::string transport = proto == Proto::udp ? "" : fmt::format(";transport={}", word);
        const std::string socket =
            sockname_mode && !in.name.empty() ? fmt::format(";sn={}", in.name) : "";
        const auto line = [&](std::string_view more) {
            return fmt::format("Path: <sip:{}{}{}{}{};lr{}{}{}{}>\r\n", user,
                               user.empty() ? "" : "@", in.via_sent_by, transport, socket, more,
                               enable_r2 ? ";r2=on" : "", params.empty() ? "" : ";", params);
        };
        // With r2 the second line is that of the socket on which the request came.
        std::string lines = line(received);
        if (enable_r2) lines += line({});
        const std::string_view text = m.arena.copy(lines);
        if (const sip::Header* const first = m.sip.header(sip::HeaderType::path)) {
            m.edits.insert_before(*first, text);
        } else {
            m.edits.append_header(m.sip, text);
        }
        return Verdict::yes;
    }

    void route_followed(Message& m, std::string_view params) override {
        const auto found = sip::find_param(params, received_name);
        if (!found || !found->has_value) return;
        const auto uri = unescaped(found->value);
        const auto parsed = uri ? sip::parse_uri(*uri) : std::nullopt;
        if (!parsed || !parsed->is_sip()) {
            LOG(error, "\"{}\" in a Route is no SIP URI", found->value);
            return;
        }
        m.target.dst_uri = m.arena.copy(*uri);
    }

    Core* core_ = nullptr;
};

constexpr Param params[] = {
    param<&Path::use_received>("use_received",
                               "Send requests to the address that our Route carries as received."),
    param<&Path::received_format>("received_format", "0: an escaped URI; 1: ip~port~protocol.",
                                  {.min = 0, .max = 1}),
    param<&Path::received_name>("received_name", "Name of that parameter."),
    param<&Path::enable_r2>("enable_r2", "Write two Path lines, with ;r2=on."),
    param<&Path::sockname_mode>("sockname_mode", "Write the socket's name as ;sn."),
};
constexpr Function functions[] = {
    function<&Path::add_path>("add_path", "Adds a Path with our address.", Route::request, "user",
                              "parameters"),
    function<&Path::add_path_received>(
        "add_path_received", "Adds a Path with our address, and where the request came from in it.",
        Route::request, "user", "parameters"),
};
constexpr Need needed[] = {needs<&Path::rr>(true)};
constexpr Descriptor descriptor{.name = "path",
                                .summary = "Path (RFC 3327).",
                                .create = make_module<Path>,
                                .params = params,
                                .functions = functions,
                                .needs = needed};

}  // namespace

}  // namespace fairlead::path

FAIRLEAD_MODULE(fairlead::path::descriptor)
