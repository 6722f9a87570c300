// $T_req, $T_rpl and $T_inv: variables as other messages of the transaction have them.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/module.h"

namespace fairlead::tm::variable {

/// Of the request, as it was when the transaction stored it.
Value of_request(Module& m, Message& msg, const VariableName& name);
/// Of the negative reply that won; null when it was made here.
Value of_reply(Module& m, Message& msg, const VariableName& name);
/// Of the INVITE that the CANCEL at hand is for.
Value of_invite(Module& m, Message& msg, const VariableName& name);

}  // namespace fairlead::tm::variable
