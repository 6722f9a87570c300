// LOG for modules; the line carries the module's name.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/base/log.h"
