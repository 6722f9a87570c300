// SIP over WebSocket: the module's class. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/api/loop.h"
#include "core/module.h"
#include "modules/websocket/notes.h"
#include "modules/websocket/session.h"

namespace fairlead::websocket {

class Websocket final : public Module, private SessionParts::Keeper {
public:
    // Parameters and counters are set by the server before prepare().
    int keepalive_mechanism = 1;
    int keepalive_timeout = 180;
    int keepalive_interval = 1;
    int keepalive_processes = 1;
    int timer_interval = 1;
    int rm_delay_interval = 5;
    std::string ping_application_data;
    int sub_protocols = 1;
    int cors_mode = 0;
    bool verbose_list = false;
    Counts count;

    Result<void> set_callback(const Value& name);

    Result<void> prepare(Core& core) override;
    Result<void> start(const Process& process) override;
    void stop() noexcept override;

    // Script functions.
    Verdict ws_handle_handshake(Message& m);
    Verdict ws_close(Message& m);
    Verdict ws_close_because(Message& m, int status, std::string_view reason);
    Verdict ws_close_other(Message& m, int status, std::string_view reason, int connection);
    /// $ws_conid.
    [[nodiscard]] Value closed_connection() const;

    // Commands.
    Result<void> dump(Call& call);
    Result<void> close(Call& call);
    Result<void> ping(Call& call);
    Result<void> pong(Call& call);
    Result<void> disable(Call& call);
    Result<void> enable(Call& call);

    // Statistics.
    std::int64_t current() { return notes_.current(); }
    std::int64_t most() { return notes_.most(); }

private:
    void ended(std::uint32_t connection, const Received& from) noexcept override;
    void gone(std::uint32_t connection) noexcept override;
    void tick() noexcept;
    [[nodiscard]] bool reply(Message& m, int code, std::string_view reason,
                             std::string_view headers);
    [[nodiscard]] Verdict close_with(std::uint32_t connection, int status, std::string_view reason);
    [[nodiscard]] Result<void> tell(Call& call, std::string_view words);

    Core* core_ = nullptr;
    Notes notes_;
    SessionOptions options_;
    RouteId closed_route_ = RouteId::none;
    // Per process.
    std::uint16_t slot_ = 0;
    std::unordered_map<std::uint32_t, Session*> sessions_;  ///< their connections own them
    std::uint32_t closed_ = 0;
    TimerCall<Websocket> tick_call_{*this, &Websocket::tick};
    Watch tick_;
};

}  // namespace fairlead::websocket
