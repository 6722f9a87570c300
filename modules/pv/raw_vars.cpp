// pv: the message as bytes, where a reply goes, versions, statistics, and counting values.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "core/api/log.h"
#include "core/api/route_target.h"
#include "core/api/text.h"
#include "modules/pv/pv.h"
#include "modules/pv/words.h"

namespace fairlead::pv {

namespace {

/// The received bytes with the pending changes made, and the Request-URI as it stands.
class Changed {
public:
    explicit Changed(const Message& m) : m_(m), bytes_(m.sip.bytes()) {}

    /// Written into `out` when it is not null; gives the size in any case.
    std::size_t write(char* out) const {
        std::size_t size = 0, from = 0;
        const auto put = [&](std::string_view s) {
            if (out != nullptr) std::copy(s.begin(), s.end(), out + size);
            size += s.size();
        };
        const auto change = [&](std::size_t at, std::size_t removed, std::string_view text) {
            if (at < from) return;
            put(bytes_.substr(from, at - from));
            put(text);
            from = at + removed;
        };
        if (m_.is_request() && !m_.target.uri.empty()) {
            const std::string_view old = m_.sip.request_uri();
            change(static_cast<std::size_t>(old.data() - bytes_.data()), old.size(), m_.target.uri);
        }
        for (const sip::Edit& e : m_.edits.list()) {
            if (e.only_from == sip::kAnySocket) change(e.offset, e.removed, e.text);
        }
        put(bytes_.substr(std::min(from, bytes_.size())));
        return size;
    }

private:
    const Message& m_;
    std::string_view bytes_;
};

constexpr std::array<std::string_view, 10> kMessageParts{
    "len", "buf", "body", "body_len", "hdrs", "hdrs_len", "fline", "lpart", "fpart", "hdrc"};
constexpr std::array<std::string_view, 7> kReplyParts{"duri",     "dhost",  "dport", "dproto",
                                                      "dprotoid", "cntvia", "cntrr"};
constexpr std::array<std::string_view, 3> kVersions{"num", "full", "hash"};
constexpr std::array<std::string_view, 2> kServer{"ver", "verval"};

std::size_t count_of(const Message& m, sip::HeaderType type) {
    std::size_t n = 0;
    for (std::size_t i = 0; const sip::Header* h = m.sip.header(type, i); ++i) {
        std::string_view rest = m.sip.value(*h);
        while (sip::next_value(rest)) ++n;
    }
    return n;
}

/// Position of a byte of the message; nullopt when there is none.
std::optional<std::size_t> position(const Message& m, std::string_view text) {
    const auto at = text::parse_uint(text, UINT32_MAX);
    if (at && *at < m.sip.bytes().size()) return static_cast<std::size_t>(*at);
    LOG(error, "$msgbuf({}) is outside of the message", text);
    return std::nullopt;
}

}  // namespace

Result<std::uint64_t> resolve_byte(Module&, std::string_view inner) {
    if (!text::parse_int(inner)) return fail("$msgbuf is that of a number");
    return 0;
}

Value get_byte(Module&, Message& m, const VariableName& name) {
    const auto at = position(m, name.inner);
    return at ? Value(m.sip.bytes().substr(*at, 1)) : Value();
}

bool set_byte(Module&, Message& m, const VariableName& name, const Value& value) {
    if (value.is_null()) return true;  // as with Kamailio: nothing is changed
    const auto at = position(m, name.inner);
    if (!at) return false;
    if (!value.is_string() || value.string().empty()) {
        LOG(error, "$msgbuf({}) takes the first character of a text", name.inner);
        return false;
    }
    const std::string_view old = m.sip.bytes();
    const std::string_view bytes =
        m.arena.concat({old.substr(0, *at), value.string().substr(0, 1), old.substr(*at + 1)});
    // Changes that wait are places in the message: they stay right, as it keeps its length.
    const auto trial = std::make_unique<sip::Message>();
    if (trial->parse(bytes) || trial->is_request() != m.sip.is_request()) {
        LOG(error, "with that at $msgbuf({}) the message would be none", name.inner);
        return false;
    }
    return !m.sip.parse(bytes);
}

Value get_current_bytes(Module&, Message& m, const VariableName&) {
    const Changed changed(m);
    const std::size_t size = changed.write(nullptr);
    char* const out = m.arena.allocate(size);
    changed.write(out);
    return std::string_view(out, size);
}

Result<std::uint64_t> resolve_message_part(Module&, std::string_view inner) {
    return one_of(kMessageParts, inner);
}

Value get_message_part(Module&, Message& m, const VariableName& name) {
    const std::string_view all = m.sip.bytes(), body = m.sip.body();
    const sip::Frame& frame = m.sip.frame();
    const auto length = [](std::string_view s) {
        return Value(static_cast<std::int64_t>(s.size()));
    };
    // Up to the last header's CRLF.
    const std::string_view headers =
        text::trim(all.substr(frame.headers_offset, frame.body_offset - frame.headers_offset));
    switch (name.handle) {
        case 0: return length(all);
        case 1: return all;
        case 2: return body;
        case 3: return length(body);
        case 4: return headers;
        case 5: return length(headers);
        case 6: return text::trim(all.substr(0, frame.headers_offset));
        case 7: return all.substr(frame.headers_offset);
        case 8: return text::trim(all.substr(0, frame.body_offset));
        default: return static_cast<int>(frame.header_count);
    }
}

// ---- $rpl ---------------------------------------------------------------------------------------

Result<std::uint64_t> resolve_reply_target(Module&, std::string_view inner) {
    return one_of(kReplyParts, inner);
}

Value reply_uri(Module& self, Message& m) {
    Core* const core = static_cast<Pv&>(self).core;
    if (m.is_request() || core == nullptr) return {};
    const auto to = relay_target(core->net(), m.sip, m.received.listener);
    if (!to) return {};
    constexpr std::size_t kRoom = 48;
    char* const ip = m.arena.allocate(kRoom);
    const std::string_view host(ip, to->address.write_ip(ip, true));
    return m.arena.concat({"sip:", host, ":", as_text(m, Value(to->address.port)),
                           ";transport=", fairlead::name(to->proto)});
}

Value get_reply_target(Module& self, Message& m, const VariableName& name) {
    if (m.is_request()) return {};
    if (name.handle == 5) {
        return static_cast<std::int64_t>(count_of(m, sip::HeaderType::via));
    }
    if (name.handle == 6) {
        return static_cast<std::int64_t>(count_of(m, sip::HeaderType::record_route));
    }
    const Value all = reply_uri(self, m);
    const auto uri = sip::parse_uri(all.string());
    if (name.handle == 0 || !uri) return all;
    switch (name.handle) {
        case 1: return uri->host;
        case 2: return static_cast<int>(uri->port);
        case 3: return uri->param("transport").value_or("");
        default: return static_cast<int>(uri->transport().value_or(Proto::none));
    }
}

// ---- $version, $ksr, $stat ----------------------------------------------------------------------

Result<std::uint64_t> resolve_version(Module&, std::string_view inner) {
    return one_of(kVersions, inner);
}
Value get_version(Module&, Message&, const VariableName& name) {
    constexpr std::string_view kFull = "fairlead " FAIRLEAD_VERSION;
    if (name.handle == 2) return std::string_view("unknown");
    return name.handle == 0 ? kFull.substr(kFull.find(' ') + 1) : kFull;
}

Result<std::uint64_t> resolve_server(Module&, std::string_view inner) {
    return one_of(kServer, inner);
}
Value get_server(Module&, Message&, const VariableName& name) {
    constexpr std::string_view kVersion = FAIRLEAD_VERSION;
    if (name.handle == 0) return kVersion;
    // 1.2.3 is 1002003.
    std::int64_t number = 0, part = 0;
    for (const char c : kVersion) {
        if (text::is_digit(c)) {
            part = part * 10 + (c - '0');
        } else {
            number = (number + part) * 1000;
            part = 0;
        }
    }
    return number + part;
}

Value get_statistic(Module& self, Message&, const VariableName& name) {
    Core* const core = static_cast<Pv&>(self).core;
    if (core == nullptr) return {};
    const std::size_t divider = name.inner.find_first_of(".:");
    for (const auto& row : core->counters().rows()) {
        const bool same = divider == name.inner.npos
                              ? row.name == name.inner
                              : row.group == name.inner.substr(0, divider) &&
                                    row.name == name.inner.substr(divider + 1);
        if (same) return core->counters().sum(shm::Counter(row.cell));
    }
    return {};
}

// ---- $cnt ---------------------------------------------------------------------------------------

namespace {
constexpr std::array<std::string_view, 4> kCounted{"$avp(", "$xavp(", "$xavi(", "$hdr("};
}  // namespace

Result<std::uint64_t> resolve_count(Module&, std::string_view inner) {
    inner = text::trim(inner);
    for (std::size_t i = 0; i < kCounted.size(); ++i) {
        if (inner.starts_with(kCounted[i]) && inner.ends_with(')')) return i;
    }
    return fail("a variable with several values expected: $avp, $xavp, $xavi or $hdr");
}

Value get_count(Module& self, Message& m, const VariableName& name) {
    std::string_view inner = text::trim(name.inner);
    inner.remove_prefix(kCounted[name.handle].size());
    inner.remove_suffix(1);
    if (name.handle == 0) {
        const std::string_view key = inner.starts_with("s:") ? inner.substr(2) : inner;
        return static_cast<std::int64_t>(m.avps.count(static_cast<Pv&>(self).avp_alias(key)));
    }
    if (name.handle == 3) {
        std::int64_t n = 0;
        while (m.sip.header(inner, static_cast<std::size_t>(n)) != nullptr) ++n;
        return n;
    }
    return count_xavp(m, name.handle == 1 ? Lists::xavp : Lists::xavi, inner);
}

}  // namespace fairlead::pv
