// The steps of RFC 3263 section 4, driven by answers. SPDX-License-Identifier: Apache-2.0
#include "core/net/dns_locate.h"

#include <algorithm>
#include <span>
#include <utility>

#include "core/base/text.h"

namespace fairlead::dns {
namespace {

constexpr std::array<Proto, 3> kWithService{Proto::udp, Proto::tcp, Proto::tls};

/// RFC 3263 4.1; RFC 3261 26.2.2 for sips.
std::string_view service_label(Proto proto) noexcept {
    switch (proto) {
        case Proto::udp: return "_sip._udp.";
        case Proto::tcp: return "_sip._tcp.";
        case Proto::tls: return "_sips._tcp.";
        default: return {};
    }
}

/// RFC 3263 4.1: the services that a NAPTR record may name.
Proto proto_of_service(std::string_view service) noexcept {
    if (text::ci_equal(service, "SIP+D2U")) return Proto::udp;
    if (text::ci_equal(service, "SIP+D2T")) return Proto::tcp;
    if (text::ci_equal(service, "SIPS+D2T")) return Proto::tls;
    return Proto::none;
}

bool is_encrypted(Proto proto) noexcept {
    return proto == Proto::tls || proto == Proto::wss;
}

/// Equal ones keep their order; lists are short. (With libstdc++ 12, clang refuses
/// std::ranges::stable_sort.)
template <class T, class Less>
void sort_stably(std::span<T> list, Less less) {
    for (std::size_t i = 1; i < list.size(); ++i)
        for (std::size_t at = i; at != 0 && less(list[at], list[at - 1]); --at)
            std::swap(list[at], list[at - 1]);
}

/// RFC 2782: the records of one priority by chance, in proportion to their weights. Those without
/// a weight stand first, so that they are chosen rarely and not never.
void shuffle(std::span<Record> records, Random& random) noexcept {
    sort_stably(records,
                [](const Record& a, const Record& b) { return a.weight == 0 && b.weight != 0; });
    for (std::size_t i = 0; i + 1 < records.size(); ++i) {
        const auto rest = records.subspan(i);
        std::uint64_t sum = 0;
        for (const Record& r : rest) sum += r.weight;
        std::uint64_t chosen = random.below(sum + 1);
        std::size_t at = 0;
        while (at + 1 < rest.size() && chosen > rest[at].weight) chosen -= rest[at++].weight;
        std::ranges::rotate(rest.first(at + 1), rest.begin() + static_cast<std::ptrdiff_t>(at));
    }
}

}  // namespace

Locator::Locator(Wanted wanted, const LocatePolicy& policy, Random& random)
    : wanted_(std::move(wanted)), policy_(policy), random_(random) {
    wanted_.targets = std::clamp<std::size_t>(wanted_.targets, 1, kMaxTargets);
    begin();
    advance();
}

void Locator::fail(Unlocated why) noexcept {
    why_ = why;
    stage_ = Stage::hosts;
}

bool Locator::can_use(Proto proto) const noexcept {
    const auto& transport = policy_.of(proto);
    return transport.supported && transport.preference >= 0 &&
           (!wanted_.secure || is_encrypted(proto));
}

std::vector<Proto> Locator::by_preference() const {
    std::vector<Proto> list;
    std::ranges::copy_if(kWithService, std::back_inserter(list),
                         [&](Proto proto) { return can_use(proto); });
    sort_stably(std::span(list), [&](Proto a, Proto b) {
        return policy_.of(a).preference > policy_.of(b).preference;
    });
    return list;
}

Proto Locator::default_proto() const noexcept {
    if (wanted_.proto != Proto::none) return wanted_.proto;
    return wanted_.secure ? Proto::tls : Proto::udp;  // RFC 3263 4.1
}

void Locator::begin() {
    const bool contradicts =
        wanted_.secure && wanted_.proto != Proto::none && !is_encrypted(wanted_.proto);
    if (contradicts || !policy_.of(default_proto()).supported) {
        // Without a transport in the URI another may be offered by DNS.
        const bool may_be_other = wanted_.proto == Proto::none && wanted_.port == 0;
        if (contradicts || !may_be_other) return fail(Unlocated::no_such_protocol);
    }
    if (Address::parse(wanted_.host)) return begin_host(default_proto());
    if (!is_name(wanted_.host)) return fail(Unlocated::bad_name);
    wanted_.host = canonical(wanted_.host);
    if (wanted_.port != 0) return begin_host(default_proto());
    if (wanted_.proto == Proto::none && policy_.try_naptr) {
        stage_ = Stage::naptr;
        (void)ask(wanted_.host, Type::naptr);
        return;
    }
    begin_srv();
}

/// RFC 3263 4.1, 4.2: the services of the URI's transport, else of all that we have.
void Locator::begin_srv() {
    stage_ = Stage::srv;
    services_.clear();
    if (wanted_.proto == Proto::none) {
        for (const Proto proto : by_preference())
            services_.push_back(
                {ask(std::string(service_label(proto)) + wanted_.host, Type::srv), proto});
    } else if (const auto label = service_label(wanted_.proto); !label.empty()) {
        services_.push_back({ask(std::string(label) + wanted_.host, Type::srv), wanted_.proto});
    }
    if (services_.empty()) begin_host(default_proto());
}

/// RFC 3263 4.2: the addresses of the host itself.
void Locator::begin_host(Proto proto) {
    stage_ = Stage::hosts;
    if (!policy_.of(proto).supported) return fail(Unlocated::no_such_protocol);
    const std::uint16_t port = wanted_.port != 0 ? wanted_.port : default_port(proto);
    hosts_.push_back({wanted_.host, port, proto, Address::parse(wanted_.host), {}, {}});
}

std::size_t Locator::ask(std::string name, Type type) {
    // Two records may lead to one host; it is asked for once.
    const Question question{std::move(name), type};
    const auto same = std::ranges::find(queries_, question, &Query::question);
    if (same != queries_.end()) return static_cast<std::size_t>(same - queries_.begin());
    Query query{question, State::to_ask, 0, {}};
    if (queries_.size() >= kMaxQuestions || !is_name(query.question.name))
        query.state = State::done;  // as failed
    queries_.push_back(std::move(query));
    return queries_.size() - 1;
}

std::optional<Question> Locator::take_question() {
    const auto next = std::ranges::find(queries_, State::to_ask, &Query::state);
    if (next == queries_.end()) return std::nullopt;
    next->state = State::asked;
    return next->question;
}

void Locator::answered(const Question& question, const Answer& answer) {
    const auto query = std::ranges::find_if(queries_, [&](const Query& q) {
        return q.state == State::asked && q.question == question;
    });
    if (query == queries_.end()) return;
    query->answer = answer;
    query->state = State::done;
    if (!answer.alias.empty() && answer.status != Status::found) {
        query->answer.status = Status::failed;
        if (query->aliases < kMaxAliases && is_name(answer.alias)) {
            ++query->aliases;
            query->question.name = canonical(answer.alias);
            query->state = State::to_ask;
        }
    }
    advance();
}

void Locator::advance() {
    if (stage_ == Stage::naptr) after_naptr();
    if (stage_ == Stage::srv) after_srv();
    if (stage_ == Stage::hosts) advance_hosts();
}

/// RFC 3263 4.1. Only records that lead to an SRV record and rewrite nothing are for SIP.
void Locator::after_naptr() {
    const Query& query = queries_.front();
    if (!query.is_done()) return;
    struct Offer {
        Record record;
        Proto proto;
    };
    std::vector<Offer> offers;
    for (const Record& r : query.answer.records) {
        const Proto proto = proto_of_service(r.service);
        if (text::ci_equal(r.flags, "s") && r.regexp.empty() && can_use(proto))
            offers.push_back({r, proto});
    }
    sort_stably(std::span(offers), [&](const Offer& a, const Offer& b) {
        const int mine = policy_.of(a.proto).preference - policy_.of(b.proto).preference;
        if (policy_.naptr_ignore_order && mine != 0) return mine > 0;
        return std::pair(a.record.priority, a.record.weight) <
               std::pair(b.record.priority, b.record.weight);
    });
    // No record of use: as if there were none (RFC 3263 4.1).
    if (offers.empty()) return begin_srv();
    stage_ = Stage::srv;
    constexpr std::size_t kMaxOffers = 4;
    for (const Offer& offer : std::span(offers).first(std::min(offers.size(), kMaxOffers)))
        services_.push_back({ask(canonical(offer.record.name), Type::srv), offer.proto});
}

void Locator::after_srv() {
    bool no_service = false;
    for (const Service& service : services_) {
        const Query& query = queries_[service.query];
        if (!query.is_done()) return;  // a better one may come
        if (query.answer.status == Status::found && use_service(service)) {
            stage_ = Stage::hosts;
            for (Query& other : queries_) other.state = State::done;  // they matter no more
            return;
        }
        no_service = no_service || query.answer.status == Status::found;
    }
    // RFC 2782: a target of "." says that the service is not offered there, decidedly.
    if (no_service) return fail(Unlocated::no_such_protocol);
    begin_host(default_proto());
}

/// False when its records name no host.
bool Locator::use_service(const Service& service) {
    for (Record& r : in_order(queries_[service.query].answer.records)) {
        if (r.name.empty() || r.port == 0 || hosts_.size() >= kMaxTargets) continue;
        // A literal is against RFC 2782 and not rare.
        auto literal = Address::parse(r.name);
        hosts_.push_back({canonical(r.name), r.port, service.proto, literal, {}, {}});
    }
    return !hosts_.empty();
}

std::vector<Record> Locator::in_order(std::vector<Record> records) const {
    sort_stably(std::span(records), [](const Record& a, const Record& b) {
        return a.priority != b.priority ? a.priority < b.priority : a.weight > b.weight;
    });
    if (!policy_.balance) return records;
    for (std::size_t begin = 0; begin < records.size();) {
        std::size_t end = begin;
        while (end < records.size() && records[end].priority == records[begin].priority) ++end;
        shuffle(std::span(records).subspan(begin, end - begin), random_);
        begin = end;
    }
    return records;
}

bool Locator::is_settled(const Host& host) const noexcept {
    if (host.literal) return true;
    if (!host.first || !queries_[*host.first].is_done()) return false;
    return !host.second || queries_[*host.second].is_done();
}

/// RFC 3263 4.2 leaves the families open: the second one is asked when the first knows nothing.
void Locator::try_other_family(Host& host) {
    if (!host.first || host.second || !policy_.ipv4 || !policy_.ipv6) return;
    const Query& first = queries_[*host.first];
    if (!first.is_done() || first.answer.status == Status::found ||
        first.answer.status == Status::no_name)
        return;
    host.second = ask(host.name, first.question.type == Type::a ? Type::aaaa : Type::a);
}

/// Hosts are asked for in their order, as many as are needed for the targets that are wanted.
void Locator::advance_hosts() {
    std::size_t expected = 0;
    const bool ipv6_first = policy_.ipv6 && (policy_.prefer_ipv6 || !policy_.ipv4);
    for (Host& host : hosts_) {
        if (expected >= wanted_.targets) break;
        if (!host.is_begun()) host.first = ask(host.name, ipv6_first ? Type::aaaa : Type::a);
        try_other_family(host);
        std::vector<Hop> known;
        add_targets(host, known);
        expected += is_settled(host) ? known.size() : 1;
    }
    if (hosts_.empty() || !is_done() || !targets().empty()) return;
    const bool denied = std::ranges::all_of(hosts_, [&](const Host& host) {
        return host.first && queries_[*host.first].answer.is_negative();
    });
    why_ = denied ? Unlocated::no_such_name : Unlocated::no_answer;
}

void Locator::add_targets(const Host& host, std::vector<Hop>& list) const {
    const auto add = [&](Address address) {
        const bool usable = address.version == 6 ? policy_.ipv6 : policy_.ipv4;
        address.port = host.port;
        const Hop hop{address, host.proto};
        if (usable && address.is_set() && std::ranges::find(list, hop) == list.end())
            list.push_back(hop);
    };
    if (host.literal) return add(*host.literal);
    for (const auto& query : {host.first, host.second}) {
        if (!query || !queries_[*query].is_done()) continue;
        for (const Record& r : queries_[*query].answer.records) add(r.address);
    }
}

bool Locator::is_done() const noexcept {
    return stage_ == Stage::hosts && std::ranges::all_of(queries_, &Query::is_done);
}

bool Locator::has_first() const {
    if (stage_ != Stage::hosts) return false;
    for (const Host& host : hosts_) {
        if (!is_settled(host)) return false;
        std::vector<Hop> known;
        add_targets(host, known);
        if (!known.empty()) return true;
    }
    return false;
}

std::vector<Hop> Locator::targets() const {
    std::vector<Hop> list;
    for (const Host& host : hosts_) add_targets(host, list);
    if (list.size() > wanted_.targets) list.resize(wanted_.targets);
    return list;
}

}  // namespace fairlead::dns
