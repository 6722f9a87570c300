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
    udp_mtu_try_proto = Proto::none;
    advertised_host = {};
    advertised_port = 0;
    via_params = {};
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
// Via: port and rport as one number of 4 bytes, the size of the host, host and parameters.
namespace {

constexpr std::size_t kKeptParts = 5;
constexpr std::size_t kKeptHead = kKeptParts * sizeof(std::uint32_t);
constexpr std::uint32_t kKeptRport = 1U << 16U;
constexpr std::size_t kViaHead = 2 * sizeof(std::uint32_t);

std::size_t via_size(const Message& m) noexcept {
    const bool is_usual = m.advertised_host.empty() && m.advertised_port == 0 &&
                          m.via_params.empty() && !m.add_local_rport;
    return is_usual ? 0 : kViaHead + m.advertised_host.size() + m.via_params.size();
}

void keep_via(const Message& m, char* out) noexcept {
    if (via_size(m) == 0) return;
    const std::array<std::uint32_t, 2> head{
        m.advertised_port | (m.add_local_rport ? kKeptRport : 0U),
        static_cast<std::uint32_t>(m.advertised_host.size())};
    std::memcpy(out, head.data(), kViaHead);
    out = std::ranges::copy(m.advertised_host, out + kViaHead).out;
    std::ranges::copy(m.via_params, out);
}

bool load_via(Message& m, std::string_view kept) {
    m.advertised_host = m.via_params = {};
    m.advertised_port = 0;
    m.add_local_rport = false;
    if (kept.empty()) return true;
    std::array<std::uint32_t, 2> head{};
    if (kept.size() < kViaHead) return false;
    std::memcpy(head.data(), kept.data(), kViaHead);
    kept.remove_prefix(kViaHead);
    if (head[1] > kept.size()) return false;
    m.advertised_port = static_cast<std::uint16_t>(head[0] & 0xffffU);
    m.add_local_rport = (head[0] & kKeptRport) != 0;
    m.advertised_host = m.arena.copy(kept.substr(0, head[1]));
    m.via_params = m.arena.copy(kept.substr(head[1]));
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

void copy_target(Message& to, const BranchTarget& target) {
    to.target = target;
    to.target.uri = to.arena.copy(target.uri);
    to.target.dst_uri = to.arena.copy(target.dst_uri);
    to.target.path = to.arena.copy(target.path);
    to.target.ruid = to.arena.copy(target.ruid);
    to.target.location_ua = to.arena.copy(target.location_ua);
    to.target.instance = to.arena.copy(target.instance);
}

void copy_request(const Message& from, Message& to) {
    to.reset(from.received, from.arrived);
    (void)to.sip.parse(to.arena.copy(from.sip.bytes()));  // as it was when it arrived
    to.arrived_ns = from.arrived_ns;
    to.number = from.number;
    copy_target(to, from.target);
    to.flags = from.flags;
    to.script_flags = from.script_flags;
    to.force_rport = from.force_rport;
    to.add_local_rport = from.add_local_rport;
    to.forward_no_connect = from.forward_no_connect;
    to.forward_close = from.forward_close;
    to.udp_mtu_try_proto = from.udp_mtu_try_proto;
    for (const sip::Edit& e : from.edits.list()) {
        const std::string_view text = to.arena.copy(e.text);
        if (e.removed == 0)
            to.edits.insert(e.offset, text, e.only_from);
        else
            to.edits.replace(e.offset, e.removed, text);
    }
    // The variables read this block in place.
    const std::size_t size = from.kept_size();
    if (size != 0) {
        char* const kept = to.arena.allocate(size);
        from.keep(kept);
        (void)to.load_kept({kept, size});
    }
    to.trace = from.trace;
}

}  // namespace fairlead
