// textops: whole bodies, bodies of several parts, and whether a body puts the audio on hold.
// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "core/api/log.h"
#include "core/api/sip.h"
#include "core/api/text.h"
#include "modules/textops/multipart.h"
#include "modules/textops/textops.h"

namespace fairlead::textops {

namespace {

constexpr std::string_view kDefaultBoundary = "unique-boundary-1";

Verdict replace_body_with(Message& m, std::string_view body) {
    const sip::Frame& frame = m.sip.frame();
    return Verdict::of(m.edits.replace(frame.body_offset, frame.body_size, body));
}

/// The boundary of a message with several parts; "" otherwise.
std::string_view message_boundary(const Message& m) noexcept {
    const std::string_view type = m.sip.text(sip::HeaderType::content_type);
    return text::ci_starts_with(type, "multipart/") ? boundary_of(type) : std::string_view();
}

std::optional<Part> find_part(const Message& m, std::string_view type) noexcept {
    Parts parts(m.sip.body(), message_boundary(m));
    while (const auto part = parts.next()) {
        if (text::ci_equal(part->type, type)) return part;
    }
    return std::nullopt;
}

/// Puts the body together anew from its parts without `left_out`, and one more part if given.
Verdict rebuild(Message& m, const Part* left_out, std::string_view added) {
    const std::string_view boundary = message_boundary(m);
    std::vector<std::string_view> pieces;
    const auto add = [&](std::string_view part) {
        pieces.insert(pieces.end(), {"--", boundary, "\r\n", part, "\r\n"});
    };
    Parts parts(m.sip.body(), boundary);
    while (const auto part = parts.next()) {
        if (left_out == nullptr || part->whole.data() != left_out->whole.data()) add(part->whole);
    }
    if (!added.empty()) add(added);
    pieces.insert(pieces.end(), {"--", boundary, "--\r\n"});
    return replace_body_with(m, join(m.arena, pieces));
}

/// "68 65 6c6c" as bytes; nullopt when it is none.
std::optional<std::string_view> from_hex(Message& m, std::string_view text) {
    char* const out = m.arena.allocate(text.size() / 2 + 1);
    std::size_t size = 0;
    int high = -1;
    for (const char c : text) {
        if (text::is_space(c)) continue;
        const char lower = text::to_lower(c);
        const bool letter = lower >= 'a' && lower <= 'f';
        if (!letter && !text::is_digit(c)) return std::nullopt;
        const int digit = letter ? lower - 'a' + 10 : c - '0';
        if (high < 0) {
            high = digit;
        } else {
            out[size++] = static_cast<char>(high * 16 + digit);
            high = -1;
        }
    }
    if (high >= 0) return std::nullopt;
    return std::string_view(out, size);
}

// ---- Hold ---------------------------------------------------------------------------------------

/// What the lines of a session, or of one stream, say about hold.
struct Hold {
    bool null_address = false, inactive = false;

