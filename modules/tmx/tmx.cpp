// Extensions of tm: which route runs, transactions of other messages, Kamailio's statistics.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "core/api/core.h"
#include "core/api/log.h"
#include "core/api/shm.h"
#include "core/api/sip.h"
#include "core/api/text.h"
#include "core/module.h"
#include "modules/tm/api.h"
#include "modules/tmx/precheck.h"

namespace fairlead::tmx {

namespace {

constexpr int kLastFlag = 31;

class Tmx final : public Module {
public:
    tm::Api* tm = nullptr;
    tm::SuspendApi* suspend = nullptr;
    bool precheck_trans = true;

    Result<void> prepare(Core& core) override {
        core_ = &core;
        if (!precheck_trans) return {};
        precheck_ = core.memory().make<Precheck>(core.memory().tag("tmx", "precheck"));
        if (precheck_ == nullptr) return fail("no shared memory for precheck_trans");
        precheck_->init();
        return {};
    }
    Result<void> start(const Process& process) override {
        if (precheck_ != nullptr) precheck_->leave(process.slot);
        return {};
    }
    void message_done(Message&, const RouteResult&) override {
        if (precheck_ != nullptr) precheck_->leave(core_->process().slot);
    }

    Verdict t_precheck_trans(Message& m) {
        const sip::CSeq* const cseq = m.sip.cseq();
        if (precheck_ == nullptr || cseq == nullptr) return Verdict::no;
        // An ACK or a CANCEL has the number of its INVITE without being a repeat of it.
        if (m.sip.method() == sip::Method::ack || m.sip.method() == sip::Method::cancel)
            return Verdict::no;
        const std::uint64_t hash =
            std::hash<std::string_view>{}(m.sip.call_id()) ^ (cseq->number * 0x9e3779b97f4a7c15U);
        return Verdict::of(precheck_->elsewhere(core_->process().slot, hash | 1));
    }

    template <Route R>
    Verdict runs_in(Message& m) {
        return Verdict::of(any_of(m.route_type, R));
    }

    Verdict t_cancel_branches(Message& m, std::string_view which) {
        using Which = tm::Api::Which;
        const std::optional<Which> wanted = text::ci_equal(which, "all")      ? Which::all
                                            : text::ci_equal(which, "others") ? Which::others
                                            : text::ci_equal(which, "this")
                                                ? std::optional(Which::current)
                                                : std::nullopt;
        if (!wanted) {
            LOG(error, "t_cancel_branches takes all, others or this, not \"{}\"", which);
            return Verdict::no;
        }
        return Verdict::of(tm->cancel_branches(m, *wanted));
    }

    Verdict t_cancel_callid(Message& m, std::string_view call_id, std::string_view cseq,
                            std::string_view flag, std::optional<std::string_view> code) {
        (void)m;
        const auto number = text::parse_uint(cseq, INT32_MAX);
        const auto bit = text::parse_int(flag);
        const auto cause = text::parse_uint(code.value_or("0"), 699);
        if (!number || !bit || *bit > kLastFlag || !cause || (*cause != 0 && *cause < 200)) {
            LOG(error, "t_cancel_callid: cseq \"{}\", flag \"{}\" or code is no such number", cseq,
                flag);
            return Verdict::no;
        }
        const std::uint32_t flags = *bit > 0 ? std::uint32_t{1} << static_cast<unsigned>(*bit) : 0;
        const bool done = tm->cancel_call(call_id, static_cast<std::uint32_t>(*number), flags,
                                          static_cast<std::uint16_t>(*cause));
        return Verdict::of(done);
    }
    Verdict t_reply_callid(Message& m, std::string_view call_id, std::string_view cseq,
                           std::string_view code, std::string_view reason) {
        (void)m;
        const auto number = text::parse_uint(cseq, INT32_MAX);
        const auto status = text::parse_uint(code, 699);
        if (!number || !status || *status < 100 || reason.find_first_of("\r\n") != reason.npos) {
            LOG(error, "t_reply_callid: cseq \"{}\", code \"{}\" or reason is none", cseq, code);
            return Verdict::no;
        }
        const bool done = tm->reply_to_call(call_id, static_cast<std::uint32_t>(*number),
                                            static_cast<int>(*status), reason);
        return Verdict::of(done);
    }

    Verdict t_suspend(Message& m) {
        const auto token = suspend->suspend(m, {});
        if (token || token.error() == ScriptError::none) return Verdict::of(token.has_value());
        m.error = token.error();
        LOG(error, "t_suspend: not suspended ({})", static_cast<int>(token.error()));
        return Verdict::no;
    }
    Verdict t_continue(Message& m, std::string_view index, std::string_view label,
                       RouteArg<Route::request> route) {
        (void)m;
        const auto slot = text::parse_uint(index, UINT32_MAX);
        const auto number = text::parse_uint(label, UINT32_MAX);
        if (!slot || !number || route.id == RouteId::none) {
            LOG(error, "t_continue: \"{}\", \"{}\" or the route is none", index, label);
            return Verdict::no;
        }
        const tm::SuspendToken token = suspend->waiting(static_cast<std::uint32_t>(*slot),
                                                        static_cast<std::uint32_t>(*number));
        if (token.ticket == 0) return Verdict::no;
        return Verdict::of(suspend->resume(token, route.id) == tm::Resumed::resumed);
    }

