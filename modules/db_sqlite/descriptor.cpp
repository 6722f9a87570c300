// What the module db_sqlite offers. SPDX-License-Identifier: Apache-2.0
#include "modules/db_sqlite/db_sqlite.h"

namespace fairlead::db_sqlite {
namespace {

constexpr Param params[] = {
    param_method<&DbSqlite::set_read_only>(
        "db_set_readonly", "Path of a database that is only read; it must be there.", Type::string),
    param_method<&DbSqlite::set_journal_mode>(
        "db_set_journal_mode",
        "path=MODE: DELETE, TRUNCATE, PERSIST, MEMORY, WAL or OFF; WAL unless set.", Type::string),
    param<&DbSqlite::queue_size>("queue_size",
                                 "Most statements that may wait for the database process.",
                                 {.min = 1, .max = 10'000'000}),
};
constexpr Statistic statistics[] = {
    statistic<&DbSqlite::queries>("queries", "Statements that were run."),
    statistic<&DbSqlite::failures>("failures", "Statements that the database refused."),
    statistic<&DbSqlite::dropped>(
        "dropped", "Statements that were not taken: too many waited, or memory was full."),
    statistic<&DbSqlite::answers_lost>("answers_lost",
                                       "Answers that could not be handed over to who asked."),
    computed_statistic<&DbSqlite::waiting>("waiting", "Statements that wait now."),
};
constexpr Offer offered[] = {offers<DbSqlite, db::Api>()};

constexpr Descriptor descriptor{.name = "db_sqlite",
                                .summary = "Databases in files: SQLite, in a process of its own.",
                                .create = make_module<DbSqlite>,
                                .params = params,
                                .statistics = statistics,
                                .offers = offered};

}  // namespace
}  // namespace fairlead::db_sqlite

FAIRLEAD_MODULE(fairlead::db_sqlite::descriptor)
