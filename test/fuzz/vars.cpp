// Fuzzes transformations: any value through every one of them, with any arguments, gives null, a
// number, or a text of bounded length; what one gives, another takes. The input: two bytes choose
// the transformations, the rest is a value and, behind its last line feed, the arguments.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "test/fuzz/check.h"
#include "test/support/any_transform.h"

using namespace fairlead;
using fairlead::fuzz::check;
using fairlead::test::TransformTexts;

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

/// All rows of all tables.
const std::vector<const cfg::TransformRow*>& rows() {
    static const std::vector<const cfg::TransformRow*> all = [] {
        std::vector<const cfg::TransformRow*> out;
        for (const auto table : cfg::all_transforms()) {
            for (const cfg::TransformRow& row : table) out.push_back(&row);
        }
        return out;
    }();
    return all;
}

struct Input {
    std::size_t row = 0, next_row = 0;
    std::string_view value, first, second;
};

void try_row(Message& m, const Input& input, std::size_t n, const Value& in) {
    TransformTexts texts(input.first, input.second);
    for (const bool all : {true, false}) {
        const auto once = texts.apply(*rows()[n], m, in, all);
        if (!once) continue;
        check_value(*once, std::max<std::size_t>(input.value.size(), 64));
        const cfg::TransformRow& behind = *rows()[input.next_row % rows().size()];
        const auto twice = texts.apply(behind, m, *once, true);
        if (twice) check_value(*twice, once->string().size());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t kHead = 2;
    if (size < kHead) return 0;
    std::string_view text(reinterpret_cast<const char*>(data), size);
    Input input{.row = data[0], .next_row = data[1]};
    text.remove_prefix(kHead);
    const std::size_t line = text.rfind('\n');
    input.value = text.substr(0, line);
    input.first = line == text.npos ? std::string_view() : text.substr(line + 1);
    const std::size_t comma = input.first.find(',');
    if (comma != input.first.npos) input.second = input.first.substr(comma + 1);
    input.first = input.first.substr(0, comma);

    static Arena arena;
    arena.reset();
    Message m(arena);
    // A number above those of the rows stands for all; only with short values, since some take time
    // that grows with the square of the length.
    std::size_t from = input.row % rows().size(), to = from + 1;
    if (input.row >= rows().size() && input.value.size() <= 64) from = 0, to = rows().size();
    for (std::size_t n = from; n < to; ++n) {
        try_row(m, input, n, Value(input.value));
        try_row(m, input, n, Value());
        if (const auto number = text::parse_int(input.value)) try_row(m, input, n, Value(*number));
    }
    return 0;
}
