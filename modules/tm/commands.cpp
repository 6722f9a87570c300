// Commands about transactions, with the names and the shapes of Kamailio's.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/api/sip.h"
#include "core/api/text.h"
#include "modules/tm/audit.h"
#include "modules/tm/foreign.h"
#include "modules/tm/tm.h"
#include "modules/tm/uac_commands.h"

namespace fairlead::tm {
namespace {

constexpr int kBadRequest = 400;

Runtime& runtime_of(Module& m) {
    return static_cast<Tm&>(m).runtime();
}

Result<void> stats(Module& m, Call& call) {
    const Runtime& rt = runtime_of(m);
    const Counts& n = rt.counts;
    const auto sum = [&](shm::Counter c) { return rt.core->counters().sum(c); };
    const std::int64_t local = sum(n.local_replies), relayed = sum(n.relayed_replies);
    Answer& a = call.answer();
    a.begin_struct();
    a.integer("current", sum(n.created) - sum(n.freed));
    a.integer("waiting", sum(n.waiting) - sum(n.done_waiting));
    a.integer("total", sum(n.uas_transactions) + sum(n.uac_transactions));
    a.integer("total_local", sum(n.uac_transactions));
    a.integer("rpl_received", sum(n.received_replies));
    a.integer("rpl_generated", local);
    a.integer("rpl_sent", local + relayed);
    a.integer("6xx", sum(n.class_6xx));
    a.integer("5xx", sum(n.class_5xx));
    a.integer("4xx", sum(n.class_4xx));
    a.integer("3xx", sum(n.class_3xx));
    a.integer("2xx", sum(n.class_2xx));
    a.integer("created", sum(n.created));
    a.integer("freed", sum(n.freed));
    a.integer("delayed_free", sum(n.delayed_free));
    a.end_struct();
    return {};
}

/// What is told of one transaction, taken while its bucket was locked.
struct Seen {
    std::uint32_t slot, label, cseq, flags;
    std::uint8_t branches;
    bool has_client;
    std::int64_t lifetime;  ///< seconds that are left at most; 0: not known
    std::string method, call_id, sent;
};

/// A bucket at a time: nothing is locked between two of them.
class List final : public AnswerSource {
public:
    explicit List(const Runtime& rt) : rt_(rt) {}

    bool more(Answer& answer) override {
        std::vector<Seen> seen;
        while (next_ < rt_.table.size() && seen.empty()) look(next_++, seen);
        for (const Seen& s : seen) tell(answer, s);
        return next_ < rt_.table.size();
    }

private:
    void look(std::uint32_t slot, std::vector<Seen>& seen) const {
        Bucket& b = rt_.table.bucket(slot);
        if (!b.first) return;
        const shm::Guard<Bucket> guard(b);
        for (const Cell* c = b.first.get(); c != nullptr; c = c->link.get()) {
            if (c->has(Cell::dead)) continue;
            const Due age = c->at(rt_.now());
            const bool ends = c->end_at != kNever && c->end_at > age;
            const std::string_view known = sip::name(c->method);
            seen.push_back({slot, c->label, c->cseq, c->flags, c->branch_count, !c->is_ours(),
                            ends ? (c->end_at - age) / 1000 : 0,
                            std::string(known.empty() ? c->method_text() : known),
                            std::string(c->call_id()),
                            c->branches ? std::string(c->branches->sent.view()) : std::string()});
        }
    }

    /// From and To are those of the request as it was sent, while that is kept.
    void tell(Answer& a, const Seen& s) {
        const bool readable = !s.sent.empty() && !message_->parse(s.sent);
        const auto text = [&](sip::HeaderType type) {
            return readable ? message_->text(type) : std::string_view();
        };
        a.begin_struct();
        a.integer("tindex", s.slot);
        a.integer("tlabel", s.label);
        a.text("method", s.method);
        a.text("from", text(sip::HeaderType::from));
        a.text("to", text(sip::HeaderType::to));
        a.text("callid", s.call_id);
        a.text("cseq", std::to_string(s.cseq));
        a.text("uas_request", s.has_client ? "yes" : "no");
        a.integer("tflags", s.flags);
        a.integer("outgoings", s.branches);
        a.integer("ref_count", 1);
        a.integer("lifetime", s.lifetime);
        a.end_struct();
    }

