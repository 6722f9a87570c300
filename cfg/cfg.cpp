// Placeholder until the layer is written.
// SPDX-License-Identifier: Apache-2.0
#include "cfg/config.h"
