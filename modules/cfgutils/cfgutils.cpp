// cfgutils: chance, global flags, locks, and routes by name.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "core/api/log.h"
#include "core/api/shm.h"
#include "core/module.h"

namespace fairlead::cfgutils {

namespace {

constexpr int kMostLockBits = 12;
constexpr int kFlags = 32;

/// What all processes share. Each word changes by one atomic step, so a process that dies leaves
/// nothing half done but locks, which the one in its place frees.
struct Shared {
    using ShmSafe = void;
    std::atomic<std::int32_t> probability{0};
    std::atomic<std::uint32_t> flags{0};
    std::array<std::atomic<std::uint32_t>, std::size_t{1} << kMostLockBits> locks{};  ///< slot + 1
};

std::uint64_t hash(std::string_view a, std::string_view b = {}) noexcept {
    std::uint64_t h = 0xcbf29ce484222325;  // FNV-1a
    for (const std::string_view text : {a, b}) {
        for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
        h = (h ^ 0xff) * 0x100000001b3;  // "ab","c" is not "a","bc"
    }
    return h ^ h >> 32;
}

}  // namespace

class Cfgutils final : public Module {
public:
    int initial_probability = 10;
    std::uint32_t gflags = 0;
    int lock_set_size = 0;
    std::string hash_file;
    shm::Counter lock_conflicts;

    Result<void> initial_gflags(const Value& value) {
        gflags = static_cast<std::uint32_t>(value.integer());
        return {};
    }

    Result<void> prepare(Core& core) override {
        core_ = &core;
        shared_ = core.memory().make<Shared>(core.memory().tag("cfgutils", "state"));
        if (shared_ == nullptr) return fail("no shared memory for flags and locks");
        shared_->probability = initial_probability;
        shared_->flags = gflags;
        return hash_file.empty() ? Result<void>() : read_hash_file();
    }
    Result<void> start(const Process& process) override {
        owner_ = std::uint32_t{process.slot} + 1;
        if (process.reborn) free_locks();
        return {};
    }
    void message_done(Message&, const RouteResult&) override {
        if (held_ != 0) free_locks();
    }

    // ---- Chance ---------------------------------------------------------------------------------

    Verdict rand_event(Message&) {
        const int probability = shared_->probability;
        return Verdict::of(static_cast<int>(core_->random().below(100)) < probability);
    }
    Verdict rand_set_prob(Message&, int percent) {
        if (percent < 0 || percent > 100) {
            LOG(error, "{} is no probability: 0 to 100", percent);
            return Verdict::no;
        }
        shared_->probability = percent;
        return Verdict::yes;
    }
    Verdict rand_reset_prob(Message&) {
        shared_->probability = initial_probability;
        return Verdict::yes;
    }
    Verdict rand_get_prob(Message&) {
        const int probability = shared_->probability;
        return probability == 0 ? Verdict::no : Verdict(probability);  // 0 would end the script
    }
    Value random_number() { return static_cast<std::int64_t>(core_->random().next() & 0x7fffffff); }

    // ---- Global flags ---------------------------------------------------------------------------

    Verdict set_gflag(Message&, int flag) {
        if (!is_flag(flag)) return Verdict::no;
        shared_->flags |= std::uint32_t{1} << flag;
        return Verdict::yes;
    }
    Verdict reset_gflag(Message&, int flag) {
        if (!is_flag(flag)) return Verdict::no;
        shared_->flags &= ~(std::uint32_t{1} << flag);
        return Verdict::yes;
    }
    Verdict is_gflag(Message&, int flag) {
        return Verdict::of(is_flag(flag) && (shared_->flags >> flag & 1) != 0);
    }

    // ---- Locks ----------------------------------------------------------------------------------

