// The calling side: starts units, drives each through its messages, notices what goes wrong.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "tools/sipload/options.h"
#include "tools/sipload/scan.h"
#include "tools/sipload/socket.h"
#include "tools/sipload/stats.h"
#include "tools/sipload/template.h"
#include "tools/sipload/timers.h"

namespace fairlead::sipload {

/// One local port of the UAC.
struct Source {
    Sender* sender = nullptr;
    std::string sent_by;  ///< "127.0.0.1:40000", as Via and Contact write it
};

/// A unit is one request with its final response, or a whole call.
class Uac {
public:
    /// `run` makes Call-IDs of one run differ from another's. Senders must outlive it.
    [[nodiscard]] static Result<Uac> make(const Options& options, std::vector<Source> sources,
                                          std::string run);

    void start(Now now);
    void receive(std::string_view datagram, Now now);
    /// Retransmits, ends holds and fails what has waited too long.
    void run_timers(Now now);

    [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
    [[nodiscard]] const Stats& stats() const noexcept { return stats_; }
    /// From here on latencies are counted.
    void begin_measuring() noexcept { measuring_ = true; }

private:
    enum class Step : std::uint8_t { idle, asked, holding, leaving };
    enum class Kind : std::uint8_t { single, invite, ack, bye, ack_of_failure };
    struct Unit {
        std::uint32_t generation = 0;
        Step step = Step::idle;
        int provisional = 0;  ///< highest 1xx seen
        int final = 0;        ///< final response to the INVITE
        Now began{0};
        std::string id, to_tag, contact, route;
    };

    Uac(const Options& options, std::vector<Source> sources, std::string run);
    Result<void> cut_templates();
    void send(std::uint32_t slot, Kind kind);
    void send_again(std::uint32_t slot, Kind kind);
    void arm(std::uint32_t slot, Now now, std::uint16_t attempt);
    void retransmit(const Timer& timer, Now now);
    [[nodiscard]] Unit* find(std::string_view call_id, std::uint32_t& slot);
    void answered(std::uint32_t slot, const Scanned& message, Now now);
    void invite_answered(std::uint32_t slot, const Scanned& message, std::string_view datagram,
                         Now now);
    void check_order(Unit& unit, int status);
    void establish(std::uint32_t slot, const Scanned& message, std::string_view datagram, Now now);
    void leave(std::uint32_t slot, Now now);
    void finish(std::uint32_t slot);
    void give_up(std::uint32_t slot, const std::string& reason);
    [[nodiscard]] bool is_call() const noexcept { return options_.mode == Mode::call; }

    Options options_;
    std::vector<Source> sources_;
    std::string run_;
    Peer target_;
    std::vector<Template> templates_;  ///< by Kind
    std::vector<Unit> units_;
    std::vector<std::uint32_t> free_;
    std::deque<std::pair<Now, Timer>> holds_;
    Timers timers_;
    Stats stats_;
    std::size_t in_flight_ = 0;
    bool measuring_ = false;
};

}  // namespace fairlead::sipload
