// Stateless replies: the module's class.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/module.h"
#include "modules/sl/ack_filter.h"
#include "modules/sl/api.h"
#include "modules/sl/statistics.h"
#include "modules/sl/tag.h"
#include "modules/tm/api.h"

namespace fairlead::sl {

class Sl final : public Module, public Api, private Core::SendFailureHandler {
public:
    // Parameters, needs and counters are set by the server before prepare().
    int default_code = 500;
    std::string default_reason = "Internal Server Error";
    bool bind_tm = true;
    int rich_redirect = 0;
    tm::Api* tm = nullptr;
    std::array<shm::Counter, static_cast<std::size_t>(Stat::count)> counters{};

    /// Functions of embedded languages; there are none.
    Result<void> set_callback(const Value& name);

    Result<void> prepare(Core& core) override;
    Next request_arrived(Message& m) override;

    // Script functions.
    Verdict sl_send_reply(Message& m, Value code, Value reason);
    Verdict send_reply(Message& m, Value code, Value reason);
    Verdict send_reply_mode(Message& m, Value code, Value reason, int mode);
    Verdict sl_reply_error(Message& m);
    Verdict sl_forward_reply(Message& m, std::optional<int> code,
                             std::optional<std::string_view> reason);
    /// $ltt(s|t|x).
    Value local_to_tag(Message& m, char kind);

    // Api
    int send_stateless(Message& m, int code, std::string_view reason) override;
    int send(Message& m, int code, std::string_view reason) override;
    std::string_view to_tag(Message& m) override;
    int send_error(Message& m) override;
    void watch(Watcher& watcher) override { watchers_.push_back(&watcher); }

private:
    std::vector<Watcher*> watchers_;

    void failed(void* object, std::uint32_t index) noexcept override;

    void count(Stat which) const noexcept { counters[static_cast<std::size_t>(which)].add(); }
    [[nodiscard]] bool has_transaction(const Message& m) const noexcept;
    /// The code to send for what the script gave: default_code when it is no status code.
    [[nodiscard]] int code_of(const Value& given) const noexcept;
    [[nodiscard]] std::string_view reason_of(Message& m, const Value& given) const;
    /// The header lines of the reply: what the script appended, and Contact for a redirection.
    [[nodiscard]] std::string_view reply_headers(Message& m, int code) const;
    /// The whole reply, in the message's arena; "" when it cannot be made.
    [[nodiscard]] std::string_view write(Message& m, int code, std::string_view reason);
    void run_local_response(Message& m, std::string_view reply);

    Core* core_ = nullptr;
    shm::Ptr<AckWindow> window_;
    Tag tag_;
    shm::HandlerId on_failure_{};
    RouteId filtered_ack_ = RouteId::none;
    RouteId local_response_ = RouteId::none;
    shm::Histogram first_reply_;
};

}  // namespace fairlead::sl
