// Header identity: one row per header with name, compact form and RFC. Decided once, by the
// tokenizer. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace fairlead::sip {

enum class HeaderType : std::uint8_t {
    other,  ///< any header without a row below; compared by name
    via,
    from,
    to,
    call_id,
    cseq,
    contact,
    max_forwards,
    route,
    record_route,
    content_length,
    content_type,
    content_encoding,
    content_disposition,
    content_language,
    accept,
    accept_encoding,
    accept_language,
    alert_info,
    allow,
    allow_events,
    also,
    authentication_info,
    authorization,
    call_info,
    date,
    diversion,
    error_info,
    event,
    expires,
    identity,
    in_reply_to,
    min_expires,
    min_se,
    mime_version,
    organization,
    p_asserted_identity,
    p_preferred_identity,
    path,
    priority,
    privacy,
    proxy_authenticate,
    proxy_authorization,
    proxy_require,
    rack,
    reason,
    refer_to,
    referred_by,
    replaces,
    reply_to,
    require,
    request_disposition,
    retry_after,
    rseq,
    server,
    service_route,
    session_expires,
    sip_etag,
    sip_if_match,
    subject,
    subscription_state,
    supported,
    timestamp,
    unsupported,
    user_agent,
    warning,
    www_authenticate,
    accept_contact,
    identity_info,
    reject_contact
};

struct HeaderRow {
    HeaderType type;
    std::string_view name;  ///< canonical spelling
    char compact;           ///< 0 when there is none
    bool singleton;         ///< a second one in a message is refused with 400
    bool list;              ///< comma-separated values may share a field (RFC 3261 7.3.1)
    std::string_view rfc;
};
[[nodiscard]] std::span<const HeaderRow> header_rows() noexcept;

/// By full or compact name, without case.
[[nodiscard]] HeaderType header_type(std::string_view name) noexcept;
[[nodiscard]] std::string_view header_name(HeaderType type) noexcept;  ///< "" for other

}  // namespace fairlead::sip
