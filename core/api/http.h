// HTTP for modules: a server on the loop of the process. SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/event/http.h"
