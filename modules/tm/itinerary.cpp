// What a branch needs to be sent later, or to another place. SPDX-License-Identifier: Apache-2.0
#include "modules/tm/itinerary.h"

#include <algorithm>

#include "modules/tm/runtime.h"
#include "modules/tm/stored_request.h"

namespace fairlead::tm {
namespace {

char* put(char* to, std::string_view text) noexcept {
    return std::ranges::copy(text, to).out;
}

std::uint32_t size32(std::string_view text) noexcept {
    return static_cast<std::uint32_t>(text.size());
}

}  // namespace

Itinerary* make_itinerary(Runtime& rt, const Message& m, const BranchTarget& t) noexcept {
    const std::size_t kept = m.kept_size();
    const std::size_t texts = t.uri.size() + t.dst_uri.size() + t.path.size() + kept;
    StoredRequest* const request = store_request(rt.memory(), rt.tags.request, m);
    auto* const i = rt.memory().make<Itinerary>(rt.tags.itinerary, shm::Hold::in_hand);
    char* const block =
        static_cast<char*>(rt.memory().allocate(texts, rt.tags.itinerary, shm::Hold::in_hand));
    if (request == nullptr || i == nullptr || block == nullptr) {
        rt.memory().free(block);
        rt.memory().free(i);
        rt.memory().free(request);
        rt.counts.memory_failures.add();
        return nullptr;
    }
    i->request = request;
    i->listener = t.listener;
    i->udp_mtu_try_proto = m.udp_mtu_try_proto;
    i->no_connect = m.forward_no_connect;
    i->close_after = m.forward_close;
    i->uri_size = size32(t.uri);
    i->dst_size = size32(t.dst_uri);
    i->path_size = size32(t.path);
    i->kept_size = static_cast<std::uint32_t>(kept);
    i->flag_bits = t.flags;
    i->script_flags = m.script_flags;
    i->texts.bytes = block;
    i->texts.size = static_cast<std::uint32_t>(texts);
    char* const to = put(put(put(block, t.uri), t.dst_uri), t.path);
    if (kept != 0) m.keep(to);
    return i;
}

void publish_itinerary(Runtime& rt, Itinerary& i) noexcept {
    rt.memory().publish(i.request.get());
    rt.memory().publish(i.texts.bytes.get());
    rt.memory().publish(&i);
}

void free_itinerary(Runtime& rt, Itinerary* i) noexcept {
    if (i == nullptr) return;
    rt.memory().free(i->request.get());
    rt.memory().free(i->texts.bytes.get());
    rt.memory().free(i);
}

void load_itinerary(const Itinerary& i, Message& m) {
    restore(*copy(*i.request, m.arena), m);
    std::string_view rest = m.arena.copy(i.texts.view());
    const auto take = [&](std::size_t n) {
        const std::string_view text = rest.substr(0, n);
        rest.remove_prefix(n);
        return text;
    };
    m.target.uri = take(i.uri_size);
    m.target.dst_uri = take(i.dst_size);
    m.target.path = take(i.path_size);
    m.target.listener = i.listener;
    m.target.flags = i.flag_bits;
    m.script_flags = i.script_flags;
    m.udp_mtu_try_proto = i.udp_mtu_try_proto;
    m.forward_no_connect = i.no_connect;
    m.forward_close = i.close_after;
    if (i.kept_size != 0) (void)m.load_kept(rest);
}

}  // namespace fairlead::tm
