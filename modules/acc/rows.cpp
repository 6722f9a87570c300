// Records as rows of a database.
// SPDX-License-Identifier: Apache-2.0
#include "modules/acc/rows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "core/api/log.h"
#include "core/api/text.h"

namespace fairlead::acc {

namespace {

constexpr std::int64_t kMicro = 1'000'000;
constexpr int kVersion = 5;

/// A point in time as SQLite counts it, in days; tables that Kamailio made have the same.
double julian_day(std::int64_t seconds) noexcept {
    constexpr double kDay = 86400.0, kEpoch = 2440587.5;  // the Julian day of 1970
    return static_cast<double>(seconds) / kDay + kEpoch;
}

db::Value value_of(const Value& v, bool nullable, std::string_view text) {
    if (v.is_integer()) return v.integer();
    if (v.is_null() && nullable) return {};
    return text;
}

}  // namespace

bool is_sql_name(std::string_view name) noexcept {
    return !name.empty() && !text::is_digit(name.front()) && std::ranges::all_of(name, [](char c) {
        const char l = text::to_lower(c);
        return c == '_' || text::is_digit(c) || (l >= 'a' && l <= 'z');
    });
}

std::vector<std::string> Rows::names() const {
    const RowColumns& c = columns_;
    std::vector<std::string> out{c.method, c.from_tag, c.to_tag, c.call_id,
                                 c.code,   c.reason,   c.time};
    if (c.time_mode == 1) out.push_back(c.time_exten);
    if (c.time_mode >= 2) out.push_back(c.time_attr);
    for (const std::string_view name : extra_->names()) out.emplace_back(name);
    for (const std::string_view name : legs_->names()) out.emplace_back(name);
    return out;
}

Result<void> Rows::prepare(db::Api& api, std::string_view url, RowColumns columns,
                           const std::vector<std::string>& tables, const Fields& extra,
                           const Legs& legs) {
    db_ = &api;
    columns_ = std::move(columns);
    extra_ = &extra;
    legs_ = &legs;
    std::vector<std::string> all = names();
    for (const std::string& name : all) {
        if (!is_sql_name(name)) return fail(fmt::format("\"{}\" cannot be a column", name));
    }
    std::ranges::sort(all);
    if (const auto twice = std::ranges::adjacent_find(all); twice != all.end()) {
        return fail(fmt::format("column {} is there twice", *twice));
    }
    const db::DatabaseId id = TRY(db_->open(url));
    for (const std::string& table : tables) TRY(add(id, table));
    return {};
}

Result<void> Rows::add(db::DatabaseId id, const std::string& table) {
    const bool known = std::ranges::find(sheets_, table, &Sheet::name) != sheets_.end();
    if (known) return {};
    if (!is_sql_name(table)) {
        return fail(fmt::format("\"{}\" cannot be a table: variables in its name are not filled in",
                                table));
    }
    const std::vector<std::string> all = names();
    const RowColumns& c = columns_;
    std::string sql = fmt::format("CREATE TABLE {} (id INTEGER PRIMARY KEY NOT NULL", table);
    for (const std::string& name : all) {
        // In quotes: an attribute may have the name of a word of SQL.
        sql += name == c.time ? fmt::format(", \"{}\" TIMESTAMP WITHOUT TIME ZONE NOT NULL", name)
                              : fmt::format(", \"{}\" VARCHAR(255) DEFAULT ''", name);
    }
    sql += fmt::format("); CREATE INDEX {0}_callid_idx ON {0} (\"{1}\")", table, c.call_id);
    TRY(db_->table(id, {table, kVersion, sql, false}));
    std::string places;
    for (std::size_t i = 0; i < all.size(); ++i) places += i == 0 ? "?" : ", ?";
    Sheet sheet{.name = table};
    sheet.insert = TRY(db_->prepare(id, fmt::format("INSERT INTO {} (\"{}\") VALUES ({})", table,
                                                    fmt::join(all, "\", \""), places)));
    sheets_.push_back(std::move(sheet));
    return {};
}

bool Rows::write(Message& m, std::string_view table, const Fixed& fixed, const Stamp& stamp) const {
    const auto sheet = std::ranges::find(sheets_, table, &Sheet::name);
    if (sheet == sheets_.end()) {
        LOG(error, "there is no table \"{}\": it must be written as such in the configuration",
            table);
        return false;
    }
    std::vector<db::Value> row{fixed.method,
                               fixed.from_tag,
                               fixed.to_tag,
                               fixed.call_id,
                               fixed.code,
                               fixed.reason,
                               julian_day(stamp.microseconds / kMicro)};
    if (columns_.time_mode == 1) row.emplace_back(stamp.microseconds % kMicro);
    if (columns_.time_mode == 2) row.emplace_back(static_cast<double>(stamp.microseconds) / kMicro);
    if (columns_.time_mode >= 3) row.emplace_back(std::string_view(stamp.text));
    for (const Value& v : extra_->values(m))
        row.push_back(value_of(v, columns_.extra_nullable, v.string()));
    // A call without legs has one row, too.
    const std::size_t legs = std::max<std::size_t>(legs_->count(m), 1), fixed_part = row.size();
    bool taken = true;
    for (std::size_t leg = 0; leg < legs; ++leg) {
        row.resize(fixed_part);
        for (const Value& v : legs_->values(m, leg)) row.push_back(value_of(v, false, v.string()));
        db::Query insert;
        insert.statement = sheet->insert;
        insert.values = row;
        taken = db_->query(insert) && taken;
    }
    return taken;
}

}  // namespace fairlead::acc
