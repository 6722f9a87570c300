// How names and values are compared with a pattern.
// SPDX-License-Identifier: Apache-2.0
#include "modules/htable/matcher.h"

#include <fmt/format.h>

#include "core/api/text.h"

namespace fairlead::htable {

Result<void> Matcher::compile(RegexCache& cache) {
    std::string problem;
    regex_ = cache.find(value_, {}, problem);
    if (regex_ == nullptr) return fail(fmt::format("bad regular expression: {}", problem));
    return {};
}

Result<Matcher> Matcher::from(RegexCache& cache, std::string_view op, std::string_view value,
                              bool may_compare) {
    Matcher m;
    m.value_ = value;
    if (op == "re") {
        TRY(m.compile(cache));
    } else if (op == "sw") {
        m.how_ = How::begins;
    } else if (may_compare && (op == "eq" || op == "ne")) {
        m.how_ = op == "eq" ? How::equal : How::unequal;
    } else {
        return fail(
            fmt::format("\"{}\" is no operator here: {}re, sw", op, may_compare ? "eq, ne, " : ""));
    }
    return m;
}

Result<Matcher> Matcher::counting(RegexCache& cache, std::string_view pattern, bool values) {
    Matcher m;
    if (pattern.starts_with("==")) {
        m.how_ = How::equal;
        m.value_ = pattern.substr(2);
        return m;
    }
    const auto number =
        values && pattern.starts_with("eq") ? text::parse_int(pattern.substr(2)) : std::nullopt;
    if (number) {
        m.how_ = How::number;
        m.number_ = *number;
        return m;
    }
    if (pattern.starts_with("~~")) pattern.remove_prefix(2);
    m.value_ = pattern;
    TRY(m.compile(cache));
    return m;
}

bool Matcher::fits(std::string_view text) const {
    switch (how_) {
        case How::equal: return text == value_;
        case How::unequal: return text != value_;
        case How::begins: return text.starts_with(value_);
        case How::regex: return regex_->matches(text);
        case How::number: break;
    }
    return false;
}

bool Matcher::fits_value(const Copied& item) const {
    if (how_ == How::number) return !item.is_text && item.number == number_;
    return item.is_text && fits(item.text);
}

}  // namespace fairlead::htable
