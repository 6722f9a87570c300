// Any transformation on any value, with arguments made of two texts: what the fuzzer and the test
// with fixed values share. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <optional>
#include <string_view>

#include "cfg/transform.h"
#include "core/api/regex.h"
#include "core/base/text.h"

namespace fairlead::test {

/// Arguments for every transformation. The texts must outlive it.
class TransformTexts {
public:
    /// `first` is also "/expression/replacement/flags", if it is one.
    TransformTexts(std::string_view first, std::string_view second) : texts_{first, second} {}
    TransformTexts(const TransformTexts&) = delete;
    TransformTexts& operator=(const TransformTexts&) = delete;

    /// Nullopt when it would not be called: for a null value, a wrong expression, or for `all` ==
    /// false (leave out what may be left out) when nothing may.
    [[nodiscard]] std::optional<Value> apply(const cfg::TransformRow& row, Message& m,
                                             const Value& in, bool all) {
        if (in.is_null() && !row.takes_null) return std::nullopt;
        const std::size_t optional = row.arguments.find('?');
        if (!all && optional == row.arguments.npos) return std::nullopt;
        std::array<Value, cfg::kMaxTransformArgs> values;
        std::size_t count = 0;
        for (const char letter : row.arguments) {
            if (letter == '?' && !all) break;
            if (letter == '?') continue;
            if (letter == 'r') {
                if (!substitution().regex->ok()) return std::nullopt;
                continue;
            }
            const std::string_view text = texts_[count];
            values[count++] =
                letter == 'i' ? Value(text::parse_int(text).value_or(-1)) : Value(text);
        }
        return row.apply(m, in, {std::span(values).first(count), &made_});
    }

private:
    /// An expression is compiled when a configuration is read, so the start of a long one stands
    /// for all.
    const cfg::Substitution& substitution() {
        if (regex_) return made_;
        const auto given = cfg::parse_substitution(texts_[0]);
        regex_.emplace(given ? given->expression.substr(0, 64) : "a*", Regex::Options{});
        made_ = {&*regex_, given ? given->replacement : "\\0\\1", !given || given->every};
        return made_;
    }

    std::array<std::string_view, cfg::kMaxTransformArgs> texts_;
    std::optional<Regex> regex_;  // made when it is first needed
    cfg::Substitution made_;
};

}  // namespace fairlead::test
