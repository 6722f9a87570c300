// A whole engine in one process, without sockets and without waiting: modules, a configuration or
// routes in C++, datagrams in, packets out, time by hand. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/proc/post.h"
#include "core/server/engine.h"
#include "test/support/fake_clock.h"
#include "test/support/fake_net.h"
#include "test/support/native_script.h"

namespace fairlead::test {

/// Usage:
///     ModuleHost host;
///     host.load("sl");
///     host.param("sl", "default_code", 404);
///     host.on_request([&](Message& m) { host.call(m, "sl_send_reply", {404, "Nope"}); });
///     host.start();
///     host.receive(Request("OPTIONS").str());
///     CHECK(start_line(host.take().bytes) == "SIP/2.0 404 Nope");
/// or `host.config("loadmodule \"sl\"\nrequest_route { … }")` instead of load, param and routes.
/// Listeners are udp:127.0.0.1:5060 and udp:[::1]:5060 unless the test calls net.listen() first.
class ModuleHost : proc::Post {
public:
    explicit ModuleHost(std::size_t memory = 8 << 20);
    virtual ~ModuleHost();
    ModuleHost(const ModuleHost&) = delete;
    ModuleHost& operator=(const ModuleHost&) = delete;

    // Before start(). All throw std::runtime_error with the text of the error.
    void load(std::string_view module);  ///< a built module of this tree, by name
    void add(const Descriptor& descriptor);
    void param(std::string_view module, std::string_view name, const Value& value);
    /// Whole configuration: loadmodule, modparam and routes. Global parameters are not applied:
    /// set `globals` instead.
    void config(std::string text);
    void route(Route type, std::string name, NativeScript::Body body);
    void on_request(std::function<void(Message&)> body);  ///< request_route

    void start();
    /// The same, but says why not instead of throwing (tests of refusals).
    Result<void> try_start();

    /// One datagram to the first listener of the sender's address family.
    void receive(std::string_view bytes, std::string_view from = "192.0.2.1:5060");
    /// Moves time by 10 ms at a time, with timers, tickers and mail (whatever slot it was posted
    /// to) as the event loop would run them.
    void advance(Ms by);
    /// The oldest packet that was sent and not yet taken; throws when there is none.
    Packet take();
    [[nodiscard]] std::size_t pending() const noexcept { return net.sent.size(); }
    void discard_sent() noexcept { net.sent.clear(); }
    /// Reports that a packet could not be sent after all.
    void fail(const Packet& packet) { engine().send_failed(packet.on_failure); }

    /// A script function by name and number of arguments; its return code. Route names as strings.
    int call(Message& m, std::string_view function, std::vector<Value> args = {});
    /// A variable, as `$name` or `$name(inner)` reads it.
    Value variable(Message& m, std::string_view name, std::string_view inner = {});

    [[nodiscard]] std::int64_t statistic(std::string_view group, std::string_view name) const;
    /// The module's object, to look inside; null when it is not loaded.
    template <class M>
    [[nodiscard]] M* module(std::string_view name) {
        module::Loaded* const found = registry.find(name);
        return found != nullptr ? static_cast<M*>(found->object.get()) : nullptr;
    }

    /// Blocks and bytes of shared memory in use.
    [[nodiscard]] shm::Totals memory_in_use() const { return segment->totals(); }
    /// "" when every tag has as many blocks as right after start(), no message is still out, and
    /// bad_books() has nothing to say; else one line per difference.
    [[nodiscard]] std::string leaks() const;
    /// A line for each module's statistic `overdue` or `unaccounted` that is not 0.
    [[nodiscard]] std::string bad_books() const;

    [[nodiscard]] server::Engine& engine() noexcept { return *engine_; }

    Globals globals;  ///< before start()
    FakeClock clock;
    FakeNet net;
    std::unique_ptr<shm::Segment> segment;
    module::Registry registry;
    std::unique_ptr<shm::Counters> counters;

private:
    struct Mail {
        MailId to;
        std::string bytes;
    };

    [[nodiscard]] std::vector<shm::Usage> usage() const;
    bool post(std::uint16_t slot, MailId to, std::string_view bytes) noexcept override;
    void deliver_mail();

    shm::Hazards* hazards_ = nullptr;
    std::vector<shm::TimerWheel*> wheels_;
    std::deque<Mail> mail_;
    NativeScript native_;
    std::shared_ptr<const cfg::Program> program_;
    std::vector<cfg::Setting> settings_;
    std::unique_ptr<server::Engine> engine_;
    std::vector<shm::Usage> at_start_;
};

}  // namespace fairlead::test
