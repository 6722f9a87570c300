// Message: a SIP message while it is being worked on: what was received, and what the script
// decided. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/api/avp.h"
#include "core/api/net.h"
#include "core/api/script.h"
#include "core/base/arena.h"
#include "core/sip/build.h"
#include "core/sip/edits.h"
#include "core/sip/message.h"

namespace fairlead {

inline constexpr std::size_t kMaxBranches = 32;  ///< the Request-URI's own branch included
inline constexpr std::int16_t kNoQ = -1;         ///< q-value not given; else thousandths, 0…1000

/// Kamailio's internal error numbers (ser_error): what sl_reply_error and tm translate into
/// replies.
enum class ScriptError : std::int16_t {
    none = 0,
    unspecified = -1,
    out_of_memory = -2,
    configuration = -6,
    no_socket = -7,
    bad_via = -8,
    bad_tuple = -9,
    script = -10,
    external_logic = -11,
    too_many_branches = -12,
    bad_to = -13,
    bad_request = -400,
    send = -477,
    bad_address = -478,
    bad_uri = -479,
    bad_protocol = -480,
    too_many_hops = -483,  ///< Max-Forwards was 0 on arrival: not forwarded (RFC 3261 16.3)
    cancelled = -487,
    bad_server = -500,
    dropped = -510
};
/// Code and phrase for an error ("478", "Unresolvable destination"), by the table of
/// sl_reply_error.
struct ErrorReply {
    int code;
    std::string_view reason;
};
[[nodiscard]] ErrorReply error_reply(ScriptError error) noexcept;

/// A place where the request goes. Strings live in the arena.
struct BranchTarget {
    std::string_view uri;      ///< Request-URI of the branch
    std::string_view dst_uri;  ///< next hop ($du), "" when the Request-URI decides
    std::string_view path;     ///< Path value, "" for none
    std::int16_t q = kNoQ;
    std::uint16_t listener = kNoListener;  ///< forced send socket
    std::uint32_t flags = 0;
    std::string_view ruid{};         ///< of the registered contact that it came from, "" for none
    std::string_view location_ua{};  ///< … the User-Agent that registered it
    std::string_view instance{};     ///< … its +sip.instance, with < and > (RFC 5626)
};

class Trace;

/// What is about to leave, while an onsend_route runs.
struct Leaving {
    Target to;
    std::string_view bytes;
};

/// Where in the configuration a script is. Views into the program.
struct ScriptPlace {
    std::string_view file;
    std::uint32_t line = 0;
    RouteId route = RouteId::none;  ///< the innermost route that runs
};

/// One per process and reused; the arena is emptied behind each message. Functions of modules get
/// it by reference and must not keep it.
class Message {
public:
    static constexpr std::size_t kSlots = 16;

    explicit Message(Arena& message_arena) noexcept
        : arena(message_arena),
          avps(message_arena),
          xavps(message_arena),
          xavus(message_arena),
          xavis(message_arena, Xavps::Names::without_case) {}

    /// Makes it ready for the next message: everything below except `sip` is set to its default.
    void reset(const Received& from, Ms now) noexcept;

    [[nodiscard]] bool is_request() const noexcept { return sip.is_request(); }

    sip::Message sip;  ///< as received; never changes
    Received received;
    Ms arrived{0};
    std::int64_t arrived_ns = 0;  ///< Clock::ns() at its arrival; 0 when nobody received it
    std::uint64_t number = 0;     ///< $mi: counts messages in this process
    Arena& arena;

    // What the script decided about the request.
    BranchTarget target;                              ///< uri "" = not rewritten
    std::array<BranchTarget, kMaxBranches> branches;  ///< added by append_branch and lookup
    std::size_t branch_count = 0;
    std::uint32_t flags = 0;         ///< setflag
    std::uint32_t script_flags = 0;  ///< setsflag
    bool force_rport = false;
    bool add_local_rport = false;
    /// How streams are used for the request and for replies to it: whether they may be opened, and
    /// whether they are closed behind it.
    bool forward_no_connect = false, forward_close = false;
    bool reply_no_connect = false, reply_close = false;
    Proto udp_mtu_try_proto = Proto::none;  ///< instead of the parameter's
    bool uri_consumed = false;              ///< the current URI already became a branch (t_relay)
    /// A module (tm: it made a transaction) ends this request in message_done(), whatever the
    /// script did; the engine does not answer for it.
    bool is_owned = false;
    std::string_view advertised_host;  ///< set_advertised_address
    std::uint16_t advertised_port = 0;
    std::string_view via_params;     ///< ";name=value…" that our Via gets behind its own
    sip::Edits edits;                ///< changes to the message when it is forwarded
    std::string_view reply_headers;  ///< lines that a locally made reply carries (append_to_reply)
    std::string_view reply_body, reply_content_type;

    Avps avps;
    Xavps xavps, xavus, xavis;
    Route route_type = Route::request;      ///< of the top route that runs
    ScriptError error = ScriptError::none;  ///< of the last function; the interpreter clears it
    int return_code = 1;                    ///< $rc
    const Leaving* leaving = nullptr;       ///< null outside of onsend_route
    ScriptPlace place;                      ///< of the call or assignment that runs
    Trace* trace = nullptr;                 ///< null unless it is traced (core/api/trace.h)

    /// A word per module that asked for one (Core::message_slot): zero at the start of each
    /// message.
    std::array<std::uintptr_t, kSlots> slots{};

    /// The Request-URI as it stands.
    [[nodiscard]] std::string_view uri() const noexcept {
        return target.uri.empty() ? sip.request_uri() : target.uri;
    }
    /// The URI that decides the next hop: dst_uri if set, else the Request-URI.
    [[nodiscard]] std::string_view next_hop() const noexcept {
        return target.dst_uri.empty() ? uri() : target.dst_uri;
    }
    /// False when all branches are taken; `max` is the configured bound, the main branch included.
    bool append_branch(const BranchTarget& branch, std::size_t max = kMaxBranches) noexcept;
    /// AVPs, XAVPs and what our Via says as one block of bytes that a transaction keeps: its size
    /// (0 when there is nothing), writing it, and reading it back; false when the bytes are none.
    [[nodiscard]] std::size_t kept_size() const noexcept;
    void keep(char* out) const noexcept;
    bool load_kept(std::string_view kept);
    /// Adds whole lines with CRLF to reply_headers.
    void append_to_reply(std::string_view lines);
};

/// Makes `to`, which is empty, stand for the request `from` when that is gone: its bytes, edits and
/// target, its variables and what our Via says. Words of modules (Message::slots) and branches
/// stay behind.
void copy_request(const Message& from, Message& to);
/// The same for a target alone.
void copy_target(Message& to, const BranchTarget& target);

}  // namespace fairlead
