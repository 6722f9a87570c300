// The attributes of an account.
// SPDX-License-Identifier: Apache-2.0
#include "modules/acc/fields.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/api/text.h"

namespace fairlead::acc {

namespace {

struct Part {
    std::string_view name, value;
};

/// Takes "name=value" up to the next ';' that is not in parentheses or braces.
Result<Part> take(std::string_view& rest) {
    std::size_t end = 0;
    for (int depth = 0; end < rest.size() && (rest[end] != ';' || depth > 0); ++end) {
        depth += rest[end] == '(' || rest[end] == '{' ? 1 : 0;
        depth -= rest[end] == ')' || rest[end] == '}' ? 1 : 0;
    }
    const std::string_view all = text::trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t equals = all.find('=');
    const Part part{text::trim(all.substr(0, equals)),
                    equals == all.npos ? std::string_view() : text::trim(all.substr(equals + 1))};
    if (part.name.empty() || part.value.empty()) {
        return fail(fmt::format("\"{}\" is not name=$variable", all));
    }
    return part;
}

void append(std::string& line, std::string_view name, const Value& value) {
    line += ';';
    line += name;
    line += '=';
    if (value.is_integer()) {
        line += std::to_string(value.integer());
    } else {
        append_value(line, value.string());
    }
}

}  // namespace

void append_value(std::string& line, std::string_view value) {
    for (const char c : value) line += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
}

Result<void> Fields::read(std::string_view text, ParamVariables& variables) {
    while (!text::trim(text).empty()) {
        const Part part = TRY(take(text));
        const VariableRef* const variable = TRY(variables.variable(part.value));
        if (fields_.size() == kMost) return fail(fmt::format("more than {} attributes", kMost));
        fields_.push_back({std::string(part.name), variable});
    }
    return {};
}

std::vector<std::string_view> Fields::names() const {
    std::vector<std::string_view> out;
    for (const Field& f : fields_) out.emplace_back(f.name);
    return out;
}

std::vector<Value> Fields::values(Message& m) const {
    std::vector<Value> out;
    for (const Field& f : fields_) out.push_back(f.variable->get(m));
    return out;
}

void Fields::write(Message& m, std::string& line) const {
    for (const Field& f : fields_) append(line, f.name, f.variable->get(m));
}

Result<void> Legs::read(std::string_view text) {
    while (!text::trim(text).empty()) {
        const Part part = TRY(take(text));
        std::string_view avp = part.value;
        if (!avp.starts_with("$avp(") || !avp.ends_with(')')) {
            return fail(fmt::format("\"{}\" is no AVP, as $avp(name)", avp));
        }
        avp = avp.substr(5, avp.size() - 6);
        if (avp.starts_with("s:")) avp.remove_prefix(2);
        if (fields_.size() == Fields::kMost) {
            return fail(fmt::format("more than {} attributes", Fields::kMost));
        }
        fields_.push_back({std::string(part.name), std::string(avp)});
    }
    return {};
}

std::vector<std::string_view> Legs::names() const {
    std::vector<std::string_view> out;
    for (const Field& f : fields_) out.emplace_back(f.name);
    return out;
}

std::size_t Legs::count(const Message& m) const {
    std::size_t legs = 0;
    for (const Field& f : fields_) legs = std::max(legs, m.avps.count(f.avp));
    return std::min(legs, kMost);
}

std::vector<Value> Legs::values(const Message& m, std::size_t leg) const {
    std::vector<Value> out;
    for (const Field& f : fields_) out.push_back(m.avps.get(f.avp, leg));
    return out;
}

void Legs::write(const Message& m, std::string& line) const {
    const std::size_t legs = count(m);
    for (std::size_t leg = 0; leg < legs; ++leg) {
        for (const Field& f : fields_) append(line, f.name, m.avps.get(f.avp, leg));
    }
}

}  // namespace fairlead::acc
