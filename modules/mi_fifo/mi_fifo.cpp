// mi_fifo: commands over a FIFO, in the line protocol of the first servers.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/api/log.h"
#include "core/module.h"
#include "modules/mi_fifo/api.h"
#include "modules/mi_fifo/classic.h"
#include "modules/mi_fifo/lines.h"
#include "modules/mi_fifo/text_answer.h"
#include "modules/mi_fifo/uac.h"
#include "modules/tm/api.h"

namespace fairlead::mi_fifo {
namespace {

/// A command of the registry, with its arguments and its answer as lines.
class TextExchange final : public Exchange {
public:
    TextExchange(std::shared_ptr<const LineRequest> request, std::function<void(Exchange&)> ready)
        : Exchange(arguments(*request), Role::administrator, "mi_fifo", writer, std::move(ready)),
          request_(std::move(request)) {}
    TextAnswer writer;

private:
    static std::vector<Value> arguments(const LineRequest& request) {
        std::vector<Value> values;
        for (const std::string& line : request.lines) values.emplace_back(std::string_view(line));
        return values;
    }
    std::shared_ptr<const LineRequest> request_;  ///< what the arguments point into
};

class MiFifo final : public Module, Watcher, TimerTask {
public:
    std::string fifo_name = "fairlead_fifo", fifo_user, fifo_group, reply_dir = "/tmp",
                outbound_proxy;
    int fifo_mode = 0660, request_timeout = 1000;
    bool reply_create = true, pass_provisional_replies = false;
    shm::Counter requests, unknown, refused, skipped, dropped;
    tm::Api* tm = nullptr;
    tm::UacApi* tm_uac = nullptr;

    Result<void> prepare(Core& core) override;
    Result<void> start(const Process& process) override;
    void stop() noexcept override;

private:
    void ready(int fd) noexcept override;
    void expired() noexcept override;
    void run(const LineRequest& request);
    void run_registered(const LineRequest& request);
    void write(const std::string& reply_name, std::string text, bool is_first);

