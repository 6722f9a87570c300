// Bindings as rows of a database, in Kamailio's table `location`. SPDX-License-Identifier:
// Apache-2.0
#pragma once
#include <array>
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

/// How a table of locations looks; its columns are in the order of its rows.
struct Layout {
    enum Column : std::uint8_t {
        kRuid,
        kUser,
        kDomain,
        kContact,
        kReceived,
        kPath,
        kExpires,
        kQ,
        kCallId,
        kCseq,
        kModified,
        kFlags,
        kCflags,
        kUserAgent,
        kSocket,
        kMethods,
        kInstance,
        kRegId,
        kServerId,
        kConnectionId,
        kKeepalive,
        kPartition,
        kColumns
    };
    std::array<std::string, kColumns> names{
        "ruid",          "username", "domain", "contact",    "received",
        "path",          "expires",  "q",      "callid",     "cseq",
        "last_modified", "flags",    "cflags", "user_agent", "socket",
        "methods",       "instance", "reg_id", "server_id",  "connection_id",
        "keepalive",     "partition"};
    /// Moments are seconds since 1970, not dates.
    bool has_numbers = false;
};

/// The statements on one table per domain.
class Rows {
public:
    Result<void> prepare(Core& core, db::Api& db, std::string_view url, const Layout& layout);
    /// Before fork: the table of a domain, made when there is none; its number is the domain's.
    Result<void> add(std::string_view table, bool check_version);

    using Each = std::function<bool(std::string_view user, std::string_view domain,
                                    std::string_view socket, const Contact& contact)>;
    /// Before fork: all rows that are not over; those that are, are deleted when `clean`.
    Result<void> load(DomainId domain, bool clean, const Each& each) const;
    /// Before fork: deletes contacts of transports with connections, which are gone.
    Result<void> clean_connections(DomainId domain) const;

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
        db::StatementId load, clean, clean_tcp, put, remove, users, contacts, expired;
    };
    [[nodiscard]] db::Value moment(std::int64_t unix_seconds) const noexcept;

    Layout layout_;
    Core* core_ = nullptr;
    db::Api* db_ = nullptr;
    db::DatabaseId database_ = db::DatabaseId::none;
    db::StatementId barrier_ = db::StatementId::none;
    std::vector<Statements> domains_;
};

}  // namespace fairlead::usrloc
