// fix_nated_sdp(): addresses and marks in an SDP body (RFC 4566 5.2, 5.7; RFC 3605).
// SPDX-License-Identifier: Apache-2.0
#include "modules/nathelper/sdp.h"

#include <algorithm>
#include <string>

#include "core/api/sip.h"
#include "core/api/text.h"

namespace fairlead::nathelper {

namespace {

constexpr std::string_view kDirection = "a=direction:active\r\n";
constexpr std::string_view kV4 = "IN IP4 ";

/// Takes a line off `rest`, with its end.
std::string_view take_line(std::string_view& rest) {
    const std::size_t end = std::min(rest.find('\n'), rest.size() - 1) + 1;
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end);
    return line;
}

/// The IPv4 address of a line that has one; the first in it is meant.
std::string_view address_in(std::string_view line) {
    const std::size_t at = line.find(kV4);
    if (at == std::string_view::npos) return {};
    line.remove_prefix(at + kV4.size());
    return line.substr(0, line.find_first_of(" /\r\n"));
}

bool is_media_address(std::string_view line, const SdpChanges& changes) {
    return (changes.connection && line.starts_with("c=")) ||
           (changes.origin && line.starts_with("o=")) ||
           ((changes.connection || changes.origin) && line.starts_with("a=rtcp:"));
}

class Fixer {
public:
    Fixer(Message& m, const SdpChanges& changes) : m_(m), changes_(changes) {}

    int run() {
        const std::string_view body = m_.sip.body();
        for (std::string_view rest = body; !rest.empty();) {
            const std::string_view line = take_line(rest);
            if (line.starts_with("m=")) end_media(line.data());
            in_media_ = in_media_ || line.starts_with("m=");
            if (is_media_address(line, changes_)) replace(address_in(line));
        }
        end_media(body.data() + body.size());
        std::string tail;
        if (!body.ends_with('\n')) tail += "\r\n";
        const std::size_t bare = tail.size();
        const std::string_view mark = text::trim(changes_.mark_line);
        if (changes_.mark && body.find(mark) == std::string_view::npos) tail += changes_.mark_line;
        tail += old_;
        if (tail.size() != bare) insert(body.data() + body.size(), tail);
        return replaced_ ? 1 : 2;
    }

private:
    void insert(const char* at, std::string_view text) {
        m_.edits.insert(static_cast<std::uint32_t>(at - m_.sip.bytes().data()),
                        m_.arena.copy(text));
    }
    void end_media(const char* at) {
        if (!in_media_ || !changes_.direction) return;
        const bool whole = at[-1] == '\n';
        insert(at, whole ? kDirection : "\r\na=direction:active");
    }
    void replace(std::string_view address) {
        const auto parsed = Address::parse(address);
        if (!parsed || parsed->version != 4 || address == "0.0.0.0") return;
        const auto offset = static_cast<std::uint32_t>(address.data() - m_.sip.bytes().data());
        if (!m_.edits.replace(offset, static_cast<std::uint32_t>(address.size()),
                              changes_.address)) {
            return;
        }
        replaced_ = true;
        if (changes_.note_old) old_.append("a=oldmediaip:").append(address).append("\r\n");
    }

    Message& m_;
    const SdpChanges& changes_;
    std::string old_;
    bool in_media_ = false, replaced_ = false;
};

}  // namespace

int fix_sdp(Message& m, const SdpChanges& changes) {
    const std::string_view body = m.sip.body();
    const std::string_view type = m.sip.text(sip::HeaderType::content_type);
    if (body.empty() ||
        !text::ci_equal(text::trim(type.substr(0, type.find(';'))), "application/sdp")) {
        return -1;
    }
    return Fixer(m, changes).run();
}

}  // namespace fairlead::nathelper
