// What the parts of tm share: the Work of a message.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/runtime.h"

#include <bit>

namespace fairlead::tm {

Work* work_of(const Runtime& rt, const Message& m) noexcept {
    return std::bit_cast<Work*>(m.slots[rt.slot]);
}

Work& work_for(const Runtime& rt, Message& m) {
    if (Work* const w = work_of(rt, m)) return *w;
    Work* const w = m.arena.make<Work>();
    m.slots[rt.slot] = std::bit_cast<std::uintptr_t>(w);
    return *w;
}

bool bind(Runtime& rt, Work& w, Bucket& b, Cell& c) noexcept {
    if (!rt.core->hazards().protect(rt.process(), &c)) return false;
    w.cell = &c;
    w.bucket = &b;
    return true;
}

void unbind(Runtime& rt, Work& w) noexcept {
    if (w.cell == nullptr || w.from_pick) return;
    rt.core->hazards().release(rt.process(), w.cell);
    w.cell = nullptr;
}

}  // namespace fairlead::tm
