// A connection of this process. SPDX-License-Identifier: Apache-2.0
#include "core/net/connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <utility>

#include "core/base/log.h"
#include "core/net/http_codec.h"
#include "core/net/proxy_header.h"

namespace fairlead::net {
namespace {

/// Buffers above this are given back when they are empty.
constexpr std::size_t kKept = 1024;
constexpr std::string_view kPong = "\r\n";
/// How long the peer of a connection that was written to its end may take to close it as well. Were
/// it closed at once, bytes that it sent meanwhile would make the system throw away what it has not
/// read yet.
constexpr Ms kFarewell{2000};

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
      may_be_http_(!begin.outgoing && parts.limits.accept_http),
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
    if (drops_input_) return;
    lifetime_ = usual_lifetime();
    used_ = parts_.loop.clock().now();
    const std::string_view bytes(into.data(), result.bytes);
    if (in_.empty()) return take(bytes, true);
    in_.append(bytes);
    take(in_, false);
}

/// Behind an answer that was owed: never from inside the work on another message, which lies in
/// scratch.
void Connection::go_on() noexcept {
    if (is_open() && !drops_input_ && !in_.empty()) take(in_, false);
}

/// All that came and was not taken off.
void Connection::take(std::string_view bytes, bool in_scratch) noexcept {
    // Incomplete messages are not copied for each of their pieces.
    if (!in_scratch && !may_be_whole(bytes)) return;
    if (!in_scratch) {
        framer_ = sip::StreamFramer(parts_.limits.largest_message, parts_.limits.accept_no_length);
        std::memcpy(parts_.scratch.data(), bytes.data(), bytes.size());
    }
    const bool held = holds_part();
    is_progress_ = false;
    const std::span<char> all = parts_.scratch.first(bytes.size());
    const std::size_t used = handle(all);
    if (is_over()) return;
    if (drops_input_) return in_.clear();
    const std::span<char> rest = all.subspan(used);
    if (codec_ != nullptr && std::max(rest.size(), needed_) > kMostPart) {
        parts_.counts.broken.add();
        return close("more than a message could be");
    }
    keep({rest.data(), rest.size()}, used, held);
}

bool Connection::may_be_whole(std::string_view bytes) noexcept {
    if (codec_ != nullptr) return bytes.size() >= needed_;
    return expects_proxy_ || framer_.next(bytes).what != sip::StreamFramer::What::incomplete;
}

/// What was not taken off, and since when there is the beginning of a message. `held`: the codec
/// had one before.
void Connection::keep(std::string_view rest, std::size_t used, bool held) noexcept {
    const bool holds = holds_part();
    if (rest.empty())
        empty(in_);
    else
        in_.assign(rest);
    // Nor does its time begin while we are the ones who take theirs.
    if (owes_answer()) {
        began_ = Ms{0};
        return;
    }
    // Half a keep-alive, or the answer to one.
    const bool is_line_end = codec_ == nullptr && !expects_proxy_ && rest.starts_with('\r');
    if ((rest.empty() && !holds) || is_line_end) {
        began_ = Ms{0};
        return;
    }
    const bool goes_on = used == 0 || (held && holds && !is_progress_);
    if (goes_on && began_ != Ms{0}) return;
    began_ = parts_.loop.clock().now();
    parts_.keeper.has_work(*this);  // its deadline came nearer
}

/// Takes the messages off the front; returns how many bytes that were.
std::size_t Connection::handle(std::span<char> bytes) noexcept {
    const std::string_view text(bytes.data(), bytes.size());
    std::size_t used = expects_proxy_ ? take_proxy_header(text) : 0;
    while (!is_over() && !expects_proxy_ && !drops_input_ && !owes_answer() &&
           used < bytes.size()) {
        if (may_be_http_) find_protocol(text.substr(used));
        const std::size_t size =
            codec_ != nullptr ? take_by_codec(bytes.subspan(used)) : take_sip(text.substr(used));
        if (size == 0) break;
        used += size;
    }
    return used;
}

/// The first bytes of a connection say what all others are.
void Connection::find_protocol(std::string_view bytes) noexcept {
    const auto start = sip::HttpFramer::begins(bytes);
    may_be_http_ = start == sip::HttpFramer::Start::unknown;
    if (start != sip::HttpFramer::Start::yes) return;
    codec_ = std::make_unique<HttpCodec>();
    from_.is_http = true;
    parts_.keeper.speaks_http(*this);
}

/// How many bytes were taken off; 0 when nothing can be, or when the connection is over.
std::size_t Connection::take_sip(std::string_view bytes) noexcept {
    using What = sip::StreamFramer::What;
    const auto found = framer_.next(bytes);
    if (found.what == What::incomplete) return 0;
    if (found.what == What::broken) {
        parts_.counts.broken.add();
        LOG(info, "connection {} of {}: {}", id(), from_.source.text(), found.why);
        close("what came is no message");
        return 0;
    }
    if (found.what == What::message) parts_.receiver.received(bytes.substr(0, found.size), from_);
    if (found.what == What::ping && parts_.limits.crlf_ping) (void)send(kPong, {}, false);
    return found.size;
}

std::size_t Connection::take_by_codec(std::span<char> bytes) noexcept {
    using What = StreamCodec::Found::What;
    const auto found = codec_->next(bytes);
    // The message may change the framing, which ends this codec.
    const std::string_view message =
        found.what == What::message ? kept_safe(found.message) : std::string_view();
    answer(found);
    if (found.what == What::incomplete) {
        needed_ = found.size;
        return 0;
    }
    needed_ = 0;
    if (found.what == What::message && !is_over()) {
        is_progress_ = true;
        parts_.receiver.received(message, from_);
    }
    return found.size;
}

/// In memory that survives the process.
std::string_view Connection::kept_safe(std::string_view message) noexcept {
    const std::span<char> bytes = parts_.scratch.first(kBytes);
    const std::less_equal<> not_behind;
    if (message.empty() || (not_behind(bytes.data(), message.data()) &&
                            not_behind(message.data(), bytes.data() + bytes.size())))
        return message;
    const std::span<char> room = parts_.scratch.subspan(kBytes);
    message = message.substr(0, room.size());
    std::memcpy(room.data(), message.data(), message.size());
    return {room.data(), message.size()};
}

void Connection::answer(const StreamCodec::Found& found) noexcept {
    if (found.is_broken) {
        parts_.counts.broken.add();
        LOG(info, "connection {} of {}: {}", id(), from_.source.text(), found.why);
    }
    bool sent = true;
    if (!found.answer.empty() && !is_full(found.answer.size()) && !is_finished_) {
        compact();
        const std::size_t before = out_.size();
        out_ += found.answer;
        sent = wrote_into(before, {}, found.close) == Sent::queued;
    } else if (!found.answer.empty()) {
        sent = false;
        parts_.counts.queue_full.add();
    } else if (found.close) {
        finish(found.why);
    }
    if (found.close) drops_input_ = true;
    if (!sent) close("what must be said cannot be said");
}

void Connection::change_framing(std::unique_ptr<StreamCodec> codec, Proto proto) noexcept {
    codec_ = std::move(codec);
    from_.proto = proto;
    from_.is_http = false;
    needed_ = 0;
    lifetime_ = usual_lifetime();
    parts_.keeper.has_work(*this);
}

bool Connection::told(std::string_view words) noexcept {
    if (codec_ == nullptr || is_over() || drops_input_) return false;
    if (from_.is_http) return words == HttpCodec::kAnswerLater && answer_later();
    answer(codec_->told(words));
    lifetime_ = usual_lifetime();
    parts_.keeper.has_work(*this);
    return true;
}

/// False when it is owed already.
bool Connection::answer_later() noexcept {
    if (later_ == nullptr) later_ = std::make_unique<Later>(*this);
    return !std::exchange(later_->is_owed, true);
}

void Connection::end() noexcept {
    if (codec_ != nullptr) codec_->ended(from_);
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

bool Connection::is_full(std::size_t more) const noexcept {
    return waiting() + more > std::max(parts_.limits.queue_bytes, more) ||
           parts_.waiting + more > parts_.limits.all_queue_bytes;
}

Sent Connection::send(std::string_view bytes, const SendFailure& on_failure, bool close) noexcept {
    if (is_full(bytes.size()) && can_write()) flush();
    if (is_over() || is_finished_) return Sent::no_socket;
    if (is_full(bytes.size())) {
        parts_.counts.queue_full.add();
        return Sent::queue_full;
    }
    compact();
    const std::size_t before = out_.size();
    if (codec_ == nullptr)
        out_.append(bytes);
    else if (!codec_->wrap(bytes, out_))
        return Sent::no_socket;
    if (owes_answer()) {
        later_->is_owed = false;
        if (!in_.empty()) later_->watch = parts_.loop.after(Ms{0}, later_->call);
    }
    return wrote_into(before, on_failure, close);
}

/// What stands in the queue behind `before` is to be written.
Sent Connection::wrote_into(std::size_t before, const SendFailure& on_failure,
                            bool close) noexcept {
    const bool was_empty = before == written_;
    const std::size_t size = out_.size() - before;
    marks_.push_back(
        {out_.size(), parts_.loop.clock().now() + parts_.limits.send_timeout, on_failure, close});
    parts_.waiting += size;
    parts_.counts.queued_bytes.add(static_cast<std::int64_t>(size));
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
    lifetime_ = usual_lifetime();
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
    if (!closes) return;
    if (codec_ == nullptr) return close("as the script wants it");
    finish("as its last answer said");
}

/// Behind the last byte: the peer gets it whole, and then the end.
void Connection::finish(std::string_view why) noexcept {
    if (is_over() || is_finished_) return;
    if (waiting() != 0) return close(why);
    LOG(debug, "connection {} of {} is finished: {}", id(), from_.source.text(), why);
    drops_input_ = is_finished_ = true;
    used_ = parts_.loop.clock().now();
    began_ = Ms{0};
    stream_->finish();
    parts_.keeper.has_work(*this);
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
    if (is_finished_) return used_ + kFarewell;
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
    if (is_finished_) return close("its peer took its time");
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
    if (later_ != nullptr) later_->watch.reset();
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
