// Bindings as rows of a database, in Kamailio's table `location`. SPDX-License-Identifier:
// Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/core.h"
#include "modules/db/api.h"
#include "modules/usrloc/table.h"

namespace fairlead::usrloc {

/// A moment as columns of type TIMESTAMP have it in SQLite: the Julian day; and back from that,
/// from seconds since 1970, or from "YYYY-MM-DD HH:MM:SS". 0 is never.
[[nodiscard]] double julian_day(std::int64_t unix_seconds) noexcept;
[[nodiscard]] std::int64_t unix_seconds(const db::Value& value) noexcept;

/// The statements on one table per domain.
class Rows {
public:
    Result<void> prepare(Core& core, db::Api& db, std::string_view url);
    /// Before fork: the table of a domain, made when there is none; its number is the domain's.
    Result<void> add(std::string_view table, bool check_version);

    using Each = std::function<bool(std::string_view user, std::string_view domain,
                                    std::string_view socket, const Contact& contact)>;
    /// Before fork: all rows that are not over; those that are, are deleted when `clean`.
    Result<void> load(DomainId domain, bool clean, const Each& each) const;

    /// False when the database did not take it.
    [[nodiscard]] bool put(DomainId domain, std::string_view aor, const Contact& contact,
                           db::CallbackId callback, std::string_view luggage) const;
    [[nodiscard]] bool remove(DomainId domain, std::string_view ruid, db::CallbackId callback,
                              std::string_view luggage) const;
    /// An answer that comes behind those of all that was asked before.
    [[nodiscard]] bool barrier(DomainId domain, db::CallbackId callback,
                               std::string_view luggage) const;
    enum class Count : std::uint8_t { users, contacts, expired };
    [[nodiscard]] bool count(DomainId domain, Count what, db::CallbackId callback,
                             std::string_view luggage) const;

private:
    struct Statements {
        db::StatementId load, clean, put, remove, users, contacts, expired;
    };
    Core* core_ = nullptr;
    db::Api* db_ = nullptr;
    db::DatabaseId database_ = db::DatabaseId::none;
    db::StatementId barrier_ = db::StatementId::none;
    std::vector<Statements> domains_;
};

}  // namespace fairlead::usrloc
