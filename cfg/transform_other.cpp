// Transformations of lines, regular expressions, SQL and JSON values, and plain values: {line.…},
// {re.subst}, {sql.…}, {val.…}.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstring>

#include "cfg/transform.h"
#include "core/api/regex.h"
#include "core/base/log.h"
#include "core/base/text.h"

namespace fairlead::cfg {

namespace {

using Args = const TransformArgs&;

// ---- {line.…} -----------------------------------------------------------------------------------

/// Takes the first line off `rest`, without its end.
std::string_view take_line(std::string_view& rest) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}
std::int64_t count_lines(std::string_view s) {
    const std::int64_t ends = std::count(s.begin(), s.end(), '\n');
    return s.empty() || s.ends_with('\n') ? ends : ends + 1;
}
Value line_count(Message& m, const Value& in, Args) {
    return count_lines(text_of(m, in));
}
Value line_at(Message& m, const Value& in, Args a) {
    std::string_view rest = text_of(m, in);
    const std::int64_t count = count_lines(rest);
    const std::int64_t wanted = a[0].integer() < 0 ? a[0].integer() + count : a[0].integer();
    if (wanted < 0 || wanted >= count) return Value::absent();
    for (std::int64_t i = 0; i < wanted; ++i) (void)take_line(rest);
    return take_line(rest);
}
Value line_starting(Message& m, const Value& in, Args a) {
    for (std::string_view rest = text_of(m, in); !rest.empty();) {
        const std::string_view line = take_line(rest);
        if (line.starts_with(a[0].string())) return line;
    }
    return Value::absent();
}

// ---- {re.subst} ---------------------------------------------------------------------------------

/// Text that grows in the arena; full() once it is longer than a transformation may give.
class Growing {
public:
    explicit Growing(Message& m) : m_(m) {}
    void put(std::string_view s) {
        if (s.size() > kMaxTransformed - size_) full_ = true;
        if (full_ || s.empty()) return;
        if (size_ + s.size() > room_) {
            const std::size_t room = std::max(2 * room_, size_ + s.size());
            char* const bigger = m_.arena.allocate(room);
            if (size_ != 0) std::memcpy(bigger, out_, size_);
            out_ = bigger;
            room_ = room;
        }
        std::memcpy(out_ + size_, s.data(), s.size());
        size_ += s.size();
    }
    [[nodiscard]] Value value() const {
        return full_ ? Value::absent() : Value(std::string_view(out_, size_));
    }
    [[nodiscard]] bool full() const noexcept { return full_; }

private:
    Message& m_;
    char* out_ = nullptr;
    std::size_t size_ = 0, room_ = 0;
    bool full_ = false;
};

using Groups = std::array<std::string_view, 10>;

void put_replacement(Growing& out, std::string_view text, const Groups& groups) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char next = i + 1 < text.size() ? text[i + 1] : '\0';
        if (text[i] == '\\' && text::is_digit(next)) {
            out.put(groups[static_cast<std::size_t>(next - '0')]);
            ++i;
        } else if (text[i] == '\\' && next != '\0') {
            out.put(next == 'n'   ? "\n"
                    : next == 'r' ? "\r"
                    : next == 't' ? "\t"
                                  : text.substr(i + 1, 1));
            ++i;
        } else {
            out.put(text.substr(i, 1));
        }
    }
}

Value substitute(Message& m, const Value& in, Args a) {
    const std::string_view s = text_of(m, in);
    if (a.substitution == nullptr) return Value::absent();
    const Substitution& what = *a.substitution;
    Growing out(m);
    Groups groups;
    std::size_t done = 0;
    RegexScan scan(*what.regex, s);
    while (!out.full() && scan.next(groups)) {
        const auto at = static_cast<std::size_t>(groups[0].data() - s.data());
        out.put(s.substr(done, at - done));
        put_replacement(out, what.replacement, groups);
        done = at + groups[0].size();
        if (!what.every) break;
    }
    if (scan.gave_up()) {
        LOG(error, "{{re.subst}}: \"{}\" is too much work for {} bytes", what.regex->pattern(),
            s.size());
        return Value::absent();
    }
    out.put(s.substr(done));
    return out.value();
}

// ---- {sql.…}, {val.…} ---------------------------------------------------------------------------

