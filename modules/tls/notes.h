// What all processes may know of TLS connections: a note for each, written by the connection's
// owner. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/api/core.h"

namespace fairlead::tls {

/// In pages of their own that cost nothing until they are used. A place belongs to the owner of the
/// connection whose number leads to it.
class Notes {
public:
    struct Row {
        std::uint32_t connection = 0;
        Address remote, local;
        bool outgoing = false, open = false;
        std::array<char, 128> cipher{};  ///< ends with 0
    };
    Notes() = default;
    ~Notes();
    Notes(const Notes&) = delete;
    Notes& operator=(const Notes&) = delete;

    /// Before fork: so many connections at a time.
    [[nodiscard]] Result<void> map(std::size_t connections);
    /// By the owner, who is in `slot`.
    void set(std::uint16_t slot, const Row& row) noexcept;
    void clear(std::uint32_t connection) noexcept;
    /// When the process in `slot` died, by its successor.
    void clear_all(std::uint16_t slot) noexcept;
    /// All that are there; not of one moment.
    [[nodiscard]] std::vector<Row> rows() const;

private:
    struct Place {
        std::atomic<std::uint32_t> version;  ///< odd while it is being written
        std::atomic<std::uint16_t> slot;     ///< 0: empty
        Row row;
    };
    [[nodiscard]] Place* at(std::uint32_t connection) const noexcept {
        return places_.empty() || connection == 0 ? nullptr
                                                  : &places_[(connection - 1) % places_.size()];
    }
    std::span<Place> places_;
};

}  // namespace fairlead::tls
