// HTTP for modules: the requests that they answer. Who wants some needs modules/http/api.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/event/http.h"
