// Runs scripts: the proxy node with its attempts, redirections and outputs (RFC 3880 6.1).
// SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/machine.h"

namespace fairlead::cpl {

namespace {

using Standing = LocationSet::Standing;

/// What a timeout counts as among answers.
constexpr std::uint16_t kTimedOut = 408;
/// What an attempt counts as that could not be sent anywhere.
constexpr std::uint16_t kNothingReached = 500;

/// Which answer a caller would rather hear of: 6xx, then the lowest class; in it the lowest code,
/// but a timeout only when there is nothing better (RFC 3261 16.7 step 6).
int rank(std::uint16_t code) {
    const int within = code == kTimedOut ? 99 : code % 100;
    return (code >= 600 ? 0 : code / 100) * 100 + within;
}

}  // namespace

/// The fields of a proxy node.
struct Machine::ProxyNode {
    static constexpr std::size_t kBusy = 0, kNoAnswer = 1, kRedirection = 2, kFailure = 3,
                                 kDefault = 4;
    ProxyNode(const Script& script, Target at) : at(at) {
        Reader in(script.bytes(), at);
        ok = static_cast<Op>(in.u8()) == Op::proxy;
        timeout = in.u16();
        recurse = in.code(Recurse::unsaid);
        ordering = in.code(Ordering::first_only);
        for (Target& target : outputs) {
            target = in.u32();
            ok = ok && target < at;
        }
        ok = ok && in.ok();
    }
    /// The output for a best answer; the outputs are counted in the order of their fields.
    [[nodiscard]] std::size_t output_of(std::uint16_t code) const {
        std::size_t output = kFailure;
        if (code == 486 || code == 600) output = kBusy;
        if (code == kTimedOut) output = kNoAnswer;
        if (code < 400) output = kRedirection;
        return outputs[output] != kAbsent ? output : kDefault;
    }
    /// A redirection output that is written says what to do with one, unless recurse is written
    /// too.
    [[nodiscard]] bool follows() const {
        return recurse == Recurse::yes ||
               (recurse == Recurse::unsaid && outputs[kRedirection] == kAbsent);
    }

    Target at;
    std::uint16_t timeout = 0;
    Recurse recurse = Recurse::no;
    Ordering ordering = Ordering::parallel;
    std::array<Target, 5> outputs{};
    bool ok = false;
};

bool Machine::has_proxyable(Standing standing) const {
    const LocationSet::List list = state_.locations.best_first(standing);
    for (std::size_t i = 0; i < list.count; ++i)
        if (can_be_proxied(location(list.entry[i]).uri)) return true;
    return false;
}

/// Takes the best locations of one standing as targets; false when there is none.
bool Machine::add_targets(Standing standing, std::size_t max, Action& action) {
    const LocationSet::List list = state_.locations.best_first(standing);
    bool added = false;
    for (std::size_t i = 0; i < list.count && max > 0; ++i) {
        if (!can_be_proxied(location(list.entry[i]).uri)) continue;  // remains, for a redirect
        if (action.target_count == kMaxBranches || state_.invites >= policy_.max_invites) {
            state_.lost = true;
            state_.locations.set(list.entry[i], Standing::gone);
            continue;
        }
        ++state_.invites;
        --max;
        action.targets[action.target_count++] = list.entry[i];
        state_.locations.set(list.entry[i], Standing::tried);
        added = true;
    }
    return added;
}

/// The next attempt of a proxy node; false when there is nothing left to try.
bool Machine::attempt(const ProxyNode& node, Action& action) {
    // In a sequence the targets of a redirection stand among the locations, by their priority.
    if (node.ordering == Ordering::sequential)
        state_.locations.change(Standing::target, Standing::in_set);
    const bool first = state_.best == 0 && state_.recursions == 0;
    const bool one =
        node.ordering == Ordering::sequential || (node.ordering == Ordering::first_only && first);
    const bool from_set = node.ordering == Ordering::sequential || first;
    if (!add_targets(from_set ? Standing::in_set : Standing::target, one ? 1 : kMaxBranches,
                     action))
        return false;
    action.kind = Action::Kind::proxy;
    action.timeout = node.timeout;
    if (node.timeout == 0 && (node.outputs[ProxyNode::kNoAnswer] != kAbsent ||
                              node.outputs[ProxyNode::kDefault] != kAbsent))
        action.timeout = policy_.implicit_timeout;
    state_.node = node.at;
    state_.waiting = State::Waiting::proxy;
    return true;
}

Target Machine::proxy(Target at, Action& action) {
    const ProxyNode node(script_, at);
    if (!node.ok) return at;
    // A challenge cannot be relayed any more: what it said is gone with its answer.
    const bool is_challenge = state_.best == 401 || state_.best == 407;
    if (state_.best >= 400 && !is_challenge) state_.earlier = state_.answer();
    state_.best = 0;
    state_.recursions = 0;
    state_.locations.change(Standing::tried, Standing::gone);
    if (attempt(node, action)) return at;
    return leave(node, node.output_of(kNothingReached));
}

/// Follows a redirection within the limits, or keeps its targets for the redirection output.
void Machine::take_redirection(const ProxyNode& node, const Outcome& outcome) {
    const bool follow = node.follows() && state_.recursions < policy_.max_recursion;
    bool any = false;
    for (const Contact& contact : outcome.contacts) {
        if (!follow || !can_be_proxied(contact.uri)) {
            state_.locations.add(script_.bytes(), contact, Standing::offered);
            continue;
        }
        if (state_.locations.has_tried(script_.bytes(), contact.uri)) continue;
        const bool added = state_.locations.add(script_.bytes(), contact, Standing::target);
        state_.lost |= !added;
        any |= added;
    }
    if (any)
        ++state_.recursions;
    else if (state_.best == 0 || rank(static_cast<std::uint16_t>(outcome.code)) < rank(state_.best))
        state_.best = static_cast<std::uint16_t>(outcome.code);
}

Target Machine::proxied(const Outcome& outcome, Action& action) {
    const ProxyNode node(script_, state_.node);
    const bool fits = outcome.kind >= Outcome::Kind::answered;
    const bool sane =
        outcome.kind != Outcome::Kind::answered || (outcome.code >= 200 && outcome.code <= 699);
    if (!node.ok || !fits || !sane) {
        action = end(Action::Kind::fault);
        return kAbsent;
    }
    state_.proxied = true;
    const bool answered = outcome.kind == Outcome::Kind::answered;
    if (answered && outcome.code < 300) {
        action = end(Action::Kind::relay_best);
        return kAbsent;
    }
    std::uint16_t code = kTimedOut;
    if (answered) code = static_cast<std::uint16_t>(outcome.code);
    if (outcome.kind == Outcome::Kind::unreachable) code = kNothingReached;
    if (code < 400)
        take_redirection(node, outcome);
    else if (state_.best == 0 || rank(code) < rank(state_.best))
        state_.best = code;
    const bool stop = code >= 600 && policy_.stop_on_6xx;
    if (!stop && attempt(node, action)) return kAbsent;
    return proxy_output(node);
}

Target Machine::proxy_output(const ProxyNode& node) {
    state_.locations.change(Standing::target, Standing::gone);
    const std::uint16_t code = state_.best;
    const std::size_t output = node.output_of(code);
    const bool redirected = code < 400;
    if (redirected) state_.changed = true;
    state_.locations.change(Standing::offered, redirected ? Standing::in_set : Standing::gone);
    return leave(node, output);
}

Target Machine::leave(const ProxyNode& node, std::size_t output) const {
    if (trace_ != nullptr) trace_->left_by(node.at, output);
    return node.outputs[output];
}

}  // namespace fairlead::cpl
