// Adding modules and finding what they export; every row is checked before anything can call it.
// SPDX-License-Identifier: Apache-2.0
#include "core/module/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "core/base/text.h"

namespace fairlead::module {

namespace {

Result<void> bad_row(std::string_view kind, std::string_view name, std::string_view why) {
    return fail(fmt::format("its {} \"{}\" {}", kind, name, why));
}

Result<void> check_params(std::span<const Param> rows) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const Param& row = rows[i];
        if (row.name.empty() || row.set == nullptr || row.type == Type::none) {
            return bad_row("parameter", row.name, "has no name, type or setter");
        }
        if (row.range.min > row.range.max) {
            return bad_row("parameter", row.name, "has a range that allows nothing");
        }
        for (const Param& other : rows.first(i)) {
            const bool both_strings = (other.type == Type::string) == (row.type == Type::string);
            if (other.name == row.name && both_strings) {
                return bad_row("parameter", row.name, "is there twice");
            }
        }
    }
    return {};
}

Result<void> check_functions(std::span<const Function> rows) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const Function& row = rows[i];
        if (row.name.empty() || row.call == nullptr) {
            return bad_row("function", row.name, "has no name or no code");
        }
        if (row.arity > kMaxArgs || row.required > row.arity) {
            return bad_row("function", row.name, "has an impossible number of arguments");
        }
        if (static_cast<unsigned>(row.routes) == 0) {
            return bad_row("function", row.name, "may not be called in any route");
        }
        bool optional_seen = false;
        for (const Arg& arg : std::span(row.args).first(row.arity)) {
            if (optional_seen && !arg.optional) {
                return bad_row("function", row.name,
                               "has an optional argument before a needed one");
            }
            optional_seen = arg.optional;
        }
        for (const Function& other : rows.first(i)) {
            if (other.name == row.name && other.required <= row.arity &&
                row.required <= other.arity) {
                return bad_row("function", row.name,
                               "is there twice for the same number of arguments");
            }
        }
    }
    return {};
}

Result<void> check_variables(std::span<const Variable> rows) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const Variable& row = rows[i];
        if (row.name.empty() || row.get == nullptr) {
            return bad_row("variable", row.name, "has no name or cannot be read");
        }
        for (const Variable& other : rows.first(i)) {
            if (other.name == row.name && other.keyword == row.keyword) {
                return bad_row("variable", row.name, "is there twice");
            }
        }
    }
    return {};
}

Result<void> check_rest(const Descriptor& d) {
    for (std::size_t i = 0; i < d.statistics.size(); ++i) {
        const Statistic& row = d.statistics[i];
        if (row.name.empty() || (row.bind == nullptr) == (row.read == nullptr)) {
            return bad_row("statistic", row.name, "needs a name and either a counter or a reader");
        }
        for (const Statistic& other : d.statistics.first(i)) {
            if (other.name == row.name) return bad_row("statistic", row.name, "is there twice");
        }
    }
    for (std::size_t i = 0; i < d.histograms.size(); ++i) {
        const HistogramRow& row = d.histograms[i];
        if (row.name.empty() || row.bind == nullptr)
            return bad_row("histogram", row.name, "has no name or nowhere to go");
        for (const HistogramRow& other : d.histograms.first(i))
            if (other.name == row.name) return bad_row("histogram", row.name, "is there twice");
    }
    for (const Offer& row : d.offers) {
        if (row.id.name.empty() || row.as == nullptr) {
            return bad_row("offered interface", row.id.name, "has no name or no code");
        }
    }
    for (const Need& row : d.needs) {
        if (row.id.name.empty() || row.bind == nullptr) {
            return bad_row("needed interface", row.id.name, "has no name or nowhere to go");
        }
    }
    for (const std::string_view route : d.event_routes) {
        if (route.find(':') == std::string_view::npos) {
            return bad_row("event route", route, "has no colon in its name");
        }
    }
    return {};
}

