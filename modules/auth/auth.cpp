// Digest authentication of requests.
// SPDX-License-Identifier: Apache-2.0
#include "modules/auth/auth.h"

#include <openssl/rand.h>

#include <algorithm>
#include <bit>
#include <vector>

#include "core/api/log.h"
#include "core/api/text.h"

namespace fairlead::auth {

namespace {

constexpr std::int64_t kQopAuth = 1, kQopInt = 2, kNoReply = 4, kStaleFlag = 16;  // challenges
constexpr std::int64_t kHa1 = 1, kAvpPlain = 2, kAvpAuth = 4, kAvpInt = 8;        // checks
constexpr int kCheckUri = 1, kCheckCallId = 2, kCheckFromTag = 4, kCheckSource = 8;

std::int64_t number(const Value& v) noexcept {
    return v.is_integer() ? v.integer() : text::parse_int(v.string()).value_or(0);
}

bool never_challenged(const Message& m) noexcept {
    // RFC 3261 22.1: both have the credentials of their INVITE, and neither can be answered so.
    return m.sip.method() == sip::Method::ack || m.sip.method() == sip::Method::cancel;
}

}  // namespace

Result<void> Auth::prepare(Core& core) {
    core_ = &core;
    slot_ = core.message_slot();
    if (text::ci_equal(algorithm, "SHA-256")) {
        hash_ = Hash::sha256;
    } else if (!algorithm.empty() && !text::ci_equal(algorithm, "MD5")) {
        return fail("parameter \"algorithm\" of module auth is \"MD5\" or \"SHA-256\", not \"" +
                    algorithm + "\"");
    }
    if (!qop.empty() && qop != "auth" && qop != "auth-int") {
        return fail("parameter \"qop\" of module auth is \"auth\", \"auth-int\" or \"\", not \"" +
                    qop + "\"");
    }
    if (secret.empty()) {
        std::array<unsigned char, 32> bytes{};
        if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
            return fail("there are no random bytes for the secret of module auth");
        }
        secret.assign(bytes.begin(), bytes.end());
    }
    if (!nonce_count && !one_time_nonce) return {};
    const int size = nonce_count ? std::min(nc_array_size, 1 << nc_array_order)
                                 : std::min(otn_in_flight_no, 1 << otn_in_flight_order);
    if (!tracked_.prepare(core, static_cast<std::size_t>(size))) {
        return fail(
            "no shared memory for the nonces of module auth: raise shm_mem_size (-m) or "
            "lower nc_array_order");
    }
    return {};
}

// ---- Challenges ---------------------------------------------------------------------------------

std::string_view Auth::bare(std::string_view realm) const noexcept {
    if (!realm_prefix.empty() && text::ci_starts_with(realm, realm_prefix)) {
        realm.remove_prefix(realm_prefix.size());
    }
    return realm;
}

std::string Auth::bound_to(const Message& m) const {
    const bool in_dialog = m.sip.to() != nullptr && !m.sip.to()->tag.empty();
    const int checks = m.sip.method() == sip::Method::register_ ? auth_checks_register
                       : in_dialog                              ? auth_checks_in_dlg
                                                                : auth_checks_no_dlg;
    std::string out;
    if (checks & kCheckUri) out.append("\n").append(m.sip.request_uri());
    if (checks & kCheckCallId) out.append("\n").append(m.sip.call_id());
    if (checks & kCheckFromTag && m.sip.from() != nullptr)
        out.append("\n").append(m.sip.from()->tag);
    if (checks & kCheckSource) out.append("\n").append(m.received.source.ip_text());
    return out;
}

std::string Auth::new_nonce(const Message& m) {
    const bool track = nonce_count || one_time_nonce;
    const Nonce nonce{static_cast<std::uint32_t>(core_->clock().unix_seconds()),
                      track ? tracked_.begin() : 0};
    return write_nonce(secret, nonce, bound_to(m));
}

std::string Auth::challenge(const Message& m, std::string_view header, std::string_view realm,
                            std::int64_t flags) {
    realm = bare(realm);
    if (realm.empty() || realm.find_first_of("\"\\\r\n") != realm.npos) {
        LOG(error, "\"{}\" cannot be a realm", realm);
        return {};
    }
    std::string line(header);
    line.append(": Digest realm=\"").append(realm).append("\", nonce=\"");
    line.append(new_nonce(m)).append("\"");
    const std::string_view offered = (flags & kQopInt) != 0    ? "auth-int"
                                     : (flags & kQopAuth) != 0 ? "auth"
                                                               : std::string_view(qop);
    if (!offered.empty()) line.append(", qop=\"").append(offered).append("\"");
    if ((flags & kStaleFlag) != 0) line.append(", stale=true");
    if (!algorithm.empty()) line.append(", algorithm=").append(algorithm);
    return line + "\r\n";
}

