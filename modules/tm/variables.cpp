// $T_… and $T(…).
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/variables.h"

#include <algorithm>

#include "modules/tm/tm.h"

namespace fairlead::tm::variable {
namespace {

using BucketGuard = shm::Guard<Bucket>;

Tm& of(Module& m) noexcept {
    return static_cast<Tm&>(m);
}

const Work* bound(Module& m, const Message& msg) noexcept {
    const Work* const w = work_of(of(m).runtime(), msg);
    return w != nullptr && w->cell != nullptr ? w : nullptr;
}

std::string_view second_word(std::string_view line) noexcept {
    const std::size_t from = line.find(' ');
    if (from == std::string_view::npos) return {};
    line.remove_prefix(from + 1);
    return line.substr(0, line.find(' '));
}

/// The status line's phrase of the reply that won.
Value kept_reason(const Work& w, Message& msg) {
    const BucketGuard guard(*w.bucket);
    const std::string_view kept = w.branch->reply.view();
    constexpr std::size_t kPhrase = 12;  // "SIP/2.0 404 "
    if (kept.size() <= kPhrase) return Value(sip::default_reason(w.code));
    return Value(msg.arena.copy(kept.substr(kPhrase, kept.find('\r') - kPhrase)));
}

}  // namespace

Value branch_idx(Module& m, Message& msg, const VariableName&) {
    const Work* const w = bound(m, msg);
    if (msg.route_type == Route::request) return Value(static_cast<int>(msg.branch_count));
    if (w == nullptr) return {};
    if (msg.route_type != Route::failure) return Value(w->branch_index);
    const BucketGuard guard(*w->bucket);
    return Value(static_cast<int>(w->cell->branch_count + msg.branch_count));
}

Value branch_index(Module& m, Message& msg, const VariableName&) {
    const Work* const w = bound(m, msg);
    return Value(w != nullptr && msg.route_type == Route::branch ? w->branch_index + 1 : 0);
}

Value reply_code(Module& m, Message& msg, const VariableName&) {
    return Value(of(m).status_of(msg));
}

Value reply_reason(Module& m, Message& msg, const VariableName&) {
    if (!msg.is_request()) return Value(msg.sip.reason());
    const Work* const w = bound(m, msg);
    if (w == nullptr) return {};
    if (any_of(msg.route_type, Route::failure | Route::branch_failure) && w->branch != nullptr)
        return kept_reason(*w, msg);
    const int code = of(m).status_of(msg);
    return code != 0 ? Value(sip::default_reason(code)) : Value();
}

Value reply_last(Module& m, Message& msg, const VariableName&) {
    const Work* const w = bound(m, msg);
    if (w == nullptr || w->branch == nullptr) return {};
    const BucketGuard guard(*w->bucket);
    return Value(static_cast<int>(w->branch->status));
}

Value reply_ruid(Module& m, Message& msg, const VariableName&) {
    const Work* const w = bound(m, msg);
    if (w == nullptr || w->branch == nullptr) return {};
    char* const out = msg.arena.allocate(Branch::kMaxRuid);
    const BucketGuard guard(*w->bucket);
    const std::string_view ruid = w->branch->ruid_text();
    std::ranges::copy(ruid, out);
    return ruid.empty() ? Value() : Value(std::string_view(out, ruid.size()));
}

Result<std::uint64_t> resolve_transaction(Module&, std::string_view inner) {
    constexpr std::pair<std::string_view, Field> kNames[] = {
        {"id_index", Field::id_index},     {"id_label", Field::id_label},
        {"id_index_n", Field::id_index_n}, {"id_label_n", Field::id_label_n},
        {"reply_code", Field::reply_code}, {"reply_reason", Field::reply_reason},
        {"reply_type", Field::reply_type}, {"branch_index", Field::branch_index}};
    for (const auto& [name, field] : kNames)
        if (name == inner) return static_cast<std::uint64_t>(field);
    return fail(
        "$T takes id_index, id_label, id_index_n, id_label_n, reply_code, reply_reason, "
        "reply_type or branch_index");
}

Result<std::uint64_t> resolve_branch(Module&, std::string_view inner) {
    if (inner == "flags") return static_cast<std::uint64_t>(Field::flags);
    if (inner == "uri") return static_cast<std::uint64_t>(Field::uri);
    if (inner == "ruid") return static_cast<std::uint64_t>(Field::ruid);
    return fail("$T_branch takes flags, uri or ruid");
}

Value transaction(Module& m, Message& msg, const VariableName& name) {
    const auto field = static_cast<Field>(name.handle);
    if (field == Field::reply_code) return reply_code(m, msg, name);
    if (field == Field::reply_reason) return reply_reason(m, msg, name);
    const bool make = field == Field::id_index_n || field == Field::id_label_n;
    if (make && bound(m, msg) == nullptr && msg.is_request()) (void)of(m).t_newtran(msg);
    const Work* const w = bound(m, msg);
    if (w == nullptr) return {};
    switch (field) {
        case Field::id_index:
        case Field::id_index_n: return Value(std::int64_t{w->cell->slot});
        case Field::id_label:
        case Field::id_label_n: return Value(std::int64_t{w->cell->label});
        case Field::branch_index: return Value(w->branch_index);
        case Field::reply_type:
            return Value(w->branch != nullptr && w->branch->has(Branch::faked) ? 1 : 0);
        default: return {};
    }
}

Value branch(Module& m, Message& msg, const VariableName& name) {
    if (static_cast<Field>(name.handle) == Field::ruid) return reply_ruid(m, msg, name);
    const Work* const w = bound(m, msg);
    if (w == nullptr || w->branch == nullptr) return {};
    const BucketGuard guard(*w->bucket);
    if (static_cast<Field>(name.handle) == Field::flags)
        return Value(std::int64_t{w->branch->flag_bits});
    return Value(msg.arena.copy(second_word(w->branch->sent.view())));
}

}  // namespace fairlead::tm::variable
