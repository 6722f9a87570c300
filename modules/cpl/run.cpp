// Runs scripts for calls, from cpl_run_script() to the end or to a proxy node, and on from there
// when its answer has come. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "core/api/log.h"
#include "core/api/sip.h"
#include "core/api/text.h"
#include "modules/cpl/cpl.h"

namespace fairlead::cpl {

namespace {

/// What the machine takes an attempt for that could not be sent anywhere.
constexpr int kUnreachable = 500;

/// A URI without what must not stand in a Request-URI (RFC 3261 16.6: no headers).
std::string_view without_headers(std::string_view uri) {
    return uri.substr(0, uri.find('?'));
}

BranchTarget target_of(Message& m, const Contact& contact) {
    return {.uri = m.arena.copy(without_headers(contact.uri)),
            .dst_uri = m.arena.copy(contact.received),
            .path = m.arena.copy(contact.path),
            .q = static_cast<std::int16_t>(contact.priority),
            .listener = contact.listener,
            .flags = contact.flags};
}

}  // namespace

Verdict Cpl::run_script(Message& m, std::string_view type, std::string_view mode_text,
                        std::optional<std::string_view> uri) {
    const auto direction = parse_direction(type);
    const auto mode = parse_mode(mode_text);
    if (!direction || !mode) {
        LOG(error, "cpl_run_script: \"{}\", \"{}\" are no type and mode", type, mode_text);
        return Verdict::no;
    }
    const auto owner = uri                                 ? owner_of(*uri, owners_)
                       : *direction == Direction::incoming ? callee_of(m, owners_)
                                                           : caller_of(m, owners_);
    if (!owner) {
        LOG(error, "cpl_run_script: no user whose script could be run");
        return Verdict::no;
    }
    const auto bytes = store_.get(*owner, Store::Form::compiled, m.arena);
    if (!bytes) return Verdict::yes;
    runs.add();
    Run run;
    run.owner = m.arena.copy(*owner);
    run.script = *bytes;
    run.request_uri = m.arena.copy(m.uri());
    run.time = core_->clock().unix_seconds();
    run.mode = *mode;
    const auto script = Script::trusted(run.script);
    if (!script) return broken();
    run.source_hash = script->source_hash();
    const MessageCall call(m, run.request_uri, run.time);
    Machine machine(*script, call, policy_, zones_, run.state);
    return perform(m, run, machine, machine.start(*direction));
}

void Cpl::failed(Message& m, const tm::StepFailure& failure) {
    const bool moved = failure.code >= 300 && failure.code < 400;
    if (moved && ignore3xx) return;
    auto run = unpack(failure.luggage);
    if (!run) {
        (void)broken();
        return;
    }
    resumed.add();
    run->last_code = failure.unreachable ? kUnreachable : failure.code;
    if (run->script.empty()) {  // too large to travel: only good when it is still the same one
        const auto bytes = store_.get(run->owner, Store::Form::compiled, m.arena);
        run->script = bytes.value_or(std::string_view());
    }
    const auto script = Script::trusted(run->script);
    if (!script || script->source_hash() != run->source_hash) {
        LOG(notice, "the CPL script of {} was replaced during a call, which ends with {}",
            run->owner, failure.code);
        relayed.add();
        return;
    }
    std::vector<Contact> contacts;
    for (const tm::StepContact& contact : failure.contacts)
        contacts.push_back({.uri = contact.uri, .priority = static_cast<std::uint16_t>(contact.q)});
    Outcome outcome{Outcome::Kind::answered, failure.code, contacts};
    if (failure.timed_out) outcome.kind = Outcome::Kind::timed_out;
    if (failure.unreachable) outcome.kind = Outcome::Kind::unreachable;
    const MessageCall call(m, run->request_uri, run->time);
    Machine machine(*script, call, policy_, zones_, run->state);
    (void)perform(m, *run, machine, machine.resume(outcome));
}

Verdict Cpl::broken() {
    LOG(error, "a CPL script cannot be run: its compiled form is wrong");
    failed_runs.add();
    return Verdict::no;
}

/// Does what the script wants until it ends or waits for an answer.
Verdict Cpl::perform(Message& m, Run& run, Machine& machine, Action action) {
    for (;;) {
        switch (action.kind) {
            case Action::Kind::mail:
            case Action::Kind::log:
                note(m, run, action);
                action = machine.resume({});
                continue;
            case Action::Kind::lookup: action = look_up(m, run, machine); continue;
            case Action::Kind::proxy:
                if (proxy(m, run, machine, action)) return Verdict::stop;
                // tm may have made a transaction, but nothing left.
                action = machine.resume({Outcome::Kind::unreachable});
                continue;
            default: break;
        }
        if (run.state.lost) lost.add();
        return end(m, run, machine, action);
    }
}

Verdict Cpl::end(Message& m, const Run& run, const Machine& machine, const Action& action) {
    const int best = run.state.best != 0 ? run.state.answer() : kUnreachable;
    switch (action.kind) {
        case Action::Kind::as_without_script: passed.add(); return Verdict::yes;
        case Action::Kind::relay_best:
            relayed.add();
            // The answer of the last attempt is at hand; one of an earlier attempt may be better.
            // A redirection is left to tm, which has its Contacts.
            if (run.resumed && (best == run.last_code || best < 400)) return Verdict::stop;
            return reply(m, best, sip::default_reason(best), run.mode);
        case Action::Kind::reject: {
            rejected.add();
            const std::string_view usual = sip::default_reason(action.code);
            return reply(m, action.code, action.text.empty() ? usual : action.text, run.mode);
        }
        case Action::Kind::redirect: return redirect(m, machine, action.permanent, run.mode);
        case Action::Kind::last_proxy: return forward(m, run, machine, action);
        default: break;
    }
    return broken();
}

void Cpl::note(Message& m, const Run& run, const Action& action) {
    if (action.kind == Action::Kind::log) {
        if (writer_.logs() && !action.body.empty())
            writer_.log(run.owner, run.time, action.text, action.body);
        return;
    }
    if (!writer_.mails()) return;
    const MessageCall call(m, run.request_uri, run.time);
    const std::string_view about = call.fact(Fact::subject).value_or("");
    // RFC 3880 7.1: what the script leaves out is the call's.
    const std::string subject =
        action.subject.empty() ? fmt::format("[CPL] {}", about) : std::string(action.subject);
    const std::string body = action.body.empty()
                                 ? fmt::format("From: {}\nTo: {}\nSubject: {}\nPriority: {}\n",
                                               call.fact(Fact::from).value_or(""), run.request_uri,
                                               about, call.fact(Fact::priority).value_or("normal"))
                                 : std::string(action.body);
    writer_.mail(action.text, text::trim(subject), body);
}

Action Cpl::look_up(Message& m, const Run& run, Machine& machine) {
    lookups.add();
    if (usrloc == nullptr || locations_ == usrloc::DomainId::none)
        return machine.resume({Outcome::Kind::lookup_failed});
    std::string_view aor = run.owner;
    if (!usrloc->use_domain()) aor = aor.substr(0, aor.find('@'));
    std::vector<Contact> found;
    for (const usrloc::Contact& contact : usrloc->contacts(locations_, aor, m.arena)) {
        const bool has_q = contact.q != usrloc::kNoQ;
        const BranchTarget target =
            usrloc::target_of(contact, m.arena, core_->net().listeners().size());
        found.push_back({.uri = target.uri,
                         .priority = static_cast<std::uint16_t>(has_q ? contact.q : 1000),
                         .received = target.dst_uri,
                         .path = target.path,
                         .flags = target.flags,
                         .listener = target.listener});
        if (!lookup_append_branches) break;
    }
    if (found.empty()) return machine.resume({Outcome::Kind::not_found});
    return machine.resume({.kind = Outcome::Kind::found, .contacts = found});
}

Verdict Cpl::reply(Message& m, int code, std::string_view reason, Mode mode) {
    if (mode == Mode::is_stateless && !tm->has_transaction(m)) {
        return sl->send_stateless(m, code, reason) > 0 ? Verdict::stop : Verdict::no;
    }
    if (!tm->has_transaction(m)) {
        if (mode == Mode::is_stateful)
            LOG(warning, "cpl_run_script: is_stateful, but there is no transaction; making one");
        const int made = tm->new_transaction(m);
        if (made == 0) return Verdict::stop;  // the request came again and has been dealt with
        if (made < 0) return Verdict::no;
    }
    return tm->reply(m, code, reason) > 0 ? Verdict::stop : Verdict::no;
}

Verdict Cpl::redirect(Message& m, const Machine& machine, bool permanent, Mode mode) {
    redirected.add();
    if (redirect_route_ != RouteId::none) (void)core_->script().run(redirect_route_, m);
    // Only the script's locations go into the Contact, not what the configuration rewrote.
    m.target.uri = {};
    m.branch_count = 0;
    m.append_to_reply(fmt::format("Contact: {}\r\n", machine.contact_header()));
    return reply(m, permanent ? 301 : 302, permanent ? "Moved Permanently" : "Moved Temporarily",
                 mode);
}

/// Makes the message point to the targets of an action.
void Cpl::aim(Message& m, const Machine& machine, const Action& action) {
    m.branch_count = 0;
    for (std::size_t i = 0; i < action.target_count; ++i) {
        const BranchTarget target = target_of(m, machine.location(action.targets[i]));
        if (i == 0) {
            m.target = target;
            m.uri_consumed = false;
        } else if (!m.append_branch(target, core_->globals().max_branches)) {
            LOG(warning, "a CPL script has more locations than there may be branches");
            break;
        }
    }
    if (timer_avp_ != nullptr)
        timer_avp_->set(m, action.timeout != 0 ? Value(std::int64_t{action.timeout}) : Value());
    if (proxy_route_ != RouteId::none) (void)core_->script().run(proxy_route_, m);
}

/// False when nothing was sent.
bool Cpl::proxy(Message& m, const Run& run, const Machine& machine, const Action& action) {
    const std::string luggage = pack(run, tm::Step::kMaxLuggage);
    if (luggage.empty()) {
        LOG(error, "a run of the CPL script of {} is too large to wait for an answer", run.owner);
        return false;
    }
    aim(m, machine, action);
    constexpr std::int64_t kSecond = 1000;
    attempts.add();
    return steps->relay(m, {step_, luggage, Ms{action.timeout * kSecond}}) >= 0;
}

Verdict Cpl::forward(Message& m, const Run& run, const Machine& machine, const Action& action) {
    forwarded.add();
    aim(m, machine, action);
    if (tm->relay(m) >= 0 || run.resumed) return Verdict::stop;
    const ErrorReply error = error_reply(m.error);
    (void)sl->send(m, error.code, error.reason);
    return Verdict::stop;
}

}  // namespace fairlead::cpl
