// t_write_fifo and t_write_unix: telling another program of a request, so that it may answer it.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

#include "modules/tm/append_lists.h"
#include "modules/tm/runtime.h"

namespace fairlead::tm {

/// "logger/append2": what the program shall do, and a list of tw_append.
struct WriteInfo {
    std::string_view action, list;
};
[[nodiscard]] WriteInfo parse_write_info(std::string_view info) noexcept;

/// The request as other programs read it, in lines (version 0.3); "" when it cannot be read. `w`
/// has a transaction. `list` may be null.
[[nodiscard]] std::string describe_request(Message& m, const Work& w, std::string_view action,
                                           const AppendList* list);

}  // namespace fairlead::tm