Result<void> check_commands(const Descriptor& d) {
    for (std::size_t i = 0; i < d.commands.size(); ++i) {
        const Command& row = d.commands[i];
        if (row.name.empty() || row.run == nullptr)
            return bad_row("command", row.name, "has no name or no code");
        for (std::size_t a = 0; a + 1 < row.args.size(); ++a) {
            if (row.args[a].repeated ||
                (row.args[a].optional && !row.args[a + 1].optional && !row.args[a + 1].repeated))
                return bad_row("command", row.name, "has an argument behind an optional one");
        }
        for (const Command& other : d.commands.first(i))
            if (other.name == row.name) return bad_row("command", row.name, "is there twice");
    }
    for (const Tunable& row : d.tunables) {
        if (row.name.empty() || row.get == nullptr || row.set == nullptr)
            return bad_row("tunable", row.name, "has no name or no code");
    }
    return {};
}

Result<void> check_rows(const Descriptor& d) {
    if (d.create == nullptr) return fail("it has nothing that creates it");
    TRY(check_params(d.params));
    TRY(check_functions(d.functions));
    TRY(check_variables(d.variables));
    TRY(check_commands(d));
    return check_rest(d);
}

bool answers_to(const Descriptor& d, std::string_view name) {
    return d.name == name || std::ranges::find(d.aliases, name) != d.aliases.end();
}

std::string origin(std::string_view path) {
    return path.empty() ? std::string("built in") : std::string(path);
}

Result<std::unique_ptr<Module>> create(const Descriptor& d) {
    try {
        auto object = d.create();
        if (object == nullptr) return fail("it could not be created");
        return object;
    } catch (const std::exception& e) {
        return fail(fmt::format("its constructor threw: {}", e.what()));
    } catch (...) {
        return fail("its constructor threw");
    }
}

}  // namespace

Result<Loaded*> Registry::add(const Descriptor& descriptor, std::string path) {
    const std::string who = fmt::format("module {} ({})", descriptor.name, origin(path));
    if (descriptor.name.empty()) return fail(fmt::format("{}: it has no name", who));

    for (const auto& loaded : modules_) {
        if (loaded->descriptor == &descriptor) {
            return fail(fmt::format("{}: it is loaded twice", who));
        }
        if (answers_to(*loaded->descriptor, descriptor.name) ||
            std::ranges::any_of(descriptor.aliases, [&](std::string_view alias) {
                return answers_to(*loaded->descriptor, alias);
            })) {
            return fail(fmt::format("{}: its name is taken by module {} ({})", who, loaded->name,
                                    origin(loaded->path)));
        }
    }
    if (auto ok = check_rows(descriptor); !ok) {
        return fail(fmt::format("{}: {}", who, ok.error().text));
    }
    auto object = create(descriptor);
    if (!object) return fail(fmt::format("{}: {}", who, object.error().text));

    modules_.push_back(std::make_unique<Loaded>(
        Loaded{std::string(descriptor.name), std::move(path), &descriptor, std::move(*object)}));
    Loaded* const loaded = modules_.back().get();
    for (const Function& row : descriptor.functions) {
        auto& rows = functions_[std::string(row.name)];
        rows.insert(rows.begin(), FoundFunction{&row, loaded});
    }
    for (const Variable& row : descriptor.variables) {
        auto& table = row.keyword ? keywords_ : variables_;
        table[std::string(row.name)] = FoundVariable{&row, loaded};
    }
    return loaded;
}

Loaded* Registry::find(std::string_view name) noexcept {
    const auto at = std::ranges::find_if(
        modules_, [&](const auto& loaded) { return answers_to(*loaded->descriptor, name); });
    return at != modules_.end() ? at->get() : nullptr;
}

std::vector<FoundFunction> Registry::functions(std::string_view name) const {
    const auto at = functions_.find(name);
    return at != functions_.end() ? at->second : std::vector<FoundFunction>{};
}

std::optional<FoundVariable> Registry::variable(std::string_view name) const {
    if (const auto at = variables_.find(name); at != variables_.end()) return at->second;
    return keyword(name);
}

std::optional<FoundVariable> Registry::keyword(std::string_view name) const {
    const auto at = keywords_.find(name);
    return at != keywords_.end() ? std::optional(at->second) : std::nullopt;
}

std::vector<std::string_view> Registry::function_names() const {
    std::vector<std::string_view> names;
    for (const auto& [name, rows] : functions_) names.push_back(name);
    return names;
}

std::vector<std::string_view> Registry::variable_names() const {
    std::vector<std::string_view> names;
    for (const auto& [name, found] : variables_) names.push_back(name);
    return names;
}

}  // namespace fairlead::module
