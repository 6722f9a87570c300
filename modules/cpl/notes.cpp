// Lines and mails of scripts, from the worker to the process that writes them.
// SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/notes.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "core/api/log.h"
#include "modules/cpl/mailer.h"
#include "modules/cpl/note_texts.h"
#include "modules/cpl/script.h"

namespace fairlead::cpl {

namespace {

enum class What : std::uint8_t { line, mail };

}  // namespace

Notes::Notes() = default;
Notes::~Notes() = default;

Result<void> Notes::prepare(Core& core, const NotePlan& plan, const NoteCounters& counters) {
    core_ = &core;
    plan_ = plan;
    counters_ = counters;
    if (logs()) {
        std::error_code error;
        if (!std::filesystem::is_directory(plan_.log_dir, error) ||
            ::access(plan_.log_dir.c_str(), W_OK | X_OK) != 0)
            return fail("log_dir: not a folder that can be written to", plan_.log_dir);
    }
    const bool is_smtp =
        plan_.mail_server.starts_with("smtp://") || plan_.mail_server.starts_with("smtps://");
    if (mails() && !is_smtp) return fail("mail_server: not smtp://host:port", plan_.mail_server);
    if (!logs() && !mails()) return {};
    mailbox_ = core.on_mail(*this);
    slot_ = core.add_process("cpl notes", 1);
    return {};
}

void Notes::post(std::string_view bytes) {
    if (!core_->post(slot_, mailbox_, bytes)) counters_.dropped.add();
}

void Notes::log(std::string_view owner, Instant at, std::string_view name,
                std::string_view comment) {
    Writer out;
    out.code(What::line).text(owner).text(log_line(at, name, comment));
    post(out.bytes());
}

void Notes::mail(std::string_view address, std::string_view subject, std::string_view body) {
    Writer out;
    out.code(What::mail).text(address).text(subject).text(body);
    post(out.bytes());
}

void Notes::mail(std::string_view bytes) noexcept {
    Reader in(bytes, 0);
    const What what = in.code(What::mail);
    const std::string_view first = in.text(), second = in.text();
    if (what == What::line) {
        if (in.ok()) write_line(first, second);
        return;
    }
    const std::string_view body = in.text();
    if (!in.ok()) return;
    if (mailer_ == nullptr) mailer_ = std::make_unique<Mailer>(*core_, plan_, counters_);
    mailer_->send(first, second, body);
}

void Notes::write_line(std::string_view owner, std::string_view line) {
    const std::string path = plan_.log_dir + "/" + log_file_name(owner);
    const Fd file(
        ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0664));
    // One write: lines of two servers with one folder do not mix.
    const bool written =
        file && ::write(file.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size());
    (written ? counters_.logged : counters_.failed).add();
    if (!written) LOG(error, "cannot write the log of a CPL script to {}", path);
}

void Notes::stop() noexcept {
    mailer_.reset();
}

}  // namespace fairlead::cpl
