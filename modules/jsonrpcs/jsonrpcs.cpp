// jsonrpcs: JSON-RPC 2.0 over a FIFO, a local datagram socket and HTTP.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/api/log.h"
#include "core/module.h"
#include "modules/jsonrpcs/dialogue.h"
#include "modules/jsonrpcs/over_http.h"
#include "modules/jsonrpcs/over_script.h"
#include "modules/mi_fifo/api.h"

namespace fairlead::jsonrpcs {
namespace {

class JsonRpcs final : public Module, Watcher {
public:
    int transport = 0, pretty_format = 1, fifo_mode = 0660, dgram_mode = 0660;
    bool reply_create = true;
    std::string fifo_name = "fairlead_rpc.fifo", fifo_user, fifo_group, fifo_reply_dir = "/tmp";
    std::string dgram_socket = "fairlead_rpc.sock", dgram_user, dgram_group, read_only_socket;
    std::string http_path = "/RPC";
    shm::Counter requests, errors, dropped;
    http::Api* http = nullptr;  ///< null when that module is not loaded

    Result<void> prepare(Core& core) override;
    Result<void> start(const Process& process) override;
    void stop() noexcept override;
    Result<void> ignored(const Value&) { return {}; }
    Verdict jsonrpc_dispatch(Message& m);

private:
    static constexpr int kHttp = 1, kFifo = 2, kDatagram = 4;
    static constexpr std::size_t kLongest = 64 * 1024;
    using Answer = std::shared_ptr<Dialogue>;

    [[nodiscard]] bool wants(int bit) const noexcept {
        const bool is_named = !(bit == kFifo ? fifo_name : dgram_socket).empty();
        return is_named && offers(bit);
    }
    [[nodiscard]] bool offers(int bit) const noexcept {
        return transport == 0 || (transport & bit) != 0;
    }
    [[nodiscard]] std::string place(const std::string& name) const;
    void ready(int fd) noexcept override;
    void read_fifo();
    void read_datagrams(int fd);
    void asked(std::string_view text, Role role, std::string_view caller,
               std::function<void(const Answer&)> answer);
    void answer_to(const Answer& answer, int fd, const std::string& peer);
    [[nodiscard]] static mi_fifo::Pieces pieces(const Answer& answer) {
        return [answer](std::string& out) { return answer->piece(out); };
    }

