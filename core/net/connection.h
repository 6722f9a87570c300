// A connection of this process: messages out of its bytes, and bytes that wait until the peer takes
// them. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/net.h"
#include "core/api/stream_codec.h"
#include "core/event/loop.h"
#include "core/net/stream.h"
#include "core/net/udp_net.h"
#include "core/net/udp_reader.h"
#include "core/shm/counters.h"
#include "core/sip/framing.h"

namespace fairlead::net {

/// Times and bounds of every connection.
struct StreamLimits {
    Ms lifetime{120'000};  ///< without a message or keep-alive; 0 closes as soon as it is idle
    Ms connect_timeout{10'000};           ///< until it must be open
    Ms send_timeout{10'000};              ///< in which the peer must have taken a message
    Ms message_timeout{20'000};           ///< from the first byte of a message to its last
    std::size_t queue_bytes = 32 * 1024;  ///< that wait for one peer
    std::size_t all_queue_bytes = 10 * 1024 * 1024;  ///< that wait in one process
    std::size_t largest_message = sip::kMaxMessage;
    bool crlf_ping = true;          ///< keep-alives are answered
    bool accept_no_length = false;  ///< messages without Content-Length
    bool accept_proxy = false;      ///< accepted connections begin with a PROXY header
    bool accept_http = false;       ///< accepted connections may begin with an HTTP request
};

/// Statistics, under Kamailio's names.
struct StreamCounts {
    shm::Counter resets, timeouts, connect_failed, connect_success, open, queued_bytes, established,
        rejected, passive_open, send_timeout, queue_full;
    shm::Counter broken;  ///< closed because of bytes that are no message
};

class Connection;

/// What connections of a process share. All are owned by others.
struct ConnectionParts {
    Loop& loop;
    Receiver& receiver;
    const StreamLimits& limits;
    const StreamCounts& counts;
    std::span<char> scratch;  ///< in memory that survives the process: messages in work lie here
    std::size_t& waiting;     ///< bytes in the queues of all connections
    /// Told when a connection has something to write, or is over; calls back later.
    class Keeper {
    public:
        virtual void has_work(Connection& connection) noexcept = 0;
        /// Told when a PROXY header gave it another source; false: it must be closed.
        virtual bool readdressed(Connection& connection) noexcept = 0;
        /// Told of a message that was queued and will never leave.
        virtual void unsent(const SendFailure& failure) noexcept = 0;
        /// Told when it turns out to be one of HTTP: nothing else may be sent on it.
        virtual void speaks_http(Connection& connection) noexcept = 0;

    protected:
        ~Keeper() = default;
    };
    Keeper& keeper;
};

class Connection {
public:
    /// Room that scratch needs: the largest message and one read; and a message that its codec
    /// has put together elsewhere.
    static constexpr std::size_t kRead = 16 * 1024;
    static constexpr std::size_t kMostPart = sip::kMaxMessage + StreamCodec::kMostHead;
    static constexpr std::size_t kBytes = kMostPart + kRead;
    static constexpr std::size_t kScratch = kBytes + sip::kMaxMessage;

    struct Begin {
        bool outgoing = false;  ///< opened from here: it is open when it is established
        bool layered = false;   ///< so is an accepted one: something comes before its messages
        Ms lifetime{0};         ///< until a byte came or went; 0: as ever
    };
    /// `from`: what its messages will say they came from.
    Connection(const ConnectionParts& parts, std::unique_ptr<Stream> stream, const Received& from,
               const Begin& begin, Ms now);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection();

    [[nodiscard]] std::uint32_t id() const noexcept { return from_.connection; }
    [[nodiscard]] const Received& from() const noexcept { return from_; }
    [[nodiscard]] bool is_open() const noexcept { return state_ == State::open; }
    [[nodiscard]] bool is_over() const noexcept { return state_ == State::over; }
    [[nodiscard]] std::size_t waiting() const noexcept { return out_.size() - written_; }

    /// From the next byte on; nothing that it gave before is used any more.
    void change_framing(std::unique_ptr<StreamCodec> codec, Proto proto) noexcept;
    /// False when it has no codec of its own, or one that does not know the words. One of HTTP
    /// knows HttpCodec::kAnswerLater.
    bool told(std::string_view words) noexcept;
    /// When it is over: its codec hears of it.
    void end() noexcept;

    /// Takes a copy, to be written by flush(); `close` ends the connection behind it.
    Sent send(std::string_view bytes, const SendFailure& on_failure, bool close) noexcept;
    /// Writes what the peer takes now.
    void flush() noexcept;
    /// Its time is over or not; the owner calls it when deadline() has come.
    void check(Ms now) noexcept;
    /// When something must have happened.
    [[nodiscard]] Ms deadline() const noexcept;
    /// Who waits in the queue is told that it failed. Afterwards only is_over() is called.
    void close(std::string_view why) noexcept;
    /// When check() is due next, by the owner's list.
    Ms check_at{0};

private:
    enum class State : std::uint8_t { opening, open, over };
    /// Of a connection of HTTP whose answers come later.
    struct Later {
        explicit Later(Connection& connection) noexcept : call(connection, &Connection::go_on) {}
        bool is_owed = false;  ///< nothing is taken off until something was sent
        TimerCall<Connection> call;
        Watch watch;  ///< when it was answered and more is there
    };
    /// The end of a message in out_.
    struct Mark {
        std::size_t end;
        Ms deadline;
        SendFailure on_failure;
        bool close;
    };

    void readable() noexcept;
    void writable() noexcept;
    void read() noexcept;
    void read_once() noexcept;
    void go_on() noexcept;
    void establish() noexcept;
    void opened() noexcept;
    void watch_readable(bool on) noexcept;
    void watch_writable(bool on) noexcept;
    [[nodiscard]] bool can_write() const noexcept {
        return is_open() && !write_watch_ && !write_wants_readable_;
    }
    void take(std::string_view bytes, bool in_scratch) noexcept;
    [[nodiscard]] bool may_be_whole(std::string_view bytes) noexcept;
    void keep(std::string_view rest, std::size_t used, bool held) noexcept;
    [[nodiscard]] std::size_t handle(std::span<char> bytes) noexcept;
    [[nodiscard]] std::size_t take_sip(std::string_view bytes) noexcept;
    [[nodiscard]] std::size_t take_by_codec(std::span<char> bytes) noexcept;
    [[nodiscard]] std::string_view kept_safe(std::string_view message) noexcept;
    void find_protocol(std::string_view bytes) noexcept;
    void answer(const StreamCodec::Found& found) noexcept;
    [[nodiscard]] bool is_full(std::size_t more) const noexcept;
    [[nodiscard]] Sent wrote_into(std::size_t before, const SendFailure& on_failure,
                                  bool close) noexcept;
    void finish(std::string_view why) noexcept;
    [[nodiscard]] bool owes_answer() const noexcept { return later_ != nullptr && later_->is_owed; }
    [[nodiscard]] bool answer_later() noexcept;
    [[nodiscard]] bool holds_part() const noexcept {
        return codec_ != nullptr && codec_->holds_part();
    }
    [[nodiscard]] Ms usual_lifetime() const noexcept {
        return codec_ != nullptr ? codec_->lifetime(parts_.limits.lifetime)
                                 : parts_.limits.lifetime;
    }
    [[nodiscard]] std::size_t take_proxy_header(std::string_view bytes) noexcept;
    void wrote(std::size_t bytes) noexcept;
    void compact() noexcept;
    void failed(const Stream::Moved& result) noexcept;

    ConnectionParts parts_;
    std::unique_ptr<Stream> stream_;
    Received from_;
    State state_ = State::opening;
    bool is_outgoing_, expects_proxy_, may_be_http_;
    bool drops_input_ = false;  ///< it is being closed: what comes is not looked at
    bool is_finished_ = false;  ///< all is written: only the peer's end is waited for
    bool read_wants_writable_ = false, write_wants_readable_ = false;  ///< layers may
    Ms lifetime_;  ///< that it has while nothing happens
    sip::StreamFramer framer_;
    std::unique_ptr<StreamCodec> codec_;  ///< instead of the framer; null: SIP
    std::size_t needed_ = 0;              ///< bytes without which the codec need not be asked
    bool is_progress_ = false;            ///< the codec gave a message
    std::string in_;                      ///< the beginning of a message
    std::string out_;
    std::size_t written_ = 0;  ///< of out_
    std::vector<Mark> marks_;
    Ms used_, began_{0};  ///< last message; first byte of the incomplete one, 0: there is none
    WatchCall<Connection> readable_call_{*this, &Connection::readable};
    WatchCall<Connection> writable_call_{*this, &Connection::writable};
    Watch read_watch_, write_watch_;
    std::unique_ptr<Later> later_;  ///< null until an answer comes later
};

}  // namespace fairlead::net
