// The event loop of this process, for modules that watch descriptors of their own.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/event/fd.h"
#include "core/event/loop.h"
