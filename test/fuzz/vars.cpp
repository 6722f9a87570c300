// Fuzzes transformations: any value through every one of them, with any arguments, gives null, a
// number, or a text of bounded length; what one gives, another takes. The input is a value, and
// behind its last line feed the arguments. SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdint>
#include <string_view>

#include "cfg/transform.h"
#include "core/api/regex.h"
#include "core/base/text.h"
#include "test/fuzz/check.h"

using namespace fairlead;
using fairlead::fuzz::check;

namespace {

/// The longest result for an input of so many bytes: escapes write at most six for one.
std::size_t longest(std::size_t input) {
    return cfg::kMaxTransformed + 6 * input + 1024;
}

void check_value(const Value& v, std::size_t input) {
    if (!v.is_string()) return;
    check(v.string().size() <= longest(input), "a result is bounded");
    std::size_t sum = 0;  // all of it can be read
    for (const char c : v.string()) sum += static_cast<unsigned char>(c);
    check(sum <= 255 * v.string().size(), "bytes are bytes");
}

/// Every transformation on one value; `next` is called with each result.
template <class F>
void each(Message& m, const Value& in, std::string_view first, std::string_view second, F next) {
    const auto substitution = cfg::parse_substitution(first);
    // An expression is compiled when the configuration is read, so a short one stands for all.
    const Regex regex(substitution ? substitution->expression.substr(0, 64) : "a*", {});
    const cfg::Substitution made{&regex, substitution ? substitution->replacement : "\\0\\1",
                                 !substitution || substitution->every};
    for (const auto rows : cfg::all_transforms()) {
        for (const cfg::TransformRow& row : rows) {
            std::array<Value, cfg::kMaxTransformArgs> values;
            std::size_t count = 0;
            bool needs_regex = false;
            for (const char letter : row.arguments) {
                if (letter == '?') continue;
                needs_regex |= letter == 'r';
                if (letter == 'r') continue;
                const std::string_view text = count == 0 ? first : second;
                values[count++] =
                    letter == 'i' ? Value(text::parse_int(text).value_or(-1)) : Value(text);
            }
            if (needs_regex && !regex.ok()) continue;
            if (in.is_null() && !row.takes_null) continue;
            next(row.apply(m, in, {std::span(values).first(count), &made}));
            // Without those that may be left out.
            const std::size_t optional = row.arguments.find('?');
            if (optional == row.arguments.npos) continue;
            next(row.apply(m, in, {std::span(values).first(optional), &made}));
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::size_t line = text.rfind('\n');
    const std::string_view value = text.substr(0, line);
    std::string_view first = line == text.npos ? std::string_view() : text.substr(line + 1);
    const std::size_t comma = first.find(',');
    const std::string_view second =
        comma == first.npos ? std::string_view() : first.substr(comma + 1);
    first = first.substr(0, comma);

    static Arena arena;
    arena.reset();
    Message m(arena);
    each(m, Value(value), first, second, [&](const Value& once) {
        check_value(once, value.size());
        if (once.is_null() || once.string().size() > 256) return;
        each(m, once, first, second,
             [&](const Value& twice) { check_value(twice, once.string().size()); });
    });
    each(m, Value(), first, second, [](const Value& v) { check_value(v, 0); });
    if (const auto number = text::parse_int(value)) {
        each(m, Value(*number), first, second, [](const Value& v) { check_value(v, 64); });
    }
    return 0;
}
