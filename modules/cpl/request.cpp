// What CPL reads from a request. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/request.h"

#include <algorithm>

#include "core/api/sip.h"
#include "core/api/text.h"
#include "modules/cpl/texts.h"

namespace fairlead::cpl {

namespace {

using sip::HeaderType;
using What = ScriptRequest::What;

constexpr std::string_view kType = "application/cpl+xml";
constexpr std::string_view kOldType = "application/cpl-xml";  // Kamailio's replies say this

std::optional<std::string_view> value_of(const Message& m, std::string_view name) {
    const sip::Header* const header = m.sip.header(name);
    return header == nullptr ? std::nullopt : std::optional(m.sip.value(*header));
}

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), text::to_lower);
    return text;
}

/// "type/subtype" of a media type or range, without its parameters.
std::string_view media_of(std::string_view value) {
    return text::trim(value.substr(0, value.find(';')));
}
bool is_cpl(std::string_view media) {
    return text::ci_equal(media, kType) || text::ci_equal(media, kOldType);
}
bool is_media(std::string_view media) {
    const std::size_t slash = media.find('/');
    const auto is_token = [](std::string_view s) {
        return !s.empty() && s.find_first_of(" \t\r\n\"/,;<>@") == s.npos;
    };
    return slash != media.npos && is_token(media.substr(0, slash)) &&
           is_token(media.substr(slash + 1));
}

std::string_view without_quotes(std::string_view value) {
    if (value.size() < 2 || value.front() != '"' || value.back() != '"') return value;
    return value.substr(1, value.size() - 2);
}

ScriptRequest bad(std::string_view why) {
    return {.what = What::bad, .type = {}, .why = why};
}

/// An upload is told from a removal by Content-Disposition: script;action=store.
ScriptRequest upload_of(const Message& m) {
    const auto disposition = value_of(m, "Content-Disposition");
    if (!disposition)
        return bad("A CPL script comes with Content-Disposition: script;action=store (or remove).");
    if (!text::ci_equal(media_of(*disposition), "script"))
        return bad("Content-Disposition of a CPL script is script.");
    const std::size_t semicolon = disposition->find(';');
    const auto action = semicolon == disposition->npos
                            ? std::nullopt
                            : sip::find_param(disposition->substr(semicolon), "action");
    if (!action) return bad("Content-Disposition has no action=store or action=remove.");
    if (m.sip.header(HeaderType::content_length) == nullptr)
        return bad("A CPL script comes with Content-Length.");
    const std::string_view word = without_quotes(action->value);
    const bool has_body = !m.sip.body().empty();
    if (text::ci_equal(word, "store")) {
        if (!has_body) return bad("action=store has no script in the body.");
        return {.what = What::store, .type = {}, .why = {}};
    }
    if (text::ci_equal(word, "remove")) {
        if (has_body) return bad("action=remove has a body; nothing was removed.");
        return {.what = What::remove, .type = {}, .why = {}};
    }
    return bad("The action of Content-Disposition is neither store nor remove.");
}

}  // namespace

std::optional<std::string_view> MessageCall::fact(Fact which) const {
    const sip::Message& sip = message_.sip;
    switch (which) {
        case Fact::from: return sip.text(HeaderType::from);
        case Fact::to: return sip.text(HeaderType::to);
        case Fact::request_uri: return request_uri_;
        case Fact::subject: return value_of(message_, "Subject");
        case Fact::organization: return value_of(message_, "Organization");
        case Fact::user_agent: return value_of(message_, "User-Agent");
        case Fact::priority: return value_of(message_, "Priority");
        case Fact::accept_language: break;
    }
    auto all = value_of(message_, "Accept-Language");
    for (std::size_t n = 1; const sip::Header* more = sip.header("Accept-Language", n); ++n)
        all = message_.arena.concat({*all, ",", sip.value(*more)});
    return all;
}

std::optional<std::string> owner_of(std::string_view uri_text, const OwnerPolicy& policy) {
    const auto uri = sip::parse_uri(uri_text);
    if (!uri || uri->user.empty()) return std::nullopt;
    std::string owner = unescape(uri->user);
    if (!policy.case_sensitive) owner = lower(std::move(owner));
    if (!policy.use_domain) return owner;
    std::string_view domain = uri->host;
    if (text::ci_starts_with(domain, policy.realm_prefix))
        domain.remove_prefix(policy.realm_prefix.size());
    return owner + '@' + lower(std::string(domain));
}

std::optional<std::string> callee_of(const Message& m, const OwnerPolicy& policy) {
    if (auto owner = owner_of(m.uri(), policy)) return owner;
    if (auto owner = owner_of(m.sip.request_uri(), policy)) return owner;
    const sip::NameAddr* const to = m.sip.to();
    return to == nullptr ? std::nullopt : owner_of(to->uri, policy);
}

std::optional<std::string> caller_of(const Message& m, const OwnerPolicy& policy) {
    const sip::NameAddr* const from = m.sip.from();
    return from == nullptr ? std::nullopt : owner_of(from->uri, policy);
}

ScriptRequest read_script_request(const Message& m, bool accept_any) {
    if (const auto type = value_of(m, "Content-Type")) {
        if (!is_media(media_of(*type))) return bad("Content-Type cannot be read.");
        if (is_cpl(media_of(*type))) return upload_of(m);
    }
    // An Accept that cannot be read is an ordinary phone's, not a request for a script.
    std::string_view accept = value_of(m, "Accept").value_or("");
    while (const auto range = sip::next_value(accept)) {
        const std::string_view media = media_of(*range);
        const bool is_wanted = is_cpl(media) || (accept_any && media == "*/*");
        if (!is_wanted) continue;
        return {.what = What::download,
                .type = text::ci_equal(media, kType) ? kType : kOldType,
                .why = {}};
    }
    return {};
}

}  // namespace fairlead::cpl
