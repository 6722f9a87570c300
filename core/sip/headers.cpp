// The table of header fields and the look-up of a name in it.
// SPDX-License-Identifier: Apache-2.0
#include "core/sip/headers.h"

#include <array>

#include "core/base/text.h"

namespace fairlead::sip {
namespace {

using enum HeaderType;

constexpr bool kOnce = true, kMany = false, kList = true, kSingle = false;

// In the order of the enum. Subject, Organization, Priority, Server and User-Agent may stand only
// once by RFC 3261 too, but nothing depends on them, and calls would break: a second one is let
// through.
constexpr HeaderRow kRows[] = {
    {other, "", 0, kMany, kSingle, ""},
    {via, "Via", 'v', kMany, kList, "RFC 3261 20.42"},
    {from, "From", 'f', kOnce, kSingle, "RFC 3261 20.20"},
    {to, "To", 't', kOnce, kSingle, "RFC 3261 20.39"},
    {call_id, "Call-ID", 'i', kOnce, kSingle, "RFC 3261 20.8"},
    {cseq, "CSeq", 0, kOnce, kSingle, "RFC 3261 20.16"},
    {contact, "Contact", 'm', kMany, kList, "RFC 3261 20.10"},
    {max_forwards, "Max-Forwards", 0, kOnce, kSingle, "RFC 3261 20.22"},
    {route, "Route", 0, kMany, kList, "RFC 3261 20.34"},
    {record_route, "Record-Route", 0, kMany, kList, "RFC 3261 20.30"},
    {content_length, "Content-Length", 'l', kOnce, kSingle, "RFC 3261 20.14"},
    {content_type, "Content-Type", 'c', kOnce, kSingle, "RFC 3261 20.15"},
    {content_encoding, "Content-Encoding", 'e', kMany, kList, "RFC 3261 20.12"},
    {content_disposition, "Content-Disposition", 0, kOnce, kSingle, "RFC 3261 20.11"},
    {content_language, "Content-Language", 0, kMany, kList, "RFC 3261 20.13"},
    {accept, "Accept", 0, kMany, kList, "RFC 3261 20.1"},
    {accept_encoding, "Accept-Encoding", 0, kMany, kList, "RFC 3261 20.2"},
    {accept_language, "Accept-Language", 0, kMany, kList, "RFC 3261 20.3"},
    {alert_info, "Alert-Info", 0, kMany, kList, "RFC 3261 20.4"},
    {allow, "Allow", 0, kMany, kList, "RFC 3261 20.5"},
    {allow_events, "Allow-Events", 'u', kMany, kList, "RFC 6665 8.2.2"},
    {also, "Also", 0, kMany, kList, "draft-ietf-sip-cc-transfer"},
    {authentication_info, "Authentication-Info", 0, kMany, kList, "RFC 3261 20.6"},
    {authorization, "Authorization", 0, kMany, kSingle, "RFC 3261 20.7"},
    {call_info, "Call-Info", 0, kMany, kList, "RFC 3261 20.9"},
    {date, "Date", 0, kOnce, kSingle, "RFC 3261 20.17"},
    {diversion, "Diversion", 0, kMany, kList, "RFC 5806"},
    {error_info, "Error-Info", 0, kMany, kList, "RFC 3261 20.18"},
    {event, "Event", 'o', kOnce, kSingle, "RFC 6665 8.2.1"},
    {expires, "Expires", 0, kOnce, kSingle, "RFC 3261 20.19"},
    {identity, "Identity", 'y', kMany, kList, "RFC 8224"},
    {in_reply_to, "In-Reply-To", 0, kMany, kList, "RFC 3261 20.21"},
    {min_expires, "Min-Expires", 0, kOnce, kSingle, "RFC 3261 20.23"},
    {min_se, "Min-SE", 0, kOnce, kSingle, "RFC 4028 5"},
    {mime_version, "MIME-Version", 0, kOnce, kSingle, "RFC 3261 20.24"},
    {organization, "Organization", 0, kMany, kSingle, "RFC 3261 20.25"},
    {p_asserted_identity, "P-Asserted-Identity", 0, kMany, kList, "RFC 3325 9.1"},
    {p_preferred_identity, "P-Preferred-Identity", 0, kMany, kList, "RFC 3325 9.2"},
    {path, "Path", 0, kMany, kList, "RFC 3327"},
    {priority, "Priority", 0, kMany, kSingle, "RFC 3261 20.26"},
    {privacy, "Privacy", 0, kMany, kSingle, "RFC 3323 4.2"},
    {proxy_authenticate, "Proxy-Authenticate", 0, kMany, kSingle, "RFC 3261 20.27"},
    {proxy_authorization, "Proxy-Authorization", 0, kMany, kSingle, "RFC 3261 20.28"},
    {proxy_require, "Proxy-Require", 0, kMany, kList, "RFC 3261 20.29"},
    {rack, "RAck", 0, kOnce, kSingle, "RFC 3262 7.2"},
    {reason, "Reason", 0, kMany, kList, "RFC 3326"},
    {refer_to, "Refer-To", 'r', kOnce, kSingle, "RFC 3515 2.1"},
    {referred_by, "Referred-By", 'b', kOnce, kSingle, "RFC 3892"},
    {replaces, "Replaces", 0, kOnce, kSingle, "RFC 3891 6.1"},
    {reply_to, "Reply-To", 0, kOnce, kSingle, "RFC 3261 20.31"},
    {require, "Require", 0, kMany, kList, "RFC 3261 20.32"},
    {request_disposition, "Request-Disposition", 'd', kMany, kList, "RFC 3841 9.1"},
    {retry_after, "Retry-After", 0, kOnce, kSingle, "RFC 3261 20.33"},
    {rseq, "RSeq", 0, kOnce, kSingle, "RFC 3262 7.1"},
    {server, "Server", 0, kMany, kSingle, "RFC 3261 20.35"},
    {service_route, "Service-Route", 0, kMany, kList, "RFC 3608"},
    {session_expires, "Session-Expires", 'x', kOnce, kSingle, "RFC 4028 4"},
    {sip_etag, "SIP-ETag", 0, kOnce, kSingle, "RFC 3903 11.3.1"},
    {sip_if_match, "SIP-If-Match", 0, kOnce, kSingle, "RFC 3903 11.3.2"},
    {subject, "Subject", 's', kMany, kSingle, "RFC 3261 20.36"},
    {subscription_state, "Subscription-State", 0, kOnce, kSingle, "RFC 6665 8.2.3"},
    {supported, "Supported", 'k', kMany, kList, "RFC 3261 20.37"},
    {timestamp, "Timestamp", 0, kOnce, kSingle, "RFC 3261 20.38"},
    {unsupported, "Unsupported", 0, kMany, kList, "RFC 3261 20.40"},
    {user_agent, "User-Agent", 0, kMany, kSingle, "RFC 3261 20.41"},
    {warning, "Warning", 0, kMany, kList, "RFC 3261 20.43"},
    {www_authenticate, "WWW-Authenticate", 0, kMany, kSingle, "RFC 3261 20.44"},
    {accept_contact, "Accept-Contact", 'a', kMany, kList, "RFC 3841 9.2"},
    {identity_info, "Identity-Info", 'n', kOnce, kSingle, "RFC 4474 9"},
    {reject_contact, "Reject-Contact", 'j', kMany, kList, "RFC 3841 9.2"},
};
constexpr std::size_t kRowCount = std::size(kRows);
static_assert(kRowCount == static_cast<std::size_t>(reject_contact) + 1);

constexpr std::size_t kSlots = 256;

constexpr std::size_t slot_of(std::string_view name) noexcept {
    const auto at = [&](std::size_t i) {
        return static_cast<std::size_t>(static_cast<unsigned char>(name[i]) | 0x20);
    };
    const std::size_t n = name.size();
    return (at(0) * 31 + at(n - 1) * 7 + at(n / 2) * 3 + n * 17) % kSlots;
}

/// Open addressing, made by the compiler: nearly every name is found or refused at its first slot.
struct NameTable {
    std::array<std::uint8_t, kSlots> row{};
    std::array<std::uint8_t, 128> compact{};

