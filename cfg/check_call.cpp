// The checker: calls of module functions, their arguments and the routes they are allowed in.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "cfg/check.h"
#include "cfg/known_names.h"
#include "core/base/text.h"

namespace fairlead::cfg {

namespace {

std::string counts(std::vector<module::FoundFunction> found) {
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return a.row->required < b.row->required; });
    std::string out;
    for (const module::FoundFunction& f : found) {
        if (!out.empty()) out += " or ";
        if (f.row->required == f.row->arity) {
            out += fmt::format("{}", f.row->arity);
        } else {
            out += fmt::format("{} to {}", f.row->required, f.row->arity);
        }
    }
    return out;
}

std::string signature(const Function& row) {
    std::string out = fmt::format("{}(", row.name);
    for (std::size_t i = 0; i < row.arity; ++i) {
        const bool optional = i >= row.required;
        out += fmt::format("{}{}{}{}", optional ? "[" : "", i > 0 ? ", " : "", row.args[i].name,
                           optional ? "]" : "");
    }
    return out + ")";
}

std::string routes_of(Route mask) {
    std::string out;
    for (const Route r : {Route::request, Route::failure, Route::tm_reply, Route::branch,
                          Route::onsend, Route::branch_failure, Route::event}) {
        const std::string_view word = route_word(r);
        if (!any_of(mask, r) || out.find(word) != std::string::npos) continue;
        if (!out.empty()) out += ", ";
        out += word;
    }
    return out;
}

}  // namespace

/// Whether its loadmodule line is there and has been reported: what follows from that is no news.
bool Checker::failed_to_load(std::string_view module) const {
    if (module.empty() || registry_.find(module) != nullptr) return false;
    return diagnostics_.errors() != 0 &&
           std::any_of(config_.modules.begin(), config_.modules.end(), [&](const LoadLine& line) {
               return line.name == module || line.name == fmt::format("{}.so", module) ||
                      line.name.ends_with(fmt::format("/{}.so", module));
           });
}

// ---- Which function -----------------------------------------------------------------------------

void Checker::unknown_function(const Expression& e) {
    std::string hint;
    const std::string_view owner = module_of_function(e.text);
    if (failed_to_load(owner)) return;
    Position at = e.at;
    at.length = static_cast<std::uint32_t>(e.text.size());
    if (const std::string_view why = why_left_out(e.text); !why.empty()) {
        diagnostics_.error(at, fmt::format("{} is left out", e.text), std::string(why));
        return;
    }
    if (!owner.empty() && registry_.find(owner) == nullptr) {
        hint = fmt::format("{} is in module {}, which is not loaded", e.text, owner);
    } else {
        const std::string_view like = nearest(e.text, registry_.function_names());
        if (!like.empty()) hint = fmt::format("did you mean {}?", like);
    }
    diagnostics_.error(at, fmt::format("unknown function {}", e.text), std::move(hint));
}

const module::FoundFunction* Checker::choose(const Expression& e,
                                             const std::vector<module::FoundFunction>& found) {
    const std::size_t given = e.parts.size();
    const auto fits = std::find_if(found.begin(), found.end(), [given](const auto& f) {
        return given >= f.row->required && given <= f.row->arity;
    });
    if (fits != found.end()) return &*fits;
    diagnostics_.error(e.at,
                       fmt::format("{} takes {} argument{}, not {}", e.text, counts(found),
                                   counts(found) == "1" ? "" : "s", given),
                       signature(*found.front().row));
    return nullptr;
}

void Checker::check_route_type(const Expression& e, const Function& row) {
    if (any_of(row.routes, allowed_)) return;
    const std::string here = shared_ ? fmt::format("a route that runs in {}", routes_of(allowed_))
                                     : std::string(route_word(block_));
    diagnostics_.error(e.at, fmt::format("{} cannot be called in {}", e.text, here),
                       fmt::format("it is for {}", routes_of(row.routes)));
}

