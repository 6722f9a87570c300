// The list of pending changes of a message.
// SPDX-License-Identifier: Apache-2.0
#include "core/sip/edits.h"

#include <algorithm>

namespace fairlead::sip {
namespace {

std::uint32_t end_of(const Edit& e) noexcept {
    return e.offset + e.removed;
}

}  // namespace

void Edits::insert(std::uint32_t offset, std::string_view text, std::uint16_t only_from) {
    for (const Edit& e : edits_)
        if (e.offset < offset && offset < end_of(e)) return;
    const auto behind = std::find_if(edits_.begin(), edits_.end(),
                                     [=](const Edit& e) { return e.offset > offset; });
    edits_.insert(behind, {offset, 0, text, only_from});
}

void Edits::change_text(std::string_view old, std::string_view text) noexcept {
    for (Edit& e : edits_)
        if ((e.removed == 0 || !old.empty()) && e.text.data() == old.data() &&
            e.text.size() == old.size())
            e.text = text;
}

bool Edits::replace(std::uint32_t offset, std::uint32_t removed, std::string_view text) {
    if (removed == 0) {
        insert(offset, text);
        return true;
    }
    const std::uint32_t end = offset + removed;
    for (const Edit& e : edits_)
        if (e.removed != 0 && e.offset < end && offset < end_of(e)) return false;
    std::erase_if(edits_, [=](const Edit& e) { return e.offset > offset && e.offset < end; });
    const auto behind = std::find_if(edits_.begin(), edits_.end(),
                                     [=](const Edit& e) { return e.offset > offset; });
    edits_.insert(behind, {offset, removed, text, kAnySocket});
    return true;
}

void Edits::append_header(const Message& m, std::string_view lines) {
    // The empty line is the last CRLF before the body; a refused message may have none.
    const std::uint32_t body = m.frame().body_offset;
    insert(body >= 2 ? body - 2 : body, lines);
}

void Edits::prepend_header(const Message& m, std::string_view lines) {
    insert(m.frame().headers_offset, lines);
}

bool Edits::is_removed(const Header& h) const noexcept {
    const std::uint32_t begin = h.name_offset, end = begin + h.line_length;
    return std::any_of(edits_.begin(), edits_.end(),
                       [=](const Edit& e) { return e.offset <= begin && end_of(e) >= end; });
}

}  // namespace fairlead::sip
