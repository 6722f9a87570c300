// Runs scripts: the walk through switches, modifiers and actions. SPDX-License-Identifier:
// Apache-2.0
#include "modules/cpl/machine.h"

#include <fmt/format.h>

#include "core/api/text.h"
#include "modules/cpl/recurrence.h"
#include "modules/cpl/texts.h"

namespace fairlead::cpl {

namespace {

using Standing = LocationSet::Standing;

}  // namespace

/// The output of a switch: conditions in order, then otherwise. `holds` is asked for those that
/// compare; without a value it is not asked, and not-present holds.
template <class Holds>
Target Machine::choose(Reader& in, Target at, bool present, Holds holds) {
    Target taken = kAbsent;
    const unsigned count = in.u16();
    unsigned output = count;
    for (unsigned i = 0; i < count && in.ok(); ++i) {
        const Match match = in.code(Match::equal);
        const Target target = in.u32();
        const std::string_view argument = in.text();
        if (!in.ok() || taken != kAbsent) continue;
        if (match == Match::not_present ? !present : present && holds(match, argument)) {
            taken = target;
            output = i;
        }
    }
    const Target otherwise = in.u32();
    if (trace_ != nullptr) trace_->left_by(at, output);
    return taken != kAbsent ? taken : otherwise;
}

Action Machine::end(Action::Kind kind) {
    state_.waiting = State::Waiting::ended;
    Action action;
    action.kind = kind;
    return action;
}

Action Machine::refuse(std::uint16_t code) {
    Action action = end(Action::Kind::reject);
    action.code = code;
    return action;
}

/// RFC 3880 10: the script ended without an action of its own.
Action Machine::default_behaviour() {
    if (state_.proxied) return end(Action::Kind::relay_best);
    if (!state_.changed) return end(Action::Kind::as_without_script);
    Action action;
    if (state_.locations.count(Standing::in_set) == 0) return refuse(policy_.empty_set_status);
    if (!add_targets(Standing::in_set, kMaxBranches, action)) return end(Action::Kind::redirect);
    action.kind = Action::Kind::last_proxy;
    state_.waiting = State::Waiting::last_proxy;
    return action;
}

Action Machine::start(Direction direction) {
    const Target target =
        direction == Direction::incoming ? script_.incoming() : script_.outgoing();
    if (target == kAbsent) return end(Action::Kind::as_without_script);
    if (direction == Direction::outgoing) {  // RFC 3880 2.3
        if (const auto uri = call_.fact(Fact::request_uri))
            state_.lost |= !state_.locations.add(script_.bytes(), {.uri = *uri}, Standing::in_set);
    }
    return run(target);
}

Action Machine::run(Target target) {
    Target limit = static_cast<Target>(script_.bytes().size());
    for (;;) {
        if (target <= kEmpty) return default_behaviour();
        // Only ever backwards: this is why every run ends.
        if (target >= limit || target < kHeaderSize) return end(Action::Kind::fault);
        limit = target;
        Action action;
        const Target next = node(target, action);
        if (action.kind != Action::Kind::fault) return action;
        if (next == limit) return end(Action::Kind::fault);
        target = next;
    }
}

Target Machine::node(Target at, Action& action) {
    Reader in(script_.bytes(), at);
    const auto op = static_cast<Op>(in.u8());
    Target next = at;
    if (trace_ != nullptr) trace_->visited(at);
    switch (op) {
        case Op::address_switch: next = address_switch(in, at); break;
        case Op::string_switch: next = string_switch(in, at); break;
        case Op::language_switch: next = language_switch(in, at); break;
        case Op::time_switch: next = time_switch(in, at); break;
        case Op::priority_switch: next = priority_switch(in, at); break;
        case Op::location: next = location_node(in); break;
        case Op::lookup: next = lookup(in, at, action); break;
        case Op::remove_location: next = remove_location(in); break;
        case Op::proxy: return proxy(at, action);
        case Op::redirect: next = redirect(in, action); break;
        case Op::reject: next = reject(in, action); break;
        case Op::mail:
        case Op::log: next = note(in, op, at, action); break;
    }
    if (in.ok()) return next;
    action = Action();
    return at;
}

Target Machine::address_switch(Reader& in, Target at) {
    const auto field = in.code(AddressField::original_destination);
    const auto subfield = in.code(Subfield::unknown);
    const auto value = address_value(call_, field, subfield);
    return choose(in, at, value.has_value(), [&](Match match, std::string_view argument) {
        return matches_address(*value, match, argument, policy_.users_without_case);
    });
}

Target Machine::string_switch(Reader& in, Target at) {
    const auto value = string_value(call_, in.code(StringField::display));
    return choose(in, at, value.has_value(), [&](Match match, std::string_view argument) {
        return matches_string(*value, match, argument);
    });
}

Target Machine::language_switch(Reader& in, Target at) {
    const auto value = call_.fact(Fact::accept_language);
    return choose(in, at, value.has_value(), [&](Match, std::string_view argument) {
        return accepts_language(*value, argument);
    });
}

Target Machine::time_switch(Reader& in, Target at) {
    const std::string_view name = in.text();
    // A zone that has left the database since the upload: its times are not now.
    const auto zone = zones_.find(name);
    return choose(in, at, true, [&](Match, std::string_view argument) {
        const auto rule = read_rule(argument);
        return zone && rule && covers(*rule, *zone, call_.time());
    });
}

Target Machine::priority_switch(Reader& in, Target at) {
    const std::string value =
        std::string(text::trim(call_.fact(Fact::priority).value_or("normal")));
    return choose(in, at, true, [&](Match match, std::string_view argument) {
        return matches_priority(value, match, argument);
    });
}

Target Machine::location_node(Reader& in) {
    const bool clear = in.u8() != 0;
    const std::uint16_t priority = in.u16();
    const std::string_view url = in.text();
    const Target next = in.u32();
    if (!in.ok()) return next;
    if (clear) state_.locations.clear();
    const auto at = static_cast<std::uint32_t>(url.data() - script_.bytes().data());
    const auto size = static_cast<std::uint16_t>(url.size());
    state_.lost |= !state_.locations.add_constant(script_.bytes(), at, size, priority);
    state_.changed = true;
    return next;
}

Target Machine::remove_location(Reader& in) {
    const std::string_view url = in.text();
    const Target next = in.u32();
    if (!in.ok()) return next;
    if (url.empty())
        state_.locations.clear();
    else
        state_.locations.remove(script_.bytes(), url);
    state_.changed = true;
    return next;
}

Target Machine::lookup(Reader& in, Target at, Action& action) {
    in.u8();
    action.timeout = in.u16();
    action.kind = Action::Kind::lookup;
    state_.node = at;
    state_.waiting = State::Waiting::lookup;
    return at;
}

Target Machine::note(Reader& in, Op op, Target at, Action& action) {
    const std::string_view first = in.text(), second = in.text();
    const std::string_view third = op == Op::mail ? in.text() : std::string_view();
    const Target next = in.u32();
    if (state_.notes >= policy_.max_notes) {
        state_.lost = true;
        return next;
    }
    ++state_.notes;
    action.kind = op == Op::mail ? Action::Kind::mail : Action::Kind::log;
    action.text = first;
    action.subject = op == Op::mail ? second : std::string_view();
    action.body = op == Op::mail ? third : second;
    state_.node = at;
    state_.waiting = State::Waiting::note;
    return at;
}

Target Machine::reject(Reader& in, Action& action) {
    const std::uint16_t code = in.u16();
    const std::string_view reason = in.text();
    if (code < 400 || code > 699) in.fail();
    action = refuse(code);
    action.text = reason;
    return kAbsent;
}

Target Machine::redirect(Reader& in, Action& action) {
    const bool permanent = in.u8() != 0;
    if (state_.locations.count(Standing::in_set) == 0) {
        action = refuse(policy_.empty_set_status);
        return kAbsent;
    }
    action = end(Action::Kind::redirect);
    action.permanent = permanent;
    return kAbsent;
}

std::string Machine::contact_header() const {
    std::string out;
    const LocationSet::List list = state_.locations.best_first(Standing::in_set);
    for (std::size_t i = 0; i < list.count; ++i) {
        const Contact contact = location(list.entry[i]);
        out += fmt::format("{}<{}>;q={}", out.empty() ? "" : ", ", contact.uri,
                           quality_text(contact.priority));
    }
    return out;
}

Action Machine::resume(const Outcome& outcome) {
    const State::Waiting waiting = state_.waiting;
    state_.waiting = State::Waiting::nothing;
    if (waiting == State::Waiting::proxy) {
        Action action;
        const Target next = proxied(outcome, action);
        const bool stays =
            state_.waiting == State::Waiting::ended || action.kind != Action::Kind::fault;
        return stays ? action : run(next);
    }
    Reader in(script_.bytes(), state_.node);
    const auto op = static_cast<Op>(in.u8());
    if (waiting == State::Waiting::note && outcome.kind == Outcome::Kind::noted) {
        static_cast<void>(in.text());
        static_cast<void>(in.text());
        if (op == Op::mail) static_cast<void>(in.text());
        const Target next = in.u32();
        return in.ok() && next < state_.node ? run(next) : end(Action::Kind::fault);
    }
    if (waiting != State::Waiting::lookup || outcome.kind > Outcome::Kind::lookup_failed ||
        outcome.kind == Outcome::Kind::noted)
        return end(Action::Kind::fault);
    const bool clear = in.u8() != 0;
    in.u16();
    std::array<Target, 3> to{};
    for (Target& target : to) target = in.u32();
    std::size_t output = 2;
    if (outcome.kind == Outcome::Kind::not_found) output = 1;
    if (outcome.kind == Outcome::Kind::found) {
        output = 0;
        if (clear) state_.locations.clear();
        for (const Contact& contact : outcome.contacts)
            state_.lost |= !state_.locations.add(script_.bytes(), contact, Standing::in_set);
        state_.changed = true;
    }
    if (trace_ != nullptr) trace_->left_by(state_.node, output);
    const Target next = to[output];
    return in.ok() && next < state_.node ? run(next) : end(Action::Kind::fault);
}

}  // namespace fairlead::cpl
