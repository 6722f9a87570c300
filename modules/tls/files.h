// The files that TLS needs, as bytes: read where they may be read, used where they are needed.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/api/core.h"
#include "core/api/shm.h"

namespace fairlead::tls {

/// By the name under which the configuration has them.
using Files = std::map<std::string, std::string, std::less<>>;

/// Where files are: "/…" is absolute, "./…" is below `work`, anything else below `config`.
struct Folders {
    std::string config, work;
    [[nodiscard]] std::string path(std::string_view name) const;
};

/// The whole file; an error names it. At most 8 MB.
[[nodiscard]] Result<std::string> read_file(const std::string& path);
/// All regular files of a folder, one behind the other.
[[nodiscard]] Result<std::string> read_folder(const std::string& path);

/// What all processes work by, in shared memory: processes that are forked later, and those that
/// may not read private keys any more, take it from here.
class Shelf {
public:
    /// Before fork. False when shared memory is too small.
    [[nodiscard]] bool prepare(Core& core);
    /// Any process. False when shared memory is too small: what was there stays.
    [[nodiscard]] bool put(const Files& files) noexcept;
    /// A copy, and its number.
    [[nodiscard]] std::uint64_t take(Files& files) const;
    /// Goes up with each put().
    [[nodiscard]] std::uint64_t number() const noexcept {
        return store_->number.load(std::memory_order_acquire);
    }

private:
    struct Store {
        using ShmSafe = void;
        shm::RobustMutex mutex;
        char* block = nullptr;  ///< its size, then all files; replaced by one store
        std::atomic<std::uint64_t> number{0};
        void repair() noexcept {}
    };
    Core* core_ = nullptr;
    Store* store_ = nullptr;
    shm::Tag tag_;
};

}  // namespace fairlead::tls
