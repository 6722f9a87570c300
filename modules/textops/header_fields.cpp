// textops: finding, adding and removing header fields.
// SPDX-License-Identifier: Apache-2.0
#include <ctime>

#include "core/api/log.h"
#include "core/api/sip.h"
#include "core/api/text.h"
#include "modules/textops/textops.h"

namespace fairlead::textops {

namespace {

bool is_complete(std::string_view lines) noexcept {
    if (lines.ends_with("\r\n") && !lines.starts_with("\r\n")) return true;
    LOG(error, "a header line must end with CRLF: \"{}\"", lines);
    return false;
}

template <class Wanted>
Verdict remove_if(Message& m, Wanted wanted) {
    bool any = false;
    for (const sip::Header& h : m.sip.headers()) {
        if (!m.edits.is_removed(h) && wanted(h)) any = m.edits.remove(h) || any;
    }
    return Verdict::of(any);
}

bool has_name(const Message& m, const sip::Header& h, std::string_view name) noexcept {
    const sip::HeaderType type = sip::header_type(name);
    return type == sip::HeaderType::other ? text::ci_equal(m.sip.name(h), name) : h.type == type;
}

}  // namespace

const sip::Header* last_header(const Message& m, std::string_view name) noexcept {
    const sip::Header* last = nullptr;
    for (std::size_t n = 0; const sip::Header* h = m.sip.header(name, n); ++n) last = h;
    return last;
}

Verdict Textops::is_method(Message& m, std::string_view names) {
    const std::string_view method = m.sip.method_text();
    while (!names.empty()) {
        const std::size_t bar = names.find('|');
        if (text::ci_equal(text::trim(names.substr(0, bar)), method)) return Verdict::yes;
        if (bar == std::string_view::npos) break;
        names.remove_prefix(bar + 1);
    }
    return Verdict::no;
}

Verdict Textops::is_present_hf(Message& m, std::string_view name) {
    for (std::size_t n = 0; const sip::Header* h = m.sip.header(name, n); ++n) {
        if (!m.edits.is_removed(*h)) return Verdict::yes;
    }
    return Verdict::no;
}

Verdict Textops::is_present_hf_re(Message& m, const Regex& name) {
    for (const sip::Header& h : m.sip.headers()) {
        if (!m.edits.is_removed(h) && name.matches(m.sip.name(h))) return Verdict::yes;
    }
    return Verdict::no;
}

Verdict Textops::append_hf(Message& m, std::string_view lines,
                           std::optional<std::string_view> behind) {
    if (!is_complete(lines)) return Verdict::no;
    const sip::Header* const h = behind ? last_header(m, *behind) : nullptr;
    if (h != nullptr) {
        m.edits.insert_after(*h, lines);
    } else {
        m.edits.append_header(m.sip, lines);
    }
    return Verdict::yes;
}

Verdict Textops::insert_hf(Message& m, std::string_view lines,
                           std::optional<std::string_view> before) {
    if (!is_complete(lines)) return Verdict::no;
    const sip::Header* const h = before ? m.sip.header(*before) : nullptr;
    if (h != nullptr) {
        m.edits.insert_before(*h, lines);
    } else {
        m.edits.prepend_header(m.sip, lines);
    }
    return Verdict::yes;
}

Verdict Textops::append_urihf(Message& m, std::string_view prefix, std::string_view suffix) {
    return append_hf(m, m.arena.concat({prefix, m.sip.request_uri(), suffix}), std::nullopt);
}

Verdict Textops::remove_hf(Message& m, std::string_view name) {
    return remove_if(m, [&](const sip::Header& h) { return has_name(m, h, name); });
}

Verdict Textops::remove_hf_match(Message& m, std::string_view name, std::string_view op,
                                 std::string_view expression) {
    const Regex* const pattern = op == "re" ? patterns_.find(expression, kByLine) : nullptr;
    if (pattern == nullptr && op != "eq" && op != "ne" && op != "in") {
        LOG(error, "the operator is eq, ne, in or re, not \"{}\"", op);
        return Verdict::no;
    }
    return remove_if(m, [&](const sip::Header& h) {
        if (!has_name(m, h, name)) return false;
        const std::string_view value = m.sip.value(h);
        if (pattern != nullptr) return pattern->matches(value);
        if (op == "in") return value.find(expression) != std::string_view::npos;
        return (value == expression) == (op == "eq");
    });
}

Verdict Textops::remove_hf_re(Message& m, const Regex& name) {
    return remove_if(m, [&](const sip::Header& h) { return name.matches(m.sip.name(h)); });
}

Verdict Textops::remove_hf_exp(Message& m, const Regex& name, const Regex& kept) {
    return remove_if(m, [&](const sip::Header& h) {
        return name.matches(m.sip.name(h)) && !kept.matches(m.sip.name(h));
    });
}

Verdict Textops::remove_hf_idx(Message& m, std::string_view name, int index) {
    std::size_t count = 0;
    while (m.sip.header(name, count) != nullptr) ++count;
    const std::int64_t at = index < 0 ? static_cast<std::int64_t>(count) + index : index;
    if (at < 0 || at >= static_cast<std::int64_t>(count)) return Verdict::no;
    return Verdict::of(m.edits.remove(*m.sip.header(name, static_cast<std::size_t>(at))));
}

Verdict Textops::append_to_reply(Message& m, std::string_view lines) {
    if (!is_complete(lines)) return Verdict::no;
    m.append_to_reply(lines);
    return Verdict::yes;
}

std::string_view Textops::date_line(Message& m) const {
    const std::time_t now = clock_->unix_seconds();
    std::tm utc{};
    gmtime_r(&now, &utc);
    constexpr std::size_t kRoom = 64;
    char* const out = m.arena.allocate(kRoom);
    const std::size_t size = std::strftime(out, kRoom, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
    return {out, size};
}

Verdict Textops::append_time(Message& m) {
    m.append_to_reply(date_line(m));
    return Verdict::yes;
}

Verdict Textops::append_time_to_request(Message& m) {
    return append_hf(m, date_line(m), std::nullopt);
}

Verdict Textops::is_privacy(Message& m, std::string_view type) {
    for (std::size_t n = 0; const sip::Header* h = m.sip.header(sip::HeaderType::privacy, n); ++n) {
        // Values are separated by ';' (RFC 3323 4.2), by some senders by ','.
        std::string_view rest = m.sip.value(*h);
        while (!rest.empty()) {
            const std::size_t end = rest.find_first_of(";,");
            if (text::ci_equal(text::trim(rest.substr(0, end)), type)) return Verdict::yes;
            if (end == std::string_view::npos) break;
            rest.remove_prefix(end + 1);
        }
    }
    return Verdict::no;
}

}  // namespace fairlead::textops
