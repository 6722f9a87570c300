// One connection to an SQLite database, in one process. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "modules/db/api.h"

struct sqlite3;
struct sqlite3_stmt;

namespace fairlead::db_sqlite {

struct CloseConnection {
    void operator()(sqlite3* connection) const noexcept;
};
struct CloseStatement {
    void operator()(sqlite3_stmt* statement) const noexcept;
};

/// How a database is opened.
struct Place {
    std::string path;
    bool read_only = false;
    std::string journal_mode = "WAL";
};

/// A compiled statement; must not outlive its connection.
class Statement {
public:
    explicit Statement(sqlite3_stmt* statement) noexcept : statement_(statement) {}

    /// Runs it from the beginning; `row` says false to end it early. The rows that were changed.
    Result<std::int64_t> run(std::span<const db::Value> values,
                             const std::function<bool(db::Row)>& row);
    [[nodiscard]] bool only_reads() const noexcept;
    [[nodiscard]] int columns() const noexcept;

private:
    std::unique_ptr<sqlite3_stmt, CloseStatement> statement_;
};

/// Must not cross a fork: it is opened and closed by one process.
class Connection {
public:
    /// Makes the file when there is none, unless it is read_only.
    [[nodiscard]] static Result<Connection> open(const Place& place);

    [[nodiscard]] Result<Statement> prepare(std::string_view sql);
    /// Several statements, whose rows nobody wants.
    Result<void> execute(const std::string& sql);
    /// The first column of the first row; null when there is none. Texts are copied into `text`.
    Result<db::Value> first(std::string_view sql, std::span<const db::Value> values,
                            std::string& text);
    [[nodiscard]] bool in_transaction() const noexcept;

private:
    explicit Connection(sqlite3* connection) noexcept : connection_(connection) {}
    std::unique_ptr<sqlite3, CloseConnection> connection_;
};

}  // namespace fairlead::db_sqlite
