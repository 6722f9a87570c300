// Runs a compiled script as a machine that can be left and taken up again: it says what is to be
// done next, somebody does it, and tells it what came of it. No I/O, no memory of its own.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "modules/cpl/call.h"
#include "modules/cpl/conditions.h"
#include "modules/cpl/location_set.h"
#include "modules/cpl/script.h"

namespace fairlead::cpl {

inline constexpr std::size_t kMaxBranches = 12;  ///< targets of one proxy action

/// How the server wants choices made that RFC 3880 leaves to it.
struct Policy {
    std::uint16_t implicit_timeout = 20;  ///< seconds, of a proxy node with a noanswer or default
                                          ///< output but without timeout; 0: the server's maximum
    std::uint16_t empty_set_status = 404;
    std::uint8_t max_recursion = 5;  ///< redirections that one proxy node follows
    std::uint8_t max_invites = 30;   ///< of one run
    std::uint8_t max_notes = 10;     ///< log and mail actions of one run; more are passed over
    bool stop_on_6xx = false;        ///< sequential: no further location after a 6xx
    bool users_without_case = false;
};

/// Where a run stands between two actions. May be copied bytewise, and live in shared memory.
struct State {
    enum class Waiting : std::uint8_t { nothing, note, lookup, proxy, last_proxy, ended };

    Target node = kAbsent;      ///< what is waited for belongs to this node
    std::uint16_t best = 0;     ///< best answer of the proxy node so far; 0: none
    std::uint16_t earlier = 0;  ///< of proxy nodes before it
    Waiting waiting = Waiting::nothing;
    std::uint8_t recursions = 0, invites = 0, notes = 0;
    bool changed = false;  ///< a node has touched the location set
    bool proxied = false;
    bool lost = false;  ///< a location, mail or log was passed over at a limit
    LocationSet locations;

    /// What relay_best means: an earlier answer of a lower class is better (RFC 3261 16.7.6).
    [[nodiscard]] constexpr std::uint16_t answer() const noexcept {
        return earlier != 0 && best < 600 && earlier / 100 < best / 100 ? earlier : best;
    }
};
static_assert(std::is_trivially_copyable_v<State>);

enum class Direction : std::uint8_t { incoming, outgoing };

/// What is to be done. Views are into the script.
struct Action {
    enum class Kind : std::uint8_t {
        as_without_script,  ///< the end: the call goes on as if there were no script
        relay_best,         ///< the end: the best answer goes to the caller
        reject,             ///< the end: `code`, `text`; text is "" for the usual reason
        redirect,           ///< the end: 301 when `permanent`, else 302; Machine::contact_header
        fault,              ///< the end: the script's bytes are wrong
        proxy,       ///< forward to `targets`, all at once; then resume with answered or timed_out
        last_proxy,  ///< the same, but the answers go to the caller and the run has ended
        lookup,      ///< of the owner's registrations, within `timeout`; then found, …
        mail,        ///< `text` is the address, `subject`, `body`; then resume with noted
        log          ///< `text` is the name, `body` the comment; then resume with noted
    };
    Kind kind = Kind::fault;
    bool permanent = false;
    std::uint16_t code = 0;
    std::uint16_t timeout = 0;  ///< seconds; 0: the server's maximum
    std::string_view text, subject, body;
    std::array<std::uint8_t, kMaxBranches> targets{};  ///< numbers of locations, best first
    std::size_t target_count = 0;

    [[nodiscard]] bool is_end() const noexcept {
        return kind <= Kind::fault || kind == Kind::last_proxy;
    }
};

/// What came of an action.
struct Outcome {
    enum class Kind : std::uint8_t {
        noted,  ///< mail or log was taken care of, or not: that changes nothing
        found,  ///< lookup: `contacts`
        not_found,
        lookup_failed,
        answered,    ///< proxy: `code` is the best final answer; of a 3xx `contacts`
        timed_out,   ///< proxy: no final answer in time
        unreachable  ///< proxy: to none of the targets could anything be sent
    };
    Kind kind = Kind::noted;
    int code = 0;
    std::span<const Contact> contacts = {};
};

/// Sees which way a run takes.
class Trace {
public:
    virtual void visited(Target node) = 0;
    /// The node is left by this one of its outputs, counted as describe_node() lists them.
    virtual void left_by(Target node, std::size_t output) = 0;

protected:
    ~Trace() = default;
};

/// One step of a run; cheap to make, keeps nothing. All that it is given belongs to the caller;
/// script, call and state are the same ones for all steps of a run.
class Machine {
public:
    Machine(const Script& script, const Call& call, const Policy& policy, Zones& zones,
            State& state, Trace* trace = nullptr)
        : script_(script),
          call_(call),
          policy_(policy),
          zones_(zones),
          state_(state),
          trace_(trace) {}
    Machine(const Script&, const Call&, const Policy&&, Zones&, State&, Trace* = nullptr) = delete;

    /// Begins a run with a fresh state.
    Action start(Direction direction);
    /// Goes on; an outcome that does not fit what was waited for is a fault.
    Action resume(const Outcome& outcome);

    /// The locations of a redirect action, best first: "<uri>;q=0.8, <uri>;q=0.5".
    [[nodiscard]] std::string contact_header() const;
    [[nodiscard]] Contact location(std::size_t n) const {
        return state_.locations.contact(script_.bytes(), n);
    }

private:
    struct ProxyNode;

    Action run(Target target);
    /// Where the node leads to; fills `action` when something is to be done before.
    Target node(Target at, Action& action);
    Target address_switch(Reader& in, Target at);
    Target string_switch(Reader& in, Target at);
    Target language_switch(Reader& in, Target at);
    Target time_switch(Reader& in, Target at);
    Target priority_switch(Reader& in, Target at);
    template <class Holds>
    Target choose(Reader& in, Target at, bool present, Holds holds);
    Target location_node(Reader& in);
    Target remove_location(Reader& in);
    Target note(Reader& in, Op op, Target at, Action& action);
    Target lookup(Reader& in, Target at, Action& action);
    Target reject(Reader& in, Action& action);
    Target redirect(Reader& in, Action& action);

    Target proxy(Target at, Action& action);
    bool attempt(const ProxyNode& node, Action& action);
    Target proxied(const Outcome& outcome, Action& action);
    void take_redirection(const ProxyNode& node, const Outcome& outcome);
    Target proxy_output(const ProxyNode& node);
    [[nodiscard]] Target leave(const ProxyNode& node, std::size_t output) const;
    Action end(Action::Kind kind);
    Action refuse(std::uint16_t code);
    Action default_behaviour();
    bool add_targets(LocationSet::Standing standing, std::size_t max, Action& action);
    bool has_proxyable(LocationSet::Standing standing) const;

    Script script_;
    const Call& call_;
    const Policy& policy_;
    Zones& zones_;
    State& state_;
    Trace* trace_;
};

}  // namespace fairlead::cpl
