// What is to be sent when the lock is gone: messages are made under it, in private memory, and
// leave behind it. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "core/api/net.h"
#include "core/api/sip.h"
#include "core/api/text.h"

namespace fairlead::tm {

/// Per process. Nested uses (a script runs between two of them) each send or drop their own part.
class Outbox {
public:
    struct Item {
        Target target;
        std::string_view bytes;
        SendFailure failure;
        Sent result = Sent::queued;
    };

    /// Room for one message; it lives until the outermost use ends.
    [[nodiscard]] sip::Writer writer(std::size_t room) { return {arena_.allocate(room), room}; }

    /// Sends `bytes`, which stay valid until then, to `target`.
    void add(const Target& target, std::string_view bytes, const SendFailure& failure = {}) {
        if (!bytes.empty()) items_.push_back({target, bytes, failure});
    }
    /// The same with a copy.
    void add_copy(const Target& target, std::string_view bytes, const SendFailure& failure = {}) {
        if (!bytes.empty()) items_.push_back({target, arena_.copy(bytes), failure});
    }

private:
    friend class Outgoing;
    Arena arena_;
    std::vector<Item> items_;
    int depth_ = 0;  ///< uses that are under way
};

/// One use of the outbox. What was not sent at the end of the scope is dropped.
class Outgoing {
public:
    Outgoing(Outbox& box, Net& net) noexcept : box_(box), net_(net), first_(box.items_.size()) {
        ++box_.depth_;
    }
    Outgoing(const Outgoing&) = delete;
    Outgoing& operator=(const Outgoing&) = delete;
    ~Outgoing() {
        box_.items_.resize(first_);
        if (--box_.depth_ == 0) box_.arena_.reset();
    }

    [[nodiscard]] sip::Writer writer(std::size_t room) { return box_.writer(room); }
    void add(const Target& target, std::string_view bytes, const SendFailure& failure = {}) {
        box_.add(target, bytes, failure);
    }
    void add_copy(const Target& target, std::string_view bytes, const SendFailure& failure = {}) {
        box_.add_copy(target, bytes, failure);
    }
    /// Hands what was added to Net, in order. No lock is held.
    void send() noexcept {
        for (; sent_ < size(); ++sent_) {
            Outbox::Item& item = box_.items_[first_ + sent_];
            item.result = net_.send(item.target, item.bytes, item.failure);
        }
    }
    [[nodiscard]] std::size_t size() const noexcept { return box_.items_.size() - first_; }
    [[nodiscard]] Sent result(std::size_t n) const noexcept {
        return box_.items_[first_ + n].result;
    }

private:
    Outbox& box_;
    Net& net_;
    std::size_t first_, sent_ = 0;
};

}  // namespace fairlead::tm
