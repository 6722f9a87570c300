// textops: searching in the bytes of a message, and what all replacing is made of.
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstring>

#include "core/api/log.h"
#include "core/api/sip.h"
#include "core/api/text.h"
#include "modules/textops/textops.h"

namespace fairlead::textops {

namespace {

std::uint32_t offset_of(const Message& m, std::string_view part) noexcept {
    return static_cast<std::uint32_t>(part.data() - m.sip.bytes().data());
}

}  // namespace

std::string_view behind_start_line(const Message& m) noexcept {
    return m.sip.bytes().substr(m.sip.frame().headers_offset);
}

std::string_view header_part(const Message& m) noexcept {
    const sip::Frame& frame = m.sip.frame();
    return m.sip.bytes().substr(frame.headers_offset, frame.body_offset - frame.headers_offset);
}

bool replace_bytes(Message& m, std::string_view part, std::string_view text) {
    const std::uint32_t begin = offset_of(m, part);
    const auto size = static_cast<std::uint32_t>(part.size());
    // The empty line between header and body stays: without it there is no message.
    const std::uint32_t body = m.sip.frame().body_offset;
    if (begin < body && begin + size + 2 > body && size != 0) {
        LOG(error, "a match that reaches from the header into the body is not replaced");
        return false;
    }
    return m.edits.replace(begin, size, text);
}

std::string_view join(Arena& arena, std::span<const std::string_view> pieces) {
    std::size_t size = 0;
    for (const std::string_view piece : pieces) size += piece.size();
    char* const out = arena.allocate(size);
    char* at = out;
    for (const std::string_view piece : pieces) {
        if (!piece.empty()) std::memcpy(at, piece.data(), piece.size());
        at += piece.size();
    }
    return {out, size};
}

const Regex* Textops::by_line(const Regex& pattern) {
    return patterns_.find(pattern.pattern(), kByLine);
}

Verdict Textops::search(Message& m, const Regex& pattern) {
    const Regex* const found = by_line(pattern);
    return Verdict::of(found != nullptr && found->matches(m.sip.bytes()));
}

Verdict Textops::search_body(Message& m, const Regex& pattern) {
    const Regex* const found = by_line(pattern);
    return Verdict::of(found != nullptr && !m.sip.body().empty() && found->matches(m.sip.body()));
}

Verdict Textops::append_behind(Message& m, std::string_view where, const Regex& pattern,
                               std::string_view text) {
    const Regex* const found = by_line(pattern);
    std::array<std::string_view, 1> match;
    if (found == nullptr || !found->search(where, 0, match)) return Verdict::no;
    m.edits.insert(offset_of(m, match[0]) + static_cast<std::uint32_t>(match[0].size()), text);
    return Verdict::yes;
}

Verdict Textops::search_append(Message& m, const Regex& pattern, std::string_view text) {
    return append_behind(m, behind_start_line(m), pattern, text);
}

Verdict Textops::search_append_body(Message& m, const Regex& pattern, std::string_view text) {
    return append_behind(m, m.sip.body(), pattern, text);
}

Verdict Textops::search_hf(Message& m, std::string_view name, const Regex& pattern,
                           std::string_view which) {
    const Regex* const found = by_line(pattern);
    const char mode = which.empty() ? 'a' : which.front();
    if (found == nullptr) return Verdict::no;
    if (mode == 'l') {
        const sip::Header* const last = last_header(m, name);
        return Verdict::of(last != nullptr && found->matches(m.sip.value(*last)));
    }
    for (std::size_t n = 0; const sip::Header* h = m.sip.header(name, n); ++n) {
        if (found->matches(m.sip.value(*h))) return Verdict::yes;
        if (mode == 'f') break;
    }
    return Verdict::no;
}

}  // namespace fairlead::textops
