// What tells transactions apart.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/match.h"

#include <cstring>

#include "core/api/text.h"

namespace fairlead::tm {
namespace {

/// Eight bytes at a time; the rest is padded with zeros.
std::uint64_t mix(std::uint64_t h, std::string_view s) noexcept {
    constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15U;
    h ^= s.size();
    while (!s.empty()) {
        std::uint64_t word = 0;
        const std::size_t n = s.size() < 8 ? s.size() : 8;
        std::memcpy(&word, s.data(), n);
        h = (h ^ word) * kOdd;
        h ^= h >> 29;
        s.remove_prefix(n);
    }
    return h;
}

constexpr int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

/// Takes lower-case hex digits off `s`: `digits` of them, or as many as there are (at most 8).
std::optional<std::uint32_t> take_hex(std::string_view& s, std::size_t digits) noexcept {
    std::uint32_t n = 0;
    std::size_t i = 0;
    while (i < s.size() && i < (digits != 0 ? digits : 8)) {
        const int d = hex_digit(s[i]);
        if (d < 0) break;
        n = n << 4 | static_cast<std::uint32_t>(d);
        ++i;
    }
    // One number is written in one way: a branch that differs in a zero is another branch.
    if (i == 0 || (digits != 0 && i != digits) || (digits == 0 && i > 1 && s.front() == '0'))
        return std::nullopt;
    s.remove_prefix(i);
    return n;
}

bool take_dot(std::string_view& s) noexcept {
    if (!s.starts_with('.')) return false;
    s.remove_prefix(1);
    return true;
}

}  // namespace

std::optional<RequestKey> request_key(const sip::Message& m, const Matching& matching) noexcept {
    const sip::Via* const via = m.via();
    const sip::NameAddr* const from = m.from();
    const sip::NameAddr* const to = m.to();
    const sip::CSeq* const cseq = m.cseq();
    if (via == nullptr || from == nullptr || to == nullptr || cseq == nullptr) return std::nullopt;
    const bool is_old = !via->is_rfc3261();
    const bool for_invite = m.method() == sip::Method::ack || m.method() == sip::Method::cancel;
    RequestKey key{.branch = is_old ? std::string_view() : via->branch,
                   .host = via->host,
                   .port = is_old ? std::uint16_t{} : via->effective_port(),
                   .call_id = m.call_id(),
                   .from_tag = from->tag,
                   .to_tag = to->tag,
                   .cseq = cseq->number,
                   .method = m.method(),
                   .method_text = m.method_text(),
                   .by_call = matching.by_call,
                   .any_host = is_old && for_invite};
    if (is_old) key.host = for_invite ? std::string_view() : to->tag;
    constexpr std::size_t kMost = UINT16_MAX;
    if (key.call_id.empty() || key.branch.size() > kMost || key.method_text.size() > UINT8_MAX)
        return std::nullopt;
    key.hash = call_hash(key.call_id, key.cseq);
    std::uint64_t v = mix(key.port, key.branch);
    if (is_old && matching.via1) v = mix(v, via->text);
    if (is_old && matching.ruri) v = mix(v, m.request_uri());
    key.via_hash = static_cast<std::uint32_t>(v ^ v >> 32);
    return key;
}

std::uint32_t call_hash(std::string_view call_id, std::uint32_t cseq) noexcept {
    const std::uint64_t h = mix(cseq, call_id);
    return static_cast<std::uint32_t>(h ^ h >> 32);
}

bool same_via(const Cell& c, const RequestKey& key) noexcept {
    if (key.by_call) return same_call(c, key);
    // The host compares without case (RFC 3261 17.2.3 means the host, and hosts have none).
    return c.via_hash == key.via_hash && c.port == key.port && c.via_branch() == key.branch &&
           (key.any_host || text::ci_equal(c.via_host(), key.host)) && c.call_id() == key.call_id &&
           c.cseq == key.cseq && (!key.branch.empty() || c.from_tag() == key.from_tag);
}

bool same_method(const Cell& c, const RequestKey& key) noexcept {
    return c.method == key.method &&
           (key.method != sip::Method::other || c.method_text() == key.method_text);
}

bool same_call(const Cell& c, const RequestKey& key) noexcept {
    return c.cseq == key.cseq && c.call_id() == key.call_id && c.from_tag() == key.from_tag;
}

void write_branch(sip::Writer& out, const OwnBranch& b) noexcept {
    out.put(sip::kMagicCookie).put_hex(b.slot).put('.').put_hex(b.label, 8).put_hex(b.nonce, 8);
    out.put('.').put_hex(b.index);
}

std::optional<OwnBranch> parse_branch(std::string_view s) noexcept {
    if (!s.starts_with(sip::kMagicCookie)) return std::nullopt;
    s.remove_prefix(sip::kMagicCookie.size());
    const auto slot = take_hex(s, 0);
    if (!slot || !take_dot(s)) return std::nullopt;
    const auto label = take_hex(s, 8);
    const auto nonce = label ? take_hex(s, 8) : std::nullopt;
    if (!nonce || !take_dot(s)) return std::nullopt;
    const auto index = take_hex(s, 0);
    if (!index || !s.empty()) return std::nullopt;
    return OwnBranch{*slot, *label, *nonce, *index};
}

}  // namespace fairlead::tm
