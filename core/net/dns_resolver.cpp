// Look-ups of one process. SPDX-License-Identifier: Apache-2.0
#include "core/net/dns_resolver.h"

#include <algorithm>

namespace fairlead::dns {

Resolver::Resolver(NameServers& servers, Cache* cache, const LocatePolicy& policy,
                   const ResolverOptions& options, const Clock& clock, Random& random)
    : servers_(servers),
      cache_(cache),
      policy_(policy),
      options_(options),
      clock_(clock),
      random_(random) {}

ResolverCounts ResolverCounts::add_to(shm::Counters& counters) {
    const auto add = [&](std::string_view name, std::string_view help) {
        return counters.add("dns", name, help);
    };
    return {.asked = add("dns_requests", "Questions to name servers."),
            .failed = add("failed_dns_request", "Questions without an answer."),
            .slow = add("slow_dns_request", "Questions that took longer than dns_slow_query_ms."),
            .refused = add("lookups_refused",
                           "Look-ups and questions refused because too many were under way."),
            .expired = add("lookups_expired", "Look-ups that were ended by their deadline."),
            .lookup = counters.histograms().add(
                "dns", "lookup", "Look-ups that name servers were asked for, until their end.")};
}

Outcome Resolver::outcome_of(const Locator& locator) {
    return {locator.targets(), locator.why()};
}

std::optional<Answer> Resolver::from_cache(const Question& question) {
    if (cache_ == nullptr || !options_.use_cache) return std::nullopt;
    auto found = cache_->find(question, clock_.now());
    if (found.age == Cache::Age::missing) return std::nullopt;
    // Who was given a stale answer does not wait for the new one.
    if (found.refresh) (void)fly(question);
    return std::move(found.answer);
}

/// The one flight of this question in this process; null when there are too many.
Resolver::Flight* Resolver::fly(const Question& question) {
    const auto key = std::pair(canonical(question.name), question.type);
    if (const auto known = by_question_.find(key); known != by_question_.end())
        return &flights_.at(known->second);
    if (flights_.size() >= options_.most_questions) {
        counts_.refused.add();
        return nullptr;
    }
    const std::uint64_t number = next_++;
    by_question_.emplace(key, number);
    Flight& flight = flights_[number];
    flight.question = {key.first, key.second};
    flight.begun_ns = clock_.ns();
    to_ask_.push_back(number);
    return &flight;
}

void Resolver::ask_all() {
    while (!to_ask_.empty()) {
        const std::uint64_t number = to_ask_.back();
        to_ask_.pop_back();
        counts_.asked.add();
        const Question question = flights_.at(number).question;
        servers_.ask(number, question, *this);
    }
}

/// Gives the look-up what the cache knows, and puts it on the flights of what it does not.
void Resolver::feed(std::uint64_t ticket, Lookup& lookup) {
    while (const auto question = lookup.locator.take_question()) {
        if (const auto answer = from_cache(*question)) {
            lookup.locator.answered(*question, *answer);
        } else if (Flight* const flight = fly(*question)) {
            flight->lookups.push_back(ticket);
        } else {
            lookup.locator.answered(*question, Answer{});
        }
    }
    if (lookup.first_known == Ms(0) && lookup.locator.has_first())
        lookup.first_known = clock_.now();
}

std::optional<Outcome> Resolver::locate(const Wanted& wanted, Waiter& waiter, std::uint64_t tag,
                                        std::uint64_t& ticket) {
    if (lookups_.size() >= options_.most_lookups) {
        counts_.refused.add();
        return Outcome{};
    }
    ticket = next_++;
    Lookup lookup{
        Locator(wanted, policy_, random_), &waiter, tag, clock_.now(), Ms(0), clock_.exact_ns()};
    feed(ticket, lookup);
    if (lookup.locator.is_done()) {
        ask_all();  // what is refreshed
        return outcome_of(lookup.locator);
    }
    lookups_.emplace(ticket, std::move(lookup));
    ask_all();
    return std::nullopt;
}

void Resolver::cancel(std::uint64_t ticket) {
    lookups_.erase(ticket);
}

std::optional<Answer> Resolver::ask(const Question& question, AnswerSink& sink,
                                    std::uint64_t number) {
    auto answer = from_cache(question);
    if (!answer) {
        Flight* const flight = fly(question);
        if (flight == nullptr) return Answer{};
        flight->others.emplace_back(&sink, number);
    }
    ask_all();
    return answer;
}

void Resolver::count_answer(const Flight& flight, const Answer& answer) noexcept {
    constexpr std::int64_t kNsPerMs = 1'000'000;
    if (answer.status == Status::failed && answer.alias.empty()) counts_.failed.add();
    if (options_.slow > Ms(0) && clock_.ns() - flight.begun_ns > options_.slow.count() * kNsPerMs)
        counts_.slow.add();
}

Resolver::Ended Resolver::end(const Lookup& lookup) const {
    counts_.lookup.record(clock_.exact_ns() - lookup.begun_ns);
    return {lookup.waiter, lookup.tag, outcome_of(lookup.locator)};
}

void Resolver::answered(std::uint64_t number, const Answer& answer) {
    const auto found = flights_.find(number);
    if (found == flights_.end()) return;
    const Flight flight = std::move(found->second);
    flights_.erase(found);
    by_question_.erase({canonical(flight.question.name), flight.question.type});
    count_answer(flight, answer);
    if (cache_ != nullptr && options_.use_cache)
        (void)cache_->put(flight.question, answer, clock_.now());
    std::vector<Ended> ended;
    for (const std::uint64_t ticket : flight.lookups) {
        const auto at = lookups_.find(ticket);
        if (at == lookups_.end()) continue;  // cancelled, or it waited long enough
        at->second.locator.answered(flight.question, answer);
        feed(ticket, at->second);
        if (!at->second.locator.is_done()) continue;
        ended.push_back(end(at->second));
        lookups_.erase(at);
    }
    // Waiters may begin and cancel look-ups.
    for (const Ended& e : ended) e.waiter->located(e.tag, e.outcome);
    for (const auto& [sink, tag] : flight.others) sink->answered(tag, answer);
    ask_all();
}

void Resolver::tick() {
    const Ms now = clock_.now();
    std::vector<Ended> ended;
    for (auto at = lookups_.begin(); at != lookups_.end();) {
        const Lookup& lookup = at->second;
        const bool late = now - lookup.begun >= options_.deadline;
        const bool enough =
            lookup.first_known != Ms(0) && now - lookup.first_known >= options_.patience;
        if (!late && !enough) {
            ++at;
            continue;
        }
        if (late) counts_.expired.add();
        ended.push_back(end(lookup));
        at = lookups_.erase(at);
    }
    for (const Ended& e : ended) e.waiter->located(e.tag, e.outcome);
}

}  // namespace fairlead::dns
