// What log and mail nodes leave behind: lines in files and mails, written by a process of its own,
// so that no worker waits for a disk or a mail server. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/api/core.h"
#include "core/api/loop.h"
#include "modules/cpl/zone.h"

namespace fairlead::cpl {

class Mailer;

/// How notes are written; set before fork.
struct NotePlan {
    std::string log_dir;      ///< "" switches logs off
    std::string mail_server;  ///< "smtp://host:port", "" switches mails off
    std::string mail_from = "cpl@localhost";
    int mail_timeout = 30;  ///< seconds, of one mail
    int mail_queue = 100;   ///< mails that wait; more are dropped
};
struct NoteCounters {
    shm::Counter logged, mailed, failed, dropped;
};

class Notes final : private Core::MailHandler {
public:
    Notes();
    Notes(const Notes&) = delete;
    Notes& operator=(const Notes&) = delete;
    ~Notes();

    /// Before fork; asks for the process when there is something to write.
    Result<void> prepare(Core& core, const NotePlan& plan, const NoteCounters& counters);
    [[nodiscard]] bool logs() const noexcept { return !plan_.log_dir.empty(); }
    [[nodiscard]] bool mails() const noexcept { return !plan_.mail_server.empty(); }

    /// In any process, without waiting; what finds no room is dropped and counted.
    void log(std::string_view owner, Instant at, std::string_view name, std::string_view comment);
    void mail(std::string_view address, std::string_view subject, std::string_view body);
    void stop() noexcept;

private:
    void mail(std::string_view bytes) noexcept override;
    void write_line(std::string_view owner, std::string_view line);
    void post(std::string_view bytes);

    Core* core_ = nullptr;
    NotePlan plan_;
    NoteCounters counters_;
    MailId mailbox_{};
    std::uint16_t slot_ = 0;
    std::unique_ptr<Mailer> mailer_;  ///< in the process that writes, from the first mail on
};

}  // namespace fairlead::cpl