    Verdict lock(Message& m, std::string_view key) {
        std::atomic<std::uint32_t>* const word = word_of(key);
        if (word == nullptr) return Verdict::no;
        return *word == owner_ ? Verdict::yes : trylock(m, key);
    }
    Verdict trylock(Message&, std::string_view key) {
        std::atomic<std::uint32_t>* const word = word_of(key);
        std::uint32_t nobody = 0;
        if (word == nullptr) return Verdict::no;
        if (!word->compare_exchange_strong(nobody, owner_)) {
            lock_conflicts.add();
            return Verdict::no;
        }
        ++held_;
        return Verdict::yes;
    }
    Verdict unlock(Message&, std::string_view key) {
        std::atomic<std::uint32_t>* const word = word_of(key);
        std::uint32_t mine = owner_;
        if (word == nullptr || !word->compare_exchange_strong(mine, 0)) return Verdict::no;
        if (held_ != 0) --held_;
        return Verdict::yes;
    }

    // ---- Routes, hashes, looking inside ---------------------------------------------------------

    Verdict check_route_exists(Message&, std::string_view name) {
        return Verdict::of(!name.empty() &&
                           core_->script().find(Route::request, name) != RouteId::none);
    }
    Verdict route_if_exists(Message& m, std::string_view name) {
        constexpr int kDeepest = 16;
        const RouteId route = core_->script().find(Route::request, name);
        if (name.empty() || route == RouteId::none) return Verdict::no;
        if (depth_ == kDeepest) {
            LOG(error, "route {} is not run: {} routes run inside each other", name, kDeepest);
            return Verdict::no;
        }
        ++depth_;
        const RouteResult result = core_->script().run(route, m);
        --depth_;
        return result.exited || result.code == 0 ? Verdict::stop : Verdict(result.code);
    }

    Verdict core_hash(Message&, std::string_view a, std::string_view b, int bits) {
        constexpr int kMostBits = 30;
        if (bits < 1 || bits > kMostBits) {
            LOG(error, "core_hash: the size is a power of two, 1 to {}, not {}", kMostBits, bits);
            return Verdict::no;
        }
        return Verdict(static_cast<int>(hash(a, b) & ((1U << bits) - 1)) + 1);
    }

    Verdict abort_process(Message&) {
        LOG(critical, "the script called abort()");
        std::abort();
    }
    Verdict refuse_to_wait(Message&, int) {
        LOG(error, "a worker does not sleep");
        return Verdict::no;
    }
    Verdict shm_summary(Message&) {
        const shm::Totals totals = core_->memory().totals();
        LOG(notice, "shared memory: {} of {} bytes in {} blocks", totals.used, totals.size,
            totals.blocks);
        return Verdict::yes;
    }
    Verdict pkg_summary(Message& m) {
        LOG(notice, "private memory: {} bytes for this message", m.arena.used());
        return Verdict::yes;
    }

private:
    static bool is_flag(int flag) noexcept {
        if (flag >= 0 && flag < kFlags) return true;
        LOG(error, "flag {} is not one of 0 to 31", flag);
        return false;
    }
    [[nodiscard]] std::atomic<std::uint32_t>* word_of(std::string_view key) const noexcept {
        if (lock_set_size == 0) {
            LOG(error, "there are no locks: set lock_set_size");
            return nullptr;
        }
        return &shared_->locks[hash(key) & ((std::size_t{1} << lock_set_size) - 1)];
    }
    /// What this process, or the one that died in its place, has not given back.
    void free_locks() noexcept {
        for (std::size_t i = 0; i < std::size_t{1} << lock_set_size; ++i) {
            std::uint32_t mine = owner_;
            shared_->locks[i].compare_exchange_strong(mine, 0);
        }
        held_ = 0;
    }
    Result<void> read_hash_file() {
        std::ifstream in(hash_file, std::ios::binary);
        if (!in) return fail("cannot be read", hash_file);
        const std::string text((std::istreambuf_iterator<char>(in)), {});
        LOG(info, "hash of {}: {:016x}", hash_file, hash(text));
        return {};
    }

