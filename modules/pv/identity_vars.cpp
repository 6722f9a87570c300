// pv: values in lists of headers ($hfl), Via parts, identities, credentials, and expiry.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "modules/pv/pv.h"

namespace fairlead::pv {

namespace {

using sip::HeaderType;

/// Headers whose body is a comma-separated list by RFC 3261 7.3.1 and the RFCs that define them.
constexpr bool is_list(HeaderType type) noexcept {
    switch (type) {
        case HeaderType::via:
        case HeaderType::contact:
        case HeaderType::route:
        case HeaderType::record_route:
        case HeaderType::path:
        case HeaderType::service_route:
        case HeaderType::diversion:
        case HeaderType::p_asserted_identity:
        case HeaderType::p_preferred_identity: return true;
        default: return false;
    }
}

/// Calls `take` with each value of a header's name, in order, until it says to stop.
template <class F>
void each_value(const Message& m, const VariableName& name, F take) {
    const auto type = static_cast<HeaderType>(name.handle);
    for (const sip::Header& h : m.sip.headers()) {
        if (type != HeaderType::other ? h.type != type
                                      : !text::ci_equal(m.sip.name(h), name.inner)) {
            continue;
        }
        std::string_view rest = m.sip.value(h);
        if (!is_list(h.type)) {
            if (!take(rest)) return;
            continue;
        }
        while (const auto value = sip::next_value(rest)) {
            if (!take(*value)) return;
        }
    }
}

std::int64_t count_values(const Message& m, const VariableName& name) {
    std::int64_t n = 0;
    each_value(m, name, [&n](std::string_view) { return ++n != 0; });
    return n;
}

std::optional<std::string_view> nth_value(const Message& m, const VariableName& name,
                                          std::int64_t wanted) {
    if (wanted < 0) wanted += count_values(m, name);
    std::optional<std::string_view> found;
    if (wanted < 0) return found;
    each_value(m, name, [&](std::string_view value) {
        if (wanted-- != 0) return true;
        found = value;
        return false;
    });
    return found;
}

/// The first value of a header, as an address.
std::optional<sip::NameAddr> first_address(const Message& m, HeaderType type) {
    std::string_view rest = m.sip.text(type);
    const auto value = sip::next_value(rest);
    return value ? sip::parse_name_addr(*value) : std::nullopt;
}

Value address_uri(const std::optional<sip::NameAddr>& address) {
    return address ? or_null(address->uri) : Value();
}

Value uri_text(const std::optional<sip::NameAddr>& address, std::string_view sip::Uri::* part) {
    const auto uri = address ? sip::parse_uri(address->uri) : std::nullopt;
    return uri ? or_null((*uri).*part) : Value();
}

std::string_view unquoted(std::string_view s) noexcept {
    return s.size() >= 2 && s.front() == '"' && s.back() == '"' ? s.substr(1, s.size() - 2) : s;
}

/// A parameter of the digest credentials that the message brings, without its quotes.
Value credential(const Message& m, std::string_view name) {
    const sip::Header* h = m.sip.header(HeaderType::authorization);
    if (h == nullptr) h = m.sip.header(HeaderType::proxy_authorization);
    return h != nullptr ? credential_of(m.sip.value(*h), name) : Value();
}

/// "al@example.com" as user and domain; without an @ all is the user.
Value credential_part(const Message& m, bool user) {
    const Value name = credential(m, "username");
    if (name.is_null()) return name;
    std::string_view s = name.string();
    if (text::ci_starts_with(s, "sip:")) s.remove_prefix(std::string_view("sip:").size());
    const std::size_t at = s.find('@');
    if (user) return s.substr(0, at);
    return at == s.npos ? std::string_view() : s.substr(at + 1);
}

}  // namespace

Value credential_of(std::string_view rest, std::string_view name) {
    constexpr std::string_view kDigest = "digest ";
    if (!text::ci_starts_with(rest, kDigest)) return {};
    rest.remove_prefix(kDigest.size());
    while (const auto one = sip::next_value(rest)) {
        const std::size_t equals = one->find('=');
        if (equals == one->npos || !text::ci_equal(text::trim(one->substr(0, equals)), name)) {
            continue;
        }
        return unquoted(text::trim(one->substr(equals + 1)));
    }
    return {};
}

Value get_header_value(Module&, Message& m, const VariableName& name) {
    if (name.all) {
        std::size_t size = 0;
        each_value(m, name, [&size](std::string_view v) { return (size += v.size() + 1) != 0; });
        if (size == 0) return {};
        char* const out = m.arena.allocate(size);
        char* end = out;
        each_value(m, name, [&end](std::string_view v) {
            end = std::copy(v.begin(), v.end(), end);
            *end++ = ',';
            return true;
        });
        return std::string_view(out, size - 1);
    }
    const auto found = nth_value(m, name, name.index);
    return found ? Value(*found) : Value();
}

namespace {

/// Who was authenticated, else who the caller says that he is.
Value payer(const Pv& pv, Message& m, bool with_domain) {
    const auto account = pv.auth != nullptr ? pv.auth->authorized(m) : std::nullopt;
    std::string_view user, domain;
    if (account) {
        const std::size_t at = account->user.find('@');
        user = account->user.substr(0, at);
        domain = at == account->user.npos ? account->realm : account->user.substr(at + 1);
    } else {
        const sip::NameAddr* const from = m.sip.from();
        const auto uri = from != nullptr ? sip::parse_uri(from->uri) : std::nullopt;
        if (!uri || uri->user.empty()) return {};
        user = uri->user;
        domain = uri->host;
    }
    return with_domain ? Value(m.arena.concat({user, "@", domain})) : or_null(user);
}

}  // namespace

Value get_payer(Module& self, Message& m, const VariableName&) {
    return payer(static_cast<const Pv&>(self), m, true);
}
Value get_payer_user(Module& self, Message& m, const VariableName&) {
    return payer(static_cast<const Pv&>(self), m, false);
}

Value get_header_value_count(Module&, Message& m, const VariableName& name) {
    return count_values(m, name);
}

Value identity(Message& m, Identity which) {
    const auto diversion = [&m](std::string_view param) {
        const auto address = first_address(m, HeaderType::diversion);
        const auto value = address ? address->param(param) : std::nullopt;
        return value ? Value(unquoted(*value)) : Value();
    };
    const auto preferred = [&m] { return first_address(m, HeaderType::p_preferred_identity); };
    switch (which) {
        case Identity::refer_to: return address_uri(first_address(m, HeaderType::refer_to));
        case Identity::asserted:
            return address_uri(first_address(m, HeaderType::p_asserted_identity));
        case Identity::remote_party: {
            const sip::Header* const h = m.sip.header("Remote-Party-ID");
            return h != nullptr ? address_uri(sip::parse_name_addr(m.sip.value(*h))) : Value();
        }
        case Identity::diversion: return address_uri(first_address(m, HeaderType::diversion));
        case Identity::diversion_reason: return diversion("reason");
        case Identity::diversion_privacy: return diversion("privacy");
        case Identity::diversion_counter: return diversion("counter");
        case Identity::preferred: return address_uri(preferred());
        case Identity::preferred_user: return uri_text(preferred(), &sip::Uri::user);
        case Identity::preferred_host: return uri_text(preferred(), &sip::Uri::host);
        case Identity::preferred_name: {
            const auto address = preferred();
            return address ? or_null(address->display) : Value();
        }
        case Identity::auth_user: return credential(m, "username");
        case Identity::auth_user_part: return credential_part(m, true);
        case Identity::auth_domain_part: return credential_part(m, false);
        case Identity::auth_realm: return credential(m, "realm");
        case Identity::auth_algorithm: return credential(m, "algorithm");
        case Identity::auth_uri: return credential(m, "uri");
    }
    return {};
}

// ---- $via0, $via1, $viaZ ------------------------------------------------------------------------

std::optional<sip::Via> nth_via(const Message& m, std::int64_t n) {
    VariableName via;
    via.handle = static_cast<std::uint64_t>(HeaderType::via);
    const auto value = nth_value(m, via, n);
    return value ? sip::parse_via(*value) : std::nullopt;
}

Result<std::uint64_t> resolve_via(Module&, std::string_view inner) {
    constexpr std::string_view kNames[] = {"host",   "port",  "proto",   "protoid",
                                           "branch", "rport", "received"};
    for (std::size_t i = 0; i < std::size(kNames); ++i) {
        if (kNames[i] == inner) return i;
    }
    return fail("one of host, port, proto, protoid, branch, rport, received expected");
}

Value via_part(const std::optional<sip::Via>& via, std::uint64_t part) {
    if (!via) return {};
    switch (part) {
        case 0: return via->host;
        case 1: return via->effective_port();
        case 2: return via->transport;
        case 3: return static_cast<int>(via->proto);
        case 4: return via->has_branch ? Value(via->branch) : Value();
        case 5: return or_null(via->rport);
        default: return via->has_received ? Value(via->received) : Value();
    }
}

// ---- $expires -----------------------------------------------------------------------------------

Result<std::uint64_t> resolve_expires(Module&, std::string_view inner) {
    if (inner == "min") return 0U;
    if (inner == "max") return 1U;
    return fail("min or max expected");
}

Value get_expires(Module&, Message& m, const VariableName& name) {
    std::optional<std::int64_t> best;
    const auto look = [&](std::string_view digits) {
        const auto n = text::parse_uint(text::trim(digits), UINT32_MAX);
        if (!n) return;
        const auto value = static_cast<std::int64_t>(*n);
        if (!best) best = value;
        best = name.handle == 0 ? std::min(*best, value) : std::max(*best, value);
    };
    if (const sip::Header* const h = m.sip.header(HeaderType::expires)) look(m.sip.value(*h));
    VariableName contact;
    contact.handle = static_cast<std::uint64_t>(HeaderType::contact);
    each_value(m, contact, [&look](std::string_view value) {
        const auto address = sip::parse_name_addr(value);
        if (const auto expires = address ? address->param("expires") : std::nullopt) look(*expires);
        return true;
    });
    return best ? Value(*best) : Value();
}

}  // namespace fairlead::pv
