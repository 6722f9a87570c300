// pv: the variables of scripts, and questions about them.
// SPDX-License-Identifier: Apache-2.0
#include "modules/pv/pv.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/api/log.h"
#include "modules/pv/words.h"

namespace fairlead::pv {

Result<std::uint64_t> one_of(std::span<const std::string_view> names, std::string_view inner) {
    std::string all;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] == inner) return i;
        all += (i == 0 ? "" : ", ");
        all += names[i];
    }
    return fail(fmt::format("one of {} expected", all));
}

namespace {

bool is_filled(const Value& v) noexcept {
    return v.is_string() && !v.string().empty();
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
    started = given.clock().unix_seconds();
    time_slot = given.message_slot();
    return shared_vars.prepare(given);
}

Verdict Pv::pv_isset(Message& m, const VariableRef& var) {
    return Verdict::of(!var.get(m).is_null());
}
Verdict Pv::pv_unset(Message& m, const VariableRef& var) {
    return Verdict::of(var.set(m, Value()));
}
Verdict Pv::is_int(Message& m, const VariableRef& var) {
    return Verdict::of(var.get(m).is_integer());
}
Verdict Pv::not_empty(Message& m, const VariableRef& var) {
    return Verdict::of(is_filled(var.get(m)));
}
Verdict Pv::xavp_copy(Message& m, std::string_view from, int index, std::string_view to,
                      std::optional<int> to_index) {
    return Verdict::of(copy_xavp(m, from, index, to,
                                 to_index ? std::optional<std::int64_t>(*to_index) : std::nullopt));
}
Verdict Pv::slist_explode(Message& m, std::string_view list, std::string_view separators,
                          std::string_view mode, std::string_view name) {
    const bool trim = mode.find('t') != mode.npos;
    return Verdict::of(explode_list(m, list, separators, trim, name));
}
Verdict Pv::var_to_xavp(Message& m, std::string_view var, std::string_view xavp) {
    m.xavps.remove_all(m.xavps.roots(), xavp);
    Xavp* const set = m.xavps.add_set(m.xavps.roots(), xavp);
    private_vars.each(m, [&](std::string_view name, const Value& value) {
        if (var == "*" || var == name) m.xavps.add(&set->fields, name, value);
    });
    return Verdict::yes;
}
Verdict Pv::xavp_to_var(Message& m, std::string_view xavp) {
    const Xavp* const set = m.xavps.find(*m.xavps.roots(), xavp);
    if (set == nullptr || !set->is_set) return Verdict::no;
    for (const Xavp* f = set->fields; f != nullptr; f = f->next) {
        VariableName name;
        name.inner = f->name;
        if (!f->is_set && !private_vars.set(name, f->value)) return Verdict::no;
    }
    return Verdict::yes;
}

Result<void> Pv::set_avp_aliases(const Value& value) {
    std::string_view rest = value.string();
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(';'), rest.size());
        const std::string_view one = text::trim(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (one.empty()) continue;
        const std::size_t equals = one.find('=');
        std::string_view target =
            equals == one.npos ? std::string_view() : text::trim(one.substr(equals + 1));
        if (target.starts_with("s:")) target.remove_prefix(2);
        const std::string_view name = text::trim(one.substr(0, equals));
        if (name.empty() || target.empty()) {
            return fail(fmt::format("\"{}\" is not alias=s:name or alias=i:number", one));
        }
        avp_aliases[std::string(name)] = target;
    }
    return {};
}
std::string_view Pv::avp_alias(std::string_view name) const noexcept {
    const auto found = avp_aliases.find(name);
    return found != avp_aliases.end() ? std::string_view(found->second) : name;
}

Verdict Pv::evaluate_twice(Message& m, const VariableRef& target, std::string_view text) {
    const auto filled = core != nullptr ? core->script().fill_in(text, m) : std::nullopt;
    if (filled) return Verdict::of(target.set(m, *filled));
    constexpr std::size_t kShown = 64;
    LOG(error, "pv_evalx: \"{}\" cannot be filled in", text.substr(0, kShown));
    return Verdict::no;
}

Verdict Pv::type_is(Message& m, const VariableRef& var, std::string_view type) {
    const Value value = var.get(m);
    if (text::ci_equal(type, "int")) return Verdict::of(value.is_integer());
    if (text::ci_equal(type, "str")) return Verdict::of(value.is_string());
    if (text::ci_equal(type, "null")) return Verdict::of(value.is_null());
    LOG(error, "typeof takes int, str or null, not \"{}\"", type);
    return Verdict::no;
}

}  // namespace fairlead::pv
