// pv: the variables of scripts, and questions about them.
// SPDX-License-Identifier: Apache-2.0
#include "modules/pv/pv.h"

#include <charconv>

#include "core/api/log.h"

namespace fairlead::pv {

namespace {

constexpr Verdict answer(bool yes) noexcept {
    return yes ? Verdict::yes : Verdict::no;
}

bool is_empty(const Value& v) noexcept {
    return v.is_null() || (v.is_string() && v.string().empty());
}

}  // namespace

std::string_view as_text(Message& m, const Value& value) {
    if (value.is_string()) return value.string();
    if (!value.is_integer()) return {};
    constexpr std::size_t kDigits = 24;
    char* const out = m.arena.allocate(kDigits);
    const auto [end, problem] = std::to_chars(out, out + kDigits, value.integer());
    return {out, static_cast<std::size_t>(end - out)};
}

std::optional<std::int64_t> as_number(const Value& value) {
    if (value.is_integer()) return value.integer();
    return value.is_string() ? text::parse_int(value.string()) : std::nullopt;
}

Result<void> Pv::prepare(Core& given) {
    core = &given;
    return shared_vars.prepare(given);
}

Verdict Pv::pv_isset(Message& m, const VariableRef& var) {
    return answer(!var.get(m).is_null());
}
Verdict Pv::pv_unset(Message& m, const VariableRef& var) {
    return answer(var.set(m, Value()));
}
Verdict Pv::is_int(Message& m, const VariableRef& var) {
    return answer(var.get(m).is_integer());
}
Verdict Pv::not_empty(Message& m, const VariableRef& var) {
    return answer(!is_empty(var.get(m)));
}
Verdict Pv::type_is(Message& m, const VariableRef& var, std::string_view type) {
    const Value value = var.get(m);
    if (text::ci_equal(type, "int")) return answer(value.is_integer());
    if (text::ci_equal(type, "str")) return answer(value.is_string());
    if (text::ci_equal(type, "null")) return answer(value.is_null());
    LOG(error, "typeof takes int, str or null, not \"{}\"", type);
    return Verdict::no;
}

}  // namespace fairlead::pv
