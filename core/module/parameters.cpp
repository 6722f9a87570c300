// modparam: which modules are meant, whether the value fits, and words that help when it does not.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <re2/re2.h>

#include <exception>

#include "core/base/text.h"
#include "core/module/registry.h"

namespace fairlead::module {

namespace {

std::string_view type_name(Type type) {
    return type == Type::string ? "a string" : "an integer";
}

/// The parameter whose name is nearest, or "".
std::string_view nearest_param(const Descriptor& d, std::string_view name) {
    constexpr std::size_t kNear = 2;
    std::string_view best;
    std::size_t best_distance = kNear + 1;
    for (const Param& row : d.params) {
        const std::size_t distance = text::edit_distance(row.name, name, kNear);
        if (distance < best_distance) {
            best = row.name;
            best_distance = distance;
        }
    }
    return best;
}

/// The row for this name and type. Integers and strings never turn into each other; yes and no
/// arrive as integers (core language), so a boolean row takes any integer.
Result<const Param*> row_for(const Loaded& m, std::string_view name, const Value& value) {
    const Param* other_type = nullptr;
    for (const Param& row : m.descriptor->params) {
        if (row.name != name) continue;
        if ((row.type == Type::string) == value.is_string()) return &row;
        other_type = &row;
    }
    if (other_type != nullptr) {
        return fail(fmt::format("parameter \"{}\" of module {} takes {}, not {}", name, m.name,
                                type_name(other_type->type),
                                value.is_string() ? "a string" : "an integer"));
    }
    const std::string_view near = nearest_param(*m.descriptor, name);
    return fail(fmt::format("module {} has no parameter \"{}\"{}", m.name, name,
                            near.empty() ? "" : fmt::format(", did you mean \"{}\"?", near)));
}

Result<void> check_range(const Loaded& m, const Param& row, const Value& value) {
    if (!value.is_integer()) return {};
    if (value.integer() >= row.range.min && value.integer() <= row.range.max) return {};
    const auto [min, max] = row.range;
    std::string allowed;
    if (max == INT64_MAX) {
        allowed = fmt::format("at least {}", min);
    } else if (min == INT64_MIN) {
        allowed = fmt::format("at most {}", max);
    } else {
        allowed = fmt::format("{} to {}", min, max);
    }
    return fail(fmt::format("parameter \"{}\" of module {} cannot be {}: allowed is {}", row.name,
                            m.name, value.integer(), allowed));
}

template <class Set>
Result<void> call_setter(const Loaded& m, const Param& row, Set set) {
    try {
        Result<void> ok = set();
        if (ok || ok.error().text.empty()) return ok;
        return fail(
            fmt::format("parameter \"{}\" of module {}: {}", row.name, m.name, ok.error().text));
    } catch (const std::exception& e) {
        return fail(
            fmt::format("parameter \"{}\" of module {}: it threw: {}", row.name, m.name, e.what()));
    }
}

bool matches(const RE2& pattern, const Descriptor& d) {
    const auto full = [&](std::string_view name) {
        return RE2::FullMatch(re2::StringPiece(name.data(), name.size()), pattern);
    };
    if (full(d.name)) return true;
    for (const std::string_view alias : d.aliases) {
        if (full(alias)) return true;
    }
    return false;
}

}  // namespace

Result<Registry::ParameterRows> Registry::parameter_rows(std::string_view pattern,
                                                         std::string_view name,
                                                         const Value& value) {
    RE2::Options options;
    options.set_posix_syntax(true);
    options.set_case_sensitive(false);
    options.set_log_errors(false);
    const RE2 re(re2::StringPiece(pattern.data(), pattern.size()), options);
    if (!re.ok()) {
        return fail(fmt::format("\"{}\" is not a regular expression: {}", pattern, re.error()));
    }
    if (value.is_null()) return fail(fmt::format("parameter \"{}\" has no value", name));

    // First all checks, so that nothing is set when one of the modules refuses.
    ParameterRows rows;
    for (const auto& m : modules_) {
        if (!matches(re, *m->descriptor)) continue;
        const Param* const row = TRY(row_for(*m, name, value));
        TRY(check_range(*m, *row, value));
        rows.emplace_back(m.get(), row);
    }
    if (rows.empty()) return fail(fmt::format("No module matching <{}> found", pattern));
    return rows;
}

Result<void> Registry::set_parameter(std::string_view pattern, std::string_view name,
                                     const Value& value) {
    const ParameterRows rows = TRY(parameter_rows(pattern, name, value));
    for (const auto& [m, row] : rows) {
        TRY(call_setter(*m, *row, [&] { return row->set(*m->object, value); }));
    }
    return {};
}

Result<void> Registry::set_variables(std::string_view pattern, std::string_view name,
                                     const Value& value, ParamVariables& variables) {
    const Result<ParameterRows> rows = parameter_rows(pattern, name, value);
    if (!rows) return {};
    for (const auto& [m, row] : *rows) {
        if (row->set_variables == nullptr) continue;
        TRY(call_setter(*m, *row,
                        [&] { return row->set_variables(*m->object, value.string(), variables); }));
    }
    return {};
}

}  // namespace fairlead::module
