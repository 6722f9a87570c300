// textopsx: values of header fields that are lists, and their parameters.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <vector>

#include "core/api/log.h"
#include "core/api/sip.h"
#include "core/api/text.h"
#include "modules/textopsx/textopsx.h"

namespace fairlead::textopsx {

namespace {

/// "name[index].param".
struct Spec {
    std::string_view name, param;
    std::int64_t index = 1;
    bool has_index = false, all = false;
};

std::optional<Spec> parse_spec(std::string_view text) {
    Spec spec;
    const std::size_t end = text.find_first_of("[.");
    spec.name = text::trim(text.substr(0, end));
    std::string_view rest = end == std::string_view::npos ? "" : text.substr(end);
    bool good = !spec.name.empty();
    if (rest.starts_with('[')) {
        const std::size_t close = rest.find(']');
        const std::string_view inner =
            close == std::string_view::npos ? "" : text::trim(rest.substr(1, close - 1));
        spec.has_index = true;
        spec.all = inner == "*";
        const auto number = text::parse_int(inner);
        good = good && (spec.all || (number && *number != 0));
        spec.index = number.value_or(1);
        rest = close == std::string_view::npos ? "" : rest.substr(close + 1);
    }
    if (rest.starts_with('.')) {
        spec.param = rest.substr(1);
        good = good && !spec.param.empty();
        rest = {};
    }
    if (good && rest.empty()) return spec;
    LOG(error, "\"{}\" is not of the form name[index].parameter", text);
    return std::nullopt;
}

/// One value where it stands.
struct Found {
    const sip::Header* header;
    std::string_view value;
    std::size_t place;  ///< in its field, from 0
    bool is_last;       ///< of its field
};

enum class Split : std::uint8_t { at_commas, never };

std::vector<Found> all_values(const Message& m, std::string_view name, Split split) {
    std::vector<Found> out;
    for (std::size_t n = 0; const sip::Header* h = m.sip.header(name, n); ++n) {
        if (m.edits.is_removed(*h)) continue;
        if (split == Split::never) {
            out.push_back({h, m.sip.value(*h), 0, true});
            continue;
        }
        std::string_view rest = m.sip.value(*h);
        std::size_t place = 0;
        while (const auto value = sip::next_value(rest)) {
            if (place != 0) out.back().is_last = false;
            out.push_back({h, *value, place++, true});
        }
    }
    return out;
}

/// Those that a spec means.
std::vector<Found> wanted(const Message& m, const Spec& spec, Split split) {
    std::vector<Found> all = all_values(m, spec.name, split);
    if (spec.all) return all;
    const auto count = static_cast<std::int64_t>(all.size());
    const std::int64_t at = spec.index > 0 ? spec.index - 1 : count + spec.index;
    if (at < 0 || at >= count) return {};
    return {all[static_cast<std::size_t>(at)]};
}

std::uint32_t offset_of(const Message& m, const char* p) noexcept {
    return static_cast<std::uint32_t>(p - m.sip.bytes().data());
}
const char* end_of(std::string_view s) noexcept {
    return s.data() + s.size();
}
bool cut(Message& m, const char* begin, const char* end, std::string_view text = {}) {
    return m.edits.replace(offset_of(m, begin), static_cast<std::uint32_t>(end - begin), text);
}

void add_field(Message& m, std::string_view name, std::string_view value) {
    m.edits.append_header(m.sip, m.arena.concat({name, ": ", value, "\r\n"}));
}

bool remove_value(Message& m, const Found& f) {
    if (f.place == 0 && f.is_last) return m.edits.remove(*f.header);
    if (f.place == 0)
        return cut(
            m, f.value.data(),
            m.sip.bytes().data() + m.sip.bytes().find(',', offset_of(m, end_of(f.value))) + 1);
    const char* comma = f.value.data();
    while (*--comma != ',') {
    }
    return cut(m, comma, end_of(f.value));
}

/// Where a value's own parameters are: behind <…>, else behind its first ';'. Of credentials: all
/// behind the scheme.
std::string_view param_part(std::string_view value, Split split) noexcept {
    if (split == Split::never) {
        const std::size_t space = value.find(' ');
        return space == std::string_view::npos ? value.substr(value.size())
                                               : value.substr(space + 1);
    }
    bool quoted = false;
    std::size_t from = value.size();
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (quoted && value[i] == '\\') {
            ++i;
        } else if (value[i] == '"') {
            quoted = !quoted;
        } else if (!quoted && value[i] == '<') {
            const std::size_t close = value.find('>', i);
            if (close == std::string_view::npos) return value.substr(value.size());
            i = close;
        } else if (!quoted && value[i] == ';') {
            from = i + 1;
            break;
        }
    }
    return value.substr(from);
}

/// The parameter, and the end of the one before it (or null when it is the first).
struct FoundParam {
    sip::Param param;
    const char* before = nullptr;
    const char* end = nullptr;
};
std::optional<FoundParam> find_param(std::string_view value, std::string_view name, Split split) {
    std::string_view rest = param_part(value, split);
    const char* before = nullptr;
    while (const auto param = sip::next_param(rest, split == Split::never ? ',' : ';')) {
        const char* const end =
            param->has_value && !param->value.empty() ? end_of(param->value) : end_of(param->name);
        if (text::ci_equal(param->name, name)) return FoundParam{*param, before, end};
        before = end;
    }
    return std::nullopt;
}

bool remove_param(Message& m, const Found& f, std::string_view name, Split split) {
    const auto found = find_param(f.value, name, split);
    if (!found) return false;
    if (found->before != nullptr) return cut(m, found->before, found->end);
    const char* begin = found->param.name.data();
    if (split == Split::at_commas) {
        while (*--begin != ';') {
        }
        return cut(m, begin, found->end);
    }
    const char* end = found->end;
    while (end < end_of(f.value) && *end != ',') ++end;
    return cut(m, begin, end < end_of(f.value) ? end + 1 : end);
}

bool assign_param(Message& m, const Found& f, const Spec& spec, std::string_view value,
                  Split split) {
    const std::string_view equals = value.empty() ? "" : "=";
    if (const auto found = find_param(f.value, spec.param, split)) {
        return cut(m, end_of(found->param.name), found->end, m.arena.concat({equals, value}));
    }
    const bool first = param_part(f.value, split).empty() && split == Split::never;
    const std::string_view mark = split == Split::at_commas ? ";" : (first ? " " : ",");
    m.edits.insert(offset_of(m, end_of(f.value)),
                   m.arena.concat({mark, spec.param, equals, value}));
    return true;
}

Verdict remove_wanted(Message& m, std::string_view field, Split split) {
    const auto spec = parse_spec(field);
    if (!spec) return Verdict::no;
    bool any = false;
    for (const Found& f : wanted(m, *spec, split)) {
        if (!spec->param.empty()) {
            any = remove_param(m, f, spec->param, split) || any;
        } else if (spec->all) {
            any = m.edits.is_removed(*f.header) || m.edits.remove(*f.header) || any;
        } else {
            any = remove_value(m, f) || any;
        }
    }
    return Verdict::of(any);
}

Verdict assign_wanted(Message& m, std::string_view field, std::string_view value, Split split) {
    const auto spec = parse_spec(field);
    if (!spec) return Verdict::no;
    if (spec->all && spec->param.empty()) {
        LOG(error, "[*] assigns parameters only");
        return Verdict::no;
    }
    bool any = false;
    for (const Found& f : wanted(m, *spec, split)) {
        any = (spec->param.empty() ? cut(m, f.value.data(), end_of(f.value), value)
                                   : assign_param(m, f, *spec, value, split)) ||
              any;
    }
    return Verdict::of(any);
}

}  // namespace

