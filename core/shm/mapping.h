// The anonymous shared mapping and the manager of its big chunks. Only mapping.cpp knows Boost.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <memory>

#include "core/base/result.h"

namespace fairlead::shm {

/// One lock guards all chunks, so it is asked rarely: for slabs of many blocks and for blocks above
/// the largest class. What a process leaves half done inside cannot be repaired, only detected.
class Mapping {
public:
    /// Reserves `control` bytes at the start, zeroed, and manages the rest.
    [[nodiscard]] static Result<std::unique_ptr<Mapping>> create(std::size_t bytes,
                                                                 std::size_t control);
    ~Mapping();
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;

    [[nodiscard]] char* control() const noexcept;
    [[nodiscard]] std::size_t size() const noexcept;

    /// Null when no room is left or the manager is damaged. Alignment 16.
    [[nodiscard]] char* allocate(std::size_t bytes) noexcept;
    void free(char* chunk) noexcept;

    /// True when a process died inside the manager. From then on nothing is handed out or taken
    /// back; everything must be started again with a new segment.
    [[nodiscard]] bool damaged() const noexcept;
    /// Takes the lock and checks the manager's structure; any process, slow.
    void check() noexcept;

private:
    struct Impl;
    explicit Mapping(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

}  // namespace fairlead::shm
