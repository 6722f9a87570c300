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
#include "modules/rr/api.h"
#include "modules/tm/api.h"

namespace fairlead::acc {

class Acc final : public Module, private tm::Watcher {
public:
    static constexpr int kLastFlag = 31;

    // Parameters. Flags are numbers of message flags, -1 for none.
    int log_flag = -1, log_missed_flag = -1, failed_transaction_flag = -1;
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
    rr::Api* rr = nullptr;
    shm::Counter records;

    Result<void> set_log_extra(std::string_view text, ParamVariables& variables);
    Result<void> set_legs(const Value& text);
    Result<void> set_failed_filter(const Value& text);
    /// For what belongs to a database.
    Result<void> refuse_database(const Value& value);

    /// For what says how to do what is not done here.
    Result<void> pass_over(const Value& value);

    Result<void> prepare(Core& core) override;

    Verdict acc_log_request(Message& m, std::string_view comment);
    Verdict acc_request(Message& m, std::string_view comment, std::string_view table);

private:
    std::uint32_t told(Message& request, const tm::Report& report) override;

    /// What a line says of the reply.
    struct Outcome {
        std::string_view to_tag, code, reason;
    };
    [[nodiscard]] bool is_answered(const Message& m, const tm::Report& report,
                                   const sip::Message& reply) const;
    [[nodiscard]] bool has(const Message& m, int flag) const noexcept {
        return flag >= 0 && (m.flags & std::uint32_t{1} << static_cast<unsigned>(flag)) != 0;
    }
    void account(Message& m, std::string_view what, const Outcome& outcome);
    void put_time(std::string& line) const;
    Verdict by_comment(Message& m, std::string_view comment);

    Core* core_ = nullptr;
    Fields extra_;
    Legs legs_;
    std::vector<int> not_accounted_;  ///< failed_filter
};

}  // namespace fairlead::acc
