// The called side: answers whatever comes, checks the order in which it comes.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tools/sipload/scan.h"
#include "tools/sipload/socket.h"
#include "tools/sipload/stats.h"
#include "tools/sipload/timers.h"

namespace fairlead::sipload {

struct Answers {
    bool retransmit = true;             ///< a final response to INVITE is sent until its ACK comes
    int code = 200;                     ///< the final response to INVITE
    std::chrono::milliseconds ring{0};  ///< between 180 and the final response
};

/// INVITE is answered 180 and a final response, everything else 200.
class Uas {
public:
    /// `contact` is "host:port" of the socket.
    Uas(Sender& sender, std::string contact, Answers answers);

    void receive(const Datagram& datagram, Now now);
    void run_timers(Now now);

    [[nodiscard]] const Stats& stats() const noexcept { return stats_; }
    [[nodiscard]] std::size_t live() const noexcept { return index_.size(); }

private:
    /// Forgotten so long after its INVITE; later messages are answered without knowledge.
    static constexpr std::chrono::milliseconds kForget{32000};

    struct Call {
        std::uint32_t generation = 0;
        bool answered = false, acknowledged = false, left = false;
        Peer from;
        std::string id, branch, final;  ///< `final` is the response as sent, until the ACK
    };
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view s) const noexcept {
            return std::hash<std::string_view>{}(s);
        }
    };

    void invite(const Datagram& datagram, const Scanned& message, Now now);
    void acknowledge(const Scanned& message);
    void bye(const Datagram& datagram, const Scanned& message);
    /// Writes a response into the sender's room, where it stays until the next one.
    std::string_view write(const Datagram& request, const Scanned& message,
                           std::string_view status_line, std::string_view tail);
    void respond(const Datagram& request, const Scanned& message, std::string_view status_line,
                 std::string_view tail);
    void send_final(std::uint32_t slot, Now now);
    void send_text(const std::string& text, const Peer& to);
    [[nodiscard]] Call* find(std::string_view call_id);
    void forget(std::uint32_t slot);

    Sender& sender_;
    std::string contact_;
    Answers answers_;
    std::string final_line_;
    std::vector<Call> calls_;
    std::vector<std::uint32_t> free_;
    std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> index_;
    std::deque<std::pair<Now, Timer>> ringing_;
    Timers timers_{kForget};
    Stats stats_;
};

}  // namespace fairlead::sipload
