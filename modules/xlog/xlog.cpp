// xlog: log lines from the script.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string_view>

#include "core/api/log.h"
#include "core/module.h"

namespace fairlead::xlog {

namespace {

/// "L_ERR" and its like, or a number. What matters is the third letter, as in Kamailio.
log::Level level_of(const Value& given) noexcept {
    if (given.is_integer()) {
        const auto n = std::clamp<std::int64_t>(given.integer(), -5, 3);
        return static_cast<log::Level>(n);
    }
    const std::string_view name = given.string();
    switch (name.size() > 2 ? name[2] : 'E') {
        case 'A': return log::Level::alert;
        case 'B': return log::Level::bug;
        case 'C': return log::Level::critical;
        case 'W': return log::Level::warning;
        case 'N': return log::Level::notice;
        case 'I': return log::Level::info;
        case 'D': return log::Level::debug;
        default: return log::Level::error;
    }
}

Verdict write(log::Level level, Message& m, const LazyText& line) {
    if (!log::enabled(level)) return Verdict::yes;
    std::string_view text = line.text(m);
    while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
    log::write(level, "<script>", {}, text);
    return Verdict::yes;
}

}  // namespace

class Xlog final : public Module {
public:
    Verdict line(Message& m, const LazyText& text) { return write(log::Level::error, m, text); }
    Verdict at_level(Message& m, Value level, const LazyText& text) {
        return write(level_of(level), m, text);
    }
    template <log::Level L>
    Verdict fixed(Message& m, const LazyText& text) {
        return write(L, m, text);
    }
};

namespace {

template <log::Level L>
constexpr Function at(std::string_view name, std::string_view doc) {
    return function<&Xlog::fixed<L>>(name, doc, Route::any, "text");
}

using enum log::Level;

constexpr Function functions[] = {
    function<&Xlog::line>("xlog", "Writes a line to the log as an error.", Route::any, "text"),
    function<&Xlog::at_level>("xlog", "Writes a line at a level, as in \"L_INFO\" or 2.",
                              Route::any, "level", "text"),
    at<debug>("xdbg", "Writes a line for debugging."),
    at<info>("xinfo", "Writes an informational line."),
    at<notice>("xnotice", "Writes a notice."),
    at<warning>("xwarn", "Writes a warning."),
    at<error>("xerr", "Writes an error."),
    at<bug>("xbug", "Writes a line at level BUG."),
    at<critical>("xcrit", "Writes a line at level CRITICAL."),
    at<alert>("xalert", "Writes a line at level ALERT."),
};

constexpr Descriptor descriptor{.name = "xlog",
                                .summary = "Log lines from the script.",
                                .create = make_module<Xlog>,
                                .functions = functions};

}  // namespace

}  // namespace fairlead::xlog

FAIRLEAD_MODULE(fairlead::xlog::descriptor)
