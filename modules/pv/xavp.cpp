// pv: $xavp, $xavu and $xavi, and the functions that work on them.
// SPDX-License-Identifier: Apache-2.0
#include "modules/pv/xavp.h"

#include "core/api/log.h"
#include "core/api/sip.h"
#include "core/api/text.h"
#include "modules/pv/pv.h"

namespace fairlead::pv {

namespace {

using Step = XavpPath::Step;

bool parse_step(std::string_view text, Step* step) noexcept {
    text = text::trim(text);
    const std::size_t open = text.find('[');
    step->name = text::trim(text.substr(0, open));
    if (step->name.empty()) return false;
    if (open == text.npos) return true;
    if (!text.ends_with(']')) return false;
    const std::string_view index = text::trim(text.substr(open + 1, text.size() - open - 2));
    step->has_index = true;
    step->all = index == "*";
    const auto number = text::parse_int(index);
    if (!number && !step->all) return false;
    step->index = number.value_or(0);
    return true;
}

Xavp* walk(Message& m, Lists which, const XavpPath& path) noexcept {
    const Xavps& all = lists(m, which);
    Xavp* at = *lists(m, which).roots();
    for (std::size_t i = 0; i < path.count; ++i) {
        const Step& step = path.steps[i];
        at = all.find(at, step.name, step.index);
        if (at == nullptr || i + 1 == path.count) return at;
        at = at->fields;
    }
    return nullptr;
}

bool remove(Xavps& all, const XavpPath& path) noexcept {
    Xavp** list = all.roots();
    for (std::size_t i = 0; i < path.count; ++i) {
        const Step& step = path.steps[i];
        const bool last = i + 1 == path.count;
        if (last && step.all) {
            all.remove_all(list, step.name);
            return true;
        }
        Xavp* const at = all.find(*list, step.name, step.index);
        if (at == nullptr) return true;  // there is nothing to remove
        if (last) Xavps::remove(list, at);
        list = &at->fields;
    }
    return true;
}

/// A name without an index makes an entry in front, one with an index means an entry that is there.
bool put(Xavps& all, const XavpPath& path, const Value& value) {
    Xavp** list = all.roots();
    for (std::size_t i = 0; i < path.count; ++i) {
        const Step& step = path.steps[i];
        const bool last = i + 1 == path.count;
        if (step.all) all.remove_all(list, step.name);
        if (!step.has_index || step.all) {
            Xavp* const made =
                last ? all.add(list, step.name, value) : all.add_set(list, step.name);
            list = &made->fields;
            continue;
        }
        Xavp* const at = all.find(*list, step.name, step.index);
        if (at == nullptr) return false;
        if (last) {
            all.assign(at, value);
        } else if (!at->is_set) {
            return false;
        }
        list = &at->fields;
    }
    return true;
}

/// One entry per name: what is there is replaced.
bool put_unique(Xavps& all, const XavpPath& path, const Value& value) {
    Xavp** list = all.roots();
    for (std::size_t i = 0; i < path.count; ++i) {
        const std::string_view name = path.steps[i].name;
        Xavp* at = all.find(*list, name);
        if (at == nullptr) at = all.add(list, name, Value());
        if (i + 1 == path.count) {
            all.assign(at, value);
        } else if (!at->is_set) {
            all.assign(at, Value());
            at->is_set = true;
        }
        list = &at->fields;
    }
    return true;
}

std::string_view unquoted(std::string_view s) noexcept {
    return s.size() >= 2 && s.front() == '"' && s.back() == '"' ? s.substr(1, s.size() - 2) : s;
}

bool too_many(std::string_view root) {
    LOG(error, "more than {} fields: \"{}\" was not made", kMostFields, root);
    return false;
}

void print_list(Message& m, std::string_view kind, std::string_view path, const Xavp* first) {
    for (; first != nullptr; first = first->next) {
        const std::string_view name =
            path.empty() ? first->name : m.arena.concat({path, "=>", first->name});
        if (first->is_set) {
            print_list(m, kind, name, first->fields);
        } else {
            LOG(info, "${}({}) = {}", kind, name, as_text(m, first->value));
        }
    }
}

}  // namespace

std::optional<XavpPath> parse_xavp_path(std::string_view text) noexcept {
    XavpPath path;
    while (true) {
        if (path.count == XavpPath::kMost) return std::nullopt;
        const std::size_t arrow = text.find("=>");
        if (!parse_step(text.substr(0, arrow), &path.steps[path.count++])) return std::nullopt;
        if (arrow == text.npos) return path;
        text.remove_prefix(arrow + 2);
    }
}

Result<std::uint64_t> resolve_xavp(Lists which, std::string_view inner) {
    const auto path = parse_xavp_path(inner);
    if (!path) return fail("name, name[index], name=>field or name[index]=>field[index] expected");
    for (std::size_t i = 0; i < path->count && which == Lists::xavu; ++i) {
        if (path->steps[i].has_index) return fail("$xavu has one value per name: no index");
    }
    return 0U;
}

Value get_xavp(Message& m, Lists which, const VariableName& name) {
    const auto path = parse_xavp_path(name.inner);
    const Xavp* const found = path ? walk(m, which, *path) : nullptr;
    if (found == nullptr) return {};
    // A set has no value; its name shows in logs what it is.
    return found->is_set ? Value(m.arena.concat({"<<xavp:", found->name, ">>"})) : found->value;
}

bool set_xavp(Message& m, Lists which, const VariableName& name, const Value& value) {
    const auto path = parse_xavp_path(name.inner);
    if (!path) {
        LOG(error, "\"{}\" is no name of a variable", name.inner);
        return false;
    }
    Xavps& all = lists(m, which);
    if (value.is_null()) return remove(all, *path);
    return which == Lists::xavu ? put_unique(all, *path, value) : put(all, *path, value);
}

bool explode_params(Message& m, Lists which, std::string_view params, std::string_view root) {
    Xavps& all = lists(m, which);
    Xavp* fields = nullptr;
    Xavp** end = &fields;
    std::size_t count = 0;
    while (const auto param = sip::next_param(params)) {
        if (++count > kMostFields) return too_many(root);
        const Value value(unquoted(param->value));
        Xavp* const old = which == Lists::xavu ? all.find(fields, param->name) : nullptr;
        if (old != nullptr) {
            all.assign(old, value);
        } else {
            end = &all.add(end, param->name, value)->next;
        }
    }
    if (which == Lists::xavu) all.remove_all(all.roots(), root);
    all.add_set(all.roots(), root)->fields = fields;
    return true;
}

Value implode_params(Message& m, Lists which, std::string_view root) {
    const Xavps& all = lists(m, which);
    const Xavp* const set = all.find(*lists(m, which).roots(), root);
    if (set == nullptr || !set->is_set) return {};
    // Two rounds, so that the text is written once whatever its length.
    std::size_t size = 0;
    for (const Xavp* f = set->fields; f != nullptr; f = f->next) {
        size += f->name.size() + as_text(m, f->value).size() + 2;
    }
    char* const out = m.arena.allocate(size);
    std::size_t at = 0;
    const auto put_text = [&](std::string_view s) {
        s.copy(out + at, s.size());
        at += s.size();
    };
    for (const Xavp* f = set->fields; f != nullptr; f = f->next) {
        if (f->is_set) continue;
        const std::string_view value = as_text(m, f->value);
        put_text(f->name);
        if (!value.empty()) put_text("=");
        put_text(value);
        put_text(";");
    }
    return std::string_view(out, at);
}

bool explode_list(Message& m, std::string_view list, std::string_view separators, bool trim,
                  std::string_view root) {
    Xavp* fields = nullptr;
    Xavp** end = &fields;
    std::size_t count = 0;
    while (!list.empty()) {
        const std::size_t at = list.find_first_of(separators);
        std::string_view one = list.substr(0, at);
        list = at == list.npos ? std::string_view() : list.substr(at + 1);
        if (trim) one = text::trim(one);
        if (one.empty()) continue;
        if (++count > kMostFields) return too_many(root);
        end = &m.xavps.add(end, "v", Value(one))->next;
    }
    m.xavps.add_set(m.xavps.roots(), root)->fields = fields;
    return true;
}

bool copy_xavp(Message& m, std::string_view from, std::int64_t index, std::string_view to,
               std::optional<std::int64_t> to_index) {
    Xavps& all = m.xavps;
    const Xavp* const source = all.find(*all.roots(), from, index);
    Xavp* const target = to_index ? all.find(*all.roots(), to, *to_index) : nullptr;
    if (source == nullptr || (to_index && target == nullptr)) return false;
    all.assign(target != nullptr ? target : all.append(all.roots(), to, Value()), *source);
    return true;
}

void set_child(Message& m, Lists which, std::string_view root, std::string_view child,
               const Value& value) {
    Xavps& all = lists(m, which);
    Xavp* set = all.find(*all.roots(), root);
    if (set == nullptr || !set->is_set) set = all.add_set(all.roots(), root);
    Xavp* const field = all.find(set->fields, child);
    if (field != nullptr) {
        all.assign(field, value);
    } else {
        all.add(&set->fields, child, value);
    }
}

void remove_child(Message& m, Lists which, std::string_view root, std::string_view child) {
    Xavps& all = lists(m, which);
    Xavp* const set = all.find(*all.roots(), root);
    if (set != nullptr) Xavps::remove(&set->fields, all.find(set->fields, child));
}

void remove_root(Message& m, Lists which, std::string_view root) {
    Xavps& all = lists(m, which);
    Xavps::remove(all.roots(), all.find(*all.roots(), root));
}

Value count_xavp(Message& m, Lists which, std::string_view text) {
    const auto path = parse_xavp_path(text);
    if (!path) return {};
    XavpPath outer = *path;
    const Xavps& all = lists(m, which);
    const Xavp* list = all.roots();
    if (--outer.count != 0) {
        const Xavp* const set = walk(m, which, outer);
        list = set != nullptr ? set->fields : nullptr;
    }
    return static_cast<std::int64_t>(all.count(list, path->steps[outer.count].name));
}

void print_lists(Message& m, Lists which) {
    constexpr std::array<std::string_view, 3> kNames{"xavp", "xavu", "xavi"};
    print_list(m, kNames[static_cast<std::size_t>(which)], {}, *lists(m, which).roots());
}

}  // namespace fairlead::pv
