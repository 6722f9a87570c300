// Hash tables for scripts: the module's class.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/api/core.h"
#include "core/api/regex.h"
#include "core/module.h"
#include "modules/db/api.h"
#include "modules/htable/database.h"
#include "modules/htable/matcher.h"
#include "modules/htable/table.h"

namespace fairlead::htable {

class Htable final : public Module, private Timers::Ticker {
public:
    static constexpr std::size_t kIterators = 4;

    int timer_interval = 20;
    int timer_procs = 0;
    int event_callback_mode = 0;
    std::string db_url;
    Columns columns;
    int fetch_rows = 100;
    db::Api* db = nullptr;
    Counts counts;
    shm::Counter patterns_evicted;
    Database database;

    Result<void> define(const Value& text);
    template <std::string Columns::* Name>
    Result<void> set_column(const Value& name) {
        columns.*Name = name.string();
        return {};
    }
    Result<void> set_db_expires(const Value& value) {
        columns.with_expires = value.integer() != 0;
        return {};
    }
    Result<void> refuse_replication(const Value& value);
    Result<void> prepare(Core& core) override;
    Result<void> start(const Process& process) override;
    void stop() noexcept override;
    void message_done(Message& m, const RouteResult& result) override;

    // Functions on items and tables.
    Verdict sht_print(Message& m);
    Verdict sht_rm(Message& m, std::string_view table, std::string_view key);
    Verdict sht_rm_name_re(Message& m, std::string_view what);
    Verdict sht_rm_value_re(Message& m, std::string_view what);
    Verdict sht_rm_name(Message& m, std::string_view table, std::string_view op,
                        std::string_view value);
    Verdict sht_rm_value(Message& m, std::string_view table, std::string_view op,
                         std::string_view value);
    Verdict sht_setxs(Message& m, std::string_view table, std::string_view key,
                      std::string_view value, Value seconds);
    Verdict sht_setxi(Message& m, std::string_view table, std::string_view key, Value value,
                      Value seconds);
    Verdict sht_reset(Message& m, std::string_view table);
    Verdict sht_lock(Message& m, std::string_view what);
    Verdict sht_unlock(Message& m, std::string_view what);
    Verdict sht_match_name(Message& m, std::string_view table, std::string_view op,
                           std::string_view value);
    Verdict sht_match_str_value(Message& m, std::string_view table, std::string_view op,
                                std::string_view value);

    // Iterators (iterators.cpp).
    Verdict sht_iterator_start(Message& m, std::string_view name, std::string_view table);
    Verdict sht_iterator_end(Message& m, std::string_view name);
    Verdict sht_iterator_next(Message& m, std::string_view name);
    Verdict sht_iterator_rm(Message& m, std::string_view name);
    Verdict sht_iterator_sets(Message& m, std::string_view name, std::string_view value);
    Verdict sht_iterator_seti(Message& m, std::string_view name, Value value);
    Verdict sht_iterator_setex(Message& m, std::string_view name, Value seconds);
    Value iterator_key(Message& m, std::string_view name);
    Value iterator_value(Message& m, std::string_view name);

    // Variables. Names are "table=>key".
    struct Place {
        Table* table = nullptr;
        std::string_view key;
    };
    [[nodiscard]] Place place(std::string_view name);
    Result<std::uint64_t> resolve(std::string_view name);
    /// $shtcn and $shtcv: how many names or values fit "table=>pattern".
    Value count(std::string_view name, bool values);
    [[nodiscard]] Value record(Message& m, bool key) const;
    [[nodiscard]] Table* find(std::string_view name) noexcept;
    [[nodiscard]] const std::deque<Table>& tables() const noexcept { return tables_; }

private:
    struct Iterator {
        std::string name;  ///< "" when it is free
        Table* table = nullptr;
        std::size_t slot = 0, item = 0;
        std::vector<Copied> items;  ///< of the slot
        [[nodiscard]] const Copied* current() const noexcept {
            return item > 0 && item <= items.size() ? &items[item - 1] : nullptr;
        }
    };

    void tick() noexcept override;
    void expire(Table& table, RouteId route);
    RouteResult run(RouteId route);
    [[nodiscard]] Table* named(std::string_view name);
    /// Items of which `test` takes the name or the value; `act` gets copies, without any lock.
    template <class Act>
    void each_match(Table& table, const Matcher& test, bool values, Act act);
    Verdict remove_matching(Table* table, std::string_view op, std::string_view value, bool values);
    [[nodiscard]] Verdict matches(Table* table, std::string_view op, std::string_view value,
                                  bool values);
    [[nodiscard]] Iterator* iterator(std::string_view name) noexcept;

    Core* core_ = nullptr;
    std::deque<Table> tables_;
    RegexCache regexes_;
    std::array<Iterator, kIterators> iterators_;
    std::vector<std::pair<Table*, std::string>> held_;  ///< by the script that runs
    const Copied* expired_ = nullptr;                   ///< while its route runs
};

/// A number given as such or as text.
[[nodiscard]] std::optional<std::int64_t> number_of(const Value& value) noexcept;

}  // namespace fairlead::htable
