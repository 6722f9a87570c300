// The interpreter: what it notes while a transaction is traced.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "cfg/run.h"
#include "core/api/trace.h"
#include "core/sip/build.h"

namespace fairlead::cfg {
namespace {

using Text = std::array<char, Trace::kMaxText>;

std::string_view block_name(Route type) noexcept {
    switch (type) {
        case Route::failure: return "failure_route";
        case Route::tm_reply: return "onreply_route";
        case Route::core_reply: return "reply_route";
        case Route::branch: return "branch_route";
        case Route::onsend: return "onsend_route";
        case Route::event:
        case Route::local:
        case Route::error:
        case Route::branch_failure: return "event_route";
        default: return "route";
    }
}

/// As much of `text` as leaves room for "…"; what does not fit is cut visibly.
void put_value(sip::Writer& out, std::string_view text) noexcept {
    constexpr std::size_t kMost = 160;
    out.put(text.substr(0, kMost));
    if (text.size() > kMost) out.put("…");
}

}  // namespace

void Run::trace_route(RouteId id) const noexcept {
    const CompiledRoute& route = program_.route(id);
    Text text;
    sip::Writer out(text.data(), text.size());
    if (route.type == Route::request && route.name.empty()) {
        out.put("request_route");
    } else {
        out.put(block_name(route.type));
        if (!route.name.empty()) {
            out.put('[');
            put_value(out, route.name);
            out.put(']');
        }
    }
    message_.trace->note(message_, Trace::Kind::route, out.text());
}

void Run::trace_call(const Node& n, int code) noexcept {
    stand_at(n);  // a route that the function ran may stand elsewhere
    Text text;
    sip::Writer out(text.data(), text.size());
    out.put(n.call->row->name).put("(): ");
    if (code < 0) out.put('-');
    out.put_uint(static_cast<std::uint64_t>(code < 0 ? -std::int64_t{code} : std::int64_t{code}));
    message_.trace->note(message_, Trace::Kind::call, out.text());
}

void Run::trace_assigned(const Node& n, const Value& v) const noexcept {
    Text text;
    sip::Writer out(text.data(), text.size());
    put_value(out, n.variable->text.substr(0, Trace::kMaxText / 4));
    out.put(" = ");
    if (v.is_null())
        out.put("<null>");
    else if (v.is_string())
        out.put('"'), put_value(out, v.string()), out.put('"');
    else if (v.integer() < 0)
        out.put('-').put_uint(-static_cast<std::uint64_t>(v.integer()));
    else
        out.put_uint(static_cast<std::uint64_t>(v.integer()));
    message_.trace->note(message_, Trace::Kind::assigned, out.text());
}

}  // namespace fairlead::cfg
