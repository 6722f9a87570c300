// The checker: routes and statements.
// SPDX-License-Identifier: Apache-2.0
#include "cfg/check.h"
#include "cfg/vars.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::cfg {

std::string_view route_word(Route type) noexcept {
    switch (type) {
        case Route::request: return "request_route";
        case Route::failure: return "failure_route";
        case Route::tm_reply:
        case Route::core_reply: return "onreply_route";
        case Route::branch: return "branch_route";
        case Route::onsend: return "onsend_route";
        case Route::branch_failure: return "event_route[tm:branch-failure]";
        case Route::event: return "event_route";
        default: return "route";
    }
}

std::vector<std::string> route_labels(const Program& program) {
    std::vector<std::string> labels;
    for (const CompiledRoute& route : program.routes()) {
        std::string label(route_word(route.type));
        if (route.type == Route::request && !route.name.empty())
            label = "route";
        else if (route.type == Route::core_reply)
            label = "reply_route";
        else if (!route.name.empty() && !label.ends_with(']'))
            label += "[" + route.name + "]";
        labels.push_back(std::move(label));
    }
    return labels;
}

Checker::Checker(const Config& config, module::Registry& registry, Diagnostics& diagnostics)
    : config_(config),
      tree_(*config.tree),
      registry_(registry),
      diagnostics_(diagnostics),
      program_(std::make_shared<Program>()) {
    program_->registry_ = &registry;
}

std::shared_ptr<const Program> Checker::compile() {
    prepare();
    parameters();
    find_reach();
    event_routes();
    log_prefix();
    for (std::size_t i = 0; i < tree_.routes.size(); ++i) {
        const RouteBlock& block = tree_.routes[i];
        allowed_ = reach_[i].own;
        block_ = block.type;
        shared_ = block.shared;
        breakable_ = 0;
        program_->routes_[i].first = steps(block.body);
    }
    warn_of_unused_routes();
    warn_of_unwritten();
    if (diagnostics_.errors() != 0) return nullptr;
    return program_;
}

std::optional<std::string_view> Checker::fill_in(std::string_view text, Message& message) {
    constexpr std::size_t kLongest = 65535;
    if (text.size() > kLongest) return std::nullopt;
    at_run_time_ = true;
    const Result<const LazyText*> made = Checker::text(text);
    // The program goes with this object.
    return made ? std::optional(message.arena.copy((*made)->text(message))) : std::nullopt;
}

void Checker::prepare() {
    const std::string_view own_name = builtin_descriptor().name;
    if (registry_.find(own_name) == nullptr) {
        if (const auto added = registry_.add(builtin_descriptor()); !added) {
            diagnostics_.error({}, added.error().str());
        }
    }
    if (module::Loaded* const own = registry_.find(own_name); own != nullptr) {
        builtin_ = static_cast<Builtin*>(own->object.get());
        std::map<std::string, std::string, std::less<>> defines;
        for (const auto& [name, define] : tree_.defines) {
            defines.emplace(name, define.value.value_or(""));
        }
        builtin_->set_defines(std::move(defines));
    }
    for (std::size_t i = 0; i < diagnostics_.file_count(); ++i) {
        program_->files_.push_back(diagnostics_.path(static_cast<std::uint16_t>(i)));
    }
    for (const RouteBlock& block : tree_.routes) {
        program_->routes_.push_back({block.type, block.name, nullptr});
    }
    read_limits();
}

void Checker::read_limits() {
    for (const Setting& s : config_.settings) {
        if (s.name == "max_while_loops" && !s.value.is_string) {
            program_->limits_.loops = std::max<std::int64_t>(1, s.value.number);
        }
        if (s.name == "max_recursive_level" && !s.value.is_string) {
            // The interpreter's own stack must hold.
            program_->limits_.depth =
                static_cast<int>(std::clamp<std::int64_t>(s.value.number, 1, 1024));
        }
    }
}

// ---- Parameters with variables ------------------------------------------------------------------

void Checker::parameters() {
    for (const ModParamLine& line : config_.parameters) {
        if (!line.value.is_string) continue;
        parameter_at_ = line.at;
        const auto ok = registry_.set_variables(line.module, line.name,
                                                std::string_view(line.value.text), *this);
        if (!ok && !ok.error().text.empty()) diagnostics_.error(line.at, ok.error().str());
    }
}

