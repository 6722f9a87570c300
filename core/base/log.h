// Logging: levels, one macro, and the sink that the server sets up. Never blocks on a slow reader.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <string_view>

namespace fairlead::log {

/// Kamailio's numbers, so that `debug=2` and `-d` mean what operators expect.
enum class Level : std::int8_t {
    alert = -5,
    bug = -4,
    critical = -2,
    error = -1,
    warning = 0,
    notice = 1,
    info = 2,
    debug = 3
};

/// Where lines go. Called with a complete line's parts; must write the line with one call and must
/// not block. Set once by the server before forking (or by a test); not owned.
class Sink {
public:
    virtual void write(Level level, std::string_view module, std::string_view location,
                       std::string_view text) noexcept = 0;

protected:
    ~Sink() = default;
};

void set_sink(Sink* sink) noexcept;  ///< null restores the default sink (standard error)
void set_level(Level level) noexcept;
[[nodiscard]] Level level() noexcept;
[[nodiscard]] inline bool enabled(Level wanted) noexcept {
    return wanted <= level();
}

/// The index that starts every line, "3(4711) INFO: …"; set in each process after fork.
void set_process(int index) noexcept;
[[nodiscard]] int process() noexcept;

/// What sinks put in front of each line's text; per process. The text must live until it is
/// replaced: the engine sets it for the time of one message.
void set_prefix(std::string_view prefix) noexcept;
[[nodiscard]] std::string_view prefix() noexcept;

[[nodiscard]] std::string_view name(Level level) noexcept;  ///< "ERROR", "WARNING", …

/// Writes one line; `location` is "file:line" or empty for script lines. Use LOG instead.
void write(Level level, std::string_view module, std::string_view location,
           std::string_view text) noexcept;
void vwrite(Level level, std::string_view module, std::string_view location,
            fmt::string_view format, fmt::format_args args) noexcept;

template <class... A>
void writef(Level level, std::string_view module, std::string_view location,
            fmt::format_string<A...> format, A&&... args) noexcept {
    vwrite(level, module, location, format, fmt::make_format_args(args...));
}

}  // namespace fairlead::log

#ifndef FAIRLEAD_LOG_TAG
#define FAIRLEAD_LOG_TAG "<core>"  // meson gives each module its own name
#endif
#define FAIRLEAD_STRINGIZE_2(x) #x
#define FAIRLEAD_STRINGIZE(x) FAIRLEAD_STRINGIZE_2(x)

/// LOG(warning, "no socket for {}", address): formats only when the level is enabled.
#define LOG(level_, ...)                                                                          \
    do {                                                                                          \
        if (::fairlead::log::enabled(::fairlead::log::Level::level_)) {                           \
            ::fairlead::log::writef(::fairlead::log::Level::level_, FAIRLEAD_LOG_TAG,             \
                                    __FILE_NAME__ ":" FAIRLEAD_STRINGIZE(__LINE__), __VA_ARGS__); \
        }                                                                                         \
    } while (false)
