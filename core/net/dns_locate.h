// RFC 3263 section 4 without a socket: which questions find the servers of a URI, and what the
// answers make of it: the list of targets, in the order in which they are tried (4.3).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/random.h"
#include "core/net/dns_records.h"

namespace fairlead::dns {

/// What is looked for, as the URI says it.
struct Wanted {
    std::string host;           ///< a name or a literal, IPv6 with or without brackets
    std::uint16_t port = 0;     ///< 0: the URI has none
    Proto proto = Proto::none;  ///< none: the URI has no transport; of sips tls, not tcp
    bool secure = false;        ///< sips: only what is encrypted
    std::size_t targets = 1;    ///< so many are wanted, at most kMaxTargets
};

/// What this server can and the operator prefers. Constant after start.
struct LocatePolicy {
    struct Transport {
        bool supported = false;  ///< there is a listener
        int preference = 0;      ///< dns_*_pref: more is better; negative: never chosen
    };
    std::array<Transport, 7> transports{};  ///< by the number of the Proto
    bool ipv4 = true, ipv6 = false;         ///< there are listeners of the family
    bool prefer_ipv6 = false;
    bool try_naptr = false;          ///< dns_try_naptr
    bool naptr_ignore_order = true;  ///< dns_naptr_ignore_rfc: our preference before their order
    bool balance = false;  ///< dns_srv_lb: by weight and chance (RFC 2782), else by weight

    [[nodiscard]] const Transport& of(Proto proto) const noexcept {
        return transports[static_cast<std::size_t>(proto)];
    }
};

inline constexpr std::size_t kMaxTargets = 16;    ///< of one look-up
inline constexpr std::size_t kMaxQuestions = 48;  ///< of one look-up, aliases included

/// One target: where, and by what.
struct Hop {
    Address address;  ///< with port
    Proto proto = Proto::udp;

    friend bool operator==(const Hop&, const Hop&) = default;
};

/// Why there is no target.
enum class Unlocated : std::uint8_t {
    no_such_name,      ///< DNS says that there is none
    no_answer,         ///< DNS did not say
    no_such_protocol,  ///< none of ours is offered, or the URI contradicts itself
    bad_name,          ///< not a name that can be asked for
};

/// One look-up: ask what take_question() gives, as long as it gives something, and tell what comes
/// back, in any order; is_done() says when the list is complete. Several questions may be out at
/// once. The order of the targets does not depend on the order of the answers.
class Locator {
public:
    /// `policy` and `random` outlive it.
    Locator(Wanted wanted, const LocatePolicy& policy, Random& random);

    /// Each question is given once.
    [[nodiscard]] std::optional<Question> take_question();
    /// A question that was not taken, or was answered before, is passed over.
    void answered(const Question& question, const Answer& answer);

    /// Nothing is left to be asked and no answer is due.
    [[nodiscard]] bool is_done() const noexcept;
    /// The target to be tried first is known, whatever is still out.
    [[nodiscard]] bool has_first() const;
    /// What is known by now, each target once. Empty: see why().
    [[nodiscard]] std::vector<Hop> targets() const;
    [[nodiscard]] Unlocated why() const noexcept { return why_; }

private:
    enum class Stage : std::uint8_t { naptr, srv, hosts };
    enum class State : std::uint8_t { to_ask, asked, done };
    /// A question under way, with the name that aliases made of it.
    struct Query {
        Question question;
        State state = State::to_ask;
        std::size_t aliases = 0;
        Answer answer;
        [[nodiscard]] bool is_done() const noexcept { return state == State::done; }
    };
    /// SRV records of a service, in the order in which services are tried.
    struct Service {
        std::size_t query = 0;
        Proto proto = Proto::none;
    };
    /// A host that has targets: one of an SRV record, or that of the URI.
    struct Host {
        std::string name;
        std::uint16_t port = 0;
        Proto proto = Proto::udp;
        std::optional<Address> literal;
        std::optional<std::size_t> first, second;  ///< queries of the address families
        [[nodiscard]] bool is_begun() const noexcept { return literal || first; }
    };

    void begin();
    void begin_srv();
    void begin_host(Proto proto);
    void advance();
    void after_naptr();
    void after_srv();
    bool use_service(const Service& service);
    void advance_hosts();
    void try_other_family(Host& host);
    void fail(Unlocated why) noexcept;
    [[nodiscard]] std::size_t ask(std::string name, Type type);
    [[nodiscard]] bool can_use(Proto proto) const noexcept;
    [[nodiscard]] std::vector<Proto> by_preference() const;
    [[nodiscard]] Proto default_proto() const noexcept;
    [[nodiscard]] bool is_settled(const Host& host) const noexcept;
    void add_targets(const Host& host, std::vector<Hop>& list) const;
    [[nodiscard]] std::vector<Record> in_order(std::vector<Record> records) const;

    Wanted wanted_;
    const LocatePolicy& policy_;
    Random& random_;
    Stage stage_ = Stage::hosts;
    std::vector<Query> queries_;
    std::vector<Service> services_;
    std::vector<Host> hosts_;
    Unlocated why_ = Unlocated::no_answer;
};

}  // namespace fairlead::dns
