// How often each address asked. SPDX-License-Identifier: Apache-2.0
#include "modules/pike/visitors.h"

#include <algorithm>
#include <cstring>

namespace fairlead::pike {
namespace {

/// The finalizer of SplitMix64: each bit of `x` changes half of the result's.
std::uint64_t mixed(std::uint64_t x) noexcept {
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
}

}  // namespace

bool Visitors::init(Core& core, const Limits& limits) {
    limits_ = limits;
    seed_ = core.random().next();  // nobody can choose addresses that share a place
    house_ = core.memory().make<House>(core.memory().tag("pike", "visitors"));
    if (house_ == nullptr) return false;
    for (Place& place : house_->places) place.mutex.init(shm::Rank::table);
    return true;
}

Place& Visitors::place_of(const Address& ip) const noexcept {
    std::array<std::uint64_t, 2> halves{};
    static_assert(sizeof halves == sizeof ip.ip);
    std::memcpy(halves.data(), ip.ip.data(), sizeof halves);
    const std::uint64_t hash = mixed(mixed(halves[0] ^ seed_) + halves[1]);
    return house_->places[hash % House::kPlaces];
}

/// Into the period that it is now.
void Visitors::move_on(Visitor& v, std::int64_t period) const noexcept {
    if (v.period == period) return;
    v.before = v.period + 1 == period ? v.hits : 0;
    v.hits = 0;
    v.period = period;
}

Visitors::Seen Visitors::count(const Address& source, Ms now, bool& displaced) noexcept {
    Place& place = place_of(source);
    const shm::Guard guard(place);
    auto& all = place.visitors;
    auto* v = std::ranges::find_if(
        all, [&](const Visitor& one) { return one.ip.same_ip(source) && !is_forgotten(one, now); });
    if (v == all.end()) {
        v = std::ranges::find_if(all, [&](const Visitor& one) { return is_forgotten(one, now); });
        if (v == all.end()) {
            v = std::ranges::min_element(all, {}, &Visitor::last);
            displaced = true;
        }
        *v = {};
        v->ip = source;
    }
    move_on(*v, now.count() / limits_.period.count());
    v->last = now;
    if (v->hits != UINT32_MAX) ++v->hits;
    const bool was_blocked = v->is_blocked;
    v->is_blocked = v->hits > limits_.hits || (was_blocked && v->before > limits_.hits);
    if (v->is_blocked) return was_blocked ? Seen::blocked : Seen::newly_blocked;
    return was_blocked ? Seen::unblocked : Seen::allowed;
}

std::vector<Visitors::Entry> Visitors::list(Ms now) const {
    std::vector<Entry> found;
    const std::int64_t period = now.count() / limits_.period.count();
    for (Place& place : house_->places) {
        std::array<Visitor, Place::kVisitors> all;
        {
            const shm::Guard guard(place);
            all = place.visitors;
        }
        for (Visitor& v : all) {
            if (is_forgotten(v, now)) continue;
            move_on(v, period);
            const bool is_blocked =
                v.is_blocked && (v.hits > limits_.hits || v.before > limits_.hits);
            found.push_back({v.ip, v.hits, v.before, is_blocked, limits_.latency - (now - v.last)});
        }
    }
    return found;
}

}  // namespace fairlead::pike
