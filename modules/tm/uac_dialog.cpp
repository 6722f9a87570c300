// Dialogs of modules: requests in them, and what replies teach (RFC 3261 12).
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/tm.h"
#include "modules/tm/uac.h"

namespace fairlead::tm {
namespace {

constexpr std::uint32_t kMaxCSeq = 0x7fffffff;

/// The dialog's own fields in place of the request's.
UacRequest filled(const Dialog& d, const UacRequest& r) {
    UacRequest out = r;
    out.from = d.local_uri;
    out.to = d.remote_uri.empty() ? std::string_view(d.target) : d.remote_uri;
    out.from_tag = d.local_tag;
    out.to_tag = d.remote_tag;
    out.call_id = d.call_id;
    out.cseq = d.local_cseq;
    if (out.socket.empty()) out.socket = d.socket;
    return out;
}

}  // namespace

std::expected<UacId, ScriptError> Tm::request_outside(Dialog& d, const UacRequest& r) {
    if (d.state != Dialog::State::fresh || d.target.empty())
        return std::unexpected(ScriptError::bad_request);
    if (d.call_id.empty()) d.call_id = fresh_call_id(rt_);
    if (d.local_tag.empty()) d.local_tag = fresh_tag(rt_);
    UacRequest out = filled(d, r);
    out.to_tag = {};
    const Routed way = routed(d.target, d.routes);
    const std::string headers = way.lines + std::string(r.headers);
    out.request_uri = way.request_uri;
    out.headers = headers;
    if (out.next_hop.empty()) out.next_hop = way.next_hop;
    return launch(rt_, out);
}

std::expected<UacId, ScriptError> Tm::request_within(Dialog& d, const UacRequest& r) {
    const bool is_there = d.state == Dialog::State::confirmed || d.state == Dialog::State::early;
    if (!is_there || d.target.empty() || d.local_cseq >= kMaxCSeq)
        return std::unexpected(ScriptError::bad_request);
    ++d.local_cseq;
    UacRequest out = filled(d, r);
    const Routed way = routed(d.target, d.routes);
    const std::string headers = way.lines + std::string(r.headers);
    out.request_uri = way.request_uri;
    out.headers = headers;
    if (out.next_hop.empty()) out.next_hop = way.next_hop;
    return launch(rt_, out);
}

bool Tm::learn(Dialog& d, std::string_view reply) const {
    sip::Message m;
    if (m.parse(reply) || m.is_request() || m.call_id() != d.call_id) return false;
    if (m.from() == nullptr || m.from()->tag != d.local_tag || m.to() == nullptr) return false;
    const int code = m.status();
    const bool known = d.state == Dialog::State::confirmed || d.state == Dialog::State::early;
    if (d.state == Dialog::State::confirmed && m.to()->tag != d.remote_tag) return false;
    if (code >= 300) {  // RFC 3261 12.3, 12.2.1.2
        const bool ends = d.state != Dialog::State::confirmed || code == 481 || code == 408;
        if (ends) d.state = Dialog::State::over;
        return true;
    }
    if (code == 100 || m.to()->tag.empty()) return true;
    // RFC 3261 12.1.2: a dialog begins with tag and route set; its target may move on later.
    if (!known || d.remote_tag != m.to()->tag || d.state == Dialog::State::early)
        d.routes = route_set(m);
    d.remote_tag = m.to()->tag;
    if (const std::string_view contact = contact_uri(m); !contact.empty()) d.target = contact;
    if (code >= 200) {
        d.state = m.method() == sip::Method::bye ? Dialog::State::over : Dialog::State::confirmed;
    } else if (d.state == Dialog::State::fresh) {
        d.state = Dialog::State::early;
    }
    return true;
}

}  // namespace fairlead::tm
