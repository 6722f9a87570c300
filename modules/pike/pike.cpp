// pike: addresses that send more than they may are found; the script decides what becomes of them.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/api/log.h"
#include "core/api/text.h"
#include "core/module.h"
#include "modules/pike/visitors.h"

namespace fairlead::pike {
namespace {

/// The rows of pike.top, some at a time.
class Top final : public AnswerSource {
public:
    Top(std::vector<Visitors::Entry> entries, int limit)
        : entries_(std::move(entries)), limit_(limit) {}

    bool more(Answer& a) override {
        if (next_ == 0) {
            a.begin_struct();
            a.integer("max_hits", limit_);
            a.begin_array("list");
        }
        const std::size_t end = std::min(next_ + kPiece, entries_.size());
        while (next_ < end) write(a, entries_[next_++]);
        if (next_ < entries_.size()) return true;
        a.end_array();
        a.integer("number_of_rows", static_cast<std::int64_t>(entries_.size()));
        a.end_struct();
        return false;
    }
    static std::string_view status(const Visitors::Entry& entry, int limit) noexcept {
        if (entry.is_blocked) return "HOT";
        const auto most = std::max(entry.hits, entry.before);
        return 2 * std::int64_t{most} > limit ? "WARM" : "";
    }

private:
    static constexpr std::size_t kPiece = 50;  ///< rows of some 150 bytes

    void write(Answer& a, const Visitors::Entry& entry) const {
        a.begin_struct();
        a.text("ip_addr", entry.ip.ip_text());
        a.integer("leaf_hits_prev", entry.before);
        a.integer("leaf_hits_curr", entry.hits);
        a.integer("expires", entry.left.count() / 1000);
        a.text("status", status(entry, limit_));
        a.end_struct();
    }

    std::vector<Visitors::Entry> entries_;
    int limit_;
    std::size_t next_ = 0;
};

class Pike final : public Module {
public:
    int sampling_time_unit = 2, reqs_density_per_unit = 30, remove_latency = 120;
    int pike_log_level = static_cast<int>(log::Level::warning);
    shm::Counter blocked_addresses, blocked_requests, displaced_addresses;

    Result<void> prepare(Core& core) override {
        core_ = &core;
        const Visitors::Limits limits{
            .period = Ms(std::int64_t{1000} * sampling_time_unit),
            .hits = static_cast<std::uint32_t>(reqs_density_per_unit),
            .latency = Ms(std::int64_t{1000} * std::max(remove_latency, 2 * sampling_time_unit))};
        if (!visitors_.init(core, limits)) return fail("no shared memory for addresses");
        return {};
    }

    Verdict pike_check_req(Message& m) { return check(m.received.source); }
    Verdict pike_check_ip(Message&, std::string_view text) {
        const auto address = Address::parse(text);
        if (address) return check(*address);
        LOG(error, "pike_check_ip(): \"{}\" is no IP address", text);
        return Verdict::yes;
    }

    Result<void> top(Call& call) {
        const std::string_view filter = call.has(0) ? call.text(0) : std::string_view("HOT");
        const bool all = text::ci_equal(filter, "ALL");
        if (!all && !text::ci_equal(filter, "HOT") && !text::ci_equal(filter, "WARM"))
            return fail("Bad argument. Select: ALL, HOT or WARM");
        auto entries = visitors_.list(core_->clock().now());
        std::erase_if(entries, [&](const Visitors::Entry& entry) {
            return !all && !text::ci_equal(Top::status(entry, reqs_density_per_unit), filter);
        });
        std::ranges::sort(entries, std::greater<>(), [](const Visitors::Entry& entry) {
            return std::pair(std::uint64_t{entry.hits} + entry.before, entry.hits);
        });
        call.stream(std::make_unique<Top>(std::move(entries), reqs_density_per_unit));
        return {};
    }

private:
    Verdict check(const Address& source) {
        bool displaced = false;
        const auto seen = visitors_.count(source, core_->clock().now(), displaced);
        if (displaced) displaced_addresses.add();
        switch (seen) {
            case Visitors::Seen::allowed: return Verdict::yes;
            case Visitors::Seen::unblocked: say("no longer blocked", source); return Verdict::yes;
            case Visitors::Seen::newly_blocked:
                say("blocked", source);
                blocked_addresses.add();
                blocked_requests.add();
                return Verdict(-2);
            case Visitors::Seen::blocked: blocked_requests.add(); return Verdict::no;
        }
        return Verdict::yes;
    }
    void say(std::string_view what, const Address& source) const {
        const auto level = static_cast<log::Level>(pike_log_level);
        if (!log::enabled(level)) return;
        log::write(level, FAIRLEAD_LOG_TAG, "", source.ip_text() + " is " + std::string(what));
    }

    Core* core_ = nullptr;
    Visitors visitors_;
};

constexpr Param params[] = {
    param<&Pike::sampling_time_unit>("sampling_time_unit",
                                     "Seconds of a period in which requests are counted.",
                                     {.min = 1, .max = 86400}),
    param<&Pike::reqs_density_per_unit>(
        "reqs_density_per_unit",
        "Requests that an address may send in a period; with the next one it is blocked, until a "
        "period had no more than these.",
        {.min = 1, .max = 1'000'000}),
    param<&Pike::remove_latency>(
        "remove_latency",
        "Seconds for which an address without requests is remembered; two periods at least.",
        {.min = 1, .max = 86400}),
    param<&Pike::pike_log_level>("pike_log_level",
                                 "Level of the lines that say which address was blocked, and which "
                                 "no longer is.",
                                 {.min = -5, .max = 3}),
};

constexpr Function functions[] = {
    function<&Pike::pike_check_req>(
        "pike_check_req",
        "Counts a request of the address that the message came from. 1: it is allowed; -2: with "
        "this one it is blocked; -1: it was blocked before.",
        Route::any),
    function<&Pike::pike_check_ip>(
        "pike_check_ip",
        "The same for the address that is given; 1 as well when it is none, with an error in the "
        "log.",
        Route::any, "ip"),
};

constexpr CommandArg top_args[] = {
    {.name = "filter",
     .doc = "HOT (blocked), WARM (more than half of what is allowed) or ALL.",
     .optional = true}};
constexpr Command commands[] = {
    command<&Pike::top>("pike.top",
                        "Addresses that send most: those that are blocked, or as the filter says.",
                        Right::read, top_args),
    command<&Pike::top>("pike.list", "As pike.top.", Right::read, top_args),
};

constexpr Statistic statistics[] = {
    statistic<&Pike::blocked_addresses>("blocked_addresses", "Times that an address was blocked."),
    statistic<&Pike::blocked_requests>("blocked_requests", "Requests of addresses that were."),
    statistic<&Pike::displaced_addresses>(
        "displaced_addresses",
        "Addresses that were forgotten too early: 8,192 are remembered, eight of one hash."),
};

constexpr Descriptor descriptor{.name = "pike",
                                .summary = "Finds addresses that send too many requests.",
                                .create = make_module<Pike>,
                                .params = params,
                                .functions = functions,
                                .statistics = statistics,
                                .commands = commands};

}  // namespace
}  // namespace fairlead::pike

FAIRLEAD_MODULE(fairlead::pike::descriptor)
