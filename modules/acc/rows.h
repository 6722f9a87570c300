// Records as rows of a database. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/core.h"
#include "modules/acc/fields.h"
#include "modules/db/api.h"

namespace fairlead::acc {

/// What every record says; views.
struct Fixed {
    std::string_view method, from_tag, to_tag, call_id, code, reason;
};

/// The time of a record; which parts there are is up to time_mode.
struct Stamp {
    std::int64_t microseconds = 0;  ///< since 1970
    std::string text;               ///< time_mode 3 and 4
};

/// How the columns are called.
struct RowColumns {
    std::string method = "method", from_tag = "from_tag", to_tag = "to_tag", call_id = "callid",
                code = "sip_code", reason = "sip_reason", time = "time";
    int time_mode = 0;
    std::string time_attr, time_exten;
    bool extra_nullable = false;
};

class Rows {
public:
    /// In prepare(). `tables`: all that records go to. Makes those that are not there, with a
    /// column for each extra attribute.
    Result<void> prepare(db::Api& api, std::string_view url, RowColumns columns,
                         const std::vector<std::string>& tables, const Fields& extra,
                         const Legs& legs);

    /// One row, or one for each leg of the call. In any process. False when one of them was not
    /// taken, or there is no such table.
    bool write(Message& m, std::string_view table, const Fixed& fixed, const Stamp& stamp) const;

private:
    struct Sheet {
        std::string name;
        db::StatementId insert{};
    };
    Result<void> add(db::DatabaseId id, const std::string& table);
    /// Names of all columns, in the order of the values.
    [[nodiscard]] std::vector<std::string> names() const;

    db::Api* db_ = nullptr;
    RowColumns columns_;
    const Fields* extra_ = nullptr;
    const Legs* legs_ = nullptr;
    std::vector<Sheet> sheets_;
};

/// Whether a text can stand in SQL as the name of a table or column.
[[nodiscard]] bool is_sql_name(std::string_view name) noexcept;

}  // namespace fairlead::acc
