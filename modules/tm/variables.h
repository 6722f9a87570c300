// $T_… and $T(…): what scripts can read of the transaction. Rows for the descriptor.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/module.h"
#include "modules/tm/other_messages.h"

namespace fairlead::tm::variable {

enum class Field : std::uint64_t {
    none,
    id_index,
    id_label,
    id_index_n,
    id_label_n,
    reply_code,
    reply_reason,
    reply_type,
    branch_index,
    flags,
    uri,
    ruid
};

Value branch_idx(Module& m, Message& msg, const VariableName& name);
Value branch_index(Module& m, Message& msg, const VariableName& name);
Value reply_code(Module& m, Message& msg, const VariableName& name);
Value reply_reason(Module& m, Message& msg, const VariableName& name);
Value reply_last(Module& m, Message& msg, const VariableName& name);
Value reply_ruid(Module& m, Message& msg, const VariableName& name);
Value transaction(Module& m, Message& msg, const VariableName& name);
Value branch(Module& m, Message& msg, const VariableName& name);
Result<std::uint64_t> resolve_transaction(Module& m, std::string_view inner);
Result<std::uint64_t> resolve_branch(Module& m, std::string_view inner);

inline constexpr Variable kRows[] = {
    {.name = "T_branch_idx",
     .doc = "Index of the branch, from 0, in branch_route and onreply_route; in request_route how "
            "many branches were added; in failure_route how many there are.",
     .get = branch_idx},
    {.name = "T_branch_index",
     .doc = "Index of the branch, from 1, in branch_route; 0 elsewhere.",
     .get = branch_index},
    {.name = "T_reply_code",
     .doc = "Status: of the reply in onreply_route, of the winner in failure_route, else the last "
            "one sent.",
     .get = reply_code},
    {.name = "T_reply_reason", .doc = "Phrase of that status.", .get = reply_reason},
    {.name = "T_reply_last",
     .doc = "Status that the branch had before the reply at hand.",
     .get = reply_last},
    {.name = "T_reply_ruid",
     .doc = "ruid of the registered contact to which the branch of the reply went; in "
            "failure_route that of the winner.",
     .get = reply_ruid},
    {.name = "T",
     .doc = "Of the transaction: $T(id_index), $T(id_label) (with _n: made if there is none), "
            "$T(reply_code), $T(reply_reason), $T(reply_type) (1: made here), $T(branch_index).",
     .inner = Inner::required,
     .get = transaction,
     .resolve = resolve_transaction},
    {.name = "T_req",
     .doc = "A variable as the stored request has it: $T_req($hdr(Contact)).",
     .inner = Inner::evaluated,
     .get = of_request},
    {.name = "T_rpl",
     .doc =
         "In failure_route, a variable as the reply that won has it; null when it was made here.",
     .inner = Inner::evaluated,
     .get = of_reply},
    {.name = "T_inv",
     .doc = "With a CANCEL, a variable as its INVITE has it.",
     .inner = Inner::evaluated,
     .get = of_invite},
    {.name = "T_branch",
     .doc = "Of the current or winning branch: $T_branch(flags), $T_branch(uri), "
            "$T_branch(ruid), which is $T_reply_ruid.",
     .inner = Inner::required,
     .get = branch,
     .resolve = resolve_branch},
};

}  // namespace fairlead::tm::variable
