// The interpreter: leaving a script behind a statement and going on from there later, in any
// process. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <utility>

#include "cfg/run.h"

namespace fairlead::cfg {

namespace {

constexpr std::uint16_t kEntered = 0x8000;

}  // namespace

// A way is the number of the program's statements (another program has no such way), and from the
// outermost sequence of statements to the innermost a Station each.

std::string_view Run::way_back() const {
    if (top_ == nullptr || top_->step->value != calling_) return {};
    std::size_t depth = 0;
    for (const Frame* f = top_; f != nullptr; f = f->outer) ++depth;
    const std::size_t size = sizeof(std::uint32_t) + depth * sizeof(Station);
    char* const bytes = message_.arena.allocate(size);
    const auto stamp = static_cast<std::uint32_t>(program_.step_count());
    std::memcpy(bytes, &stamp, sizeof stamp);
    for (const Frame* f = top_; f != nullptr; f = f->outer) {
        const auto calls = std::min<std::uint16_t>(f->calls, kEntered - 1);
        const Station station{
            f->step->number, f->route,
            static_cast<std::uint16_t>(calls | (f->entered ? kEntered : 0)),
            static_cast<std::uint32_t>(std::min<std::int64_t>(f->turns, INT32_MAX))};
        std::memcpy(bytes + sizeof stamp + --depth * sizeof station, &station, sizeof station);
    }
    return {bytes, size};
}

Run::Station Run::first_of(std::string_view way) noexcept {
    Station station{};
    std::memcpy(&station, way.data(), sizeof station);
    return station;
}

bool Run::is_way(std::string_view way) const noexcept {
    if (way.empty()) return false;
    for (; !way.empty(); way.remove_prefix(sizeof(Station))) {
        const Station s = first_of(way);
        if (program_.step(s.step) == nullptr) return false;
        if (static_cast<std::size_t>(s.route) >= program_.routes().size()) return false;
    }
    return true;
}

RouteResult Run::go_on(std::string_view way) {
    std::uint32_t stamp = 0;
    if (way.size() < sizeof stamp || (way.size() - sizeof stamp) % sizeof(Station) != 0)
        return {.code = -1};
    std::memcpy(&stamp, way.data(), sizeof stamp);
    way.remove_prefix(sizeof stamp);
    if (stamp != program_.step_count() || !is_way(way)) return {.code = -1};

    message_.return_code = 1;
    message_.error = ScriptError::none;
    const ScriptPlace outside = message_.place;
    const Flow flow = again(way);
    message_.place = outside;
    return ended_top(flow);
}

Flow Run::again(std::string_view way) {
    const Station here = first_of(way);
    const bool entered = (here.entered_calls & kEntered) != 0;
    Frame frame{top_,
                program_.step(here.step),
                here.route,
                entered,
                static_cast<std::uint16_t>(here.entered_calls & ~kEntered),
                here.turns};
    top_ = &frame;
    route_ = here.route;
    code_ = 1;
    Flow flow =
        way.size() > sizeof(Station) ? behind_inner(frame, way.substr(sizeof(Station))) : Flow::on;
    for (frame.step = frame.step->next; frame.step != nullptr && flow == Flow::on;
         frame.step = frame.step->next) {
        frame.calls = 0;
        flow = step(*frame.step);
    }
    top_ = frame.outer;
    return flow;
}

/// The end of the statement whose inside was left.
Flow Run::behind_inner(Frame& f, std::string_view inner) {
    const Step& s = *f.step;
    const bool is_route = (first_of(inner).entered_calls & kEntered) != 0;
    depth_ += is_route ? 1 : 0;
    const Flow flow = again(inner);
    depth_ -= is_route ? 1 : 0;
    route_ = f.route;
    if (is_route) {
        if (flow == Flow::exit) return flow;
        message_.return_code = given_code_ = code_;
        given_to_ = &f;
        given_calls_ = std::exchange(f.calls, std::uint16_t{0});
        const Flow all = s.kind == Statement::Kind::loop ? loop(s, f.turns) : step(s);
        given_calls_ = 0;
        return all;
    }
    if (s.kind == Statement::Kind::loop && flow == Flow::on) return loop(s, f.turns + 1);
    const bool ends = s.kind == Statement::Kind::loop || s.kind == Statement::Kind::choice;
    return ends && flow == Flow::leave ? Flow::on : flow;
}

}  // namespace fairlead::cfg
