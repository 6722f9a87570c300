// pv: what is being received or sent, and the time to the microsecond.
// SPDX-License-Identifier: Apache-2.0
#include "modules/pv/wire_vars.h"

#include <fmt/format.h>

#include <array>
#include <chrono>

#include "modules/pv/pv.h"
#include "modules/pv/words.h"

namespace fairlead::pv {

namespace {

constexpr std::array<std::string_view, 7> kLeaving{"ip",  "port", "proto", "af",
                                                   "buf", "len",  "sproto"};
constexpr std::array<std::string_view, 5> kFrom{"ip", "port", "proto", "af", "sproto"};
constexpr std::array<std::string_view, 8> kArriving{"buf",   "len",     "proto",   "srcip",
                                                    "rcvip", "srcport", "rcvport", "af"};
constexpr std::array<std::string_view, 5> kTimes{"s", "u", "sn", "un", "Sn"};

Value ip(Message& m, const Address& address) {
    constexpr std::size_t kRoom = 48;
    char* const out = m.arena.allocate(kRoom);
    return std::string_view(out, address.write_ip(out, false));
}

/// The numbers of address families on the platforms that scripts were written for.
int family(const Address& address) noexcept {
    constexpr int kInet = 2, kInet6 = 10;
    return address.version == 6 ? kInet6 : kInet;
}

Value size_of(std::string_view s) noexcept {
    return static_cast<std::int64_t>(s.size());
}

}  // namespace

Result<std::uint64_t> resolve_leaving(Module&, std::string_view inner) {
    return one_of(kLeaving, inner);
}
Value get_leaving(Module&, Message& m, const VariableName& name) {
    if (m.leaving == nullptr) return {};
    const Leaving& l = *m.leaving;
    switch (name.handle) {
        case 0: return ip(m, l.to.address);
        case 1: return l.to.address.port;
        case 2: return fairlead::name(l.to.proto);
        case 3: return family(l.to.address);
        case 4: return l.bytes;
        case 5: return size_of(l.bytes);
        default: return fairlead::name(l.to.proto);
    }
}

Result<std::uint64_t> resolve_leaving_from(Module&, std::string_view inner) {
    return one_of(kFrom, inner);
}
Value get_leaving_from(Module& self, Message& m, const VariableName& name) {
    Core* const core = static_cast<Pv&>(self).core;
    if (m.leaving == nullptr || core == nullptr) return {};
    const auto listeners = core->net().listeners();
    const std::size_t index = m.leaving->to.listener;
    if (index >= listeners.size()) return {};
    const Listener& from = listeners[index];
    switch (name.handle) {
        case 0: return ip(m, from.address);
        case 1: return from.address.port;
        case 3: return family(from.address);
        default: return fairlead::name(from.proto);
    }
}

Result<std::uint64_t> resolve_arriving(Module&, std::string_view inner) {
    return one_of(kArriving, inner);
}
Value get_arriving(Module&, Message& m, const VariableName& name) {
    if (m.route_type != Route::event || m.sip.bytes().empty()) return {};
    const Received& r = m.received;
    switch (name.handle) {
        case 0: return m.sip.bytes();
        case 1: return size_of(m.sip.bytes());
        case 2: return fairlead::name(r.proto);
        case 3: return ip(m, r.source);
        case 4: return ip(m, r.local);
        case 5: return r.source.port;
        case 6: return r.local.port;
        default: return family(r.source);
    }
}

Result<std::uint64_t> resolve_exact_time(Module&, std::string_view inner) {
    return one_of(kTimes, inner);
}
Value get_exact_time(Module& self, Message& m, const VariableName& name) {
    Pv& pv = static_cast<Pv&>(self);
    if (pv.core == nullptr) return {};
    constexpr std::int64_t kMicro = 1'000'000;
    const Clock& clock = pv.core->clock();
    std::int64_t when = clock.unix_microseconds();
    constexpr std::uint64_t kFirstOfNow = 2;
    if (name.handle < kFirstOfNow) {
        // The same for all who ask while this message is worked on.
        std::uintptr_t& noted = m.slots[pv.time_slot];
        if (noted == 0) {
            const std::chrono::microseconds since = clock.now() - m.arrived;
            noted = static_cast<std::uintptr_t>(when - since.count());
        }
        when = static_cast<std::int64_t>(noted);
    }
    constexpr std::uint64_t kBoth = 4;
    if (name.handle == kBoth) {
        constexpr std::size_t kRoom = 32;
        char* const out = m.arena.allocate(kRoom);
        const auto end = fmt::format_to_n(out, kRoom, "{}.{:06}", when / kMicro, when % kMicro);
        return std::string_view(out, end.size);
    }
    return name.handle % 2 == 0 ? when / kMicro : when % kMicro;
}

}  // namespace fairlead::pv