    Core* core_ = nullptr;
    mi_fifo::Endpoint fifo_, datagrams_, readers_;
    mi_fifo::ReplyDirectory replies_;
    Watch fifo_watch_, datagram_watch_, reader_watch_;
    std::string input_;
    mi_fifo::Delivery delivery_;
    OverHttp over_http_;
    OverScript over_script_;
    bool is_serving_ = false;
};

Result<void> JsonRpcs::prepare(Core& core) {
    core_ = &core;
    if ((transport & kHttp) != 0 && http == nullptr && !core.net().serves_http())
        return fail(
            "transport: 1 is HTTP: load the module http as well, or, before this one, xhttp for "
            "jsonrpc_dispatch()");
    over_http_.set({&core, pretty_format != 0, requests, errors});
    over_script_.set(core, over_http_, dropped);
    if (http != nullptr && offers(kHttp) && !http_path.empty())
        TRY(http->serve(http_path, over_http_));
    if (wants(kFifo)) {
        const auto access =
            TRY(mi_fifo::find_access(core.globals(), fifo_mode, fifo_user, fifo_group));
        TRY(replies_.open(fifo_reply_dir, reply_create));
        TRY(fifo_.make_fifo(place(fifo_name), access));
    }
    if (wants(kDatagram)) {
        const auto access =
            TRY(mi_fifo::find_access(core.globals(), dgram_mode, dgram_user, dgram_group));
        TRY(datagrams_.make_socket(place(dgram_socket), SOCK_DGRAM, access));
        if (!read_only_socket.empty())
            TRY(readers_.make_socket(place(read_only_socket), SOCK_DGRAM, access));
    }
    return {};
}

std::string JsonRpcs::place(const std::string& name) const {
    if (name.starts_with('/')) return name;
    return std::string(core_->globals().run_directory) + "/" + name;
}

Result<void> JsonRpcs::start(const Process& process) {
    if (process.slot != core_->control_slot() || core_->loop() == nullptr) {
        fifo_.close();
        datagrams_.close();
        readers_.close();
        return {};
    }
    is_serving_ = true;
    Loop& loop = *core_->loop();
    delivery_.open(loop, dropped);
    if (fifo_) fifo_watch_ = loop.watch(fifo_.fd(), Loop::Interest::readable, *this);
    if (datagrams_) datagram_watch_ = loop.watch(datagrams_.fd(), Loop::Interest::readable, *this);
    if (readers_) reader_watch_ = loop.watch(readers_.fd(), Loop::Interest::readable, *this);
    return {};
}

void JsonRpcs::stop() noexcept {
    fifo_watch_.reset();
    datagram_watch_.reset();
    reader_watch_.reset();
    delivery_.close();
    if (core_ == nullptr) return;
    const auto& process = core_->process();
    const bool alone = is_serving_ && process.kind == Process::Kind::worker;
    if (process.kind != Process::Kind::supervisor && !alone) return;
    fifo_.remove();
    datagrams_.remove();
    readers_.remove();
}

Verdict JsonRpcs::jsonrpc_dispatch(Message& m) {
    if (!offers(kHttp)) {
        LOG(error, "jsonrpc_dispatch(): the parameter transport has no 1 (HTTP)");
        return Verdict::no;
    }
    if (over_script_.dispatch(m)) return Verdict::yes;
    LOG(error, "jsonrpc_dispatch() answers HTTP requests, and each once");
    return Verdict::no;
}

void JsonRpcs::ready(int fd) noexcept {
    try {
        if (fd == fifo_.fd())
            read_fifo();
        else
            read_datagrams(fd);
    } catch (const std::exception& e) {
        LOG(error, "a request could not be read: {}", e.what());
    }
}

void JsonRpcs::read_fifo() {
    std::array<char, 4096> buffer{};
    const ssize_t n = ::read(fifo_.fd(), buffer.data(), buffer.size());
    if (n <= 0) return;
    input_.append(buffer.data(), static_cast<std::size_t>(n));
    while (true) {
        const std::size_t size = first_object(input_);
        if (size == std::string::npos || (size == 0 && input_.size() > kLongest)) {
            // What follows cannot be told from the middle of a request: all of it goes.
            LOG(notice, "{} bytes from the FIFO are no request", input_.size());
            errors.add();
            return input_.clear();
        }
        if (size == 0) return;
        const std::string text = input_.substr(0, size);
        input_.erase(0, size);
        asked(text, Role::administrator, {}, [this](const Answer& answer) {
            if (!answer->reply_name().empty())
                delivery_.to_file(replies_, answer->reply_name(), pieces(answer));
        });
    }
}

void JsonRpcs::read_datagrams(int fd) {
    constexpr int kPerTurn = 16;
    for (int i = 0; i < kPerTurn; ++i) {
        const auto got = mi_fifo::take_datagram(fd);
        if (!got) return;
        const Role role = fd == readers_.fd() ? Role::reader : Role::administrator;
        asked(got->bytes, role, got->caller, [this, fd, peer = got->sender](const Answer& answer) {
            if (!peer.empty()) answer_to(answer, fd, peer);
        });
    }
}

void JsonRpcs::asked(std::string_view text, Role role, std::string_view caller,
                     std::function<void(const Answer&)> answer) {
    requests.add();
    Dialogue::begin(*core_, text, {role, caller}, pretty_format != 0,
                    [this, answer = std::move(answer)](const Answer& dialogue) {
                        if (dialogue->code() != 0) errors.add();
                        answer(dialogue);
                    });
}

void JsonRpcs::answer_to(const Answer& answer, int fd, const std::string& peer) {
    // Only the socket that was asked may answer to a peer that is connected to it.
    Fd own(fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (own) return delivery_.send(std::move(own), pieces(answer), peer);
    LOG(warning, "there are no descriptors left to answer with");
    dropped.add();
}

constexpr Param params[] = {
    param<&JsonRpcs::transport>(
        "transport",
        "What is offered: 1 HTTP, 2 the FIFO, 4 the datagram socket, added up; 0 "
        "all of them. HTTP is served by the module http, and by jsonrpc_dispatch() with xhttp.",
        {.min = 0, .max = 7}),
    param<&JsonRpcs::pretty_format>("pretty_format", "1: answers have lines and tabs.",
                                    {.min = 0, .max = 1}),
    param<&JsonRpcs::fifo_name>("fifo_name",
                                "The FIFO; without '/' in front, below the runtime "
                                "directory. \"\": none."),
    param<&JsonRpcs::fifo_mode>("fifo_mode", "Its mode.", {.min = 0, .max = 0777}),
    param<&JsonRpcs::fifo_user>("fifo_user", "Its owner; the server's user unless it is given."),
    param<&JsonRpcs::fifo_group>("fifo_group", "Its group; the server's unless it is given."),
    param<&JsonRpcs::fifo_reply_dir>("fifo_reply_dir", "Where answers to the FIFO are left."),
    param<&JsonRpcs::reply_create>("reply_create",
                                   "A reply file that does not exist is made (mode 0600)."),
    param<&JsonRpcs::dgram_socket>("dgram_socket",
                                   "The socket; without '/' in front, below the "
                                   "runtime directory. \"\": none."),
    param<&JsonRpcs::read_only_socket>(
        "read_only_socket",
        "Another datagram socket, with the same mode and owner, over "
        "which nothing can be changed; a path as above. \"\": none."),
    param<&JsonRpcs::dgram_mode>("dgram_mode", "Its mode.", {.min = 0, .max = 0777}),
    param<&JsonRpcs::dgram_user>("dgram_user", "Its owner; the server's user unless it is given."),
    param<&JsonRpcs::dgram_group>("dgram_group", "Its group; the server's unless it is given."),
    param<&JsonRpcs::http_path>("http_path", "Where it answers over HTTP. \"\": nowhere."),
    param_method<&JsonRpcs::ignored>("dgram_workers",
                                     "Taken and not used: the control process "
                                     "answers.",
                                     Type::integer),
    param_method<&JsonRpcs::ignored>("dgram_timeout", "Taken and not used: answers never wait.",
                                     Type::integer),
};
constexpr Function functions[] = {
    function<&JsonRpcs::jsonrpc_dispatch>(
        "jsonrpc_dispatch",
        "In event_route[xhttp:request]: runs the request or batch in the body of a POST, whoever "
        "sent it. The control process answers, with the header lines of append_to_reply(); other "
        "requests on the connection wait for that. 16 KB may be asked, 64 KB answered. False when "
        "it is no HTTP request, was dispatched already, or transport leaves HTTP out.",
        Route::any),
};
constexpr Statistic statistics[] = {
    statistic<&JsonRpcs::requests>("requests", "Requests that were read."),
    statistic<&JsonRpcs::errors>("errors", "Requests that were answered with an error."),
    statistic<&JsonRpcs::dropped>("dropped_answers", "Answers that nobody took.")};
constexpr Need needed[] = {needs<&JsonRpcs::http>(true)};
constexpr Descriptor descriptor{.name = "jsonrpcs",
                                .summary =
                                    "Commands as JSON-RPC 2.0, over a FIFO, a local datagram "
                                    "socket and HTTP.",
                                .create = make_module<JsonRpcs>,
                                .params = params,
                                .functions = functions,
                                .statistics = statistics,
                                .needs = needed};

}  // namespace
}  // namespace fairlead::jsonrpcs

FAIRLEAD_MODULE(fairlead::jsonrpcs::descriptor)
