// The checker: variables, their transformations, and strings with variables in them.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cfg/check.h"
#include "cfg/known_names.h"
#include "cfg/variable_text.h"
#include "core/base/text.h"

namespace fairlead::cfg {

namespace {

/// The place of a part of a string or variable; the whole when it spans lines.
Position inside(const Position& at, std::size_t offset, std::size_t length) {
    Position out = at;
    if (offset + length > at.length) return out;
    out.column += static_cast<std::uint32_t>(offset);
    out.length = static_cast<std::uint32_t>(std::max<std::size_t>(length, 1));
    return out;
}

}  // namespace

bool Checker::has_variable(std::string_view text) noexcept {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '$') continue;
        if (i + 1 < text.size() && text[i + 1] == '$') return true;  // $$ prints $
        if (begins_variable(text.substr(i))) return true;
    }
    return false;
}

bool Checker::take_whole(std::string_view text) {
    if (!begins_variable(text)) return false;
    const VariableText taken = take_variable(text);
    return taken.problem.empty() && taken.text == text;
}

void Checker::unknown_variable(const Position& at, std::string_view name) {
    std::string hint;
    const std::string_view owner = module_of_variable(name);
    if (failed_to_load(owner)) return;
    if (!owner.empty() && registry_.find(owner) == nullptr) {
        hint = fmt::format("${} is in module {}, which is not loaded", name, owner);
    } else {
        const std::string_view like = nearest(name, registry_.variable_names());
        if (!like.empty()) hint = fmt::format("did you mean ${}?", like);
    }
    diagnostics_.error(at, fmt::format("unknown variable ${}", name), std::move(hint));
}

const VariableUse* Checker::variable(const Expression& e) {
    std::size_t taken = 0;
    const VariableUse* const use = variable(e.at, e.text, taken);
    if (use != nullptr && taken < e.text.size()) {
        diagnostics_.error(
            inside(e.at, taken, e.text.size() - taken),
            fmt::format("unexpected \"{}\" behind the variable", e.text.substr(taken)));
        return nullptr;
    }
    return use;
}

const VariableUse* Checker::variable(const Position& at, std::string_view text,
                                     std::size_t& taken) {
    constexpr int kMostAtRunTime = 64;
    if (at_run_time_ && ++variables_ > kMostAtRunTime) {
        taken = text.size();
        diagnostics_.error(at, "too many variables");
        return nullptr;
    }
    VariableText parts = take_variable(text);
    taken = parts.text.size();
    if (!parts.problem.empty()) {
        diagnostics_.error(inside(at, parts.problem_offset, 1), std::string(parts.problem));
        return nullptr;
    }
    auto row = registry_.variable(parts.name);
    if (!row && !parts.has_inner && text[1] != '(' && parts.name.find('.') != parts.name.npos) {
        parts = without_dots(parts);  // "$rd.example.org" in a string
        taken = parts.text.size();
        row = registry_.variable(parts.name);
    }
    if (!row || row->row->keyword) {
        unknown_variable(inside(at, 0, parts.text.size()), parts.name);
        return nullptr;
    }
    VariableUse* const use = program_->make<VariableUse>();
    use->row = row->row;
    use->module = row->owner->object.get();
    use->text = program_->keep(parts.text);
    const Access access = std::exchange(access_, Access::read);
    const bool ok = name_and_index(at, parts, *use);
    access_ = access;
    if (ok) note_variable(inside(at, 0, parts.text.size()), *use);
    access_ = Access::read;
    return transforms(at, parts, *use) && ok ? use : nullptr;
}

const VariableUse* Checker::inner_variable(const Position& at, std::string_view text) {
    std::size_t taken = 0;
    const VariableUse* const use = text.starts_with('$') ? variable(at, text, taken) : nullptr;
    if (use != nullptr && taken == text.size()) return use;
    if (use != nullptr || !text.starts_with('$'))
        diagnostics_.error(at, fmt::format("\"{}\" is no variable", text));
    return nullptr;
}

