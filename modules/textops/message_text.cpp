// textops: searching and replacing in the bytes of a message, and its body.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "core/api/log.h"
#include "core/api/sip.h"
#include "core/api/text.h"
#include "modules/textops/textops.h"

namespace fairlead::textops {

namespace {

std::uint32_t offset_of(const Message& m, std::string_view part) noexcept {
    return static_cast<std::uint32_t>(part.data() - m.sip.bytes().data());
}

/// The part that patterns for the whole message may change: behind the start line.
std::string_view behind_start_line(const Message& m) noexcept {
    return m.sip.bytes().substr(m.sip.frame().headers_offset);
}

std::string_view header_part(const Message& m) noexcept {
    const sip::Frame& frame = m.sip.frame();
    return m.sip.bytes().substr(frame.headers_offset, frame.body_offset - frame.headers_offset);
}

/// Replaces the first match inside `where`, or all. True when there was one.
Verdict replace_in(Message& m, std::string_view where, const Regex& pattern, std::string_view text,
                   bool all) {
    bool any = false;
    std::array<std::string_view, 1> match;
    for (std::size_t from = 0; from <= where.size() && pattern.search(where, from, match);) {
        const auto at = static_cast<std::size_t>(match[0].data() - where.data());
        const auto size = static_cast<std::uint32_t>(match[0].size());
        any = m.edits.replace(offset_of(m, match[0]), size, text) || any;
        if (!all) break;
        from = at + std::max<std::size_t>(size, 1);
    }
    return answer(any);
}

Verdict append_in(Message& m, std::string_view where, const Regex& pattern, std::string_view text) {
    std::array<std::string_view, 1> match;
    if (!pattern.search(where, 0, match)) return Verdict::no;
    m.edits.insert(offset_of(m, match[0]) + static_cast<std::uint32_t>(match[0].size()), text);
    return Verdict::yes;
}

}  // namespace

Verdict Textops::search(Message& m, const Regex& pattern) {
    return answer(pattern.matches(m.sip.bytes()));
}

Verdict Textops::search_body(Message& m, const Regex& pattern) {
    return answer(!m.sip.body().empty() && pattern.matches(m.sip.body()));
}

Verdict Textops::search_append(Message& m, const Regex& pattern, std::string_view text) {
    return append_in(m, behind_start_line(m), pattern, text);
}

Verdict Textops::search_append_body(Message& m, const Regex& pattern, std::string_view text) {
    return append_in(m, m.sip.body(), pattern, text);
}

Verdict Textops::replace(Message& m, const Regex& pattern, std::string_view text) {
    return replace_in(m, behind_start_line(m), pattern, text, false);
}

Verdict Textops::replace_all(Message& m, const Regex& pattern, std::string_view text) {
    return replace_in(m, behind_start_line(m), pattern, text, true);
}

Verdict Textops::replace_hdrs(Message& m, const Regex& pattern, std::string_view text) {
    return replace_in(m, header_part(m), pattern, text, false);
}

Verdict Textops::replace_body(Message& m, const Regex& pattern, std::string_view text) {
    return replace_in(m, m.sip.body(), pattern, text, false);
}

Verdict Textops::replace_body_all(Message& m, const Regex& pattern, std::string_view text) {
    return replace_in(m, m.sip.body(), pattern, text, true);
}

Verdict Textops::has_body(Message& m, std::optional<std::string_view> type) {
    if (m.sip.body().empty()) return Verdict::no;
    if (!type || type->empty() || *type == "0") return Verdict::yes;
    const std::string_view value = m.sip.text(sip::HeaderType::content_type);
    return answer(text::ci_equal(text::trim(value.substr(0, value.find(';'))), *type));
}

Verdict Textops::set_body(Message& m, std::string_view body, std::string_view type) {
    const sip::Frame& frame = m.sip.frame();
    if (!m.edits.replace(frame.body_offset, frame.body_size, body)) return Verdict::no;
    const sip::Header* const header = m.sip.header(sip::HeaderType::content_type);
    if (header != nullptr && !m.edits.is_removed(*header)) {
        return answer(m.edits.replace(header->value_offset, header->value_length, type));
    }
    m.edits.append_header(m.sip, m.arena.concat({"Content-Type: ", type, "\r\n"}));
    return Verdict::yes;
}

Verdict Textops::set_reply_body(Message& m, std::string_view body, std::string_view type) {
    if (body.empty() || type.empty()) {
        LOG(error, "set_reply_body needs a body and its type");
        return Verdict::no;
    }
    m.reply_body = body;
    m.reply_content_type = type;
    return Verdict::yes;
}

}  // namespace fairlead::textops
