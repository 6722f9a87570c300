// The books of transactions. SPDX-License-Identifier: Apache-2.0
#include "modules/tm/audit.h"

#include <algorithm>

namespace fairlead::tm {
namespace {

/// A timer fires in a process that may be busy, and frees wait for those who look on.
constexpr Due kPatience = 2000;
/// No script that runs for a transaction takes longer than this.
constexpr std::uint64_t kLongestScript = 600'000;
constexpr int kTries = 5;

/// How old it may become: its requests end within its lifetime, a choice may make them begin anew,
/// and then it waits for what comes late (Timers D, H, I, J, L, and those of CANCELs).
std::uint64_t most(const Cell& c, const Policy& p) noexcept {
    const std::uint64_t waits = 2 * std::uint64_t{p.t1_64()} + p.wait + kPatience;
    return std::uint64_t{c.lifetime} + waits + kLongestScript;
}

bool is_overdue(const Cell& c, Ms now, const Policy& p) noexcept {
    const auto age =
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, (now - c.created).count()));
    if (c.lifetime != kNever && age > most(c, p)) return true;
    const bool in_script = c.has(Cell::in_route) || c.has(Cell::choosing);
    if (!c.is_armed()) return !in_script;    // nothing will ever happen to it
    if (c.armed_at == kNever) return false;  // it fires at this moment
    const Due due = next_due(c);
    // Armed for later than the earliest of its times, or not fired in time.
    return (due != kNever && !c.has(Cell::dead) && c.armed_at > due + kPatience) ||
           age > std::uint64_t{c.armed_at} + kPatience;
}

void walk(const Runtime& rt, Audit& found) noexcept {
    for (std::uint32_t slot = 0; slot < rt.table.size(); ++slot) {
        Bucket& b = rt.table.bucket(slot);
        if (!b.first) continue;
        const shm::Guard<Bucket> guard(b);
        for (const Cell* c = b.first.get(); c != nullptr; c = c->link.get()) {
            ++found.live;
            found.overdue += is_overdue(*c, rt.now(), rt.policy);
        }
    }
}

}  // namespace

Audit audit(const Runtime& rt) noexcept {
    const shm::Counters& counters = rt.core->counters();
    Audit found;
    for (int i = 0; i < kTries; ++i) {
        found = {.created = counters.sum(rt.counts.created),
                 .freed = counters.sum(rt.counts.freed)};
        walk(rt, found);
        found.unaccounted = found.created - found.freed - found.live;
        if (found.unaccounted == 0) break;
    }
    return found;
}

}  // namespace fairlead::tm