    Core* core_ = nullptr;
    Shared* shared_ = nullptr;
    std::uint32_t owner_ = 1;
    std::size_t held_ = 0;  ///< locks of the message that is worked on
    int depth_ = 0;
};

namespace {

Result<void> no_sleep(const Module&, std::span<const Value>) {
    return fail(
        "a worker that sleeps serves nobody: suspend the transaction instead (module async)");
}

using M = Cfgutils;
constexpr Route kAny = Route::any;

constexpr Param params[] = {
    param<&M::initial_probability>("initial_probability", "Percentage of rand_event() at start.",
                                   {.min = 0, .max = 100}),
    param_method<&M::initial_gflags>("initial_gflags", "Global flags at start, as a bit mask.",
                                     Type::integer, {.min = 0, .max = UINT32_MAX}),
    param<&M::lock_set_size>("lock_set_size", "Locks, as a power of two; 0: none.",
                             {.min = 0, .max = kMostLockBits}),
    param<&M::hash_file>("hash_file", "A file whose hash is logged at start."),
};

constexpr std::string_view kSleepDoc =
    "Refused when the configuration is read: a worker does not sleep.";

constexpr Function functions[] = {
    function<&M::rand_event>("rand_event", "True with the probability that is set.", kAny),
    function<&M::rand_set_prob>("rand_set_prob", "Sets the probability in percent.", kAny,
                                "percent"),
    function<&M::rand_reset_prob>("rand_reset_prob", "Sets the probability as it was at start.",
                                  kAny),
    function<&M::rand_get_prob>("rand_get_prob", "The probability as return code; false for 0.",
                                kAny),
    function<&M::set_gflag>("set_gflag", "Sets a flag of the whole server, 0 to 31.", kAny, "flag"),
    function<&M::reset_gflag>("reset_gflag", "Clears a flag of the whole server.", kAny, "flag"),
    function<&M::is_gflag>("is_gflag", "Whether a flag of the whole server is set.", kAny, "flag"),
    function<&M::lock>("lock",
                       "Takes the lock of a key. Never waits: false when another process holds it. "
                       "What a message has locked is freed behind it.",
                       kAny, "key"),
    function<&M::trylock>("trylock",
                          "Takes the lock of a key: false when it is held, also by this message.",
                          kAny, "key"),
    function<&M::unlock>("unlock",
                         "Gives the lock of a key back: false when this process does not "
                         "hold it.",
                         kAny, "key"),
    function<&M::check_route_exists>("check_route_exists", "Whether there is a route[name].", kAny,
                                     "name"),
    function<&M::route_if_exists>("route_if_exists", "Runs route[name] if there is one.", kAny,
                                  "name"),
    function<&M::core_hash>("core_hash", "A hash of two texts: 1 to 2 to the power of `bits`.",
                            kAny, "a", "b", "bits"),
    function<&M::abort_process>("abort", "Ends this process with SIGABRT.", kAny),
    checked_function<&M::refuse_to_wait>(no_sleep, "sleep", kSleepDoc, kAny, "seconds"),
    checked_function<&M::refuse_to_wait>(no_sleep, "usleep", kSleepDoc, kAny, "microseconds"),
    function<&M::shm_summary>("shm_summary", "Logs how much shared memory is used.", kAny),
    function<&M::shm_summary>("shm_status", "The same as shm_summary.", kAny),
    function<&M::pkg_summary>("pkg_summary", "Logs how much memory this message uses.", kAny),
    function<&M::pkg_summary>("pkg_status", "The same as pkg_summary.", kAny),
};

constexpr Variable variables[] = {
    {.name = "RANDOM",
     .doc = "A number from 0 to 2147483647.",
     .get = [](Module& m, Message&,
               const VariableName&) { return static_cast<Cfgutils&>(m).random_number(); }},
};

constexpr Statistic statistics[] = {
    statistic<&M::lock_conflicts>("lock_conflicts", "Locks that another holder had."),
};

constexpr Descriptor descriptor{.name = "cfgutils",
                                .summary = "Chance, global flags, locks, routes by name.",
                                .create = make_module<Cfgutils>,
                                .params = params,
                                .functions = functions,
                                .variables = variables,
                                .statistics = statistics,
                                .hooks = Hook::message_done};

}  // namespace

}  // namespace fairlead::cfgutils

FAIRLEAD_MODULE(fairlead::cfgutils::descriptor)
