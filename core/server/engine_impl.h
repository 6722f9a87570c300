// What an Engine holds; for engine.cpp, receive.cpp and forward.cpp only. SPDX-License-Identifier:
// Apache-2.0
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/late_send.h"
#include "core/api/next_hop.h"
#include "core/server/command_table.h"
#include "core/server/engine.h"
#include "core/server/facts.h"
#include "core/server/late_forward.h"
#include "core/server/message_counters.h"
#include "core/server/message_pool.h"
#include "core/server/rate_limit.h"
#include "core/server/timers.h"
#include "core/server/trace_table.h"
#include "core/server/traced_net.h"
#include "core/server/tunable_table.h"

namespace fairlead::server {

/// Stands in for the program until there is one: no routes.
class NoScript final : public Script {
public:
    [[nodiscard]] RouteId find(Route, std::string_view) const noexcept override {
        return RouteId::none;
    }
    [[nodiscard]] std::string_view name(RouteId) const noexcept override { return {}; }
    RouteResult run(RouteId, Message&) noexcept override { return {}; }
};

/// Stands in for DNS until there is one: what is not known at once is not found.
class NoFinder final : public NextHopFinder {
public:
    explicit NoFinder(const Net& net) noexcept : net_(net) {}
    std::optional<NextHops> find(const HopQuestion& question, HopWaiter& waiter, std::uint64_t tag,
                                 std::uint64_t& ticket) noexcept override;
    void cancel(std::uint64_t) noexcept override {}
    void refuse(std::uint64_t) noexcept override {}
    [[nodiscard]] Ms deadline() const noexcept override { return Ms(0); }
    [[nodiscard]] bool fails_over() const noexcept override { return false; }

private:
    const Net& net_;
};

struct Engine::Impl final : LateSender {
    Impl(Engine& owner, Parts given, Globals values)
        : engine(owner),
          parts(std::move(given)),
          globals(std::move(values)),
          net(parts.net),
          no_finder(net),
          timers(parts.clock, parts.hazards, parts.wheels),
          control_slot(static_cast<std::uint16_t>(globals.workers + 1)) {}

    Engine& engine;
    Parts parts;
    Globals globals;
    Process process;
    TracedNet net;
    NoFinder no_finder;
    NextHopFinder* finder = &no_finder;
    TraceTable traces;
    bool is_tracing = false;
    Random random;
    TimerService timers;
    NoScript no_script;
    std::shared_ptr<Script> program;
    Script* script = &no_script;
    RouteId request_route = RouteId::none, reply_route = RouteId::none,
            onsend_route = RouteId::none;
    // event_route[core:…]
    RouteId init_route = RouteId::none, arrival_route = RouteId::none,
            pre_routing_route = RouteId::none, parse_error_route = RouteId::none;
    bool runs_arrival_route = false;       ///< received_route_mode
    const LazyText* log_prefix = nullptr;  ///< belongs to the program

    std::vector<module::Loaded*> order;  ///< of prepare() and start()
    std::vector<module::Loaded*> on_request, on_reply, on_done;
    std::vector<SendFailureHandler*> send_failures;  ///< index = HandlerId - 1
    std::vector<MailHandler*> mail_handlers;         ///< index = MailId
    proc::Post* post = nullptr;
    Loop* loop = nullptr;
    std::uint16_t control_slot = 0;
    CommandTable commands;
    TunableTable tunables;
    Facts no_facts;
    const Facts* facts = &no_facts;
    std::vector<Wanted> wanted;
    std::size_t slots_taken = 0;
    std::map<std::string, cfg::Literal, std::less<>> custom;  ///< by "group.name"

    MessageCounters count;
    RateLimit parse_log, script_log;
    MessagePool pool;
    LateForwards late{*this};
    LateSends late_replies{net};
    std::uint64_t messages = 0;
    shm::Histogram first_reply, queue;
    std::vector<char> out;  ///< where a message is written before Net copies it

    [[nodiscard]] Trace* trace() noexcept { return is_tracing ? &traces : nullptr; }
    void set_script(Script& s) noexcept;
    void collect_hooks();

    // receive.cpp
    [[nodiscard]] bool is_wanted(Message& m, RouteId event) noexcept;
    void worker_one() noexcept;
    void http(std::string_view bytes, const Received& from) noexcept;
    void http_handled(Message& m) noexcept;
    void request(Message& m) noexcept;
    void follow_alias(const Message& m) noexcept;
    void reply(Message& m) noexcept;
    void refused(Message& m, const sip::ParseError& error) noexcept;
    void done(Message& m, const RouteResult& result) noexcept;
    [[nodiscard]] Next arrived(module::Loaded& module, Message& m,
                               Next (Module::*hook)(Message&)) noexcept;
    void warn_script(const Message& m) noexcept;
    void answer(Message& m, int code, std::string_view reason) noexcept;
    void relay_reply(Message& m) noexcept;
    [[nodiscard]] ScriptError send_reply(const Message& m, std::string_view bytes);

    // forward.cpp
    [[nodiscard]] static ScriptError may_forward(const Message& m) noexcept;
    [[nodiscard]] ScriptError forward(Message& m, const Target& target) noexcept;
    [[nodiscard]] ScriptError forward(Message& m, const NextHops& hops) noexcept;
    void send_late(Message& m, const NextHops& hops) noexcept override;
    [[nodiscard]] ScriptError write_and_send(Message& m, Target target) noexcept;
    [[nodiscard]] ScriptError write(Message& m, const Target& target, sip::Writer& writer) noexcept;
    [[nodiscard]] ScriptError send(Message& m, const Target& target,
                                   std::string_view bytes) noexcept;
};

}  // namespace fairlead::server
