// Where users are: what other modules ask. SPDX-License-Identifier: Apache-2.0
#include "modules/usrloc/usrloc.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "core/api/log.h"

namespace fairlead::usrloc {

namespace {

constexpr Ms kTickLength{1000};
constexpr std::size_t kMaxDomains = 64;

}  // namespace

Result<void> Usrloc::prepare(Core& core) {
    core_ = &core;
    if (db_mode == 3)
        return fail(
            "db_mode 3 of usrloc (no contacts in memory) is not available: 1 stores each "
            "change before it is answered");
    rules_.matching = static_cast<Matching>(matching_mode);
    rules_.newest_first = desc_time_order;
    rules_.has_rows = has_rows();
    rules_.cseq_delay = cseq_delay;
    rules_.bits = static_cast<unsigned>(hash_size);
    if (db_mode != memory) {
        if (db == nullptr)
            return fail("usrloc: db_mode needs a module for databases, such as db_sqlite");
        TRY(rows_.prepare(core, *db, db_url, layout));
        callback_ = db->on_answer(*this);
    }
    mail_ = core.on_mail(*this);
    core.timers().every(kTickLength, *this);
    for (const std::string& wanted : preload) TRY(add_domain(wanted));
    return {};
}

Result<void> Usrloc::start(const Process& process) {
    ruids_.prefix = fmt::format("uloc-{:x}-{:x}-", core_->clock().unix_seconds(), ::getpid());
    // Tickets of a predecessor in this slot are not mistaken for ours.
    last_ticket_ = static_cast<std::uint64_t>(process.slot) << 48U |
                   (static_cast<std::uint64_t>(::getpid()) & 0xffffU) << 32U;
    return {};
}

void Usrloc::stop() noexcept {
    if (core_ == nullptr || !has_rows()) return;
    const Process& self = core_->process();
    const bool alone = self.kind == Process::Kind::worker && self.slot == core_->control_slot();
    if (self.kind == Process::Kind::supervisor || alone) flush();
}

// ---- Domains ------------------------------------------------------------------------------------

DomainId Usrloc::domain(std::string_view name) {
    const auto added = add_domain(name);
    if (added) return *added;
    LOG(error, "{}", added.error().str());
    return DomainId::none;
}

Result<DomainId> Usrloc::add_domain(std::string_view name) {
    if (const DomainId known = find_domain(name); known != DomainId::none) return known;
    if (tables_.size() == kMaxDomains) return fail("there are too many tables of locations");
    if (db_mode != memory) TRY(rows_.add(name, version_table != 0));
    Table& made = tables_.emplace_back(std::string(name), rules_);
    TRY(made.prepare(*core_));
    const auto id = static_cast<DomainId>(tables_.size() - 1);
    if (has_rows() && db_clean_tcp) TRY(rows_.clean_connections(id));
    if (db_mode == load_only || (has_rows() && db_load != 0)) TRY(load(made));
    return id;
}

Result<void> Usrloc::load(Table& table) {
    std::string aor;
    std::size_t loaded = 0, no_room = 0;
    const auto listeners = core_->net().listeners();
    TRY(rows_.load(static_cast<DomainId>(tables_.size() - 1), has_rows(),
                   [&](std::string_view user, std::string_view domain, std::string_view socket,
                       const Contact& row) {
                       Contact contact = row;
                       const auto on =
                           std::ranges::find(listeners, socket, &fairlead::Listener::uri_text);
                       if (on != listeners.end()) contact.listener = on->index;
                       if (skip_remote_socket && on == listeners.end()) return true;
                       aor.assign(user);
                       if (multi_domain && !domain.empty()) aor.append("@").append(domain);
                       ++(table.load(aor, contact) ? loaded : no_room);
                       return true;
                   }));
    if (no_room != 0)
        return fail(
            fmt::format("no shared memory for {} of the contacts in \"{}\": raise "
                        "shm_mem_size (-m)",
                        no_room, table.name()));
    LOG(info, "{} contacts loaded into \"{}\"", loaded, table.name());
    return {};
}

DomainId Usrloc::find_domain(std::string_view name) const noexcept {
    for (std::size_t i = 0; i < tables_.size(); ++i)
        if (tables_[i].name() == name) return static_cast<DomainId>(i);
    return DomainId::none;
}

Table* Usrloc::table(DomainId domain) noexcept {
    const auto index = static_cast<std::size_t>(domain);
    return index < tables_.size() ? &tables_[index] : nullptr;
}

std::string_view Usrloc::name(DomainId domain) const noexcept {
    const auto index = static_cast<std::size_t>(domain);
    return index < tables_.size() ? std::string_view(tables_[index].name()) : std::string_view();
}

std::int64_t Usrloc::count_users() {
    std::size_t all = 0;
    for (const Table& t : tables_) all += t.counts().records;
    return static_cast<std::int64_t>(all);
}
std::int64_t Usrloc::count_contacts() {
    std::size_t all = 0;
    for (const Table& t : tables_) all += t.counts().contacts;
    return static_cast<std::int64_t>(all);
}

// ---- Contacts -----------------------------------------------------------------------------------

std::vector<Contact> Usrloc::contacts(DomainId domain, std::string_view aor, Arena& arena,
                                      bool with_expired) {
    Table* const t = table(domain);
    return t != nullptr ? t->contacts(aor, arena, with_expired) : std::vector<Contact>();
}

SaveResult Usrloc::save(DomainId domain, std::string_view aor, std::span<const Change> changes,
                        const SavePolicy& policy) {
    Table* const t = table(domain);
    SaveResult result;
    result.what = Saved::out_of_memory;
    if (t == nullptr) return result;
    Arena arena(4096);
    std::vector<Happening> happened;
    result = t->save(aor, changes, policy, ruids_, arena, happened);
    tell(domain, aor, happened);
    // Also for one that comes again: what it asked for may not be stored yet.
    if (result.what == Saved::done && !policy.memory_only)
        result.ticket = ask_to_store(domain, t->bucket_of(aor));
    return result;
}

std::size_t Usrloc::remove(DomainId domain, std::string_view aor, std::string_view ruid) {
    Table* const t = table(domain);
    if (t == nullptr) return 0;
    Arena arena(4096);
    std::vector<Happening> happened;
    const std::size_t removed = t->remove(aor, ruid, arena, happened);
    tell(domain, aor, happened);
    if (removed != 0) (void)ask_to_store(domain, t->bucket_of(aor));
    return removed;
}

std::string_view Usrloc::aor_of(DomainId domain, std::string_view ruid, Arena& arena) {
    const Table* const t = table(domain);
    std::vector<Copy> copies;
    for (std::size_t i = 0; t != nullptr && i < t->buckets(); ++i) {
        copies.clear();
        t->copy_bucket(i, copies);
        for (const Copy& c : copies)
            if (c.contact().ruid == ruid) return arena.copy(c.aor);
    }
    return {};
}

void Usrloc::tell(DomainId domain, std::string_view aor, std::span<const Happening> happened) {
    for (const Happening& h : happened)
        for (const auto& [watcher, mask] : watchers_)
            if ((mask & static_cast<std::uint8_t>(h.event)) != 0)
                watcher->changed(domain, aor, h.contact, h.event);
}

}  // namespace fairlead::usrloc
