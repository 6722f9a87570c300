// Accounting: what the module shows to the server.
// SPDX-License-Identifier: Apache-2.0
#include "modules/acc/acc.h"

namespace fairlead::acc {

namespace {

constexpr Range kFlag{.min = -1, .max = Acc::kLastFlag};

template <std::string RowColumns::* Name>
constexpr Param column(std::string_view name, std::string_view what) {
    return param_method<&Acc::set_column<Name>>(name, what, Type::string);
}
/// A constant table of a function exists from the start.
Result<void> note_table(const Module& m, std::span<const Value> arguments) {
    if (arguments.size() > 1 && arguments[1].is_string() && !arguments[1].string().empty())
        static_cast<const Acc&>(m).note_table(arguments[1].string());
    return {};
}
/// What only says how to do what is off, so that the line may stay.
constexpr Param of_dialogs(std::string_view name, Type type) {
    return param_method<&Acc::pass_over>(name, "Accepted; see cdr_enable.", type);
}

constexpr Param params[] = {
    param<&Acc::log_flag>("log_flag", "Message flag of transactions to account.", kFlag),
    param<&Acc::log_missed_flag>(
        "log_missed_flag",
        "Message flag of INVITEs whose failures are accounted as missed calls; a transaction loses "
        "it with each record.",
        kFlag),
    param<&Acc::failed_transaction_flag>(
        "failed_transaction_flag", "Message flag of transactions to account also when they fail.",
        kFlag),
    param_method<&Acc::set_failed_filter>(
        "failed_filter", "Codes of failures that are not accounted: \"404,407\".", Type::string),
    param<&Acc::log_level>("log_level", "Level of the records in the log.", {.min = -5, .max = 3}),
    param<&Acc::log_facility>("log_facility", "Accepted; records go where the log goes."),
    param_variables<&Acc::set_log_extra>("log_extra",
                                         "More attributes: \"name=$variable;name=$variable\"."),
    param_method<&Acc::set_legs>("multi_leg_info",
                                 "AVPs with one value for each leg of the call: "
                                 "\"name=$avp(a);name=$avp(b)\".",
                                 Type::string),
    param<&Acc::early_media>("early_media", "Account provisional replies with a body too."),
    param<&Acc::report_cancels>("report_cancels", "Account CANCELs that have log_flag too."),
    param<&Acc::report_ack>(
        "report_ack",
        "Account ACKs of 2xx that have log_flag or db_flag too, as their INVITE had; they come "
        "this way only with Record-Route."),
    param<&Acc::detect_direction>(
        "detect_direction",
        "Swap the tags in records of requests from the callee (needs module rr)."),
    param<&Acc::reason_from_hf>("reason_from_hf",
                                "Take the reason from the reply's Reason header if it has one."),
    param<&Acc::time_mode>(
        "time_mode",
        "0: only the timestamp; 1: also its microseconds as time_exten; 2: also seconds and "
        "milliseconds as time_attr; 3: local time as time_attr; 4: UTC.",
        {.min = 0, .max = 4}),
    param<&Acc::time_attr>("time_attr", "Name of the attribute for time_mode."),
    param<&Acc::time_exten>("time_exten", "Name of the attribute for time_mode 1."),
    param<&Acc::time_format>("time_format", "Form of the time, as of strftime()."),
    param<&Acc::acc_prepare_flag>(
        "acc_prepare_flag", "Accepted; flags may always be set in any route of the transaction.",
        kFlag),
    param<&Acc::acc_prepare_always>("acc_prepare_always", "Accepted, as acc_prepare_flag."),
    param<&Acc::clone_msg>("clone_msg", "Accepted; records are always made from a copy."),
    param<&Acc::acc_extra_size>("acc_extra_size", "Accepted; there may be 64 extra attributes.",
                                {.min = 1, .max = 64}),
    param<&Acc::cdr_enable>("cdr_enable",
                            "Only 0: call data records are made of dialogs, and there is no module "
                            "dialog.",
                            {.min = 0, .max = 1}),
    of_dialogs("cdr_log_enable", Type::integer),
    of_dialogs("cdr_start_on_confirmed", Type::integer),
    of_dialogs("cdr_expired_dlg_enable", Type::integer),
    of_dialogs("cdr_on_failed", Type::integer),
    of_dialogs("cdr_facility", Type::string),
    of_dialogs("cdr_extra", Type::string),
    of_dialogs("cdr_extra_nullable", Type::integer),
    of_dialogs("cdr_extra_size", Type::integer),
    of_dialogs("cdr_skip", Type::string),
    of_dialogs("cdr_start_id", Type::string),
    of_dialogs("cdr_end_id", Type::string),
    of_dialogs("cdr_duration_id", Type::string),
    of_dialogs("cdrs_table", Type::string),
    param<&Acc::db_url>("db_url",
                        "Database for records of db_flag, db_missed_flag and acc_db_request(); "
                        "needs a database module. \"\": none."),
    param<&Acc::db_flag>("db_flag", "Message flag of transactions to account in the database.",
                         kFlag),
    param<&Acc::db_missed_flag>(
        "db_missed_flag",
        "Message flag of INVITEs whose failures are accounted in the database; lost with each.",
        kFlag),
    param_variables<&Acc::set_db_extra>("db_extra",
                                        "More columns: \"column=$variable;column=$variable\"."),
    param<&Acc::db_table_acc>("db_table_acc", "Table of db_flag. Variables are not filled in."),
    param<&Acc::db_table_missed_calls>("db_table_missed_calls", "Table of db_missed_flag."),
    param_method<&Acc::pass_over>(
        "db_insert_mode", "Accepted; nobody waits for the database in any case.", Type::integer),
    column<&RowColumns::time>("acc_time_column", "Column of the time, in Julian days."),
    column<&RowColumns::method>("acc_method_column", "Column of the method."),
    column<&RowColumns::from_tag>("acc_from_tag_column", "Column of the From tag."),
    column<&RowColumns::to_tag>("acc_to_tag_column", "Column of the To tag."),
    column<&RowColumns::call_id>("acc_callid_column", "Column of the Call-ID."),
    column<&RowColumns::code>("acc_sip_code_column", "Column of the status code."),
    column<&RowColumns::reason>("acc_sip_reason_column", "Column of the reason phrase."),
    param_method<&Acc::set_extra_nullable>(
        "acc_extra_nullable", "Store nulls of db_extra as NULL and not as \"\".", Type::integer),
};

constexpr Function functions[] = {
    function<&Acc::acc_log_request>(
        "acc_log_request",
        "Accounts this request; a comment that begins with a code, as \"404 Gone\", gives code and "
        "reason.",
        Route::any, "comment"),
    checked_function<&Acc::acc_db_request>(
        note_table, "acc_db_request",
        "The same in a table of the database, which must be written as such in the configuration.",
        Route::any, "comment", "table"),
    checked_function<&Acc::acc_request>(note_table, "acc_request",
                                        "Both; without db_url only to the log.", Route::any,
                                        "comment", "table"),
};

constexpr Statistic statistics[] = {
    statistic<&Acc::records>("records", "Records made, also when the log's level hides them."),
    statistic<&Acc::rows_lost>("rows_lost", "Records that the database did not take.")};

constexpr Need needed[] = {needs<&Acc::tm>(), needs<&Acc::observe>(), needs<&Acc::rr>(true),
                           needs<&Acc::db>(true)};

constexpr Descriptor descriptor{
    .name = "acc",
    .summary = "Accounting of transactions to the log and to a database.",
    .create = make_module<Acc>,
    .params = params,
    .functions = functions,
    .statistics = statistics,
    .needs = needed,
    .hooks = Hook::message_done};

}  // namespace

}  // namespace fairlead::acc

FAIRLEAD_MODULE(fairlead::acc::descriptor)
