// Placeholder until the layer is written.
// SPDX-License-Identifier: Apache-2.0
#include "core/api/core.h"
#include "core/api/route_target.h"
