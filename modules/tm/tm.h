// Transactions: the module's class, its parameters and script functions.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/api/late_send.h"
#include "core/module.h"
#include "modules/tm/api.h"
#include "modules/tm/append_lists.h"
#include "modules/tm/fork.h"
#include "modules/tm/late_branch.h"
#include "modules/tm/late_writes.h"
#include "modules/tm/runtime.h"
#include "modules/tm/times.h"
#include "modules/tm/uac_commands.h"

namespace fairlead::tm {

using FailureRoute = RouteArg<Route::failure>;
using ReplyRoute = RouteArg<Route::tm_reply>;
using BranchRoute = RouteArg<Route::branch>;
using BranchFailureRoute = RouteArg<Route::branch_failure>;

class Tm final : public Module,
                 public Api,
                 public UacApi,
                 public SuspendApi,
                 public StepsApi,
                 public ObserveApi,
                 private TimerHandler,
                 private Core::SendFailureHandler,
                 private Core::MailHandler,
                 private EventSink {
public:
    // Parameters; times in milliseconds.
    GivenTimes times;
    std::string fr_timer_avp = "callee_fr_timer", fr_inv_timer_avp = "callee_fr_inv_timer";
    std::string contacts_avp, contact_flows_avp, xavp_contact;
    std::string on_sl_reply;
    std::uint32_t branch_flag_mask = 0;
    bool failure_exec_mode = false;
    bool check_trans_exits = true;
    AppendLists appends;
    LateWrites writes;
    bool via1_matching = true, ruri_matching = true;
    bool ack_tag_matching = false, cancel_tag_matching = false, callid_cseq_matching = false;
    int max_inv_lifetime = 180000, max_noninv_lifetime = 32000;
    bool retr_invite_cap = false;
    bool rfc4320 = true;
    bool noisy_ctimer = true;
    bool silent_when_unanswered = false;
    bool restart_fr_on_each_reply = true;
    bool relay_100 = false;
    bool auto_inv_100 = true;
    std::string auto_inv_100_reason = "trying -- your call is important to us";
    int cancel_b_method = 1;
    int failure_reply_mode = 3;
    int faked_reply_prio = 0;
    bool remap_503_500 = true;
    bool aggregate_challenges = true;
    bool disable_6xx_block = false;
    bool local_cancel_reason = true;
    bool e2e_cancel_reason = true;
    int unmatched_cancel = 0;
    int default_code = 500;
    std::string default_reason = "Server Internal Error";
    bool reply_matching = true;
    bool forward_stray_replies = false;
    std::string ac_extra_hdrs;
    int rich_redirect = 0;
    int local_ack_mode = 0;
    bool failure_uri_of_winner = true;
    bool enable_uac_fr = false;
    bool reply_relay_mode = true;
    bool pass_provisional_replies = false;
    int hash_size = 32768;
    int max_transactions = 0;

    /// "30s", "500ms", "2m" for any of the times above.
    template <int Tm::* Field>
    Result<void> set_lifetime(const Value& text) {
        const Result<std::uint32_t> time = parse_time(text.string());
        if (!time) return std::unexpected(time.error());
        this->*Field = static_cast<int>(*time);
        return {};
    }
    template <TimeName Name>
    Result<void> set_time(const Value& value) {
        if (!value.is_string()) {
            times[Name].number = value.integer();
            return {};
        }
        const Result<std::uint32_t> time = parse_time(value.string());
        if (!time) return std::unexpected(time.error());
        times[Name].exact = *time;
        return {};
    }
    Result<void> set_timer_units(const Value& text);
    /// "0x…" hexadecimal, "b…" binary, else decimal digits.
    Result<void> set_branch_flag_mask(const Value& text);
    Result<void> add_append_list(std::string_view text, ParamVariables& variables) {
        return appends.add(text, variables);
    }
    /// "$avp(name)", "$avp(s:name)", "s:name" or "name"; "" for none.
    template <std::string Tm::* Field>
    Result<void> set_avp_name(const Value& text) {
        this->*Field = avp_name(text.string());
        return {};
    }

    Counts counts;

    Result<void> prepare(Core& core) override;
    Result<void> start(const Process& process) override;
    Next reply_arrived(Message& m) override;
    void message_done(Message& m, const RouteResult& result) override;

    // Script functions (functions.cpp).
    Verdict t_newtran(Message& m);
    Verdict t_lookup_request(Message& m);
    Verdict t_lookup_cancel(Message& m, std::optional<int> copy_flags);
    Verdict t_check_trans(Message& m);
    Verdict t_relay(Message& m);
    Verdict t_relay_address(Message& m, std::string_view address);
    Verdict t_relay_host(Message& m, std::string_view host, Value port);
    template <Proto P>
    Verdict t_relay_by(Message& m) {
        return relayed(relay(rt_, m, {.proto = P}));
    }
    template <Proto P>
    Verdict t_relay_by_to(Message& m, std::string_view host, Value port) {
        return relayed(relay(rt_, m, {.address = join(m, name(P), host, port)}));
    }
    Verdict t_relay_plain(Message& m);
    Verdict t_relay_some(Message& m, Value proxy_or_flags);
    Verdict t_relay_to(Message& m, Value proxy, Value flags);
    Verdict t_relay_cancel(Message& m);
    Verdict t_forward_nonack(Message& m);
    Verdict t_forward_nonack_address(Message& m, std::string_view address);
    Verdict t_forward_nonack_host(Message& m, std::string_view host, Value port);
    Verdict t_forward_nonack_to(Message& m, std::string_view proto, std::string_view address);
    template <Proto P>
    Verdict t_forward_nonack_by(Message& m, std::string_view host, Value port) {
        return t_forward_nonack_address(m, join(m, name(P), host, port));
    }
    Verdict t_replicate(Message& m);
    Verdict t_replicate_uri(Message& m, std::string_view uri);
    Verdict t_replicate_host(Message& m, std::string_view host, Value port);
    Verdict t_replicate_to(Message& m, std::string_view proto, std::string_view address);
    template <Proto P>
    Verdict t_replicate_by(Message& m, std::string_view host, Value port) {
        return replicate_address(m, join(m, name(P), host, port));
    }
    Verdict t_reply(Message& m, Value code, std::string_view reason);
    Verdict t_send_reply(Message& m, Value code, std::string_view reason);
    Verdict t_retransmit_reply(Message& m);
    // How a transaction ends, and what it keeps (endings.cpp).
    Verdict t_release(Message& m);
    Verdict t_drop(Message& m, std::optional<int> code);
    Verdict t_drop_replies(Message& m, std::optional<std::string_view> mode);
    Verdict t_save_lumps(Message& m);
    Verdict t_flush_flags(Message& m);
    Verdict t_flush_xflags(Message& m);
    Verdict t_is_retr_async_reply(Message& m);
    /// (uac_send.cpp)
    Verdict t_uac_send(Message& m, UacRequest given);
    Verdict t_set_disable_internal_reply(Message& m, int on);
    /// For what this server does always, or never.
    Verdict without_effect(Message& m);
    Verdict without_effect_of(Message& m, int on);

    Verdict t_on_failure(Message& m, FailureRoute route);
    Verdict t_on_reply(Message& m, ReplyRoute route);
    Verdict t_on_branch(Message& m, BranchRoute route);
    Verdict t_on_branch_failure(Message& m, BranchFailureRoute route);
    Verdict t_reuse_branch(Message& m);
    Verdict t_load_contacts(Message& m, std::optional<int> mode);
    Verdict t_next_contacts(Message& m);
    Verdict t_next_contact_flow(Message& m);
    Verdict t_write_fifo(Message& m, std::string_view info, std::string_view path);
    Verdict t_write_unix(Message& m, std::string_view info, std::string_view path);
    Verdict t_is_set(Message& m, std::string_view what);

    // Questions and settings of one transaction (questions.cpp).
    Verdict t_check_status(Message& m, const Regex& code);
    Verdict t_grep_status(Message& m, int code);
    Verdict t_get_status_code(Message& m);
    Verdict t_is_canceled(Message& m);
    Verdict t_branch_timeout(Message& m);
    Verdict t_branch_replied(Message& m);
    Verdict t_any_timeout(Message& m);
    Verdict t_any_replied(Message& m);
    Verdict t_local_replied(Message& m, std::string_view which);
    Verdict t_is_expired(Message& m);
    Verdict t_set_fr(Message& m, int fr_inv, std::optional<int> fr);
    Verdict t_reset_fr(Message& m);
    Verdict t_set_retr(Message& m, int t1, int t2);
    Verdict t_reset_retr(Message& m);
    Verdict t_set_max_lifetime(Message& m, int invite, int other);
    Verdict t_reset_max_lifetime(Message& m);
    Verdict t_set_auto_inv_100(Message& m, int on);
    Verdict t_set_disable_6xx(Message& m, int on);
    Verdict t_set_no_e2e_cancel_reason(Message& m, int on);

    // Api
    bool has_transaction(const Message& m) const noexcept override;
    int new_transaction(Message& m) override;
    int reply(Message& m, int code, std::string_view reason) override;
    int relay(Message& m) override;
    std::string_view reply_to_tag(const Message& m) const noexcept override;
    void watch(Watcher& watcher, std::uint32_t flags, bool provisional) override;
    bool cancel_branches(Message& m, Which which) override;
    bool cancel_call(std::string_view call_id, std::uint32_t cseq, std::uint32_t flags,
                     std::uint16_t code) override;
    bool reply_to_call(std::string_view call_id, std::uint32_t cseq, int code,
                       std::string_view reason) override;
    bool answer_call(std::string_view call_id, std::uint32_t cseq, const OwnReply& reply) override;
    bool answer(std::uint32_t slot, std::uint32_t label, const OwnReply& reply) override;

    // UacApi (uac.cpp)
    UacCallback on_reply(UacListener& listener) override;
    std::expected<UacId, ScriptError> request(const UacRequest& request) override;
    std::expected<UacId, ScriptError> request_outside(Dialog& dialog,
                                                      const UacRequest& request) override;
    std::expected<UacId, ScriptError> request_within(Dialog& dialog,
                                                     const UacRequest& request) override;
    bool learn(Dialog& dialog, std::string_view reply) const override;
    bool cancel(UacId id) override;
    bool acknowledge(UacId id, std::string_view reply, std::string_view headers,
                     std::string_view body) override;
    std::string new_call_id() override;
    std::string new_tag() override;
    bool passes_provisional_replies() const noexcept override { return pass_provisional_replies; }

    // SuspendApi (suspend.cpp)
    WakerId on_wake(Waker& waker) override;
    std::expected<SuspendToken, ScriptError> suspend(Message& m, const Suspend& how) override;
    bool cancel_suspend(Message& m, const SuspendToken& token) override;
    Resumed resume(const SuspendToken& token, RouteId route, Unpacker* unpacker) override;
    SuspendToken waiting(std::uint32_t slot, std::uint32_t label) override;
    std::int64_t suspended() const noexcept override;

    // StepsApi (relay_steps.cpp)
    StepId on_failure(StepHandler& handler) override;
    int relay(Message& m, const Step& step) override;

    // ObserveApi (observe.cpp)
    ObserverId observe(Observer& observer, Moments moments, std::uint32_t flags) override;
    void shape(Shaper& shaper) override;
    bool attach(TransactionId id, ObserverId observer, Moments moments,
                std::uint64_t param) override;
    bool id_of(const Message& m, TransactionId& id) const noexcept override;
    int variables_of(TransactionId id, Message& into) override;

    [[nodiscard]] Runtime& runtime() noexcept { return rt_; }
    [[nodiscard]] const Runtime& runtime() const noexcept { return rt_; }
    /// For commands: who waits for replies, and whether requests may leave from this socket.
    [[nodiscard]] UacAnswers& answers() noexcept { return answers_; }
    [[nodiscard]] bool has_socket(std::string_view socket) const noexcept;
    /// The status that t_check_status and $T_reply_code see.
    [[nodiscard]] int status_of(const Message& m);

private:
    void fired(shm::TimerEntry& entry) noexcept override;
    void failed(void* object, std::uint32_t index) noexcept override;
    void tell(const Event& event) noexcept override;
    void mail(std::string_view bytes) noexcept override;

    [[nodiscard]] static std::string_view join(Message& m, std::string_view proto,
                                               std::string_view host, const Value& port);
    [[nodiscard]] static Verdict relayed(int result) noexcept { return Verdict(result); }
    [[nodiscard]] static int relay(Runtime& rt, Message& m, const Destination& to);
    [[nodiscard]] static std::string avp_name(std::string_view text);
    Verdict write_request(Message& m, Outlet outlet, std::string_view info, std::string_view path);
    [[nodiscard]] Next without_transaction(Message& m);
    Verdict replicate_address(Message& m, std::string_view address);
    [[nodiscard]] Policy policy(const Times& times) const noexcept;
    [[nodiscard]] int code_of(const Value& code) const noexcept;
    Verdict set_flag(Message& m, Cell::Flag flag, bool on);
    template <class F>
    bool any_branch(Message& m, F wanted);

    Runtime rt_;
    LateBranches late_{rt_};
    std::optional<LateSends> sends_;
    UacAnswers answers_;
    RouteId stray_route_ = RouteId::none;  ///< on_sl_reply
    std::uint32_t unix_tx_ = 0;            ///< unix_tx_timeout
};

}  // namespace fairlead::tm
