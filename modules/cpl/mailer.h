// Mails by SMTP through libcurl, one after the other, without ever blocking the loop.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "core/api/core.h"
#include "core/api/loop.h"
#include "modules/cpl/notes.h"

struct curl_slist;

namespace fairlead::cpl {

/// In one process. libcurl says which sockets and what time it waits for, and the loop watches
/// them: nothing runs while nothing happens.
class Mailer final : private TimerTask, private Watcher {
public:
    Mailer(Core& core, const NotePlan& plan, const NoteCounters& counters);
    Mailer(const Mailer&) = delete;
    Mailer& operator=(const Mailer&) = delete;
    ~Mailer();

    /// Dropped and counted when the queue is full.
    void send(std::string_view address, std::string_view subject, std::string_view body);

private:
    struct Letter {
        std::string address, text;
        std::size_t sent = 0;
    };
    /// What libcurl waits for on one socket.
    struct Socket {
        Watch readable, writable;
    };
    void expired() noexcept override;
    void ready(int fd) noexcept override { act(fd); }
    /// Lets libcurl go on after something happened on this socket.
    void act(int fd) noexcept;
    /// Sends what waits until one mail is under way.
    void begin();
    /// Null when there was no memory.
    [[nodiscard]] void* prepare(Letter& letter);
    void finish(bool delivered, std::string_view why);
    // libcurl's callbacks; the last argument is what was set with them.
    static std::size_t read(char* to, std::size_t size, std::size_t count, void* letter);
    static int watch(void* easy, int fd, int what, void* mailer, void* unused);
    static int wait(void* multi, long ms, void* mailer);

    Core& core_;
    const NotePlan& plan_;
    const NoteCounters& counters_;
    std::deque<Letter> queue_;  ///< the first is under way while easy_ is set
    void *multi_, *easy_ = nullptr;
    curl_slist* recipients_ = nullptr;
    std::map<int, Socket> sockets_;
    Watch timer_;
    bool has_no_timer_ = false;  ///< libcurl wanted one, and there was none
};

}  // namespace fairlead::cpl
