// Mails by SMTP through libcurl, one after the other, without ever blocking the loop.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <string>
#include <string_view>

#include "core/api/core.h"
#include "core/api/loop.h"
#include "modules/cpl/notes.h"

struct curl_slist;

namespace fairlead::cpl {

/// In one process; makes itself known to its loop while there is something to send.
class Mailer final : private TimerTask {
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
    void expired() noexcept override;
    void begin();
    void finish(bool delivered, std::string_view why);
    static std::size_t read(char* to, std::size_t size, std::size_t count, void* letter);

    Core& core_;
    const NotePlan& plan_;
    const NoteCounters& counters_;
    std::deque<Letter> queue_;  ///< the first is under way while easy_ is set
    void *multi_, *easy_ = nullptr;
    curl_slist* recipients_ = nullptr;
    Watch timer_;
};

}  // namespace fairlead::cpl