    const Runtime& rt_;
    std::uint32_t next_ = 0;
    std::unique_ptr<sip::Message> message_ = std::make_unique<sip::Message>();
};

Result<void> list(Module& m, Call& call) {
    call.stream(std::make_unique<List>(runtime_of(m)));
    return {};
}

/// How many transactions stand in each bucket that has any.
Result<void> hash_stats(Module& m, Call& call) {
    class Source final : public AnswerSource {
    public:
        explicit Source(const Runtime& rt) : rt_(rt) {}
        bool more(Answer& answer) override {
            constexpr std::uint32_t kAtOnce = 256;
            for (std::uint32_t i = 0; i < kAtOnce && next_ < rt_.table.size(); ++i, ++next_) {
                Bucket& b = rt_.table.bucket(next_);
                std::int64_t count = 0;
                {
                    const shm::Guard<Bucket> guard(b);
                    for (const Cell* c = b.first.get(); c != nullptr; c = c->link.get()) ++count;
                }
                if (count == 0) continue;
                answer.begin_struct();
                answer.integer("slot", next_);
                answer.integer("current", count);
                answer.end_struct();
            }
            return next_ < rt_.table.size();
        }

    private:
        const Runtime& rt_;
        std::uint32_t next_ = 0;
    };
    call.stream(std::make_unique<Source>(runtime_of(m)));
    return {};
}

/// A line for each bucket, as the line protocol had them.
Result<void> hash_table(Module& m, Call& call) {
    class Source final : public AnswerSource {
    public:
        explicit Source(const Runtime& rt) : rt_(rt) {}
        bool more(Answer& answer) override {
            constexpr std::uint32_t kAtOnce = 512;
            for (std::uint32_t i = 0; i < kAtOnce && next_ < rt_.table.size(); ++i, ++next_) {
                const Table::Load load = rt_.table.load(next_);
                answer.text(fmt::format("{}.\t{}\t{}", next_, load.current, load.total));
            }
            return next_ < rt_.table.size();
        }

    private:
        const Runtime& rt_;
        std::uint32_t next_ = 0;
    };
    call.stream(std::make_unique<Source>(runtime_of(m)));
    return {};
}

std::optional<CallKey> key(const Call& call) {
    const auto cseq = text::parse_uint(call.text(1), UINT32_MAX);
    if (call.text(0).empty() || !cseq) return std::nullopt;
    return CallKey{call.text(0), static_cast<std::uint32_t>(*cseq)};
}

Result<void> cancel(Module& m, Call& call) {
    const auto wanted = key(call);
    if (!wanted) return fail("Callid and CSeq expected as parameters", {}, kBadRequest);
    if (!cancel_call(runtime_of(m), *wanted, 0, 0))
        return fail("Transaction not found", {}, kBadRequest);
    call.answer().integer(1);
    call.answer().text("branches remaining (waiting for timeout)");
    return {};
}

Result<void> show_books(Module& m, Call& call) {
    const Audit found = audit(runtime_of(m));
    Answer& a = call.answer();
    a.begin_struct();
    a.integer("created", found.created);
    a.integer("freed", found.freed);
    a.integer("live", found.live);
    a.integer("overdue", found.overdue);
    a.integer("unaccounted", found.unaccounted);
    a.end_struct();
    return {};
}

/// Timers free what is over; nothing is ever overdue.
Result<void> clean(Module&, Call&) {
    return {};
}

using T = CommandArg::Type;
constexpr CommandArg kCall[] = {{"callid", "The transaction's Call-ID.", T::text, true},
                                {"cseq", "Its CSeq number.", T::text, true}};
/// Status, which transaction, and the rest of every reply.
template <std::size_t N>
constexpr auto reply_args(const CommandArg (&which)[N]) {
    constexpr std::size_t kStatus = 2, kRest = 3;
    std::array<CommandArg, kStatus + N + kRest> all{
        {{"code", "The reply's.", T::text, true}, {"reason", "The reply's.", T::text, true}}};
    CommandArg* next = std::copy(std::begin(which), std::end(which), all.data() + kStatus);
    *next++ = {"to_tag", "The reply's; \".\" for the transaction's own.", T::text, true};
    *next++ = {"headers", "More header fields, a line each.", T::text, true};
    *next = {"body", "The reply's.", T::text, true};
    return all;
}
constexpr CommandArg kById[] = {
    {"trans_id", "Index and label of the transaction: \"12:3456\".", T::text, true}};
constexpr auto kReply = reply_args(kById);
constexpr auto kReplyToCall = reply_args(kCall);
constexpr CommandArg kRequest[] = {
    {"method", "The request's.", T::text, true},
    {"ruri", "Its Request-URI.", T::text, true},
    {"next_hop", "A URI; \".\": the Request-URI.", T::text, true},
    {"socket", "Where it leaves: \"udp:host:port\"; \".\": where it fits.", T::text, true},
    {"headers", "Its header fields, a line each; From and To must be there.", T::text, true},
    {"body", "The request's.", T::text, true}};
constexpr Right kRead = Right::read, kChange = Right::change;

}  // namespace

constinit const std::array<Command, kCommands> commands{
    {{"tm.audit",
      "The books of transactions: those ever made and freed, those in the table, and of these the "
      "ones that are older than their timers allow. overdue and unaccounted (created - freed - "
      "live) are 0, but for what came and went during the last look.",
      kRead,
      {},
      false,
      {},
      show_books},
     {"tm.cancel", "Cancels a pending INVITE.", kChange, kCall, true, {}, cancel},
     {"tm.clean", "Has nothing to do: timers free what is over.", kChange, {}, false, {}, clean},
     {"tm.hash_stats", "Buckets with transactions, and how many.", kRead, {}, true, {}, hash_stats},
     {"tm.list", "All transactions.", kRead, {}, true, {}, list},
     {"tm.reply", "Replies to a transaction.", kChange, kReply, false, {}, operators::reply},
     {"tm.reply_callid",
      "Replies to the transaction of a call.",
      kChange,
      kReplyToCall,
      false,
      {},
      operators::reply_callid},
     {"tm.stats", "How many transactions there are and were.", kRead, {}, false, {}, stats},
     {"tm.t_hash",
      "Every bucket: its number, the transactions in it, and all that it ever had.",
      kRead,
      {},
      true,
      "t_hash",
      hash_table},
     {"tm.t_uac_start",
      "Sends a request, and says nothing of its reply.",
      kChange,
      kRequest,
      false,
      {},
      operators::start_request},
     {"tm.t_uac_wait",
      "Sends a request, and tells its final reply.",
      kChange,
      kRequest,
      false,
      {},
      operators::wait_for_request},
     {"tm.t_uac_wait_block",
      "The same as tm.t_uac_wait.",
      kChange,
      kRequest,
      false,
      {},
      operators::wait_for_request}}};

}  // namespace fairlead::tm
