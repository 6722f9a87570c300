// Placeholder until the layer is written.
// SPDX-License-Identifier: Apache-2.0
#include "core/shm/counters.h"
#include "core/shm/mailbox.h"
#include "core/shm/timer_wheel.h"
