// The compiled program: routes by name, variables and strings at run time.
// SPDX-License-Identifier: Apache-2.0
#include "cfg/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "cfg/config.h"
#include "core/base/text.h"

namespace fairlead::cfg {

// ---- Text ---------------------------------------------------------------------------------------

std::string_view text_of(Message& message, const Value& value) {
    if (value.is_string()) return value.string();
    if (!value.is_integer()) return {};
    constexpr std::size_t kDigits = 24;
    char* const out = message.arena.allocate(kDigits);
    const auto [end, problem] = std::to_chars(out, out + kDigits, value.integer());
    return {out, static_cast<std::size_t>(end - out)};
}

namespace {

/// A variable without value prints as "<null>", one that could not be read as nothing.
std::string_view piece_text(Message& message, const Format::Piece& p) {
    if (p.variable == nullptr) return p.text;
    const Value v = p.variable->get(message);
    if (v.is_null()) return v.is_absent() ? std::string_view() : "<null>";
    return text_of(message, v);
}

}  // namespace

std::optional<LazyText::Part> Format::part(Message& message, std::size_t n) const {
    if (n >= pieces.size()) return std::nullopt;
    return Part{piece_text(message, pieces[n]), pieces[n].variable != nullptr};
}

std::string_view Format::text(Message& message) const {
    if (pieces.size() == 1 && pieces[0].variable == nullptr) return pieces[0].text;
    // Two passes: the values, then one block of the right size.
    constexpr std::size_t kFew = 32;
    std::array<std::string_view, kFew> few;
    std::string_view joined;
    for (std::size_t from = 0; from < pieces.size(); from += kFew - 1) {
        few[0] = joined;
        std::size_t used = 1, size = joined.size();
        for (const Piece& p : pieces.subspan(from, std::min(kFew - 1, pieces.size() - from))) {
            const std::string_view text = piece_text(message, p);
            few[used++] = text;
            size += text.size();
        }
        char* const out = message.arena.allocate(size);
        char* at = out;
        for (const std::string_view text : std::span(few).first(used)) {
            if (!text.empty()) std::memcpy(at, text.data(), text.size());
            at += text.size();
        }
        joined = {out, size};
    }
    return joined;
}

// ---- Variables ----------------------------------------------------------------------------------

VariableName VariableUse::resolved(Message& message) const {
    VariableName out = name;
    if (inner != nullptr) out.inner = inner->text(message);
    if (index != nullptr) {
        const auto number = text::parse_int(index->text(message));
        out.index = static_cast<std::int32_t>(
            std::clamp<std::int64_t>(number.value_or(0), INT32_MIN, INT32_MAX));
    }
    return out;
}

Value VariableUse::transformed(Message& message, Value value) const {
    for (const TransformUse& t : transforms) {
        if (value.is_null() && !t.row->takes_null) return Value::absent();
        std::array<Value, kMaxTransformArgs> arguments = t.constants;
        for (std::size_t i = 0; i < t.count; ++i) {
            if (t.formats[i] == nullptr) continue;
            const std::string_view made = t.formats[i]->text(message);
            arguments[i] = made;
            if (t.constants[i].is_integer()) arguments[i] = text::parse_int(made).value_or(0);
        }
        value = t.row->apply(message, value, {std::span(arguments).first(t.count), t.substitution});
    }
    return value;
}

Value VariableUse::raw(Message& message) const {
    const bool constant = inner == nullptr && index == nullptr;
    if (constant) return row->get(*module, message, name);
    VariableName made = resolved(message);
    if (inner != nullptr && row->fixed_names) {
        const auto handle = row->resolve(*module, made.inner);
        if (!handle) return Value::absent();
        made.handle = *handle;
    }
    return row->get(*module, message, made);
}

Value VariableUse::get(Message& message) const {
    const Value value = raw(message);
    return transforms.empty() ? value : transformed(message, value);
}

bool VariableUse::set(Message& message, const Value& value) const {
    if (row->set == nullptr || !transforms.empty()) return false;
    const bool constant = inner == nullptr && index == nullptr;
    if (constant) return row->set(*module, message, name, value);
    VariableName made = resolved(message);
    if (inner != nullptr && row->fixed_names) {
        const auto handle = row->resolve(*module, made.inner);
        if (!handle) return false;
        made.handle = *handle;
    }
    return row->set(*module, message, made, value);
}

// ---- Addresses ----------------------------------------------------------------------------------

bool Network::contains(const Address& other) const noexcept {
    if (other.version != address.version) return false;
    const std::size_t whole = static_cast<std::size_t>(prefix) / 8;
    if (!std::equal(address.ip.begin(), address.ip.begin() + whole, other.ip.begin())) return false;
    const int rest = prefix % 8;
    if (rest == 0) return true;
    const auto mask = static_cast<std::uint8_t>(0xFF << (8 - rest));
    return (address.ip[whole] & mask) == (other.ip[whole] & mask);
}

// ---- Routes -------------------------------------------------------------------------------------

RouteId Program::find(Route type, std::string_view name) const noexcept {
    for (std::size_t i = 0; i < routes_.size(); ++i) {
        if (any_of(routes_[i].type, type) && routes_[i].name == name) return RouteId(i);
    }
    return RouteId::none;
}

std::string Program::where(const Place& place) const {
    const std::string_view file =
        place.file < files_.size() ? std::string_view(files_[place.file]) : "?";
    return fmt::format("{}:{}", file, place.line);
}

const LazyText* log_prefix(const Program& program) noexcept {
    return program.log_prefix();
}

}  // namespace fairlead::cfg
