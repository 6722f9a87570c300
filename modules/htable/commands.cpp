// Commands about hash tables, with the shapes of Kamailio's. SPDX-License-Identifier: Apache-2.0
#include "modules/htable/commands.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "modules/htable/htable.h"

namespace fairlead::htable {
namespace {

constexpr int kNotFound = 404;

Result<Table*> table(Module& m, Call& call) {
    if (!call.has(0)) return fail("No htable name given");
    Table* const found = static_cast<Htable&>(m).find(call.text(0));
    if (found == nullptr) return fail("No such htable");
    return found;
}

/// A slot at a time: items that come and go meanwhile are in it or not.
class Dump final : public AnswerSource {
public:
    explicit Dump(const Table& table) : table_(table) {}
    bool more(Answer& answer) override {
        std::vector<Copied> items;
        while (next_ < table_.slots() && items.empty()) table_.copy_slot(next_++, items);
        if (items.empty()) return false;
        answer.begin_struct();
        answer.integer("entry", static_cast<std::int64_t>(next_ - 1));
        answer.integer("size", static_cast<std::int64_t>(items.size()));
        answer.begin_array("slot");
        for (const Copied& item : items) {
            answer.begin_struct();
            answer.text("name", item.key);
            answer.name("value");
            answer.value(item.value());
            answer.text("type", item.is_text ? "str" : "int");
            answer.end_struct();
        }
        answer.end_array();
        answer.end_struct();
        return next_ < table_.slots();
    }

private:
    const Table& table_;
    std::size_t next_ = 0;
};

Result<void> dump(Module& m, Call& call) {
    call.stream(std::make_unique<Dump>(*TRY(table(m, call))));
    return {};
}

Result<void> get(Module& m, Call& call) {
    const Table& from = *TRY(table(m, call));
    Arena arena;
    const Value value = from.get(arena, call.text(1));
    if (value.is_null()) return fail("Key name doesn't exist in htable.");
    const std::int64_t left = from.seconds_left(call.text(1));
    Answer& a = call.answer();
    a.begin_struct();
    a.begin_struct("item");
    a.text("name", call.text(1));
    a.name("value");
    a.value(value);
    a.integer("flags", value.is_string() ? 2 : 0);
    if (left > 0)
        a.integer("expire", left);
    else
        a.text("expire", "NEVER");
    a.end_struct();
    a.end_struct();
    return {};
}

Result<void> put(Module& m, Call& call, std::optional<std::int64_t> seconds) {
    if (!TRY(table(m, call))->set(call.text(1), call.args()[2], seconds))
        return fail("The value cannot be stored.");
    call.answer().text("Ok. Key set to new value.");
    return {};
}
Result<void> set(Module& m, Call& call) {
    return put(m, call, {});
}
Result<void> set_expiring(Module& m, Call& call) {
    return put(m, call, call.integer(3));
}

Result<void> expire(Module& m, Call& call) {
    Table& in = *TRY(table(m, call));
    Arena arena;
    if (in.get(arena, call.text(1)).is_null())
        return fail("Key not found in htable.", {}, kNotFound);
    if (!in.set_seconds(call.text(1), call.integer(2)))
        return fail("Items of this htable do not expire.");
    call.answer().text("Ok");
    return {};
}

Result<void> remove(Module& m, Call& call) {
    if (!TRY(table(m, call))->remove(call.text(1)))
        return fail("Key not found in htable.", {}, kNotFound);
    call.answer().text("Ok. Key deleted.");
    return {};
}

Result<void> flush(Module& m, Call& call) {
    Table& all = *TRY(table(m, call));
    for (std::size_t slot = 0; slot < all.slots(); ++slot) {
        std::vector<Copied> items;
        all.copy_slot(slot, items);
        for (const Copied& item : items) (void)all.remove(item.key);
    }
    call.answer().text("Ok. Htable flushed.");
    return {};
}

Result<void> reload(Module& m, Call& call) {
    Table& one = *TRY(table(m, call));
    Database& database = static_cast<Htable&>(m).database;
    return database.has(one) ? database.reload(one, call.later()) : fail("No htable db_url");
}
Result<void> store(Module& m, Call& call) {
    Table& one = *TRY(table(m, call));
    Database& database = static_cast<Htable&>(m).database;
    return database.has(one) ? database.store(one, call.later()) : fail("No htable db_url");
}

Result<void> list(Module& m, Call& call) {
    for (const Table& t : static_cast<Htable&>(m).tables()) {
        const Definition& d = t.definition();
        Answer& a = call.answer();
        a.begin_struct();
        a.text("name", d.name);
        a.text("dbtable", d.database_table);
        a.integer("dbmode", d.write_back ? 1 : 0);
        a.integer("expire", d.autoexpire);
        a.integer("updateexpire", d.update_expire ? 1 : 0);
        a.integer("size", static_cast<std::int64_t>(t.slots()));
        a.integer("dmqreplicate", 0);
        a.end_struct();
    }
    return {};
}

/// How items are spread, a table at a time.
Result<void> statistics(Module& m, Call& call) {
    for (const Table& t : static_cast<Htable&>(m).tables()) {
        std::size_t all = 0, least = SIZE_MAX, most = 0;
        for (std::size_t slot = 0; slot < t.slots(); ++slot) {
            const std::size_t items = t.count_slot(slot);
            all += items;
            least = std::min(least, items);
            most = std::max(most, items);
        }
        Answer& a = call.answer();
        a.begin_struct();
        a.text("name", t.definition().name);
        a.integer("slots", static_cast<std::int64_t>(t.slots()));
        a.integer("all", static_cast<std::int64_t>(all));
        a.integer("min", static_cast<std::int64_t>(least));
        a.integer("max", static_cast<std::int64_t>(most));
        a.end_struct();
    }
    return {};
}

using T = CommandArg::Type;
constexpr CommandArg kTable[] = {{"table", "Its name.", T::text, true}};
constexpr CommandArg kItem[] = {{"table", "Its name.", T::text}, {"key", "The item's.", T::text}};
constexpr CommandArg kSetText[] = {{"table", "Its name.", T::text},
                                   {"key", "The item's.", T::text},
                                   {"value", "A text.", T::text}};
constexpr CommandArg kSetNumber[] = {{"table", "Its name.", T::text},
                                     {"key", "The item's.", T::text},
                                     {"value", "A number.", T::integer}};
constexpr CommandArg kExpiringText[] = {{"table", "Its name.", T::text},
                                        {"key", "The item's.", T::text},
                                        {"value", "A text.", T::text},
                                        {"seconds", "How long it stays.", T::integer}};
constexpr CommandArg kExpiringNumber[] = {{"table", "Its name.", T::text},
                                          {"key", "The item's.", T::text},
                                          {"value", "A number.", T::integer},
                                          {"seconds", "How long it stays.", T::integer}};
constexpr CommandArg kExpire[] = {{"table", "Its name.", T::text},
                                  {"key", "The item's.", T::text},
                                  {"seconds", "How long it stays.", T::integer}};
constexpr Right kRead = Right::read, kChange = Right::change;

}  // namespace

constinit const std::array<Command, kCommands> commands{
    {{"htable.delete", "Removes an item.", kChange, kItem, false, {}, remove},
     {"htable.dump", "All items of a table, slot by slot.", kRead, kTable, true, {}, dump},
     {"htable.flush", "Removes all items of a table.", kChange, kTable, false, {}, flush},
     {"htable.get", "An item.", kRead, kItem, false, {}, get},
     {"htable.listTables", "All tables.", kRead, {}, true, {}, list},
     {"htable.reload",
      "Reads a table from its database again.",
      kChange,
      kTable,
      false,
      {},
      reload},
     {"htable.seti", "Sets an item to a number.", kChange, kSetNumber, false, {}, set},
     {"htable.sets", "Sets an item to a text.", kChange, kSetText, false, {}, set},
     {"htable.setex", "Sets how long an item stays.", kChange, kExpire, false, {}, expire},
     {"htable.setxi",
      "Sets an item to a number, for a while.",
      kChange,
      kExpiringNumber,
      false,
      {},
      set_expiring},
     {"htable.setxs",
      "Sets an item to a text, for a while.",
      kChange,
      kExpiringText,
      false,
      {},
      set_expiring},
     {"htable.stats", "How the items of all tables are spread.", kRead, {}, true, {}, statistics},
     {"htable.store", "Writes a table to its database.", kChange, kTable, false, {}, store}}};

}  // namespace fairlead::htable