    void read(std::string_view line) noexcept {
        if (line == "a=inactive" || line == "a=sendonly") inactive = true;
        if (line == "c=IN IP4 0.0.0.0") null_address = true;
        if (line.starts_with("c=") && line != "c=IN IP4 0.0.0.0") null_address = false;
    }
};

/// 2 when an audio stream is held as RFC 3264 8.4 says, 1 as RFC 2543 B.5, -1 when none is.
int audio_hold(std::string_view sdp) noexcept {
    int found = -1;
    Hold session, stream;
    bool in_stream = false, is_audio = false;
    const auto close = [&] {
        if (!is_audio) return;
        if (stream.inactive) {
            found = 2;
        } else if (stream.null_address && found < 0) {
            found = 1;
        }
    };
    while (!sdp.empty() && found != 2) {
        const std::size_t end = sdp.find('\n');
        const std::string_view line = text::trim(sdp.substr(0, end));
        sdp.remove_prefix(end == std::string_view::npos ? sdp.size() : end + 1);
        if (line.starts_with("m=")) {
            close();
            in_stream = true;
            is_audio = line.starts_with("m=audio ");
            stream = session;
        } else {
            (in_stream ? stream : session).read(line);
        }
    }
    if (found != 2) close();
    return found;
}

}  // namespace

Verdict Textops::has_body(Message& m, std::optional<std::string_view> type) {
    if (m.sip.body().empty()) return Verdict::no;
    if (!type || type->empty() || *type == "0") return Verdict::yes;
    return Verdict::of(
        text::ci_equal(media_type(m.sip.text(sip::HeaderType::content_type)), *type));
}

Verdict Textops::set_body(Message& m, std::string_view body, std::string_view type) {
    const Verdict replaced = replace_body_with(m, body);
    if (replaced != Verdict::yes) return replaced;
    const sip::Header* const header = m.sip.header(sip::HeaderType::content_type);
    if (header != nullptr && !m.edits.is_removed(*header)) {
        return Verdict::of(m.edits.replace(header->value_offset, header->value_length, type));
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

Verdict Textops::filter_body(Message& m, std::string_view type) {
    const auto part = find_part(m, type);
    return part ? replace_body_with(m, part->content) : Verdict::no;
}

Verdict Textops::is_audio_on_hold(Message& m) {
    const bool plain =
        text::ci_equal(media_type(m.sip.text(sip::HeaderType::content_type)), "application/sdp");
    const auto part = plain ? std::nullopt : find_part(m, "application/sdp");
    return Verdict(audio_hold(plain ? m.sip.body() : (part ? part->content : "")));
}

// ---- Several parts ------------------------------------------------------------------------------

Verdict Textops::to_multipart(Message& m, std::optional<std::string_view> boundary) {
    if (!message_boundary(m).empty()) return Verdict::yes;
    const std::string_view type = m.sip.text(sip::HeaderType::content_type);
    if (m.sip.body().empty() || type.empty()) {
        LOG(error, "there is no body with a Content-Type to make a part of");
        return Verdict::no;
    }
    return set_body_multipart(m, m.sip.body(), type, boundary);
}

Verdict Textops::set_body_multipart(Message& m, std::string_view body, std::string_view type,
                                    std::optional<std::string_view> boundary) {
    const std::string_view mark = boundary && !boundary->empty() ? *boundary : kDefaultBoundary;
    if (type.empty()) {
        LOG(error, "set_body_multipart needs the type of the part");
        return Verdict::no;
    }
    const std::string_view made = m.arena.concat(
        {"--", mark, "\r\nContent-Type: ", type, "\r\n\r\n", body, "\r\n--", mark, "--\r\n"});
    for (const sip::HeaderType old :
         {sip::HeaderType::content_type, sip::HeaderType::mime_version}) {
        const sip::Header* const header = m.sip.header(old);
        if (header != nullptr) m.edits.remove(*header);
    }
    m.edits.append_header(m.sip, m.arena.concat({"Content-Type: multipart/mixed;boundary=\"", mark,
                                                 "\"\r\nMime-Version: 1.0\r\n"}));
    return replace_body_with(m, made);
}

Verdict Textops::append_body_part(Message& m, std::string_view body, std::string_view type,
                                  std::optional<std::string_view> disposition) {
    if (message_boundary(m).empty()) {
        LOG(error, "the body has no boundary: is it multipart?");
        return Verdict::no;
    }
    const bool given = disposition && !disposition->empty();
    return rebuild(m, nullptr,
                   m.arena.concat({"Content-Type: ", type, given ? "\r\nContent-Disposition: " : "",
                                   given ? *disposition : "", "\r\n\r\n", body}));
}

Verdict Textops::append_body_part_hex(Message& m, std::string_view hex, std::string_view type,
                                      std::optional<std::string_view> disposition) {
    const auto bytes = from_hex(m, hex);
    if (!bytes) {
        LOG(error, "\"{}\" is no hexadecimal text", hex);
        return Verdict::no;
    }
    return append_body_part(m, *bytes, type, disposition);
}

Verdict Textops::get_body_part(Message& m, std::string_view type, const VariableRef& variable) {
    const auto part = find_part(m, type);
    return Verdict::of(part && variable.set(m, Value(part->behind_type)));
}

Verdict Textops::get_body_part_raw(Message& m, std::string_view type, const VariableRef& variable) {
    const auto part = find_part(m, type);
    return Verdict::of(part && variable.set(m, Value(part->with_delimiter)));
}

Verdict Textops::remove_body_part(Message& m, std::string_view type) {
    const auto part = find_part(m, type);
    return part ? rebuild(m, &*part, {}) : Verdict::no;
}

}  // namespace fairlead::textops
