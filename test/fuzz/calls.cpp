// Fuzzes the arguments of every function and variable of all modules, in every kind of route. The
// input: two bytes choose what is used, one how, the rest are the arguments with a 0xFE between
// two. SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/log.h"
#include "test/fuzz/check.h"
#include "test/support/hostile_calls.h"

using namespace fairlead;
using fairlead::fuzz::check;
using fairlead::test::HostileCalls;

namespace {

class NoLog final : public log::Sink {
public:
    void write(log::Level, std::string_view, std::string_view, std::string_view) noexcept override {
    }
};

std::string_view next(std::string_view& rest, char separator) {
    const std::size_t end = rest.find(separator);
    const std::string_view part = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    return part;
}

HostileCalls make_host() {
    static NoLog quiet;
    log::set_sink(&quiet);
    std::vector<std::string> modules;
    for (std::string_view rest = FAIRLEAD_TEST_MODULE_NAMES; !rest.empty();) {
        modules.emplace_back(next(rest, ','));
    }
    return HostileCalls(modules);
}

void check_faults(const HostileCalls& host) {
    if (!host.faults().empty()) std::fprintf(stderr, "%s\n", host.faults().front().c_str());
    check(host.faults().empty(), "nothing is cut and nothing is thrown");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t kHead = 3;
    constexpr char kBetween = '\xfe';
    static HostileCalls host = make_host();
    if (size < kHead) return 0;
    const std::size_t which = data[0] + std::size_t{256} * data[1];
    const auto course = static_cast<HostileCalls::Course>(data[2] % HostileCalls::kCourses);
    std::string_view rest(reinterpret_cast<const char*>(data) + kHead, size - kHead);
    const std::size_t functions = host.functions().size();
    const std::size_t at = which % (functions + host.variables().size());
    if (at < functions) {
        std::array<std::string_view, kMaxArgs> texts;
        for (std::size_t i = 0; i < kMaxArgs && rest.data() != nullptr; ++i) {
            texts[i] = next(rest, kBetween);
            if (rest.empty()) break;
        }
        host.call(host.functions()[at], texts, course);
        check_faults(host);
        return 0;
    }
    const std::string_view inner = next(rest, kBetween), index = next(rest, kBetween);
    host.use(host.variables()[at - functions], inner, index, rest, course);
    check_faults(host);
    return 0;
}
