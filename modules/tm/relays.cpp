// The script functions that relay or replicate to a given place.
// SPDX-License-Identifier: Apache-2.0
#include "core/api/log.h"
#include "core/api/text.h"
#include "modules/tm/cancel.h"
#include "modules/tm/cells.h"
#include "modules/tm/lookup.h"
#include "modules/tm/replicate.h"
#include "modules/tm/tm.h"

namespace fairlead::tm {
namespace {

using BucketGuard = shm::Guard<Bucket>;

enum RelayFlag : std::uint8_t { no_trying = 1, no_error_reply = 2, no_failover = 4 };
constexpr int kNoInternalReply = -4;

/// The flags of t_relay_to(): a number, also in hexadecimal digits; nullopt when it is none.
std::optional<std::uint32_t> relay_flags(const Value& v) noexcept {
    if (v.is_integer())
        return v.integer() >= 0 && v.integer() <= UINT32_MAX
                   ? std::optional(static_cast<std::uint32_t>(v.integer()))
                   : std::nullopt;
    std::string_view s = v.string();
    unsigned base = 10;
    if (s.starts_with("0x") || s.starts_with("0X")) {
        s.remove_prefix(2);
        base = 16;
    }
    std::uint32_t n = 0;
    if (s.empty() || s.size() > 8) return std::nullopt;
    for (const char c : s) {
        const char lower = text::to_lower(c);
        const unsigned digit = text::is_digit(c) ? static_cast<unsigned>(c - '0')
                               : lower >= 'a' && lower <= 'f'
                                   ? static_cast<unsigned>(lower - 'a') + 10
                                   : 16;
        if (digit >= base) return std::nullopt;
        n = n * base + digit;
    }
    return n;
}

}  // namespace

std::string_view Tm::join(Message& m, std::string_view proto, std::string_view host,
                          const Value& port) {
    const auto number = fmt::format_int(port.integer());
    const std::string_view text =
        port.is_integer() ? std::string_view(number.data(), number.size()) : port.string();
    const bool bare_ipv6 = host.find(':') != std::string_view::npos && !host.starts_with('[');
    if (bare_ipv6) host = m.arena.concat({"[", host, "]"});
    if (proto.empty()) return m.arena.concat({host, ":", text});
    return m.arena.concat({proto, ":", host, ":", text});
}

Verdict Tm::t_relay(Message& m) {
    return relayed(relay(rt_, m, {}));
}
Verdict Tm::t_relay_address(Message& m, std::string_view address) {
    return relayed(relay(rt_, m, {.address = address}));
}
Verdict Tm::t_relay_host(Message& m, std::string_view host, Value port) {
    return relayed(relay(rt_, m, {.address = join(m, {}, host, port)}));
}

Verdict Tm::t_relay_to(Message& m, Value first, Value second) {
    std::optional<std::uint32_t> flags;
    std::string_view address;
    if (!second.is_null()) {
        flags = relay_flags(second);
        address = first.string();
        if (!flags) {
            LOG(error, "t_relay_to(): \"{}\" is no number of flags", second.string());
            return Verdict::no;
        }
    } else {
        flags = relay_flags(first);
        if (!flags) address = first.string();
    }
    Work& w = work_for(rt_, m);
    const std::uint32_t bits = flags.value_or(0);
    if ((bits & no_trying) != 0) w.no_auto_100 = true;
    if ((bits & no_error_reply) != 0) w.no_error_reply = true;
    const int result = relay(rt_, m, {.address = address});
    return Verdict(result < 0 && (bits & no_error_reply) != 0 ? kNoInternalReply : result);
}
Verdict Tm::t_relay_plain(Message& m) {
    return t_relay(m);
}
Verdict Tm::t_relay_some(Message& m, Value proxy_or_flags) {
    return t_relay_to(m, proxy_or_flags, {});
}

Verdict Tm::t_relay_cancel(Message& m) {
    if (m.sip.method() != sip::Method::cancel) return Verdict::no;
    if (lookup_cancel(rt_, m, false) < 0) return Verdict::yes;  // there is nothing to cancel
    const int result = relay_cancel(rt_, m, work_for(rt_, m), {});
    return result > 0 ? Verdict::stop : Verdict(result);
}

Verdict Tm::t_forward_nonack(Message& m) {
    return Verdict(forward_nonack(rt_, m, {}));
}
Verdict Tm::t_forward_nonack_address(Message& m, std::string_view address) {
    return Verdict(forward_nonack(rt_, m, {.address = address}));
}
Verdict Tm::t_forward_nonack_host(Message& m, std::string_view host, Value port) {
    return Verdict(forward_nonack(rt_, m, {.address = join(m, {}, host, port)}));
}
Verdict Tm::t_forward_nonack_to(Message& m, std::string_view proto, std::string_view address) {
    return Verdict(forward_nonack(rt_, m, {.address = m.arena.concat({proto, ":", address})}));
}

Verdict Tm::t_replicate(Message& m) {
    return Verdict(replicate(rt_, m, {}, {}));
}
Verdict Tm::t_replicate_uri(Message& m, std::string_view uri) {
    return Verdict(replicate(rt_, m, uri, {}));
}
Verdict Tm::t_replicate_host(Message& m, std::string_view host, Value port) {
    return Verdict(replicate(rt_, m, {}, {.address = join(m, {}, host, port)}));
}
Verdict Tm::t_replicate_to(Message& m, std::string_view proto, std::string_view address) {
    return Verdict(replicate(rt_, m, {}, {.address = m.arena.concat({proto, ":", address})}));
}
Verdict Tm::replicate_address(Message& m, std::string_view address) {
    return Verdict(replicate(rt_, m, {}, {.address = address}));
}

}  // namespace fairlead::tm
