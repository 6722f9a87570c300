// A million random lives of a transaction that is suspended, on a virtual clock: suspend, resume,
// CANCEL, expiry, the request again, replies of a branch beside, the death of whoever runs a script
// for it. Each ends, has told the client exactly one final reply, and answered exactly one of those
// who resumed each suspension. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <string>

#include "core/base/random.h"
#include "modules/tm/reply_pick.h"
#include "modules/tm/steps.h"

namespace fairlead::tm {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t kSchedules = 100'000;
#else
constexpr std::uint64_t kSchedules = 1'000'000;
#endif
constexpr std::uint64_t kFirstSeed = 4711;
constexpr int kEvents = 24;
constexpr Ms kLongest{60 * 60 * 1000};

char kept_byte = 0;

/// One transaction, its scripts, and those who have a token for it.
class Nap {
public:
    explicit Nap(std::uint64_t seed) noexcept : random_(seed) {
        policy_.cancel_b_method = static_cast<int>(random_.below(3));
        cell_.method = chance(70) ? sip::Method::invite : sip::Method::message;
        cell_.created = now_;
        cell_.set(Cell::in_route);
        begin(cell_, policy_);
    }

    /// "" when all went well.
    std::string run() {
        running_ = Script::request;
        if (chance(80)) suspend_now();
        for (int i = 0; i < kEvents && wrong_.empty() && !is_ended(cell_); ++i) event();
        for (int i = 0; i < 2000 && wrong_.empty() && !is_ended(cell_); ++i) {
            // One failure_route may follow another.
            for (int n = 0; n < 10 && running_ != Script::none; ++n) end_script();
            const Due due = next_due(cell_);
            if (is_ended(cell_)) break;
            if (due == kNever) return "nothing is due and it has not ended" + where();
            now_ = std::max(now_, cell_.created + Ms(due));
            if (now_ - cell_.created > kLongest) return "it does not end" + where();
            pass_time();
        }
        if (!wrong_.empty()) return wrong_ + where();
        if (!is_ended(cell_)) return "it does not end" + where();
        if (cell_.waiting) return "it waits and has ended" + where();
        if (finals_ == 0 && !cell_.has(Cell::released)) return "no final reply" + where();
        return {};
    }

private:
    enum class Script : std::uint8_t { none, request, failure };

    bool chance(unsigned percent) noexcept { return random_.below(100) < percent; }
    std::string where() const {
        return " (state " + std::to_string(cell_.state) + ", flags " + std::to_string(cell_.flags) +
               ", ticket " + std::to_string(cell_.ticket) + ", " + std::to_string(finals_) +
               " finals)";
    }
    template <class F>
    void step(F what) {
        Actions actions;
        Turn turn{now_, policy_, actions};
        what(cell_, turn);
        perform(actions);
        free_blind();
    }

    void event() {
        switch (random_.below(10)) {
            case 0: return step([](Cell& c, Turn& t) { request_again(c, t); });
            case 1: return step([](Cell& c, Turn& t) { (void)cancel_received(c, t); });
            case 2: return suspend_now();
            case 3: return resume(cell_.ticket);
            case 4: return resume(static_cast<std::uint32_t>(random_.below(cell_.ticket + 1)));
            case 5: return die();
            case 6: return wait(random_.below(chance(50) ? 500 : 40000));
            case 7: return branch();
            case 8: return end_script();
            default: return reply();
        }
    }

