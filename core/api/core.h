// Core: everything a module can reach, handed to it in prepare(). There are no singletons.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/command.h"
#include "core/api/message.h"
#include "core/api/net.h"
#include "core/api/script.h"
#include "core/api/shm.h"
#include "core/api/timer.h"
#include "core/api/tunable.h"
#include "core/api/value.h"
#include "core/base/clock.h"
#include "core/base/random.h"

namespace fairlead {

class Loop;
class NextHopFinder;
class Trace;

/// A process of the server, as modules see it.
struct Process {
    enum class Kind : std::uint8_t { supervisor, worker, control, module };
    Kind kind = Kind::supervisor;
    std::uint16_t slot = 0;   ///< its place in every per-process table; workers are 1…N
    std::uint16_t index = 0;  ///< 0-based among its kind
    bool reborn = false;      ///< forked again after its predecessor in this slot died
    std::string_view name;    ///< "worker 2", or what add_process was given
};

/// The values of global parameters that modules follow.
struct Globals {
    std::string_view server_header;      ///< line with CRLF, "" when server_signature is off
    std::string_view user_agent_header;  ///< line with CRLF
    std::size_t max_branches = 12;
    std::size_t workers = 8;
    bool force_rport = false;
    bool local_rport = false;
    /// A request of more bytes leaves by this protocol instead of in a datagram, if it can (RFC
    /// 3261 18.1.1); 0: never.
    std::size_t udp_mtu = 0;
    Proto udp_mtu_try_proto = Proto::none;
    bool accept_aliases = false;  ///< `alias` in the Via of a request is followed (RFC 5923)
    bool check_via = false;       ///< a reply whose top Via is not ours is not passed on
    bool sip_warning = false;     ///< replies made here have a Warning (reply_warning())
    std::int64_t server_id = 0;
    /// Names of $xavp: parameters for our Via, and its address and port (corex).
    std::string xavp_via_params, xavp_via_fields;

    /// Where sockets and FIFOs of management are made; exists from prepare() on.
    std::string_view run_directory = "/run/fairlead";
    /// The working directory that the processes will have; relative paths of files begin there.
    std::string_view work_directory = "/";
    /// Where the configuration file lies, absolute.
    std::string_view config_directory = "/";
    /// Numbers of connections modulo this tell all that exist apart.
    std::size_t max_connections = 2048;
    /// Whose they shall be; -1: whoever started the server.
    std::int64_t user = -1, group = -1;

    bool trace = false;                    ///< steps of transactions are noted from the start
    std::size_t trace_transactions = 256;  ///< of so many

    std::size_t async_workers = 0;          ///< of the group "default"
    std::vector<std::string> async_groups;  ///< async_workers_group, as written
};

/// A statistic and what it says.
struct StatisticValue {
    std::string_view group, name, help;
    std::int64_t value = 0;
    shm::Counter counter;   ///< cell 0: computed
    bool is_level = false;  ///< goes up and down
};

/// What Core::on_mail gave; the same in every process.
enum class MailId : std::uint16_t;

class Core {
public:
    [[nodiscard]] virtual const Clock& clock() const noexcept = 0;
    [[nodiscard]] virtual Random& random() noexcept = 0;
    [[nodiscard]] virtual Net& net() noexcept = 0;
    [[nodiscard]] virtual Timers& timers() noexcept = 0;
    [[nodiscard]] virtual Script& script() noexcept = 0;
    [[nodiscard]] virtual shm::Segment& memory() noexcept = 0;
    [[nodiscard]] virtual shm::Hazards& hazards() noexcept = 0;
    [[nodiscard]] virtual shm::Counters& counters() noexcept = 0;
    [[nodiscard]] virtual const Globals& globals() const noexcept = 0;
    /// The value of `group.name = value` in the configuration, a parameter that its author made up;
    /// null when there is none. From prepare() on, in any process; strings live for ever.
    [[nodiscard]] virtual Value custom_parameter(std::string_view group,
                                                 std::string_view name) const noexcept = 0;
    /// This process.
    [[nodiscard]] virtual const Process& process() const noexcept = 0;