    /// A statistic of tm, under its name there.
    [[nodiscard]] std::int64_t of_tm(std::string_view name) const {
        return core_->counters().sum("tm", name).value_or(0);
    }

private:
    Core* core_ = nullptr;
    Precheck* precheck_ = nullptr;
};

// Kamailio keeps these in the group tmx; they are sums of what tm counts.
std::int64_t of(Module& m, std::string_view name) {
    return static_cast<Tmx&>(m).of_tm(name);
}
std::int64_t in_use(Module& m) {
    return of(m, "created") - of(m, "freed");
}
std::int64_t active(Module& m) {
    return in_use(m) - of(m, "began_waiting") + of(m, "ended_waiting");
}
std::int64_t replies_sent(Module& m) {
    return of(m, "relayed_replies") + of(m, "local_replies");
}
std::int64_t replies_absorbed(Module& m) {
    return of(m, "received_replies") - of(m, "relayed_replies");
}

constexpr Statistic row(std::string_view name, std::string_view doc,
                        std::int64_t (*read)(Module&)) {
    return {name, doc, nullptr, read};
}

constexpr Statistic statistics[] = {
    row("UAS_transactions", "Transactions that a client began.",
        [](Module& m) { return of(m, "UAS_transactions"); }),
    row("UAC_transactions", "Transactions that we began.",
        [](Module& m) { return of(m, "UAC_transactions"); }),
    row("2xx_transactions", "Transactions that ended with 2xx.",
        [](Module& m) { return of(m, "2xx_transactions"); }),
    row("3xx_transactions", "Transactions that ended with 3xx.",
        [](Module& m) { return of(m, "3xx_transactions"); }),
    row("4xx_transactions", "Transactions that ended with 4xx.",
        [](Module& m) { return of(m, "4xx_transactions"); }),
    row("5xx_transactions", "Transactions that ended with 5xx.",
        [](Module& m) { return of(m, "5xx_transactions"); }),
    row("6xx_transactions", "Transactions that ended with 6xx.",
        [](Module& m) { return of(m, "6xx_transactions"); }),
    row("inuse_transactions", "Transactions in memory.", in_use),
    row("active_transactions", "Transactions that do not wait for their end.", active),
    row("rpl_received", "Replies that matched a transaction.",
        [](Module& m) { return of(m, "received_replies"); }),
    row("rpl_absorbed", "Replies received and not passed on.", replies_absorbed),
    row("rpl_relayed", "Replies passed on upstream.",
        [](Module& m) { return of(m, "relayed_replies"); }),
    row("rpl_generated", "Replies made here.", [](Module& m) { return of(m, "local_replies"); }),
    row("rpl_sent", "Replies sent upstream.", replies_sent),
};

constexpr Param params[] = {
    param<&Tmx::precheck_trans>("precheck_trans", "Whether t_precheck_trans() does its work."),
};
constexpr Function functions[] = {
    function<&Tmx::t_precheck_trans>(
        "t_precheck_trans",
        "Whether another process works on this request now; never for ACK and CANCEL.",
        Route::request),
    function<&Tmx::runs_in<Route::failure>>("t_is_failure_route",
                                            "Whether a failure_route is at the top.", Route::any),
    function<&Tmx::runs_in<Route::branch>>("t_is_branch_route",
                                           "Whether a branch_route is at the top.", Route::any),
    function<&Tmx::runs_in<Route::reply>>("t_is_reply_route",
                                          "Whether a reply route is at the top.", Route::any),
    function<&Tmx::runs_in<Route::request>>("t_is_request_route",
                                            "Whether the request_route is at the top.", Route::any),
    function<&Tmx::t_cancel_branches>(
        "t_cancel_branches",
        "Cancels branches of the INVITE of this reply: \"all\", \"others\" or \"this\".",
        Route::tm_reply, "which"),
    function<&Tmx::t_cancel_callid>(
        "t_cancel_callid",
        "Cancels the pending INVITE with this Call-ID and CSeq number, and sets a message flag in "
        "it "
        "(0: none); the code becomes the cause in the Reason of the CANCELs. Walks all "
        "transactions.",
        Route::any, "callid", "cseq", "flag", "code"),
    function<&Tmx::t_suspend>(
        "t_suspend",
        "Suspends the transaction, which is made if needed, for fr_timer at most; t_continue() "
        "goes on with it, whatever this script does behind it. $T(id_index) and $T(id_label) name "
        "it. In an onreply_route its reply waits, as if it had not come yet; it goes on with the "
        "route, and is relayed then. One reply of a branch waits at a time.",
        Route::request | Route::failure | Route::tm_reply),
    function<&Tmx::t_continue>(
        "t_continue",
        "Goes on with a transaction that is suspended, in this process: "
        "runs the route on its request, or reply. False when it does not wait (any "
        "more).",
        Route::any, "tindex", "tlabel", "routename"),
    function<&Tmx::t_reply_callid>("t_reply_callid",
                                   "Answers the transaction with this Call-ID and CSeq number. "
                                   "Walks all transactions.",
                                   Route::any, "callid", "cseq", "code", "reason"),
};

constexpr Need needed[] = {needs<&Tmx::tm>(), needs<&Tmx::suspend>()};

constexpr Descriptor descriptor{.name = "tmx",
                                .summary = "Extensions of tm.",
                                .create = make_module<Tmx>,
                                .params = params,
                                .functions = functions,
                                .statistics = statistics,
                                .needs = needed,
                                .hooks = Hook::message_done};

}  // namespace

}  // namespace fairlead::tmx

FAIRLEAD_MODULE(fairlead::tmx::descriptor)
