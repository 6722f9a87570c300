// save(): what a REGISTER asks for (RFC 3261 10.3). SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "core/api/log.h"
#include "core/api/sip.h"
#include "core/api/text.h"
#include "modules/registrar/registrar.h"

namespace fairlead::registrar {
namespace {

constexpr int kBadRequest = 400;

/// Whether a list of option tags has one (RFC 3261 20.37).
bool has_option(const sip::Message& m, sip::HeaderType type, std::string_view option) noexcept {
    for (std::size_t n = 0; const sip::Header* h = m.header(type, n); ++n) {
        std::string_view rest = m.value(*h);
        while (const auto value = sip::next_value(rest))
            if (text::ci_equal(*value, option)) return true;
    }
    return false;
}

std::uint32_t methods_of(const sip::Message& m) noexcept {
    if (m.header(sip::HeaderType::allow) == nullptr) return usrloc::kAllMethods;
    std::uint32_t bits = 0;
    for (std::size_t n = 0; const sip::Header* h = m.header(sip::HeaderType::allow, n); ++n) {
        std::string_view rest = m.value(*h);
        while (const auto value = sip::next_value(rest)) bits |= method_bit(*value);
    }
    return bits;
}

std::string_view unquoted(std::string_view text) noexcept {
    const bool is_quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
    return is_quoted ? text.substr(1, text.size() - 2) : text;
}

/// All Path values as one, and "" when there are none.
std::string_view path_of(Message& m) {
    std::string_view all;
    for (std::size_t n = 0; const sip::Header* h = m.sip.header(sip::HeaderType::path, n); ++n)
        all = n == 0 ? m.sip.value(*h) : m.arena.concat({all, ",", m.sip.value(*h)});
    return all;
}

}  // namespace

std::uint32_t method_bit(std::string_view method) noexcept {
    constexpr std::string_view kMethods[] = {
        "INVITE", "CANCEL",  "ACK",     "BYE",   "INFO",   "REGISTER", "SUBSCRIBE",
        "NOTIFY", "MESSAGE", "OPTIONS", "PRACK", "UPDATE", "REFER",    "PUBLISH"};
    const auto* const found = std::ranges::find(kMethods, method);
    return found != std::end(kMethods) ? 1U << (found - std::begin(kMethods)) : 0;
}

std::optional<std::int16_t> parse_q(std::string_view text) noexcept {
    constexpr int kOne = 1000;
    const std::size_t point = std::min(text.find('.'), text.size());
    const auto whole = text::parse_uint(point == 0 ? "0" : text.substr(0, point), 1);
    std::string_view digits = text.substr(std::min(point + 1, text.size()));
    if (!whole || (digits.empty() && point == 0)) return std::nullopt;
    int fraction = 0, scale = kOne / 10;
    for (const char c : digits) {
        if (!text::is_digit(c)) return std::nullopt;
        fraction += (c - '0') * scale;
        scale /= 10;
    }
    const int q = static_cast<int>(*whole) * kOne + fraction;
    return q <= kOne ? std::optional(static_cast<std::int16_t>(q)) : std::nullopt;
}

// ---- Reading ------------------------------------------------------------------------------------

std::optional<Registrar::Refusal> Registrar::read(Message& m, Registration& r) {
    const Refusal no_contact{kBadRequest, "Bad Request", "Contact parse error", {}, false};
    bool has_star = false;
    for (std::size_t n = 0; const sip::Header* h = m.sip.header(sip::HeaderType::contact, n); ++n) {
        std::string_view rest = m.sip.value(*h);
        if (text::trim(rest).empty()) return no_contact;
        while (const auto value = sip::next_value(rest)) {
            const auto contact = sip::parse_name_addr(*value);
            if (!contact) return no_contact;
            has_star = has_star || contact->is_star;
            ++r.contacts;
        }
    }
    if (!has_star) return read_extensions(m, r);
    r.is_star = true;
    const auto seconds = text::parse_uint(m.sip.text(sip::HeaderType::expires), UINT32_MAX);
    if (r.contacts == 1 && seconds && *seconds == 0) return std::nullopt;
    return Refusal{kBadRequest,
                   "Bad Request",
                   r.contacts == 1 ? "* used in contact and expires is not zero"
                                   : "* used in contact and more than 1 contact",
                   {},
                   false};
}

std::optional<Registrar::Refusal> Registrar::read_extensions(Message& m, Registration& r) {
    r.wants_gruu = gruu_enabled && has_option(m.sip, sip::HeaderType::supported, "gruu");
    r.supports_path = has_option(m.sip, sip::HeaderType::supported, "path");
    r.supports_outbound = has_option(m.sip, sip::HeaderType::supported, "outbound") ||
                          has_option(m.sip, sip::HeaderType::require, "outbound");
    if (outbound_mode == 0 && has_option(m.sip, sip::HeaderType::require, "outbound"))
        return Refusal{420, "Bad Extension", "No support for Outbound on server",
                       "Unsupported: outbound\r\n", false};
    if (outbound_mode == 2 && !r.supports_outbound)
        return Refusal{421, "Extension Required", "Outbound is required", "Require: outbound\r\n",
                       false};
    return read_contacts(m, r);
}

std::optional<Registrar::Refusal> Registrar::read_contacts(Message& m, Registration& r) {
    if (r.contacts == 0) return std::nullopt;
    if (use_path) r.path = path_of(m);
    // RFC 3327 5.3.
    if (!r.path.empty() && path_mode == 2 && !r.supports_path)
        return Refusal{420, "Bad Extension", "No support for found Path indicated",
                       m.arena.concat({"Unsupported: path\r\nPath: ", r.path, "\r\n"}), true};
    const Contact all = common(m, r);
    for (std::size_t n = 0; const sip::Header* h = m.sip.header(sip::HeaderType::contact, n); ++n) {
        const auto begin = static_cast<std::ptrdiff_t>(r.changes.size());
        std::string_view rest = m.sip.value(*h);
        while (const auto value = sip::next_value(rest)) {
            const auto contact = sip::parse_name_addr(*value);
            if (auto refusal = read_contact(m, r, *contact, all)) return refusal;
        }
        // Of each header the last first: so contacts of the same q stand in the answers.
        std::reverse(r.changes.begin() + begin, r.changes.end());
    }
    return std::nullopt;
}

std::optional<Registrar::Refusal> Registrar::read_contact(Message& m, Registration& r,
                                                          const sip::NameAddr& value,
                                                          const Contact& all) {
    usrloc::Change change;
    Contact& c = change.contact;
    c = all;
    c.uri = value.uri;
    if (value.uri.empty() || value.uri.size() > static_cast<std::size_t>(contact_max_size) ||
        all.received.size() > static_cast<std::size_t>(contact_max_size))
        return Refusal{kBadRequest, "Bad Request", "Contact/received too long", {}, false};
    const auto seconds = seconds_of(m, value, r.flags);
    if (!seconds)
        return Refusal{423, "Interval Too Brief", "Interval too brief",
                       m.arena.copy(fmt::format("Min-Expires: {}\r\n", min_expires)), true};
    change.remove = *seconds == 0;
    c.expires = c.modified + *seconds;
    const auto q = value.param("q");
    const auto configured = setting(m, "q");
    if (q && !configured) {
        const auto parsed = parse_q(*q);
        if (!parsed)
            return Refusal{kBadRequest, "Bad Request", "Invalid q param in contact", {}, true};
        c.q = *parsed;
    } else if (configured) {
        c.q = static_cast<std::int16_t>(std::clamp<std::int64_t>(*configured, 0, 1000));
    }
    if (const auto instance = value.param("+sip.instance")) c.instance = unquoted(*instance);
    const auto reg_id = value.param("reg-id");
    if (reg_id && !c.instance.empty() && (r.supports_outbound || regid_mode))
        c.reg_id = static_cast<std::int32_t>(text::parse_uint(*reg_id, INT32_MAX).value_or(0));
    r.changes.push_back(change);
    return std::nullopt;
}

Contact Registrar::common(Message& m, const Registration& r) const {
    Contact c;
    c.path = r.path;
    c.call_id = m.sip.call_id();
    c.cseq = m.sip.cseq() != nullptr ? m.sip.cseq()->number : 0;
    c.user_agent = m.sip.text(sip::HeaderType::user_agent);
    c.methods = methods_of(m.sip);
    c.flags = 0;
    c.cflags = m.target.flags;
    c.modified = core_->clock().unix_seconds();
    c.q = default_q > 0 ? static_cast<std::int16_t>(default_q) : usrloc::kNoQ;
    c.listener = socket_of(m);
    c.attributes = attributes_of(m);
    if (received_ != nullptr)
        if (const Value value = received_->get(m); value.is_string()) c.received = value.string();
    if (path_use_received && !c.path.empty()) {
        std::string_view rest = c.path;
        const auto first = sip::next_value(rest);
        const auto hop = first ? sip::parse_name_addr(*first) : std::nullopt;
        const auto uri = hop ? sip::parse_uri(hop->uri) : std::nullopt;
        if (const auto address = uri ? uri->param("received") : std::nullopt) {
            c.received = *address;
            c.cflags |= users->nat_flag();
        }
    }
    return c;
}

std::uint16_t Registrar::socket_of(Message& m) const {
    std::string_view wanted;
    if (sock_flag >= 0 && !sock_hdr_name.empty() &&
        (m.flags & 1U << static_cast<unsigned>(sock_flag)) != 0)
        if (const sip::Header* const h = m.sip.header(sock_hdr_name)) wanted = m.sip.value(*h);
    if (const Value value = setting_value(m, "socket"); value.is_string()) wanted = value.string();
    for (const Listener& l : core_->net().listeners())
        if (!wanted.empty() && l.uri_text == wanted) return l.index;
    return m.received.listener;
}

std::optional<std::int64_t> Registrar::seconds_of(Message& m, const sip::NameAddr& value,
                                                  unsigned flags) const {
    const auto configured = setting(m, "expires");
    const auto parse = [](std::string_view text) { return text::parse_uint(text, UINT32_MAX); };
    const auto param = value.param("expires");
    const sip::Header* const header = m.sip.header(sip::HeaderType::expires);
    const auto given = param               ? parse(unquoted(*param))
                       : header != nullptr ? parse(m.sip.value(*header))
                                           : std::nullopt;
    std::int64_t seconds = configured ? *configured
                           : given    ? static_cast<std::int64_t>(*given)
                                      : default_expires;
    if (seconds <= 0) return 0;
    const int range = given || configured ? expires_range : default_expires_range;
    if (range > 0 && (flags & kNoRange) == 0) {
        const std::int64_t width = seconds * range / 100;
        seconds += static_cast<std::int64_t>(
                       core_->random().below(static_cast<std::uint64_t>(2 * width + 1))) -
                   width;
    }
    if (min_expires > 0 && seconds < min_expires) {
        if (min_expires_mode != 0) return std::nullopt;
        seconds = min_expires;
    }
    return max_expires > 0 ? std::min<std::int64_t>(seconds, max_expires) : seconds;
}

// ---- The function -------------------------------------------------------------------------------

Verdict Registrar::save(Message& m, std::string_view table, std::optional<std::string_view> flags,
                        std::optional<std::string_view> uri) {
    Registration r;
    r.domain = domain_of(table);
    r.flags = static_cast<unsigned>(text::parse_int(flags.value_or("0")).value_or(0));
    const sip::NameAddr* const to = m.sip.to();
    r.aor_uri = uri && !uri->empty() ? *uri : to != nullptr ? to->uri : std::string_view();
    if (r.domain == DomainId::none || !m.is_request()) return Verdict::no;
    const auto aor = aor_of(m, r.aor_uri);
    std::optional<Refusal> refusal;
    if (!aor)
        refusal =
            Refusal{kBadRequest, "Bad Request", "Failed to extract Address Of Record", {}, false};
    else
        r.aor = *aor;
    if (!refusal) refusal = read(m, r);
    if (!refusal) return store(m, r);
    answer(m, r, &*refusal, 0);
    return Verdict::no;
}

Verdict Registrar::store(Message& m, Registration& r) {
    if (r.contacts == 0) {
        answer(m, r, nullptr, 0);
        return Verdict(4);
    }
    usrloc::SavePolicy policy;
    policy.max_contacts = static_cast<std::size_t>(
        std::max<std::int64_t>(0, setting(m, "max_contacts").value_or(max_contacts)));
    policy.only_one = (r.flags & kOnlyOne) != 0;
    policy.memory_only = (r.flags & kMemoryOnly) != 0;
    policy.remove_all = r.is_star;
    policy.call_id = m.sip.call_id();
    policy.cseq = m.sip.cseq() != nullptr ? m.sip.cseq()->number : 0;
    const usrloc::SaveResult result = users->save(r.domain, r.aor, r.changes, policy);
    std::optional<Refusal> refusal;
    switch (result.what) {
        case usrloc::Saved::done: break;
        case usrloc::Saved::out_of_order:
            refusal = Refusal{kBadRequest, "Bad Request", "Invalid CSeq number", {}, true};
            break;
        case usrloc::Saved::too_many:
            refusal = Refusal{503, "Service Unavailable", "Too many registered contacts", {}, true};
            break;
        case usrloc::Saved::out_of_memory:
            refusal = Refusal{500, "Server Internal Error", "No memory left", {}, false};
            break;
        case usrloc::Saved::too_long:
            refusal = Refusal{kBadRequest, "Bad Request", "Contact/received too long", {}, false};
            break;
    }
    if (refusal) LOG(error, "{}: {}", r.aor, refusal->words);
    answer(m, r, refusal ? &*refusal : nullptr, result.ticket);
    if (refusal) return Verdict(result.what == usrloc::Saved::too_many ? -2 : -1);
    if (result.added != 0) return Verdict(1);
    return Verdict(result.updated != 0 || result.removed == 0 ? 2 : 3);
}

}  // namespace fairlead::registrar
