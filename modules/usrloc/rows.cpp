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

constexpr double kDay = 86400.0, kEpoch = 2440587.5;  // the Julian day of 1970
constexpr int kVersion = 9;
constexpr double kThousand = 1000.0;

constexpr std::string_view kColumns =
    "ruid, username, domain, contact, received, path, expires, q, callid, cseq, last_modified, "
    "flags, cflags, user_agent, socket, methods, instance, reg_id, server_id, connection_id, "
    "keepalive, partition";

std::string table_sql(std::string_view name) {
    return fmt::format(
        "CREATE TABLE {0} (id INTEGER PRIMARY KEY NOT NULL, ruid VARCHAR(64) DEFAULT '' NOT NULL, "
        "username VARCHAR(64) DEFAULT '' NOT NULL, domain VARCHAR(64) DEFAULT NULL, contact "
        "VARCHAR(512) DEFAULT '' NOT NULL, received VARCHAR(128) DEFAULT NULL, path VARCHAR(512) "
        "DEFAULT NULL, expires TIMESTAMP WITHOUT TIME ZONE DEFAULT '2030-05-28 21:32:15' NOT NULL, "
        "q REAL DEFAULT 1.0 NOT NULL, callid VARCHAR(255) DEFAULT 'Default-Call-ID' NOT NULL, cseq "
        "INTEGER DEFAULT 1 NOT NULL, last_modified TIMESTAMP WITHOUT TIME ZONE DEFAULT "
        "'2000-01-01 00:00:01' NOT NULL, flags INTEGER DEFAULT 0 NOT NULL, cflags INTEGER DEFAULT "
        "0 "
        "NOT NULL, user_agent VARCHAR(255) DEFAULT '' NOT NULL, socket VARCHAR(64) DEFAULT NULL, "
        "methods INTEGER DEFAULT NULL, instance VARCHAR(255) DEFAULT NULL, reg_id INTEGER DEFAULT "
        "0 "
        "NOT NULL, server_id INTEGER DEFAULT 0 NOT NULL, connection_id INTEGER DEFAULT 0 NOT NULL, "
        "keepalive INTEGER DEFAULT 0 NOT NULL, partition INTEGER DEFAULT 0 NOT NULL, CONSTRAINT "
        "{0}_ruid_idx UNIQUE (ruid)); CREATE INDEX {0}_account_contact_idx ON {0} (username, "
        "domain, "
        "contact); CREATE INDEX {0}_expires_idx ON {0} (expires); CREATE INDEX {0}_tcpcon_idx ON "
        "{0} "
        "(connection_id); CREATE INDEX {0}_connection_idx ON {0} (server_id, connection_id)",
        name);
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

Result<void> Rows::prepare(Core& core, db::Api& db, std::string_view url) {
    core_ = &core;
    db_ = &db;
    database_ = TRY(db.open(url));
    barrier_ = TRY(db.prepare(database_, "SELECT 1"));
    return {};
}

Result<void> Rows::add(std::string_view table, bool check_version) {
    if (!is_name(table)) return fail(fmt::format("\"{}\" cannot be a table", table));
    const std::string sql = table_sql(table);
    TRY(db_->table(database_, {table, kVersion, sql, check_version}));
    const auto prepare = [&](const std::string& text) { return db_->prepare(database_, text); };
    std::string marks, updates;
    for (std::string_view rest = kColumns; !rest.empty();) {
        const std::size_t end = std::min(rest.find(", "), rest.size());
        const std::string_view column = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 2, rest.size()));
        marks += marks.empty() ? "?" : ", ?";
        if (column != "ruid")
            updates += fmt::format("{0}{1} = excluded.{1}", updates.empty() ? "" : ", ", column);
    }
    Statements s{};
    s.load = TRY(prepare(fmt::format("SELECT {} FROM {}", kColumns, table)));
    s.clean = TRY(prepare(fmt::format("DELETE FROM {} WHERE expires > 0 AND expires < ?", table)));
    s.put =
        TRY(prepare(fmt::format("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT (ruid) DO UPDATE "
                                "SET {}",
                                table, kColumns, marks, updates)));
    s.remove = TRY(prepare(fmt::format("DELETE FROM {} WHERE ruid = ?", table)));
    constexpr std::string_view kAlive = "(expires = 0 OR expires > ?)";
    s.users = TRY(prepare(
        fmt::format("SELECT COUNT(*) FROM (SELECT DISTINCT username, domain FROM {} WHERE {})",
                    table, kAlive)));
    s.contacts = TRY(prepare(fmt::format("SELECT COUNT(*) FROM {} WHERE {}", table, kAlive)));
    s.expired = TRY(prepare(fmt::format("SELECT COUNT(*) FROM {} WHERE NOT {}", table, kAlive)));
    domains_.push_back(s);
    return {};
}

Result<void> Rows::load(DomainId domain, bool clean, const Each& each) const {
    const Statements& s = domains_[static_cast<std::size_t>(domain)];
    const std::int64_t now = core_->clock().unix_seconds();
    const db::Value until[] = {julian_day(now)};
    if (clean) TRY(db_->now(s.clean, until));
    return db_->load(s.load, {}, [&](db::Row row) {
        Contact c;
        c.ruid = row[0].text();
        c.uri = row[3].text();
        c.received = row[4].text();
        c.path = row[5].text();
        c.expires = unix_seconds(row[6]);
        c.q = q_of(row[7]);
        c.call_id = row[8].text();
        c.cseq = static_cast<std::uint32_t>(row[9].integer());
        c.modified = unix_seconds(row[10]);
        c.flags = static_cast<std::uint32_t>(row[11].integer());
        c.cflags = static_cast<std::uint32_t>(row[12].integer());
        c.user_agent = row[13].text();
        c.methods = row[15].is_null() ? kAllMethods : static_cast<std::uint32_t>(row[15].integer());
        c.instance = row[16].text();
        c.reg_id = static_cast<std::int32_t>(row[17].integer());
        if (c.is_over(now) || c.uri.empty() || c.ruid.empty()) return true;
        return each(row[1].text(), row[2].text(), row[14].text(), c);
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
        julian_day(c.expires),
        q_column(c.q),
        c.call_id,
        std::int64_t{c.cseq},
        julian_day(c.modified),
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
    const db::Value values[] = {julian_day(core_->clock().unix_seconds())};
    const db::StatementId statement = what == Count::users      ? s.users
                                      : what == Count::contacts ? s.contacts
                                                                : s.expired;
    return db_->query({statement, values, callback, luggage, 1});
}

}  // namespace fairlead::usrloc
