// Transactions: what the module shows to the server.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include "modules/tm/audit.h"
#include "modules/tm/commands.h"

#include "core/api/log.h"
#include "core/api/sip.h"
#include "core/api/text.h"
#include "modules/tm/tm.h"
#include "modules/tm/tunables.h"
#include "modules/tm/variables.h"
#include "modules/tm/write_request.h"

namespace fairlead::tm {

namespace {

constexpr Range kTime{.min = 1, .max = INT32_MAX};

constexpr std::string_view kWithUnit = "The same with its unit: \"500ms\", \"30s\".";

/// A time in milliseconds takes an integer or a string with its unit.
template <int Tm::* Field>
constexpr Param lifetime(std::string_view name, std::string_view doc) {
    return param<Field>(name, doc, kTime);
}
template <int Tm::* Field>
constexpr Param lifetime_text(std::string_view name) {
    return param_method<&Tm::set_lifetime<Field>>(name, kWithUnit, Type::string);
}

/// A time whose bare number may be seconds (times.h).
template <TimeName Name>
constexpr Param time(std::string_view name, std::string_view doc,
                     std::string (*initial)(const Module&)) {
    return {name,
            doc,
            Type::integer,
            kTime,
            false,
            [](Module& m, const Value& v) { return static_cast<Tm&>(m).set_time<Name>(v); },
            initial};
}
template <TimeName Name>
constexpr Param time_text(std::string_view name) {
    return param_method<&Tm::set_time<Name>>(name, kWithUnit, Type::string);
}
template <std::uint32_t Times::* Field>
std::string initial(const Module&) {
    return std::to_string(Times().*Field);
}
std::string none(const Module&) {
    return {};
}

/// A text as a template argument.
template <std::size_t N>
struct Name {
    std::array<char, N> text{};
    constexpr Name(const char (&from)[N]) noexcept { std::copy_n(from, N, text.begin()); }
    [[nodiscard]] constexpr std::string_view view() const noexcept { return {text.data(), N - 1}; }
};
/// A parameter that is taken and said to change nothing, since what it speaks of is not there.
template <Name N>
constexpr Param without_effect(std::string_view doc, Type type = Type::integer) {
    return {N.view(),
            doc,
            type,
            {},
            true,
            [](Module&, const Value&) -> Result<void> {
                LOG(notice, "parameter {} is taken and changes nothing: see the README", N.view());
                return {};
            },
            [](const Module&) { return std::string(); }};
}
constexpr std::string_view kNoFailover = "Without effect: a next hop has one address.";
constexpr std::string_view kNoBlocklist = "Without effect: there is no list of blocked addresses.";
constexpr std::string_view kNoEmbedding = "Without effect: routes are written in this language.";

constexpr Param params[] = {
    param_method<&Tm::set_timer_units>(
        "timer_units",
        "What bare numbers are in fr_timer, fr_inv_timer, wt_timer, delete_timer, retr_timer…, "
        "unix_tx_timeout: \"s\", \"ms\", or \"auto\" (the default): seconds where a number is too "
        "small for milliseconds or where delete_timer or retr_timer1p1, 1p2, 1p3 is set, else "
        "milliseconds. A mixture is refused.",
        Type::string),
    time<TimeName::fr_timer>("fr_timer",
                             "Without a final reply (INVITE: without any) until then: 408.",
                             initial<&Times::fr>),
    time_text<TimeName::fr_timer>("fr_timer"),
    time<TimeName::fr_inv_timer>("fr_inv_timer", "The same for an INVITE that rings.",
                                 initial<&Times::fr_inv>),
    time_text<TimeName::fr_inv_timer>("fr_inv_timer"),
    time<TimeName::wt_timer>("wt_timer", "How long a completed transaction stays.",
                             initial<&Times::wait>),
    time_text<TimeName::wt_timer>("wt_timer"),
    time<TimeName::delete_timer>(
        "delete_timer", "Without effect: a transaction is freed when nobody uses it.", none),
    time_text<TimeName::delete_timer>("delete_timer"),
    time<TimeName::retr_timer1>("retr_timer1", "T1: the first retransmission interval.",
                                initial<&Times::t1>),
    time_text<TimeName::retr_timer1>("retr_timer1"),
    time<TimeName::retr_timer1p1>("retr_timer1p1",
                                  "T1, where the intervals are given one by one; behind the third "
                                  "all are retr_timer2.",
                                  none),
    time_text<TimeName::retr_timer1p1>("retr_timer1p1"),
    time<TimeName::retr_timer1p2>(
        "retr_timer1p2", "The second retransmission interval; default twice the first.", none),
    time_text<TimeName::retr_timer1p2>("retr_timer1p2"),
    time<TimeName::retr_timer1p3>("retr_timer1p3", "The third; default four times the first.",
                                  none),
    time_text<TimeName::retr_timer1p3>("retr_timer1p3"),
    time<TimeName::retr_timer2>("retr_timer2", "T2: the longest retransmission interval.",
                                initial<&Times::t2>),
    time_text<TimeName::retr_timer2>("retr_timer2"),
    param_method<&Tm::set_avp_name<&Tm::fr_timer_avp>>(
        "fr_timer_avp",
        "Name of an AVP with the fr_timer of one transaction, in seconds; callee_fr_timer. \"\": "
        "none.",
        Type::string),
    param_method<&Tm::set_avp_name<&Tm::fr_inv_timer_avp>>(
        "fr_inv_timer_avp",
        "The same for fr_inv_timer, callee_fr_inv_timer; such a transaction is noisy.",
        Type::string),
    lifetime<&Tm::max_inv_lifetime>("max_inv_lifetime",
                                    "No INVITE waits longer for a final reply."),
    lifetime_text<&Tm::max_inv_lifetime>("max_inv_lifetime"),
    lifetime<&Tm::max_noninv_lifetime>("max_noninv_lifetime", "The same for other requests."),
    lifetime_text<&Tm::max_noninv_lifetime>("max_noninv_lifetime"),
    param<&Tm::retr_invite_cap>("retr_invite_cap",
                                "1: INVITE retransmissions stop growing at T2 (RFC 3261: they "
                                "double)."),
    param<&Tm::rfc4320>("rfc4320",
                        "0: relay provisional replies to, and send 408 for, requests other than "
                        "INVITE."),
    param<&Tm::noisy_ctimer>(
        "noisy_ctimer",
        "0: an INVITE whose only callee rings longer than fr_inv_timer ends in silence and goes on "
        "ringing, unless failure_route, accounting or an AVP of fr_inv_timer wants it to end."),
    param<&Tm::silent_when_unanswered>(
        "silent_when_unanswered",
        "1: noisy_ctimer=0 has the meaning of Kamailio 5: silence when nobody ever said anything."),
    param<&Tm::restart_fr_on_each_reply>("restart_fr_on_each_reply",
                                         "Each provisional reply starts fr_inv_timer anew."),
    param<&Tm::relay_100>("relay_100", "1: pass 100 on (against RFC 3261)."),
    param<&Tm::auto_inv_100>("auto_inv_100", "t_relay() answers an INVITE with 100 at once."),
    param<&Tm::auto_inv_100_reason>("auto_inv_100_reason", "The phrase of that 100."),
    param<&Tm::cancel_b_method>("cancel_b_method",
                                "To cancel a branch without any reply: 0 as if it had answered "
                                "487, 1 with its first provisional reply, 2 at once.",
                                {.min = 0, .max = 2}),
    param<&Tm::failure_reply_mode>("failure_reply_mode",
                                   "Replies of earlier serial steps: 0 compete, 1 are dropped, 2 "
                                   "those of the last step are dropped, 3 all when a new branch "
                                   "was made.",
                                   {.min = 0, .max = 3}),
    param<&Tm::faked_reply_prio>("faked_reply_prio",
                                 "Added to the rank of replies made here; positive is worse.",
                                 {.min = -10000, .max = 10000}),
    param<&Tm::remap_503_500>("remap_503_500", "A 503 that wins is passed on as 500."),
    param<&Tm::aggregate_challenges>("aggregate_challenges",
                                     "A 401 or 407 carries the challenges of all branches."),
    param<&Tm::disable_6xx_block>("disable_6xx_block", "1: 6xx is like any negative reply."),
    param<&Tm::local_cancel_reason>("local_cancel_reason",
                                    "CANCELs caused by a final reply say so in Reason."),
    param<&Tm::e2e_cancel_reason>("e2e_cancel_reason",
                                  "CANCELs repeat the Reason of the CANCEL that came."),
    param<&Tm::unmatched_cancel>("unmatched_cancel",
                                 "A CANCEL without INVITE: 0 relayed, 1 forwarded without state, "
                                 "2 dropped.",
                                 {.min = 0, .max = 2}),
    param<&Tm::default_code>("default_code", "Code of t_reply() when the given one is none.",
                             {.min = 400, .max = 699}),
    param<&Tm::default_reason>("default_reason", "Phrase of t_reply() when none is given."),
    param<&Tm::rich_redirect>("rich_redirect",
                              "What the Contact of a redirection tells besides the URI: 1 branch "
                              "flags, 2 the Path, 3 both.",
                              {.min = 0, .max = 3}),
    param<&Tm::ac_extra_hdrs>("ac_extra_hdrs",
                              "CANCEL and the ACK of a negative reply repeat those fields of the "
                              "INVITE as it was sent whose name begins so; \"\": none."),
    param<&Tm::failure_uri_of_winner>("failure_uri_of_winner",
                                      "failure_route sees the Request-URI of the winning branch; "
                                      "0: of the first, as Kamailio 5."),
    param<&Tm::reply_matching>("reply_matching",
                               "Replies must agree in Call-ID, CSeq and From tag too."),
    param<&Tm::forward_stray_replies>(
        "forward_stray_replies",
        "1: a reply to a transaction of ours that has ended is forwarded without state, as older "
        "servers do. RFC 6026 7.3 and RFC 4320 4.2: dropped."),
    param<&Tm::via1_matching>("via1_matching",
                              "Of clients before RFC 3261 (no cookie in the branch), ACK and "
                              "CANCEL must have the INVITE's topmost Via."),
    param<&Tm::ruri_matching>("ruri_matching", "… and its Request-URI."),
    param<&Tm::ack_tag_matching>("ack_tag_matching",
                                 "1: … and the ACK the To-tag of the reply that it acknowledges."),
    param<&Tm::cancel_tag_matching>("cancel_tag_matching",
                                    "1: … and the CANCEL the To-tag of the INVITE."),
    param<&Tm::hash_size>("hash_size", "Buckets of the table; rounded up to a power of two.",
                          {.min = 1, .max = 1 << 20}),
    param<&Tm::max_transactions>("max_transactions",
                                 "New requests get 503 above this number; 0: as memory allows.",
                                 {.min = 0, .max = INT32_MAX}),
    param<&Tm::on_sl_reply>("on_sl_reply",
                            "onreply_route for replies without transaction; drop or return 0 there "
                            "keeps them from being forwarded."),
    param<&Tm::contacts_avp>("contacts_avp",
                             "XAVP in which t_load_contacts() keeps the destination set."),
    param<&Tm::contact_flows_avp>("contact_flows_avp",
                                  "XAVP for further flows to the same instance; goes with "
                                  "contacts_avp."),
    param<&Tm::failure_exec_mode>("failure_exec_mode",
                                  "1: t_relay() that could send nothing says 1, and failure_route "
                                  "runs for it with 408."),
    param<&Tm::check_trans_exits>(
        "check_trans_exits",
        "t_check_trans() answers a retransmission and ends the script, as "
        "in Kamailio 5; 0: it says 1, and nothing happens."),
    param_method<&Tm::set_branch_flag_mask>(
        "branch_flag_mask",
        "Message flags that belong to a branch: what a branch_route does to them is seen in "
        "replies and failures of that branch only. 32 bits: \"0xff000000\", \"b1100\" or \"12\".",
        Type::string),
    param_variables<&Tm::add_append_list>("tw_append",
                                          "A list of what t_write_fifo() and t_write_unix() add: "
                                          "\"name: title=$variable; $rb\", also "
                                          "\"name:title=avp[x];hdr[X];msg[body]\"."),
    time<TimeName::unix_tx_timeout>(
        "unix_tx_timeout",
        "How long what could not be written at once is tried again; a worker never waits.",
        initial<&Times::unix_tx>),
    time_text<TimeName::unix_tx_timeout>("unix_tx_timeout"),
    param<&Tm::pass_provisional_replies>(
        "pass_provisional_replies",
        "Applications that launch requests (the FIFO) hear of provisional replies too, but for "
        "100."),
    param<&Tm::local_ack_mode>("local_ack_mode",
                               "Where the ACK of a 2xx to our own INVITE goes: 0 where RFC 3261 "
                               "13.2.2.4 says, 1 where the "
                               "INVITE went, 2 where the 2xx came from.",
                               {.min = 0, .max = 2}),
    param<&Tm::reply_relay_mode>(
        "reply_relay_mode",
        "A 2xx that waited suspended while another final reply went up goes up too (RFC 3261 16.7 "
        "step 10) and leaves that one in its place; 0: it is what the request that comes again "
        "gets."),
    param<&Tm::xavp_contact>("xavp_contact",
                             "XAVP with attributes of contacts, the same as usrloc's: "
                             "t_load_contacts() puts them away with their contacts (the first is "
                             "that of the Request-URI, the others are those of the branches in "
                             "their order), t_next_contacts() brings them back."),
    param<&Tm::enable_uac_fr>(
        "enable_uac_fr",
        "1: the failure_route that event_route[tm:local-request] arms runs for that request of our "
        "own; it may relay it elsewhere, or decide what whoever launched it is told. (Its "
        "onreply_route runs in any case.)"),
    without_effect<"enable_stats">("Without effect: there are always statistics."),
    without_effect<"reparse_invite">(
        "Without effect: CANCEL and the ACK of a negative reply are always made of the INVITE as "
        "it was sent (RFC 3261 9.1, 17.1.1.3)."),
    without_effect<"callid_matching">("Without effect: Call-IDs are always compared."),
    param<&Tm::callid_cseq_matching>(
        "callid_cseq_matching",
        "1: requests match by Call-ID, CSeq number and From tag, whatever their Via (RFC 3261 "
        "17.2.3 wants the branch)."),
    without_effect<"exec_time_check">(
        "Without effect: no lock is held over a route, and its transaction stays."),
    without_effect<"reparse_on_dns_failover">(kNoFailover),
    without_effect<"dns_reuse_rcv_socket">(kNoFailover),
    without_effect<"blst_503">(kNoBlocklist),
    without_effect<"blst_503_def_timeout">(kNoBlocklist),
    without_effect<"blst_503_min_timeout">(kNoBlocklist),
    without_effect<"blst_503_max_timeout">(kNoBlocklist),
    without_effect<"blst_methods_add">(kNoBlocklist),
    without_effect<"blst_methods_lookup">(kNoBlocklist),
    without_effect<"event_callback">(kNoEmbedding, Type::string),
    without_effect<"event_callback_lres_sent">(kNoEmbedding, Type::string),
};

constexpr Route kR = Route::request;
constexpr Route kRF = Route::request | Route::failure;
constexpr Route kFailed = Route::failure | Route::branch_failure;
constexpr Route kArm = Route::request | Route::failure | Route::branch | Route::tm_reply |
                       Route::event;  // tm:local-request
constexpr Route kAsk = Route::request | Route::failure | Route::branch | Route::tm_reply;

/// "[proto:]host[:port]" as far as it can be judged before a message comes.
Result<void> check_address(const Module&, std::span<const Value> args) {
    std::string_view text = args[0].string();
    if (!args[0].is_string() || Address::parse(text)) return {};
    if (text.empty()) return fail("the address is empty");
    const std::size_t colon = text.find(':');
    if (colon != std::string_view::npos && parse_proto(text.substr(0, colon)))
        text.remove_prefix(colon + 1);
    const std::size_t end = text.starts_with('[') ? text.find(']') : text.find(':');
    const std::size_t at = text.find(':', std::min(end, text.size()));
    if (text.substr(0, at).find_first_of(" /@;") != std::string_view::npos)
        return fail("the address is no [protocol:]host[:port]");
    if (at == std::string_view::npos) return {};
    const auto port = text::parse_uint(text.substr(at + 1), UINT16_MAX);
    if (at == 0 || !port || *port == 0) return fail("the address is no [protocol:]host[:port]");
    return {};
}
Result<void> check_uri(const Module&, std::span<const Value> args) {
    if (!args[0].is_string()) return {};
    if (!sip::parse_uri(args[0].string())) return fail("this is no SIP URI");
    return {};
}
Result<void> check_protocol(const Module&, std::span<const Value> args) {
    if (args[0].is_string() && !parse_proto(args[0].string()))
        return fail("the protocol is udp, tcp, tls or sctp");
    return {};
}

/// One of the two is a path, and a list that is named is there.
Result<void> check_write(const Module& m, std::span<const Value> args) {
    if (!args[0].is_string() || !args[1].is_string()) return {};
    const bool swapped = args[0].string().starts_with('/');
    const std::string_view path = args[swapped ? 0 : 1].string();
    const std::string_view list = parse_write_info(args[swapped ? 1 : 0].string()).list;
    if (!path.starts_with('/') || path.size() > kMaxPath)
        return fail("the path begins with / and has at most 107 bytes");
    if (!list.empty() && static_cast<const Tm&>(m).appends.find(list) == nullptr)
        return fail("tw_append has no list \"" + std::string(list) + "\"");
    return {};
}

constexpr Route kReply = kRF | Route::tm_reply;
constexpr Route kWrite = Route::request | Route::failure | Route::branch;

/// Six arguments are one row, but too many for a method.
constexpr Function uac_send() {
    Function row{
        "t_uac_send",
        "Launches a request. The lines of `headers` give From and To, and may give Call-ID "
        "and CSeq; next hop, socket and body may be empty.",
        Route::any};
    for (const std::string_view name : {"method", "ruri", "nexthop", "socket", "headers", "body"})
        row.args[row.arity++] = {name, Type::string};
    row.required = row.arity;
    row.call = [](Module& m, Message& msg, std::span<const Argument> a) {
        const auto text = [&](std::size_t n) { return Kind<std::string_view>::from(a[n]); };
        return static_cast<Tm&>(m).t_uac_send(msg, {.method = text(0),
                                                    .request_uri = text(1),
                                                    .next_hop = text(2),
                                                    .headers = text(4),
                                                    .body = text(5),
                                                    .socket = text(3)});
    };
    return row;
}

constexpr Function functions[] = {
    function<&Tm::t_newtran>("t_newtran",
                             "Makes a transaction: 1; 0 (ends the script) for a retransmission, "
                             "which is answered.",
                             kR),
    function<&Tm::t_lookup_request>("t_lookup_request", "Whether the request has a transaction.",
                                    kR),
    function<&Tm::t_lookup_cancel>("t_lookup_cancel",
                                   "Whether the INVITE of this CANCEL has a transaction; with 1 "
                                   "its flags are copied.",
                                   kR, "copy_flags"),
    function<&Tm::t_check_trans>("t_check_trans",
                                 "Whether the message belongs to a transaction; a retransmission "
                                 "is answered and ends the script (see check_trans_exits).",
                                 Route::request | Route::failure | Route::branch | Route::reply),
    function<&Tm::t_relay>("t_relay", "Relays statefully to where the message points.", kRF),
    checked_function<&Tm::t_relay_address>(check_address, "t_relay",
                                           "Relays to [proto:]host[:port].", kRF, "address"),
    function<&Tm::t_relay_host>("t_relay", "Relays to a host and port.", kRF, "host", "port"),
    function<&Tm::t_relay_by<Proto::udp>>("t_relay_to_udp", "Relays over UDP.", kRF),
    function<&Tm::t_relay_by_to<Proto::udp>>("t_relay_to_udp", "Relays over UDP to a host.", kRF,
                                             "host", "port"),
    function<&Tm::t_relay_by<Proto::tcp>>("t_relay_to_tcp", "Relays over TCP.", kRF),
    function<&Tm::t_relay_by_to<Proto::tcp>>("t_relay_to_tcp", "Relays over TCP to a host.", kRF,
                                             "host", "port"),
    function<&Tm::t_relay_by<Proto::tls>>("t_relay_to_tls", "Relays over TLS.", kRF),
    function<&Tm::t_relay_by_to<Proto::tls>>("t_relay_to_tls", "Relays over TLS to a host.", kRF,
                                             "host", "port"),
    function<&Tm::t_relay_by<Proto::sctp>>("t_relay_to_sctp", "Relays over SCTP.", kRF),
    function<&Tm::t_relay_by_to<Proto::sctp>>("t_relay_to_sctp", "Relays over SCTP to a host.", kRF,
                                              "host", "port"),
    function<&Tm::t_relay_plain>("t_relay_to", "The same as t_relay().", kRF),
    function<&Tm::t_relay_some>("t_relay_to",
                                "Relays to [proto:]host[:port], or with flags: 1 no 100, 2 no "
                                "reply when it fails (then -4), 4 without effect.",
                                kRF, "address_or_flags"),
    function<&Tm::t_relay_to>("t_relay_to", "Both.", kRF, "address", "flags"),
    function<&Tm::t_relay_cancel>("t_relay_cancel",
                                  "Relays a CANCEL whose INVITE is there and ends the script; 1 "
                                  "when there is none.",
                                  kR),
    function<&Tm::t_forward_nonack>("t_forward_nonack",
                                    "Like t_relay() for a transaction that exists.", kRF),
    function<&Tm::t_forward_nonack>("t_forward_nonack_uri", "The same.", kRF),
    checked_function<&Tm::t_forward_nonack_address>(
        check_address, "t_forward_nonack", "The same to [proto:]host[:port].", kRF, "address"),
    function<&Tm::t_forward_nonack_host>("t_forward_nonack", "The same to a host and port.", kRF,
                                         "host", "port"),
    function<&Tm::t_forward_nonack_by<Proto::udp>>("t_forward_nonack_udp", "The same over UDP.",
                                                   kRF, "host", "port"),
    function<&Tm::t_forward_nonack_by<Proto::tcp>>("t_forward_nonack_tcp", "The same over TCP.",
                                                   kRF, "host", "port"),
    function<&Tm::t_forward_nonack_by<Proto::tls>>("t_forward_nonack_tls", "The same over TLS.",
                                                   kRF, "host", "port"),
    function<&Tm::t_forward_nonack_by<Proto::sctp>>("t_forward_nonack_sctp", "The same over SCTP.",
                                                    kRF, "host", "port"),
    checked_function<&Tm::t_forward_nonack_to>(check_protocol, "t_forward_nonack_to",
                                               "The same over a protocol to host:port.", kRF,
                                               "protocol", "address"),
    function<&Tm::t_replicate>("t_replicate",
                               "Sends the request also, in a transaction of its own that nobody "
                               "upstream hears of, to where the message points, and the branches "
                               "that were added to where they point. No route runs for it.",
                               kR),
    checked_function<&Tm::t_replicate_uri>(
        check_uri, "t_replicate", "The same to a URI; without the Route fields.", kR, "uri"),
    function<&Tm::t_replicate_host>("t_replicate", "The same to a host and port.", kR, "host",
                                    "port"),
    function<&Tm::t_replicate_by<Proto::udp>>("t_replicate_udp", "The same over UDP.", kR, "host",
                                              "port"),
    function<&Tm::t_replicate_by<Proto::tcp>>("t_replicate_tcp", "The same over TCP.", kR, "host",
                                              "port"),
    function<&Tm::t_replicate_by<Proto::tls>>("t_replicate_tls", "The same over TLS.", kR, "host",
                                              "port"),
    function<&Tm::t_replicate_by<Proto::sctp>>("t_replicate_sctp", "The same over SCTP.", kR,
                                               "host", "port"),
    checked_function<&Tm::t_replicate_to>(check_protocol, "t_replicate_to",
                                          "The same over a protocol to host:port.", kR, "protocol",
                                          "address"),
    function<&Tm::t_reply>("t_reply", "Answers the request through its transaction.", kReply,
                           "code", "reason"),
    function<&Tm::t_send_reply>("t_send_reply", "t_newtran() if needed, then t_reply().", kReply,
                                "code", "reason"),
    function<&Tm::t_retransmit_reply>("t_retransmit_reply", "Sends the last reply again.",
                                      Route::request | Route::failure | Route::branch),
    function<&Tm::t_release>("t_release", "Lets the transaction end after the wait time.", kR),
    function<&Tm::t_drop>("t_drop",
                          "Ends the transaction without a word, as if answered with a code (500).",
                          Route::any, "code"),
    function<&Tm::t_drop_replies>(
        "t_drop_replies",
        "Which replies take no part in what follows: \"a\" (or none) all, "
        "\"l\" those of the last step, \"n\" none.",
        Route::failure, "mode"),
    function<&Tm::t_save_lumps>("t_save_lumps",
                                "Stores the changes made so far: later branches have those, and "
                                "none made behind it.",
                                kR),
    function<&Tm::t_set_disable_internal_reply>(
        "t_set_disable_internal_reply", "1: no reply at the end when relaying failed.", kAsk, "on"),
    function<&Tm::without_effect_of>("t_set_disable_failover", kNoFailover, kAsk, "on"),
    function<&Tm::without_effect>(
        "t_use_uac_headers",
        "Without effect: CANCEL and ACK always have the fields of the INVITE as it was sent.",
        Route::any),
    function<&Tm::without_effect>("t_clean", "Without effect: nothing stays beyond its time.",
                                  Route::any),
    function<&Tm::t_on_failure>("t_on_failure",
                                "Runs a failure_route when all branches have failed; \"0\" "
                                "disarms.",
                                kArm, "route"),
    function<&Tm::t_on_reply>("t_on_reply", "Runs an onreply_route for each reply.", kArm, "route"),
    function<&Tm::t_on_branch>(
        "t_on_branch", "Runs a branch_route for each branch of the next t_relay().", kArm, "route"),
    function<&Tm::t_on_branch_failure>(
        "t_on_branch_failure",
        "Runs event_route[tm:branch-failure:…] for each branch that fails, before the others are "
        "done; branches that it adds belong to the same step.",
        kArm, "route"),
    function<&Tm::t_reuse_branch>("t_reuse_branch",
                                  "The next t_relay() sends the branch that failed once more: its "
                                  "URI, address, socket and branch flags.",
                                  Route::branch_failure),
    function<&Tm::t_load_contacts>("t_load_contacts",
                                   "Moves the destination set into contacts_avp: 0 sorted by q, 1 "
                                   "drawn by q. One destination stays where it is.",
                                   kRF, "mode"),
    function<&Tm::t_next_contacts>("t_next_contacts",
                                   "The best of what is left becomes the destination set; -2 when "
                                   "nothing is left.",
                                   kRF),
    function<&Tm::t_next_contact_flow>("t_next_contact_flow",
                                       "The next flow to the same instance becomes the "
                                       "Request-URI; -2 when there is none.",
                                       kRF | Route::branch_failure),
    checked_function<&Tm::t_write_fifo>(
        check_write, "t_write_fifo",
        "Tells another program of the request, through a FIFO: \"action/list of tw_append\" and "
        "the path, in any order. It may answer until fr_timer has passed.",
        kWrite, "info", "path"),
    checked_function<&Tm::t_write_fifo>(check_write, "t_write_req", "The same.", kWrite, "info",
                                        "path"),
    checked_function<&Tm::t_write_unix>(check_write, "t_write_unix",
                                        "The same through a UNIX datagram socket.", kWrite, "info",
                                        "path"),
    function<&Tm::t_is_set>("t_is_set", "Whether such a route is armed: branch, failure, onreply.",
                            Route::any, "what"),
    function<&Tm::t_check_status>("t_check_status",
                                  "Whether the status matches: last sent, received or winning.",
                                  kAsk | Route::core_reply, "status"),
    function<&Tm::t_grep_status>("t_grep_status", "Whether any branch has this status.", kAsk,
                                 "code"),
    function<&Tm::t_get_status_code>("t_get_status_code", "The status as return code.",
                                     kAsk | Route::core_reply),
    function<&Tm::t_is_canceled>("t_is_canceled", "Whether the client sent a CANCEL.", kAsk),
    function<&Tm::t_is_canceled>("t_was_cancelled", "The same.", kAsk),
    function<&Tm::t_branch_timeout>("t_branch_timeout", "Whether the winner is a timeout.",
                                    kFailed),
    function<&Tm::t_branch_replied>("t_branch_replied", "Whether the winner had got any reply.",
                                    kFailed),
    function<&Tm::t_any_timeout>("t_any_timeout", "Whether any branch timed out.", kAsk),
    function<&Tm::t_any_replied>("t_any_replied", "Whether any branch got a reply.", kAsk),
    function<&Tm::t_local_replied>("t_local_replied",
                                   "Whether the last reply (\"last\") or all (\"all\") were made "
                                   "here.",
                                   kAsk, "which"),
    function<&Tm::t_is_expired>("t_is_expired", "Whether the longest lifetime has passed.", kAsk),
    function<&Tm::t_set_fr>("t_set_fr", "fr_inv_timer and fr_timer of this transaction; 0 leaves.",
                            kAsk, "fr_inv", "fr"),
    function<&Tm::t_reset_fr>("t_reset_fr", "Back to the parameters.", kAsk),
    function<&Tm::t_set_retr>("t_set_retr", "T1 and T2 of this transaction; 0 leaves.", kAsk, "t1",
                              "t2"),
    function<&Tm::t_reset_retr>("t_reset_retr", "Back to the parameters.", kAsk),
    function<&Tm::t_set_max_lifetime>(
        "t_set_max_lifetime",
        "max_inv_lifetime and max_noninv_lifetime of this transaction, in milliseconds; 0 leaves.",
        kAsk, "invite", "other"),
    function<&Tm::t_reset_max_lifetime>("t_reset_max_lifetime", "Back to the parameters.", kAsk),
    function<&Tm::t_set_auto_inv_100>("t_set_auto_inv_100", "0: no automatic 100 for this INVITE.",
                                      kR, "on"),
    function<&Tm::t_set_disable_6xx>("t_set_disable_6xx", "1: 6xx is like any negative reply.",
                                     kAsk, "on"),
    function<&Tm::t_set_no_e2e_cancel_reason>(
        "t_set_no_e2e_cancel_reason", "1: CANCELs carry no Reason of the client's.", kAsk, "on"),
    function<&Tm::t_set_no_e2e_cancel_reason>("t_disable_e2e_cancel_reason", "The same.", kAsk,
                                              "on"),
    function<&Tm::t_flush_flags>("t_flush_flags", "Gives the transaction the message's flags.",
                                 Route::any),
    uac_send(),
    function<&Tm::t_flush_xflags>("t_flush_xflags",
                                  "Gives the transaction the extended flags, and all variables.",
                                  Route::any),
    function<&Tm::t_is_retr_async_reply>(
        "t_is_retr_async_reply",
        "Whether this reply repeats one that waits suspended; it ends here.", Route::tm_reply),
};

template <shm::Counter Counts::* Field>
constexpr Statistic counted(std::string_view name, std::string_view doc) {
    return {name, doc, [](Module& m, shm::Counter c) { static_cast<Tm&>(m).counts.*Field = c; },
            nullptr};
}

std::int64_t sum(Module& m, shm::Counter c) {
    return static_cast<Tm&>(m).runtime().core->counters().sum(c);
}
std::int64_t in_use(Module& m) {
    const Counts& n = static_cast<Tm&>(m).counts;
    return sum(m, n.created) - sum(m, n.freed);
}
std::int64_t waiting(Module& m) {
    const Counts& n = static_cast<Tm&>(m).counts;
    return sum(m, n.waiting) - sum(m, n.done_waiting);
}
std::int64_t active(Module& m) {
    return in_use(m) - waiting(m);
}
template <shm::Counter Counts::* Field>
std::int64_t value(Module& m) {
    return sum(m, static_cast<Tm&>(m).counts.*Field);
}
std::int64_t replies_sent(Module& m) {
    return value<&Counts::relayed_replies>(m) + value<&Counts::local_replies>(m);
}
std::int64_t replies_absorbed(Module& m) {
    return value<&Counts::received_replies>(m) - value<&Counts::relayed_replies>(m);
}

template <std::int64_t Audit::* Field>
std::int64_t audited(Module& m) {
    return audit(static_cast<Tm&>(m).runtime()).*Field;
}

constexpr Statistic computed(std::string_view name, std::string_view doc,
                             std::int64_t (*read)(Module&)) {
    return {name, doc, nullptr, read};
}

template <shm::Counter WriteCounts::* Field>
constexpr Statistic written(std::string_view name, std::string_view doc) {
    return {name, doc,
            [](Module& m, shm::Counter c) { static_cast<Tm&>(m).writes.counts.*Field = c; },
            nullptr};
}

constexpr Statistic statistics[] = {
    counted<&Counts::received_replies>("received_replies", "Replies that matched a transaction."),
    counted<&Counts::relayed_replies>("relayed_replies", "Replies passed on upstream."),
    counted<&Counts::local_replies>("local_replies", "Replies made here."),
    counted<&Counts::uas_transactions>("UAS_transactions", "Transactions that a client began."),
    counted<&Counts::uac_transactions>("UAC_transactions", "Transactions that we began."),
    counted<&Counts::class_2xx>("2xx_transactions", "Transactions that ended with 2xx."),
    counted<&Counts::class_3xx>("3xx_transactions", "Transactions that ended with 3xx."),
    counted<&Counts::class_4xx>("4xx_transactions", "Transactions that ended with 4xx."),
    counted<&Counts::class_5xx>("5xx_transactions", "Transactions that ended with 5xx."),
    counted<&Counts::class_6xx>("6xx_transactions", "Transactions that ended with 6xx."),
    computed("inuse_transactions", "Transactions in memory.", in_use),
    computed("active_transactions", "Transactions that do not wait for their end.", active),
    computed("waiting_transactions", "Transactions that wait for late messages.", waiting),
    computed("rpl_received", "The same as received_replies.", value<&Counts::received_replies>),
    computed("rpl_relayed", "The same as relayed_replies.", value<&Counts::relayed_replies>),
    computed("rpl_generated", "The same as local_replies.", value<&Counts::local_replies>),
    computed("rpl_sent", "Replies sent upstream.", replies_sent),
    computed("rpl_absorbed", "Replies received and not passed on.", replies_absorbed),
    counted<&Counts::suspended>("suspensions", "Scripts ever suspended."),
    counted<&Counts::unsuspended>("suspensions_ended", "… that wait no longer."),
    counted<&Counts::uac_lost>("uac_lost",
                               "Replies to our own requests that did not reach who asked."),
    counted<&Counts::created>("created", "Transactions ever made."),
    counted<&Counts::freed>("freed", "Transactions ever freed."),
    computed("live", "Transactions in the table, counted one by one.", audited<&Audit::live>),
    computed("overdue", "… that are older than their timers allow: a fault of ours.",
             audited<&Audit::overdue>),
    computed("unaccounted", "created - freed - live: a fault of ours when it stays other than 0.",
             audited<&Audit::unaccounted>),
    counted<&Counts::waiting>("began_waiting", "Transactions that gave back their buffers."),
    counted<&Counts::done_waiting>("ended_waiting", "… and were freed."),
    counted<&Counts::delayed_free>("delayed_free", "Frees put off because a process looked on."),
    counted<&Counts::refused>("refused", "Requests answered 503 for want of room."),
    counted<&Counts::memory_failures>("memory_failures", "Allocations that failed."),
    counted<&Counts::failovers>("failovers", "Branches to the next place of a name (RFC 3263)."),
    counted<&Counts::udp_returns>(
        "udp_returns", "Branches over UDP after all, for want of a connection (RFC 3261 18.1.1)."),
    counted<&Counts::recovered>("recovered", "Transactions taken over from a dead process."),
    counted<&Counts::forgotten>("forgotten", "Transactions that their script left without reply."),
    counted<&Counts::stray_replies>("stray_replies", "Replies to transactions that had ended."),
    counted<&Counts::retransmissions_received>("retransmissions_received",
                                               "Requests that came again."),
    counted<&Counts::retransmissions_sent>("retransmissions_sent", "Messages sent again."),
    written<&WriteCounts::late>("late_writes", "Messages that a program did not take at once."),
    written<&WriteCounts::lost>("lost_writes", "… and not within unix_tx_timeout either."),
};

constexpr std::string_view event_routes[] = {"tm:branch-failure", "tm:local-request",
                                             "tm:local-response"};
constexpr Offer offered[] = {offers<Tm, Api>(), offers<Tm, UacApi>(), offers<Tm, SuspendApi>(),
                             offers<Tm, StepsApi>(), offers<Tm, ObserveApi>()};

constexpr Descriptor descriptor{.name = "tm",
                                .summary = "SIP transactions (RFC 3261 16, 17, RFC 6026).",
                                .create = make_module<Tm>,
                                .params = params,
                                .functions = functions,
                                .variables = variable::kRows,
                                .statistics = statistics,
                                .event_routes = event_routes,
                                .offers = offered,
                                .hooks = Hook::reply_arrived | Hook::message_done,
                                .commands = commands,
                                .tunables = tunables};

}  // namespace

}  // namespace fairlead::tm

FAIRLEAD_MODULE(fairlead::tm::descriptor)
