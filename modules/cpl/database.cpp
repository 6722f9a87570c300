// Scripts in a database. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/database.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>
#include <utility>

#include "core/api/log.h"

namespace fairlead::cpl {

namespace {

constexpr int kVersion = 1;

bool is_name(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
    });
}

struct Owner {
    std::string_view user, domain;
};
/// What travels with a query and comes back with its answer.
struct Luggage {
    std::uint64_t ticket = 0;
    Asked asked;
};
static_assert(sizeof(Luggage) <= db::Query::kMaxLuggage && std::is_trivially_copyable_v<Luggage>);

Owner split(std::string_view owner) {
    const std::size_t at = owner.rfind('@');
    if (at == owner.npos) return {owner, {}};
    return {owner.substr(0, at), owner.substr(at + 1)};
}

}  // namespace

Result<void> Database::prepare(Core& core, db::Api* api, const TableNames& n, std::size_t most,
                               Settled settled) {
    core_ = &core;
    most_ = most;
    settled_ = std::move(settled);
    if (n.url.empty()) return {};
    if (api == nullptr) return fail("db_url: no database module is loaded (db_sqlite)");
    for (const std::string& name : {n.table, n.username, n.domain, n.xml, n.compiled})
        if (!is_name(name)) return fail(fmt::format("\"{}\" cannot be a table or column", name));
    const auto id = TRY(api->open(n.url));
    const std::string sql = fmt::format(
        "CREATE TABLE {0} (id INTEGER PRIMARY KEY NOT NULL, {1} VARCHAR(64) NOT NULL, {2} "
        "VARCHAR(64) DEFAULT '' NOT NULL, {3} TEXT, {4} TEXT, CONSTRAINT {0}_account_idx UNIQUE "
        "({1}, {2}))",
        n.table, n.username, n.domain, n.xml, n.compiled);
    TRY(api->table(id, {.name = n.table, .version = kVersion, .sql = sql}));
    load_ =
        TRY(api->prepare(id, fmt::format("SELECT {}, {}, {}, {} FROM {} WHERE {} IS NOT NULL",
                                         n.username, n.domain, n.xml, n.compiled, n.table, n.xml)));
    save_ = TRY(api->prepare(
        id, fmt::format("INSERT INTO {0} ({1}, {2}, {3}, {4}) VALUES (?, ?, ?, ?) ON CONFLICT "
                        "({1}, {2}) DO UPDATE SET {3} = excluded.{3}, {4} = excluded.{4}",
                        n.table, n.username, n.domain, n.xml, n.compiled)));
    remove_ = TRY(api->prepare(
        id, fmt::format("DELETE FROM {} WHERE {} = ? AND {} = ?", n.table, n.username, n.domain)));
    refresh_ = TRY(api->prepare(id, fmt::format("UPDATE {} SET {} = ? WHERE {} = ? AND {} = ?",
                                                n.table, n.compiled, n.username, n.domain)));
    callback_ = api->on_answer(*this);
    // A process that follows a dead one gets that one's answers: they must not fit its own tickets.
    last_ticket_ = core.random().next();
    api_ = api;
    return {};
}

Result<void> Database::load(const EachScript& each) {
    Result<void> outcome;
    TRY(api_->load(load_, {}, [&](db::Row row) {
        outcome = each(row[0].text(), row[1].text(), row[2].text(), row[3].text());
        return outcome.has_value();
    }));
    return outcome;
}

Result<void> Database::refresh(std::string_view user, std::string_view domain,
                               std::string_view compiled) {
    const std::array<db::Value, 3> values{db::Value::blob(compiled), user, domain};
    TRY(api_->now(refresh_, values));
    return {};
}

Result<void> Database::ask(db::StatementId statement, std::span<const db::Value> values,
                           const Asked& asked, Done done) {
    if (waiting_.size() >= most_) return fail("too many changes wait for the database", {}, kBusy);
    last_ticket_ += core_->random().next() % 1024 + 1;
    const Luggage luggage{last_ticket_, asked};
    std::array<char, sizeof luggage> bytes{};
    std::memcpy(bytes.data(), &luggage, sizeof luggage);
    const db::Query query{.statement = statement,
                          .values = values,
                          .callback = callback_,
                          .luggage = {bytes.data(), bytes.size()}};
    // Before it is asked: a database in this process may answer at once.
    waiting_.emplace(luggage.ticket, std::move(done));
    if (api_->query(query)) return {};
    waiting_.erase(luggage.ticket);
    return fail("the database takes no more");
}

Result<void> Database::save(const Asked& asked, std::string_view owner, std::string_view xml,
                            std::string_view compiled, Done done) {
    const auto [user, domain] = split(owner);
    const std::array<db::Value, 4> values{user, domain, xml, db::Value::blob(compiled)};
    return ask(save_, values, asked, std::move(done));
}

Result<void> Database::remove(const Asked& asked, std::string_view owner, Done done) {
    const auto [user, domain] = split(owner);
    const std::array<db::Value, 2> values{user, domain};
    return ask(remove_, values, asked, std::move(done));
}

void Database::answered(const db::Answer& answer) noexcept {
    Luggage luggage;
    if (answer.luggage.size() != sizeof luggage) return;
    std::memcpy(&luggage, answer.luggage.data(), sizeof luggage);
    if (!answer.ok) LOG(error, "a CPL script could not be written: {}", answer.error);
    settled_(luggage.asked, answer.ok);
    const auto found = waiting_.find(luggage.ticket);
    if (found == waiting_.end()) return;  // asked by a process that has died
    const Done done = std::move(found->second);
    waiting_.erase(found);
    if (done) done(answer.ok);
}

}  // namespace fairlead::cpl
