// Changes to a message: an ordered list of (where, how much to remove, what to insert).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/sip/message.h"

namespace fairlead::sip {

inline constexpr std::uint16_t kAnySocket = 0xffff;

/// One change. `text` lives at least as long as the list (in the message's arena).
struct Edit {
    std::uint32_t offset = 0;   ///< into the received bytes
    std::uint32_t removed = 0;  ///< bytes taken away from there
    std::string_view text;      ///< put in their place
    /// Made only when the request leaves from this socket: what a Record-Route must say depends on
    /// a choice that comes after the script.
    std::uint16_t only_from = kAnySocket;
};

/// The pending changes of one message, kept in the order of their offsets; changes at the same
/// place keep the order in which they were made. The received bytes never change. Reused without
/// allocating once its vector has grown.
class Edits {
public:
    void clear() noexcept { edits_.clear(); }
    [[nodiscard]] bool empty() const noexcept { return edits_.empty(); }
    [[nodiscard]] std::span<const Edit> list() const noexcept { return edits_; }

    /// Does nothing inside a range that was removed before: what it belongs to is gone.
    void insert(std::uint32_t offset, std::string_view text, std::uint16_t only_from = kAnySocket);
    /// Gives insertions and replacements made before another text; `old` is the very view they were
    /// made with.
    void change_text(std::string_view old, std::string_view text) noexcept;
    /// False when it overlaps a removal made before (which then stands). Takes insertions inside
    /// the range with it; those at its two ends stay.
    bool replace(std::uint32_t offset, std::uint32_t removed, std::string_view text);
    bool remove(const Header& header) {
        return replace(header.name_offset, header.line_length, {});
    }
    /// Whole lines, each with its CRLF.
    void append_header(const Message& m, std::string_view lines);   ///< behind the last header
    void prepend_header(const Message& m, std::string_view lines);  ///< before the first header
    void insert_before(const Header& h, std::string_view lines) { insert(h.name_offset, lines); }
    void insert_after(const Header& h, std::string_view lines) {
        insert(h.name_offset + h.line_length, lines);
    }
    /// True when the header was removed by an edit: later readers must not count it.
    [[nodiscard]] bool is_removed(const Header& h) const noexcept;

private:
    std::vector<Edit> edits_;
};

}  // namespace fairlead::sip