    /// The script that runs suspends the transaction.
    void suspend_now() {
        if (running_ == Script::none || cell_.waiting) return;
        if (cell_.has(Cell::cancelled) || cell_.has(Cell::final_sent) || cell_.has(Cell::released))
            return;
        if (cell_.blind) wrong_ = "a blind branch is left";
        if (chance(90) && blind_used_ < blinds_.size()) cell_.blind = &blinds_.at(blind_used_++);
        const Due now = cell_.at(now_);
        const Due until = now + static_cast<Due>(random_.below(100000));
        const Due wake = chance(50) ? now + static_cast<Due>(random_.below(5000)) : kNever;
        step([&](Cell& c, Turn& t) { suspend(c, running_ == Script::failure, until, wake, t); });
        resumed_ = false;
        if (chance(20)) {
            withdraw(cell_);
            free_blind();
        }
        if (chance(50)) end_script();
    }
    void resume(std::uint32_t ticket) {
        const bool is_latest = ticket == cell_.ticket && ticket != 0;
        if (!is_latest || cell_.holder_runs) return;  // stale, or later
        const bool could = cell_.waiting;
        const bool in_choice = cell_.in_choice;
        const bool done = take_up(cell_);
        if (done != could) wrong_ = "resumed, or not, against its state";
        if (!done) return;
        if (resumed_) wrong_ = "resumed twice";
        if (cell_.has(Cell::final_sent)) wrong_ = "resumed behind a final reply";
        if (running_ != Script::none) wrong_ = "two scripts run";
        resumed_ = true;
        again_ = true;
        running_ = in_choice ? Script::failure : Script::request;
        free_blind();
        if (chance(40)) branch();
        if (chance(30)) answer();
        if (chance(50)) end_script();
    }
    /// The script ends as request_route and failure_route do (routes.cpp).
    void end_script() {
        const Script was = running_;
        running_ = Script::none;
        if (was == Script::none) return;
        if (was == Script::failure) {
            if (cell_.waiting) return step([](Cell& c, Turn& t) { holder_ended(c, t); });
            cell_.holder_runs = false;
            return conclude();
        }
        step([this](Cell& c, Turn& t) {
            c.clear(Cell::in_route);
            const bool idle = c.branch_count == 0 && !c.has(Cell::final_sent) &&
                              !c.has(Cell::released) && !c.waiting;
            const bool waits = c.waiting;
            if (waits || again_) holder_ended(c, t);
            if (again_ && !waits) give_up(c, t);
            if (idle && !again_) release(c, t);
            c.holder_runs = false;
        });
    }
    void die() {
        if (running_ == Script::none) return;
        const bool chose = running_ == Script::failure;
        running_ = Script::none;
        for (Branch* b = cell_.branches.get(); chose && b != nullptr; b = b->next.get())
            b->on_failure = RouteId::none;
        step([chose](Cell& c, Turn& t) { script_died(c, chose, t); });
    }
    void answer() {
        const int code = chance(30) ? 183 : chance(50) ? 200 : 480;
        bool sent = false;
        step([&](Cell& c, Turn& t) { sent = local_reply(c, code, t); });
        if (sent && code >= 200) final_reply(code);
    }
    /// The script that runs relays it.
    void branch() {
        if (running_ == Script::none || used_ == branches_.size()) return;
        if (cell_.has(Cell::cancelled) || cell_.has(Cell::final_sent) || cell_.has(Cell::released))
            return;
        Branch& b = branches_.at(used_);
        b.index = static_cast<std::uint8_t>(used_++);
        b.serial = static_cast<std::uint16_t>(cell_.serial + (cell_.has(Cell::choosing) ? 1 : 0));
        b.target.proto = Proto::udp;
        b.on_failure = chance(60) ? RouteId{1} : RouteId::none;
        shm::Ptr<Branch>* last = &cell_.branches;
        while (*last) last = &(*last)->next;
        *last = &b;
        ++cell_.branch_count;
        step([&b](Cell& c, Turn& t) { branch_started(c, b, t); });
    }
    void reply() {
        constexpr std::array kCodes{100, 180, 183, 200, 302, 404, 486, 487, 503, 600};
        if (used_ == 0) return;
        Branch& b = branches_.at(random_.below(used_));
        const int code = kCodes.at(random_.below(kCodes.size()));
        step([&](Cell& c, Turn& t) { reply_received(c, b, code, t); });
    }
    void pass_time() {
        step([](Cell& c, Turn& t) { time_passed(c, t); });
    }
    void wait(std::uint64_t ms) {
        const Ms until = now_ + Ms(ms);
        while (!is_ended(cell_) && wrong_.empty()) {
            const Due due = next_due(cell_);
            if (due == kNever || cell_.created + Ms(due) > until) break;
            now_ = std::max(now_, cell_.created + Ms(due));
            pass_time();
        }
        now_ = until;
    }

    void final_reply(int code) {
        ++finals_;
        if (finals_ > 1 && (code >= 300 || !cell_.is_invite()))
            wrong_ = "another final reply: " + std::to_string(code);
        if (cell_.waiting) wrong_ = "it waits behind a final reply";
    }
    void perform(const Actions& actions) {
        bool choose = false, end = false;
        for (const Action& a : actions.list()) {
            switch (a.act) {
                case Act::relay_reply:
                case Act::pass_reply:
                    if (a.code >= 200) success(a);
                    break;
                case Act::reply_local:
                case Act::send_kept: final_reply(a.code); break;
                case Act::keep_reply: a.branch->reply = {&kept_byte, 1}; break;
                case Act::wake:
                    if (!cell_.waiting || cell_.holder_runs) wrong_ = "woken for nothing";
                    break;
                case Act::choose: choose = true; break;
                case Act::conclude: end = true; break;
                default: break;
            }
        }
        if (end) return conclude();
        if (choose) decide();
    }
    /// All branches are done: failure_route runs, or the winner goes up.
    void decide() {
        const Pick p = pick(cell_, policy_);
        if (p.branch == nullptr || p.branch->on_failure == RouteId::none) return conclude();
        p.branch->on_failure = RouteId::none;
        if (running_ != Script::none) return conclude();  // as in a process that cannot run it
        running_ = Script::failure;
        again_ = true;
        cell_.on_failure = RouteId::none;
    }
    void conclude() {
        const Pick p = pick(cell_, policy_);
        step([&](Cell& c, Turn& t) { chosen(c, p.branch, p.code, t); });
    }
    void success(const Action& a) {
        const auto bit = 1U << a.branch->index;
        if ((succeeded_ & bit) == 0) final_reply(a.code);
        succeeded_ |= bit;
    }
    /// As rest() does when it waits no longer.
    void free_blind() noexcept {
        if (!cell_.waiting) cell_.blind = nullptr;
    }

    Random random_;
    Policy policy_;
    Ms now_{1000};
    Cell cell_;
    std::array<Branch, 3> branches_;
    std::array<Branch, kEvents + 2> blinds_;
    std::size_t used_ = 0, blind_used_ = 0;
    unsigned succeeded_ = 0;
    int finals_ = 0;
    Script running_ = Script::none;
    bool resumed_ = false;  ///< the last suspension
    bool again_ = false;    ///< the script is one that was resumed
    std::string wrong_;
};

}  // namespace

TEST_CASE("a million random schedules of suspensions: one final reply each, and each ends") {
    for (std::uint64_t seed = kFirstSeed; seed < kFirstSeed + kSchedules; ++seed) {
        const std::string wrong = Nap(seed).run();
        if (!wrong.empty()) FAIL("seed " << seed << ": " << wrong);
    }
    SUCCEED();
}

}  // namespace fairlead::tm
