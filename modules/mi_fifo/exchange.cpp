// A command's way to its answer, and the answer's way to a reader that may be slow.
// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <utility>

#include "core/api/log.h"
#include "modules/mi_fifo/api.h"

namespace fairlead::mi_fifo {

/// Keeps the exchange alive, and ends it when it goes.
class Exchange::Late final : public LateAnswer {
public:
    explicit Late(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
    Late(const Late&) = delete;
    Late& operator=(const Late&) = delete;
    ~Late() override {
        if (!exchange_->is_answered_) exchange_->outcome_ = fairlead::fail("No response", {}, 500);
        exchange_->is_late_ = false;
        if (!exchange_->is_running_) exchange_->is_ready();
    }
    Answer& answer() override {
        exchange_->is_answered_ = true;
        return exchange_->out_;
    }
    void fail(const Error& error) override {
        exchange_->is_answered_ = true;
        exchange_->outcome_ = std::unexpected(error);
    }

private:
    std::shared_ptr<Exchange> exchange_;
};

std::unique_ptr<LateAnswer> Exchange::later() {
    is_late_ = true;
    return std::make_unique<Late>(shared_from_this());
}

void Exchange::run(Commands& commands, const Commands::Entry& entry) {
    is_running_ = true;
    if (auto done = commands.run(entry, *this); !done) outcome_ = std::move(done);
    is_running_ = false;
    if (!is_late_ || !outcome_) is_ready();
}

void Exchange::is_ready() {
    if (ready_) std::exchange(ready_, nullptr)(*this);
}

bool Exchange::more() {
    try {
        if (source_ != nullptr && source_->more(out_)) return true;
    } catch (const std::exception& e) {
        LOG(error, "an answer ends early: {}", e.what());
    }
    source_.reset();
    return false;
}

Outflow::Outflow(Loop& loop, Fd fd, Pieces pieces, std::function<void(bool)> done, std::string peer)
    : loop_(loop),
      fd_(std::move(fd)),
      pieces_(std::move(pieces)),
      done_(std::move(done)),
      peer_(std::move(peer)) {}

void Outflow::gather() {
    if (sent_ >= kLow) {
        bytes_.erase(0, sent_);
        sent_ = 0;
    }
    while (!is_last_ && waiting() < kLow) is_last_ = !pieces_(bytes_);
}

void Outflow::ready(int) noexcept {
    while (!is_over_) {
        gather();
        if (waiting() == 0) return end(true);
        const auto next = std::string_view(bytes_).substr(sent_);
        const ssize_t n = peer_.empty() ? ::write(fd_.get(), next.data(), next.size())
                                        : send_datagram(fd_.get(), peer_, next.substr(0, kLow));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN && wait()) return;
        if (n < 0) return end(false);
        sent_ += static_cast<std::size_t>(n);
        deadline_ = Ms{0};
        patience_.reset();
    }
}

/// Until the reader takes something again. Nothing tells when a datagram's reader has room.
bool Outflow::wait() {
    constexpr Ms kAgain{5};
    const Ms now = loop_.clock().now();
    if (deadline_ == Ms{0}) deadline_ = now + kPatience;
    if (now >= deadline_) return false;
    if (!peer_.empty()) {
        patience_ = loop_.after(kAgain, *this);
        return static_cast<bool>(patience_);
    }
    if (!writable_) writable_ = loop_.watch(fd_.get(), Loop::Interest::writable, *this);
    if (!patience_) patience_ = loop_.after(kPatience, *this);
    return writable_ && patience_;
}

void Outflow::expired() noexcept {
    patience_.reset();
    ready(0);  // ends it when the deadline is over
}

void Outflow::end(bool whole) noexcept {
    if (is_over_) return;
    is_over_ = true;
    writable_.reset();
    patience_.reset();
    fd_.reset();
    pieces_ = nullptr;
    bytes_ = {};
    if (done_) done_(whole);
}

void Delivery::open(Loop& loop, shm::Counter dropped) noexcept {
    loop_ = &loop;
    dropped_ = dropped;
}

void Delivery::close() noexcept {
    flows_.clear();
    retries_.clear();
}

void Delivery::drop(const std::string& why) {
    LOG(notice, "an answer is dropped: {}", why);
    dropped_.add();
}

void Delivery::send(Fd fd, Pieces pieces, std::string peer) {
    std::erase_if(flows_, [](const auto& flow) { return flow->is_over(); });
    if (flows_.size() >= kMost) return drop("too many wait for their readers");
    const auto done = [this](bool whole) {
        if (!whole) drop("its reader went away or takes nothing");
    };
    flows_.push_back(
        std::make_unique<Outflow>(*loop_, std::move(fd), std::move(pieces), done, std::move(peer)));
    flows_.back()->start();
}

void Delivery::to_file(const ReplyDirectory& directory, std::string name, Pieces pieces,
                       bool append) {
    auto what = std::make_unique<Retry>();
    what->owner = this;
    what->directory = &directory;
    what->name = std::move(name);
    what->pieces = std::move(pieces);
    what->append = append;
    attempt(std::move(what));
}

void Delivery::attempt(std::unique_ptr<Retry> what) {
    auto fd = what->directory->open_reply(what->name, what->append);
    if (fd) return send(std::move(*fd), std::move(what->pieces));
    if (fd.error().code != ENXIO || ++what->tries >= ReplyDirectory::kTries)
        return drop(fd.error().str());
    if (retries_.size() >= kMost) return drop("too many wait for somebody who reads them");
    what->timer = loop_->after(ReplyDirectory::kPause, *what);
    retries_.push_back(std::move(what));
}

void Delivery::again(Retry& what) noexcept {
    const auto found =
        std::ranges::find_if(retries_, [&](const auto& one) { return one.get() == &what; });
    if (found == retries_.end()) return;
    auto kept = std::move(*found);
    retries_.erase(found);
    kept->timer.reset();
    attempt(std::move(kept));
}

}  // namespace fairlead::mi_fifo
