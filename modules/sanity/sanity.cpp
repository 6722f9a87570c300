// sanity: refuses requests that are broken in ways the core lets through.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "core/api/log.h"
#include "core/api/sip.h"
#include "core/api/text.h"
#include "core/module.h"
#include "modules/sl/api.h"

namespace fairlead::sanity {

namespace {

/// The bits of msg_checks. Those without a check here hold for every message that the core lets
/// through: SIP version 1, required headers 4, CSeq method 32 and value 64, one tag in From and To
/// 4096, first Via 16384; 8 and 16 mean nothing.
constexpr int kRuriScheme = 2, kContentLength = 128, kExpires = 256, kProxyRequire = 512,
              kParseUris = 1024, kDigest = 2048, kAuthorization = 8192;
/// The bits of uri_checks.
constexpr int kRequestUri = 1, kFromUri = 2, kToUri = 4, kContactUri = 8;

struct Refusal {
    int code;
    std::string_view reason;
};
constexpr std::array<Refusal, 9> kRefusals{{{400, "Bad Request URI"},
                                            {416, "Unsupported URI Scheme in Request URI"},
                                            {400, "Content-Length mis-match"},
                                            {400, "Expires value is illegal"},
                                            {420, "Bad Proxy Require Extension"},
                                            {400, "Invalid From Header"},
                                            {400, "Invalid To Header"},
                                            {400, "Bad Contact URI"},
                                            {400, "Bad Auth Credentials"}}};
enum class Fault : std::uint8_t {
    request_uri,
    scheme,
    content_length,
    expires,
    proxy_require,
    from_uri,
    to_uri,
    contact_uri,
    credentials,
    none
};

bool is_usable(const std::optional<sip::Uri>& uri) noexcept {
    return uri && (uri->is_sip() || uri->scheme == sip::Scheme::tel);
}

Fault scheme(const Message& m) noexcept {
    const sip::Uri* const uri = m.sip.parsed_request_uri();
    if (uri == nullptr) return Fault::request_uri;
    if (uri->is_sip() || uri->scheme == sip::Scheme::tel) return Fault::none;
    if (text::ci_equal(uri->scheme_text, "tels")) return Fault::none;
    return text::ci_equal(uri->scheme_text, "urn") ? Fault::scheme : Fault::request_uri;
}

Fault content_length(const Message& m) noexcept {
    const sip::Header* const h = m.sip.header(sip::HeaderType::content_length);
    if (h == nullptr) return Fault::none;
    const auto length = text::parse_uint(m.sip.value(*h), sip::kMaxMessage);
    const std::size_t there = m.sip.bytes().size() - m.sip.frame().body_offset;
    return length == there ? Fault::none : Fault::content_length;
}

Fault expires(const Message& m) noexcept {
    const sip::Header* const h = m.sip.header(sip::HeaderType::expires);
    if (h == nullptr) return Fault::none;
    return text::parse_uint(m.sip.value(*h), UINT32_MAX) ? Fault::none : Fault::expires;
}

Fault uris(const Message& m, int which) noexcept {
    if ((which & kRequestUri) != 0 && m.is_request() && m.sip.parsed_request_uri() == nullptr) {
        return Fault::request_uri;
    }
    const sip::NameAddr* const from = m.sip.from();
    if ((which & kFromUri) != 0 && (from == nullptr || !is_usable(sip::parse_uri(from->uri)))) {
        return Fault::from_uri;
    }
    const sip::NameAddr* const to = m.sip.to();
    if ((which & kToUri) != 0 && (to == nullptr || !is_usable(sip::parse_uri(to->uri)))) {
        return Fault::to_uri;
    }
    if ((which & kContactUri) == 0) return Fault::none;
    for (std::size_t n = 0; const sip::Header* h = m.sip.header(sip::HeaderType::contact, n); ++n) {
        std::string_view rest = m.sip.value(*h);
        while (const auto value = sip::next_value(rest)) {
            const auto contact = sip::parse_name_addr(*value);
            if (!contact) return Fault::contact_uri;
            if (!contact->is_star && !sip::parse_uri(contact->uri)) return Fault::contact_uri;
        }
    }
    return Fault::none;
}

/// Whether credentials are of the Digest scheme and have what every response needs (RFC 3261 22.4).
bool is_digest(std::string_view value) noexcept {
    return text::ci_starts_with(value, "digest") && value.size() > 6 && text::is_space(value[6]);
}
bool is_complete(std::string_view value) noexcept {
    const std::string_view params = value.substr(6);
    return std::ranges::all_of(
        std::array<std::string_view, 5>{"username", "realm", "nonce", "uri", "response"},
        [&](std::string_view name) {
            const auto param = sip::find_param(params, name, ',');
            return param && param->has_value && !param->value.empty() && param->value != "\"\"";
        });
}

Fault credentials(const Message& m, sip::HeaderType type, bool other_schemes) noexcept {
    for (std::size_t n = 0; const sip::Header* h = m.sip.header(type, n); ++n) {
        const std::string_view value = m.sip.value(*h);
        const bool good = is_digest(value) ? is_complete(value) : other_schemes;
        if (!good) return Fault::credentials;
    }
    return Fault::none;
}

}  // namespace

class Sanity final : public Module {
public:
    int default_checks = 3047;
    int uri_checks = 7;
    std::string proxy_require;
    bool autodrop = true;
    bool noreply = false;
    sl::Api* sl = nullptr;

