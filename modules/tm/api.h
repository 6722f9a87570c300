// What tm offers to other modules: Api (the transaction of a message), UacApi (requests of our
// own), SuspendApi (scripts that go on later) and StepsApi (relaying step by step). Each is an
// interface with a version of its own that `needs<&Mine::tm>()` binds; see docs/modules.md. Nothing
// that a transaction keeps is a code address: who is to be told is a number that was given out
// before fork. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "core/module.h"
#include "modules/tm/header_lines_api.h"
#include "modules/tm/observe_api.h"
#include "modules/tm/steps_api.h"

namespace fairlead::tm {

/// Something that became of a transaction.
struct Report {
    enum class What : std::uint8_t {
        replied,  ///< a final reply went upstream; a provisional one if the watcher wants them
        failed    ///< all branches ended with `code`; failure_route has not run yet
    };
    What what = What::replied;
    bool local = false;      ///< the reply was made here
    bool by_script = false;  ///< … by t_reply() and its kin
    int code = 0;
    std::string_view reply;  ///< the whole message; "" when there is none
};

/// Told of transactions that have one of its flags.
class Watcher {
public:
    /// In the process where it happened, without any lock. `request` is a copy with the flags and
    /// variables of the transaction; its URI is that of the branch. What is returned are flags
    /// that the transaction loses.
    virtual std::uint32_t told(Message& request, const Report& report) = 0;

protected:
    ~Watcher() = default;
};

/// A reply from outside. Views are needed during the call only.
struct OwnReply {
    int code = 0;
    std::string_view reason;
    std::string_view to_tag;   ///< "": the one of the transaction's own replies
    std::string_view headers;  ///< whole lines with CRLF
    std::string_view body;
};

/// All calls in a process with an engine, on the message that it works on. No lock may be held.
struct Api {
    static constexpr ApiId api_id{"tm", 2};

    /// Whether a transaction exists for this message in this script run (made or looked up).
    [[nodiscard]] virtual bool has_transaction(const Message& m) const noexcept = 0;
    /// t_newtran: 1 made, 0 a retransmission (dealt with), below 0 a ScriptError.
    virtual int new_transaction(Message& m) = 0;
    /// t_reply: a stateful reply; 1, or -1 when there is no transaction or a final reply went out.
    virtual int reply(Message& m, int code, std::string_view reason) = 0;
    /// t_relay to where the message points.
    virtual int relay(Message& m) = 0;
    /// The To-tag that replies of this transaction carry; "" without transaction.
    [[nodiscard]] virtual std::string_view reply_to_tag(const Message& m) const noexcept = 0;
    /// Before fork (in prepare()): tells `watcher` of transactions with any of these message flags.
    virtual void watch(Watcher& watcher, std::uint32_t flags, bool provisional) = 0;

    enum class Which : std::uint8_t { all, others, current };
    /// Cancels branches of the transaction of this reply; false without one.
    virtual bool cancel_branches(Message& m, Which which) = 0;
    /// Cancels the INVITE with this Call-ID and CSeq number that is pending, and sets `flags` in
    /// it; `code` is the cause in the Reason of the CANCELs, 0 for none. False when there is none.
    /// Walks the whole table.
    virtual bool cancel_call(std::string_view call_id, std::uint32_t cseq, std::uint32_t flags,
                             std::uint16_t code) = 0;
    /// Replies to the transaction with this Call-ID and CSeq number. False when there is none, or
    /// when it has its final reply. Walks the whole table.
    virtual bool reply_to_call(std::string_view call_id, std::uint32_t cseq, int code,
                               std::string_view reason) = 0;
    /// The same with all that a reply may have.
    virtual bool answer_call(std::string_view call_id, std::uint32_t cseq,
                             const OwnReply& reply) = 0;
    /// The same for the transaction with this index and label ($T(id_index), $T(id_label)).
    virtual bool answer(std::uint32_t slot, std::uint32_t label, const OwnReply& reply) = 0;

protected:
    ~Api() = default;
};

// ---- Requests of our own ------------------------------------------------------------------------

/// Names a transaction that request() began. Never used again in the life of the server.
struct UacId {
    using ShmSafe = void;
    std::uint32_t slot = 0, label = 0;
    friend bool operator==(UacId, UacId) = default;
};

/// What UacApi::on_reply gave; the same in every process.
enum class UacCallback : std::uint16_t { none = 0xffff };

/// What became of a request of our own.
struct UacReply {
    UacId id;
    int code = 0;
    bool local = false;      ///< no reply came: 408 timeout, 503 not sent; `reply` is ""
    std::string_view reply;  ///< the whole message as it was received
    std::string_view param;  ///< as given with the request
    [[nodiscard]] bool is_final() const noexcept { return code >= 200; }
};

/// Told of replies.
class UacListener {
public:
    /// Without any lock. In the process that asked (in its event loop), unless the request said
    /// in_any_process. Once for the final reply, and once more for each further To-tag of a 2xx to
    /// a forked INVITE; for provisional replies other than 100 if they are wanted, each in the
    /// order of their arrival. May launch requests. Views are valid during the call only.
    virtual void replied(const UacReply& reply) = 0;

protected:
    ~UacListener() = default;
};

/// A request to launch. Views are needed during the call only.
struct UacRequest {
    /// Bytes of `param` at most.
    static constexpr std::size_t kMaxParam = 64;

