// One connection to an SQLite database. SPDX-License-Identifier: Apache-2.0
#include "modules/db_sqlite/connection.h"

#include <sqlite3.h>

#include <limits>
#include <vector>

namespace fairlead::db_sqlite {
namespace {

constexpr int kBusyFor = 5000;  // ms: another program writes; only the database process waits

std::unexpected<Error> failed(sqlite3* connection, std::string_view what) {
    return fail(std::string(what) + ": " + sqlite3_errmsg(connection), {},
                sqlite3_extended_errcode(connection));
}

db::Value column(sqlite3_stmt* s, int i) {
    switch (sqlite3_column_type(s, i)) {
        case SQLITE_INTEGER: return std::int64_t{sqlite3_column_int64(s, i)};
        case SQLITE_FLOAT: return sqlite3_column_double(s, i);
        case SQLITE_NULL: return {};
        default: break;
    }
    const bool is_text = sqlite3_column_type(s, i) == SQLITE_TEXT;
    const auto* const bytes = static_cast<const char*>(sqlite3_column_blob(s, i));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(s, i));
    const std::string_view view(bytes != nullptr ? bytes : "", size);
    return is_text ? db::Value(view) : db::Value::blob(view);
}

int bind(sqlite3_stmt* s, int i, const db::Value& v) {
    const std::string_view text = v.text();
    const char* const bytes = text.empty() ? "" : text.data();
    switch (v.type()) {
        case db::Value::Type::null: return sqlite3_bind_null(s, i);
        case db::Value::Type::integer: return sqlite3_bind_int64(s, i, v.integer());
        case db::Value::Type::real: return sqlite3_bind_double(s, i, v.real());
        case db::Value::Type::text:
            return sqlite3_bind_text64(s, i, bytes, text.size(), SQLITE_STATIC, SQLITE_UTF8);
        case db::Value::Type::blob:
            return sqlite3_bind_blob64(s, i, bytes, text.size(), SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

/// Leaves a statement ready for the next run, however this one ends.
class Reset {
public:
    explicit Reset(sqlite3_stmt* statement) noexcept : statement_(statement) {}
    Reset(const Reset&) = delete;
    Reset& operator=(const Reset&) = delete;
    ~Reset() {
        sqlite3_reset(statement_);
        sqlite3_clear_bindings(statement_);
    }

private:
    sqlite3_stmt* statement_;
};

}  // namespace

void CloseConnection::operator()(sqlite3* connection) const noexcept {
    sqlite3_close_v2(connection);
}
void CloseStatement::operator()(sqlite3_stmt* statement) const noexcept {
    sqlite3_finalize(statement);
}

Result<std::int64_t> Statement::run(std::span<const db::Value> values,
                                    const std::function<bool(db::Row)>& row) {
    sqlite3_stmt* const s = statement_.get();
    sqlite3* const connection = sqlite3_db_handle(s);
    if (static_cast<int>(values.size()) != sqlite3_bind_parameter_count(s))
        return fail("a statement was given another number of values than it has");
    const Reset reset(s);
    for (std::size_t i = 0; i < values.size(); ++i)
        if (bind(s, static_cast<int>(i) + 1, values[i]) != SQLITE_OK)
            return failed(connection, "a value was refused");
    const std::int64_t before = sqlite3_total_changes64(connection);
    std::vector<db::Value> columns(static_cast<std::size_t>(sqlite3_column_count(s)));
    for (;;) {
        const int code = sqlite3_step(s);
        if (code == SQLITE_DONE) break;
        if (code != SQLITE_ROW) return failed(connection, "a statement failed");
        for (std::size_t i = 0; i < columns.size(); ++i)
            columns[i] = column(s, static_cast<int>(i));
        if (row && !row(columns)) break;
    }
    return sqlite3_total_changes64(connection) - before;
}

bool Statement::only_reads() const noexcept {
    return sqlite3_stmt_readonly(statement_.get()) != 0;
}

int Statement::columns() const noexcept {
    return sqlite3_column_count(statement_.get());
}

Result<Connection> Connection::open(const Place& place) {
    sqlite3* raw = nullptr;
    const int flags =
        place.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    const int code =
        sqlite3_open_v2(place.path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
    Connection made(raw);
    if (code != SQLITE_OK) return failed(raw, place.path);
    sqlite3_busy_timeout(raw, kBusyFor);
    if (!place.read_only) TRY(made.execute("PRAGMA journal_mode = " + place.journal_mode));
    return made;
}

Result<Statement> Connection::prepare(std::string_view sql) {
    if (sql.size() > std::numeric_limits<int>::max()) return fail("a statement is too long");
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                           SQLITE_PREPARE_PERSISTENT, &raw, nullptr) != SQLITE_OK)
        return failed(connection_.get(), sql);
    if (raw == nullptr) return fail("a statement is empty");
    return Statement(raw);
}

Result<void> Connection::execute(const std::string& sql) {
    if (sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
        return failed(connection_.get(), sql);
    return {};
}

Result<db::Value> Connection::first(std::string_view sql, std::span<const db::Value> values,
                                    std::string& text) {
    Statement statement = TRY(prepare(sql));
    db::Value out;
    TRY(statement.run(values, [&](db::Row row) {
        out = row.empty() ? db::Value() : row[0];
        text = out.text();
        if (out.type() == db::Value::Type::text) out = db::Value(std::string_view(text));
        return false;
    }));
    return out;
}

bool Connection::in_transaction() const noexcept {
    return sqlite3_get_autocommit(connection_.get()) == 0;
}

}  // namespace fairlead::db_sqlite
