// xlog: log lines from the script.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
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

/// Letters of $C(…) in the order of the terminal's numbers; x is the terminal's own color.
constexpr std::string_view kColors = "srgybpcwSRGYBPCW";
constexpr int kColorsOfTerminal = 8;

/// "31;42" for the letters of text and background; an upper-case letter of the text is bright.
Result<std::uint64_t> color(std::string_view inner) {
    const auto number = [](char letter) -> std::optional<std::size_t> {
        if (letter == 'x') return kColorsOfTerminal + 1;
        const std::size_t at = kColors.find(letter);
        return at == kColors.npos ? std::nullopt : std::optional(at % kColorsOfTerminal);
    };
    const auto text = inner.size() == 2 ? number(inner[0]) : std::nullopt;
    const auto ground = text && inner[1] >= 'a' ? number(inner[1]) : std::nullopt;
    if (!ground)
        return fail("two letters of x, s, r, g, y, b, p, c, w; the first may be upper case");
    const bool bright = inner[0] < 'a';
    return static_cast<std::uint64_t>(*text) | (*ground << 8U) |
           (bright ? std::uint64_t{1} << 16U : 0);
}

constexpr std::array<std::string_view, 20> kFacilities{
    "LOG_AUTH",   "LOG_AUTHPRIV", "LOG_CRON",   "LOG_DAEMON", "LOG_FTP",
    "LOG_KERN",   "LOG_LPR",      "LOG_MAIL",   "LOG_NEWS",   "LOG_SYSLOG",
    "LOG_USER",   "LOG_UUCP",     "LOG_LOCAL0", "LOG_LOCAL1", "LOG_LOCAL2",
    "LOG_LOCAL3", "LOG_LOCAL4",   "LOG_LOCAL5", "LOG_LOCAL6", "LOG_LOCAL7"};

Result<void> check_facility(std::string_view name) {
    if (name.empty() || std::ranges::find(kFacilities, name) != kFacilities.end()) return {};
    return fail("no syslog facility: LOG_LOCAL0, LOG_DAEMON and their like are");
}
Result<void> facility_argument(const Module&, std::span<const Value> constants) {
    return constants[0].is_string() ? check_facility(constants[0].string()) : Result<void>();
}

}  // namespace

class Xlog final : public Module {
public:
    const LazyText* prefix_text = nullptr;
    int prefix_mode = 0;
    std::string log_colors;
    std::string prefix = "<script>: ";

    Result<void> set_facility(const Value& name) { return check_facility(name.string()); }
    int buf_size = 4096;
    int methods_filter = -1;
    bool long_format = false;
    bool force_color = false;

    Verdict with_facility(Message& m, std::string_view, Value level, const LazyText& text) {
        return write(level_of(level), m, text);
    }
    Verdict placed_with_facility(Message& m, std::string_view, Value level, const LazyText& text) {
        return write(level_of(level), m, text, true);
    }
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
        std::string_view tag =
            prefix_mode == 1 && prefix_text != nullptr ? prefix_text->text(m) : prefix;
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
    checked_function<&Xlog::with_facility>(
        facility_argument, "xlog",
        "The same; the facility is checked, and lines go where the server's log goes.", Route::any,
        "facility", "level", "text"),
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
    checked_function<&Xlog::placed_with_facility>(facility_argument, "xlogl",
                                                  "As xlog, with the line of the configuration.",
                                                  Route::any, "facility", "level", "text"),
    function<&Xlog::placed_debug>("xdbgl", "As xdbg, with the line of the configuration.",
                                  Route::any, "text"),
    function<&Xlog::by_method>("xlogm", "As xlog, but not for the methods in methods_filter.",
                               Route::any, "level", "text"),
};

constexpr Param params[] = {
    {.name = "prefix",
     .doc = "What stands before the text of a line.",
     .type = Type::string,
     .set = [](Module& m, const Value& v) -> Result<void> {
         static_cast<Xlog&>(m).prefix = v.string();
         return {};
     },
     .get = [](const Module& m) { return static_cast<const Xlog&>(m).prefix; },
     .set_variables = [](Module& m, std::string_view text,
                         ParamVariables& variables) -> Result<void> {
         static_cast<Xlog&>(m).prefix_text = TRY(variables.text(text));
         return {};
     }},
    param<&Xlog::prefix_mode>("prefix_mode",
                              "1: variables in the prefix are filled in for each line.",
                              {.min = 0, .max = 1}),
    param_method<&Xlog::set_facility>(
        "log_facility", "Checked; lines go where the server's log goes.", Type::string),
    param<&Xlog::log_colors>("log_colors", "Accepted; lines have no colors but those of $C(…)."),
    param<&Xlog::buf_size>("buf_size", "Accepted; lines are as long as they are.", {.min = 1}),
    param<&Xlog::long_format>("long_format",
                              "Whether xlogl() and xdbgl() name the file before the line."),
    param<&Xlog::methods_filter>("methods_filter",
                                 "Methods that xlogm() passes over: INVITE 1, CANCEL 2, ACK 4, BYE "
                                 "8, INFO 16, REGISTER 32, SUBSCRIBE 64, NOTIFY 128, MESSAGE 256, "
                                 "OPTIONS 512, PRACK 1024, UPDATE 2048, REFER 4096, PUBLISH 8192."),
    param<&Xlog::force_color>("force_color", "Accepted; lines have no colors."),
};

Value get_color(Module&, Message& m, const VariableName& name) {
    const auto text = static_cast<unsigned>(name.handle & 0xff),
               ground = static_cast<unsigned>(name.handle >> 8U & 0xff);
    constexpr std::size_t kRoom = 16;
    char* const out = m.arena.allocate(kRoom);
    const auto end =
        fmt::format_to_n(out, kRoom, "\x1b[{};{};{}m", name.handle >> 16U, 30 + text, 40 + ground);
    return std::string_view(out, end.size);
}

constexpr Variable variables[] = {
    {.name = "C",
     .doc = "Changes the color of a terminal: letters of text and background, as in $C(rx).",
     .inner = Inner::required,
     .get = get_color,
     .resolve = [](Module&, std::string_view inner) { return color(inner); },
     .fixed_names = true},
};

constexpr Descriptor descriptor{.name = "xlog",
                                .summary = "Log lines from the script.",
                                .create = make_module<Xlog>,
                                .params = params,
                                .functions = functions,
                                .variables = variables};

}  // namespace

}  // namespace fairlead::xlog

FAIRLEAD_MODULE(fairlead::xlog::descriptor)
