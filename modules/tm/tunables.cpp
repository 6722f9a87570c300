// What operators can change of tm while it runs: the parameters that each transaction reads when it
// is made or when something happens to it. SPDX-License-Identifier: Apache-2.0
#include "modules/tm/tunables.h"

#include "modules/tm/tm.h"

namespace fairlead::tm {
namespace {

constexpr std::int64_t kLongest = 7 * 24 * 3600 * 1000LL;

template <auto Field>
using FieldOf = typename MemberOf<decltype(Field)>::Field;

/// A field of Policy, Options or Matching, in their places.
template <auto Field, class R>
auto& field_of(R& rt) noexcept {
    using C = typename MemberOf<decltype(Field)>::Class;
    if constexpr (std::is_same_v<C, Policy>)
        return rt.policy.*Field;
    else if constexpr (std::is_same_v<C, Matching>)
        return rt.options.matching.*Field;
    else
        return rt.options.*Field;
}

template <auto Field>
constexpr Tunable number(std::string_view name, std::string_view doc, std::int64_t min,
                         std::int64_t max) {
    return {.name = name,
            .doc = doc,
            .min = min,
            .max = max,
            .get =
                [](const Module& m) {
                    const Runtime& rt = static_cast<const Tm&>(m).runtime();
                    return Value(static_cast<std::int64_t>(field_of<Field>(rt)));
                },
            .set =
                [](Module& m, const Value& v) noexcept {
                    field_of<Field>(static_cast<Tm&>(m).runtime()) =
                        static_cast<FieldOf<Field>>(v.integer());
                }};
}
template <auto Field>
constexpr Tunable yes_or_no(std::string_view name, std::string_view doc) {
    return number<Field>(name, doc, 0, 1);
}
template <auto Field>
constexpr Tunable text(std::string_view name, std::string_view doc) {
    return {.name = name,
            .doc = doc,
            .is_text = true,
            .get =
                [](const Module& m) {
                    const Runtime& rt = static_cast<const Tm&>(m).runtime();
                    return Value(std::string_view(field_of<Field>(rt)));
                },
            .set =
                [](Module& m, const Value& v) noexcept {
                    // What would end the line of a reply is no phrase.
                    const std::string_view given = v.string();
                    if (given.find_first_of("\r\n") == std::string_view::npos)
                        field_of<Field>(static_cast<Tm&>(m).runtime()) = given;
                }};
}

}  // namespace

constinit const std::array<Tunable, kTunables> tunables{
    {number<&Policy::fr>("fr_timer", "Milliseconds without a final reply (Timers B and F).", 1,
                         kLongest),
     number<&Policy::fr_inv>("fr_inv_timer",
                             "Milliseconds without a final reply to an INVITE that got a "
                             "provisional one (Timer C).",
                             1, kLongest),
     number<&Policy::wait>("wt_timer", "Milliseconds that a transaction stays behind its end.", 1,
                           kLongest),
     number<&Policy::t1>("retr_timer1", "T1 in milliseconds.", 1, 60'000),
     number<&Policy::t2>("retr_timer2", "T2 in milliseconds.", 1, 60'000),
     number<&Policy::max_invite>("max_inv_lifetime",
                                 "Milliseconds that the transaction of an INVITE lives at most.", 1,
                                 kLongest),
     number<&Policy::max_other>("max_noninv_lifetime", "The same of other transactions.", 1,
                                kLongest),
     yes_or_no<&Policy::noisy_ctimer>("noisy_ctimer",
                                      "1: an INVITE that nobody answered gets its 408."),
     yes_or_no<&Policy::restart_fr_on_each_reply>(
         "restart_fr_on_each_reply", "1: each provisional reply starts fr_inv_timer anew."),
     yes_or_no<&Policy::aggregate_challenges>(
         "aggregate_challenges", "1: a 401 or 407 has the challenges of all branches."),
     yes_or_no<&Policy::disable_6xx_block>("disable_6xx_block",
                                           "1: 6xx is like any negative reply."),
     yes_or_no<&Policy::local_cancel_reason>("local_cancel_reason",
                                             "1: CANCELs of our own have a Reason."),
     yes_or_no<&Policy::e2e_cancel_reason>("e2e_cancel_reason",
                                           "1: the Reason of a CANCEL is passed on."),
     yes_or_no<&Policy::relay_100>("relay_100", "1: 100 is passed on (against RFC 3261)."),
     yes_or_no<&Policy::remap_503_500>("remap_503_500", "1: a 503 that wins is passed on as 500."),
     number<&Policy::cancel_b_method>("cancel_b_method",
                                      "What becomes of a branch without a reply when it is "
                                      "cancelled: 0, 1 or 2.",
                                      0, 2),
     number<&Policy::failure_reply_mode>(
         "failure_reply_mode", "Which replies of earlier serial steps are kept: 0 to 3.", 0, 3),
     yes_or_no<&Options::auto_inv_100>("auto_inv_100", "1: t_relay() answers an INVITE with 100."),
     text<&Options::auto_inv_100_reason>("auto_inv_100_reason", "The phrase of that 100."),
     number<&Options::unmatched_cancel>("unmatched_cancel",
                                        "What becomes of a CANCEL without INVITE: 0 relayed with "
                                        "a transaction, 1 without, 2 dropped.",
                                        0, 2),
     number<&Options::default_code>("default_code", "Code of t_reply() when the given one is none.",
                                    400, 699),
     text<&Options::default_reason>("default_reason", "Phrase of t_reply() when none is given."),
     text<&Options::ac_extra_hdrs>("ac_extra_hdrs",
                                   "CANCEL and the ACK to a negative reply have the INVITE's "
                                   "fields whose names begin with it."),
     yes_or_no<&Matching::via1>("via1_matching",
                                "1: of clients before RFC 3261, ACK and CANCEL must have the "
                                "INVITE's topmost Via."),
     yes_or_no<&Matching::ruri>("ruri_matching", "1: … and its Request-URI."),
     number<&Options::max_transactions>(
         "max_transactions", "Most transactions at once; 0: as memory allows.", 0, INT32_MAX)}};

}  // namespace fairlead::tm
