// Statements that wait for the database process: a list in shared memory, so that nothing is lost
// when that process dies. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "core/api/core.h"
#include "core/api/shm.h"
#include "modules/db/api.h"

namespace fairlead::db_sqlite {

struct Request {
    using ShmSafe = void;
    shm::Ptr<Request> next;
    shm::Ptr<char> text;  ///< luggage and values (wire.h)
    db::StatementId statement = db::StatementId::none;
    db::CallbackId callback = db::CallbackId::none;
    std::uint16_t asker = 0;     ///< slot
    std::uint16_t attempts = 0;  ///< begun so often
    std::uint32_t max_rows = 0;
    std::uint32_t luggage = 0, size = 0;  ///< bytes of the luggage, and of all

    [[nodiscard]] std::string_view bytes() const noexcept { return {text.get(), size}; }
};

/// Any number of processes put, one takes.
class Queue {
public:
    /// Before fork. At most `limit` wait.
    Result<void> prepare(Core& core, std::size_t limit);

    /// False when there are too many, or memory is full.
    bool put(const Request& head, std::string_view bytes) noexcept;
    /// The oldest, which stay in the queue; how many.
    std::size_t peek(std::span<Request*> out) noexcept;
    /// Removes and frees the `n` oldest.
    void drop(std::size_t n) noexcept;
    [[nodiscard]] std::size_t size() noexcept;

private:
    struct List {
        using ShmSafe = void;
        shm::RobustMutex mutex;
        shm::Ptr<Request> first, last;
        std::uint64_t count = 0;
        /// The chain from `first` is the truth.
        void repair() noexcept {
            last = nullptr;
            count = 0;
            for (Request* r = first.get(); r != nullptr; r = r->next.get()) {
                last = r;
                ++count;
            }
        }
    };
    Core* core_ = nullptr;
    List* list_ = nullptr;
    std::size_t limit_ = 0;
    shm::Tag tag_, text_tag_;
};

}  // namespace fairlead::db_sqlite
