// A module's README, made from its descriptor. SPDX-License-Identifier: Apache-2.0
#include "core/module/describe.h"

#include <fmt/format.h>

#include <iterator>

namespace fairlead::module {

namespace {

using Out = std::back_insert_iterator<std::string>;

std::string_view type_word(Type type) {
    switch (type) {
        case Type::integer: return "integer";
        case Type::boolean: return "boolean";
        case Type::string:
        case Type::lazy_text: return "string";
        case Type::route: return "route";
        case Type::regex: return "regex";
        case Type::variable: return "variable";
        case Type::any: return "any";
        case Type::none: break;
    }
    return "none";
}

std::string route_words(Route routes) {
    if (routes == Route::any) return "any route";
    struct Word {
        Route bit;
        std::string_view word;
    };
    constexpr Word words[] = {
        {Route::request, "request_route"},  {Route::failure, "failure_route"},
        {Route::tm_reply, "onreply_route"}, {Route::core_reply, "reply_route"},
        {Route::branch, "branch_route"},    {Route::branch_failure, "branch_failure"},
        {Route::onsend, "onsend_route"},    {Route::error, "error_route"},
        {Route::local, "local-request"},    {Route::event, "event_route"}};
    std::string text;
    for (const auto& [bit, word] : words) {
        if (!any_of(routes, bit)) continue;
        if (!text.empty()) text += ", ";
        text += word;
    }
    return text;
}

std::string range_words(const Param& row) {
    auto [min, max] = row.range;
    if (min <= INT32_MIN) min = INT64_MIN;  // what the field holds is no news
    if (max >= INT32_MAX) max = INT64_MAX;
    if (min == INT64_MIN && max == INT64_MAX) return "";
    if (max == INT64_MAX) return fmt::format(", at least {}", min);
    if (min == INT64_MIN) return fmt::format(", at most {}", max);
    return fmt::format(", {} to {}", min, max);
}

std::string default_words(const Param& row, const Module& fresh) {
    const std::string value = row.get != nullptr ? row.get(fresh) : std::string();
    if (row.type == Type::string) {
        return row.repeatable ? "" : fmt::format(", default \"{}\"", value);
    }
    return value.empty() ? "" : ", default " + value;
}

void describe_params(Out out, const Descriptor& d) {
    if (d.params.empty()) return;
    const auto fresh = d.create();
    fmt::format_to(out, "\n## Parameters\n\n");
    for (const Param& row : d.params) {
        fmt::format_to(out, "- `{}` ({}{}{}{})  \n  {}\n", row.name, type_word(row.type),
                       default_words(row, *fresh), range_words(row),
                       row.repeatable ? ", may be given several times" : "", row.doc);
    }
}

void describe_functions(Out out, const Descriptor& d) {
    if (d.functions.empty()) return;
    fmt::format_to(out, "\n## Functions\n\n");
    for (const Function& row : d.functions) {
        fmt::format_to(out, "- `{}(", row.name);
        for (std::size_t i = 0; i < row.arity; ++i) {
            fmt::format_to(out, "{}{}{}: {}", i == 0 ? "" : ", ", row.args[i].name,
                           row.args[i].optional ? "?" : "", type_word(row.args[i].type));
        }
        fmt::format_to(out, ")` in {}  \n  {}\n", route_words(row.routes), row.doc);
    }
}

void describe_variables(Out out, const Descriptor& d) {
    if (d.variables.empty()) return;
    fmt::format_to(out, "\n## Variables\n\n");
    for (const Variable& row : d.variables) {
        const std::string_view inner = row.inner == Inner::none       ? ""
                                       : row.inner == Inner::optional ? "[(…)]"
                                                                      : "(…)";
        fmt::format_to(out, "- `{}{}{}`{}{}  \n  {}\n", row.keyword ? "" : "$", row.name, inner,
                       row.indexed ? ", takes an index" : "",
                       row.set != nullptr ? ", writable" : "", row.doc);
    }
}

void describe_rest(Out out, const Descriptor& d) {
    if (!d.statistics.empty()) {
        fmt::format_to(out, "\n## Statistics (group `{}`)\n\n", d.name);
        for (const Statistic& row : d.statistics) {
            fmt::format_to(out, "- `{}`{}  \n  {}\n", row.name,
                           row.read != nullptr ? ", computed when asked for" : "", row.doc);
        }
    }
    if (!d.histograms.empty()) {
        fmt::format_to(out, "\n## Histograms\n\n");
        for (const HistogramRow& row : d.histograms)
            fmt::format_to(out, "- `{}`  \n  {}\n", row.name, row.doc);
    }
    if (!d.event_routes.empty()) {
        fmt::format_to(out, "\n## Event routes\n\n");
        for (const std::string_view route : d.event_routes) {
            fmt::format_to(out, "- `event_route[{}]`\n", route);
        }
    }
}

std::string_view type_word(CommandArg::Type type) {
    switch (type) {
        case CommandArg::Type::integer: return "integer";
        case CommandArg::Type::text: return "string";
        case CommandArg::Type::any: break;
    }
    return "any";
}

void describe_commands(Out out, const Descriptor& d) {
    if (!d.commands.empty()) fmt::format_to(out, "\n## Commands\n\n");
    for (const Command& row : d.commands) {
        fmt::format_to(out, "- `{}(", row.name);
        for (const CommandArg& arg : row.args) {
            fmt::format_to(out, "{}{}{}: {}", &arg == row.args.data() ? "" : ", ", arg.name,
                           arg.repeated   ? "…"
                           : arg.optional ? "?"
                                          : "",
                           type_word(arg.type));
        }
        fmt::format_to(out, ")`{}", row.right == Right::change ? ", for administrators" : "");
        if (!row.classic.empty()) fmt::format_to(out, ", also `{}`", row.classic);
        fmt::format_to(out, "  \n  {}\n", row.doc);
    }
    if (!d.tunables.empty()) fmt::format_to(out, "\n## Tunables\n\n");
    for (const Tunable& row : d.tunables) {
        fmt::format_to(out, "- `{}.{}` ({})  \n  {}\n", row.group.empty() ? d.name : row.group,
                       row.name, row.is_text ? "string" : "integer", row.doc);
    }
}

void describe_interfaces(Out out, const Descriptor& d) {
    if (d.offers.empty() && d.needs.empty()) return;
    fmt::format_to(out, "\n## Interfaces\n\n");
    for (const Offer& row : d.offers) {
        fmt::format_to(out, "- offers `{}` version {}\n", row.id.name, row.id.version);
    }
    for (const Need& row : d.needs) {
        fmt::format_to(out, "- {} `{}` version {}\n", row.optional ? "uses when loaded" : "needs",
                       row.id.name, row.id.version);
    }
}

}  // namespace

std::string describe(const Descriptor& d) {
    std::string text;
    const Out out(text);
    fmt::format_to(out, "# {}\n\n{}\n", d.name, d.summary);
    if (!d.aliases.empty()) {
        fmt::format_to(out, "\nAlso loaded and configured as");
        for (const std::string_view alias : d.aliases) fmt::format_to(out, " `{}`", alias);
        fmt::format_to(out, ".\n");
    }
    describe_interfaces(out, d);
    describe_params(out, d);
    describe_functions(out, d);
    describe_variables(out, d);
    describe_commands(out, d);
    describe_rest(out, d);
    return text;
}

}  // namespace fairlead::module
