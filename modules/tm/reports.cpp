// What became of a transaction, for other modules.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/reports.h"

#include <exception>

#include "core/api/log.h"
#include "modules/tm/itinerary.h"
#include "modules/tm/stored_request.h"

namespace fairlead::tm {
namespace {

bool is_watched(const Runtime& rt, const Cell& c, std::uint32_t flags, const Report& r) noexcept {
    const std::uint32_t wanted =
        r.code >= 200 ? rt.watched_flags : rt.watched_flags & rt.watched_provisional;
    const bool answered_here = r.local && r.what == Report::What::replied;
    const bool has_route = answered_here && rt.local_response != RouteId::none;
    return ((flags & wanted) != 0 || has_route) && c.request;
}

/// event_route[tm:local-response] sees the reply as it was sent.
void run_local_response(Runtime& rt, const Event& e) noexcept {
    if (!e.report.local || e.report.what != Report::What::replied) return;
    Message& sent = rt.core->borrow_message();
    if (!sent.sip.parse(e.report.reply)) {
        sent.flags = e.flags;
        sent.route_type = Route::event;
        (void)rt.core->script().run(rt.local_response, sent);
    }
    rt.core->give_back(sent);
}

Event event_of(const Cell& c, const Report& report, Arena& arena) {
    Event e{.report = report, .request = copy(*c.request, arena)};
    e.report.reply = arena.copy(report.reply);
    e.flags = c.flag_bits;
    e.slot = c.slot;
    e.label = c.label;
    return e;
}

void clear_flags(Runtime& rt, const Event& e, std::uint32_t flags) noexcept {
    Bucket& b = rt.table.bucket(e.slot);
    const shm::Guard<Bucket> guard(b);
    Cell* const c = Table::find(b, e.label);
    if (c != nullptr) c->flag_bits &= ~flags;
}

}  // namespace

std::string_view uri_of(const Branch& b) noexcept {
    // The second word of the start line, also when that is an ACK by now.
    std::string_view line = b.sent.view();
    if (line.empty() && b.itinerary) return b.itinerary->uri();  // it was never sent
    const std::size_t from = line.find(' ');
    if (from == std::string_view::npos) return {};
    line.remove_prefix(from + 1);
    return line.substr(0, line.find(' '));
}

void note(const Runtime& rt, const Cell& c, const Branch* branch, const Report& report,
          Outgoing& out) {
    if (!is_watched(rt, c, c.flag_bits, report)) return;
    Event e = event_of(c, report, out.arena());
    if (branch != nullptr) e.uri = out.arena().copy(uri_of(*branch));
    e.kept = out.arena().copy(c.avps.view());
    out.add_event(e);
}

void note_scripted(const Runtime& rt, const Cell& c, const Message& m, const Report& report,
                   Outgoing& out) {
    if (!is_watched(rt, c, m.flags, report)) return;
    Event e = event_of(c, report, out.arena());
    e.uri = out.arena().copy(m.uri());
    e.flags = m.flags;
    const std::size_t size = m.kept_size();
    char* const kept = out.arena().allocate(size);
    if (size != 0) m.keep(kept);
    e.kept = {kept, size};
    out.add_event(e);
}

void tell(Runtime& rt, const Event& event) noexcept {
    std::uint32_t lost = 0;
    if (rt.local_response != RouteId::none) run_local_response(rt, event);
    for (const Watching& w : rt.watchers) {
        if ((event.flags & w.flags) == 0 || (event.report.code < 200 && !w.provisional)) continue;
        Message& m = rt.core->borrow_message();
        restore(*event.request, m);
        m.flags = event.flags;
        m.target.uri = event.uri;
        m.route_type = Route::failure;
        if (!event.kept.empty()) (void)m.load_kept(event.kept);
        try {
            lost |= w.watcher->told(m, event.report);
        } catch (const std::exception& e) {
            LOG(error, "a watcher of transactions threw: {}", e.what());
        }
        rt.core->give_back(m);
    }
    if (lost != 0) clear_flags(rt, event, lost);
}

}  // namespace fairlead::tm
