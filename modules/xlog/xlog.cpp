// xlog: log lines from the script.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <string>
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

/// The bits of methods_filter.
int method_bit(std::string_view method) noexcept {
    constexpr std::array<std::string_view, 14> kMethods{
        "INVITE", "CANCEL",  "ACK",     "BYE",   "INFO",   "REGISTER", "SUBSCRIBE",
        "NOTIFY", "MESSAGE", "OPTIONS", "PRACK", "UPDATE", "REFER",    "PUBLISH"};
    const auto* const found = std::ranges::find(kMethods, method);
    return 1 << (found - kMethods.begin());
}

}  // namespace

class Xlog final : public Module {
public:
    std::string prefix = "<script>: ";
    int buf_size = 4096;
    int methods_filter = -1;
    bool long_format = false;
    bool force_color = false;

    Verdict line(Message& m, const LazyText& text) { return write(log::Level::error, m, text); }
    Verdict at_level(Message& m, Value level, const LazyText& text) {
        return write(level_of(level), m, text);
    }
    template <log::Level L>
    Verdict fixed(Message& m, const LazyText& text) {
        return write(L, m, text);
    }
    Verdict placed(Message& m, const LazyText& text) {
        return write(log::Level::error, m, text, true);
    }
    Verdict placed_at_level(Message& m, Value level, const LazyText& text) {
        return write(level_of(level), m, text, true);
    }
    Verdict placed_debug(Message& m, const LazyText& text) {
        return write(log::Level::debug, m, text, true);
    }
    Verdict by_method(Message& m, Value level, const LazyText& text) {
        if ((methods_filter & method_bit(m.sip.method_text())) != 0) return Verdict::yes;
        return write(level_of(level), m, text);
    }

private:
    Verdict write(log::Level level, Message& m, const LazyText& line, bool with_place = false) {
        if (!log::enabled(level)) return Verdict::yes;
        std::string_view text = line.text(m);
        while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
        if (with_place) {
            const auto number = fmt::format_int(m.place.line);
            text = m.arena.concat({long_format ? m.place.file : "", long_format ? ":" : "",
                                   std::string_view(number.data(), number.size()), ":", text});
        }
        // What the sink puts between tag and text is what the prefix ends with.
        std::string_view tag = prefix;
        while (tag.ends_with(' ') || tag.ends_with(':')) tag.remove_suffix(1);
        log::write(level, tag, {}, text);
        return Verdict::yes;
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
    function<&Xlog::placed>("xlogl", "As xlog, with the line of the configuration.", Route::any,
                            "text"),
    function<&Xlog::placed_at_level>("xlogl", "As xlog, with the line of the configuration.",
                                     Route::any, "level", "text"),
    function<&Xlog::placed_debug>("xdbgl", "As xdbg, with the line of the configuration.",
                                  Route::any, "text"),
    function<&Xlog::by_method>("xlogm", "As xlog, but not for the methods in methods_filter.",
                               Route::any, "level", "text"),
};

constexpr Param params[] = {
    param<&Xlog::prefix>("prefix", "What stands before the text of a line."),
    param<&Xlog::buf_size>("buf_size", "Accepted; lines are as long as they are.", {.min = 1}),
    param<&Xlog::long_format>("long_format",
                              "Whether xlogl() and xdbgl() name the file before the line."),
    param<&Xlog::methods_filter>("methods_filter",
                                 "Methods that xlogm() passes over: INVITE 1, CANCEL 2, ACK 4, BYE "
                                 "8, INFO 16, REGISTER 32, SUBSCRIBE 64, NOTIFY 128, MESSAGE 256, "
                                 "OPTIONS 512, PRACK 1024, UPDATE 2048, REFER 4096, PUBLISH 8192."),
    param<&Xlog::force_color>("force_color", "Accepted; lines have no colors."),
};

constexpr Descriptor descriptor{.name = "xlog",
                                .summary = "Log lines from the script.",
                                .create = make_module<Xlog>,
                                .params = params,
                                .functions = functions};

}  // namespace

}  // namespace fairlead::xlog

FAIRLEAD_MODULE(fairlead::xlog::descriptor)
