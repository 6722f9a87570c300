// Counts what the program asks the system's allocator for. Linked into allocation tests only.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

namespace fairlead::test {

/// Calls of operator new so far, in all its forms.
[[nodiscard]] std::uint64_t allocations() noexcept;

}  // namespace fairlead::test
