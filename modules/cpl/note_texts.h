// The texts of notes: names of log files, lines, mails. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "modules/cpl/zone.h"

namespace fairlead::cpl {

/// The name of an owner's log file: bytes that could mean something to a file system are escaped.
[[nodiscard]] std::string log_file_name(std::string_view owner);
/// "Fri Nov 20 20:31:52 2026 calls: Hello there\n"; local time, "default_log" without a name.
[[nodiscard]] std::string log_line(Instant at, std::string_view name, std::string_view comment);
/// A whole mail (RFC 5322), its lines ended by CRLF.
[[nodiscard]] std::string mail_text(std::string_view from, std::string_view to,
                                    std::string_view subject, std::string_view body, Instant at,
                                    std::uint64_t id);

}  // namespace fairlead::cpl