Checked Checker::call(const Expression& e) {
    const std::vector<module::FoundFunction> found = registry_.functions(e.text);
    const module::FoundFunction* const chosen = found.empty() ? nullptr : choose(e, found);
    if (found.empty()) unknown_function(e);
    if (chosen == nullptr) {
        for (const Expression* part : e.parts) {  // mistakes inside are mistakes all the same
            if (part->kind == Expression::Kind::variable) (void)variable(*part);
        }
        return {};
    }
    const Function& row = *chosen->row;
    check_route_type(e, row);
    Call* const call = program_->make<Call>();
    call->row = &row;
    call->owner = chosen->owner;
    call->sets_return_code = chosen->owner->name != "core";
    bool ok = true;
    for (std::size_t i = 0; i < row.arity; ++i) {
        CallArgument& out = call->arguments[i];
        out.type = row.args[i].type;
        out.route = row.args[i].route;
        if (i < e.parts.size()) ok &= argument(*e.parts[i], e, row.args[i], out);
    }
    if (!ok) return {};
    check_constants(e, *call);
    Node* const out = node(Node::Kind::call, e.at);
    out->call = call;
    return {out, Known::integer};
}

void Checker::check_constants(const Expression& e, const Call& call) {
    if (call.row->check == nullptr) return;
    std::array<Value, kMaxArgs> values;
    for (std::size_t i = 0; i < call.row->arity; ++i) {
        if (call.arguments[i].how == CallArgument::How::constant) {
            values[i] = call.arguments[i].constant.value;
        }
    }
    const auto checked =
        call.row->check(*call.owner->object, std::span(values).first(call.row->arity));
    if (!checked) diagnostics_.error(e.at, fmt::format("{}: {}", e.text, checked.error().str()));
}

// ---- Arguments ----------------------------------------------------------------------------------

bool Checker::argument(const Expression& e, const Expression& call, const Arg& row,
                       CallArgument& out) {
    if (e.kind == Expression::Kind::string || e.kind == Expression::Kind::number) note_text(e.text);
    switch (row.type) {
        case Type::integer:
        case Type::boolean: return number_argument(e, call, row, out);
        case Type::route: return route_argument(e, row, out);
        case Type::regex: return regex_argument(e, out);
        case Type::variable: return variable_argument(e, call, row, out);
        case Type::lazy_text: return lazy_argument(e, call, row, out);
        case Type::any:
        case Type::string: return text_argument(e, out);
        case Type::none: break;
    }
    return false;
}

bool Checker::made_argument(const Expression& e, CallArgument& out) {
    const Checked made = operand(e);
    if (made.node == nullptr) return false;
    if (made.is_constant()) {
        out.constant.value = made.node->value;
        return true;
    }
    out.how = CallArgument::How::made;
    out.node = made.node;
    return true;
}

bool Checker::number_argument(const Expression& e, const Expression& call, const Arg& row,
                              CallArgument& out) {
    if (e.kind == Expression::Kind::string && has_variable(e.text)) return text_argument(e, out);
    if (e.kind != Expression::Kind::string) {
        if (!made_argument(e, out)) return false;
        if (out.how == CallArgument::How::made || out.constant.value.is_integer()) return true;
    } else {
        std::optional<std::int64_t> number = text::parse_int(e.text);
        if (const auto flag = tree_.flags.find(e.text); flag != tree_.flags.end()) {
            number = flag->second;
        }
        if (row.type == Type::boolean && !number) {
            if (e.text == "yes" || e.text == "on" || e.text == "true") number = 1;
            if (e.text == "no" || e.text == "off" || e.text == "false") number = 0;
        }
        if (number) {
            out.constant.value = *number;
            return true;
        }
    }
    const bool flag = e.number == 1 && e.kind == Expression::Kind::string;
    diagnostics_.error(e.at,
                       fmt::format("argument \"{}\" of {} must be a number", row.name, call.text),
                       flag && call.text.find("flag") != std::string_view::npos
                           ? fmt::format("flag not declared: add the line flags {}", e.text)
                           : std::string());
    return false;
}

