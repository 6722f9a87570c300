// Accounting of transactions to the log.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/core.h"
#include "core/module.h"
#include "modules/acc/fields.h"
#include "modules/acc/rows.h"
#include "modules/db/api.h"
#include "modules/rr/api.h"
#include "modules/tm/api.h"

namespace fairlead::acc {

class Acc final : public Module, private tm::Watcher, private tm::Observer {
public:
    static constexpr int kLastFlag = 31;

    // Parameters. Flags are numbers of message flags, -1 for none.
    int log_flag = -1, log_missed_flag = -1, failed_transaction_flag = -1;
    int db_flag = -1, db_missed_flag = -1;
    std::string db_url, db_table_acc = "acc", db_table_missed_calls = "missed_calls";
    RowColumns columns;
    int acc_prepare_flag = -1;
    bool acc_prepare_always = false;
    int log_level = 1;
    int early_media = 0, report_ack = 0, report_cancels = 0, detect_direction = 0;
    int reason_from_hf = 0;
    int time_mode = 0;
    int clone_msg = 1;
    int acc_extra_size = 64;
    int cdr_enable = 0;
    std::string time_attr = "time_attr", time_exten = "time_exten",
                time_format = "%Y-%m-%d %H:%M:%S", log_facility;
    tm::Api* tm = nullptr;
    tm::ObserveApi* observe = nullptr;
    rr::Api* rr = nullptr;
    db::Api* db = nullptr;
    shm::Counter records, rows_lost;

    Result<void> set_log_extra(std::string_view text, ParamVariables& variables);
    Result<void> set_db_extra(std::string_view text, ParamVariables& variables);
    template <std::string RowColumns::* Name>
    Result<void> set_column(const Value& name) {
        columns.*Name = name.string();
        return {};
    }
    Result<void> set_extra_nullable(const Value& value) {
        columns.extra_nullable = value.integer() != 0;
        return {};
    }
    Result<void> set_legs(const Value& text);
    Result<void> set_failed_filter(const Value& text);
    /// For what says how to do what is not done here.
    Result<void> pass_over(const Value& value);

    Result<void> prepare(Core& core) override;
    void message_done(Message& m, const RouteResult& result) override;

    Verdict acc_log_request(Message& m, std::string_view comment);
    Verdict acc_db_request(Message& m, std::string_view comment, std::string_view table);
    Verdict acc_request(Message& m, std::string_view comment, std::string_view table);
    /// A table of the configuration, which is read before fork.
    void note_table(std::string_view name) const { tables_.emplace_back(name); }

private:
    std::uint32_t told(Message& request, const tm::Report& report) override;
    void noticed(const tm::Notice& notice) override;

    /// What a line says of the reply.
    struct Outcome {
        std::string_view to_tag, code, reason;
    };
    /// Where a record goes.
    struct Places {
        bool log = false;
        std::string_view table{};  ///< "" for none
    };
    [[nodiscard]] bool is_answered(const Message& m, const tm::Report& report,
                                   const sip::Message& reply) const;
    [[nodiscard]] bool is_accounted(const Message& m) const noexcept {
        return has(m, log_flag) || has(m, db_flag);
    }
    [[nodiscard]] Places missed_places(const Message& m) const noexcept;
    [[nodiscard]] Places places(const Message& m) const noexcept;
    [[nodiscard]] bool has(const Message& m, int flag) const noexcept {
        return flag >= 0 && (m.flags & std::uint32_t{1} << static_cast<unsigned>(flag)) != 0;
    }
    void account(Message& m, std::string_view what, const Outcome& outcome, Places places);
    void write_line(Message& m, std::string_view what, const Fixed& fixed, const Stamp& stamp);
    [[nodiscard]] Stamp stamp() const;
    void put_time(std::string& line, const Stamp& stamp) const;
    Verdict by_comment(Message& m, std::string_view comment, Places places);

    Core* core_ = nullptr;
    Fields extra_, db_extra_;
    Legs legs_;
    Rows rows_;
    mutable std::vector<std::string> tables_;  ///< that functions name
    std::vector<int> not_accounted_;           ///< failed_filter
    /// Whose 2xx the ACK that is worked on has acknowledged.
    std::optional<tm::TransactionId> acknowledged_;
};

}  // namespace fairlead::acc
