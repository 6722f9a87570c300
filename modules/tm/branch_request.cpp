// The request of one branch. SPDX-License-Identifier: Apache-2.0
#include "modules/tm/branch_request.h"

#include <array>

#include "core/api/route_target.h"

namespace fairlead::tm {
namespace {

std::string_view write(Runtime& rt, const Message& m, const BranchTarget& t, const Target& target,
                       const BranchId& own, Outgoing& out) {
    std::array<char, 64> id;
    sip::Writer branch(id.data(), id.size());
    write_branch(branch, own);
    const Listener& from = rt.core->net().listeners()[target.listener];
    sip::Writer via = out.writer(from.via_sent_by.size() + branch.size() +
                                 m.advertised_host.size() + m.via_params.size() + 80);
    sip::Writer mark = out.writer(96);
    sip::RequestPlan plan{.request_uri = t.uri};
    plan.via = write_via(via, from, target.proto, m, branch.text());
    if (!own.is_ours) plan.top_via_mark = forwarded_via_mark(mark, m);
    plan.add_content_length = is_reliable(target.proto);
    plan.from = socket_key(target.listener, target.proto);
    if (!t.path.empty()) {
        sip::Writer route = out.writer(t.path.size() + 16);
        plan.route = route.put("Route: ").put(t.path).put("\r\n").text();
    }
    std::size_t room = m.sip.bytes().size() + t.uri.size() + plan.via.size() +
                       plan.top_via_mark.size() + plan.route.size() + 64;
    for (const sip::Edit& e : m.edits.list()) room += e.text.size();
    sip::Writer request = out.writer(room);
    return sip::write_request(request, m.sip, m.edits.list(), plan) ? request.text()
                                                                    : std::string_view();
}

}  // namespace

BranchRequest write_branch_request(Runtime& rt, Message& m, const BranchTarget& t, Target target,
                                   const BranchId& own, Outgoing& out) {
    set_stream_use(rt.core->net(), target, m);
    BranchRequest request{.target = target, .bytes = write(rt, m, t, target, own, out)};
    const Core& core = *rt.core;
    const auto other =
        instead_of_datagram(rt.core->net(), core.globals(), target, request.bytes.size(), m);
    if (other) request = {*other, write(rt, m, t, *other, own, out), true};
    return request;
}

bool may_send_branch(Runtime& rt, Message& m, const BranchTarget& t, const BranchRequest& request) {
    const BranchTarget saved = m.target;
    m.target = t;
    const bool may = rt.core->may_send(m, request.target, request.bytes);
    m.target = saved;
    return may;
}

}  // namespace fairlead::tm
