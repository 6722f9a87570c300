// A run that waits for an answer, as bytes that travel with the transaction: whichever worker gets
// the answer goes on with them. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "modules/cpl/machine.h"

namespace fairlead::cpl {

/// How a run relates to the request's transaction.
enum class Mode : std::uint8_t { is_stateless, is_stateful, force_stateful };

/// All of a run besides the request. Views belong to whoever made it.
struct Run {
    std::string_view owner;
    std::string_view script;        ///< compiled; "" when it was too large to be packed
    std::uint64_t source_hash = 0;  ///< of the script
    std::string_view request_uri;   ///< as the run began; the request's is that of its arrival
    Instant time = 0;
    Mode mode = Mode::is_stateless;
    bool resumed = false;
    int last_code = 0;  ///< of the step that ended; not packed
    State state;
};

/// At most `most` bytes; without the script where there is no room for it. "" when even then there
/// is none.
[[nodiscard]] std::string pack(const Run& run, std::size_t most);
/// Views are into `bytes`. Nullopt for anything that pack() does not make.
[[nodiscard]] std::optional<Run> unpack(std::string_view bytes);

}  // namespace fairlead::cpl
