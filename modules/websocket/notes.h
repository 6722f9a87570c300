// What all processes may know of WebSocket connections: a note for each, written by its owner.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "core/api/core.h"

namespace fairlead::websocket {

/// In pages of their own that cost nothing until they are used. A place belongs to the owner of the
/// connection whose number leads to it.
class Notes {
public:
    /// What changes while it is open.
    struct Live {
        std::atomic<std::int64_t>
            used;                   ///< milliseconds of the clock: the last frame of either side
        std::atomic<bool> closing;  ///< we have sent a Close
        std::atomic<bool> awaits_pong;
    };
    struct Row {
        std::uint32_t connection = 0;
        Address remote, local;
        Proto proto = Proto::none;
        std::int64_t used = 0;
        bool closing = false, awaits_pong = false;
    };
    Notes() = default;
    ~Notes();
    Notes(const Notes&) = delete;
    Notes& operator=(const Notes&) = delete;

    /// Before fork: so many connections at a time.
    [[nodiscard]] Result<void> map(std::size_t connections);
    /// By the owner, who is in `slot`. Valid until clear().
    Live& open(std::uint16_t slot, const Row& row) noexcept;
    void clear(std::uint32_t connection) noexcept;
    /// When the process in `slot` died, by its successor.
    void clear_all(std::uint16_t slot) noexcept;

    // Any process.
    [[nodiscard]] bool has(std::uint32_t connection) const noexcept;
    [[nodiscard]] std::vector<Row> rows() const;  ///< not of one moment
    [[nodiscard]] std::int64_t current() const noexcept { return common_->current; }
    [[nodiscard]] std::int64_t most() const noexcept { return common_->most; }
    void disable(bool on) noexcept { common_->disabled = on; }
    [[nodiscard]] bool is_disabled() const noexcept { return common_->disabled; }

private:
    struct Place {
        std::atomic<std::uint32_t>
            connection;  ///< 0: empty. What else is here belongs to the owner.
        std::atomic<std::uint16_t> slot;
        Address remote, local;
        Proto proto;
        Live live;
    };
    struct Common {
        std::atomic<bool> disabled;
        std::atomic<std::int64_t> current, most;
    };
    [[nodiscard]] Place& at(std::uint32_t connection) const noexcept {
        return places_[(connection - 1) % places_.size()];
    }
    Common* common_ = nullptr;
    std::span<Place> places_;
};

}  // namespace fairlead::websocket
