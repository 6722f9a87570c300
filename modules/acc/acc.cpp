// Accounting of transactions to the log.
// SPDX-License-Identifier: Apache-2.0
#include "modules/acc/acc.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "core/api/log.h"
#include "core/api/sip.h"
#include "core/api/text.h"

namespace fairlead::acc {

namespace {

std::string_view tag_of(const sip::NameAddr* who) noexcept {
    return who != nullptr ? who->tag : std::string_view();
}

std::uint32_t bit(int flag) noexcept {
    return flag >= 0 ? std::uint32_t{1} << static_cast<unsigned>(flag) : 0;
}

}  // namespace

// ---- Parameters ---------------------------------------------------------------------------------

Result<void> Acc::set_log_extra(std::string_view text, ParamVariables& variables) {
    return extra_.read(text, variables);
}

Result<void> Acc::set_legs(const Value& text) {
    return legs_.read(text.string());
}

Result<void> Acc::set_failed_filter(const Value& text) {
    std::string_view rest = text.string();
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(','), rest.size());
        const auto code = text::parse_uint(text::trim(rest.substr(0, end)), 999);
        if (!code || *code < 300) return fail("not a list of codes from 300 to 999");
        not_accounted_.push_back(static_cast<int>(*code));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return {};
}

Result<void> Acc::refuse_database(const Value& value) {
    if (value.is_string() && value.string().empty()) return {};
    return fail("there is no accounting to a database: take the line out; the log has all records");
}

Result<void> Acc::pass_over(const Value&) {
    return {};
}

Result<void> Acc::prepare(Core& core) {
    core_ = &core;
    if (detect_direction != 0 && rr == nullptr) {
        return fail("parameter \"detect_direction\" of module acc needs module rr");
    }
    if (cdr_enable != 0) {
        return fail(
            "parameter \"cdr_enable\" of module acc needs module dialog, which there is "
            "not: records are made of transactions");
    }
    if (report_ack != 0) LOG(notice, "report_ack: an ACK is no transaction and is not accounted");
    if (!log_facility.empty()) LOG(notice, "log_facility: records go where the log goes");
    tm->watch(*this, bit(log_flag) | bit(log_missed_flag), early_media != 0);
    return {};
}

// ---- Transactions -------------------------------------------------------------------------------

bool Acc::is_answered(const Message& m, const tm::Report& report, const sip::Message& reply) const {
    if (!has(m, log_flag)) return false;
    if (m.sip.method() == sip::Method::cancel && report_cancels == 0) return false;
    if (report.code < 200) return early_media != 0 && !reply.body().empty();
    if (report.code < 300) return true;
    return has(m, failed_transaction_flag) &&
           std::ranges::find(not_accounted_, report.code) == not_accounted_.end();
}

std::uint32_t Acc::told(Message& request, const tm::Report& report) {
    // A copy, in which the Route that loose_route() took away is looked for again.
    request.edits.clear();
    sip::Message reply;
    const bool readable = !report.reply.empty() && !reply.parse(report.reply);
    const auto code = fmt::format_int(report.code);
    Outcome outcome{.to_tag = tag_of(readable ? reply.to() : request.sip.to()),
                    .code = {code.data(), code.size()},
                    .reason = sip::default_reason(report.code)};
    if (readable && !report.local) outcome.reason = reply.reason();
    if (readable && reason_from_hf != 0 && reply.count(sip::HeaderType::reason) != 0) {
        outcome.reason = reply.text(sip::HeaderType::reason);
    }
    const bool failed = report.what == tm::Report::What::failed;
    const bool missed = report.code >= 300 && (failed || report.by_script) &&
                        request.sip.method() == sip::Method::invite &&
                        has(request, log_missed_flag);
    if (missed) account(request, "call missed", outcome);
    if (!failed && is_answered(request, report, reply)) {
        account(request, "transaction answered", outcome);
    }
    return missed ? bit(log_missed_flag) : 0;
}

// ---- Lines --------------------------------------------------------------------------------------

void Acc::put_time(std::string& line) const {
    constexpr std::int64_t kMicro = 1'000'000, kMilli = 1'000;
    const std::int64_t exact = core_->clock().unix_microseconds();
    const std::time_t now = exact / kMicro;
    line += fmt::format("timestamp={}", now);
    if (time_mode == 1) line += fmt::format(";{}={}", time_exten, exact % kMicro);
    if (time_mode == 2) {
        line += fmt::format(";{}={}.{:03}", time_attr, now, exact % kMicro / kMilli);
    }
    if (time_mode < 3) return;
    std::tm parts{};
    const bool utc = time_mode == 4;
    if ((utc ? ::gmtime_r(&now, &parts) : ::localtime_r(&now, &parts)) == nullptr) return;
    std::array<char, 128> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), time_format.c_str(), &parts);
    line += fmt::format(";{}={}", time_attr, std::string_view(text.data(), size));
}

void Acc::account(Message& m, std::string_view what, const Outcome& outcome) {
    const auto level = static_cast<log::Level>(log_level);
    records.add();
    if (!log::enabled(level)) return;
    std::string_view from = tag_of(m.sip.from()), to = outcome.to_tag;
    if (detect_direction != 0 && rr != nullptr && !tag_of(m.sip.to()).empty() && rr->is_upstream(m))
        std::swap(from, to);
    std::string line = fmt::format("ACC: {}: ", what);
    put_time(line);
    const std::pair<std::string_view, std::string_view> fixed[] = {
        {"method", m.sip.method_text()}, {"from_tag", from},     {"to_tag", to},
        {"call_id", m.sip.call_id()},    {"code", outcome.code}, {"reason", outcome.reason}};
    for (const auto& [name, value] : fixed) {
        line += ';';
        line += name;
        line += '=';
        append_value(line, value);
    }
    extra_.write(m, line);
    legs_.write(m, line);
    log::write(level, FAIRLEAD_LOG_TAG, "", line);
}

// ---- Functions ----------------------------------------------------------------------------------

Verdict Acc::by_comment(Message& m, std::string_view comment) {
    if (!m.is_request()) {
        LOG(error, "acc_log_request: there is no request");
        return Verdict::no;
    }
    Outcome outcome{.to_tag = tag_of(m.sip.to()), .code = {}, .reason = comment};
    // "404 Not found" begins with its code.
    if (comment.size() >= 3 && std::all_of(comment.begin(), comment.begin() + 3, text::is_digit) &&
        (comment.size() == 3 || comment[3] == ' ')) {
        outcome.code = comment.substr(0, 3);
        outcome.reason = text::trim(comment.substr(3));
    }
    account(m, "request accounted", outcome);
    return Verdict::yes;
}

Verdict Acc::acc_log_request(Message& m, std::string_view comment) {
    return by_comment(m, comment);
}

Verdict Acc::acc_request(Message& m, std::string_view comment, std::string_view table) {
    (void)table;  // of a database
    return by_comment(m, comment);
}

}  // namespace fairlead::acc
