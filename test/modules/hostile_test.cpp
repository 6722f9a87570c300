// Every function, every variable and every transformation of every module, with arguments that
// nobody should give: nothing crashes or throws, nothing is cut in silence, nothing is kept for
// ever.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/log.h"
#include "test/support/any_transform.h"
#include "test/support/hostile_calls.h"

using namespace fairlead;
using namespace fairlead::test;
using Course = HostileCalls::Course;

namespace {

/// Lines of 64 KB that nobody reads.
class NoLog final : public log::Sink {
public:
    NoLog() { log::set_sink(this); }
    NoLog(const NoLog&) = delete;
    NoLog& operator=(const NoLog&) = delete;
    ~NoLog() { log::set_sink(nullptr); }
    void write(log::Level, std::string_view, std::string_view, std::string_view) noexcept override {
    }
};

std::vector<std::string> modules() {
    std::vector<std::string> out;
    std::string_view rest = FAIRLEAD_TEST_MODULE_NAMES;
    while (!rest.empty()) {
        const std::size_t comma = rest.find(',');
        out.emplace_back(rest.substr(0, comma));
        rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
    return out;
}

std::string repeated(std::string_view text, std::size_t size) {
    std::string out;
    while (out.size() < size) out += text;
    return out;
}

constexpr std::size_t k64 = std::size_t{64} * 1024;

const std::vector<std::string>& hostile() {
    static const std::vector<std::string> values = {
        "",
        "1",
        "a",
        std::string(1, '\0'),
        std::string("a\0b", 3),
        "\xff\xfe\x80",
        "9223372036854775807",
        "-9223372036854775808",
        "-1",
        "4294967296",
        "99999999999999999999999999",
        "\"unterminated",
        "<sip:unterminated",
        "sip:a@[::1",
        "sip:a:b@c;d=e?f=g",
        "$(",
        "\r\n",
        "a=>b",
        "a=>1",
        "/(/x/g",
        "/a*/\\0\\9/g",
        "INVITE|",
        "udp:127.0.0.1:5060",
        "udp:[::1]:99999",
        repeated("a", k64),
        repeated("sip:a@b;c=d,", k64),
        repeated("(", k64),
        repeated("%", k64),
        repeated("\xff", k64),
        repeated("\r\n ", k64),
    };
    return values;
}

void check_faults(HostileCalls& host) {
    for (const std::string& line : host.faults()) {
        INFO(line);
        CHECK(line.empty());
    }
    CHECK(host.left_behind().empty());
}

/// Every transformation with every value.
std::vector<std::pair<const cfg::TransformRow*, const std::string*>> rows_and(
    const std::vector<std::string>& values) {
    std::vector<std::pair<const cfg::TransformRow*, const std::string*>> out;
    for (const auto table : cfg::all_transforms()) {
        for (const cfg::TransformRow& row : table) {
            for (const std::string& value : values) out.emplace_back(&row, &value);
        }
    }
    return out;
}

Course course_of(std::size_t n) {
    return static_cast<Course>(n % HostileCalls::kCourses);
}

}  // namespace

TEST_CASE("what is not called is named, and exists") {
    const NoLog quiet;
    const std::vector<std::string> all = modules();
    HostileCalls host(all);
    CHECK(host.functions().size() > 300);
    CHECK(host.variables().size() > 150);
    for (const NotCalled& n : not_called()) {
        INFO(n.name);
        CHECK_FALSE(n.why.empty());
        CHECK_FALSE(host.registry.functions(n.name).empty());
    }
}

TEST_CASE("no function minds what it is given") {
    const NoLog quiet;
    const std::vector<std::string> all = modules();
    HostileCalls host(all);
    const auto& values = hostile();
    std::size_t turn = 0;
    for (const HostileCalls::FunctionRow& f : host.functions()) {
        INFO(f.row->name);
        std::array<std::string_view, kMaxArgs> texts;
        const std::size_t before = host.ran();
        for (const std::string& value : values) {
            texts.fill(value);
            host.call(f, texts, course_of(turn++));
            if (f.row->arity == 0) continue;
            host.call(f, texts, Course::transaction);
            for (std::size_t i = 0; i < f.row->arity && f.row->arity > 1; ++i) {
                texts.fill("1");
                texts[i] = value;
                host.call(f, texts, course_of(turn++));
            }
        }
        for (std::size_t given = f.row->required; given < f.row->arity; ++given) {
            texts.fill(std::string_view());
            std::fill_n(texts.begin(), given, "a");
            host.call(f, texts, Course::invite);
        }
        CHECK(host.ran() > before);
    }
    check_faults(host);
}

TEST_CASE("no variable minds what it is asked or given, and none cuts it") {
    const NoLog quiet;
    const std::vector<std::string> all = modules();
    HostileCalls host(all);
    const auto& values = hostile();
    std::size_t turn = 0;
    for (const HostileCalls::VariableRow& v : host.variables()) {
        INFO(v.row->name);
        for (const std::string& value : values) {
            host.use(v, value, "", value, course_of(turn++));
            host.use(v, "a", value, value, course_of(turn++));
            host.use(v, value, "-1", "1", course_of(turn++));
            host.use(v, value, "*", value, Course::transaction);
        }
    }
    check_faults(host);
}

TEST_CASE("no transformation minds what it is given") {
    const NoLog quiet;
    const auto& values = hostile();
    const std::vector<std::string> arguments = {
        "",  "1",   "-1",      "0",    "9223372036854775807",
        ",", "\\0", "/a*/b/g", "\xff", repeated("a", k64)};
    Arena arena;
    for (const auto& [row, value] : rows_and(values)) {
        INFO(row->group << '.' << row->name);
        for (const std::string& first : arguments) {
            for (const std::string& second : arguments) {
                arena.reset();
                Message m(arena);
                TransformTexts texts(first, second);
                for (const bool all : {true, false}) {
                    const auto out = texts.apply(*row, m, Value(*value), all);
                    if (!out || !out->is_string()) continue;
                    CHECK(std::string_view(out->string()).size() <= cfg::kMaxTransformed + 6 * k64);
                }
                if (row->arguments.size() < 2) break;
            }
            if (row->arguments.empty()) break;
        }
    }
}

TEST_CASE("what one transformation writes, its opposite reads: nothing is cut") {
    constexpr std::array<std::array<std::string_view, 2>, 8> pairs = {{
        {"encode.hexa", "decode.hexa"},
        {"encode.base64", "decode.base64"},
        {"encode.base64t", "decode.base64t"},
        {"encode.base64url", "decode.base64url"},
        {"encode.base64urlt", "decode.base64urlt"},
        {"encode.base58", "decode.base58"},
        {"urlencode.param", "urldecode.param"},
        {"escape.common", "unescape.common"},
    }};
    Arena arena;
    for (const auto& [there, back] : pairs) {
        INFO(there);
        for (const std::string& value : hostile()) {
            arena.reset();
            Message m(arena);
            TransformTexts none("", "");
            const auto coded =
                none.apply(*cfg::find_transform("s", there), m, Value(value), true).value();
            if (coded.is_null() || value.empty()) continue;  // too long is nothing at all
            const auto again = none.apply(*cfg::find_transform("s", back), m, coded, true).value();
            CHECK(again.string() == value);
        }
    }
    for (const std::string_view name : {"tolower", "toupper", "replace", "rm"}) {
        INFO(name);
        for (const std::string& value : hostile()) {
            arena.reset();
            Message m(arena);
            TransformTexts texts("no such text", "no such text");
            const auto out =
                texts.apply(*cfg::find_transform("s", name), m, Value(value), true).value();
            CHECK(out.string().size() == value.size());
        }
    }
}
