// $T_req, $T_rpl and $T_inv.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/other_messages.h"

#include "modules/tm/lookup.h"
#include "modules/tm/stored_request.h"
#include "modules/tm/tm.h"

namespace fairlead::tm::variable {
namespace {

using BucketGuard = shm::Guard<Bucket>;

Runtime& runtime(Module& m) noexcept {
    return static_cast<Tm&>(m).runtime();
}

/// The variable's value in `m`; a string is copied to where it lives longer.
Value read(const VariableName& name, Message& m, Message& reader) {
    const Value value = name.variable->get(m);
    return value.is_string() ? Value(reader.arena.copy(value.string())) : value;
}

/// Fills in the stored request; false when it is not there any more. Under the lock.
bool load(const Cell& c, Message& m) {
    if (!c.request) return false;
    restore(*copy(*c.request, m.arena), m);
    m.flags = c.flag_bits;
    if (c.avps) (void)m.load_kept(c.avps.view());
    return true;
}

}  // namespace

Value of_request(Module& m, Message& msg, const VariableName& name) {
    Runtime& rt = runtime(m);
    const Work* const w = work_of(rt, msg);
    if (w == nullptr || w->cell == nullptr || name.variable == nullptr) return {};
    const BorrowedMessage request(*rt.core);
    {
        const BucketGuard guard(*w->bucket);
        if (!load(*w->cell, *request)) return {};
    }
    return read(name, *request, msg);
}

Value of_reply(Module& m, Message& msg, const VariableName& name) {
    Runtime& rt = runtime(m);
    const Work* const w = work_of(rt, msg);
    if (w == nullptr || w->cell == nullptr || w->branch == nullptr || !msg.is_request() ||
        name.variable == nullptr)
        return {};
    const BorrowedMessage reply(*rt.core);
    std::string_view bytes;
    {
        const BucketGuard guard(*w->bucket);
        bytes = (*reply).arena.copy(w->branch->reply.view());
    }
    if (bytes.empty() || (*reply).sip.parse(bytes)) return {};
    return read(name, *reply, msg);
}

Value of_invite(Module& m, Message& msg, const VariableName& name) {
    Runtime& rt = runtime(m);
    const auto key = msg.is_request() && msg.sip.method() == sip::Method::cancel
                         ? request_key(msg.sip, rt.options.matching)
                         : std::nullopt;
    if (!key || name.variable == nullptr) return {};
    Bucket& b = rt.table.bucket(key->hash);
    const BorrowedMessage invite(*rt.core);
    {
        const BucketGuard guard(b);
        const Cell* const c = Table::find(b, *key, sip::Method::invite);
        if (c == nullptr || !has_right_tag(rt, *c, *key) || !load(*c, *invite)) return {};
    }
    return read(name, *invite, msg);
}

}  // namespace fairlead::tm::variable
