// Message: starting anew, branches, reply lines; and the replies for internal errors.
// SPDX-License-Identifier: Apache-2.0
#include "core/api/message.h"

namespace fairlead {

void Message::reset(const Received& from, Ms now) noexcept {
    received = from;
    arrived = now;
    number = 0;
    target = {};
    branch_count = 0;
    flags = script_flags = 0;
    force_rport = add_local_rport = uri_consumed = is_owned = false;
    advertised_host = {};
    advertised_port = 0;
    edits.clear();
    reply_headers = reply_body = reply_content_type = {};
    avps.clear();
    route_type = Route::request;
    error = ScriptError::none;
    return_code = 1;
    slots.fill(0);
}

bool Message::append_branch(const BranchTarget& branch, std::size_t max) noexcept {
    // The Request-URI's own branch takes one of the places.
    if (branch_count + 1 >= max || branch_count == branches.size()) return false;
    branches[branch_count++] = branch;
    return true;
}

void Message::append_to_reply(std::string_view lines) {
    reply_headers =
        reply_headers.empty() ? arena.copy(lines) : arena.concat({reply_headers, lines});
}

ErrorReply error_reply(ScriptError error) noexcept {
    switch (error) {
        case ScriptError::send: return {477, "Unfortunately error on sending to next hop occurred"};
        case ScriptError::bad_address: return {478, "Unresolvable destination"};
        case ScriptError::bad_uri: return {479, "Regretfully, we were not able to process the URI"};
        case ScriptError::bad_request: return {400, "Bad Request"};
        case ScriptError::bad_tuple: return {400, "Transaction tuple incomplete"};
        case ScriptError::bad_to: return {400, "Bad To"};
        case ScriptError::external_logic: return {500, "Error in external logic"};
        case ScriptError::too_many_branches: return {500, "Forking capacity exceeded"};
        case ScriptError::cancelled: return {487, "Transaction canceled"};
        case ScriptError::none:
        case ScriptError::out_of_memory: return {500, "No error"};
        default: return {500, "I'm terribly sorry, server error occurred"};
    }
}

}  // namespace fairlead
