// What scripts want of the connections that are opened for their requests: the profile's id and the
// name of the server. Each pair has a number that is the same in all processes.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "core/api/core.h"
#include "core/api/shm.h"

namespace fairlead::tls {

class Wishes {
public:
    static constexpr std::size_t kText = 256;
    static constexpr std::size_t kMost = 1024;
    /// There are too many, or a text is too long: no connection has this one.
    static constexpr std::uint16_t kNone = 0xffff;

    struct Wish {
        std::string_view server_id, server_name;  ///< live as long as the server
    };
    /// Before fork. False when shared memory is too small.
    [[nodiscard]] bool prepare(Core& core);
    /// Any process: the number of what is wanted, 0 for nothing.
    [[nodiscard]] std::uint16_t number(const Wish& wish) noexcept;
    /// What the number stands for; both are "" for 0 and for what is no number.
    [[nodiscard]] Wish get(std::uint16_t number) const noexcept;

private:
    struct Item {
        std::uint16_t id_size, name_size;
        std::array<char, kText> id, name;
    };
    /// Items are only added: one is there when it is counted.
    struct Table {
        using ShmSafe = void;
        shm::RobustMutex mutex;
        std::atomic<std::uint16_t> count{0};
        std::array<Item, kMost> items;
        void repair() noexcept {}
    };
    [[nodiscard]] std::uint16_t find(const Wish& wish, std::uint16_t count) const noexcept;
    Table* table_ = nullptr;
};

}  // namespace fairlead::tls
