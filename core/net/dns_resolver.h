// Finding the servers of a URI without waiting: look-ups of one process, fed from the shared cache
// and from name servers, each with a deadline. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/net/dns_cache.h"
#include "core/net/dns_locate.h"
#include "core/shm/counters.h"

namespace fairlead::dns {

/// Takes what name servers answered.
class AnswerSink {
public:
    /// Once for each question that was asked, in the event loop, never from inside of what asked.
    virtual void answered(std::uint64_t number, const Answer& answer) = 0;

protected:
    ~AnswerSink() = default;
};

/// Asks name servers. In a test: a table.
class NameServers {
public:
    virtual void ask(std::uint64_t number, const Question& question, AnswerSink& sink) = 0;

protected:
    ~NameServers() = default;
};

/// How a look-up ended.
struct Outcome {
    std::vector<Hop> targets;  ///< in the order in which they are tried; may be empty
    Unlocated why = Unlocated::no_answer;
};

/// Who waits for a look-up.
class Waiter {
public:
    /// In the event loop, once, never from inside Resolver::locate. `tag` is the waiter's.
    virtual void located(std::uint64_t tag, const Outcome& outcome) noexcept = 0;

protected:
    ~Waiter() = default;
};

struct ResolverOptions {
    Ms deadline{2000};  ///< of a look-up, whatever it asks
    Ms patience{100};   ///< when the first target is known, so long the others are waited for
    Ms slow{0};         ///< dns_slow_query_ms: an answer that takes longer counts; 0: none
    std::size_t most_lookups = 10'000;   ///< under way in one process
    std::size_t most_questions = 2'000;  ///< the same of questions to name servers
    bool use_cache = true;               ///< use_dns_cache
};

struct ResolverCounts {
    shm::Counter asked, failed, slow, refused, expired;
    shm::Histogram lookup;  ///< of look-ups that name servers were asked for
    [[nodiscard]] static ResolverCounts add_to(shm::Counters& counters);  ///< before fork
};

/// One per process. Has no loop: its owner calls tick() while is_busy().
class Resolver final : AnswerSink {
public:
    /// All outlive it. `cache` may be null.
    Resolver(NameServers& servers, Cache* cache, const LocatePolicy& policy,
             const ResolverOptions& options, const Clock& clock, Random& random);
    void count_in(const ResolverCounts& counts) noexcept { counts_ = counts; }

    /// The outcome, when no name server has to be asked for it, or when too many look-ups are under
    /// way (no_answer; lookups_refused counts). Else nullopt, and `waiter` is told later; `ticket`
    /// is then this look-up.
    [[nodiscard]] std::optional<Outcome> locate(const Wanted& wanted, Waiter& waiter,
                                                std::uint64_t tag, std::uint64_t& ticket);
    /// The waiter is not told. A look-up that has ended is passed over.
    void cancel(std::uint64_t ticket);

    /// Ends look-ups that have waited enough. At least every 50 ms while is_busy().
    void tick();
    [[nodiscard]] bool is_busy() const noexcept { return !lookups_.empty(); }

    /// For the command dns.lookup: one question, by way of the cache; nullopt when `sink` is told
    /// later, with `number`.
    [[nodiscard]] std::optional<Answer> ask(const Question& question, AnswerSink& sink,
                                            std::uint64_t number);

private:
    struct Lookup {
        Locator locator;
        Waiter* waiter;
        std::uint64_t tag;
        Ms begun, first_known{0};
        std::int64_t begun_ns = 0;
    };
    /// A question that name servers have not answered yet.
    struct Flight {
        Question question;
        std::int64_t begun_ns = 0;
        std::vector<std::uint64_t> lookups;
        std::vector<std::pair<AnswerSink*, std::uint64_t>> others;
    };
    struct Ended {
        Waiter* waiter;
        std::uint64_t tag;
        Outcome outcome;
    };

    void answered(std::uint64_t number, const Answer& answer) override;
    void feed(std::uint64_t ticket, Lookup& lookup);
    [[nodiscard]] std::optional<Answer> from_cache(const Question& question);
    [[nodiscard]] Flight* fly(const Question& question);
    void ask_all();
    void count_answer(const Flight& flight, const Answer& answer) noexcept;
    [[nodiscard]] Ended end(const Lookup& lookup) const;
    [[nodiscard]] static Outcome outcome_of(const Locator& locator);

    NameServers& servers_;
    Cache* cache_;
    const LocatePolicy& policy_;
    ResolverOptions options_;
    const Clock& clock_;
    Random& random_;
    std::uint64_t next_ = 1;
    std::map<std::uint64_t, Lookup> lookups_;
    std::map<std::uint64_t, Flight> flights_;
    std::map<std::pair<std::string, Type>, std::uint64_t> by_question_;
    std::vector<std::uint64_t> to_ask_;  ///< flights not yet given to the name servers
    ResolverCounts counts_;
};

}  // namespace fairlead::dns
