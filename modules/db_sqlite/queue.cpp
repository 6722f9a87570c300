// Statements that wait for the database process. SPDX-License-Identifier: Apache-2.0
#include "modules/db_sqlite/queue.h"

namespace fairlead::db_sqlite {

Result<void> Queue::prepare(Core& core, std::size_t limit) {
    core_ = &core;
    limit_ = limit;
    tag_ = core.memory().tag("db_sqlite", "request");
    text_tag_ = core.memory().tag("db_sqlite", "values");
    list_ = core.memory().make<List>(core.memory().tag("db_sqlite", "queue"));
    if (list_ == nullptr) return fail("no shared memory for the queue of db_sqlite");
    list_->mutex.init(shm::Rank::table);
    return {};
}

bool Queue::put(const Request& head, std::string_view bytes) noexcept {
    // In hand until it is linked: should this process die before, it is freed.
    shm::Segment& memory = core_->memory();
    auto* const request = memory.make<Request>(tag_, shm::Hold::in_hand, head);
    if (request == nullptr) return false;
    request->size = static_cast<std::uint32_t>(bytes.size());
    request->text = memory.copy(bytes, text_tag_, shm::Hold::in_hand);
    if (!bytes.empty() && !request->text) {
        memory.free(request);
        return false;
    }
    {
        const shm::Guard guard(*list_);
        if (list_->count < limit_) {
            // Before it can be seen: a death in between loses a block, and no more.
            memory.publish(request);
            if (request->text) memory.publish(request->text.get());
            (list_->last ? list_->last->next : list_->first) = request;
            list_->last = request;
            ++list_->count;
            return true;
        }
    }
    memory.free(request->text.get());
    memory.free(request);
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
        core_->memory().free(request->text.get());
        core_->memory().free(request);
    }
}

std::size_t Queue::size() noexcept {
    const shm::Guard guard(*list_);
    return list_->count;
}

}  // namespace fairlead::db_sqlite
