// Serial forking by q-values: t_load_contacts, t_next_contacts, t_next_contact_flow.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "modules/tm/runtime.h"

namespace fairlead::tm {

enum class ContactOrder : std::uint8_t {
    by_q,      ///< the highest q first, equal ones together
    at_random  ///< one by one, the more probable first the higher its q; those without q last
};

/// Moves the destination set (Request-URI and branches) into the XAVP of contacts_avp, best first.
/// 1, also when there is one destination only, which stays; -1 when contacts_avp is not set.
[[nodiscard]] int load_contacts(Runtime& rt, Message& m, ContactOrder order);

/// The best group of what is left becomes the destination set; of contacts with the same instance
/// only the first, the others go to contact_flows_avp. 1, -2 nothing is left, -1 contacts_avp is
/// not set.
[[nodiscard]] int next_contacts(Runtime& rt, Message& m);

/// The next flow to the instance of the destination at hand (the Request-URI) becomes the
/// Request-URI. 1, -2 there is none, -1 contact_flows_avp is not set.
[[nodiscard]] int next_contact_flow(Runtime& rt, Message& m);

}  // namespace fairlead::tm
