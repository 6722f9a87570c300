// Steps that modules relay in: what a transaction keeps of one, and what happens when it fails.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/relay_steps.h"

#include <algorithm>
#include <array>
#include <exception>
#include <optional>
#include <span>
#include <vector>

#include "core/api/log.h"
#include "core/api/sip.h"
#include "core/api/text.h"
#include "modules/tm/cells.h"
#include "modules/tm/fork.h"
#include "modules/tm/reply_pick.h"
#include "modules/tm/routes.h"
#include "modules/tm/tm.h"

namespace fairlead::tm {
namespace {

using BucketGuard = shm::Guard<Bucket>;

/// A redirection as the branch keeps it.
struct Redirection {
    std::string_view bytes;
    bool is_best = false;
};

/// A step that has ended, copied under the lock.
struct Ended {
    StepHandler* handler = nullptr;
    StepFailure failure;
    std::array<Redirection, kMaxBranches> redirections;
    std::size_t redirection_count = 0;
};

constexpr std::int16_t kBest = 1000;

/// The q of a Contact in thousandths (RFC 3261 25.1); what is none counts as none.
std::int16_t q_of(const sip::NameAddr& contact) noexcept {
    const std::string_view text = contact.param("q").value_or("");
    const std::size_t dot = text.find('.');
    const auto whole = text::parse_uint(text.substr(0, dot), 1);
    if (!whole) return kBest;
    if (*whole == 1 || dot == std::string_view::npos)
        return static_cast<std::int16_t>(*whole * kBest);
    const std::string_view digits = text.substr(dot + 1, 3);
    const auto fraction = text::parse_uint(digits, kBest - 1);
    if (!fraction) return digits.empty() ? std::int16_t{0} : kBest;
    const unsigned unit = digits.size() == 1 ? 100 : digits.size() == 2 ? 10 : 1;
    return static_cast<std::int16_t>(*fraction * unit);
}

void add_contacts(std::vector<StepContact>& list, sip::Message& reply, const Redirection& from) {
    if (reply.parse(from.bytes)) return;
    for (const sip::Header& h : reply.headers()) {
        if (h.type != sip::HeaderType::contact) continue;
        std::string_view rest = reply.value(h);
        while (const auto value = sip::next_value(rest)) {
            const auto contact = sip::parse_name_addr(*value);
            if (contact && !contact->is_star && !contact->uri.empty())
                list.push_back({contact->uri, q_of(*contact), from.is_best});
        }
    }
}

/// Sets the scene for the handler, and takes the step off the transaction: it is asked once.
bool enter(Runtime& rt, Bucket& b, Cell& c, Message& m, Ended& ended) {
    const BucketGuard guard(b);
    const PendingStep* const step = c.step.get();
    if (step == nullptr) return false;
    const Pick best = pick(c, rt.policy, c.serial);
    const auto index = static_cast<std::size_t>(step->handler);
    const bool over = c.has(Cell::cancelled) || c.has(Cell::final_sent) || c.has(Cell::released);
    const bool asks = !over && best.branch != nullptr && c.request && index < rt.steps.size();
    if (asks) {
        c.owner = rt.process();
        ended.handler = rt.steps[index];
        const bool faked = best.branch->has(Branch::faked);
        const bool timeout = best.branch->has(Branch::timed_out);
        ended.failure = {.code = step->timed_out ? 408 : best.code,
                         .timed_out = step->timed_out || timeout,
                         .unreachable = !step->timed_out && faked && best.code == 503,
                         .luggage = m.arena.copy(step->luggage.view())};
        for (const Branch* x = c.branches.get(); x != nullptr; x = x->next.get()) {
            if (x->serial < c.serial || x->status / 100 != 3 || !x->reply) continue;
            if (ended.redirection_count == ended.redirections.size()) break;
            ended.redirections[ended.redirection_count++] = {m.arena.copy(x->reply.view()),
                                                             x == best.branch};
        }
        Work& w = work_for(rt, m);
        set_scene(rt, b, c, *best.branch, m, w);
        w.code = ended.failure.code;
        w.in_step = true;
        m.target = {};
        w.used_uri = {};
    }
    free_step(rt, c);
    return asks;
}

/// Whether the handler has relayed or replied.
bool has_gone_on(Bucket& b, const Cell& c) noexcept {
    const BucketGuard guard(b);
    if (c.has(Cell::final_sent) || c.has(Cell::released)) return true;
    for (const Branch* x = c.branches.get(); x != nullptr; x = x->next.get())
        if (x->serial > c.serial && !x->has(Branch::unsent)) return true;
    return false;
}

}  // namespace

PendingStep* make_step(Runtime& rt, const Step& step) noexcept {
    shm::Segment& memory = rt.memory();
    auto* const made = memory.make<PendingStep>(rt.tags.step, shm::Hold::in_hand);
    char* const luggage = made != nullptr && !step.luggage.empty()
                              ? memory.copy(step.luggage, rt.tags.step, shm::Hold::in_hand)
                              : nullptr;
    if (made == nullptr || (luggage == nullptr && !step.luggage.empty())) {
        memory.free(made);
        rt.counts.memory_failures.add();
        return nullptr;
    }
    made->handler = step.handler;
    made->luggage.bytes = luggage;
    made->luggage.size = static_cast<std::uint32_t>(step.luggage.size());
    return made;
}

void discard_step(Runtime& rt, PendingStep* step) noexcept {
    if (step == nullptr) return;
    drop(rt, step->luggage);
    rt.memory().free(step);
}

bool begin_step(Runtime& rt, Cell& c, PendingStep& step, Ms timeout) noexcept {
    constexpr Ms kLongest{Ms::rep{24} * 24 * 3600 * 1000};  // half of what Due can count
    const bool joined = static_cast<bool>(c.step);
    if (timeout > Ms(0))
        step.until = c.at(rt.now()) + static_cast<Due>(std::min(timeout, kLongest).count());
    c.set(Cell::noisy);  // who relays step by step wants to hear of each end
    if (step.luggage) rt.memory().publish(step.luggage.bytes.get());
    rt.memory().publish(&step);
    free_step(rt, c);
    c.step = &step;
    return joined;
}

void free_step(Runtime& rt, Cell& c) noexcept {
    PendingStep* const step = c.step.get();
    c.step = nullptr;
    discard_step(rt, step);
}

StepResult run_step(Runtime& rt, Bucket& b, Cell& c, Message& m) {
    Ended ended;
    if (!enter(rt, b, c, m, ended)) return StepResult::none;
    load_variables(b, c, m);
    m.route_type = Route::failure;
    std::vector<StepContact> contacts;
    sip::Message reply;
    for (const Redirection& r : std::span(ended.redirections).first(ended.redirection_count))
        add_contacts(contacts, reply, r);
    ended.failure.contacts = contacts;
    try {
        ended.handler->failed(m, ended.failure);
    } catch (const std::exception& e) {
        LOG(error, "the handler of a step threw: {}", e.what());
    }
    keep_scene(rt, b, c, m);
    return has_gone_on(b, c) ? StepResult::gone_on : StepResult::passed;
}

// ---- StepsApi -----------------------------------------------------------------------------------

StepId Tm::on_failure(StepHandler& handler) {
    rt_.steps.push_back(&handler);
    return static_cast<StepId>(rt_.steps.size() - 1);
}

int Tm::relay(Message& m, const Step& step) {
    if (step.luggage.size() > Step::kMaxLuggage) {
        LOG(error, "{} bytes are more than a step may keep", step.luggage.size());
        m.error = ScriptError::bad_request;
        return static_cast<int>(ScriptError::bad_request);
    }
    return tm::relay(rt_, m, {.step = &step});
}

}  // namespace fairlead::tm