    Result<void> prepare(Core& core) override {
        slot_ = core.message_slot();
        return {};
    }

    Verdict check(Message& m, std::optional<int> checks, std::optional<int> which_uris) {
        const Fault found =
            first_fault(m, checks.value_or(default_checks), which_uris.value_or(uri_checks));
        if (found == Fault::none) return Verdict::yes;
        m.slots[slot_] = static_cast<std::uintptr_t>(found) + 1;
        LOG(debug, "refused: {}", kRefusals[static_cast<std::size_t>(found)].reason);
        if (!noreply) answer(m);
        return autodrop ? Verdict::stop : Verdict::no;
    }

    Verdict reply(Message& m) {
        if (!noreply || m.slots[slot_] == 0) return Verdict::no;
        return Verdict::of(answer(m));
    }

private:
    Fault first_fault(Message& m, int checks, int which_uris) const {
        const auto wanted = [&](int bit) { return (checks & bit) != 0; };
        Fault found = Fault::none;
        const auto look = [&](bool is_wanted, auto question) {
            if (is_wanted && found == Fault::none) found = question();
        };
        look(wanted(kRuriScheme) && m.is_request(), [&] { return scheme(m); });
        look(wanted(kContentLength), [&] { return content_length(m); });
        look(wanted(kExpires), [&] { return expires(m); });
        look(wanted(kProxyRequire), [&] { return extensions(m); });
        look(wanted(kParseUris), [&] { return uris(m, which_uris); });
        look(wanted(kDigest),
             [&] { return credentials(m, sip::HeaderType::authorization, false); });
        look(wanted(kDigest),
             [&] { return credentials(m, sip::HeaderType::proxy_authorization, false); });
        look(wanted(kAuthorization),
             [&] { return credentials(m, sip::HeaderType::authorization, true); });
        return found;
    }

    [[nodiscard]] bool is_known(std::string_view extension) const noexcept {
        std::string_view rest = proxy_require;
        while (const auto known = sip::next_value(rest)) {
            if (text::ci_equal(*known, extension)) return true;
        }
        return false;
    }
    /// What is not supported is listed in the reply (RFC 3261 8.2.2.3).
    Fault extensions(Message& m) const {
        std::string_view unknown;
        for (std::size_t n = 0;
             const sip::Header* h = m.sip.header(sip::HeaderType::proxy_require, n); ++n) {
            std::string_view rest = m.sip.value(*h);
            while (const auto extension = sip::next_value(rest)) {
                if (is_known(*extension)) continue;
                unknown = m.arena.concat({unknown, unknown.empty() ? "" : ", ", *extension});
            }
        }
        if (unknown.empty()) return Fault::none;
        m.append_to_reply(m.arena.concat({"Unsupported: ", unknown, "\r\n"}));
        return Fault::proxy_require;
    }

    bool answer(Message& m) {
        if (!m.is_request()) return false;
        const Refusal& refusal = kRefusals[m.slots[slot_] - 1];
        return sl->send(m, refusal.code, refusal.reason) == 1;
    }

    std::size_t slot_ = 0;
};

namespace {

constexpr Param params[] = {
    param<&Sanity::default_checks>("default_checks", "Checks of sanity_check() without argument.",
                                   {.min = 0, .max = 32767}),
    param<&Sanity::uri_checks>("uri_checks",
                               "URIs that check 1024 looks at: Request-URI 1, From 2, To 4, "
                               "Contact 8.",
                               {.min = 0, .max = 15}),
    param<&Sanity::proxy_require>("proxy_require", "Extensions that Proxy-Require may name: a, b."),
    param<&Sanity::autodrop>("autodrop", "Whether a failed check ends the script."),
    param<&Sanity::noreply>("noreply",
                            "Whether a failed check sends no reply: sanity_reply() may send it."),
};

constexpr Route kRoutes = Route::request | Route::core_reply | Route::failure;

constexpr Function functions[] = {
    function<&Sanity::check>(
        "sanity_check",
        "Checks a message: Request-URI scheme 2, Content-Length 128, Expires 256, Proxy-Require "
        "512, URIs 1024, Digest credentials 2048, Authorization 8192. "
        "The others (1, 4, 32, 64, 4096, 16384) hold for every message that the core lets through.",
        kRoutes, "msg_checks", "uri_checks"),
    function<&Sanity::reply>("sanity_reply", "Sends the reply that noreply held back.", kRoutes),
};

constexpr Need needed[] = {needs<&Sanity::sl>()};

constexpr Descriptor descriptor{.name = "sanity",
                                .summary = "Refuses requests that are broken.",
                                .create = make_module<Sanity>,
                                .params = params,
                                .functions = functions,
                                .needs = needed};

}  // namespace

}  // namespace fairlead::sanity

FAIRLEAD_MODULE(fairlead::sanity::descriptor)