    std::string_view method;
    std::string_view request_uri;
    std::string_view next_hop;  ///< a URI; "" when the Request-URI decides
    std::string_view from, to;  ///< values; "" is an address of ours, and the Request-URI
    std::string_view from_tag;  ///< "" makes one, unless `from` has one
    std::string_view to_tag;    ///< "" adds none
    std::string_view call_id;   ///< "" makes one
    std::uint32_t cseq = 0;     ///< 0 is 10
    /// Whole lines with CRLF, also of Contact, Content-Type and Route. Each `!!` becomes host:port
    /// of the socket that is used.
    std::string_view headers;
    std::string_view body;
    std::string_view socket;      ///< "udp:host:port" or its name; "" chooses one
    bool provisional = false;     ///< provisional replies are reported too
    bool dont_ack = false;        ///< a 2xx to an INVITE is acknowledged by acknowledge() only
    bool in_any_process = false;  ///< `callback` is called where the reply arrives
    UacCallback callback = UacCallback::none;  ///< none: nobody is told
    std::string_view param;                    ///< comes back with each reply
};

/// A dialog seen from here (RFC 3261 12); belongs to its user, in private memory.
struct Dialog {
    enum class State : std::uint8_t { fresh, early, confirmed, over };
    State state = State::fresh;
    std::string call_id, local_tag, remote_tag;
    std::string local_uri, remote_uri;  ///< values of From and To without tags
    std::string target;                 ///< the peer's Contact: Request-URI of what is sent
    std::vector<std::string> routes;    ///< values of Route, the first is the next hop
    std::uint32_t local_cseq = 10;      ///< of the last request sent
    std::string socket;                 ///< "" chooses one
};

/// In any process after fork, without any lock.
struct UacApi {
    static constexpr ApiId api_id{"tm.uac", 1};

    /// Before fork (in prepare()).
    [[nodiscard]] virtual UacCallback on_reply(UacListener& listener) = 0;

    /// t_uac, t_request: launches a transaction. What it says when it was not launched: bad_request
    /// (a text that is not as it must be), bad_uri, bad_address, bad_protocol, no_socket,
    /// out_of_memory, dropped (event_route[tm:local-request] did), send; then nobody is told
    /// anything. The callback comes behind the return of this call. event_route[tm:local-request]
    /// runs with the request and may change its headers.
    ///
    /// When the process that asked dies, replies for it are dropped; the transaction ends as ever.
    [[nodiscard]] virtual std::expected<UacId, ScriptError> request(const UacRequest& request) = 0;

    /// t_request_outside: the first request of a dialog. Fills in what `dialog` lacks (Call-ID,
    /// tag). `request` gives method, headers, body, next hop and callback; the rest is the
    /// dialog's.
    [[nodiscard]] virtual std::expected<UacId, ScriptError> request_outside(
        Dialog& dialog, const UacRequest& request) = 0;
    /// t_request_within: another request in a dialog that is early or confirmed (else
    /// bad_request), with the next CSeq number.
    [[nodiscard]] virtual std::expected<UacId, ScriptError> request_within(
        Dialog& dialog, const UacRequest& request) = 0;
    /// dlg_response_uac: learns tag, target and routes from a reply to a request of this dialog
    /// (RFC 3261 12.1.2, 12.2.1.2; 408 and 481 within it end it). False when it is none.
    virtual bool learn(Dialog& dialog, std::string_view reply) const = 0;

    /// Cancels a pending INVITE (RFC 3261 9.1: with its first provisional reply when none came;
    /// see cancel_b_method). False when it is not there, no INVITE, or over.
    virtual bool cancel(UacId id) = 0;
    /// ack_local_uac: the ACK for this 2xx to an INVITE with dont_ack, with more lines and a body.
    /// False when the transaction is gone or the reply cannot be read.
    virtual bool acknowledge(UacId id, std::string_view reply, std::string_view headers,
                             std::string_view body) = 0;

