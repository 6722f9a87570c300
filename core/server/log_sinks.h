// Where log lines go: standard error in Kamailio's form, syslog, or JSON lines. Nothing here ever
// waits: a line that its reader has no room for is dropped and counted.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>

#include "core/base/log.h"
#include "core/shm/counters.h"

namespace fairlead::server {

struct LogTarget {
    bool to_stderr = true;  ///< else syslog
    bool json = false;
    std::string name = "fairlead";  ///< syslog's ident
    int facility = 0;               ///< as openlog() takes it
};

/// Over one spdlog sink. Made before fork, used by every process.
class Log final : public log::Sink {
public:
    explicit Log(const LogTarget& target);
    ~Log();
    void write(log::Level level, std::string_view module, std::string_view location,
               std::string_view text) noexcept override;
    /// From here on what is lost is counted there too. Before fork.
    void count_dropped(shm::Counter counter) noexcept;
    /// Lines lost in this process because the reader was too slow.
    [[nodiscard]] std::uint64_t dropped() const noexcept;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace fairlead::server
