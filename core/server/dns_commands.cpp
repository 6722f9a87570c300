// Commands about DNS and its cache, with Kamailio's names and shapes.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "core/server/core_base.h"
#include "core/server/dns_service.h"
#include "core/server/engine.h"
#include "core/server/facts.h"

namespace fairlead::server::commands {
namespace {

using dns::Cache, dns::Question, dns::Record, dns::Status, dns::Type;

constexpr int kBadRequest = 400;
constexpr std::int64_t kNegative = 1, kPermanent = 2;  // flags of entries made by hand

const Clock& clock_of(Module& m) {
    return static_cast<CoreBase&>(m).engine().clock();
}

Result<DnsService*> service_of(Module& m) {
    DnsService* const service = static_cast<CoreBase&>(m).engine().facts().dns;
    if (service == nullptr || service->cache() == nullptr)
        return fail("dns cache support disabled", {}, kBadRequest);
    return service;
}

std::unexpected<Error> not_found() {
    return fail("Not found", {}, kBadRequest);
}

std::int64_t seconds(Ms time) noexcept {
    return std::max<std::int64_t>(time.count(), 0) / 1000;
}

std::string_view yes_or_no(bool yes) noexcept {
    return yes ? "yes" : "no";
}

std::int64_t expires_in(const Cache::Row& row, Ms now) noexcept {
    return row.permanent ? 0 : seconds(row.expires - now);
}

std::int64_t flags_of(const Cache::Row& row) noexcept {
    return (row.answer.status == Status::found ? 0 : kNegative) | (row.permanent ? kPermanent : 0);
}

void tell_record(Answer& a, Type type, const Record& r) {
    switch (type) {
        case Type::a:
        case Type::aaaa: a.text("rr_ip", r.address.ip_text()); break;
        case Type::srv:
            a.text("rr_name", r.name);
            a.integer("rr_port", r.port);
            a.integer("rr_priority", r.priority);
            a.integer("rr_weight", r.weight);
            break;
        case Type::naptr:
            a.integer("rr_order", r.priority);
            a.integer("rr_preference", r.weight);
            a.text("rr_flags", r.flags);
            a.text("rr_service", r.service);
            a.text("rr_regexp", r.regexp);
            a.text("rr_replacement", r.name);
            break;
        default: a.text("rr_name", r.name); break;
    }
}

void tell_row(Answer& a, const Cache::Row& row, Ms now) {
    const std::int64_t expires = expires_in(row, now);
    a.begin_struct();
    a.text("name", row.question.name);
    a.text("type", dns::name(row.question.type));
    a.integer("size_bytes", static_cast<std::int64_t>(row.bytes));
    a.integer("reference_counter", 1);
    a.text("permanent", yes_or_no(row.permanent));
    a.integer("expires", expires);
    a.integer("last_used", seconds(now - row.last_used));
    a.text("negative_entry", yes_or_no(row.answer.status != Status::found));
    if (!row.answer.records.empty()) {
        a.begin_array("records");
        std::int64_t index = 0;
        for (const Record& r : row.answer.records) {
            a.begin_struct();
            a.integer("rr_idx", index++);
            tell_record(a, row.question.type, r);
            a.text("rr_permanent", yes_or_no(row.permanent));
            a.integer("rr_expires", expires);
            a.end_struct();
        }
        a.end_array();
    }
    a.end_struct();
}

/// What every line of dns.debug and dns.debug_all has in common.
void tell_numbers(Answer& a, const Cache::Row& row, Ms now) {
    a.integer(static_cast<std::int64_t>(row.bytes));
    a.integer(1);
    a.integer(expires_in(row, now));
    a.integer(seconds(now - row.last_used));
    a.integer(flags_of(row));
}

std::int64_t number(Type type) noexcept {
    return static_cast<std::int64_t>(type);
}

/// As integers of a command come: 64 bits.
Result<std::uint16_t> small_number(Call& call, std::size_t i) {
    const std::int64_t n = call.integer(i);
    if (n < 0 || n > UINT16_MAX) return fail("a number of 0…65535 is wanted", {}, kBadRequest);
    return static_cast<std::uint16_t>(n);
}

std::unexpected<Error> not_added() {
    return fail("Failed to add the entry to the cache", {}, kBadRequest);
}

/// `record`, for the name, time and flags among the arguments.
Result<void> add(Module& m, Call& call, Type type, const Record& record, std::size_t flags_at) {
    Cache& cache = *TRY(service_of(m))->cache();
    const Ms now = clock_of(m).now();
    const Question question{std::string(call.text(0)), type};
    const std::int64_t ttl = call.integer(1), flags = call.integer(flags_at);
    if (!dns::is_name(question.name) || ttl < 0 || ttl > UINT32_MAX) return not_added();
    const auto time = static_cast<std::uint32_t>(ttl);
    const bool permanent = (flags & kPermanent) != 0;
    const bool added =
        (flags & kNegative) != 0
            ? cache.put(question, {.status = Status::no_name, .ttl = time}, now, permanent)
            : cache.add(question, record, time, now, permanent);
    if (!added) return not_added();
    return {};
}

Result<void> add_address(Module& m, Call& call, Type type) {
    constexpr std::size_t kFlagsAt = 3;
    const auto address = Address::parse(call.text(2));
    if (!address || (address->version == 4) != (type == Type::a)) return not_added();
    Record record;
    record.address = *address;
    return add(m, call, type, record, kFlagsAt);
}

}  // namespace

Result<void> dns_add_a(Module& m, Call& call) {
    return add_address(m, call, Type::a);
}

Result<void> dns_add_aaaa(Module& m, Call& call) {
    return add_address(m, call, Type::aaaa);
}

Result<void> dns_add_srv(Module& m, Call& call) {
    constexpr std::size_t kPriorityAt = 2, kWeightAt = 3, kPortAt = 4, kTargetAt = 5, kFlagsAt = 6;
    Record record;
    record.priority = TRY(small_number(call, kPriorityAt));
    record.weight = TRY(small_number(call, kWeightAt));
    record.port = TRY(small_number(call, kPortAt));
    if (!dns::is_name(call.text(kTargetAt))) return not_added();
    record.name = dns::canonical(call.text(kTargetAt));
    return add(m, call, Type::srv, record, kFlagsAt);
}

namespace {

Result<void> erase(Module& m, Call& call, Type type) {
    Cache& cache = *TRY(service_of(m))->cache();
    if (!cache.erase({std::string(call.text(0)), type})) return not_found();
    return {};
}

Result<void> erase_all(Module& m, Call& call, bool permanent_too) {
    TRY(service_of(m))->cache()->erase_all(permanent_too);
    call.answer().begin_struct();
    call.answer().text("status", "ok");
    call.answer().end_struct();
    return {};
}

}  // namespace

Result<void> dns_delete_a(Module& m, Call& call) {
    return erase(m, call, Type::a);
}

Result<void> dns_delete_aaaa(Module& m, Call& call) {
    return erase(m, call, Type::aaaa);
}

Result<void> dns_delete_cname(Module& m, Call& call) {
    return erase(m, call, Type::cname);
}

Result<void> dns_delete_naptr(Module& m, Call& call) {
    return erase(m, call, Type::naptr);
}

Result<void> dns_delete_ptr(Module& m, Call& call) {
    return erase(m, call, Type::ptr);
}

Result<void> dns_delete_srv(Module& m, Call& call) {
    return erase(m, call, Type::srv);
}

Result<void> dns_delete_txt(Module& m, Call& call) {
    return erase(m, call, Type::txt);
}

Result<void> dns_delete_all(Module& m, Call& call) {
    return erase_all(m, call, false);
}

Result<void> dns_delete_all_force(Module& m, Call& call) {
    return erase_all(m, call, true);
}

Result<void> dns_lookup(Module& m, Call& call) {
    DnsService& service = *TRY(service_of(m));
    const Question question{std::string(call.text(1)), dns::parse_type(call.text(0))};
    if (question.type == Type::none) return fail("Invalid type", {}, kBadRequest);
    if (!dns::is_name(question.name)) return not_found();
    const std::shared_ptr<LateAnswer> late = call.later();
    const Clock& clock = clock_of(m);
    service.ask(question, [late, question, &service, &clock](const dns::Answer& answer) {
        if (answer.status != Status::found) return late->fail(not_found().error());
        // Without a cache there is only the answer.
        Cache::Row row{.question = question, .answer = answer};
        row.last_used = clock.now();
        row.expires = clock.now() + Ms(answer.ttl * 1000LL);
        tell_row(late->answer(), service.cache()->row(question).value_or(row), clock.now());
    });
    return {};
}

Result<void> dns_mem_info(Module& m, Call& call) {
    const auto use = TRY(service_of(m))->cache()->use();
    call.answer().integer(static_cast<std::int64_t>(use.bytes));
    call.answer().integer(static_cast<std::int64_t>(use.most_bytes));
    return {};
}

Result<void> dns_view(Module& m, Call& call) {
    const Ms now = clock_of(m).now();
    for (const auto& row : TRY(service_of(m))->cache()->rows()) tell_row(call.answer(), row, now);
    return {};
}

Result<void> dns_debug(Module& m, Call& call) {
    const Ms now = clock_of(m).now();
    Answer& a = call.answer();
    for (const auto& row : TRY(service_of(m))->cache()->rows()) {
        a.text(row.question.name);
        a.integer(number(row.question.type));
        tell_numbers(a, row, now);
    }
    return {};
}

Result<void> dns_debug_all(Module& m, Call& call) {
    const Ms now = clock_of(m).now();
    Answer& a = call.answer();
    for (const auto& row : TRY(service_of(m))->cache()->rows()) {
        std::int64_t index = 0;
        for (const Record& r : row.answer.records) {
            a.text(row.question.name);
            a.integer(number(row.question.type));
            a.integer(index++);
            tell_numbers(a, row, now);
            const bool is_ip = r.address.is_set();
            a.text(is_ip ? "ip" : row.question.type == Type::srv ? "srv" : "name");
            a.text(is_ip ? r.address.ip_text() : r.name);
            a.integer(expires_in(row, now));
        }
    }
    return {};
}

}  // namespace fairlead::server::commands
