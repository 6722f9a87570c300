// Accounting of transactions to the log.
// SPDX-License-Identifier: Apache-2.0
#include "modules/acc/acc.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

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

Result<void> Acc::set_db_extra(std::string_view text, ParamVariables& variables) {
    return db_extra_.read(text, variables);
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
    if (report_ack != 0) {
        (void)observe->observe(*this, {tm::Moment::e2e_ack_in}, bit(log_flag) | bit(db_flag));
    }
    if (!log_facility.empty()) LOG(notice, "log_facility: records go where the log goes");
    tm->watch(*this, bit(log_flag) | bit(log_missed_flag) | bit(db_flag) | bit(db_missed_flag),
              early_media != 0);
    if (db_url.empty()) {
        if (db_flag >= 0 || db_missed_flag >= 0)
            LOG(notice, "db_flag and db_missed_flag do nothing without db_url");
        db_flag = db_missed_flag = -1;
        return {};
    }
    if (db == nullptr)
        return fail(
            "parameter \"db_url\" of module acc needs a database module: loadmodule \"db_sqlite\"");
    columns.time_mode = time_mode;
    columns.time_attr = time_attr;
    columns.time_exten = time_exten;
    std::vector<std::string> tables{db_table_acc, db_table_missed_calls};
    tables.insert(tables.end(), tables_.begin(), tables_.end());
    return rows_.prepare(*db, db_url, columns, tables, db_extra_, legs_);
}

// ---- Transactions -------------------------------------------------------------------------------

bool Acc::is_answered(const Message& m, const tm::Report& report, const sip::Message& reply) const {
    if (!is_accounted(m)) return false;
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
    const Places where = missed_places(request);
    const bool missed = report.code >= 300 && (failed || report.by_script) &&
                        request.sip.method() == sip::Method::invite &&
                        (where.log || !where.table.empty());
    if (missed) account(request, "call missed", outcome, where);
    if (!failed && is_answered(request, report, reply)) {
        account(request, "transaction answered", outcome, places(request));
    }
    return missed ? bit(log_missed_flag) | bit(db_missed_flag) : 0;
}

Acc::Places Acc::places(const Message& m) const noexcept {
    return {has(m, log_flag), has(m, db_flag) ? std::string_view(db_table_acc) : ""};
}
Acc::Places Acc::missed_places(const Message& m) const noexcept {
    return {has(m, log_missed_flag),
            has(m, db_missed_flag) ? std::string_view(db_table_missed_calls) : ""};
}

void Acc::noticed(const tm::Notice& notice) {
    acknowledged_ = notice.id;
}

/// An ACK of a 2xx is no transaction: what its own script set decides whether it is accounted, and
/// what is said of it has the variables of the INVITE.
void Acc::message_done(Message& m, const RouteResult& result) {
    (void)result;
    const auto id = std::exchange(acknowledged_, std::nullopt);
    if (!id || !m.is_request() || m.sip.method() != sip::Method::ack || !is_accounted(m)) return;
    const BorrowedMessage borrowed(*core_);
    Message& ack = *borrowed;
    if (ack.sip.parse(m.sip.bytes())) return;
    ack.flags = m.flags;
    ack.target.uri = ack.arena.copy(m.uri());
    const int status = observe->variables_of(*id, ack);
    const auto code = fmt::format_int(status);
    account(ack, "request acknowledged",
            {.to_tag = tag_of(ack.sip.to()),
             .code = status != 0 ? std::string_view(code.data(), code.size()) : "",
             .reason = status != 0 ? sip::default_reason(status) : ""},
            places(ack));
}

// ---- Lines --------------------------------------------------------------------------------------

