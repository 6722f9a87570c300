// What scripts add to our Via: the server's number, and fields of an $xavp.
// SPDX-License-Identifier: Apache-2.0
#include "modules/corex/via.h"

#include <algorithm>
#include <string>

#include "core/api/log.h"
#include "core/api/text.h"

namespace fairlead::corex {

namespace {

constexpr std::size_t kMostParams = 1024;  ///< bytes of all parameters

/// RFC 3261 25.1: what needs no quotes as the name or the value of a parameter.
bool is_plain(std::string_view text, std::string_view more) noexcept {
    return std::ranges::all_of(text, [&](char c) {
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        return is_letter || text::is_digit(c) ||
               std::string_view("-.!%*_+`'~").find(c) != std::string_view::npos ||
               more.find(c) != std::string_view::npos;
    });
}

/// The newest set of a name; null when there is none.
const Xavp* fields_of(const Message& m, std::string_view name) noexcept {
    for (const Xavp* x = m.xavps.roots(); x != nullptr && !name.empty(); x = x->next) {
        if (x->name == name && x->is_set) return x->fields;
    }
    return nullptr;
}

void add_params(const Message& m, std::string_view name, std::string& out) {
    for (const Xavp* x = fields_of(m, name); x != nullptr; x = x->next) {
        const std::string value = x->value.is_integer() ? std::to_string(x->value.integer())
                                                        : std::string(x->value.string());
        const std::size_t room = kMostParams - std::min(kMostParams, out.size());
        if (x->is_set || x->name.empty() || !is_plain(x->name, {}) || !is_plain(value, "[]:") ||
            x->name.size() + value.size() + 2 > room) {
            LOG(error, "the field {} of $xavp({}) can be no parameter of a Via", x->name, name);
            continue;
        }
        out += ';';
        out += x->name;
        if (!value.empty()) (out += '=') += value;
    }
}

/// "10.0.0.1", "[::1]" or "sip.example.com"; 0 as the port is that of the socket.
void take_address(Message& m, std::string_view name) {
    constexpr std::size_t kMostHost = 255;
    std::string_view host;
    std::int64_t port = 0;
    for (const Xavp* x = fields_of(m, name); x != nullptr; x = x->next) {
        const Value& v = x->value;
        if (x->name == "address" && host.empty()) host = v.string();
        if (x->name != "port" || port != 0) continue;
        const auto number = text::parse_uint(v.string(), 65535);
        port = v.is_integer() ? v.integer() : static_cast<std::int64_t>(number.value_or(0));
    }
    if (host.empty() || host.size() > kMostHost || !is_plain(host, "[]:") || port < 0 ||
        port > 65535) {
        LOG(error, "$xavp({}=>address) and port are no address for a Via", name);
        return;
    }
    m.advertised_host = m.arena.copy(host);
    m.advertised_port = static_cast<std::uint16_t>(port);
}

}  // namespace

void apply_via(Message& m, unsigned parts, const Globals& globals) {
    std::string params;
    if ((parts & kServerId) != 0 && globals.server_id != 0)
        params = ";srvid=" + std::to_string(globals.server_id);
    if ((parts & kParams) != 0) add_params(m, globals.xavp_via_params, params);
    m.via_params = m.arena.copy(params);
    if ((parts & kFields) != 0) take_address(m, globals.xavp_via_fields);
}

}  // namespace fairlead::corex
