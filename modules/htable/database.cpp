// Tables and their database. SPDX-License-Identifier: Apache-2.0
#include "modules/htable/database.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <utility>

#include "core/api/log.h"
#include "core/api/text.h"

namespace fairlead::htable {
namespace {

constexpr std::int64_t kMsPerSecond = 1000;
constexpr int kVersion = 2;
constexpr std::size_t kRowNumber = 0, kKey = 1, kFirstValue = 2;
constexpr std::string_view kCreate =
    "CREATE TABLE {0} (id INTEGER PRIMARY KEY NOT NULL, {1} VARCHAR(64) DEFAULT '' NOT NULL, {2} "
    "INTEGER DEFAULT 0 NOT NULL, {3} INTEGER DEFAULT 0 NOT NULL, {4} VARCHAR(128) DEFAULT '' NOT "
    "NULL, {5} INTEGER DEFAULT 0 NOT NULL)";

/// Comes back with an answer.
struct Luggage {
    std::uint16_t linked = 0;
    std::uint8_t step = 0;
};

std::string text_of(const db::Value& value) {
    switch (value.type()) {
        case db::Value::Type::integer: return std::to_string(value.integer());
        case db::Value::Type::real: return fmt::format("{}", value.real());
        default: return std::string(value.text());
    }
}

Copied item_of(std::string key, const db::Value& value, bool is_number) {
    Copied item;
    item.key = std::move(key);
    item.is_text = !is_number;
    if (is_number) {
        item.number = value.type() == db::Value::Type::text
                          ? text::parse_int(text::trim(value.text())).value_or(0)
                          : value.integer();
    } else {
        item.text = text_of(value);
    }
    return item;
}

}  // namespace

// ---- Rows ---------------------------------------------------------------------------------------

void Reader::take(db::Row row) {
    std::string key = text_of(row[kKey]);
    if (!definition_.columns.empty()) {
        // "cols": all values in one text, a NULL as an asterisk.
        Copied item{.key = std::move(key), .is_text = true};
        for (const db::Value& one : row.subspan(kFirstValue)) {
            if (!item.text.empty() || &one != &row[kFirstValue]) item.text += ",";
            item.text += one.is_null() ? "*" : text_of(one);
        }
        item.expires = default_expiry();
        items_.push_back(std::move(item));
        return;
    }
    const db::Value &key_type = row[2], &value_type = row[3], &value = row[4], &expires = row[5];
    const std::int64_t until =
        columns_.with_expires && definition_.autoexpire != 0 ? expires.integer() : 0;
    if (until != 0 && until <= unix_now_) return;
    if (key_type.integer() == 1) {
        const std::int64_t n = arrays_[key]++;
        key = fmt::format("{}[{}]", key, n);
    }
    Copied item = item_of(std::move(key), value, value_type.integer() == 1);
    item.expires = until != 0 ? now_ + (until - unix_now_) * kMsPerSecond : default_expiry();
    items_.push_back(std::move(item));
}

std::vector<Copied> Reader::items() {
    for (const auto& [name, size] : arrays_) {
        Copied item;
        item.key = name + columns_.array_size_suffix;
        item.number = size;
        item.expires = default_expiry();
        items_.push_back(std::move(item));
    }
    arrays_.clear();
    return std::move(items_);
}

// ---- Start --------------------------------------------------------------------------------------

Result<void> Database::prepare(Core& core, db::Api& api, std::string_view url,
                               const Columns& columns, std::deque<Table>& tables) {
    core_ = &core;
    db_ = &api;
    columns_ = columns;
    for (const std::string* const name :
         {&columns.key, &columns.key_type, &columns.value_type, &columns.value, &columns.expires}) {
        if (!is_column(*name)) return fail(fmt::format("\"{}\" cannot be a column", *name));
    }
    const bool used = std::ranges::any_of(
        tables, [](const Table& t) { return !t.definition().database_table.empty(); });
    if (!used) return {};
    id_ = TRY(db_->open(url));
    nothing_ = TRY(db_->prepare(id_, "SELECT 1"));
    callback_ = db_->on_answer(*this);
    for (Table& table : tables) {
        if (!table.definition().database_table.empty()) TRY(link(table));
    }
    return {};
}

Result<void> Database::link(Table& table) {
    const Definition& d = table.definition();
    const std::string& name = d.database_table;
    const Columns& c = columns_;
    std::string wanted;
    if (d.columns.empty()) {
        const std::string sql =
            fmt::format(kCreate, name, c.key, c.key_type, c.value_type, c.value, c.expires);
        TRY(db_->table(id_, {name, kVersion, sql, false}));
        wanted =
            fmt::format("{}, {}, {}, {}, {}", c.key, c.key_type, c.value_type, c.value, c.expires);
    } else {
        for (const std::string& column : d.columns) wanted += (wanted.empty() ? "" : ", ") + column;
    }
    Linked& linked = linked_.emplace_back();
    linked.table = &table;
    linked.can_store = d.columns.empty();
    linked.page = TRY(db_->prepare(
        id_, fmt::format("SELECT rowid, {} FROM {} WHERE rowid > ? ORDER BY rowid LIMIT ?", wanted,
                         name)));
    if (linked.can_store) {
        linked.last =
            TRY(db_->prepare(id_, fmt::format("SELECT coalesce(max(rowid), 0) FROM {}", name)));
        linked.insert = TRY(db_->prepare(
            id_, fmt::format("INSERT INTO {} ({}) VALUES (?, ?, ?, ?, ?)", name, wanted)));
        linked.drop = TRY(db_->prepare(id_, fmt::format("DELETE FROM {} WHERE rowid <= ?", name)));
    }
    return load(linked);
}

Reader Database::reader(const Table& table) const {
    return {table.definition(), columns_, core_->clock().unix_seconds(), table.now()};
}

Result<void> Database::load(Linked& linked) {
    Reader rows = reader(*linked.table);
    const db::Value all[] = {std::int64_t{-1}, std::int64_t{-1}};
    TRY(db_->load(linked.page, all, [&rows](db::Row row) {
        rows.take(row);
        return true;
    }));
    replace(*linked.table, rows.items());
    return {};
}

/// What is not among them goes. Nothing that stays is missing meanwhile.
void Database::replace(Table& table, const std::vector<Copied>& items) const {
    std::set<std::string_view> kept;
    for (const Copied& item : items) kept.insert(item.key);
    for (std::size_t slot = 0; slot < table.slots(); ++slot) {
        std::vector<Copied> there;
        table.copy_slot(slot, there);
        for (const Copied& item : there)
            if (!kept.contains(item.key)) (void)table.remove(item.key);
    }
    std::size_t lost = 0;
    for (const Copied& item : items) lost += table.restore(item) ? 0 : 1;
    if (lost != 0) {
        LOG(error, "table {}: {} rows of {} are too long, or shared memory is full",
            table.definition().name, lost, table.definition().database_table);
    }
}

const Database::Linked* Database::find(const Table& table) const noexcept {
    for (const Linked& l : linked_)
        if (l.table == &table) return &l;
    return nullptr;
}
Database::Linked* Database::find(const Table& table) noexcept {
    for (Linked& l : linked_)
        if (l.table == &table) return &l;
    return nullptr;
}

// ---- Commands -----------------------------------------------------------------------------------

bool Database::ask(const Linked& linked, Step step, db::StatementId statement,
                   std::span<const db::Value> values) {
    Luggage luggage;
    for (std::size_t i = 0; i < linked_.size(); ++i)
        if (&linked_[i] == &linked) luggage.linked = static_cast<std::uint16_t>(i);
    luggage.step = static_cast<std::uint8_t>(step);
    std::array<char, sizeof luggage> bytes{};
    std::memcpy(bytes.data(), &luggage, sizeof luggage);
    return db_->query({statement,
                       values,
                       callback_,
                       {bytes.data(), bytes.size()},
                       static_cast<std::size_t>(kPage)});
}

Result<void> Database::reload(Table& table, std::unique_ptr<LateAnswer> answer) {
    Linked* const linked = find(table);
    if (linked == nullptr) return fail("No htable db_url");
    if (linked->waiting) return fail("The table is being read or written already.");
    const db::Value first[] = {std::int64_t{-1}, kPage};
    if (!ask(*linked, Step::page, linked->page, first)) return fail("The database is busy.");
    linked->reader = std::make_unique<Reader>(reader(table));
    linked->waiting = std::move(answer);
    return {};
}

Result<void> Database::store(Table& table, std::unique_ptr<LateAnswer> answer) {
    Linked* const linked = find(table);
    if (linked == nullptr || !linked->can_store) return fail("No htable db_url");
    if (linked->waiting) return fail("The table is being read or written already.");
    if (!ask(*linked, Step::last, linked->last, {})) return fail("The database is busy.");
    linked->slot = linked->item = 0;
    linked->items.clear();
    linked->waiting = std::move(answer);
    return {};
}

void Database::fail_with(Linked& linked, std::string_view why) {
    LOG(error, "table {}: {}", linked.table->definition().name, why);
    if (linked.waiting) linked.waiting->fail(Error{0, std::string(why), {}});
    linked.waiting.reset();
    linked.reader.reset();
}

void Database::answered(const db::Answer& answer) noexcept {
    Luggage luggage;
    if (answer.luggage.size() != sizeof luggage) return;
    std::memcpy(&luggage, answer.luggage.data(), sizeof luggage);
    if (luggage.linked >= linked_.size()) return;
    Linked& linked = linked_[luggage.linked];
    // Of a process that died: who asked it has been told by its interface.
    if (!linked.waiting) return;
    if (!answer.ok) return fail_with(linked, answer.error);
    advance(linked, static_cast<Step>(luggage.step), answer);
}

void Database::advance(Linked& linked, Step step, const db::Answer& answer) {
    if (step == Step::last) {
        linked.old_rows = answer.rows != 0 ? answer.row(0)[0].integer() : 0;
        return go_on(linked);
    }
    if (step == Step::insert) return go_on(linked);
    if (step == Step::page && linked.reader != nullptr) {
        for (std::size_t n = 0; n < answer.rows; ++n) linked.reader->take(answer.row(n));
        if (answer.rows == static_cast<std::size_t>(kPage)) {
            const db::Value next[] = {answer.row(answer.rows - 1)[kRowNumber].integer(), kPage};
            if (!ask(linked, Step::page, linked.page, next))
                fail_with(linked, "the database is busy");
            return;
        }
        replace(*linked.table, linked.reader->items());
        linked.reader.reset();
    }
    linked.waiting->answer().text(step == Step::page ? "Ok. Htable successfully reloaded."
                                                     : "Ok. Htable successfully stored to DB.");
    linked.waiting.reset();
}

// ---- Writing ------------------------------------------------------------------------------------

std::array<db::Value, 5> Database::row_of(const Copied& item, std::string& number) const {
    const std::int64_t left = item.expires - core_->clock().now().count();
    const std::int64_t expires =
        item.expires != 0 && columns_.with_expires
            ? core_->clock().unix_seconds() + std::max<std::int64_t>(0, left) / kMsPerSecond
            : 0;
    if (!item.is_text) number = std::to_string(item.number);
    return {std::string_view(item.key), 0, item.is_text ? 0 : 1,
            item.is_text ? std::string_view(item.text) : std::string_view(number), expires};
}

bool Database::put(const Linked& linked, const Copied& item, bool with_answer) {
    std::string number;
    const std::array<db::Value, 5> values = row_of(item, number);
    if (with_answer) return ask(linked, Step::insert, linked.insert, values);
    db::Query change;
    change.statement = linked.insert;
    change.values = values;
    return db_->query(change);
}

void Database::go_on(Linked& linked) {
    constexpr std::size_t kAtOnce = 500;
    const Table& table = *linked.table;
    for (std::size_t written = 0; written < kAtOnce;) {
        if (linked.item == linked.items.size()) {
            linked.items.clear();
            linked.item = 0;
            if (linked.slot == table.slots()) break;
            table.copy_slot(linked.slot++, linked.items);
            continue;
        }
        const bool is_last = ++written == kAtOnce;
        if (!put(linked, linked.items[linked.item++], is_last))
            return fail_with(linked, "the database is busy: the rows from before stay");
        if (is_last) return;
    }
    // Only now: a server that dies on the way has lost nothing.
    const db::Value before[] = {linked.old_rows};
    if (!ask(linked, Step::drop, linked.drop, before))
        fail_with(linked, "the database is busy: the rows from before stay");
}

void Database::carry_out() {
    if (const auto done = db_->now(nothing_, {}); !done) LOG(error, "{}", done.error().str());
}

void Database::store_now() noexcept {
    if (linked_.empty()) return;
    carry_out();  // what was asked before
    for (Linked& linked : linked_) {
        const Table& table = *linked.table;
        if (!linked.can_store || !table.definition().write_back) continue;
        std::int64_t old_rows = 0;
        const auto known = db_->load(linked.last, {}, [&old_rows](db::Row row) {
            old_rows = row[0].integer();
            return false;
        });
        std::size_t lost = 0;
        for (std::size_t slot = 0; known && slot < table.slots(); ++slot) {
            std::vector<Copied> items;
            table.copy_slot(slot, items);
            for (const Copied& item : items) {
                if (put(linked, item, false)) continue;
                carry_out();
                lost += put(linked, item, false) ? 0 : 1;
            }
        }
        const db::Value before[] = {old_rows};
        const bool done = known && lost == 0 && db_->now(linked.drop, before);
        if (!done) {
            LOG(error, "table {} could not be written to {}: the rows from before stay",
                table.definition().name, table.definition().database_table);
        }
    }
}

}  // namespace fairlead::htable