Verdict Auth::send(Message& m, bool www, std::string_view realm, const Value& flags) {
    if (!m.is_request() || never_challenged(m)) return Verdict::no;
    const std::int64_t bits = number(flags);
    const std::string line =
        challenge(m, www ? "WWW-Authenticate" : "Proxy-Authenticate", realm, bits);
    const auto reply = [&](int code, std::string_view reason) {
        return force_stateless_reply ? sl->send_stateless(m, code, reason)
                                     : sl->send(m, code, reason);
    };
    if (line.empty()) {
        if ((bits & kNoReply) == 0) (void)reply(500, "Internal Server Error");
        return Verdict::no;
    }
    m.append_to_reply(m.arena.copy(line));
    challenges.add();
    const int sent = www ? reply(401, "Unauthorized") : reply(407, "Proxy Authentication Required");
    return Verdict::of(sent > 0);
}

Verdict Auth::www_challenge(Message& m, std::string_view realm, Value flags) {
    return send(m, true, realm, flags);
}
Verdict Auth::proxy_challenge(Message& m, std::string_view realm, Value flags) {
    return send(m, false, realm, flags);
}
Verdict Auth::auth_challenge(Message& m, std::string_view realm, Value flags) {
    return send(m, m.sip.method() == sip::Method::register_, realm, flags);
}

Verdict Auth::auth_get_www_authenticate(Message& m, std::string_view realm, Value flags,
                                        const VariableRef& target) {
    const std::string line = challenge(m, "WWW-Authenticate", realm, number(flags));
    return Verdict::of(!line.empty() && target.set(m, m.arena.copy(line)));
}

// ---- Credentials --------------------------------------------------------------------------------

std::optional<Auth::Found> Auth::find(const Message& m, sip::HeaderType type,
                                      std::string_view realm, bool& malformed) const {
    for (std::size_t n = 0; const sip::Header* h = m.sip.header(type, n); ++n) {
        const auto given = parse_credentials(m.sip.value(*h));
        malformed = malformed || !given || given->realm.empty();
        if (given && !given->realm.empty() && bare(given->realm) == bare(realm)) {
            return Found{h, *given};
        }
    }
    return std::nullopt;
}

Auth::Code Auth::check_age(const Nonce& nonce) const {
    const std::int64_t age = core_->clock().unix_seconds() - std::int64_t{nonce.made};
    return age > nonce_expire || -age > nonce_auth_max_drift ? kStale : kOk;
}

Auth::Code Auth::check_use(const Nonce& nonce, const Credentials& given) {
    const bool counted = nonce_count && !given.nc.empty() && !given.qop.empty();
    if (!counted && !one_time_nonce) return kOk;
    std::uint32_t count = Tracked::kMaxCount;
    if (counted) {
        // RFC 7616 3.4: eight hexadecimal digits.
        count = 0;
        for (const char c : given.nc) {
            const char l = text::to_lower(c);
            const bool letter = l >= 'a' && l <= 'f';
            if ((!letter && !text::is_digit(l)) || given.nc.size() > 8) return kError;
            count = count << 4 | static_cast<std::uint32_t>(letter ? l - 'a' + 10 : l - '0');
        }
        if (count > Tracked::kMaxCount) return kStale;
    }
    switch (tracked_.use(nonce.number, count)) {
        case Tracked::Use::ok: return kOk;
        case Tracked::Use::used: return counted ? kStale : kReused;
        case Tracked::Use::forgotten: break;
    }
    return kStale;
}

Auth::Code Auth::check(Message& m, sip::HeaderType type, std::string_view realm,
                       std::string_view password, bool is_ha1, std::string_view method) {
    bool malformed = false;
    const auto found = find(m, type, realm, malformed);
    if (!found) return malformed ? kError : kNone;
    const Credentials& given = found->credentials;
    if (given.user.empty() || given.nonce.empty() || given.uri.empty() || given.response.empty() ||
        (!given.qop.empty() && (given.nc.empty() || given.cnonce.empty()))) {
        return kError;
    }
    Nonce nonce;
    const Read read = read_nonce(secret, given.nonce, bound_to(m), nonce);
    if (read == Read::forged) return kError;
    const bool counted = nonce_count && !given.nc.empty() && !given.qop.empty();
    if (read == Read::other_request && !counted) return kStale;
    if (check_age(nonce) != kOk) return kStale;
    const std::string ha1 =
        is_ha1 ? std::string(password) : digest(hash_, {given.user, given.realm, password});
    const auto wanted = expected_response(hash_, given, ha1, method, m.sip.body());
    if (!wanted) return kError;
    std::string response(given.response);
    std::ranges::transform(response, response.begin(), text::to_lower);
    if (!same(*wanted, response)) return kWrongPassword;
    const Code used = check_use(nonce, given);
    if (used != kOk) return used;
    m.slots[slot_] = std::bit_cast<std::uintptr_t>(found->header);
    if (add_authinfo_hdr) prove(m, given, ha1);
    return kOk;
}