    /// Fresh identifiers.
    [[nodiscard]] virtual std::string new_call_id() = 0;
    [[nodiscard]] virtual std::string new_tag() = 0;

    /// pass_provisional_replies: what UacRequest::provisional shall be for applications.
    [[nodiscard]] virtual bool passes_provisional_replies() const noexcept = 0;

protected:
    ~UacApi() = default;
};

// ---- Suspension ---------------------------------------------------------------------------------

/// Names one suspension of one transaction; good for one resume(). May lie in shared memory.
struct SuspendToken {
    using ShmSafe = void;
    std::uint32_t slot = 0, label = 0, ticket = 0;
    friend bool operator==(SuspendToken, SuspendToken) = default;
};

/// What resume() says.
enum class Resumed : std::uint8_t {
    resumed,    ///< the script went on and has ended by now (or will, see SuspendApi::resume)
    final,      ///< a final reply went upstream meanwhile
    cancelled,  ///< the client cancelled: it was answered 487
    expired,    ///< it was not resumed in time
    stale       ///< resumed or withdrawn before, or the transaction is gone
};

/// What SuspendApi::on_wake gave; the same in every process.
enum class WakerId : std::uint16_t { none = 0xffff };
class Waker {
public:
    /// The time to go on has come; in any process, without any lock. Hands the token to whoever
    /// shall resume it. False when that was not possible: asked again in 10 ms. Asked again every
    /// second, too, until somebody resumes: what it was handed to may have died.
    virtual bool wake(const SuspendToken& token, std::uint64_t param) = 0;

protected:
    ~Waker() = default;
};

/// How a transaction is suspended.
struct Suspend {
    Ms until{0};  ///< how long at most; 0: fr_timer of the transaction. Up to 24 days.
    Ms wake{-1};  ///< when `waker` is called; below 0: never. It extends `until` if that is 0.
    WakerId waker = WakerId::none;
    std::uint64_t param = 0;
    bool keep_way = false;     ///< resume() may go on behind the statement that runs
    std::string_view luggage;  ///< bytes for who resumes
};
class Unpacker {
public:
    /// Before the script goes on.
    virtual void unpack(Message& m, std::string_view luggage) = 0;

protected:
    ~Unpacker() = default;
};

/// While a transaction is suspended: a CANCEL is answered and the INVITE gets 487; a request that
/// comes again gets its 100 again; a reply of a branch that was made beside goes its way, but
/// completes nothing below 2xx; a final reply by anybody ends the suspension. When nobody resumes
/// in time, failure_route runs with 408, or 408 goes up; a failure_route that was suspended is then
/// taken as if it had ended. The death of any process leaves it suspended; of the one that resumed
/// it, what the death of a script leaves: 500 unless something was sent.
///
/// What goes on has the flags, variables (AVP, XAVP and their kin), Request-URI, branches, edits
/// and reply lines that the script had at its end, also those from behind suspend().
struct SuspendApi {
    static constexpr ApiId api_id{"tm.suspend", 1};

    /// Before fork (in prepare()).
    [[nodiscard]] virtual WakerId on_wake(Waker& waker) = 0;
    /// t_suspend, in a script of request_route (the transaction is made if there is none) or
    /// failure_route. The script should end soon. Otherwise says why not: cancelled; unspecified
    /// (a final reply went out); out_of_memory; script (another suspension waits, this type of
    /// route, or no way back where one was asked for); none: the request came again and was dealt
    /// with.
    [[nodiscard]] virtual std::expected<SuspendToken, ScriptError> suspend(Message& m,
                                                                           const Suspend& how) = 0;
    /// t_cancel_suspend, by the script that suspended. False when it waits no longer.
    virtual bool cancel_suspend(Message& m, const SuspendToken& token) = 0;
    /// t_continue, in any process without any lock: runs `route` in the type of route that was
    /// suspended, or (none) what follows the statement at which it was. At most one caller is told
    /// `resumed`. When the script that suspended it has not ended yet, it goes on in that one's
    /// process, right behind it.
    virtual Resumed resume(const SuspendToken& token, RouteId route,
                           Unpacker* unpacker = nullptr) = 0;
    /// The waiting suspension of a transaction; a ticket of 0 when there is none.
    [[nodiscard]] virtual SuspendToken waiting(std::uint32_t slot, std::uint32_t label) = 0;
    /// How many wait in the whole server; may be one or two off while others work.
    [[nodiscard]] virtual std::int64_t suspended() const noexcept = 0;

protected:
    ~SuspendApi() = default;
};

}  // namespace fairlead::tm
