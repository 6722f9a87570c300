// Taking variables apart.
// SPDX-License-Identifier: Apache-2.0
#include "cfg/variable_text.h"

#include "core/base/text.h"

namespace fairlead::cfg {

namespace {

constexpr bool is_name_char(char c) noexcept {
    const char l = text::to_lower(c);
    return (l >= 'a' && l <= 'z') || text::is_digit(c) || c == '_';
}

/// Offset of the bracket that closes the one at `open`, or npos.
std::size_t closing(std::string_view s, std::size_t open, char opens, char closes) noexcept {
    int depth = 0;
    for (std::size_t i = open; i < s.size(); ++i) {
        if (s[i] == opens) ++depth;
        if (s[i] == closes && --depth == 0) return i;
    }
    return std::string_view::npos;
}

std::size_t name_end(std::string_view s, std::size_t from) noexcept {
    if (from < s.size() && s[from] == '?') return from + 1;
    while (from < s.size() &&
           (is_name_char(s[from]) || (s[from] == '.' && from + 1 < s.size() && s[from + 1] != '.' &&
                                      is_name_char(s[from + 1]) && !text::is_digit(s[from + 1])))) {
        ++from;
    }
    return from;
}

class Taker {
public:
    explicit Taker(std::string_view text) : text_(text) {}

    VariableText take() {
        const bool enclosed = text_.size() > 1 && text_[1] == '(';
        std::size_t end = 0;
        if (enclosed) {
            const std::size_t close = closing(text_, 1, '(', ')');
            if (close == std::string_view::npos) return problem("\")\" is missing", 1);
            out_.text = text_.substr(0, close + 1);
            end = name_and_inner(2, close);
            if (out_.problem.empty()) end = index(end, close);
            while (out_.problem.empty() && end < close) end = transform(end, close);
            return out_;
        }
        end = name_and_inner(1, text_.size());
        if (out_.problem.empty()) out_.text = text_.substr(0, end);
        return out_;
    }

private:
    VariableText problem(std::string_view what, std::size_t offset) {
        out_.problem = what;
        out_.problem_offset = offset;
        if (out_.text.empty()) out_.text = text_.substr(0, 1);
        return out_;
    }

    std::size_t name_and_inner(std::size_t from, std::size_t limit) {
        const std::size_t end = name_end(text_.substr(0, limit), from);
        out_.name = text_.substr(from, end - from);
        if (out_.name.empty()) {
            problem("variable without a name", from);
            return end;
        }
        if (end >= limit || text_[end] != '(') return end;
        const std::size_t close = closing(text_.substr(0, limit), end, '(', ')');
        if (close == std::string_view::npos) {
            problem("\")\" is missing", end);
            return end;
        }
        out_.has_inner = true;
        out_.inner = text_.substr(end + 1, close - end - 1);
        return close + 1;
    }

    std::size_t index(std::size_t from, std::size_t limit) {
        if (from >= limit || text_[from] != '[') return from;
        const std::size_t close = closing(text_.substr(0, limit), from, '[', ']');
        if (close == std::string_view::npos) {
            problem("\"]\" is missing", from);
            return from;
        }
        out_.has_index = true;
        out_.index = text::trim(text_.substr(from + 1, close - from - 1));
        return close + 1;
    }

    std::size_t transform(std::size_t from, std::size_t limit) {
        if (text::is_space(text_[from])) return from + 1;
        if (text_[from] != '{') {
            problem("\"{\" or \")\" expected here", from);
            return limit;
        }
        const std::size_t close = closing(text_.substr(0, limit), from, '{', '}');
        if (close == std::string_view::npos) {
            problem("\"}\" is missing", from);
            return limit;
        }
        TransformText t;
        t.offset = from + 1;
        std::string_view inside = text_.substr(from + 1, close - from - 1);
        if (const std::size_t comma = inside.find(','); comma != std::string_view::npos) {
            t.has_arguments = true;
            t.arguments = inside.substr(comma + 1);
            inside = inside.substr(0, comma);
        }
        inside = text::trim(inside);
        const std::size_t dot = inside.find('.');
        t.group = inside.substr(0, dot);
        if (dot != std::string_view::npos) t.name = inside.substr(dot + 1);
        out_.transforms.push_back(t);
        return close + 1;
    }

    std::string_view text_;
    VariableText out_;
};

}  // namespace

VariableText take_variable(std::string_view text) {
    return Taker(text).take();
}

bool begins_variable(std::string_view text) noexcept {
    if (text.size() < 2 || text[0] != '$') return false;
    const char c = text[1];
    return c == '(' || c == '?' || (is_name_char(c) && !text::is_digit(c));
}

VariableText without_dots(const VariableText& variable) {
    VariableText out;
    out.name = variable.name.substr(0, variable.name.find('.'));
    out.text = variable.text.substr(0, 1 + out.name.size());
    return out;
}

}  // namespace fairlead::cfg
