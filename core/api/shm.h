// Shared memory for modules: allocator, robust lock, hazards, counters, histograms. Mailboxes come
// with their users. SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/shm/counters.h"
#include "core/shm/hazards.h"
#include "core/shm/ptr.h"
#include "core/shm/robust_mutex.h"
#include "core/shm/segment.h"
#include "core/shm/timer_wheel.h"
