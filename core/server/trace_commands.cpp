// Commands about traces of transactions. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <ctime>
#include <memory>
#include <utility>

#include "core/server/core_base.h"
#include "core/server/engine.h"
#include "core/server/trace_table.h"

namespace fairlead::server::commands {
namespace {

constexpr int kNotFound = 404;
constexpr std::int64_t kMicroseconds = 1'000'000;

TraceTable& table(Module& m) {
    return static_cast<CoreBase&>(m).engine().traces();
}

std::string_view word(Trace::Kind kind) noexcept {
    switch (kind) {
        case Trace::Kind::received: return "received";
        case Trace::Kind::sent: return "sent";
        case Trace::Kind::route: return "route";
        case Trace::Kind::call: return "call";
        case Trace::Kind::assigned: return "assigned";
        case Trace::Kind::branch: return "branch";
        case Trace::Kind::timer: return "timer";
    }
    return "";
}

/// "2026-01-31 12:00:00.123456", local time.
std::string time_text(std::int64_t microseconds) {
    const auto seconds = static_cast<std::time_t>(microseconds / kMicroseconds);
    std::tm parts{};
    localtime_r(&seconds, &parts);
    std::array<char, 32> out{};
    const std::size_t size = std::strftime(out.data(), out.size(), "%Y-%m-%d %H:%M:%S", &parts);
    return fmt::format("{}.{:06}", std::string_view(out.data(), size),
                       microseconds % kMicroseconds);
}

class Events final : public AnswerSource {
public:
    explicit Events(std::vector<TraceTable::Event> events) : events_(std::move(events)) {}
    bool more(Answer& a) override {
        constexpr std::size_t kAtOnce = 64;
        for (std::size_t i = 0; i < kAtOnce && next_ < events_.size(); ++i) {
            const TraceTable::Event& e = events_[next_++];
            a.begin_struct();
            a.text("time", time_text(e.at));
            a.integer("microseconds", e.at);
            a.integer("cseq", e.cseq);
            a.integer("process", e.process);
            a.text("kind", word(e.kind));
            a.text("what", e.text);
            a.text("place", e.place);
            a.end_struct();
        }
        return next_ < events_.size();
    }

private:
    std::vector<TraceTable::Event> events_;
    std::size_t next_ = 0;
};

}  // namespace

Result<void> trace(Module& m, Call& call) {
    auto events = table(m).events(call.text(0));
    if (events.empty()) {
        const bool is_on = static_cast<CoreBase&>(m).engine().is_tracing();
        return fail(is_on ? "No trace of this Call-ID"
                          : "No trace of this Call-ID; cfg.seti core trace 1 begins to trace",
                    {}, kNotFound);
    }
    call.stream(std::make_unique<Events>(std::move(events)));
    return {};
}

Result<void> list_traces(Module& m, Call& call) {
    class Source final : public AnswerSource {
    public:
        explicit Source(std::vector<TraceTable::Call> calls) : calls_(std::move(calls)) {}
        bool more(Answer& a) override {
            constexpr std::size_t kAtOnce = 64;
            for (std::size_t i = 0; i < kAtOnce && next_ < calls_.size(); ++i) {
                const TraceTable::Call& c = calls_[next_++];
                a.begin_struct();
                a.text("callid", c.call_id);
                a.integer("cseq", c.cseq);
                a.text("last", time_text(c.last));
                a.integer("lost", c.lost);
                a.end_struct();
            }
            return next_ < calls_.size();
        }

    private:
        std::vector<TraceTable::Call> calls_;
        std::size_t next_ = 0;
    };
    call.stream(std::make_unique<Source>(table(m).calls()));
    return {};
}

Result<void> clear_traces(Module& m, Call&) {
    table(m).clear();
    return {};
}

}  // namespace fairlead::server::commands