bool Checker::name_and_index(const Position& at, const VariableText& text, VariableUse& use) {
    const Variable& row = *use.row;
    const Position whole = inside(at, 0, text.text.size());
    if (row.inner == Inner::none && text.has_inner) {
        diagnostics_.error(whole, fmt::format("${} takes no name in parentheses", row.name));
        return false;
    }
    const bool evaluated = row.inner == Inner::evaluated;
    const bool as_written = row.inner == Inner::variable || evaluated;
    if ((row.inner == Inner::required || as_written) && !text.has_inner) {
        diagnostics_.error(whole, fmt::format("${} needs a name: ${}(name)", row.name, row.name));
        return false;
    }
    if (text.has_index && !row.indexed) {
        diagnostics_.error(whole, fmt::format("${} takes no index", row.name));
        return false;
    }
    const std::size_t errors = diagnostics_.errors();
    use.name.inner = text.inner;
    if (!as_written) use.inner = format(whole, text.inner, use.name.inner);
    use.name.inner = program_->keep(use.name.inner);
    if (evaluated) use.name.variable = inner_variable(whole, use.name.inner);
    if (text.has_index) {
        use.name.has_index = true;
        use.name.all = text.index == "*";
        const auto number = text::parse_int(text.index);
        if (number && *number >= INT32_MIN && *number <= INT32_MAX) {
            use.name.index = static_cast<std::int32_t>(*number);
        } else if (!use.name.all) {
            std::string_view plain;
            use.index = format(whole, text.index, plain);
            if (use.index == nullptr && diagnostics_.errors() == errors) {
                diagnostics_.error(whole, fmt::format("\"{}\" is no index", text.index),
                                   "a number, * for all, or a variable");
            }
        }
    }
    if (diagnostics_.errors() != errors) return false;
    if (row.resolve == nullptr || use.inner != nullptr) return true;
    // After the start a name is looked up and not made: callers may write such texts.
    if (at_run_time_ && !row.fixed_names) return named_now(whole, as_written, use);
    auto handle = row.resolve(*use.module, use.name.inner);
    if (!handle) {
        diagnostics_.error(whole, fmt::format("{}: {}", text.text, handle.error().str()));
        return false;
    }
    use.name.handle = *handle;
    return true;
}

bool Checker::named_now(const Position& at, bool as_written, VariableUse& use) {
    if (as_written) {
        diagnostics_.error(at, "only in a text of the configuration");
        return false;
    }
    Format* const constant = program_->make<Format>();
    constant->pieces =
        program_->pieces_.emplace_back(std::vector<Format::Piece>{{use.name.inner, nullptr}});
    use.inner = constant;
    return true;
}

// ---- Transformations ----------------------------------------------------------------------------

bool Checker::transforms(const Position& at, const VariableText& text, VariableUse& use) {
    if (text.transforms.empty()) return true;
    std::vector<TransformUse> uses;
    bool ok = true;
    for (const TransformText& t : text.transforms) {
        const std::size_t length = t.group.size() + 1 + t.name.size();
        const Position place = inside(at, t.offset, length);
        TransformUse one;
        one.row = find_transform(t.group, t.name);
        if (one.row == nullptr) {
            std::vector<std::string> names;
            for (const auto rows : all_transforms()) {
                for (const TransformRow& r : rows) {
                    names.push_back(fmt::format("{}.{}", r.group, r.name));
                }
            }
            const std::string wanted = fmt::format("{}.{}", t.group, t.name);
            const std::string_view like = nearest(wanted, {names.begin(), names.end()});
            diagnostics_.error(place, fmt::format("unknown transformation {{{}}}", wanted),
                               like.empty() ? "" : fmt::format("did you mean {{{}}}?", like));
            ok = false;
            continue;
        }
        const std::string_view letters = one.row->arguments;
        if (!t.has_arguments && !letters.empty() && letters[0] != '?') {
            diagnostics_.error(place, fmt::format("{{{}.{}}} needs an argument", t.group, t.name));
            ok = false;
            continue;
        }
        if (t.has_arguments && letters.empty()) {
            diagnostics_.error(place, fmt::format("{{{}.{}}} takes no argument", t.group, t.name));
            ok = false;
            continue;
        }
        ok &= !t.has_arguments || transform_arguments(place, t.arguments, one);
        uses.push_back(one);
    }
    use.transforms = program_->transforms_.emplace_back(std::move(uses));
    return ok;
}

