// Text, random numbers and arenas for modules.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/base/arena.h"
#include "core/base/random.h"
#include "core/base/text.h"
