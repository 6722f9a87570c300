// What tm notes of a transaction that is traced. SPDX-License-Identifier: Apache-2.0
#include "modules/tm/trace_notes.h"

#include <array>

#include "core/api/sip.h"
#include "core/api/trace.h"

namespace fairlead::tm {
namespace {

using Text = std::array<char, Trace::kMaxText>;
constexpr int kNoBranch = -1;

class Notes {
public:
    Notes(Trace& trace, const Cell& c, Due now) noexcept : trace_(trace), c_(c), now_(now) {}

    /// "retransmission of branch 0".
    void timer(Due due, std::string_view what, int branch = kNoBranch) noexcept {
        if (due > now_) return;
        Text text;
        sip::Writer out(text.data(), text.size());
        out.put(what);
        if (branch != kNoBranch) out.put(" of branch ").put_uint(static_cast<unsigned>(branch));
        trace_.note(c_.call_id(), c_.cseq, Trace::Kind::timer, out.text(), {});
    }

private:
    Trace& trace_;
    const Cell& c_;
    Due now_;
};

}  // namespace

void note_branch(const Runtime& rt, const Cell& c, const Branch& b,
                 std::string_view request) noexcept {
    Trace* const trace = rt.core->trace();
    if (trace == nullptr) return;
    constexpr std::size_t kMaxUri = 160;
    const std::string_view line = request.substr(0, request.find("\r\n"));
    const std::size_t first = line.find(' '), last = line.rfind(' ');
    const bool is_request = first != std::string_view::npos && last > first;
    Text text;
    sip::Writer out(text.data(), text.size());
    out.put_uint(b.index).put(' ');
    if (is_request) out.put(line.substr(first + 1, std::min(last - first - 1, kMaxUri)));
    out.put(" at ").put(name(b.target.proto)).put(':').put(b.target.address.text());
    trace->note(c.call_id(), c.cseq, Trace::Kind::branch, out.text(), {});
}

void note_timers(const Runtime& rt, const Cell& c) noexcept {
    Trace* const trace = rt.core->trace();
    if (trace == nullptr) return;
    Notes notes(*trace, c, c.at(rt.now()));
    notes.timer(c.retransmit_at, "retransmission of the reply");
    notes.timer(c.suspended_until, "end of the suspension");
    notes.timer(c.wake_at, "wake-up");
    for (const Branch* b = c.branches.get(); b != nullptr; b = b->next.get()) {
        notes.timer(b->retransmit_at, "retransmission", b->index);
        notes.timer(b->final_at, "no final reply in time", b->index);
        notes.timer(b->cancel_at, "retransmission of the CANCEL", b->index);
        notes.timer(b->cancel_until, "no answer to the CANCEL", b->index);
    }
    notes.timer(c.end_at, "end of the transaction");
}

}  // namespace fairlead::tm
