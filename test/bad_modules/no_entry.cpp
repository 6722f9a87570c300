// Has a stamp but no entry.
// SPDX-License-Identifier: Apache-2.0
#include "core/module.h"

extern "C" __attribute__((visibility("default"))) const fairlead::AbiStamp fairlead_abi;
constinit const fairlead::AbiStamp fairlead_abi = fairlead::kAbi;
