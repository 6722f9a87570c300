// Where log lines go: standard error, syslog, JSON lines.
// SPDX-License-Identifier: Apache-2.0
#include "core/server/log_sinks.h"

#include <fcntl.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>

#include "core/event/fd.h"
#include "core/net/local_socket.h"

namespace fairlead::server {
namespace {

/// A pipe takes up to this much in one piece, so lines of several processes do not mix.
constexpr std::size_t kLongest = 4096;

/// A line is what the caller formatted; what remains is to get rid of it without waiting.
class LineSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
    std::uint64_t dropped = 0;
    shm::Counter counter;

    void lost() noexcept {
        ++dropped;
        counter.add();
    }

protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        if (!put({message.payload.data(), message.payload.size()})) lost();
    }
    void flush_() override {}
    virtual bool put(std::string_view line) noexcept = 0;
};

/// Standard error. The descriptor is shared with whoever started us, so its flags are left alone:
/// a pipe or terminal is opened a second time to be written without waiting.
class StderrSink final : public LineSink {
public:
    StderrSink() {
        struct stat status{};
        if (fstat(STDERR_FILENO, &status) != 0) return;
        is_socket_ = S_ISSOCK(status.st_mode);
        if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode))
            own_.reset(
                open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_APPEND | O_CLOEXEC | O_NOCTTY));
    }

private:
    bool put(std::string_view line) noexcept override {
        if (is_socket_)
            return send(STDERR_FILENO, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
        return ::write(own_ ? own_.get() : STDERR_FILENO, line.data(), line.size()) > 0;
    }
    Fd own_;
    bool is_socket_ = false;
};

/// The system's log over its datagram socket, which the C library's syslog() would wait for.
class SyslogSink final : public LineSink {
private:
    bool put(std::string_view line) noexcept override {
        // Connected anew when the log daemon was restarted.
        if (socket_ && deliver(line)) return true;
        auto connected = net::connect_local("/dev/log");
        if (!connected) return false;
        socket_ = *std::move(connected);
        return deliver(line);
    }
    bool deliver(std::string_view line) noexcept {
        return send(socket_.get(), line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
    }
    Fd socket_;
};

int syslog_priority(log::Level level) noexcept {
    switch (level) {
        case log::Level::alert: return LOG_ALERT;
        case log::Level::bug:
        case log::Level::critical: return LOG_CRIT;
        case log::Level::error: return LOG_ERR;
        case log::Level::warning: return LOG_WARNING;
        case log::Level::notice: return LOG_NOTICE;
        case log::Level::info: return LOG_INFO;
        case log::Level::debug: return LOG_DEBUG;
    }
    return LOG_DEBUG;
}

void put_json(fmt::memory_buffer& out, std::string_view key, std::string_view value) {
    const auto at = std::back_inserter(out);
    fmt::format_to(at, "\"{}\":\"", key);
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            fmt::format_to(at, "\\{}", c);
        else if (byte < 0x20 || byte == 0x7f)
            fmt::format_to(at, "\\u{:04x}", byte);
        else
            out.push_back(c);
    }
    out.push_back('"');
}

}  // namespace

struct Log::Impl {
    explicit Impl(const LogTarget& t) : target(t) {
        if (target.to_stderr)
            sink = std::make_shared<StderrSink>();
        else
            sink = std::make_shared<SyslogSink>();
        logger = std::make_unique<spdlog::logger>(target.name, sink);
        logger->set_level(spdlog::level::trace);  // levels are ours
    }

    void text_line(fmt::memory_buffer& out, log::Level level, std::string_view module,
                   std::string_view location, std::string_view text) const {
        const auto at = std::back_inserter(out);
        if (target.to_stderr)
            fmt::format_to(at, "{:2}({}) ", log::process(), getpid());
        else
            fmt::format_to(at, "<{}>{}[{}]: ", target.facility | syslog_priority(level),
                           target.name, getpid());
        fmt::format_to(at, "{}: {}{}", log::name(level), log::prefix(), module);
        if (!location.empty()) fmt::format_to(at, " [{}]", location);
        fmt::format_to(at, ": {}", text);
    }
    void json_line(fmt::memory_buffer& out, log::Level level, std::string_view module,
                   std::string_view location, std::string_view text) const {
        const auto at = std::back_inserter(out);
        if (!target.to_stderr)
            fmt::format_to(at, "<{}>{}[{}]: ", target.facility | syslog_priority(level),
                           target.name, getpid());
        fmt::format_to(at, "{{\"idx\":{},\"pid\":{},", log::process(), getpid());
        put_json(out, "level", log::name(level));
        out.push_back(',');
        put_json(out, "module", module);
        out.push_back(',');
        put_json(out, "location", location);
        out.push_back(',');
        if (!log::prefix().empty()) {
            put_json(out, "prefix", log::prefix());
            out.push_back(',');
        }
        put_json(out, "message", text);
        out.push_back('}');
    }

    LogTarget target;
    std::shared_ptr<LineSink> sink;
    std::unique_ptr<spdlog::logger> logger;
};

Log::Log(const LogTarget& target) : impl_(std::make_unique<Impl>(target)) {}
Log::~Log() = default;

void Log::write(log::Level level, std::string_view module, std::string_view location,
                std::string_view text) noexcept {
    try {
        fmt::memory_buffer line;
        // A JSON line that was cut would be none: its text is cut instead.
        if (impl_->target.json)
            impl_->json_line(line, level, module, location, text.substr(0, kLongest / 2));
        else
            impl_->text_line(line, level, module, location, text);
        if (line.size() >= kLongest) line.resize(kLongest - 1);
        if (impl_->target.to_stderr) line.push_back('\n');
        impl_->logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
    } catch (...) {  // out of memory while logging: the line is lost, the server is not
        impl_->sink->lost();
    }
}

void Log::count_dropped(shm::Counter counter) noexcept {
    impl_->sink->counter = counter;
}

std::uint64_t Log::dropped() const noexcept {
    return impl_->sink->dropped;
}

}  // namespace fairlead::server