    Core* core_ = nullptr;
    Endpoint fifo_;
    ReplyDirectory replies_;
    Delivery delivery_;
    LineReader reader_{classic_form};
    Uac uac_;
    Watch watch_, silence_;
    bool is_serving_ = false;
};

Result<void> MiFifo::prepare(Core& core) {
    core_ = &core;
    const auto access = TRY(find_access(core.globals(), fifo_mode, fifo_user, fifo_group));
    TRY(replies_.open(reply_dir, reply_create));
    const std::string path = fifo_name.starts_with('/')
                                 ? fifo_name
                                 : std::string(core.globals().run_directory) + "/" + fifo_name;
    TRY(fifo_.make_fifo(path, access));
    uac_.provisional = pass_provisional_replies;
    uac_.outbound_proxy = outbound_proxy;
    uac_.prepare(tm, tm_uac, [this](const std::string& name, std::string text, bool is_first) {
        write(name, std::move(text), is_first);
    });
    return {};
}

Result<void> MiFifo::start(const Process& process) {
    is_serving_ = process.slot == core_->control_slot() && core_->loop() != nullptr;
    if (!is_serving_) {
        fifo_.close();
        return {};
    }
    delivery_.open(*core_->loop(), dropped);
    watch_ = core_->loop()->watch(fifo_.fd(), Loop::Interest::readable, *this);
    return {};
}

void MiFifo::stop() noexcept {
    watch_.reset();
    silence_.reset();
    delivery_.close();
    if (core_ == nullptr) return;
    const auto kind = core_->process().kind;
    const bool alone = is_serving_ && kind == Process::Kind::worker;
    if (kind == Process::Kind::supervisor || alone) fifo_.remove();
}

void MiFifo::ready(int fd) noexcept {
    std::array<char, 64 * 1024> buffer{};
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n <= 0) return;
    try {
        reader_.put({buffer.data(), static_cast<std::size_t>(n)});
        while (const auto request = reader_.next()) run(*request);
        if (const std::size_t lines = reader_.take_skipped(); lines != 0) {
            LOG(notice, "{} lines are no command", lines);
            skipped.add(static_cast<std::int64_t>(lines));
        }
        silence_.reset();
        if (reader_.is_open()) silence_ = core_->loop()->after(Ms(request_timeout), *this);
    } catch (const std::exception& e) {
        LOG(error, "a request could not be read: {}", e.what());
    }
}

/// Nobody writes the rest: what there is, is all there is.
void MiFifo::expired() noexcept {
    silence_.reset();
    try {
        if (const auto request = reader_.cut_off()) run(*request);
    } catch (const std::exception& e) {
        LOG(error, "a request could not be answered: {}", e.what());
    }
}

void MiFifo::run(const LineRequest& request) {
    requests.add();
    if (!request.reply_name.empty() && !ReplyDirectory::is_allowed(request.reply_name)) {
        LOG(warning, "{}: the reply file's name is not allowed", request.command);
        return refused.add();
    }
    if (uac_.run(request)) return;
    if (request.is_bad || request.missing != LineRequest::Missing::nothing) {
        refused.add();
        return write(request.reply_name, "400 bad request\n", true);
    }
    if (auto text = run_classic(*core_, request))
        return write(request.reply_name, std::move(*text), true);
    if (request.command == "kill") write(request.reply_name, "200 killing now...", true);
    run_registered(request);
}

void MiFifo::run_registered(const LineRequest& request) {
    const bool is_kill = request.command == "kill";
    const auto* const entry = core_->commands().find(is_kill ? "core.kill" : request.command);
    if (entry == nullptr) {
        unknown.add();
        return write(request.reply_name,
                     fmt::format("500 command '{}' not available\n", request.command), true);
    }
    const std::string name = is_kill ? "" : request.reply_name;
    const auto kept = std::make_shared<const LineRequest>(request);
    const auto exchange = std::make_shared<TextExchange>(kept, [this, name](Exchange& e) {
        if (name.empty()) return;
        if (!e.outcome())
            return write(name,
                         fmt::format("{} {}\n", e.outcome().error().code, e.outcome().error().text),
                         true);
        auto self = std::static_pointer_cast<TextExchange>(e.shared_from_this());
        delivery_.to_file(replies_, name, [self, begun = false](std::string& out) mutable {
            if (!std::exchange(begun, true)) out += "200 OK\n";
            const bool more = self->more();
            out += self->writer.take();
            return more;
        });
    });
    exchange->run(core_->commands(), *entry);
}

void MiFifo::write(const std::string& reply_name, std::string text, bool is_first) {
    if (reply_name.empty()) return;
    delivery_.to_file(
        replies_, reply_name,
        [text = std::move(text)](std::string& out) {
            out += text;
            return false;
        },
        !is_first);
}

constexpr Param params[] = {
    param<&MiFifo::fifo_name>("fifo_name",
                              "The FIFO; without '/' in front, below the runtime "
                              "directory. The first servers had /tmp/ser_fifo."),
    param<&MiFifo::fifo_mode>("fifo_mode", "Its mode.", {.min = 0, .max = 0777}),
    param<&MiFifo::fifo_user>("fifo_user", "Its owner; the server's user unless it is given."),
    param<&MiFifo::fifo_group>("fifo_group", "Its group; the server's unless it is given."),
    param<&MiFifo::reply_dir>("reply_dir", "Where answers are left, and nowhere else."),
    param<&MiFifo::reply_create>("reply_create",
                                 "A reply file that does not exist is made (mode 0600)."),
    param<&MiFifo::request_timeout>("request_timeout",
                                    "Milliseconds of silence after which a request that is not "
                                    "whole is taken as cut off.",
                                    {.min = 100, .max = 60'000}),
    param<&MiFifo::outbound_proxy>("outbound_proxy",
                                   "A URI: where requests of t_uac_from and "
                                   "t_uac_dlg go that name no next hop."),
    param<&MiFifo::pass_provisional_replies>("pass_provisional_replies",
                                             "Replies below 200 are reported too, but for 100."),
};
constexpr Statistic statistics[] = {
    statistic<&MiFifo::requests>("requests", "Requests that were read."),
    statistic<&MiFifo::unknown>("unknown_commands", "Requests for a command that does not exist."),
    statistic<&MiFifo::refused>("refused_requests", "Requests that were malformed."),
    statistic<&MiFifo::skipped>("skipped_lines", "Lines outside a request."),
    statistic<&MiFifo::dropped>("dropped_answers", "Answers that nobody took.")};
constexpr Need needed[] = {needs<&MiFifo::tm>(true), needs<&MiFifo::tm_uac>(true)};
constexpr Descriptor descriptor{.name = "mi_fifo",
                                .summary =
                                    "Commands over a FIFO, in the line protocol of the "
                                    "first servers.",
                                .create = make_module<MiFifo>,
                                .params = params,
                                .statistics = statistics,
                                .needs = needed};

}  // namespace
}  // namespace fairlead::mi_fifo

FAIRLEAD_MODULE(fairlead::mi_fifo::descriptor)
