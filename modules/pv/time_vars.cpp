// pv: time.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <ctime>

#include "modules/pv/pv.h"
#include "modules/pv/time_vars.h"
#include "modules/pv/words.h"

namespace fairlead::pv {

namespace {

std::tm broken_down(std::int64_t seconds, bool utc) {
    const auto when = static_cast<std::time_t>(seconds);
    std::tm out{};
    if (utc) {
        gmtime_r(&when, &out);
    } else {
        localtime_r(&when, &out);
    }
    return out;
}

std::int64_t unix_now(const Module& self) {
    Core* const core = static_cast<const Pv&>(self).core;
    return core != nullptr ? core->clock().unix_seconds() : 0;
}

/// "Sat Nov 21 05:14:42 2026".
Value date_text(Message& m, std::int64_t seconds) {
    constexpr std::size_t kRoom = 32;
    char* const out = m.arena.allocate(kRoom);
    const std::tm t = broken_down(seconds, false);
    return std::string_view(out, std::strftime(out, kRoom, "%a %b %e %H:%M:%S %Y", &t));
}

}  // namespace

Value get_now(Module& self, Message&, const VariableName&) {
    return unix_now(self);
}

Value get_arrival(Module& self, Message& m, const VariableName&) {
    Core* const core = static_cast<Pv&>(self).core;
    if (core == nullptr) return 0;
    return unix_now(self) - (core->clock().now() - m.arrived).count() / 1000;
}

namespace {
constexpr std::array<std::string_view, 9> kTimeFields{"sec",  "min",  "hour", "mday", "mon",
                                                      "year", "wday", "yday", "isdst"};
}  // namespace

Result<std::uint64_t> resolve_time(Module&, std::string_view inner) {
    return one_of(kTimeFields, inner);
}

template <bool Utc>
Value get_time(Module& self, Message&, const VariableName& name) {
    const std::tm t = broken_down(unix_now(self), Utc);
    const std::array<int, kTimeFields.size()> values{t.tm_sec,      t.tm_min,      t.tm_hour,
                                                     t.tm_mday,     t.tm_mon + 1,  t.tm_year + 1900,
                                                     t.tm_wday + 1, t.tm_yday + 1, t.tm_isdst};
    return values[name.handle];
}
template Value get_time<true>(Module&, Message&, const VariableName&);
template Value get_time<false>(Module&, Message&, const VariableName&);

Value get_arrival_text(Module& self, Message& m, const VariableName& name) {
    return date_text(m, get_arrival(self, m, name).integer());
}

Value get_now_text(Module& self, Message& m, const VariableName&) {
    return date_text(m, unix_now(self));
}

Value get_start(Module& self, Message&, const VariableName&) {
    return static_cast<Pv&>(self).started;
}

template <bool Utc>
Value get_formatted_time(Module& self, Message& m, const VariableName& name) {
    constexpr std::size_t kLongest = 128, kRoom = 256;
    std::array<char, kLongest> format{};
    if (name.inner.empty() || name.inner.size() >= kLongest) return Value::absent();
    name.inner.copy(format.data(), name.inner.size());
    const std::tm t = broken_down(unix_now(self), Utc);
    char* const out = m.arena.allocate(kRoom);
    const std::size_t size = std::strftime(out, kRoom, format.data(), &t);
    return size != 0 ? Value(std::string_view(out, size)) : Value::absent();
}
template Value get_formatted_time<true>(Module&, Message&, const VariableName&);
template Value get_formatted_time<false>(Module&, Message&, const VariableName&);

}  // namespace fairlead::pv
