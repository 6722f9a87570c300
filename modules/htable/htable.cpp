// Hash tables for scripts.
// SPDX-License-Identifier: Apache-2.0
#include "modules/htable/htable.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/api/log.h"
#include "core/api/sip.h"
#include "core/api/text.h"

namespace fairlead::htable {

std::optional<std::int64_t> number_of(const Value& value) noexcept {
    if (value.is_integer()) return value.integer();
    return value.is_string() ? text::parse_int(text::trim(value.string())) : std::nullopt;
}

// ---- Start --------------------------------------------------------------------------------------

Result<void> Htable::define(const Value& text) {
    Definition d = TRY(parse_definition(text.string()));
    const auto known = std::ranges::find(
        tables_, d.name, [](const Table& t) -> const std::string& { return t.definition().name; });
    if (known != tables_.end()) return fail(fmt::format("table {} is there twice", d.name));
    tables_.emplace_back(std::move(d));
    return {};
}

Result<void> Htable::refuse_replication(const Value& value) {
    if (value.integer() == 0) return {};
    return fail("tables are not replicated: take the line out");
}

Result<void> Htable::prepare(Core& core) {
    core_ = &core;
    regexes_.count_evictions(patterns_evicted);
    for (Table& table : tables_) TRY(table.prepare(core, counts));
    core.timers().every(Ms{timer_interval * 1000}, *this);
    if (db_url.empty()) return {};
    if (db == nullptr)
        return fail(
            "parameter \"db_url\" of module htable needs a database module: loadmodule "
            "\"db_sqlite\"");
    return database.prepare(core, *db, db_url, columns, tables_);
}

Result<void> Htable::start(const Process& process) {
    if (process.reborn) {
        for (Table& table : tables_) table.let_go_of_all(process.slot);
    }
    const bool first = process.kind == Process::Kind::worker && process.index == 0;
    const RouteId route = core_->script().find(Route::event, "htable:mod-init");
    if (first && !process.reborn && route != RouteId::none) (void)run(route);
    return {};
}

void Htable::stop() noexcept {
    if (core_ == nullptr || db_url.empty()) return;
    const Process& self = core_->process();
    const bool alone = self.kind == Process::Kind::worker && self.slot == core_->control_slot();
    if (self.kind == Process::Kind::supervisor || alone) database.store_now();
}

RouteResult Htable::run(RouteId route) {
    // A request that nobody sent: routes and variables find what every request has.
    static constexpr std::string_view kRequest =
        "OPTIONS sip:you@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1\r\n"
        "From: <sip:you@127.0.0.1>;tag=event\r\nTo: <sip:you@127.0.0.1>\r\n"
        "Call-ID: event\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
    Message& m = core_->borrow_message();
    (void)m.sip.parse(kRequest);
    m.route_type = Route::event;
    const RouteResult result = core_->script().run(route, m);
    core_->give_back(m);
    return result;
}

void Htable::message_done(Message& m, const RouteResult& result) {
    (void)m, (void)result;
    for (const auto& [table, key] : held_) table->let_go(key);
    held_.clear();
}

// ---- Expiry -------------------------------------------------------------------------------------

void Htable::tick() noexcept {
    for (Table& table : tables_) {
        if (table.definition().autoexpire == 0) continue;
        const std::string name = "htable:expired:" + table.definition().name;
        expire(table, core_->script().find(Route::event, name));
    }
}

void Htable::expire(Table& table, RouteId route) {
    std::vector<Copied> gone;
    for (std::size_t slot = 0; slot < table.slots(); ++slot) {
        table.expire_slot(slot, route != RouteId::none ? &gone : nullptr);
        for (const Copied& item : gone) {
            expired_ = &item;
            (void)run(route);
        }
        expired_ = nullptr;
        gone.clear();
    }
}

Value Htable::record(Message& m, bool key) const {
    if (expired_ == nullptr) return {};
    if (key) return m.arena.copy(expired_->key);
    return expired_->is_text ? Value(m.arena.copy(expired_->text)) : Value(expired_->number);
}

// ---- Names --------------------------------------------------------------------------------------

Table* Htable::find(std::string_view name) noexcept {
    for (Table& table : tables_) {
        if (table.definition().name == name) return &table;
    }
    return nullptr;
}

Table* Htable::named(std::string_view name) {
    Table* const table = find(name);
    if (table == nullptr) LOG(error, "there is no table \"{}\"", name);
    return table;
}

Htable::Place Htable::place(std::string_view name) {
    const std::size_t arrow = name.find("=>");
    if (arrow == name.npos) {
        LOG(error, "\"{}\" is not table=>key", name);
        return {};
    }
    return {named(text::trim(name.substr(0, arrow))), text::trim(name.substr(arrow + 2))};
}

Result<std::uint64_t> Htable::resolve(std::string_view name) {
    const std::size_t arrow = name.find("=>");
    if (arrow == name.npos) return fail(fmt::format("\"{}\" is not table=>key", name));
    const std::string_view table = text::trim(name.substr(0, arrow));
    if (find(table) == nullptr) {
        return fail(
            fmt::format("there is no table {}: modparam(\"htable\", \"htable\", "
                        "\"{}=>size=8;\") makes one",
                        table, table));
    }
    return 0;
}

// ---- Matching -----------------------------------------------------------------------------------

template <class Act>
void Htable::each_match(Table& table, const Matcher& test, bool values, Act act) {
    std::vector<Copied> items;
    for (std::size_t slot = 0; slot < table.slots(); ++slot) {
        items.clear();
        table.copy_slot(slot, items);
        for (const Copied& item : items) {
            const bool fits = values ? test.fits_value(item) : test.fits(item.key);
            if (fits && !act(item)) return;
        }
    }
}

Value Htable::count(std::string_view name, bool values) {
    const Place at = place(name);
    if (at.table == nullptr) return {};
    const auto test = Matcher::counting(regexes_, at.key, values);
    if (!test) {
        LOG(error, "{}", test.error().text);
        return 0;
    }
    std::int64_t n = 0;
    each_match(*at.table, *test, values, [&](const Copied&) { return ++n > 0; });
    return n;
}

Verdict Htable::remove_matching(Table* table, std::string_view op, std::string_view value,
                                bool values) {
    if (table == nullptr) return Verdict::no;
    const auto test = Matcher::from(regexes_, op, value, false);
    if (!test) {
        LOG(error, "{}", test.error().text);
        return Verdict::no;
    }
    each_match(*table, *test, values, [&](const Copied& item) {
        table->remove(item.key);
        return true;
    });
    return Verdict::yes;
}

Verdict Htable::matches(Table* table, std::string_view op, std::string_view value, bool values) {
    if (table == nullptr) return Verdict::no;
    const auto test = Matcher::from(regexes_, op, value, true);
    if (!test) {
        LOG(error, "{}", test.error().text);
        return Verdict::no;
    }
    bool found = false;
    each_match(*table, *test, values, [&](const Copied&) { return !(found = true); });
    return Verdict::of(found);
}

// ---- Functions ----------------------------------------------------------------------------------

Verdict Htable::sht_print(Message& m) {
    (void)m;
    for (Table& table : tables_) {
        std::vector<Copied> items;
        for (std::size_t slot = 0; slot < table.slots(); ++slot) table.copy_slot(slot, items);
        for (const Copied& item : items) {
            LOG(error, "{}=>{} = {}", table.definition().name, item.key,
                item.is_text ? item.text : std::to_string(item.number));
        }
    }
    return Verdict::yes;
}

Verdict Htable::sht_rm(Message& m, std::string_view table, std::string_view key) {
    (void)m;
    Table* const wanted = named(table);
    if (wanted == nullptr) return Verdict::no;
    wanted->remove(key);
    return Verdict::yes;
}

Verdict Htable::sht_rm_name_re(Message& m, std::string_view what) {
    (void)m;
    const Place at = place(what);
    return remove_matching(at.table, "re", at.key, false);
}
Verdict Htable::sht_rm_value_re(Message& m, std::string_view what) {
    (void)m;
    const Place at = place(what);
    return remove_matching(at.table, "re", at.key, true);
}
Verdict Htable::sht_rm_name(Message& m, std::string_view table, std::string_view op,
                            std::string_view value) {
    (void)m;
    return remove_matching(named(table), op, value, false);
}
Verdict Htable::sht_rm_value(Message& m, std::string_view table, std::string_view op,
                             std::string_view value) {
    (void)m;
    return remove_matching(named(table), op, value, true);
}

Verdict Htable::sht_setxs(Message& m, std::string_view table, std::string_view key,
                          std::string_view value, Value seconds) {
    (void)m;
    Table* const wanted = named(table);
    const auto time = number_of(seconds);
    return Verdict::of(wanted != nullptr && time && wanted->set(key, value, time));
}

Verdict Htable::sht_setxi(Message& m, std::string_view table, std::string_view key, Value value,
                          Value seconds) {
    (void)m;
    Table* const wanted = named(table);
    const auto time = number_of(seconds), number = number_of(value);
    return wanted != nullptr && time && number && wanted->set(key, *number, time) ? Verdict::yes
                                                                                  : Verdict::no;
}

Verdict Htable::sht_reset(Message& m, std::string_view table) {
    (void)m;
    return remove_matching(named(table), "sw", "", false);
}

Verdict Htable::sht_lock(Message& m, std::string_view what) {
    (void)m;
    const Place at = place(what);
    if (at.table == nullptr || !at.table->hold(at.key)) return Verdict::no;
    held_.emplace_back(at.table, at.key);
    return Verdict::yes;
}

Verdict Htable::sht_unlock(Message& m, std::string_view what) {
    (void)m;
    const Place at = place(what);
    const auto mine = std::ranges::find(held_, std::pair(at.table, std::string(at.key)));
    if (mine == held_.end()) return Verdict::no;
    held_.erase(mine);
    return Verdict::of(at.table->let_go(at.key));
}

Verdict Htable::sht_match_name(Message& m, std::string_view table, std::string_view op,
                               std::string_view value) {
    (void)m;
    return matches(named(table), op, value, false);
}

Verdict Htable::sht_match_str_value(Message& m, std::string_view table, std::string_view op,
                                    std::string_view value) {
    (void)m;
    return matches(named(table), op, value, true);
}

}  // namespace fairlead::htable