bool Checker::text_argument(const Expression& e, CallArgument& out) {
    if (e.kind != Expression::Kind::string) {
        if (!made_argument(e, out)) return false;
        if (out.type != Type::any && out.constant.value.is_integer()) {
            out.constant.value = program_->keep(fmt::format("{}", out.constant.value.integer()));
        }
        return true;
    }
    std::string_view plain;
    if (out.type == Type::any) {
        if (const auto number = text::parse_int(e.text)) {
            out.constant.value = *number;
            return true;
        }
        std::size_t taken = 0;  // "$x" alone has its own type
        if (has_variable(e.text) && take_whole(e.text)) {
            const VariableUse* const use = variable(e.at, e.text, taken);
            if (use == nullptr) return false;
            Node* const made = node(Node::Kind::variable, e.at);
            made->variable = use;
            out.how = CallArgument::How::made;
            out.node = made;
            return true;
        }
    }
    const std::size_t errors = diagnostics_.errors();
    const Format* const made = format(e.at, e.text, plain);
    if (diagnostics_.errors() != errors) return false;
    if (made == nullptr) {
        out.constant.value = program_->keep(plain);
        return true;
    }
    Node* const text = node(Node::Kind::format, e.at);
    text->format = made;
    out.how = CallArgument::How::made;
    out.node = text;
    return true;
}

bool Checker::route_argument(const Expression& e, const Arg& row, CallArgument& out) {
    const bool constant = (e.kind == Expression::Kind::string && !has_variable(e.text)) ||
                          e.kind == Expression::Kind::number;
    if (!constant) return text_argument(e, out);
    out.constant.value = program_->keep(e.text);
    if (e.text.empty() || e.text == "0") return true;
    out.constant.route = find_route(e.at, row.route, e.text);
    return out.constant.route != RouteId::none;
}

bool Checker::regex_argument(const Expression& e, CallArgument& out) {
    // A $ that ends a pattern is not a variable, so only what looks like one makes it dynamic.
    if (e.kind == Expression::Kind::string && !has_variable(e.text)) {
        out.constant.value = program_->keep(e.text);
        out.constant.regex = regex(e.at, e.text, true);
        return out.constant.regex != nullptr;
    }
    return text_argument(e, out);
}

bool Checker::lazy_argument(const Expression& e, const Expression& call, const Arg& row,
                            CallArgument& out) {
    const bool text = e.kind == Expression::Kind::string || e.kind == Expression::Kind::variable;
    if (!text && e.kind != Expression::Kind::number) {
        diagnostics_.error(
            e.at, fmt::format("argument \"{}\" of {} must be a string", row.name, call.text),
            "variables in it are filled in: \"from $fu\"");
        return false;
    }
    std::string_view plain;
    const std::size_t errors = diagnostics_.errors();
    const Format* made = format(e.at, e.text, plain);
    if (diagnostics_.errors() != errors) return false;
    if (made == nullptr) {
        Format* const fixed = program_->make<Format>();
        fixed->pieces =
            program_->pieces_.emplace_back(std::vector<Format::Piece>{{program_->keep(plain)}});
        made = fixed;
        out.constant.value = fixed->pieces[0].text;
    }
    out.constant.lazy_text = made;
    return true;
}

bool Checker::variable_argument(const Expression& e, const Expression& call, const Arg& row,
                                CallArgument& out) {
    const bool text = e.kind == Expression::Kind::string || e.kind == Expression::Kind::variable;
    if (text && take_whole(e.text)) {
        std::size_t taken = 0;
        access_ = Access::both;
        const VariableUse* const use = variable(e.at, e.text, taken);
        access_ = Access::read;
        if (use == nullptr) return false;
        out.constant.variable = use;
        out.constant.value = use->text;
        return true;
    }
    diagnostics_.error(e.at,
                       fmt::format("argument \"{}\" of {} must be a variable", row.name, call.text),
                       "as in \"$var(x)\"");
    return false;
}

}  // namespace fairlead::cfg