    constexpr NameTable() {
        for (std::size_t i = 1; i < kRowCount; ++i) {
            std::size_t slot = slot_of(kRows[i].name);
            while (row[slot] != 0) slot = (slot + 1) % kSlots;
            row[slot] = static_cast<std::uint8_t>(i);
            if (kRows[i].compact != 0)
                compact[static_cast<std::size_t>(kRows[i].compact)] = static_cast<std::uint8_t>(i);
        }
    }
};
constexpr NameTable kNames;

constexpr bool rows_are_in_order() noexcept {
    for (std::size_t i = 0; i < kRowCount; ++i)
        if (kRows[i].type != static_cast<HeaderType>(i)) return false;
    return true;
}
static_assert(rows_are_in_order());

}  // namespace

std::span<const HeaderRow> header_rows() noexcept {
    return kRows;
}

HeaderType header_type(std::string_view name) noexcept {
    if (name.empty()) return other;
    if (name.size() == 1) {
        const auto c = static_cast<unsigned char>(text::to_lower(name[0]));
        return c < 128 ? static_cast<HeaderType>(kNames.compact[c]) : other;
    }
    for (std::size_t slot = slot_of(name); kNames.row[slot] != 0; slot = (slot + 1) % kSlots) {
        const std::size_t i = kNames.row[slot];
        // Nearly everybody writes the canonical spelling, which is compared faster.
        if (kRows[i].name == name || text::ci_equal(kRows[i].name, name))
            return static_cast<HeaderType>(i);
    }
    return other;
}

std::string_view header_name(HeaderType type) noexcept {
    return kRows[static_cast<std::size_t>(type)].name;
}

}  // namespace fairlead::sip
