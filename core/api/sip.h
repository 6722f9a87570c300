// SIP for modules: indexed messages, their typed headers, and writing new ones.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/sip/build.h"
#include "core/sip/edits.h"
#include "core/sip/headers.h"
#include "core/sip/limits.h"
#include "core/sip/message.h"
#include "core/sip/method.h"
#include "core/sip/params.h"
#include "core/sip/status.h"
#include "core/sip/uri.h"
#include "core/sip/values.h"