bool Checker::transform_arguments(const Position& at, std::string_view text, TransformUse& use) {
    const auto wrong = [&](std::string_view what) {
        diagnostics_.error(at, fmt::format("{{{}.{}}}: {}", use.row->group, use.row->name, what));
        return false;
    };
    std::string_view letters = use.row->arguments;
    bool optional = false;
    for (; !letters.empty(); letters.remove_prefix(1)) {
        if (letters[0] == '?') {
            optional = true;
            continue;
        }
        if (text.data() == nullptr) return optional || wrong("an argument is missing");
        const bool last = letters.size() == 1;
        const bool byte = letters[0] == 'c';
        // One byte may be the comma itself; a last string keeps its commas.
        std::size_t end = last ? text.size() : std::min(text.find(','), text.size());
        if (byte && !text.empty() && text[0] != '$')
            end = text[0] == '\\' && text.size() > 1 ? 2 : 1;
        std::string_view one = text.substr(0, end);
        if (end < text.size()) {
            if (text[end] != ',') return wrong("one byte expected");
            text.remove_prefix(end + 1);
        } else {
            text = {};
        }
        if (letters[0] == 'r') return substitution(at, one, use);
        std::string_view plain;
        const std::size_t errors = diagnostics_.errors();
        use.formats[use.count] = format(at, one, plain);
        if (diagnostics_.errors() != errors) return false;
        Value& value = use.constants[use.count++];
        if (letters[0] == 'i') {
            const auto number = text::parse_int(text::trim(plain));
            if (use.formats[use.count - 1] == nullptr && !number) return wrong("a number expected");
            value = number.value_or(0);
        } else {
            if (byte && plain.size() == 2 && plain[0] == '\\') plain.remove_prefix(1);
            if (byte && plain.empty() && use.formats[use.count - 1] == nullptr) {
                return wrong("one byte expected");
            }
            value = program_->keep(plain);
        }
    }
    return text.data() == nullptr || wrong("too many arguments");
}

bool Checker::substitution(const Position& at, std::string_view text, TransformUse& use) {
    const auto parts = parse_substitution(text);
    if (!parts) {
        diagnostics_.error(at, fmt::format("\"{}\" is not /expression/replacement/flags", text),
                           "flags are g and i");
        return false;
    }
    const Regex& regex = program_->regexes_.emplace_back(
        parts->expression, Regex::Options{.any_case = parts->any_case});
    if (!regex.ok()) {
        diagnostics_.error(at, fmt::format("bad regular expression: {}", regex.problem()));
        return false;
    }
    Substitution* const made = program_->make<Substitution>();
    made->regex = &regex;
    made->replacement = program_->keep(parts->replacement);
    made->every = parts->every;
    use.substitution = made;
    return true;
}

// ---- Strings with variables ---------------------------------------------------------------------

const Format* Checker::format(const Position& at, std::string_view text, std::string_view& plain) {
    plain = text;
    if (!has_variable(text)) return nullptr;
    std::vector<Format::Piece> pieces;
    std::string pending;
    // Escapes make the text shorter than its source, so variables are looked for there.
    const std::string_view source = diagnostics_.source(at);
    std::size_t cursor = 0;
    const auto flush = [&] {
        if (!pending.empty()) pieces.push_back({program_->keep(pending), nullptr});
        pending.clear();
    };
    for (std::size_t i = 0; i < text.size();) {
        const std::string_view rest = text.substr(i);
        if (rest.starts_with("$$")) {
            pending += '$';
            i += 2;
            continue;
        }
        if (!begins_variable(rest)) {
            pending += text[i++];
            continue;
        }
        flush();
        std::size_t taken = 0;
        const std::string_view written = take_variable(rest).text;
        const std::size_t found = source.find(written, cursor);
        Position place = at;
        place.length = 1;
        if (found != source.npos) {
            place = inside(at, found, written.size());
            cursor = found + written.size();
        }
        const VariableUse* const use = variable(place, rest, taken);
        if (use != nullptr) pieces.push_back({{}, use});
        i += std::max<std::size_t>(taken, 1);
    }
    flush();
    if (pieces.size() == 1 && pieces[0].variable == nullptr) {
        plain = pieces[0].text;  // nothing but $$
        return nullptr;
    }
    Format* const out = program_->make<Format>();
    out->pieces = program_->pieces_.emplace_back(std::move(pieces));
    return out;
}

}  // namespace fairlead::cfg
