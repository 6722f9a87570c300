// Commands about transactions. SPDX-License-Identifier: Apache-2.0
#include "modules/tm/commands.h"

#include "modules/tm/audit.h"
#include "modules/tm/tm.h"

namespace fairlead::tm {
namespace {

Result<void> show_books(Module& m, Call& call) {
    const Audit found = audit(static_cast<Tm&>(m).runtime());
    Answer& answer = call.answer();
    answer.begin_struct();
    answer.integer("created", found.created);
    answer.integer("freed", found.freed);
    answer.integer("live", found.live);
    answer.integer("overdue", found.overdue);
    answer.integer("unaccounted", found.unaccounted);
    answer.end_struct();
    return {};
}

}  // namespace

constinit const std::array<Command, kCommands> commands{
    {{"tm.audit",
      "The books of transactions: those ever made and freed, those in the table, and of these the "
      "ones that are older than their timers allow. overdue and unaccounted (created - freed - "
      "live) are 0, but for what came and went during the last look.",
      Right::read,
      {},
      false,
      {},
      show_books}}};

}  // namespace fairlead::tm
