// A million random lives of a transaction on a virtual clock: requests, retransmissions, CANCELs,
// replies in any order on up to four branches, scripts that take their time, timers, transport
// failures. Each ends, and each has told the client exactly one final reply (2xx of other branches
// may follow). SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <string>

#include "core/api/text.h"
#include "modules/tm/reply_pick.h"
#include "modules/tm/steps.h"

namespace fairlead::tm {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t kSchedules = 100'000;
#else
constexpr std::uint64_t kSchedules = 1'000'000;
#endif
constexpr std::uint64_t kFirstSeed = 20061;
constexpr std::size_t kMostBranches = 4;
constexpr int kEvents = 40;
constexpr Ms kLongest{20 * 60 * 1000};

char kept_byte = 0;

/// One transaction with everything around it.
class Life {
public:
    explicit Life(std::uint64_t seed) noexcept : random_(seed) {
        policy_.cancel_b_method = static_cast<int>(random_.below(3));
        policy_.failure_reply_mode = static_cast<int>(random_.below(4));
        policy_.rfc4320 = chance(50);
        policy_.noisy_ctimer = chance(80);
        policy_.relay_100 = chance(10);
        policy_.restart_fr_on_each_reply = chance(50);
        policy_.disable_6xx_block = chance(20);
        policy_.fr_inv = static_cast<std::uint32_t>(1000 + random_.below(120000));
        cell_.method = chance(70) ? sip::Method::invite : sip::Method::message;
        cell_.upstream.proto = chance(80) ? Proto::udp : Proto::tcp;
        cell_.created = now_;
        cell_.set(Cell::in_route);
        begin(cell_, policy_);
    }

    /// "" when all went well.
    std::string run() {
        if (chance(90)) fork();
        for (int i = 0; i < kEvents && wrong_.empty() && !is_ended(cell_); ++i) event();
        finish_scripts();
        while (wrong_.empty() && !is_ended(cell_)) {
            const Due due = next_due(cell_);
            if (due == kNever) return "nothing is due and it has not ended" + where();
            now_ = std::max(now_, cell_.created + Ms(due));
            if (now_ - cell_.created > kLongest) return "it does not end" + where();
            pass_time();
            finish_scripts();
        }
        if (!wrong_.empty()) return wrong_ + where();
        const bool may_be_silent = cell_.has(Cell::released);
        if (finals_ == 0 && !may_be_silent) return "no final reply" + where();
        if (!cell_.has(Cell::released) && cell_.open_branches() != 0)
            return "a branch is open" + where();
        return {};
    }

private:
    /// Each process takes the time once for a batch of events: what one sees may be from before
    /// another one made the transaction.
    Ms seen_now() noexcept {
        return chance(5) ? now_ - Ms(static_cast<std::int64_t>(random_.below(50))) : now_;
    }
    bool chance(unsigned percent) noexcept { return random_.below(100) < percent; }
    std::string where() const {
        return " (state " + std::to_string(cell_.state) + ", flags " + std::to_string(cell_.flags) +
               ", " + std::to_string(cell_.branch_count) + " branches, " + std::to_string(finals_) +
               " finals)";
    }

    void event() {
        switch (random_.below(12)) {
            case 0: return step([](Cell& c, Turn& t) { request_again(c, t); });
            case 1: return step([](Cell& c, Turn& t) { (void)cancel_received(c, t); });
            case 2: return step([](Cell& c, Turn& t) { (void)ack_received(c, t); });
            case 3: return script();
            case 4: return wait(random_.below(2000));
            case 5: return wait(random_.below(40000));
            case 6:
                if (Branch* const b = any_branch())
                    step([b](Cell& c, Turn& t) { tm::send_failed(c, *b, t); });
                return;
            case 7:
                if (Branch* const b = any_branch()) cancel_answered(*b, chance(50) ? 200 : 100);
                return;
            default: return reply();
        }
    }

    template <class F>
    void step(F what) {
        Actions actions;
        Turn turn{seen_now(), policy_, actions};
        what(cell_, turn);
        perform(actions);
    }
    void pass_time() {
        step([](Cell& c, Turn& t) { time_passed(c, t); });
    }
    /// Time goes by, and what was due is done when it was due.
    void wait(std::uint64_t ms) {
        const Ms until = now_ + Ms(ms);
        while (!is_ended(cell_)) {
            const Due due = next_due(cell_);
            if (due == kNever || cell_.created + Ms(due) > until) break;
            now_ = std::max(now_, cell_.created + Ms(due));
            pass_time();
        }
        now_ = until;
    }

    Branch* any_branch() noexcept {
        if (used_ == 0) return nullptr;
        return &branches_.at(random_.below(used_));
    }
    void reply() {
        constexpr std::array kCodes{100, 180, 183, 199, 200, 202, 302, 401, 404,
                                    407, 408, 486, 487, 500, 503, 600, 603};
        Branch* const b = any_branch();
        if (b == nullptr) return;
        const int code = kCodes.at(random_.below(kCodes.size()));
        step([b, code](Cell& c, Turn& t) { reply_received(c, *b, code, t); });
    }

