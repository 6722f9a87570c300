// What each process is working on, kept where the supervisor finds it when the process dies.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/api/net.h"
#include "core/base/result.h"

namespace fairlead::proc {

/// Lives in shared pages, zeroed; one per process. The bytes it points to are in shared pages too,
/// at the same address in every process.
class WorkNote {
public:
    void begin(std::string_view bytes, const Received& from, std::int64_t unix_seconds) noexcept {
        bytes_ = bytes.data();
        size_ = static_cast<std::uint32_t>(bytes.size());
        from_ = from;
        when_ = unix_seconds;
        std::atomic_signal_fence(std::memory_order_release);
        active_ = 1;
    }
    void end() noexcept {
        std::atomic_signal_fence(std::memory_order_release);
        active_ = 0;
    }
    [[nodiscard]] bool active() const noexcept { return active_ != 0; }
    [[nodiscard]] std::string_view bytes() const noexcept { return {bytes_, size_}; }
    [[nodiscard]] const Received& from() const noexcept { return from_; }
    [[nodiscard]] std::int64_t when() const noexcept { return when_; }

private:
    const char* bytes_;
    std::uint32_t size_;
    std::uint32_t active_;
    std::int64_t when_;
    Received from_;
};

/// The supervisor's: writes notes of dead processes to files for inspection.
class BlackBox {
public:
    /// No more than this are written in the life of a server; what is above is only counted.
    static constexpr std::size_t kMostFiles = 100;

    explicit BlackBox(std::string directory) : directory_(std::move(directory)) {}

    /// Writes `<directory>/fairlead-crash-<time>-<slot>.sip`, mode 0600: lines that begin with '#'
    /// (when, source, listener, process), an empty line, then the datagram as it came. The
    /// name appears when the file is whole; when that cannot be, nothing is left. Returns the path.
    Result<std::string> save(const WorkNote& note, std::uint16_t slot, pid_t pid,
                             std::string_view listener);

private:
    std::string directory_;
    std::size_t written_ = 0;
};

}  // namespace fairlead::proc