Value sql_text(Message& m, std::string_view s) {
    char* const out = m.arena.allocate(2 * s.size() + 2);
    std::size_t size = 0;
    out[size++] = '\'';
    for (const char c : s) {
        if (c == '\'' || c == '"' || c == '\\' || c == '\0') out[size++] = '\\';
        out[size++] = c == '\0' ? '0' : c;
    }
    out[size++] = '\'';
    return std::string_view(out, size);
}
Value sql_value(Message& m, const Value& in, std::string_view for_null) {
    if (in.is_null()) return for_null;
    return in.is_integer() ? in : sql_text(m, in.string());
}
Value sql_any(Message& m, const Value& in, Args) {
    return sql_value(m, in, "NULL");
}
Value sql_number(Message& m, const Value& in, Args) {
    return sql_value(m, in, "0");
}
Value sql_string(Message& m, const Value& in, Args) {
    return sql_value(m, in, "''");
}

Value zero_for_null(Message&, const Value& in, Args) {
    return in.is_null() ? Value(0) : in;
}
Value empty_for_null(Message&, const Value& in, Args) {
    return in.is_null() ? Value(std::string_view()) : in;
}
/// RFC 8259 7: quotes, backslashes and control characters are escaped.
std::string_view json_text(Message& m, std::string_view s, std::string_view quote) {
    constexpr std::size_t kLongestEscape = 6;
    constexpr std::string_view kHex = "0123456789abcdef";
    constexpr std::string_view kFrom = "\b\f\n\r\t\"\\", kTo = "bfnrt\"\\";
    char* const out = m.arena.allocate(kLongestEscape * s.size() + 2);
    char* end = std::copy(quote.begin(), quote.end(), out);
    for (const char c : s) {
        const auto byte = static_cast<unsigned char>(c);
        if (const std::size_t known = kFrom.find(c); known != kFrom.npos) {
            *end++ = '\\';
            *end++ = kTo[known];
        } else if (byte < ' ') {
            end = std::copy_n("\\u00", 4, end);
            *end++ = kHex[byte >> 4];
            *end++ = kHex[byte & 15];
        } else {
            *end++ = c;
        }
    }
    end = std::copy(quote.begin(), quote.end(), end);
    return {out, static_cast<std::size_t>(end - out)};
}
Value json(Message& m, const Value& in, Args) {
    return json_text(m, text_of(m, in), "");
}
Value quoted_json(Message& m, const Value& in, Args) {
    if (in.is_null()) return std::string_view("null");
    return in.is_integer() ? in : Value(json_text(m, in.string(), "\""));
}

constexpr TransformRow kRows[] = {
    {"line", "count", "", "How many lines there are.", line_count},
    {"line", "at", "i", "The n-th line, from the last when negative.", line_at},
    {"line", "sw", "s", "The first line that starts with a text.", line_starting},
    {"re", "subst", "r", "With what an expression matches replaced; flags g and i.", substitute},
    {"sql", "val", "", "As an SQL value; null is NULL.", sql_any, true},
    {"sql", "val.int", "", "As an SQL value; null is 0.", sql_number, true},
    {"sql", "val.str", "", "As an SQL value; null is ''.", sql_string, true},
    {"val", "n0", "", "Null is 0.", zero_for_null, true},
    {"val", "ne", "", "Null is an empty text.", empty_for_null, true},
    {"val", "json", "", "Escaped for a JSON string; null is empty.", json, true},
    {"val", "jsonqe", "", "A JSON string in quotes, a number, or null.", quoted_json, true},
};

}  // namespace

std::optional<SubstitutionText> parse_substitution(std::string_view text) noexcept {
    if (text.size() < 3) return std::nullopt;
    const char divider = text[0];
    const auto take = [&text, divider](std::string_view* part) {
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (text[i] == '\\') {
                ++i;
            } else if (text[i] == divider) {
                *part = text.substr(0, i);
                text.remove_prefix(i + 1);
                return true;
            }
        }
        return false;
    };
    SubstitutionText out;
    text.remove_prefix(1);
    if (!take(&out.expression) || out.expression.empty() || !take(&out.replacement)) {
        return std::nullopt;
    }
    for (const char flag : text) {
        if (flag == 'g') {
            out.every = true;
        } else if (flag == 'i') {
            out.any_case = true;
        } else if (flag != 's') {  // the dot matches line ends in any case
            return std::nullopt;
        }
    }
    return out;
}

std::span<const TransformRow> other_transforms() noexcept {
    return kRows;
}

}  // namespace fairlead::cfg