void Auth::prove(Message& m, const Credentials& given, std::string_view ha1) {
    const auto rspauth = expected_response(hash_, given, ha1, {}, {});
    // The hash of auth-int covers the body of a reply that is not written yet.
    const bool known = rspauth && !text::ci_equal(given.qop, "auth-int");
    // What the client wrote goes into a line of ours.
    const auto plain = [](std::string_view s) { return s.find_first_of("\"\\\r\n,") == s.npos; };
    std::string line = "Authentication-Info: nextnonce=\"";
    line.append(one_time_nonce ? new_nonce(m) : std::string(given.nonce)).append("\"");
    if (known && plain(given.cnonce) && plain(given.nc)) {
        if (!given.qop.empty()) line.append(", qop=auth");
        line.append(", rspauth=\"").append(*rspauth).append("\"");
        if (!given.qop.empty()) {
            line.append(", cnonce=\"").append(given.cnonce).append("\", nc=").append(given.nc);
        }
    }
    m.append_to_reply(m.arena.concat({line, "\r\n"}));
}

Verdict Auth::authenticate(Message& m, sip::HeaderType type, std::string_view realm,
                           std::string_view password, const Value& flags, std::string_view method) {
    if (!m.is_request()) return Verdict::no;
    if (never_challenged(m)) return Verdict::yes;
    if (realm.empty()) {
        LOG(error, "the realm is empty");
        return Verdict::no;
    }
    const std::int64_t bits = number(flags);
    const Code code = check(m, type, realm, password, (bits & kHa1) != 0, method);
    (code == kOk ? accepted : code == kStale || code == kReused ? stale : rejected).add();
    if (code == kOk || (bits & (kAvpPlain | kAvpAuth | kAvpInt)) == 0) return Verdict(code);
    const bool www = type == sip::HeaderType::authorization;
    const std::int64_t wanted = ((bits & kAvpInt) != 0    ? kQopInt
                                 : (bits & kAvpAuth) != 0 ? kQopAuth
                                                          : 0) |
                                (bits & kStaleFlag);
    const std::string line =
        challenge(m, www ? "WWW-Authenticate" : "Proxy-Authenticate", realm, wanted);
    if (!line.empty()) m.avps.add("digest_challenge", std::string_view(line));
    return Verdict(code);
}

Verdict Auth::pv_www_authenticate(Message& m, std::string_view realm, std::string_view password,
                                  Value flags, std::optional<std::string_view> method) {
    return authenticate(m, sip::HeaderType::authorization, realm, password, flags,
                        method.value_or(m.sip.method_text()));
}
Verdict Auth::pv_proxy_authenticate(Message& m, std::string_view realm, std::string_view password,
                                    Value flags) {
    return authenticate(m, sip::HeaderType::proxy_authorization, realm, password, flags,
                        m.sip.method_text());
}

bool Auth::is_user(const Message& m, std::string_view realm) const {
    const bool www = m.sip.method() == sip::Method::register_;
    const sip::NameAddr* const who = www ? m.sip.to() : m.sip.from();
    const auto uri = who != nullptr ? sip::parse_uri(who->uri) : std::nullopt;
    bool malformed = false;
    const auto found =
        find(m, www ? sip::HeaderType::authorization : sip::HeaderType::proxy_authorization, realm,
             malformed);
    if (!uri || !found) return false;
    // "user@domain" as user name is that user.
    const std::string_view name = found->credentials.user;
    const std::string_view user = name.substr(0, name.find('@'));
    if (user != uri->user) return false;
    return !use_domain || text::ci_equal(bare(found->credentials.realm), bare(uri->host));
}

Verdict Auth::pv_auth_check(Message& m, std::string_view realm, std::string_view password,
                            Value flags, Value checks) {
    const bool www = m.sip.method() == sip::Method::register_;
    const Verdict code = www ? pv_www_authenticate(m, realm, password, flags, std::nullopt)
                             : pv_proxy_authenticate(m, realm, password, flags);
    if (code.code <= 0 || never_challenged(m) || number(checks) == 0) return code;
    return is_user(m, realm) ? code : Verdict(kOtherUser);
}

Verdict Auth::consume_credentials(Message& m) {
    const auto* const header = std::bit_cast<const sip::Header*>(m.slots[slot_]);
    if (header == nullptr || m.edits.is_removed(*header)) return Verdict::no;
    return Verdict::of(m.edits.remove(*header));
}

Verdict Auth::has_credentials(Message& m, std::string_view realm) {
    bool malformed = false;
    const bool has = find(m, sip::HeaderType::authorization, realm, malformed) ||
                     find(m, sip::HeaderType::proxy_authorization, realm, malformed);
    return Verdict::of(has);
}

std::optional<Account> Auth::account(const Message& m, sip::HeaderType type, std::string_view realm,
                                     bool& malformed) const {
    const auto found = find(m, type, realm, malformed);
    if (!found) return std::nullopt;
    return Account{found->credentials.user, found->credentials.realm};
}

std::optional<Account> Auth::authorized(const Message& m) const noexcept {
    const auto* const header = std::bit_cast<const sip::Header*>(m.slots[slot_]);
    const auto given = header != nullptr ? parse_credentials(m.sip.value(*header)) : std::nullopt;
    if (!given) return std::nullopt;
    return Account{given->user, given->realm};
}

Verdict Auth::authenticate(Message& m, sip::HeaderType type, std::string_view realm,
                           std::string_view password, bool is_ha1, std::string_view method) {
    return authenticate(m, type, realm, password, Value(is_ha1 ? kHa1 : 0), method);
}

}  // namespace fairlead::auth
