// pv: URIs and their parts: $ru, $rU, $du, $fu, $td, $nh(…).
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "core/api/log.h"
#include "core/api/uri_edit.h"
#include "modules/pv/pv.h"

namespace fairlead::pv {

namespace {

const sip::NameAddr* address_of(const Message& m, Source source) noexcept {
    return source == Source::from ? m.sip.from() : m.sip.to();
}

bool is_header(Source source) noexcept {
    return source == Source::from || source == Source::to;
}

/// The URI as text; null when the message has none.
Value whole(Message& m, Source source) {
    if (is_header(source)) {
        const sip::NameAddr* const address = address_of(m, source);
        return address != nullptr ? Value(address->uri) : Value::absent();
    }
    if (!m.is_request()) return {};
    switch (source) {
        case Source::current: return m.uri();
        case Source::original: return m.sip.request_uri();
        case Source::next_hop: return m.next_hop();
        default: return or_null(m.target.dst_uri);
    }
}

Value transport_of(const sip::Uri& uri, Source source) {
    if (const auto given = uri.param("transport"); given && !given->empty()) return *given;
    if (uri.scheme == sip::Scheme::sips) return std::string_view("TLS");
    const bool request_line = source == Source::current || source == Source::original;
    return std::string_view(request_line ? "UDP" : "udp");
}

/// The URI that an assignment put into From or To before; null when there was none.
const sip::Edit* pending(const Message& m, const sip::NameAddr& address) {
    const auto offset = static_cast<std::uint32_t>(address.uri.data() - m.sip.bytes().data());
    for (const sip::Edit& e : m.edits.list()) {
        if (e.offset == offset && e.removed == address.uri.size()) return &e;
    }
    return nullptr;
}

/// Puts a new URI where the old one stands in From or To.
bool replace_in_header(Message& m, Source source, std::string_view uri) {
    const sip::NameAddr* const address = address_of(m, source);
    if (address == nullptr || uri.empty()) return false;
    const auto offset = static_cast<std::uint32_t>(address->uri.data() - m.sip.bytes().data());
    if (const sip::Edit* const before = pending(m, *address)) {
        m.edits.change_text(before->text, uri);
        return true;
    }
    return m.edits.replace(offset, static_cast<std::uint32_t>(address->uri.size()), uri);
}

bool set_whole(Message& m, Source source, std::string_view uri) {
    switch (source) {
        case Source::current: m.target.uri = uri; return true;
        case Source::destination: m.target.dst_uri = uri; return true;
        case Source::from:
        case Source::to: return replace_in_header(m, source, uri);
        default: return false;
    }
}

}  // namespace

namespace {

Value part_of(const Value& all, Part part, Source source) {
    if (part == Part::whole || all.is_null()) return all;
    const auto uri = sip::parse_uri(all.string());
    if (!uri) return Value::absent();
    switch (part) {
        case Part::user: return or_null(uri->user);
        case Part::host: return uri->scheme == sip::Scheme::tel ? Value() : or_null(uri->host);
        case Part::port: return uri->effective_port();
        case Part::transport: return transport_of(*uri, source);
        case Part::scheme: return uri->scheme_text;
        case Part::user_length: return static_cast<std::int64_t>(uri->user.size());
        case Part::whole: break;
    }
    return {};
}

}  // namespace

Value uri_part(Message& m, Source source, Part part) {
    const Value all = whole(m, source);
    // What the script has put there may be anything; as a Request-URI it is none.
    if (source == Source::current && !m.target.uri.empty() && !sip::parse_uri(m.target.uri)) {
        LOG(error, "the Request-URI \"{}\" is no URI", m.target.uri);
        return {};
    }
    return part_of(all, part, source);
}

bool set_uri_part(Message& m, Source source, Part part, const Value& value) {
    if (!m.is_request() && !is_header(source)) return false;
    const std::string_view text = as_text(m, value);
    if (part == Part::whole) return set_whole(m, source, text);
    Value all = whole(m, source);
    if (is_header(source) && !all.is_null()) {
        // Reading gives what was received, but one assignment must not undo another.
        const sip::Edit* const before = pending(m, *address_of(m, source));
        if (before != nullptr) all = before->text;
    }
    const auto uri = sip::parse_uri(all.string());
    if (!uri) {
        LOG(warning, "\"{}\" cannot be changed: it is no URI", all.string());
        return false;
    }
    switch (part) {
        case Part::user: return set_whole(m, source, uri_edit::with_user(m.arena, *uri, text));
        case Part::host:
            return !text.empty() && set_whole(m, source, uri_edit::with_host(m.arena, *uri, text));
        case Part::port:
            if (!text.empty() && !text::parse_uint(text, 65535)) return false;
            return set_whole(m, source, uri_edit::with_port(m.arena, *uri, text));
        default: return false;
    }
}

Value get_next_hop(Module& self, Message& m, const VariableName& name) {
    if (!m.is_request()) {
        const Value to = reply_uri(self, m);
        return to.is_null() ? to : part_of(to, static_cast<Part>(name.handle), Source::next_hop);
    }
    return uri_part(m, Source::next_hop, static_cast<Part>(name.handle));
}

Result<std::uint64_t> resolve_next_hop(Module&, std::string_view inner) {
    constexpr std::string_view kLetters = "uUdpP";
    const std::size_t part = inner.size() == 1 ? kLetters.find(inner[0]) : kLetters.npos;
    if (part == kLetters.npos) return fail("one of u, U, d, p, P expected");
    return part;
}

}  // namespace fairlead::pv
