// A connection of this process. SPDX-License-Identifier: Apache-2.0
#include "core/net/connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/log.h"
#include "core/net/proxy_header.h"

namespace fairlead::net {
namespace {

/// Buffers above this are given back when they are empty.
constexpr std::size_t kKept = 1024;
constexpr std::string_view kPong = "\r\n";

void empty(std::string& buffer) noexcept {
    if (buffer.capacity() > kKept)
        buffer = std::string();
    else
        buffer.clear();
}

}  // namespace

Connection::Connection(const ConnectionParts& parts, std::unique_ptr<Stream> stream,
                       const Received& from, const Begin& begin, Ms now)
    : parts_(parts),
      stream_(std::move(stream)),
      from_(from),
      is_outgoing_(begin.outgoing),
      expects_proxy_(!begin.outgoing && parts.limits.accept_proxy),
      lifetime_(begin.lifetime != Ms{0} ? begin.lifetime : parts.limits.lifetime),
      framer_(parts.limits.largest_message, parts.limits.accept_no_length),
      used_(now) {
    if (begin.outgoing)
        watch_writable(true);
    else if (begin.layered)
        watch_readable(true);
    else
        opened();
}

Connection::~Connection() {
    close("the server ends");
}

void Connection::opened() noexcept {
    state_ = State::open;
    used_ = parts_.loop.clock().now();
    parts_.counts.established.add();
    if (is_outgoing_) parts_.counts.connect_success.add();
    watch_writable(false);
    watch_readable(true);
    parts_.keeper.has_work(*this);
}

void Connection::establish() noexcept {
    const auto result = stream_->establish();
    if (result.state == Stream::State::wants_readable ||
        result.state == Stream::State::wants_writable) {
        // Only what it waits for: the other may be so all the time.
        const bool writable = result.state == Stream::State::wants_writable;
        watch_writable(writable);
        return watch_readable(!writable);
    }
    if (result.state != Stream::State::ok) return failed(result);
    opened();
    if (is_open() && stream_->has_more()) read();
}

void Connection::watch_readable(bool on) noexcept {
    if (!on) return read_watch_.pause();
    if (read_watch_) return read_watch_.resume();
    read_watch_ =
        parts_.loop.watch(stream_->descriptor(), Loop::Interest::readable, readable_call_);
    if (!read_watch_) close("it cannot be watched");
}

void Connection::watch_writable(bool on) noexcept {
    if (!on) return write_watch_.reset();
    if (write_watch_) return;
    write_watch_ =
        parts_.loop.watch(stream_->descriptor(), Loop::Interest::writable, writable_call_);
    if (!write_watch_) close("it cannot be watched");
}

void Connection::writable() noexcept {
    if (!is_open()) return establish();
    // With the rest of the batch: not before datagrams that were sent before.
    watch_writable(false);
    parts_.keeper.has_work(*this);
    if (!std::exchange(read_wants_writable_, false)) return;
    watch_readable(true);
    read();
}

// ---- In -----------------------------------------------------------------------------------------

void Connection::readable() noexcept {
    if (!is_open()) return establish();
    if (std::exchange(write_wants_readable_, false)) parts_.keeper.has_work(*this);
    read();
}

void Connection::read() noexcept {
    // What a layer has taken off the socket already makes nothing readable any more.
    do read_once();
    while (is_open() && !read_wants_writable_ && stream_->has_more());
}

void Connection::read_once() noexcept {
    // A new message is read to where it will be worked on; more of one that is incomplete goes
    // behind its beginning.
    const std::span<char> into = parts_.scratch.first(kRead);
    const auto result = stream_->read(into);
    if (result.state == Stream::State::wants_readable) return;
    if (result.state == Stream::State::wants_writable) {
        read_wants_writable_ = true;
        watch_readable(false);
        return watch_writable(true);
    }
    if (result.state != Stream::State::ok) return failed(result);
    lifetime_ = parts_.limits.lifetime;
    used_ = parts_.loop.clock().now();
    const std::string_view bytes(into.data(), result.bytes);
    if (in_.empty()) return take(bytes, true);
    in_.append(bytes);
    take(in_, false);
}

/// All that came and was not taken off.
void Connection::take(std::string_view bytes, bool in_scratch) noexcept {
    // Incomplete messages are not copied for each of their pieces.
    const bool search = in_scratch || expects_proxy_ ||
                        framer_.next(bytes).what != sip::StreamFramer::What::incomplete;
    if (!search) return;
    if (!in_scratch) {
        framer_ = sip::StreamFramer(parts_.limits.largest_message, parts_.limits.accept_no_length);
        std::memcpy(parts_.scratch.data(), bytes.data(), bytes.size());
        bytes = {parts_.scratch.data(), bytes.size()};
    }
    const std::size_t used = handle(bytes);
    if (is_over()) return;
    const std::string_view rest = bytes.substr(used);
    if (rest.empty()) {
        empty(in_);
        began_ = Ms{0};
        return;
    }
    in_.assign(rest);
    if (rest[0] == '\r' && !expects_proxy_) {  // half a keep-alive, or the answer to one
        began_ = Ms{0};
        return;
    }
    if (used == 0 && began_ != Ms{0}) return;
    began_ = parts_.loop.clock().now();
    parts_.keeper.has_work(*this);  // its deadline came nearer
}

/// Takes the messages off the front; returns how many bytes that were.
std::size_t Connection::handle(std::string_view bytes) noexcept {
    using What = sip::StreamFramer::What;
    std::size_t used = expects_proxy_ ? take_proxy_header(bytes) : 0;
    while (!is_over() && !expects_proxy_) {
        const auto found = framer_.next(bytes.substr(used));
        if (found.what == What::incomplete) break;
        if (found.what == What::broken) {
            parts_.counts.broken.add();
            LOG(info, "connection {} of {}: {}", id(), from_.source.text(), found.why);
            close("what came is no message");
            break;
        }
        const std::string_view piece = bytes.substr(used, found.size);
        used += found.size;
        if (found.what == What::message) parts_.receiver.received(piece, from_);
        if (found.what == What::ping && parts_.limits.crlf_ping) (void)send(kPong, {}, false);
    }
    return used;
}

/// Its size once it is whole and good, else 0.
std::size_t Connection::take_proxy_header(std::string_view bytes) noexcept {
    const auto header = read_proxy_header(bytes);
    if (header.what == ProxyHeader::What::incomplete) return 0;
    if (header.what == ProxyHeader::What::broken) {
        parts_.counts.broken.add();
        LOG(info, "connection {} of {}: {}", id(), from_.source.text(), header.why);
        close("what came is no PROXY header");
        return 0;
    }
    expects_proxy_ = false;
    if (header.source.is_set()) {
        from_.source = header.source;
        if (!parts_.keeper.readdressed(*this)) close("its peer has too many");
    }
    return header.size;
}

// ---- Out ----------------------------------------------------------------------------------------

Sent Connection::send(std::string_view bytes, const SendFailure& on_failure, bool close) noexcept {
    const auto is_full = [&] {
        return waiting() + bytes.size() > std::max(parts_.limits.queue_bytes, bytes.size()) ||
               parts_.waiting + bytes.size() > parts_.limits.all_queue_bytes;
    };
    if (is_full() && can_write()) flush();
    if (is_over()) return Sent::no_socket;
    if (is_full()) {
        parts_.counts.queue_full.add();
        return Sent::queue_full;
    }
    compact();
    const bool was_empty = waiting() == 0;
    out_.append(bytes);
    marks_.push_back(
        {out_.size(), parts_.loop.clock().now() + parts_.limits.send_timeout, on_failure, close});
    parts_.waiting += bytes.size();
    parts_.counts.queued_bytes.add(static_cast<std::int64_t>(bytes.size()));
    if (was_empty) parts_.keeper.has_work(*this);
    return Sent::queued;
}

void Connection::flush() noexcept {
    while (waiting() != 0 && can_write()) {
        const auto result = stream_->write(std::string_view(out_).substr(written_));
        wrote(result.bytes);
        if (result.state == Stream::State::ok) continue;
        if (result.state == Stream::State::wants_writable) return watch_writable(true);
        if (result.state != Stream::State::wants_readable) return failed(result);
        write_wants_readable_ = true;
    }
}

void Connection::wrote(std::size_t bytes) noexcept {
    if (bytes == 0) return;
    written_ += bytes;
    parts_.waiting -= bytes;
    parts_.counts.queued_bytes.add(-static_cast<std::int64_t>(bytes));
    lifetime_ = parts_.limits.lifetime;
    used_ = parts_.loop.clock().now();
    const auto first =
        std::ranges::find_if(marks_, [this](const Mark& mark) { return mark.end > written_; });
    const bool closes =
        std::any_of(marks_.begin(), first, [](const Mark& mark) { return mark.close; });
    marks_.erase(marks_.begin(), first);
    if (waiting() == 0) {
        empty(out_);
        written_ = 0;
    }
    if (closes) close("as the script wants it");
}

/// Bytes that were written leave the queue when they are most of it.
void Connection::compact() noexcept {
    if (written_ <= waiting()) return;
    out_.erase(0, written_);
    for (Mark& mark : marks_) mark.end -= written_;
    written_ = 0;
}

// ---- Its end ------------------------------------------------------------------------------------

Ms Connection::deadline() const noexcept {
    if (state_ == State::opening) return used_ + parts_.limits.connect_timeout;
    Ms first = used_ + lifetime_;
    if (!marks_.empty()) first = std::min(first, marks_.front().deadline);
    if (began_ != Ms{0}) first = std::min(first, began_ + parts_.limits.message_timeout);
    return first;
}

void Connection::check(Ms now) noexcept {
    if (is_over() || now < deadline()) return;
    if (state_ == State::opening) {
        (is_outgoing_ ? parts_.counts.connect_failed : parts_.counts.timeouts).add();
        return close("it was not opened in time");
    }
    if (!marks_.empty() && now >= marks_.front().deadline) {
        parts_.counts.send_timeout.add();
        return close("the peer does not read");
    }
    parts_.counts.timeouts.add();
    close(began_ != Ms{0} && now >= began_ + parts_.limits.message_timeout
              ? "a message was not complete in time"
              : "it was idle");
}

void Connection::failed(const Stream::Moved& result) noexcept {
    if (state_ == State::opening)
        (is_outgoing_ ? parts_.counts.connect_failed : parts_.counts.broken).add();
    if (result.error == ECONNRESET) parts_.counts.resets.add();
    close(result.state == Stream::State::ended ? "the peer closed it"
                                               : std::string_view(std::strerror(result.error)));
}

void Connection::close(std::string_view why) noexcept {
    if (is_over()) return;
    if (waiting() != 0 && can_write())  // what fits is not lost
        wrote(stream_->write(std::string_view(out_).substr(written_)).bytes);
    if (is_over()) return;
    LOG(debug, "connection {} of {} is closed: {}", id(), from_.source.text(), why);
    state_ = State::over;
    read_watch_.reset();
    write_watch_.reset();
    stream_.reset();
    parts_.waiting -= waiting();
    parts_.counts.queued_bytes.add(-static_cast<std::int64_t>(waiting()));
    out_.clear();
    written_ = 0;
    const auto unsent = std::exchange(marks_, {});
    parts_.keeper.has_work(*this);
    for (const Mark& mark : unsent) parts_.keeper.unsent(mark.on_failure);
}

}  // namespace fairlead::net
