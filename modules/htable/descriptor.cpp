// Hash tables for scripts: what the module shows to the server.
// SPDX-License-Identifier: Apache-2.0
#include "core/api/log.h"
#include "modules/htable/commands.h"
#include "modules/htable/htable.h"

namespace fairlead::htable {

namespace {

Htable& of(Module& m) {
    return static_cast<Htable&>(m);
}

Result<std::uint64_t> resolve(Module& m, std::string_view inner) {
    return of(m).resolve(inner);
}

Value get(Module& self, Message& m, const VariableName& name) {
    const Htable::Place at = of(self).place(name.inner);
    return at.table != nullptr ? at.table->get(m.arena, at.key) : Value();
}
bool set(Module& self, Message&, const VariableName& name, const Value& value) {
    const Htable::Place at = of(self).place(name.inner);
    if (at.table == nullptr) return false;
    if (value.is_null()) {
        at.table->remove(at.key);
        return true;
    }
    if (at.table->set(at.key, value)) return true;
    constexpr std::size_t kShown = 64;
    LOG(error, "{}: the item is too long, or shared memory is full", name.inner.substr(0, kShown));
    return false;
}

Value get_seconds(Module& self, Message&, const VariableName& name) {
    const Htable::Place at = of(self).place(name.inner);
    return at.table != nullptr ? Value(at.table->seconds_left(at.key)) : Value();
}
bool set_seconds(Module& self, Message&, const VariableName& name, const Value& value) {
    const Htable::Place at = of(self).place(name.inner);
    const auto seconds = number_of(value);
    return at.table != nullptr && seconds && at.table->set_seconds(at.key, *seconds);
}

template <int N>
Value add(Module& self, Message&, const VariableName& name) {
    const Htable::Place at = of(self).place(name.inner);
    return at.table != nullptr ? at.table->add(at.key, N) : Value();
}

template <bool Values>
Value count(Module& self, Message&, const VariableName& name) {
    return of(self).count(name.inner, Values);
}

constexpr std::uint64_t kKey = 1, kValue = 2;  // of $shtrecord

constexpr Param params[] = {
    param_method<&Htable::define>(
        "htable",
        "A table: \"name=>size=8;autoexpire=120;initval=0;updateexpire=1\"; it gets 2^size slots. "
        "dbtable=name: it is read from there at the start; dbmode=1: and written there at the end; "
        "cols='key,value,…': from these columns, values in one text, never written.",
        Type::string),
    param<&Htable::timer_interval>("timer_interval",
                                   "Seconds between two searches for what expired.",
                                   {.min = 1, .max = 86400}),
    param<&Htable::timer_procs>("timer_procs", "Accepted; the control process does it."),
    param<&Htable::event_callback_mode>(
        "event_callback_mode",
        "Accepted; event_route[htable:mod-init] always runs in the first worker.",
        {.min = 0, .max = 1}),
    param<&Htable::db_url>("db_url",
                           "Database of the tables that have a dbtable; needs a database module."),
    param_method<&Htable::set_column<&Columns::key>>("key_name_column", "Column of the names.",
                                                     Type::string),
    param_method<&Htable::set_column<&Columns::key_type>>(
        "key_type_column", "Column that is 1 where names become name[0], name[1], …", Type::string),
    param_method<&Htable::set_column<&Columns::value_type>>(
        "value_type_column", "Column that is 1 where values are numbers.", Type::string),
    param_method<&Htable::set_column<&Columns::value>>("key_value_column", "Column of the values.",
                                                       Type::string),
    param_method<&Htable::set_column<&Columns::expires>>(
        "expires_column", "Column of the Unix times at which items expire.", Type::string),
    param_method<&Htable::set_column<&Columns::array_size_suffix>>(
        "array_size_suffix", "Behind the name of an array, for the number of its items.",
        Type::string),
    param<&Htable::fetch_rows>("fetch_rows", "Accepted; rows are read 500 at a time.", {.min = 1}),
    param_method<&Htable::set_db_expires>(
        "db_expires", "Read and write when items expire, in tables with autoexpire.",
        Type::integer),
    param_method<&Htable::refuse_replication>("enable_dmq", "Only 0: tables are not replicated.",
                                              Type::integer),
    param_method<&Htable::refuse_replication>("dmq_init_sync", "Only 0: tables are not replicated.",
                                              Type::integer),
};

constexpr Function functions[] = {
    function<&Htable::sht_print>("sht_print", "Logs all items.", Route::any),
    function<&Htable::sht_rm>("sht_rm", "Removes an item.", Route::any, "table", "key"),
    function<&Htable::sht_rm_name_re>(
        "sht_rm_name_re", "Removes items whose names fit: \"table=>regex\".", Route::any, "what"),
    function<&Htable::sht_rm_value_re>(
        "sht_rm_value_re", "Removes items whose texts fit: \"table=>regex\".", Route::any, "what"),
    function<&Htable::sht_rm_name>("sht_rm_name",
                                   "Removes items by name; op: re (regular expression), sw (starts "
                                   "with).",
                                   Route::any, "table", "op", "value"),
    function<&Htable::sht_rm_value>("sht_rm_value", "Removes items by text, with the same ops.",
                                    Route::any, "table", "op", "value"),
    function<&Htable::sht_setxs>("sht_setxs", "Sets an item to a text, and when it expires.",
                                 Route::any, "table", "key", "value", "seconds"),
    function<&Htable::sht_setxi>("sht_setxi", "Sets an item to a number, and when it expires.",
                                 Route::any, "table", "key", "value", "seconds"),
    function<&Htable::sht_reset>("sht_reset", "Removes all items.", Route::any, "table"),
    function<&Htable::sht_lock>(
        "sht_lock",
        "Takes the lock of \"table=>key\", which is that of its slot and re-entrant. It never "
        "waits: "
        "-1 when another process has it. It ends with the script, or after 5 seconds, and keeps "
        "nobody from reading and writing without it; to count, use $shtinc.",
        Route::any, "what"),
    function<&Htable::sht_unlock>("sht_unlock", "Gives it back.", Route::any, "what"),
    function<&Htable::sht_match_name>("sht_match_name",
                                      "Whether an item's name fits; op: eq, ne, re, sw.",
                                      Route::any, "table", "op", "value"),
    function<&Htable::sht_match_name>("sht_has_name", "The same as sht_match_name().", Route::any,
                                      "table", "op", "value"),
    function<&Htable::sht_match_str_value>("sht_match_str_value",
                                           "Whether an item's text fits; op: eq, ne, re, sw.",
                                           Route::any, "table", "op", "value"),
    function<&Htable::sht_match_str_value>("sht_has_str_value",
                                           "The same as sht_match_str_value().", Route::any,
                                           "table", "op", "value"),
    function<&Htable::sht_iterator_start>("sht_iterator_start",
                                          "Begins to walk a table under a name; at most 4 at once "
                                          "in a process. It locks nothing: the "
                                          "script sees each slot as it was when it came to it.",
                                          Route::any, "name", "table"),
    function<&Htable::sht_iterator_next>("sht_iterator_next",
                                         "Goes to the first or next item; false at the end.",
                                         Route::any, "name"),
    function<&Htable::sht_iterator_end>("sht_iterator_end", "Ends the walk.", Route::any, "name"),
    function<&Htable::sht_iterator_rm>("sht_iterator_rm",
                                       "Removes the item and goes to the next; -2 when there is "
                                       "none.",
                                       Route::any, "name"),
    function<&Htable::sht_iterator_sets>("sht_iterator_sets", "Sets the item to a text.",
                                         Route::any, "name", "value"),
    function<&Htable::sht_iterator_seti>("sht_iterator_seti", "Sets the item to a number.",
                                         Route::any, "name", "value"),
    function<&Htable::sht_iterator_setex>("sht_iterator_setex", "Sets when the item expires.",
                                          Route::any, "name", "seconds"),
};

constexpr Variable variables[] = {
    {.name = "sht",
     .doc = "An item: $sht(table=>key). $null removes it.",
     .inner = Inner::required,
     .get = get,
     .set = set,
     .resolve = resolve},
    {.name = "shtex",
     .doc = "Seconds until the item expires, in tables with autoexpire; 0 elsewhere.",
     .inner = Inner::required,
     .get = get_seconds,
     .set = set_seconds,
     .resolve = resolve},
    {.name = "shtinc",
     .doc = "Adds 1 to a number, in one step for all processes, and gives the result; null when "
            "there is no number and no initval.",
     .inner = Inner::required,
     .get = add<1>,
     .resolve = resolve},
    {.name = "shtdec",
     .doc = "The same with -1.",
     .inner = Inner::required,
     .get = add<-1>,
     .resolve = resolve},
    {.name = "shtcn",
     .doc = "How many names fit: $shtcn(table=>regex), ~~regex or ==text.",
     .inner = Inner::required,
     .get = count<false>,
     .resolve = resolve},
    {.name = "shtcv",
     .doc = "How many texts fit: the same; eqNUMBER counts numbers.",
     .inner = Inner::required,
     .get = count<true>,
     .resolve = resolve},
    {.name = "shtitkey",
     .doc = "Name of an iterator's item.",
     .inner = Inner::required,
     .get = [](Module& self, Message& m,
               const VariableName& n) { return of(self).iterator_key(m, n.inner); }},
    {.name = "shtitval",
     .doc = "Value of an iterator's item.",
     .inner = Inner::required,
     .get = [](Module& self, Message& m,
               const VariableName& n) { return of(self).iterator_value(m, n.inner); }},
    {.name = "shtrecord",
     .doc = "In event_route[htable:expired:table]: $shtrecord(key) and $shtrecord(value).",
     .inner = Inner::required,
     .get = [](Module& self, Message& m,
               const VariableName& n) { return of(self).record(m, n.handle == kKey); },
     .resolve = [](Module&, std::string_view inner) -> Result<std::uint64_t> {
         if (inner == "key") return kKey;
         if (inner == "value") return kValue;
         return fail("it has key and value");
     }},
};

constexpr Statistic statistics[] = {
    {"added", "Items made.", [](Module& m, shm::Counter c) { of(m).counts.added = c; }, nullptr},
    {"removed", "Items removed, expired ones too.",
     [](Module& m, shm::Counter c) { of(m).counts.removed = c; }, nullptr},
    {"expired", "Items that expired.", [](Module& m, shm::Counter c) { of(m).counts.expired = c; },
     nullptr},
    {"refused", "Values not stored: too long, or shared memory was full.",
     [](Module& m, shm::Counter c) { of(m).counts.refused = c; }, nullptr},
    {"lock_refused", "Calls of sht_lock() that found the lock taken.",
     [](Module& m, shm::Counter c) { of(m).counts.lock_refused = c; }, nullptr},
    statistic<&Htable::patterns_evicted>("patterns_evicted",
                                         "Expressions that others pushed out of the cache."),
};

constexpr std::string_view events[] = {"htable:mod-init", "htable:expired"};

constexpr Need needed[] = {needs<&Htable::db>(true)};

constexpr Descriptor descriptor{.name = "htable",
                                .summary = "Hash tables in shared memory for scripts.",
                                .create = make_module<Htable>,
                                .params = params,
                                .functions = functions,
                                .variables = variables,
                                .statistics = statistics,
                                .event_routes = events,
                                .needs = needed,
                                .hooks = Hook::message_done,
                                .commands = commands};

}  // namespace

}  // namespace fairlead::htable

FAIRLEAD_MODULE(fairlead::htable::descriptor)
