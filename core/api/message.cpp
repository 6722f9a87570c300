// Message: starting anew, branches, reply lines; and the replies for internal errors.
// SPDX-License-Identifier: Apache-2.0
#include "core/api/message.h"

#include <algorithm>
#include <cstring>

namespace fairlead {

void Message::reset(const Received& from, Ms now) noexcept {
    received = from;
    arrived = now;
    arrived_ns = 0;
    number = 0;
    target = {};
    branch_count = 0;
    flags = script_flags = 0;
    force_rport = add_local_rport = uri_consumed = is_owned = false;
    forward_no_connect = forward_close = reply_no_connect = reply_close = false;
    advertised_host = {};
    advertised_port = 0;
    edits.clear();
    reply_headers = reply_body = reply_content_type = {};
    avps.clear();
    for (Xavps* const x : {&xavps, &xavus, &xavis}) x->clear();
    route_type = Route::request;
    error = ScriptError::none;
    return_code = 1;
    leaving = nullptr;
    place = {};
    trace = nullptr;
    slots.fill(0);
}

bool Message::append_branch(const BranchTarget& branch, std::size_t max) noexcept {
    // The Request-URI's own branch takes one of the places.
    if (branch_count + 1 >= max || branch_count == branches.size()) return false;
    branches[branch_count++] = branch;
    return true;
}

// The kept form: the sizes of its five parts, 4 bytes each, and the parts. The last one, for our
// Via: port and rport as one number of 4 bytes, and the host.
namespace {

constexpr std::size_t kKeptParts = 5;
constexpr std::size_t kKeptHead = kKeptParts * sizeof(std::uint32_t);
constexpr std::uint32_t kKeptRport = 1U << 16U;
constexpr std::size_t kViaHead = sizeof(std::uint32_t);

std::size_t via_size(const Message& m) noexcept {
    const bool is_usual = m.advertised_host.empty() && m.advertised_port == 0 && !m.add_local_rport;
    return is_usual ? 0 : kViaHead + m.advertised_host.size();
}

void keep_via(const Message& m, char* out) noexcept {
    if (via_size(m) == 0) return;
    const std::uint32_t head = m.advertised_port | (m.add_local_rport ? kKeptRport : 0U);
    std::memcpy(out, &head, kViaHead);
    std::ranges::copy(m.advertised_host, out + kViaHead);
}

bool load_via(Message& m, std::string_view kept) {
    m.advertised_host = {};
    m.advertised_port = 0;
    m.add_local_rport = false;
    if (kept.empty()) return true;
    std::uint32_t head = 0;
    if (kept.size() < kViaHead) return false;
    std::memcpy(&head, kept.data(), kViaHead);
    m.advertised_port = static_cast<std::uint16_t>(head & 0xffffU);
    m.add_local_rport = (head & kKeptRport) != 0;
    m.advertised_host = m.arena.copy(kept.substr(kViaHead));
    return true;
}

}  // namespace

std::size_t Message::kept_size() const noexcept {
    const std::size_t size = avps.stored_size() + xavps.stored_size() + xavus.stored_size() +
                             xavis.stored_size() + via_size(*this);
    return size == 0 ? 0 : kKeptHead + size;
}

void Message::keep(char* out) const noexcept {
    const std::array<std::uint32_t, kKeptParts> sizes{
        static_cast<std::uint32_t>(avps.stored_size()),
        static_cast<std::uint32_t>(xavps.stored_size()),
        static_cast<std::uint32_t>(xavus.stored_size()),
        static_cast<std::uint32_t>(xavis.stored_size()),
        static_cast<std::uint32_t>(via_size(*this))};
    std::memcpy(out, sizes.data(), kKeptHead);
    out += kKeptHead;
    avps.store(out);
    out += sizes[0];
    xavps.store(out);
    out += sizes[1];
    xavus.store(out);
    out += sizes[2];
    xavis.store(out);
    out += sizes[3];
    keep_via(*this, out);
}

bool Message::load_kept(std::string_view kept) {
    std::array<std::uint32_t, kKeptParts> sizes{};
    if (kept.size() < kKeptHead) return false;
    std::memcpy(sizes.data(), kept.data(), kKeptHead);
    std::string_view rest = kept.substr(kKeptHead);
    std::array<std::string_view, kKeptParts> parts;
    for (std::size_t i = 0; i < kKeptParts; ++i) {
        if (sizes[i] > rest.size()) return false;
        parts[i] = rest.substr(0, sizes[i]);
        rest.remove_prefix(sizes[i]);
    }
    return rest.empty() && avps.load(parts[0]) && xavps.load(parts[1]) && xavus.load(parts[2]) &&
           xavis.load(parts[3]) && load_via(*this, parts[4]);
}

void Message::append_to_reply(std::string_view lines) {
    reply_headers =
        reply_headers.empty() ? arena.copy(lines) : arena.concat({reply_headers, lines});
}

ErrorReply error_reply(ScriptError error) noexcept {
    switch (error) {
        case ScriptError::send: return {477, "Unfortunately error on sending to next hop occurred"};
        case ScriptError::bad_address: return {478, "Unresolvable destination"};
        case ScriptError::bad_uri: return {479, "Regretfully, we were not able to process the URI"};
        case ScriptError::bad_request: return {400, "Bad Request"};
        case ScriptError::bad_tuple: return {400, "Transaction tuple incomplete"};
        case ScriptError::bad_to: return {400, "Bad To"};
        case ScriptError::external_logic: return {500, "Error in external logic"};
        case ScriptError::too_many_branches: return {500, "Forking capacity exceeded"};
        case ScriptError::cancelled: return {487, "Transaction canceled"};
        case ScriptError::none:
        case ScriptError::out_of_memory: return {500, "No error"};
        default: return {500, "I'm terribly sorry, server error occurred"};
    }
}

}  // namespace fairlead