Stamp Acc::stamp() const {
    constexpr std::int64_t kMicro = 1'000'000;
    Stamp out{.microseconds = core_->clock().unix_microseconds(), .text = {}};
    if (time_mode < 3) return out;
    const std::time_t now = out.microseconds / kMicro;
    std::tm parts{};
    const bool utc = time_mode == 4;
    if ((utc ? ::gmtime_r(&now, &parts) : ::localtime_r(&now, &parts)) == nullptr) return out;
    std::array<char, 128> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), time_format.c_str(), &parts);
    out.text.assign(text.data(), size);
    return out;
}

void Acc::put_time(std::string& line, const Stamp& stamp) const {
    constexpr std::int64_t kMicro = 1'000'000, kMilli = 1'000;
    const std::int64_t exact = stamp.microseconds, now = exact / kMicro;
    line += fmt::format("timestamp={}", now);
    if (time_mode == 1) line += fmt::format(";{}={}", time_exten, exact % kMicro);
    if (time_mode == 2) {
        line += fmt::format(";{}={}.{:03}", time_attr, now, exact % kMicro / kMilli);
    }
    if (time_mode >= 3) line += fmt::format(";{}={}", time_attr, stamp.text);
}

void Acc::account(Message& m, std::string_view what, const Outcome& outcome, Places places) {
    records.add();
    std::string_view from = tag_of(m.sip.from()), to = outcome.to_tag;
    if (detect_direction != 0 && rr != nullptr && !tag_of(m.sip.to()).empty() && rr->is_upstream(m))
        std::swap(from, to);
    const Fixed fixed{m.sip.method_text(), from, to, m.sip.call_id(), outcome.code, outcome.reason};
    const Stamp now = stamp();
    if (places.log && log::enabled(static_cast<log::Level>(log_level)))
        write_line(m, what, fixed, now);
    if (!places.table.empty() && !rows_.write(m, places.table, fixed, now)) rows_lost.add();
}

void Acc::write_line(Message& m, std::string_view what, const Fixed& fixed, const Stamp& stamp) {
    std::string line = fmt::format("ACC: {}: ", what);
    put_time(line, stamp);
    const std::pair<std::string_view, std::string_view> parts[] = {
        {"method", fixed.method},   {"from_tag", fixed.from_tag}, {"to_tag", fixed.to_tag},
        {"call_id", fixed.call_id}, {"code", fixed.code},         {"reason", fixed.reason}};
    for (const auto& [name, value] : parts) {
        line += ';';
        line += name;
        line += '=';
        append_value(line, value);
    }
    extra_.write(m, line);
    legs_.write(m, line);
    log::write(static_cast<log::Level>(log_level), FAIRLEAD_LOG_TAG, "", line);
}

// ---- Functions ----------------------------------------------------------------------------------

Verdict Acc::by_comment(Message& m, std::string_view comment, Places places) {
    if (!m.is_request()) {
        LOG(error, "there is no request to account");
        return Verdict::no;
    }
    Outcome outcome{.to_tag = tag_of(m.sip.to()), .code = {}, .reason = comment};
    // "404 Not found" begins with its code.
    if (comment.size() >= 3 && std::all_of(comment.begin(), comment.begin() + 3, text::is_digit) &&
        (comment.size() == 3 || comment[3] == ' ')) {
        outcome.code = comment.substr(0, 3);
        outcome.reason = text::trim(comment.substr(3));
    }
    account(m, "request accounted", outcome, places);
    return Verdict::yes;
}

Verdict Acc::acc_log_request(Message& m, std::string_view comment) {
    return by_comment(m, comment, {.log = true});
}

Verdict Acc::acc_db_request(Message& m, std::string_view comment, std::string_view table) {
    if (db_url.empty()) {
        LOG(error, "acc_db_request: there is no db_url");
        return Verdict::no;
    }
    return by_comment(m, comment, {.log = false, .table = table});
}

Verdict Acc::acc_request(Message& m, std::string_view comment, std::string_view table) {
    return by_comment(m, comment, {.log = true, .table = db_url.empty() ? "" : table});
}

}  // namespace fairlead::acc