Result<const VariableRef*> Checker::variable(std::string_view text) {
    if (!take_whole(text)) return fail(fmt::format("\"{}\" is no variable", text));
    std::size_t taken = 0;
    access_ = Access::both;
    const VariableUse* const use = variable(parameter_at_, program_->keep(text), taken);
    access_ = Access::read;
    if (use == nullptr) return fail({});
    return use;
}

Result<const LazyText*> Checker::text(std::string_view text) {
    const std::size_t errors = diagnostics_.errors();
    std::string_view plain;
    const Format* made = format(parameter_at_, program_->keep(text), plain);
    if (diagnostics_.errors() != errors) return fail({});
    if (made != nullptr) return made;
    Format* const constant = program_->make<Format>();
    std::vector<Format::Piece> pieces{{program_->keep(plain), nullptr}};
    constant->pieces = program_->pieces_.emplace_back(std::move(pieces));
    return constant;
}

void Checker::log_prefix() {
    for (const Setting& s : config_.settings) {
        if (s.name == "log_prefix_mode") program_->log_prefix_anew_ = s.value.number == 1;
        if (s.name != "log_prefix" || s.value.text.empty()) continue;
        CallArgument made;
        Expression text;
        text.kind = Expression::Kind::string;
        text.at = s.value_at;
        text.text = s.value.text;
        if (lazy_argument(text, text, {}, made)) program_->log_prefix_ = made.constant.lazy_text;
    }
}

// ---- Which routes reach which -------------------------------------------------------------------

void Checker::collect_calls(const Expression* e, std::vector<std::string_view>& names) {
    if (e == nullptr) return;
    if (e->kind == Expression::Kind::route && e->parts[0]->kind == Expression::Kind::string) {
        names.push_back(e->parts[0]->text);
    }
    for (const Expression* part : e->parts) collect_calls(part, names);
}

void Checker::collect_calls(const std::vector<Statement*>& body,
                            std::vector<std::string_view>& names) {
    for (const Statement* s : body) {
        collect_calls(s->value, names);
        collect_calls(s->body, names);
        collect_calls(s->otherwise, names);
        for (const Case& c : s->cases) {
            collect_calls(c.value, names);
            collect_calls(c.body, names);
        }
    }
}

void Checker::find_reach() {
    std::vector<std::vector<std::string_view>> calls(tree_.routes.size());
    std::map<std::string_view, std::size_t> shared;
    for (std::size_t i = 0; i < tree_.routes.size(); ++i) {
        const RouteBlock& block = tree_.routes[i];
        collect_calls(block.body, calls[i]);
        if (block.shared) shared.emplace(block.name, i);
        Route own = block.type;
        if (own == Route::event && block.name.starts_with("tm:branch-failure")) {
            own = own | Route::branch_failure | Route::failure;
        }
        if (own == Route::event) own = own | Route::local | Route::request;
        if (block.shared) own = Route::request;
        reach_.push_back({own, !block.shared});
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (std::size_t i = 0; i < calls.size(); ++i) {
            for (const std::string_view name : calls[i]) {
                const auto target = shared.find(name);
                if (target == shared.end()) continue;
                Reach& to = reach_[target->second];
                const Route both = to.own | reach_[i].own;
                changed |= both != to.own;
                to.own = both;
            }
        }
    }
}

void Checker::event_routes() {
    // Only names whose module is loaded can be judged.
    for (const RouteBlock& block : tree_.routes) {
        if (block.type != Route::event) continue;
        const std::string_view name = block.name;
        module::Loaded* const owner = registry_.find(name.substr(0, name.find(':')));
        if (owner == nullptr) continue;
        const auto& known = owner->descriptor->event_routes;
        const bool found = std::any_of(known.begin(), known.end(), [name](std::string_view k) {
            return name == k || (name.starts_with(k) && name[k.size()] == ':');
        });
        if (found || known.empty()) continue;
        const std::string_view like = nearest(name, {known.begin(), known.end()});
        diagnostics_.warning(block.at,
                             fmt::format("module {} has no event route {}", owner->name, name),
                             like.empty() ? "" : fmt::format("did you mean {}?", like));
    }
}

// ---- Statements ---------------------------------------------------------------------------------

