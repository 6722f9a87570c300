// Logging: levels and the default sink (standard error, one write per line).
// SPDX-License-Identifier: Apache-2.0
#include "core/base/log.h"

#include <unistd.h>

#include <iterator>

namespace fairlead::log {
namespace {

/// Standard error in Kamailio's shape: " 3(4711) ERROR: tm [tm.cpp:12]: text".
class StderrSink final : public Sink {
public:
    void write(Level level, std::string_view module, std::string_view location,
               std::string_view text) noexcept override {
        try {
            fmt::memory_buffer line;
            fmt::format_to(std::back_inserter(line), "{:2}({}) {}: {}{}", process(), getpid(),
                           name(level), prefix(), module);
            if (!location.empty()) fmt::format_to(std::back_inserter(line), " [{}]", location);
            fmt::format_to(std::back_inserter(line), ": {}\n", text);
            const auto ignored = ::write(STDERR_FILENO, line.data(), line.size());
            static_cast<void>(ignored);
        } catch (...) {  // out of memory while logging: the line is lost, the server is not
        }
    }
};

/// The one global of logging.
struct State {
    StderrSink to_stderr;
    Sink* sink = &to_stderr;       // set before fork
    Level level = Level::warning;  // per process
    int process = 0;               // per process
    std::string_view prefix;       // per process
};
constinit State state;

}  // namespace

void set_sink(Sink* sink) noexcept {
    state.sink = sink != nullptr ? sink : &state.to_stderr;
}
void set_level(Level level) noexcept {
    state.level = level;
}
Level level() noexcept {
    return state.level;
}
void set_process(int index) noexcept {
    state.process = index;
}
int process() noexcept {
    return state.process;
}

void set_prefix(std::string_view prefix) noexcept {
    state.prefix = prefix;
}
std::string_view prefix() noexcept {
    return state.prefix;
}

std::string_view name(Level level) noexcept {
    switch (level) {
        case Level::alert: return "ALERT";
        case Level::bug: return "BUG";
        case Level::critical: return "CRITICAL";
        case Level::error: return "ERROR";
        case Level::warning: return "WARNING";
        case Level::notice: return "NOTICE";
        case Level::info: return "INFO";
        case Level::debug: return "DEBUG";
    }
    return "DEBUG";
}

void write(Level level, std::string_view module, std::string_view location,
           std::string_view text) noexcept {
    state.sink->write(level, module, location, text);
}

void vwrite(Level level, std::string_view module, std::string_view location,
            fmt::string_view format, fmt::format_args args) noexcept {
    try {
        fmt::memory_buffer text;
        fmt::vformat_to(std::back_inserter(text), format, args);
        state.sink->write(level, module, location, {text.data(), text.size()});
    } catch (...) {
        state.sink->write(level, module, location, "a log line could not be formatted");
    }
}

}  // namespace fairlead::log