Verdict Textopsx::append_hf_value(Message& m, std::string_view field, std::string_view value) {
    const auto spec = parse_spec(field);
    if (!spec || spec->all || !spec->param.empty()) return Verdict::no;
    const auto found = spec->has_index ? wanted(m, *spec, Split::at_commas) : std::vector<Found>();
    if (found.empty()) {
        add_field(m, spec->name, value);
    } else {
        m.edits.insert(offset_of(m, end_of(found[0].value)), m.arena.concat({",", value}));
    }
    return Verdict::yes;
}

Verdict Textopsx::insert_hf_value(Message& m, std::string_view field, std::string_view value) {
    const auto spec = parse_spec(field);
    if (!spec || spec->all || !spec->param.empty()) return Verdict::no;
    const auto found = wanted(m, *spec, Split::at_commas);
    if (found.empty()) {
        add_field(m, spec->name, value);
    } else if (!spec->has_index) {
        m.edits.insert_before(*found[0].header, m.arena.concat({spec->name, ": ", value, "\r\n"}));
    } else {
        const char* at = found[0].value.data();
        while (found[0].place != 0 && at[-1] != ',') --at;
        m.edits.insert(offset_of(m, at), m.arena.concat({value, ","}));
    }
    return Verdict::yes;
}

Verdict Textopsx::remove_hf_value(Message& m, std::string_view field) {
    return remove_wanted(m, field, Split::at_commas);
}
Verdict Textopsx::remove_hf_value2(Message& m, std::string_view field) {
    return remove_wanted(m, field, Split::never);
}
Verdict Textopsx::assign_hf_value(Message& m, std::string_view field, std::string_view value) {
    return assign_wanted(m, field, value, Split::at_commas);
}
Verdict Textopsx::assign_hf_value2(Message& m, std::string_view field, std::string_view value) {
    return assign_wanted(m, field, value, Split::never);
}

Verdict Textopsx::hf_value_exists(Message& m, std::string_view name, std::string_view value) {
    for (const Found& f : all_values(m, name, Split::at_commas)) {
        if (text::ci_equal(f.value, value)) return Verdict::yes;
    }
    return Verdict::no;
}

Verdict Textopsx::include_hf_value(Message& m, std::string_view name, std::string_view value) {
    const auto all = all_values(m, name, Split::at_commas);
    if (all.empty()) {
        add_field(m, name, value);
    } else if (hf_value_exists(m, name, value) == Verdict::no) {
        const sip::Header& first = *all.front().header;
        m.edits.insert(first.value_offset + std::uint32_t{first.value_length},
                       m.arena.concat({",", value}));
    }
    return Verdict::yes;
}

Verdict Textopsx::exclude_hf_value(Message& m, std::string_view name, std::string_view value) {
    for (const Found& f : all_values(m, name, Split::at_commas)) {
        if (text::ci_equal(f.value, value)) remove_value(m, f);
    }
    return Verdict::yes;
}

}  // namespace fairlead::textopsx