const Step* Checker::steps(const std::vector<Statement*>& body, const Step* behind) {
    warn_behind_end(body);
    std::vector<Step*> made;
    for (const Statement* s : body) {
        if (Step* const one = step(*s)) made.push_back(one);
    }
    const Step* next = behind;
    for (auto one = made.rbegin(); one != made.rend(); ++one) {
        (*one)->next = next;
        next = *one;
    }
    return next;
}

Step* Checker::step(const Statement& s) {
    Step* const out = program_->make<Step>();
    out->number = static_cast<std::uint32_t>(program_->steps_.size());
    program_->steps_.push_back(out);
    out->kind = s.kind;
    out->place = place(s.at);
    using Kind = Statement::Kind;
    if (s.kind == Kind::leave && breakable_ == 0) {
        // What it meant before there were loops.
        diagnostics_.warning(s.at, "break outside of while and switch leaves the route",
                             "return says so, exit leaves the whole script");
        out->kind = Kind::give_back;
    }
    warn_of_zero(s);
    if (s.value != nullptr) {
        const bool decides = s.kind == Kind::branch || s.kind == Kind::loop;
        const bool compares = s.kind == Kind::choice;
        const Checked value = decides    ? condition(*s.value)
                              : compares ? operand(*s.value)
                                         : expression(*s.value);
        out->value = value.node;
    }
    const bool breakable = s.kind == Kind::loop || s.kind == Kind::choice;
    breakable_ += breakable ? 1 : 0;
    if (s.kind == Kind::choice) {
        choice(s, *out);
    } else {
        out->body = steps(s.body);
        out->otherwise = steps(s.otherwise);
    }
    breakable_ -= breakable ? 1 : 0;
    return out;
}

void Checker::choice(const Statement& s, Step& out) {
    std::vector<Choice>& choices = program_->choices_.emplace_back();
    const Step* behind = nullptr;
    for (auto c = s.cases.rbegin(); c != s.cases.rend(); ++c) {
        behind = steps(c->body, behind);  // without break it runs into the next case
        if (auto made = one_choice(*c)) {
            made->first = behind;
            choices.push_back(*made);
        }
    }
    std::reverse(choices.begin(), choices.end());
    check_cases(s, choices);
    bool otherwise = false;
    for (const Case& c : s.cases) {
        if (c.kind != Case::Kind::otherwise) continue;
        if (otherwise) diagnostics_.error(c.at, "second default of the same switch");
        otherwise = true;
    }
    out.body = behind;
    out.choices = choices;
}

/// What is switched on is a number or a text: cases of the other kind never fit.
void Checker::check_cases(const Statement& s, const std::vector<Choice>& choices) {
    const auto is_text = [](const Choice& c) {
        return c.kind == Choice::Kind::regex || (c.made == nullptr && c.value.is_string());
    };
    const auto is_number = [](const Choice& c) {
        return c.kind == Choice::Kind::value && c.made == nullptr && c.value.is_integer();
    };
    if (choices.size() != s.cases.size()) return;  // a mistake was reported
    const auto text = std::ranges::find_if(choices, is_text);
    const auto number = std::ranges::find_if(choices, is_number);
    if (text == choices.end() || number == choices.end()) return;
    const std::size_t second = static_cast<std::size_t>(std::max(text, number) - choices.begin());
    diagnostics_.error(s.cases[second].at, "cases of one switch are all numbers or all texts",
                       "a number never equals a text here");
}

std::optional<Choice> Checker::one_choice(const Case& c) {
    Choice out;
    if (c.kind == Case::Kind::otherwise) {
        out.kind = Choice::Kind::otherwise;
        return out;
    }
    if (c.kind == Case::Kind::regex) {
        out.kind = Choice::Kind::regex;
        out.regex = regex(c.value->at, c.value->text, false);
        return out;
    }
    const Checked value = expression(*c.value);
    if (value.node == nullptr) return std::nullopt;
    if (!value.is_constant()) {
        if (c.value->kind == Expression::Kind::variable ||
            c.value->kind == Expression::Kind::call) {
            diagnostics_.error(c.value->at, "the value of a case must be constant");
            return std::nullopt;
        }
        out.made = value.node;
        return out;
    }
    out.value = value.node->value;
    return out;
}

std::shared_ptr<const Program> compile(const Config& config, module::Registry& registry,
                                       Diagnostics& diagnostics) {
    return Checker(config, registry, diagnostics).compile();
}

}  // namespace fairlead::cfg
