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
    TextExchange(std::shared_ptr<const LineRequest> request, Role role,
                 std::function<void(Exchange&)> ready)
        : Exchange(arguments(*request), role, "mi_fifo", writer, std::move(ready), asker(*request)),
          request_(std::move(request)) {}
    TextAnswer writer;

private:
    static std::vector<Value> arguments(const LineRequest& request) {
        std::vector<Value> values;
        for (const std::string& line : request.lines) values.emplace_back(std::string_view(line));
        return values;
    }
    /// A FIFO does not say who writes to it.
    static std::string asker(const LineRequest& request) {
        return request.reply_name.empty() ? std::string() : "reply file " + request.reply_name;
    }
    std::shared_ptr<const LineRequest> request_;  ///< what the arguments point into
};

class MiFifo final : public Module {
public:
    std::string fifo_name = "fairlead_fifo", read_only_fifo, fifo_user, fifo_group,
                reply_dir = "/tmp", outbound_proxy;
    int fifo_mode = 0660, request_timeout = 1000;
    bool reply_create = true, pass_provisional_replies = false;
    shm::Counter requests, unknown, refused, skipped, dropped;
    tm::Api* tm = nullptr;
    tm::UacApi* tm_uac = nullptr;

    Result<void> prepare(Core& core) override;
    Result<void> start(const Process& process) override;
    void stop() noexcept override;

private:
    /// A FIFO and what has been read from it.
    struct Inlet final : Watcher, TimerTask {
        Inlet(MiFifo& its, Role its_role) : owner(its), role(its_role) {}
        void ready(int) noexcept override;
        void expired() noexcept override;
        MiFifo& owner;
        Role role;
        Endpoint fifo;
        LineReader reader{classic_form};
        Watch watch, silence;
    };

    [[nodiscard]] Result<void> make(Inlet& inlet, const std::string& name);
    void read(Inlet& inlet);
    void run(const LineRequest& request, Role role);
    void run_registered(const LineRequest& request, Role role);
    void write(const std::string& reply_name, std::string text, bool is_first);

    Core* core_ = nullptr;
    Inlet inlet_{*this, Role::administrator}, readers_{*this, Role::reader};
    ReplyDirectory replies_;
    Delivery delivery_;
    Uac uac_;
    bool is_serving_ = false;
};

Result<void> MiFifo::make(Inlet& inlet, const std::string& name) {
    const auto access = TRY(find_access(core_->globals(), fifo_mode, fifo_user, fifo_group));
    const std::string directory(core_->globals().run_directory);
    return inlet.fifo.make_fifo(name.starts_with('/') ? name : directory + "/" + name, access);
}

Result<void> MiFifo::prepare(Core& core) {
    core_ = &core;
    TRY(replies_.open(reply_dir, reply_create));
    TRY(make(inlet_, fifo_name));
    if (!read_only_fifo.empty()) TRY(make(readers_, read_only_fifo));
    uac_.provisional = pass_provisional_replies;
    uac_.outbound_proxy = outbound_proxy;
    uac_.prepare(tm, tm_uac, [this](const std::string& name, std::string text, bool is_first) {
        write(name, std::move(text), is_first);
    });
    return {};
}

Result<void> MiFifo::start(const Process& process) {
    is_serving_ = process.slot == core_->control_slot() && core_->loop() != nullptr;
    if (is_serving_) delivery_.open(*core_->loop(), dropped);
    for (Inlet* const inlet : {&inlet_, &readers_}) {
        if (!is_serving_)
            inlet->fifo.close();
        else if (inlet->fifo)
            inlet->watch = core_->loop()->watch(inlet->fifo.fd(), Loop::Interest::readable, *inlet);
    }
    return {};
}

void MiFifo::stop() noexcept {
    delivery_.close();
    for (Inlet* const inlet : {&inlet_, &readers_}) {
        inlet->watch.reset();
        inlet->silence.reset();
        if (core_ == nullptr) continue;
        const auto kind = core_->process().kind;
        const bool alone = is_serving_ && kind == Process::Kind::worker;
        if (kind == Process::Kind::supervisor || alone) inlet->fifo.remove();
    }
}

