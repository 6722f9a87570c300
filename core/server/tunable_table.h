// The tunables of all modules and what operators changed of them, in shared memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <atomic>
#include <string>
#include <vector>

#include "core/api/tunable.h"
#include "core/module/registry.h"
#include "core/shm/robust_mutex.h"
#include "core/shm/segment.h"

namespace fairlead::server {

class TunableTable final : public Tunables {
public:
    /// Before fork, once modules have their parameters and are prepared.
    [[nodiscard]] Result<void> fill(const module::Registry& registry, shm::Segment& memory);

    /// In each process, between two messages: takes over what was changed since the last call.
    void follow() noexcept {
        if (shared_ != nullptr && shared_->version.load(std::memory_order_acquire) != seen_)
            take_changes();
    }

    [[nodiscard]] std::span<const Entry> all() const noexcept override { return entries_; }
    [[nodiscard]] const Entry* find(std::string_view group,
                                    std::string_view name) const noexcept override;
    Result<void> set(const Entry& entry, const Value& value) override;
    [[nodiscard]] Value original(const Entry& entry) const override;

private:
    struct Cell {
        using ShmSafe = void;
        std::uint64_t version = 0;  ///< of the last change; 0: none
        std::int64_t number = 0;
        std::uint32_t size = 0;
        std::array<char, kMaxTunableText> text{};
    };
    struct Shared {
        using ShmSafe = void;
        shm::RobustMutex mutex;
        std::atomic<std::uint64_t> version{0};
        /// A writer stores a cell's version last: what it left half done nobody takes over.
        void repair() noexcept {}
    };
    struct Original {
        bool is_text = false;
        std::int64_t number = 0;
        std::string text;
    };
    void take_changes() noexcept;

    std::vector<Entry> entries_;
    std::vector<Original> originals_;
    Shared* shared_ = nullptr;
    std::vector<Cell*> cells_;
    std::uint64_t seen_ = 0;
};

}  // namespace fairlead::server
