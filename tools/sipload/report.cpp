// Text and JSON. SPDX-License-Identifier: Apache-2.0
#include "tools/sipload/report.h"

#include <fmt/format.h>

#include <iterator>

namespace fairlead::sipload {

namespace {

using Words = std::map<std::string, std::uint64_t>;

std::string object(const Words& words) {
    std::string out = "{";
    for (const auto& [word, count] : words) {
        // Ours alone: letters, digits and spaces; nothing to escape.
        fmt::format_to(std::back_inserter(out), "{}\"{}\": {}", out.size() > 1 ? ", " : "", word,
                       count);
    }
    return out + "}";
}

std::string side(const Stats& s) {
    return fmt::format(
        "{{\"started\": {}, \"completed\": {}, \"failed\": {}, \"sent\": {}, \"received\": {}, "
        "\"retransmitted\": {}, \"repeats_received\": {}, \"late\": {}, \"unreadable\": {}, "
        "\"order_violations\": {}, \"reasons\": {}, \"violations\": {}}}",
        s.started, s.completed, s.failed, s.sent, s.received, s.retransmitted, s.repeats_received,
        s.late, s.unreadable, s.order_violations, object(s.reasons), object(s.violations));
}

std::string list(std::string_view title, const Words& words) {
    std::string out;
    for (const auto& [word, count] : words) {
        fmt::format_to(std::back_inserter(out), "  {}: {} ({})\n", title, word, count);
    }
    return out;
}

}  // namespace

std::string Report::json() const {
    const Histogram& l = uac.latency;
    return fmt::format(
        "{{\"uac\": {}, \"uas\": {}, \"seconds\": {:.3f}, \"units\": {}, \"rate\": {:.1f}, "
        "\"cpu_us\": {:.3f}, \"latency_us\": {{\"p50\": {}, \"p90\": {}, \"p99\": {}, \"max\": "
        "{}}}}}\n",
        side(uac), side(uas), seconds, units, seconds > 0 ? double(units) / seconds : 0,
        cpu_microseconds, l.percentile(0.5), l.percentile(0.9), l.percentile(0.99), l.max());
}

std::string Report::text() const {
    std::string out;
    auto add = std::back_inserter(out);
    if (!answers_only) {
        fmt::format_to(add, "{} started, {} completed, {} failed; {:.1f}/s over {:.1f} s\n",
                       uac.started, uac.completed, uac.failed,
                       seconds > 0 ? double(units) / seconds : 0, seconds);
        const Histogram& l = uac.latency;
        fmt::format_to(add, "latency: p50 {} p90 {} p99 {} max {} us\n", l.percentile(0.5),
                       l.percentile(0.9), l.percentile(0.99), l.max());
    }
    const std::pair<std::string_view, const Stats*> sides[] = {{"uac", &uac}, {"uas", &uas}};
    for (const auto& [name, s] : sides) {
        if (s->sent + s->received == 0) continue;
        fmt::format_to(add,
                       "{}: {} sent ({} again), {} received ({} again, {} late, {} unreadable), "
                       "{} out of order\n",
                       name, s->sent, s->retransmitted, s->received, s->repeats_received, s->late,
                       s->unreadable, s->order_violations);
        out += list("failed", s->reasons) + list("out of order", s->violations);
    }
    if (cpu_microseconds >= 0) fmt::format_to(add, "cpu: {:.2f} us per unit\n", cpu_microseconds);
    return out;
}

}  // namespace fairlead::sipload
