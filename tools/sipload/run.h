// The loop of the load tool: one thread, offers at a rate or keeps a number in flight.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "tools/sipload/options.h"
#include "tools/sipload/report.h"
#include "tools/sipload/socket.h"
#include "tools/sipload/uac.h"
#include "tools/sipload/uas.h"

namespace fairlead::sipload {

class Run {
public:
    explicit Run(Options options) : options_(std::move(options)) {}
    ~Run();
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    /// Opens the sockets; first.
    Result<void> open();

    /// Until everything is offered and answered, or SIGINT or SIGTERM ends it.
    [[nodiscard]] Report go();

    /// The address on which the UAS answers.
    [[nodiscard]] std::optional<Address> uas_address() const;

private:
    void offer(Now now);
    [[nodiscard]] bool may_start() const;
    void begin_measuring(Now now);
    void end_measuring(Now now);
    void wait(Now now);
    void receive_all(Now now);
    [[nodiscard]] bool is_over(Now now) const;

    Options options_;
    int signals_ = -1;
    std::vector<std::unique_ptr<Socket>> sources_;
    std::unique_ptr<Socket> answering_;
    std::optional<Uac> uac_;
    std::optional<Uas> uas_;

    Now began_{0}, next_{0}, measured_from_{0}, measured_to_{0}, stopped_at_{0};
    bool measuring_ = false, stopped_ = false, interrupted_ = false;
    std::uint64_t units_before_ = 0, units_after_ = 0;
    std::chrono::nanoseconds cpu_before_{0}, cpu_after_{0};
};

}  // namespace fairlead::sipload