void MiFifo::read(Inlet& inlet) {
    std::array<char, 64 * 1024> buffer{};
    const ssize_t n = ::read(inlet.fifo.fd(), buffer.data(), buffer.size());
    if (n <= 0) return;
    inlet.reader.put({buffer.data(), static_cast<std::size_t>(n)});
    while (const auto request = inlet.reader.next()) run(*request, inlet.role);
    if (const std::size_t lines = inlet.reader.take_skipped(); lines != 0) {
        LOG(notice, "{} lines are no command", lines);
        skipped.add(static_cast<std::int64_t>(lines));
    }
    inlet.silence.reset();
    if (inlet.reader.is_open()) inlet.silence = core_->loop()->after(Ms(request_timeout), inlet);
}

void MiFifo::Inlet::ready(int) noexcept {
    try {
        owner.read(*this);
    } catch (const std::exception& e) {
        LOG(error, "a request could not be read: {}", e.what());
    }
}

/// Nobody writes the rest: what there is, is all there is.
void MiFifo::Inlet::expired() noexcept {
    silence.reset();
    try {
        if (const auto request = reader.cut_off()) owner.run(*request, role);
    } catch (const std::exception& e) {
        LOG(error, "a request could not be answered: {}", e.what());
    }
}

void MiFifo::run(const LineRequest& request, Role role) {
    requests.add();
    if (!request.reply_name.empty() && !ReplyDirectory::is_allowed(request.reply_name)) {
        LOG(warning, "{}: the reply file's name is not allowed", request.command);
        return refused.add();
    }
    if (role == Role::reader && is_changing(request.command)) {
        LOG(notice, "mi_fifo: {} is refused to a reader", request.command);
        refused.add();
        return write(request.reply_name, "403 Permission denied\n", true);
    }
    if (uac_.run(request)) {  // at info: programs send many
        LOG(info, "mi_fifo: {} (reply file {})", request.command, request.reply_name);
        return;
    }
    if (request.is_bad || request.missing != LineRequest::Missing::nothing) {
        refused.add();
        return write(request.reply_name, "400 bad request\n", true);
    }
    if (auto text = run_classic(*core_, request))
        return write(request.reply_name, std::move(*text), true);
    if (request.command == "kill") write(request.reply_name, "200 killing now...", true);
    run_registered(request, role);
}

void MiFifo::run_registered(const LineRequest& request, Role role) {
    const bool is_kill = request.command == "kill";
    const auto* const entry = core_->commands().find(is_kill ? "core.kill" : request.command);
    if (entry == nullptr) {
        unknown.add();
        return write(request.reply_name,
                     fmt::format("500 command '{}' not available\n", request.command), true);
    }
    const std::string name = is_kill ? "" : request.reply_name;
    const auto kept = std::make_shared<const LineRequest>(request);
    const std::string_view head = classic_head(entry->row->classic);
    const auto exchange =
        std::make_shared<TextExchange>(kept, role, [this, name, head](Exchange& e) {
            if (name.empty()) return;
            if (!e.outcome())
                return write(
                    name,
                    fmt::format("{} {}\n", e.outcome().error().code, e.outcome().error().text),
                    true);
            auto self = std::static_pointer_cast<TextExchange>(e.shared_from_this());
            delivery_.to_file(replies_, name,
                              [self, head, begun = false](std::string& out) mutable {
                                  if (!std::exchange(begun, true)) out += head;
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
    param<&MiFifo::read_only_fifo>("read_only_fifo",
                                   "Another FIFO, with the same mode and owner, over which nothing "
                                   "can be changed; a path as above. \"\": none."),
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
                                             "Replies below 200 are reported too, but for 100; "
                                             "tm's parameter of this name says the same."),
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