    /// What request_route or failure_route may do next.
    void script() {
        if (!cell_.has(Cell::in_route) && !cell_.has(Cell::choosing)) return;
        switch (random_.below(4)) {
            case 0: return answer();
            case 1: return fork();
            default: return finish_scripts();
        }
    }
    void answer() {
        const int code = chance(30) ? 183 : chance(50) ? 200 : 480;
        bool sent = false;
        step([&](Cell& c, Turn& t) { sent = local_reply(c, code, t); });
        if (sent && code >= 200) final_reply(code);
    }
    void fork() {
        if (cell_.has(Cell::cancelled) || cell_.has(Cell::final_sent)) return;
        if (cell_.has(Cell::released)) return;
        const std::size_t wanted = 1 + random_.below(kMostBranches);
        if (chance(30)) {  // a module relays, and has a time for it
            step_.until = cell_.at(now_) + static_cast<Due>(random_.below(20000));
            step_.timed_out = false;
            cell_.step = &step_;
        }
        for (std::size_t i = 0; i < wanted && used_ < kMostBranches; ++i) {
            Branch& b = branches_.at(used_);
            b.index = static_cast<std::uint8_t>(used_);
            b.serial =
                static_cast<std::uint16_t>(cell_.serial + (cell_.has(Cell::choosing) ? 1 : 0));
            b.target.proto = chance(80) ? Proto::udp : Proto::tcp;
            b.on_failure = chance(50) ? RouteId{1} : RouteId::none;
            (used_ == 0 ? cell_.branches : branches_.at(used_ - 1).next) = &b;
            ++used_;
            ++cell_.branch_count;
            step([&b](Cell& c, Turn& t) { branch_started(c, b, t); });
            if (chance(10)) branch_unsent(cell_, b);
        }
    }
    /// The scripts that run come to their end.
    void finish_scripts() {
        for (int i = 0; i < 20 && cell_.has(Cell::choosing); ++i) {
            choose_now();
        }
        if (!cell_.has(Cell::in_route)) return;
        cell_.clear(Cell::in_route);
        if (cell_.has(Cell::final_sent) || cell_.has(Cell::released)) return;
        if (cell_.open_branches() == 0 && !cell_.has(Cell::choosing)) {
            if (used_ == 0 && chance(30)) {
                step([](Cell& c, Turn& t) { await_reply(c, t); });
            } else if (used_ != 0 || chance(50)) {  // t_relay failed: it is answered
                step([](Cell& c, Turn& t) {
                    if (local_reply(c, 477, t)) t.actions.add(Act::reply_local, nullptr, 477);
                });
            } else {
                step([](Cell& c, Turn& t) { release(c, t); });
            }
        }
    }

    void final_reply(int code) {
        ++finals_;
        if (finals_ > 1 && (code >= 300 || !cell_.is_invite())) {
            wrong_ = "another final reply: " + std::to_string(code);
        }
        if (!cell_.has(Cell::final_sent)) wrong_ = "a final reply that the cell does not know of";
    }
    void perform(const Actions& actions) {
        for (const Action& a : actions.list()) {
            switch (a.act) {
                case Act::relay_reply:
                case Act::pass_reply:
                    if (a.code >= 200) success(a);
                    if (a.code < 200 && cell_.has(Cell::final_sent))
                        wrong_ = "a provisional reply behind a final one";
                    break;
                case Act::reply_local:
                case Act::send_kept: final_reply(a.code); break;
                case Act::keep_reply: a.branch->reply = {&kept_byte, 1}; break;
                case Act::send_cancel:
                    if (policy_.cancel_b_method != 2 && !a.branch->has(Branch::replied))
                        wrong_ = "CANCEL before any reply";
                    break;
                case Act::resend_request:
                    if (a.branch->has(Branch::decided)) wrong_ = "a decided branch is repeated";
                    break;
                case Act::choose:
                    if (cell_.open_branches() != 0) wrong_ = "a choice while a branch is open";
                    if (cell_.step && cell_.step->timed_out && cell_.step->until != kNever)
                        wrong_ = "a step ends twice";
                    if (chance(50)) choose_now();
                    break;
                default: break;
            }
        }
    }
    /// The same 2xx again, or one of another branch, is no second final reply.
    void success(const Action& a) {
        const auto bit = 1U << a.branch->index;
        if ((succeeded_ & bit) == 0) final_reply(a.code);
        succeeded_ |= bit;
    }
    /// No failure_route: at once. Else the next events find it running.
    void choose_now() {
        if (chance(80)) cell_.step = nullptr;  // its handler was asked; else it relays at once
        const Pick p = pick(cell_, policy_);
        step([&](Cell& c, Turn& t) { chosen(c, p.branch, p.code, t); });
    }

    Random random_;
    Policy policy_;
    Ms now_{1000};
    Cell cell_;
    std::array<Branch, kMostBranches> branches_;
    PendingStep step_;
    std::size_t used_ = 0;
    unsigned succeeded_ = 0;
    int finals_ = 0;
    std::string wrong_;
};

}  // namespace

TEST_CASE("a million random schedules: one final reply each, and each ends") {
    for (std::uint64_t seed = kFirstSeed; seed < kFirstSeed + kSchedules; ++seed) {
        const std::string wrong = Life(seed).run();
        if (!wrong.empty()) FAIL("seed " << seed << ": " << wrong);
    }
    SUCCEED();
}

}  // namespace fairlead::tm
