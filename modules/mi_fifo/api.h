// FIFOs, local sockets and reply files, made so that nobody else can open or replace them: what the
// management interfaces share. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/core.h"
#include "core/api/loop.h"
#include "core/api/shm.h"

namespace fairlead::mi_fifo {

/// Who may open a FIFO or socket.
struct Access {
    unsigned mode = 0660;
    std::int64_t user = -1, group = -1;  ///< -1: stays as it is
};
/// Names or numbers, "" for those of the server.
[[nodiscard]] Result<Access> find_access(const Globals& globals, int mode, const std::string& user,
                                         const std::string& group);

/// A FIFO or socket in the file system. Made before fork; the supervisor removes it in the end,
/// unless another one stands there by then.
class Endpoint {
public:
    Endpoint() = default;
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;

    /// Removes what is left of an earlier server, makes the FIFO with mode 0600, opens it for both
    /// directions (so that it never ends), then gives it owner and mode. Refuses to replace
    /// anything but a FIFO.
    [[nodiscard]] Result<void> make_fifo(const std::string& path, const Access& access);
    /// The same for a socket, of type SOCK_STREAM (listening) or SOCK_DGRAM (bound).
    [[nodiscard]] Result<void> make_socket(const std::string& path, int type, const Access& access);
    /// A process that does not serve it lets go of the descriptor.
    void close() noexcept { fd_.reset(); }
    void remove() noexcept;

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(fd_); }

private:
    [[nodiscard]] Result<void> settle(const Access& access);

    Fd fd_;
    std::string path_;
    std::uint64_t device_ = 0, inode_ = 0;
};

/// Adds the next piece of an answer to `out`; false behind the last one.
using Pieces = std::function<bool(std::string& out)>;

/// One answer on its way to a reader, at the reader's pace: holds a bounded part of it and asks for
/// the next piece when most of that has left.
class Outflow final : Watcher, TimerTask {
public:
    static constexpr std::size_t kLow = 64 * 1024;
    static constexpr Ms kPatience{10'000};  ///< with a reader that takes nothing

    /// `fd` is non-blocking and owned from here on. With a `peer` it is a datagram socket, and the
    /// answer goes there in datagrams of at most kLow bytes. `done` is called once, with false when
    /// the reader did not take everything; the object must live until it has returned.
    Outflow(Loop& loop, Fd fd, Pieces pieces, std::function<void(bool)> done,
            std::string peer = {});

    /// Writes what can be written now.
    void start() { ready(0); }
    [[nodiscard]] bool is_over() const noexcept { return is_over_; }

private:
    void ready(int) noexcept override;
    void expired() noexcept override;
    [[nodiscard]] bool wait();
    void gather();
    void end(bool whole) noexcept;
    [[nodiscard]] std::size_t waiting() const noexcept { return bytes_.size() - sent_; }

    Loop& loop_;
    Fd fd_;
    Pieces pieces_;
    std::function<void(bool)> done_;
    std::string bytes_, peer_;
    std::size_t sent_ = 0;
    Ms deadline_{0};
    bool is_last_ = false, is_over_ = false;
    Watch writable_, patience_;
};

/// One command on its way from an interface to its answer. Keeps itself alive while the answer is
/// owed: hold it by shared_ptr.
class Exchange : public Call, public std::enable_shared_from_this<Exchange> {
public:
    /// `out` lives in the derived class. `ready` is called once, when the answer, or its beginning,
    /// has been written: inside run() or later.
    Exchange(std::vector<Value> arguments, Role role, std::string_view interface, Answer& out,
             std::function<void(Exchange&)> ready, std::string caller = {})
        : Call(std::move(arguments), role, interface, std::move(caller)),
          out_(out),
          ready_(std::move(ready)) {}

    void run(Commands& commands, const Commands::Entry& entry);
    [[nodiscard]] const Result<void>& outcome() const noexcept { return outcome_; }
    [[nodiscard]] bool is_streamed() const noexcept { return source_ != nullptr; }
    /// Writes the next piece of a streamed answer; false when nothing is left.
    bool more();

    [[nodiscard]] Answer& answer() override { return out_; }
    void stream(std::unique_ptr<AnswerSource> source) override { source_ = std::move(source); }
    [[nodiscard]] std::unique_ptr<LateAnswer> later() override;

private:
    class Late;
    void is_ready();

    Answer& out_;
    std::function<void(Exchange&)> ready_;
    std::unique_ptr<AnswerSource> source_;
    Result<void> outcome_;
    bool is_running_ = false, is_late_ = false, is_answered_ = false;
};

/// `sender` is the name of who sent a datagram, which may begin with a NUL; "" when it has none.
/// `caller` is for the log: "uid 1000, pid 4711".
struct Datagram {
    std::string bytes, sender, caller;
};
/// Who is at the other end of a connected local socket; "" when the system does not say.
[[nodiscard]] std::string caller_of(int fd);
/// One datagram, at most 64 KB; nullopt when none waits.
[[nodiscard]] std::optional<Datagram> take_datagram(int fd);
/// As sendto(2); never waits.
[[nodiscard]] ssize_t send_datagram(int fd, const std::string& peer, std::string_view bytes);

/// A directory in which answers are left, in files that the askers name.
class ReplyDirectory {
public:
    /// An asker's FIFO nobody reads yet is tried again so often.
    static constexpr int kTries = 5;
    static constexpr Ms kPause{80};

    [[nodiscard]] Result<void> open(const std::string& path, bool creates);

    /// Whether a name may stand in a request: no '.', '/', '\', control characters, not empty, at
    /// most 128 bytes.
    [[nodiscard]] static bool is_allowed(std::string_view name) noexcept;

    /// Opens the file for writing without ever waiting or following a link: a FIFO, a regular file
    /// of the server's own user (emptied unless `append`), or, when files are created, a new one
    /// with mode 0600. Error code ENXIO: a FIFO that nobody reads yet.
    [[nodiscard]] Result<Fd> open_reply(std::string_view name, bool append) const;

private:
    Fd directory_;
    bool creates_ = false;
};

/// The answers that an interface owes, in the control process: bounded, each at its reader's pace.
class Delivery {
public:
    static constexpr std::size_t kMost = 256;

    /// `dropped` counts what could not be delivered.
    void open(Loop& loop, shm::Counter dropped) noexcept;
    void close() noexcept;

    void send(Fd fd, Pieces pieces, std::string peer = {});
    /// Into a reply file; a FIFO that nobody reads yet is tried again for a while. `append`: behind
    /// what an earlier answer to the same request wrote.
    void to_file(const ReplyDirectory& directory, std::string name, Pieces pieces,
                 bool append = false);

private:
    struct Retry final : TimerTask {
        void expired() noexcept override { owner->again(*this); }
        Delivery* owner = nullptr;
        const ReplyDirectory* directory = nullptr;
        std::string name;
        Pieces pieces;
        bool append = false;
        int tries = 0;
        Watch timer;
    };
    void attempt(std::unique_ptr<Retry> what);
    void again(Retry& what) noexcept;
    void drop(const std::string& why);

    Loop* loop_ = nullptr;
    shm::Counter dropped_;
    std::vector<std::unique_ptr<Outflow>> flows_;
    std::vector<std::unique_ptr<Retry>> retries_;
};

}  // namespace fairlead::mi_fifo
