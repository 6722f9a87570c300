// Runs scripts for calls. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/cpl.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "core/api/log.h"
#include "core/api/sip.h"
#include "core/api/text.h"
#include "modules/cpl/files.h"
#include "modules/cpl/zone.h"

namespace fairlead::cpl {

namespace {

constexpr std::string_view kSuffix = ".xml";

/// A URI without what must not stand in a Request-URI (RFC 3261 16.6: no headers).
std::string_view without_headers(std::string_view uri) {
    return uri.substr(0, uri.find('?'));
}

BranchTarget target_of(Message& m, const Contact& contact) {
    return {.uri = m.arena.copy(without_headers(contact.uri)),
            .dst_uri = m.arena.copy(contact.received),
            .path = m.arena.copy(contact.path),
            .q = static_cast<std::int16_t>(contact.priority)};
}

}  // namespace

std::optional<Direction> parse_direction(std::string_view text) {
    if (text::ci_equal(text, "incoming")) return Direction::incoming;
    if (text::ci_equal(text, "outgoing")) return Direction::outgoing;
    return std::nullopt;
}

std::optional<Mode> parse_mode(std::string_view text) {
    if (text::ci_equal(text, "is_stateless")) return Mode::is_stateless;
    if (text::ci_equal(text, "is_stateful")) return Mode::is_stateful;
    if (text::ci_equal(text, "force_stateful")) return Mode::force_stateful;
    return std::nullopt;
}

Limits Cpl::limits() const {
    return {.size = static_cast<std::size_t>(max_script_size),
            .elements = static_cast<std::size_t>(max_nodes),
            .depth = max_depth,
            .proxy = false};
}

Result<void> Cpl::prepare(Core& core) {
    core_ = &core;
    owners_ = {use_domain, case_sensitive, realm_prefix};
    policy_.empty_set_status = static_cast<std::uint16_t>(empty_set_status);
    if (!redirect_route.empty()) {
        redirect_route_ = core.script().find(Route::request, redirect_route);
        if (redirect_route_ == RouteId::none)
            return fail(fmt::format("redirect_route: there is no route[{}]", redirect_route));
    }
    // The table of zones is read here and not by the first call that asks for one.
    (void)Zone::find("Etc/GMT");
    TRY(store_.prepare(core, static_cast<unsigned>(hash_size), scripts));
    return load_dir.empty() ? Result<void>() : load_directory();
}

Result<void> Cpl::load_directory() {
    std::error_code error;
    std::vector<std::filesystem::path> paths;
    for (auto it = std::filesystem::directory_iterator(load_dir, error);
         !error && it != std::filesystem::directory_iterator(); it.increment(error))
        if (it->path().extension() == kSuffix) paths.push_back(it->path());
    if (error) return fail(fmt::format("load_dir {}: {}", load_dir, error.message()));
    std::ranges::sort(paths);
    for (const auto& path : paths) TRY(load_file(path.string(), path.stem().string()));
    return {};
}

Result<void> Cpl::load_file(const std::string& path, const std::string& name) {
    const auto owner = owner_of("sip:" + (name.contains('@') ? name : name + "@-"), owners_);
    if (!owner) return fail("its name is not that of a user", path);
    if (use_domain != name.contains('@'))
        return fail(use_domain ? "its name must be user@domain.xml" : "its name must be user.xml",
                    path);
    const std::string xml = TRY(read_file(path, limits().size));
    Faults faults;
    const auto compiled = compile(xml, limits(), faults);
    if (!compiled) return fail(faults.all().front().str(), path);
    if (!store_.save(*owner, xml, *compiled)) return fail("no shared memory for it", path);
    return {};
}

std::optional<std::string> Cpl::named_owner(std::string_view name) const {
    const bool is_uri = name.contains(':');
    if (!is_uri && name.contains('@') != use_domain) {
        if (use_domain) return std::nullopt;
        name = name.substr(0, name.find('@'));
    }
    if (is_uri) return owner_of(name, owners_);
    return owner_of(fmt::format("sip:{}{}", name, name.contains('@') ? "" : "@-"), owners_);
}

Result<void> Cpl::keep(const std::string& owner, std::string_view xml, std::string_view compiled) {
    if (store_.save(owner, xml, compiled)) {
        stored.add();
        return {};
    }
    no_room.add();
    return fail("Failed saving CPL");
}

Result<void> Cpl::drop(const std::string& owner) {
    removed.add(store_.remove(owner) ? 1 : 0);
    return {};
}

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
    const auto script = store_.get(*owner, Store::Form::compiled, m.arena);
    if (!script) return Verdict::yes;
    runs.add();
    return run(m, *script, *direction, *mode);
}

Verdict Cpl::run(Message& m, std::string_view bytes, Direction direction, Mode mode) {
    const auto script = Script::trusted(bytes);
    const MessageCall call(m, core_->clock().unix_seconds());
    State state;
    if (!script) return Verdict::no;
    Machine machine(*script, call, policy_, state);
    Action action = machine.start(direction);
    // Neither mail nor log is set up, and there is no location service: RFC 3880 lets a run go on.
    while (action.kind == Action::Kind::mail || action.kind == Action::Kind::log ||
           action.kind == Action::Kind::lookup) {
        const bool is_lookup = action.kind == Action::Kind::lookup;
        action = machine.resume({is_lookup ? Outcome::Kind::lookup_failed : Outcome::Kind::noted});
    }
    switch (action.kind) {
        case Action::Kind::as_without_script: passed.add(); return Verdict::yes;
        case Action::Kind::reject: {
            rejected.add();
            const std::string_view usual = sip::default_reason(action.code);
            return reply(m, action.code, action.text.empty() ? usual : action.text, mode);
        }
        case Action::Kind::redirect: return redirect(m, machine, action.permanent, mode);
        case Action::Kind::last_proxy: return forward(m, machine, action);
        default: break;
    }
    LOG(error, "a CPL script cannot be run: its compiled form is wrong");
    failed.add();
    return Verdict::no;
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

Verdict Cpl::forward(Message& m, const Machine& machine, const Action& action) {
    forwarded.add();
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
    if (tm->relay(m) >= 0) return Verdict::stop;
    const ErrorReply error = error_reply(m.error);
    (void)sl->send(m, error.code, error.reason);
    return Verdict::stop;
}

}  // namespace fairlead::cpl
