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
#include "modules/tm/api.h"

namespace fairlead::tm {

struct OwnBranch;
struct StoredRequest;
struct NoticeCall;

/// What a process that asked for a request of our own is told, and what is to be acknowledged.
struct LocalNews {
    UacId id;
    std::uint16_t asker = 0;
    std::uint32_t incarnation = 0;  ///< of the asker
    UacCallback callback = UacCallback::none;
    bool in_any_process = false;
    bool acknowledge = false;  ///< the reply is a 2xx to an INVITE
    int code = 0;
    std::string_view reply, param;
    Target target;  ///< of the request
};

/// A suspension that wants to go on.
struct WakeCall {
    SuspendToken token;
    WakerId waker = WakerId::none;
    std::uint64_t param = 0;
};

/// What watchers are told when the lock is gone: a copy of everything it speaks of.
struct Event {
    Report report;
    const StoredRequest* request = nullptr;
    std::string_view uri;
    std::string_view kept;  ///< variables, as Message::keep writes them
    std::uint32_t flags = 0;
    std::uint32_t slot = 0, label = 0;   ///< of the cell
    const LocalNews* news = nullptr;     ///< set: it is this, and nothing else
    const WakeCall* wake = nullptr;      ///< likewise
    const NoticeCall* notice = nullptr;  ///< likewise
    const OwnBranch* send_on =
        nullptr;  ///< likewise: a branch that waits, and whose place is known
    const OwnBranch* ask_again = nullptr;  ///< likewise: … whose place has to be looked up again
};
class EventSink {
public:
    virtual void tell(const Event& event) noexcept = 0;

protected:
    ~EventSink() = default;
};

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

    [[nodiscard]] Arena& arena() noexcept { return arena_; }
    /// Before fork: who is told of events.
    void set_sink(EventSink& sink) noexcept { sink_ = &sink; }

private:
    friend class Outgoing;
    Arena arena_;
    std::vector<Item> items_;
    std::vector<Event> events_;
    EventSink* sink_ = nullptr;
    int depth_ = 0;  ///< uses that are under way
};

/// One use of the outbox. What was not sent at the end of the scope is dropped.
class Outgoing {
public:
    Outgoing(Outbox& box, Net& net) noexcept
        : box_(box), net_(net), first_(box.items_.size()), first_event_(box.events_.size()) {
        ++box_.depth_;
    }
    Outgoing(const Outgoing&) = delete;
    Outgoing& operator=(const Outgoing&) = delete;
    ~Outgoing() {
        box_.items_.resize(first_);
        box_.events_.resize(first_event_);
        if (--box_.depth_ == 0) box_.arena_.reset();
    }

    [[nodiscard]] sip::Writer writer(std::size_t room) { return box_.writer(room); }
    void add(const Target& target, std::string_view bytes, const SendFailure& failure = {}) {
        box_.add(target, bytes, failure);
    }
    void add_copy(const Target& target, std::string_view bytes, const SendFailure& failure = {}) {
        box_.add_copy(target, bytes, failure);
    }
    [[nodiscard]] Arena& arena() noexcept { return box_.arena(); }
    void add_event(const Event& event) { box_.events_.push_back(event); }
    /// Hands what was added to Net, in order, then tells the events. No lock is held.
    void send() noexcept {
        for (; sent_ < size(); ++sent_) {
            Outbox::Item& item = box_.items_[first_ + sent_];
            item.result = net_.send(item.target, item.bytes, item.failure);
        }
        for (; first_event_ + told_ < box_.events_.size(); ++told_) {
            const Event event = box_.events_[first_event_ + told_];  // telling may add others
            if (box_.sink_ != nullptr) box_.sink_->tell(event);
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
    std::size_t first_event_, told_ = 0;
};

}  // namespace fairlead::tm
