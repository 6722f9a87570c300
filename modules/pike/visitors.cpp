// How often each address asked. SPDX-License-Identifier: Apache-2.0
#include "modules/pike/visitors.h"

#include <algorithm>
#include <cstring>

namespace fairlead::pike {

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
    const std::uint64_t mixed = Random(halves[0] ^ seed_).next();
    const std::uint64_t hash = Random(mixed + halves[1]).next();
    return house_->places[hash % House::kPlaces];
}

/// Into the period of `now`. A process takes the time once for a batch of messages: it may be
/// behind the one that saw the address last.
void Visitors::move_on(Visitor& v, Ms now) const noexcept {
    const auto passed = now / limits_.period - v.last / limits_.period;
    v.last = std::max(v.last, now);
    if (passed <= 0) return;
    v.before = passed == 1 ? v.hits : 0;
    v.hits = 0;
    v.is_blocked = v.is_blocked && v.before > limits_.hits;
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
        v->last = now;
    }
    const bool was_blocked = v->is_blocked;
    move_on(*v, now);
    if (v->hits != UINT32_MAX) ++v->hits;
    if (v->hits > limits_.hits) v->is_blocked = true;
    if (v->is_blocked) return was_blocked ? Seen::blocked : Seen::newly_blocked;
    return was_blocked ? Seen::unblocked : Seen::allowed;
}

std::vector<Visitors::Entry> Visitors::list(Ms now) const {
    std::vector<Entry> found;
    for (Place& place : house_->places) {
        std::array<Visitor, Place::kVisitors> all;
        {
            const shm::Guard guard(place);
            all = place.visitors;
        }
        for (Visitor& v : all) {
            if (is_forgotten(v, now)) continue;
            const Ms left = limits_.latency - (now - v.last);
            move_on(v, now);
            found.push_back({v.ip, v.hits, v.before, v.is_blocked, left});
        }
    }
    return found;
}

}  // namespace fairlead::pike
