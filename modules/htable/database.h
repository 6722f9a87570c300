// Tables that are read from a database at the start and on demand, and written back.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/command.h"
#include "core/api/core.h"
#include "modules/db/api.h"
#include "modules/htable/table.h"

namespace fairlead::htable {

/// How the columns are called.
struct Columns {
    std::string key = "key_name", key_type = "key_type", value_type = "value_type",
                value = "key_value", expires = "expires", array_size_suffix = "::size";
    bool with_expires = false;  ///< db_expires
};

/// Rows become items: names of arrays are counted.
class Reader {
public:
    Reader(const Definition& definition, const Columns& columns, std::int64_t unix_now,
           std::int64_t now) noexcept
        : definition_(definition), columns_(columns), unix_now_(unix_now), now_(now) {}
    /// The first column is the row's number.
    void take(db::Row row);
    /// All items that the rows gave, with the sizes of arrays.
    [[nodiscard]] std::vector<Copied> items();

private:
    /// As for an item that is set now.
    [[nodiscard]] std::int64_t default_expiry() const noexcept {
        constexpr std::int64_t kMs = 1000;
        return definition_.autoexpire != 0 ? now_ + definition_.autoexpire * kMs : 0;
    }

    const Definition& definition_;
    const Columns& columns_;
    std::int64_t unix_now_, now_;
    std::vector<Copied> items_;
    std::map<std::string, std::int64_t, std::less<>> arrays_;
};

/// What tables do with their database. load() before fork; reload() and store() in the control
/// process; store_now() in the supervisor, last.
class Database final : private db::Listener {
public:
    /// Makes the statements of each table that has a dbtable; reads them.
    Result<void> prepare(Core& core, db::Api& api, std::string_view url, const Columns& columns,
                         std::deque<Table>& tables);

    [[nodiscard]] bool has(const Table& table) const noexcept { return find(table) != nullptr; }
    /// The answer is given when the table is read, or why it was not.
    Result<void> reload(Table& table, std::unique_ptr<LateAnswer> answer);
    /// The same for writing it back.
    Result<void> store(Table& table, std::unique_ptr<LateAnswer> answer);
    /// Writes back all tables with dbmode; waits for the database.
    void store_now() noexcept;

private:
    static constexpr std::int64_t kPage = 500;

    struct Linked {
        Table* table = nullptr;
        db::StatementId page{}, last{}, insert{}, drop{};
        bool can_store = false;
        std::unique_ptr<LateAnswer> waiting;  ///< reload() or store() is under way
        std::unique_ptr<Reader> reader;
        // store():
        std::vector<Copied> items;
        std::size_t slot = 0, item = 0;
        std::int64_t old_rows = 0;  ///< rows up to this one are those from before
    };
    enum class Step : std::uint8_t { page, last, insert, drop };

    [[nodiscard]] const Linked* find(const Table& table) const noexcept;
    [[nodiscard]] Linked* find(const Table& table) noexcept;
    Result<void> link(Table& table);
    Result<void> load(Linked& linked);
    void replace(Table& table, const std::vector<Copied>& items) const;
    Reader reader(const Table& table) const;
    [[nodiscard]] bool ask(const Linked& linked, Step step, db::StatementId statement,
                           std::span<const db::Value> values);
    /// Values of a row; `texts` holds what they point to.
    [[nodiscard]] std::array<db::Value, 5> row_of(const Copied& item, std::string& number) const;
    [[nodiscard]] bool put(const Linked& linked, const Copied& item, bool with_answer);
    /// Writes the next rows; the answer to the last of them goes on.
    void go_on(Linked& linked);
    void fail_with(Linked& linked, std::string_view why);
    /// In store_now(): what waits for the database.
    void carry_out();
    void answered(const db::Answer& answer) noexcept override;
    void advance(Linked& linked, Step step, const db::Answer& answer);

    Core* core_ = nullptr;
    db::Api* db_ = nullptr;
    Columns columns_;
    db::DatabaseId id_{};
    db::CallbackId callback_{};
    db::StatementId nothing_{};
    std::deque<Linked> linked_;
};

}  // namespace fairlead::htable
