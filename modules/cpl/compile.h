// From XML to the compiled form, with all checks of RFC 3880 that a schema cannot make. The older
// draft without namespace is the same language here. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "modules/cpl/document.h"
#include "modules/cpl/fault.h"

namespace fairlead::cpl {

/// The bytes of a Script (script.h), or nullopt and at least one fault. Takes time and memory in
/// proportion to the limits, whatever the text is. For processes that handle uploads: no state is
/// kept between calls besides libxml2's, libical's and ICU's own tables.
[[nodiscard]] std::optional<std::string> compile(std::string_view xml, const Limits& limits,
                                                 Faults& faults);

}  // namespace fairlead::cpl
