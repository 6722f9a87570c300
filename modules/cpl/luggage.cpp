// A waiting run as bytes. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/luggage.h"

namespace fairlead::cpl {

namespace {

constexpr std::uint32_t kMagic = 0x4350'4c57;
constexpr std::size_t kUsualSize = 512;  // of a run without its script

std::string write(const Run& run) {
    Writer out(kUsualSize + run.script.size());
    const State& s = run.state;
    out.u32(kMagic).text(run.owner).text(run.request_uri).u64(static_cast<std::uint64_t>(run.time));
    out.u64(run.source_hash).code(run.mode);
    out.u32(s.node)
        .u16(s.best)
        .u16(s.earlier)
        .code(s.waiting)
        .u8(s.recursions)
        .u8(s.invites)
        .u8(s.notes);
    out.u8(static_cast<unsigned>(s.changed) | static_cast<unsigned>(s.proxied) << 1U |
           static_cast<unsigned>(s.lost) << 2U);
    s.locations.write(out);
    return std::move(out.bytes());
}

}  // namespace

std::string pack(const Run& run, std::size_t most) {
    std::string bytes = write(run);
    if (bytes.size() > most) return {};
    if (run.script.size() <= most - bytes.size()) bytes += run.script;
    return bytes;
}

std::optional<Run> unpack(std::string_view bytes) {
    Reader in(bytes, 0);
    Run run;
    if (in.u32() != kMagic) return std::nullopt;
    run.owner = in.text();
    run.request_uri = in.text();
    run.time = static_cast<Instant>(in.u64());
    run.source_hash = in.u64();
    run.mode = in.code(Mode::force_stateful);
    run.resumed = true;
    State& s = run.state;
    s.node = in.u32();
    s.best = in.u16();
    s.earlier = in.u16();
    s.waiting = in.code(State::Waiting::ended);
    s.recursions = in.u8();
    s.invites = in.u8();
    s.notes = in.u8();
    const unsigned flags = in.u8();
    s.changed = (flags & 1U) != 0;
    s.proxied = (flags & 2U) != 0;
    s.lost = (flags & 4U) != 0;
    if (!in.ok() || !s.locations.read(in)) return std::nullopt;
    run.script = bytes.substr(in.at());
    return run;
}

}  // namespace fairlead::cpl
