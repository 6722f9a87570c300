// What scripts add to our Via: the server's number, and fields of an $xavp.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/module.h"

namespace fairlead::corex {

/// Which parts of our Via a script asked for; a word of the message's slots.
enum ViaPart : unsigned { kServerId = 1, kParams = 2, kFields = 4 };

/// Makes the Via of `m` what `parts` say, from what the $xavp hold now. What no parameter of a Via
/// can be is left out, with a line in the log.
void apply_via(Message& m, unsigned parts, const Globals& globals);

}  // namespace fairlead::corex
