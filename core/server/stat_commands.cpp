// Commands about counters and shared memory, with the names and the shapes that Kamailio's
// operators know. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/base/text.h"
#include "core/server/core_base.h"
#include "core/server/engine.h"

namespace fairlead::server::commands {
namespace {

constexpr int kBadRequest = 400;

using Stat = StatisticValue;

std::vector<Stat> all_stats(Module& m) {
    return static_cast<CoreBase&>(m).engine().statistics();
}

/// "all", "group:", "group.", "name", "group:name".
bool fits(const Stat& s, std::string_view wanted) {
    if (wanted == "all") return true;
    const std::size_t mark = wanted.find_first_of(":.");
    if (mark == std::string_view::npos) return s.name == wanted;
    const std::string_view name = wanted.substr(mark + 1);
    return s.group == wanted.substr(0, mark) && (name.empty() || s.name == name);
}

/// f(statistic) for each that an argument names, in the order of the arguments.
template <class F>
Result<void> each_wanted(Module& m, Call& call, std::string_view complaint, F f) {
    if (call.args().empty()) return fail(std::string(complaint), {}, kBadRequest);
    const auto stats = all_stats(m);
    for (const Value& wanted : call.args())
        for (const Stat& s : stats)
            if (fits(s, wanted.string())) f(s);
    return {};
}

}  // namespace

Result<void> get_statistics(Module& m, Call& call) {
    return each_wanted(m, call, "Please provide which stats to retrieve", [&](const Stat& s) {
        call.answer().text(fmt::format("{}:{} = {}", s.group, s.name, s.value));
    });
}

Result<void> fetch(Module& m, Call& call) {
    if (!call.args().empty()) call.answer().begin_struct();
    return each_wanted(m, call, "Please provide which stats to retrieve", [&](const Stat& s) {
        call.answer().text(fmt::format("{}.{}", s.group, s.name), std::to_string(s.value));
    });
}

Result<void> fetch_numbers(Module& m, Call& call) {
    if (!call.args().empty()) call.answer().begin_struct();
    return each_wanted(m, call, "Please provide which stats to retrieve", [&](const Stat& s) {
        call.answer().number(fmt::format("{}.{}", s.group, s.name), static_cast<double>(s.value));
    });
}

Result<void> reset(Module& m, Call& call) {
    auto& counters = static_cast<CoreBase&>(m).engine().counters();
    return each_wanted(m, call, "Please provide which stats to reset", [&](const Stat& s) {
        if (s.counter.cell() != 0) counters.reset(s.counter);
    });
}

Result<void> clear(Module& m, Call& call) {
    auto& counters = static_cast<CoreBase&>(m).engine().counters();
    return each_wanted(m, call, "Please provide which stats to clear", [&](const Stat& s) {
        if (s.counter.cell() == 0) return;
        call.answer().text(fmt::format("{}:{} = (cleared: {})", s.group, s.name, s.value));
        counters.reset(s.counter);
    });
}

static Result<const Stat> one(Module& m, std::string_view group, std::string_view name) {
    for (const Stat& s : all_stats(m))
        if (s.group == group && s.name == name) return s;
    return fail("non-existent counter " + std::string(name), {}, kBadRequest);
}

Result<void> counter(Module& m, Call& call) {
    call.answer().integer(TRY(one(m, call.text(0), call.text(1))).value);
    return {};
}
Result<void> counter_help(Module& m, Call& call) {
    call.answer().text(TRY(one(m, call.text(0), call.text(1))).help);
    return {};
}
Result<void> reset_counter(Module& m, Call& call) {
    const Stat s = TRY(one(m, call.text(0), call.text(1)));
    if (s.counter.cell() != 0) static_cast<CoreBase&>(m).engine().counters().reset(s.counter);
    return {};
}
Result<void> groups(Module& m, Call& call) {
    std::string_view last;
    for (const Stat& s : all_stats(m)) {
        if (s.group != last) call.answer().text(s.group);
        last = s.group;
    }
    return {};
}
Result<void> group_names(Module& m, Call& call) {
    for (const Stat& s : all_stats(m))
        if (s.group == call.text(0)) call.answer().text(s.name);
    return {};
}
Result<void> group_values(Module& m, Call& call) {
    call.answer().begin_struct();
    for (const Stat& s : all_stats(m))
        if (s.group == call.text(0)) call.answer().integer(s.name, s.value);
    return {};
}

/// Bytes, or with "k" and "m" in those.
Result<void> memory(Module& m, Call& call) {
    const std::string_view unit = call.text(0);
    std::int64_t by = 1;
    if (text::ci_starts_with(unit, "k")) by = 1024;
    if (text::ci_starts_with(unit, "m")) by = 1024 * 1024;
    const auto totals = static_cast<CoreBase&>(m).engine().memory().totals();
    const auto in = [by](std::size_t bytes) { return static_cast<std::int64_t>(bytes) / by; };
    Answer& a = call.answer();
    a.begin_struct();
    a.integer("total", in(totals.size));
    a.integer("free", in(totals.size - totals.used));
    a.integer("used", in(totals.used));
    a.integer("real_used", in(totals.in_slabs));
    a.integer("max_used", in(totals.in_slabs));
    a.integer("fragments", static_cast<std::int64_t>(totals.blocks));
    a.end_struct();
    return {};
}

Result<void> top(Module& m, Call& call) {
    for (const auto& usage : static_cast<CoreBase&>(m).engine().memory().top()) {
        Answer& a = call.answer();
        a.begin_struct();
        a.text("owner", usage.tag);
        a.integer("blocks", static_cast<std::int64_t>(usage.blocks));
        a.integer("bytes", static_cast<std::int64_t>(usage.bytes));
        a.end_struct();
    }
    return {};
}

}  // namespace fairlead::server::commands