    /// The loop of this process, for modules that watch descriptors (core/api/loop.h); null in the
    /// supervisor and in a test that has none.
    [[nodiscard]] virtual Loop* loop() noexcept = 0;
    /// The slot of the process that runs commands: the control process, or the only one.
    [[nodiscard]] virtual std::uint16_t control_slot() const noexcept = 0;
    /// What operators can ask. From start() on, and in the control process only.
    [[nodiscard]] virtual Commands& commands() noexcept = 0;
    /// Values that can be changed while the server runs; reading in any process.
    [[nodiscard]] virtual Tunables& tunables() noexcept = 0;

    /// Before fork: a word of Message::slots for this module. Ends the start when all are taken.
    [[nodiscard]] virtual std::size_t message_slot() = 0;
    /// Before fork: for SendFailure::handler. `handler` is called as failed(object, index).
    class SendFailureHandler {
    public:
        virtual void failed(void* object, std::uint32_t index) noexcept = 0;

    protected:
        ~SendFailureHandler() = default;
    };
    [[nodiscard]] virtual shm::HandlerId on_send_failure(SendFailureHandler& handler) = 0;
    /// Before fork: asks for `count` processes of the module's own. Each runs the event loop, has a
    /// wheel and a mailbox, and calls Module::start with Kind::module and this name. Returns the
    /// slot of the first; the others follow it. A server of one process (-D) forks none: what is
    /// posted to them comes to that one.
    virtual std::uint16_t add_process(std::string_view name, std::size_t count) = 0;

    /// Before fork: for post(). Lives in the module.
    class MailHandler {
    public:
        /// In the event loop of the process that it was posted to, in the order of the posts of
        /// one sender, without any lock held. `bytes` are valid during the call only.
        virtual void mail(std::string_view bytes) noexcept = 0;

    protected:
        ~MailHandler() = default;
    };
    [[nodiscard]] virtual MailId on_mail(MailHandler& handler) = 0;
    /// After fork, any process: hands a copy of `bytes` (at most kMaxMail) to the process in
    /// `slot`. False when its mailbox is full (process:mail_dropped counts), when there is no such
    /// slot, or when they are too many.
    static constexpr std::size_t kMaxMail = 16 * 1024;
    [[nodiscard]] virtual bool post(std::uint16_t slot, MailId to,
                                    std::string_view bytes) noexcept = 0;

    /// A Message object of this process for work that no received message began (a timer that runs
    /// a failure_route): reset and empty. Nested calls get different ones; give each back.
    [[nodiscard]] virtual Message& borrow_message() = 0;
    virtual void give_back(Message& message) noexcept = 0;

    /// Stateless forwarding of `m` to where it points ($du, else Request-URI). A ScriptError when
    /// it was not sent.
    virtual ScriptError forward(Message& m) noexcept = 0;
    /// Runs the onsend_route, if there is one, for a request that is about to leave as `bytes`:
    /// false when it was dropped. For modules that send a request by themselves, once for each
    /// branch; no lock may be held.
    [[nodiscard]] virtual bool may_send(Message& m, const Target& to,
                                        std::string_view bytes) noexcept = 0;

    [[nodiscard]] virtual shm::Histograms& histograms() noexcept = 0;
    /// Every counter and every computed statistic of the server, by group and name. In the control
    /// process.
    [[nodiscard]] virtual std::vector<StatisticValue> statistics() = 0;
    /// Where the steps of transactions are noted (core/api/trace.h); null while that is off, which
    /// may change between two messages.
    [[nodiscard]] virtual Trace* trace() noexcept = 0;
    /// Where names of next hops are found (core/api/next_hop.h).
    [[nodiscard]] virtual NextHopFinder& next_hops() noexcept = 0;

protected:
    ~Core() = default;
};

/// A message that was borrowed for as long as this lives.
class BorrowedMessage {
public:
    explicit BorrowedMessage(Core& core) : core_(core), message_(core.borrow_message()) {}
    BorrowedMessage(const BorrowedMessage&) = delete;
    BorrowedMessage& operator=(const BorrowedMessage&) = delete;
    ~BorrowedMessage() { core_.give_back(message_); }
    [[nodiscard]] Message& operator*() const noexcept { return message_; }

private:
    Core& core_;
    Message& message_;
};

}  // namespace fairlead
