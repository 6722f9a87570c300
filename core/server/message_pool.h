// Message objects of one process, each with its arena, reused for ever. SPDX-License-Identifier:
// Apache-2.0
#pragma once
#include <memory>
#include <vector>

#include "core/api/message.h"

namespace fairlead::server {

/// Nested takes get different ones; at rest none is out.
class MessagePool {
public:
    [[nodiscard]] Message& take() {
        if (free_.empty()) {
            all_.push_back(std::make_unique<Slot>());
            free_.reserve(all_.size());
            return all_.back()->message;
        }
        Message& message = *free_.back();
        free_.pop_back();
        return message;
    }
    /// Empties its arena: views into it are gone.
    void give_back(Message& message) noexcept {
        message.arena.reset();
        free_.push_back(&message);
    }
    [[nodiscard]] std::size_t out() const noexcept { return all_.size() - free_.size(); }

private:
    struct Slot {
        Arena arena;
        Message message{arena};
    };
    std::vector<std::unique_ptr<Slot>> all_;
    std::vector<Message*> free_;
};

}  // namespace fairlead::server
