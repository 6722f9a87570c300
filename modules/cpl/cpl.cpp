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
            .depth = max_depth};
}

Result<void> Cpl::prepare(Core& core) {
    core_ = &core;
    owners_ = {use_domain, case_sensitive, realm_prefix};
    policy_.empty_set_status = static_cast<std::uint16_t>(empty_set_status);
    policy_.implicit_timeout = static_cast<std::uint16_t>(proxy_default_timeout);
    policy_.max_recursion = static_cast<std::uint8_t>(proxy_recurse);
    policy_.max_invites = static_cast<std::uint8_t>(max_invites);
    policy_.stop_on_6xx = stop_on_6xx;
    redirect_route_ = TRY(route("redirect_route", redirect_route));
    proxy_route_ = TRY(route("proxy_route", proxy_route));
    step_ = steps->on_failure(*this);
    TRY(find_locations());
    Zone::read_all();
    TRY(store_.prepare(core, static_cast<unsigned>(hash_size), scripts));
    TRY(writer_.prepare(core, notes, noted));
    TRY(database_.prepare(core, db, database, static_cast<std::size_t>(max_waiting),
                          [this](const Asked& asked, bool ok) { settle(asked, ok); }));
    TRY(load_database());
    return load_dir.empty() ? Result<void>() : load_directory();
}

Result<void> Cpl::load_row(std::string_view user, std::string_view domain, std::string_view xml,
                           std::string_view compiled) {
    const bool has_domain = use_domain && !domain.empty();
    const auto owner = named_owner(has_domain ? fmt::format("{}@{}", user, domain) : user);
    if (!owner || (use_domain && domain.empty())) {
        LOG(warning, "the row of \"{}\", \"{}\" in the table of CPL scripts names no user", user,
            domain);
        return {};
    }
    // What another server or version has left there is made anew.
    const auto known = Script::load(compiled);
    std::string anew;
    if (!known || known->source_hash() != hash_of(xml)) {
        Faults faults;
        auto made = compile(xml, limits(), faults);
        if (!made) {
            LOG(error, "the CPL script of {} in the database is wrong: {}", *owner,
                faults.all().front().str());
            return {};
        }
        anew = std::move(*made);
        compiled = anew;
        stale_.push_back({std::string(user), std::string(domain), anew});
    }
    if (store_.save(*owner, xml, compiled)) return {};
    return fail("no shared memory for the scripts of the database: raise shm_mem_size (-m)");
}

Result<void> Cpl::load_database() {
    if (!database_.is_used()) return {};
    TRY(database_.load([this](auto user, auto domain, auto xml, auto compiled) {
        return load_row(user, domain, xml, compiled);
    }));
    for (const Stale& row : stale_) TRY(database_.refresh(row.user, row.domain, row.compiled));
    stale_ = {};
    return {};
}

Result<RouteId> Cpl::route(std::string_view parameter, std::string_view name) {
    if (name.empty()) return RouteId::none;
    const RouteId found = core_->script().find(Route::request, name);
    if (found == RouteId::none)
        return fail(fmt::format("{}: there is no route[{}]", parameter, name));
    return found;
}

Result<void> Cpl::find_locations() {
    if (lookup_domain.empty()) return {};
    if (usrloc == nullptr) return fail("lookup_domain: the module usrloc is not loaded");
    if (usrloc->use_domain() && !use_domain)
        LOG(warning,
            "usrloc has contacts of user@domain, but use_domain of cpl is off: lookups "
            "find nothing");
    locations_ = usrloc->domain(lookup_domain);
    return {};
}

Result<void> Cpl::set_timer_avp(std::string_view text, ParamVariables& variables) {
    if (!text.starts_with("$avp(")) return fail("timer_avp is no $avp(name)");
    timer_avp_ = TRY(variables.variable(text));
    return {};
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

Result<void> Cpl::keep(const std::string& owner, std::string_view xml, std::string_view compiled,
                       const tm::SuspendToken& waiting, Database::Done done) {
    const auto proposal = store_.propose(owner, xml, compiled);
    if (!proposal) {
        no_room.add();
        return fail("there is no room for the script");
    }
    const Asked asked{*proposal, waiting};
    if (!database_.is_used()) return settle_now(asked, done);
    return begin(asked, database_.save(asked, owner, xml, compiled, std::move(done)));
}

Result<void> Cpl::drop(const std::string& owner, const tm::SuspendToken& waiting,
                       Database::Done done) {
    if (!database_.is_used()) {
        removed.add(store_.remove(owner) ? 1 : 0);
        if (done) done(true);
        return {};
    }
    const auto proposal = store_.propose_removal(owner);
    if (!proposal) {
        no_room.add();
        return fail("there is no room for the change");
    }
    const Asked asked{*proposal, waiting};
    return begin(asked, database_.remove(asked, owner, std::move(done)));
}

/// What the database has not taken is no longer proposed.
Result<void> Cpl::begin(const Asked& asked, Result<void> taken) {
    if (taken) return taken;
    store_.withdraw(asked.proposal);
    (taken.error().code == Database::kBusy ? turned_away : database_failures).add();
    return taken;
}

Result<void> Cpl::settle_now(const Asked& asked, const Database::Done& done) {
    settle(asked, true);
    if (done) done(true);
    return {};
}

/// The database has taken a change or refused it.
void Cpl::settle(const Asked& asked, bool ok) {
    if (ok) {
        const Accepted change = store_.accept(asked.proposal);
        stored.add(change.has_script ? 1 : 0);
        removed.add(change.had_script && !change.has_script ? 1 : 0);
    } else {
        store_.withdraw(asked.proposal);
        database_failures.add();
    }
    answer_waiting(asked.transaction, ok);
}

}  // namespace fairlead::cpl
