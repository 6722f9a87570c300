// Statements that wait for the database process. SPDX-License-Identifier: Apache-2.0
#include "modules/db_sqlite/queue.h"

#include <cstring>
#include <new>

namespace fairlead::db_sqlite {

Result<void> Queue::prepare(Core& core, std::size_t limit) {
    core_ = &core;
    limit_ = limit;
    tag_ = core.memory().tag("db_sqlite", "request");
    list_ = core.memory().make<List>(core.memory().tag("db_sqlite", "queue"));
    if (list_ == nullptr) return fail("no shared memory for the queue of db_sqlite");
    list_->mutex.init(shm::Rank::table);
    return {};
}

bool Queue::put(const Request& head, std::string_view bytes) noexcept {
    // In hand until it is linked: should this process die before, it is freed.
    void* const block =
        core_->memory().allocate(sizeof(Request) + bytes.size(), tag_, shm::Hold::in_hand);
    if (block == nullptr) return false;
    auto* const request = ::new (block) Request(head);
    request->size = static_cast<std::uint32_t>(bytes.size());
    if (!bytes.empty()) std::memcpy(request + 1, bytes.data(), bytes.size());
    {
        const shm::Guard guard(*list_);
        if (list_->count < limit_) {
            (list_->last ? list_->last->next : list_->first) = request;
            core_->memory().publish(request);
            list_->last = request;
            ++list_->count;
            return true;
        }
    }
    core_->memory().free(block);
    return false;
}

std::size_t Queue::peek(std::span<Request*> out) noexcept {
    const shm::Guard guard(*list_);
    std::size_t n = 0;
    for (Request* r = list_->first.get(); r != nullptr && n < out.size(); r = r->next.get())
        out[n++] = r;
    return n;
}

void Queue::drop(std::size_t n) noexcept {
    for (; n != 0; --n) {
        Request* request = nullptr;
        {
            const shm::Guard guard(*list_);
            request = list_->first.get();
            if (request == nullptr) return;
            list_->first = request->next;
            --list_->count;
            if (!list_->first) list_->last = nullptr;
        }
        core_->memory().free(request);
    }
}

std::size_t Queue::size() noexcept {
    const shm::Guard guard(*list_);
    return list_->count;
}

}  // namespace fairlead::db_sqlite
