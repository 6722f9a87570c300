// Bindings as rows of a database. SPDX-License-Identifier: Apache-2.0
#include "modules/usrloc/rows.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cmath>
#include <optional>

#include "core/api/text.h"

namespace fairlead::usrloc {
namespace {

using enum Layout::Column;

constexpr double kDay = 86400.0, kEpoch = 2440587.5;  // the Julian day of 1970
constexpr int kVersion = 9;
constexpr double kThousand = 1000.0;

/// What a column is, behind its name.
constexpr std::array<std::string_view, kColumns> kTypes{
    "VARCHAR(64) DEFAULT '' NOT NULL",
    "VARCHAR(64) DEFAULT '' NOT NULL",
    "VARCHAR(64) DEFAULT NULL",
    "VARCHAR(512) DEFAULT '' NOT NULL",
    "VARCHAR(128) DEFAULT NULL",
    "VARCHAR(512) DEFAULT NULL",
    "TIMESTAMP WITHOUT TIME ZONE DEFAULT '2030-05-28 21:32:15' NOT NULL",
    "REAL DEFAULT 1.0 NOT NULL",
    "VARCHAR(255) DEFAULT 'Default-Call-ID' NOT NULL",
    "INTEGER DEFAULT 1 NOT NULL",
    "TIMESTAMP WITHOUT TIME ZONE DEFAULT '2000-01-01 00:00:01' NOT NULL",
    "INTEGER DEFAULT 0 NOT NULL",
    "INTEGER DEFAULT 0 NOT NULL",
    "VARCHAR(255) DEFAULT '' NOT NULL",
    "VARCHAR(64) DEFAULT NULL",
    "INTEGER DEFAULT NULL",
    "VARCHAR(255) DEFAULT NULL",
    "INTEGER DEFAULT 0 NOT NULL",
    "INTEGER DEFAULT 0 NOT NULL",
    "INTEGER DEFAULT 0 NOT NULL",
    "INTEGER DEFAULT 0 NOT NULL",
    "INTEGER DEFAULT 0 NOT NULL"};
constexpr std::string_view kNumber = "BIGINT DEFAULT 0 NOT NULL";

std::string table_sql(std::string_view table, const Layout& layout) {
    const auto& n = layout.names;
    std::string columns;
    for (std::size_t i = 0; i < kColumns; ++i) {
        const bool is_moment = i == kExpires || i == kModified;
        columns +=
            fmt::format(", {} {}", n[i], is_moment && layout.has_numbers ? kNumber : kTypes[i]);
    }
    return fmt::format(
        "CREATE TABLE {0} (id INTEGER PRIMARY KEY NOT NULL{1}, CONSTRAINT {0}_ruid_idx UNIQUE "
        "({2})); CREATE INDEX {0}_account_contact_idx ON {0} ({3}, {4}, {5}); CREATE INDEX "
        "{0}_expires_idx ON {0} ({6}); CREATE INDEX {0}_tcpcon_idx ON {0} ({8}); CREATE INDEX "
        "{0}_connection_idx ON {0} ({7}, {8})",
        table, columns, n[kRuid], n[kUser], n[kDomain], n[kContact], n[kExpires], n[kServerId],
        n[kConnectionId]);
}

bool is_name(std::string_view name) noexcept {
    for (const char c : name)
        if (c != '_' && !text::is_digit(c) && (text::to_lower(c) < 'a' || text::to_lower(c) > 'z'))
            return false;
    return !name.empty() && name.size() <= 32 && !text::is_digit(name.front());
}

/// "YYYY-MM-DD HH:MM:SS".
std::optional<std::int64_t> read_date(std::string_view text) noexcept {
    if (text.size() < 19) return std::nullopt;
    const auto number = [&](std::size_t at, std::size_t size) {
        return static_cast<int>(text::parse_uint(text.substr(at, size), 9999).value_or(0));
    };
    const std::chrono::year_month_day date{std::chrono::year(number(0, 4)),
                                           std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                           std::chrono::day(static_cast<unsigned>(number(8, 2)))};
    if (!date.ok()) return std::nullopt;
    const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
    return days * static_cast<std::int64_t>(kDay) + number(11, 2) * 3600 + number(14, 2) * 60 +
           number(17, 2);
}

/// q as the table has it: a real from 0 to 1, and -1 for none.
double q_column(std::int16_t q) noexcept {
    return q < 0 ? -1.0 : q / kThousand;
}
std::int16_t q_of(const db::Value& value) noexcept {
    const double q = value.real();
    return q >= 0.0 && q <= 1.0 ? static_cast<std::int16_t>(std::lround(q * kThousand)) : kNoQ;
}

}  // namespace

double julian_day(std::int64_t seconds) noexcept {
    return seconds == 0 ? 0.0 : static_cast<double>(seconds) / kDay + kEpoch;
}

std::int64_t unix_seconds(const db::Value& value) noexcept {
    constexpr double kMostDays = 5'400'000.0;  // year 10000
    if (value.type() == db::Value::Type::text) return read_date(value.text()).value_or(0);
    const double number = value.real();
    if (!(number > 0.0)) return 0;
    if (number > kMostDays) return value.integer();
    return std::llround((number - kEpoch) * kDay);
}

Result<void> Rows::prepare(Core& core, db::Api& db, std::string_view url, const Layout& layout) {
    core_ = &core;
    layout_ = layout;
    for (const std::string& name : layout.names)
        if (!is_name(name)) return fail(fmt::format("\"{}\" cannot be a column", name));
    db_ = &db;
    database_ = TRY(db.open(url));
    barrier_ = TRY(db.prepare(database_, "SELECT 1"));
    return {};
}

Result<void> Rows::add(std::string_view table, bool check_version) {
    if (!is_name(table)) return fail(fmt::format("\"{}\" cannot be a table", table));
    const std::string sql = table_sql(table, layout_);
    TRY(db_->table(database_, {table, kVersion, sql, check_version}));
    const auto prepare = [&](const std::string& text) { return db_->prepare(database_, text); };
    const auto& n = layout_.names;
    std::string columns, marks, updates;
    for (const std::string& column : n) {
        columns += (columns.empty() ? "" : ", ") + column;
        marks += marks.empty() ? "?" : ", ?";
        if (&column != &n[kRuid])
            updates += fmt::format("{0}{1} = excluded.{1}", updates.empty() ? "" : ", ", column);
    }
    Statements s{};
    s.load = TRY(prepare(fmt::format("SELECT {} FROM {}", columns, table)));
    s.clean =
        TRY(prepare(fmt::format("DELETE FROM {0} WHERE {1} > 0 AND {1} < ?", table, n[kExpires])));
    s.clean_tcp = TRY(prepare(fmt::format(
        "DELETE FROM {0} WHERE {1} LIKE '%transport=tcp%' OR {1} LIKE '%transport=tls%' OR {1} "
        "LIKE '%transport=ws%' OR {2} LIKE 'tcp:%' OR {2} LIKE 'tls:%' OR {2} LIKE 'ws%:%'",
        table, n[kContact], n[kSocket])));
    s.put =
        TRY(prepare(fmt::format("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET "
                                "{}",
                                table, columns, marks, n[kRuid], updates)));
    s.remove = TRY(prepare(fmt::format("DELETE FROM {} WHERE {} = ?", table, n[kRuid])));
    const std::string alive = fmt::format("({0} = 0 OR {0} > ?)", n[kExpires]);
    s.users =
        TRY(prepare(fmt::format("SELECT COUNT(*) FROM (SELECT DISTINCT {}, {} FROM {} WHERE {})",
                                n[kUser], n[kDomain], table, alive)));
    s.contacts = TRY(prepare(fmt::format("SELECT COUNT(*) FROM {} WHERE {}", table, alive)));
    s.expired = TRY(prepare(fmt::format("SELECT COUNT(*) FROM {} WHERE NOT {}", table, alive)));
    domains_.push_back(s);
    return {};
}

db::Value Rows::moment(std::int64_t unix_seconds) const noexcept {
    return layout_.has_numbers ? db::Value(unix_seconds) : db::Value(julian_day(unix_seconds));
}

Result<void> Rows::clean_connections(DomainId domain) const {
    TRY(db_->now(domains_[static_cast<std::size_t>(domain)].clean_tcp, {}));
    return {};
}

Result<void> Rows::load(DomainId domain, bool clean, const Each& each) const {
    const Statements& s = domains_[static_cast<std::size_t>(domain)];
    const std::int64_t now = core_->clock().unix_seconds();
    const db::Value until[] = {moment(now)};
    if (clean) TRY(db_->now(s.clean, until));
    return db_->load(s.load, {}, [&](db::Row row) {
        Contact c;
        c.ruid = row[kRuid].text();
        c.uri = row[kContact].text();
        c.received = row[kReceived].text();
        c.path = row[kPath].text();
        c.expires = unix_seconds(row[kExpires]);
        c.q = q_of(row[kQ]);
        c.call_id = row[kCallId].text();
        c.cseq = static_cast<std::uint32_t>(row[kCseq].integer());
        c.modified = unix_seconds(row[kModified]);
        c.flags = static_cast<std::uint32_t>(row[kFlags].integer());
        c.cflags = static_cast<std::uint32_t>(row[kCflags].integer());
        c.user_agent = row[kUserAgent].text();
        c.methods = row[kMethods].is_null() ? kAllMethods
                                            : static_cast<std::uint32_t>(row[kMethods].integer());
        c.instance = row[kInstance].text();
        c.reg_id = static_cast<std::int32_t>(row[kRegId].integer());
        if (c.is_over(now) || c.uri.empty() || c.ruid.empty()) return true;
        return each(row[kUser].text(), row[kDomain].text(), row[kSocket].text(), c);
    });
}

bool Rows::put(DomainId domain, std::string_view aor, const Contact& c, db::CallbackId callback,
               std::string_view luggage) const {
    const std::size_t at = aor.find('@');
    const auto listeners = core_->net().listeners();
    const std::string_view socket =
        c.listener < listeners.size() ? std::string_view(listeners[c.listener].uri_text) : "";
    const db::Value values[] = {
        c.ruid,
        aor.substr(0, at),
        at == aor.npos ? db::Value() : db::Value(aor.substr(at + 1)),
        c.uri,
        db::Value::text_or_null(c.received),
        db::Value::text_or_null(c.path),
        moment(c.expires),
        q_column(c.q),
        c.call_id,
        std::int64_t{c.cseq},
        moment(c.modified),
        std::int64_t{c.flags},
        std::int64_t{c.cflags},
        c.user_agent,
        db::Value::text_or_null(socket),
        c.methods == kAllMethods ? db::Value() : db::Value(std::int64_t{c.methods}),
        db::Value::text_or_null(c.instance),
        std::int64_t{c.reg_id},
        0,
        -1,
        0,
        0};
    return db_->query(
        {domains_[static_cast<std::size_t>(domain)].put, values, callback, luggage, 0});
}

bool Rows::remove(DomainId domain, std::string_view ruid, db::CallbackId callback,
                  std::string_view luggage) const {
    const db::Value values[] = {ruid};
    return db_->query(
        {domains_[static_cast<std::size_t>(domain)].remove, values, callback, luggage, 0});
}

bool Rows::barrier(DomainId, db::CallbackId callback, std::string_view luggage) const {
    return db_->query({barrier_, {}, callback, luggage, 1});
}

bool Rows::count(DomainId domain, Count what, db::CallbackId callback,
                 std::string_view luggage) const {
    const Statements& s = domains_[static_cast<std::size_t>(domain)];
    const db::Value values[] = {moment(core_->clock().unix_seconds())};
    const db::StatementId statement = what == Count::users      ? s.users
                                      : what == Count::contacts ? s.contacts
                                                                : s.expired;
    return db_->query({statement, values, callback, luggage, 1});
}

}  // namespace fairlead::usrloc
