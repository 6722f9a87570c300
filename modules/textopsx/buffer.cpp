// textopsx: the message's bytes anew, a reply's status, what is kept of the header.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <vector>

#include "core/api/log.h"
#include "core/api/regex.h"
#include "core/api/sip.h"
#include "core/api/text.h"
#include "modules/textopsx/textopsx.h"

namespace fairlead::textopsx {

namespace {

/// Makes `bytes`, which live in the arena, the message. False when they are none of the same kind;
/// then the message is as it was.
bool take(Message& m, std::string_view bytes) {
    sip::Message trial;
    if (const auto error = trial.parse(bytes)) {
        LOG(error, "what the message became is none: {} at byte {}", error->reason, error->offset);
        return false;
    }
    if (trial.is_request() != m.sip.is_request()) {
        LOG(error, "a request cannot become a reply, nor a reply a request");
        return false;
    }
    return !m.sip.parse(bytes);
}

/// Edits that wait for the choice of a socket (Record-Route), which all stand at the header's top.
std::vector<sip::Edit> waiting(const Message& m) {
    std::vector<sip::Edit> out;
    for (const sip::Edit& e : m.edits.list()) {
        if (e.only_from != sip::kAnySocket) out.push_back(e);
    }
    return out;
}

std::string_view write_changed(Message& m) {
    std::size_t room = m.sip.bytes().size() + m.target.uri.size() + 64;
    for (const sip::Edit& e : m.edits.list()) room += e.text.size();
    char* const out = m.arena.allocate(room);
    sip::Writer writer(out, room);
    // Without a new Via nothing but the edits and the Request-URI changes; of a reply, not even it.
    const sip::RequestPlan plan{.request_uri = m.is_request() ? m.target.uri : std::string_view()};
    return sip::write_request(writer, m.sip, m.edits.list(), plan) ? writer.text()
                                                                   : std::string_view();
}

/// One step of a pattern of file names at a character: how much of the pattern it takes, 0 when it
/// does not fit.
std::size_t fits(std::string_view pattern, char c) noexcept {
    if (pattern.empty()) return 0;
    if (pattern.front() == '?') return 1;
    if (pattern.front() == '\\' && pattern.size() > 1) return pattern[1] == c ? 2 : 0;
    const std::size_t end = pattern.front() == '[' ? pattern.find(']', 2) : std::string_view::npos;
    if (end == std::string_view::npos) return pattern.front() == c ? 1 : 0;
    std::string_view set = pattern.substr(1, end - 1);
    const bool inverted = set.front() == '!' || set.front() == '^';
    if (inverted) set.remove_prefix(1);
    bool found = false;
    for (std::size_t i = 0; i < set.size(); ++i) {
        if (i + 2 < set.size() && set[i + 1] == '-') {
            found = found || (set[i] <= c && c <= set[i + 2]);
            i += 2;
        } else {
            found = found || set[i] == c;
        }
    }
    return found != inverted ? end + 1 : 0;
}

/// In time of the product of the lengths at most: only the last * is ever tried again.
bool file_match(std::string_view text, std::string_view pattern) noexcept {
    std::size_t t = 0, p = 0, star = std::string_view::npos, star_text = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            star_text = t;
        } else if (const std::size_t step = fits(pattern.substr(p), text[t]); step != 0) {
            p += step;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

bool is_always_kept(sip::HeaderType type) noexcept {
    using enum sip::HeaderType;
    constexpr std::array kKept{via,     from,           to,           call_id,
                               cseq,    content_length, content_type, max_forwards,
                               contact, route,          record_route};
    return std::ranges::find(kKept, type) != kKept.end();
}

}  // namespace

Verdict Textopsx::msg_apply_changes(Message& m) {
    const std::vector<sip::Edit> later = waiting(m);
    const std::string_view bytes = write_changed(m);
    if (bytes.empty()) {
        LOG(error, "the changes could not be applied");
        return Verdict::no;
    }
    if (!take(m, bytes)) return Verdict::stop;
    m.target.uri = {};
    m.edits.clear();
    for (const sip::Edit& e : later) {
        m.edits.insert(m.sip.frame().headers_offset, e.text, e.only_from);
    }
    return Verdict::yes;
}

Verdict Textopsx::msg_set_buffer(Message& m, std::string_view data) {
    if (!take(m, m.arena.copy(data))) return Verdict::no;
    m.target.uri = {};
    m.edits.clear();
    return Verdict::yes;
}

Verdict Textopsx::change_reply_status(Message& m, int code, std::string_view reason) {
    const int old = m.sip.status();
    if (m.is_request() || code < 100 || code > 699) {
        LOG(error, "{} is no status that a reply can get", code);
        return Verdict::no;
    }
    // A transaction counts on it whether a reply is provisional, positive or negative.
    if ((old < 300 || code < 300) && old / 100 != code / 100) {
        LOG(error, "the class of a reply cannot change from {} to {}", old, code);
        return Verdict::no;
    }
    const sip::Frame before = m.sip.frame();
    const std::string_view bytes = m.sip.bytes();
    const std::array<char, 3> digits{static_cast<char>('0' + code / 100),
                                     static_cast<char>('0' + code / 10 % 10),
                                     static_cast<char>('0' + code % 10)};
    const std::size_t phrase_end = before.second_offset + before.second_size;
    const std::string_view made =
        m.arena.concat({bytes.substr(0, before.first_offset + before.first_size), " ",
                        std::string_view(digits.data(), digits.size()), " ",
                        reason.substr(0, reason.find_first_of("\r\n")), bytes.substr(phrase_end)});
    if (!take(m, made)) return Verdict::no;
    const std::vector<sip::Edit> edits(m.edits.list().begin(), m.edits.list().end());
    m.edits.clear();
    const std::uint32_t moved = m.sip.frame().headers_offset - std::uint32_t{before.headers_offset};
    for (const sip::Edit& e : edits) m.edits.replace(e.offset + moved, e.removed, e.text);
    return Verdict::yes;
}

Verdict Textopsx::change_reply_status_code(Message& m, int code) {
    return change_reply_status(m, code, m.sip.is_request() ? "" : m.sip.reason());
}

Verdict Textopsx::remove_body(Message& m) {
    const sip::Frame& frame = m.sip.frame();
    if (frame.body_size == 0) return Verdict::yes;
    return Verdict::of(m.edits.replace(frame.body_offset, frame.body_size, {}));
}

Verdict Textopsx::keep_hf(Message& m) {
    for (const sip::Header& h : m.sip.headers()) {
        if (!is_always_kept(h.type) && !m.edits.is_removed(h)) m.edits.remove(h);
    }
    return Verdict::yes;
}

Verdict Textopsx::keep_hf_re(Message& m, const Regex& pattern) {
    for (const sip::Header& h : m.sip.headers()) {
        if (is_always_kept(h.type) || m.edits.is_removed(h)) continue;
        if (!pattern.matches(m.sip.name(h))) m.edits.remove(h);
    }
    return Verdict::yes;
}

Verdict Textopsx::fnmatch(Message& m, std::string_view text, std::string_view pattern,
                          std::optional<std::string_view> flags) {
    if (!flags || flags->find('i') == std::string_view::npos) {
        return Verdict::of(file_match(text, pattern));
    }
    const auto lower = [&](std::string_view s) {
        char* const out = m.arena.allocate(s.size());
        std::ranges::transform(s, out, text::to_lower);
        return std::string_view(out, s.size());
    };
    return Verdict::of(file_match(lower(text), lower(pattern)));
}

}  // namespace fairlead::textopsx
