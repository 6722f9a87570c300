// The interpreter: calls of module functions and of routes whose names are made at run time.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <exception>

#include "cfg/run.h"
#include "core/base/log.h"
#include "core/base/text.h"

namespace fairlead::cfg {

bool Run::argument(const CallArgument& a, std::size_t index, const Node& n, Argument& out) {
    out = a.constant;
    if (a.how == CallArgument::How::constant) return true;
    const Value v = value(*a.node);
    if (over_) return false;
    std::string why;
    switch (a.type) {
        case Type::any: out.value = v; return true;
        case Type::integer:
        case Type::boolean: {
            const auto number =
                v.is_integer()
                    ? v.integer()
                    : (v.is_string() ? text::parse_int(text::trim(v.string())) : std::nullopt);
            if (number) {
                out.value = *number;
                return true;
            }
            why = v.is_null() ? "has no value" : fmt::format("is \"{}\", not a number", v.string());
            break;
        }
        case Type::string:
            out.value = text_of(message_, v);
            if (!v.is_null()) return true;
            why = "has no value";
            break;
        case Type::route: {
            const std::string_view name = text_of(message_, v);
            out.value = name;
            if (name.empty() || name == "0") return true;
            out.route = program_.find(a.route, name);
            if (out.route != RouteId::none) return true;
            why = fmt::format("names the route {}, which does not exist", name);
            break;
        }
        case Type::regex: {
            std::string problem;
            out.value = text_of(message_, v);
            out.regex = regexes_.find(out.value.string(), {.any_case = true}, problem);
            if (out.regex != nullptr) return true;
            why = fmt::format("is no regular expression: {}", problem);
            break;
        }
        case Type::lazy_text:
        case Type::variable:
        case Type::none: return false;
    }
    say(log::Level::error, n.place,
        fmt::format("{} was not called: its argument \"{}\" {}", n.call->row->name,
                    n.call->row->args[index].name, why));
    return false;
}

int Run::call_row(const Node& n, std::span<const Argument> arguments) {
    const Call& c = *n.call;
    std::string_view why = "an unknown exception";
    std::string what;
    try {
        return c.row->call(*c.owner->object, message_, arguments).code;
    } catch (const std::exception& e) {
        what = e.what();
        why = what;
    } catch (...) {
    }
    say(log::Level::critical, n.place,
        fmt::format("module {}: {} ended with {}", c.owner->name, c.row->name, why));
    threw_ = exited_ = over_ = true;
    return -1;
}

int Run::call(const Node& n) {
    const Call& c = *n.call;
    stand_at(n);
    if (!any_of(c.row->routes, message_.route_type)) {
        say(log::Level::error, n.place,
            fmt::format("{} was not called: it is not for this type of route", c.row->name));
        return message_.return_code = -1;
    }
    std::array<Argument, kMaxArgs> arguments;
    for (std::size_t i = 0; i < c.row->arity; ++i) {
        if (argument(c.arguments[i], i, n, arguments[i])) continue;
        if (!over_) message_.return_code = -1;
        return -1;
    }
    // sl_reply_error looks at the error of the function right before it; one that did not fail with
    // an error of its own leaves none.
    const ScriptError before = message_.error;
    calling_ = &n;
    const std::string_view prefix = log::prefix();
    if (program_.log_prefix_anew()) log::set_prefix(program_.log_prefix()->text(message_));
    const int code = call_row(n, std::span(arguments).first(c.row->arity));
    log::set_prefix(prefix);
    if (message_.trace != nullptr) trace_call(n, code);
    const bool own = message_.error != before || code == static_cast<int>(before);
    if (code > 0 || !own) message_.error = ScriptError::none;
    if (c.sets_return_code) message_.return_code = code;
    if (code == 0) {
        code_ = 0;
        exited_ = over_ = true;
    }
    if (threw_) code_ = -1;
    return code;
}

int Run::named_route(const Node& n) {
    const Value v = value(*n.a);
    if (over_) return -1;
    const std::string_view name = text_of(message_, v);
    const RouteId id = program_.find(Route::request, name);
    if (id == RouteId::none || name.empty()) {
        say(log::Level::error, n.place, fmt::format("route \"{}\" not found", name));
        return -1;
    }
    return route(id, n);
}

}  // namespace fairlead::cfg
