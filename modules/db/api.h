// What a database module offers to other modules: typed values, statements that are prepared once,
// answers that come later. No SIP worker ever waits: statements run in a process of the database
// module, in the order in which one process asked. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "core/module.h"

namespace fairlead::db {

/// What a column holds or a parameter of a statement is. Texts and blobs are views.
class Value {
public:
    enum class Type : std::uint8_t { null, integer, real, text, blob };

    constexpr Value() noexcept = default;  ///< null
    constexpr Value(std::int64_t n) noexcept : integer_(n), type_(Type::integer) {}
    constexpr Value(int n) noexcept : Value(static_cast<std::int64_t>(n)) {}
    constexpr Value(double n) noexcept : real_(n), type_(Type::real) {}
    constexpr Value(std::string_view s) noexcept : text_(s), type_(Type::text) {}
    constexpr Value(const char* s) noexcept : Value(std::string_view(s)) {}
    [[nodiscard]] static constexpr Value blob(std::string_view bytes) noexcept {
        Value v(bytes);
        v.type_ = Type::blob;
        return v;
    }
    /// Null for "".
    [[nodiscard]] static constexpr Value text_or_null(std::string_view s) noexcept {
        return s.empty() ? Value() : Value(s);
    }

    [[nodiscard]] constexpr Type type() const noexcept { return type_; }
    [[nodiscard]] constexpr bool is_null() const noexcept { return type_ == Type::null; }
    /// 0 for what is no number; a real is cut.
    [[nodiscard]] constexpr std::int64_t integer() const noexcept {
        if (type_ != Type::real) return integer_;
        constexpr double kMost = 9.0e18;
        return real_ > -kMost && real_ < kMost ? static_cast<std::int64_t>(real_) : 0;
    }
    [[nodiscard]] constexpr double real() const noexcept {
        return type_ == Type::integer ? static_cast<double>(integer_) : real_;
    }
    /// "" for what is neither text nor blob.
    [[nodiscard]] constexpr std::string_view text() const noexcept { return text_; }

private:
    std::string_view text_;
    std::int64_t integer_ = 0;
    double real_ = 0;
    Type type_ = Type::null;
};

/// The columns of one row, as the statement names them; views are valid until the next row.
using Row = std::span<const Value>;

enum class DatabaseId : std::uint16_t { none = 0xffff };
enum class StatementId : std::uint16_t { none = 0xffff };
enum class CallbackId : std::uint16_t { none = 0xffff };

/// A table that is made, with its row in the table `version`, when the database has none.
struct Table {
    std::string_view name;
    int version = 1;
    /// Everything that makes it: CREATE TABLE and CREATE INDEX statements, separated by ';'.
    std::string_view sql;
    /// Whether a table that is there must have this version.
    bool check_version = true;
};

/// What became of a query.
struct Answer {
    bool ok = false;
    std::string_view error;    ///< words of the database when not ok
    std::int64_t changed = 0;  ///< rows that were inserted, changed or deleted
    std::size_t rows = 0;      ///< rows in the answer, at most the query's max_rows
    bool cut = false;          ///< there were more
    std::string_view luggage;  ///< as given with the query
    /// The columns of the n-th row, n below rows; valid during the call of answered() only.
    [[nodiscard]] Row row(std::size_t n) const noexcept {
        return values.subspan(n * columns, columns);
    }
    std::span<const Value> values;  ///< of all rows, one after the other
    std::size_t columns = 0;
};

/// Told of answers. Lives in the module.
class Listener {
public:
    /// In the event loop of the process that asked, without any lock. A process that was forked
    /// again gets the answers that its predecessor waited for.
    virtual void answered(const Answer& answer) noexcept = 0;

protected:
    ~Listener() = default;
};

/// A statement to run. Views are needed during the call only.
struct Query {
    static constexpr std::size_t kMaxLuggage = 96;

    StatementId statement = StatementId::none;
    std::span<const Value> values;           ///< for its `?`, in their order
    CallbackId callback = CallbackId::none;  ///< none: nobody is told (failures are counted)
    std::string_view luggage;                ///< comes back with the answer; at most kMaxLuggage
    std::size_t max_rows = 1000;
};

/// Offered by the database module (db_sqlite).
struct Api {
    static constexpr ApiId api_id{"db", 1};

    // ---- In prepare(), before fork. What these wait for, the start waits for.

    /// "sqlite:///relative" (to the working directory), "sqlite:////absolute". The database is made
    /// when there is none. The same URL gives the same number.
    [[nodiscard]] virtual Result<DatabaseId> open(std::string_view url) = 0;
    /// Makes the table, or checks its version.
    [[nodiscard]] virtual Result<void> table(DatabaseId database, const Table& table) = 0;
    /// Checks and keeps a statement with `?` for its values. `sql` is copied. All its tables must
    /// be there.
    [[nodiscard]] virtual Result<StatementId> prepare(DatabaseId database,
                                                      std::string_view sql) = 0;
    [[nodiscard]] virtual CallbackId on_answer(Listener& listener) = 0;
    /// Hands over each row as it is read, however many there are; `row` says false to end it. Also
    /// in stop() of the last process.
    using EachRow = std::function<bool(Row)>;
    [[nodiscard]] virtual Result<void> load(StatementId statement, std::span<const Value> values,
                                            const EachRow& row) = 0;

    // ---- Now: in prepare(), and in stop() of the last process (the supervisor's, behind all that
    // was asked before). Waits for the database. The number of rows that were changed.
    [[nodiscard]] virtual Result<std::int64_t> now(StatementId statement,
                                                   std::span<const Value> values) = 0;

    // ---- In any process after fork. Never waits.

    /// False when it was not taken: too many wait already (db_sqlite:dropped counts), memory is
    /// full, or the luggage is too long; then nobody is told. What was taken is carried out, also
    /// when the database process dies meanwhile; then perhaps twice. Answers to one process come in
    /// the order of its queries. Changes are committed when the answer comes.
    virtual bool query(const Query& query) noexcept = 0;
    /// A change that nobody waits for.
    bool write(StatementId statement, std::initializer_list<Value> values) noexcept {
        Query change;
        change.statement = statement;
        change.values = {values.begin(), values.size()};
        return query(change);
    }

protected:
    ~Api() = default;
};

}  // namespace fairlead::db
