// The registered contact that a branch came from: $T_reply_ruid.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/modules/tm/routed.h"

namespace fairlead::test {
namespace {

/// Two branches, of which the second came from the contact "r-2", or whatever `second` makes.
std::string two_branches(const std::string& second = "$(branch(ruid)[0]) = \"r-2\";") {
    return "request_route { $sbranch(uri) = \"sip:a@192.0.2.10\"; $sbranch(ruid) = \"r-1\";"
           " sbranch_set_ruri(); append_branch(\"sip:b@192.0.2.11\"); " +
           second +
           " t_on_reply(\"R\"); t_on_failure(\"F\"); t_relay(); }\n"
           "onreply_route[R] { append_hf(\"X-Ruid: $T_reply_ruid\\r\\n\"); }\n"
           "failure_route[F] { append_to_reply(\"X-Best: $T_reply_ruid\\r\\n\");"
           " t_reply(\"480\", \"Gone\"); }\n";
}

}  // namespace

TEST_CASE("$T_reply_ruid is that of the branch whose reply it is") {
    Routed call(two_branches());
    call.request();
    (void)call.all();
    call.answer(180, "Ringing", "192.0.2.11:5060");
    (void)call.all();
    CHECK(call.up.find("\r\nX-Ruid: r-2\r\n") != call.up.npos);
    call.answer(183, "Progress", "192.0.2.10:5060");
    (void)call.all();
    CHECK(call.up.find("\r\nX-Ruid: r-1\r\n") != call.up.npos);
}

TEST_CASE("$T_reply_ruid in failure_route is the winner's") {
    Routed call(two_branches());
    call.request();
    (void)call.all();
    call.answer(486, "Busy Here", "192.0.2.10:5060");
    (void)call.all();
    call.answer(404, "Not Found", "192.0.2.11:5060");
    (void)call.all();
    CHECK(call.up.find("SIP/2.0 480") == 0);
    CHECK(call.up.find("\r\nX-Best: r-2\r\n") != call.up.npos);
}

TEST_CASE("a branch that came from no contact has no ruid, and a given URI takes none over") {
    Routed call(two_branches(""));
    call.request();
    (void)call.all();
    call.answer(180, "Ringing", "192.0.2.11:5060");
    (void)call.all();
    CHECK(call.up.find("\r\nX-Ruid: <null>\r\n") != call.up.npos);
}

TEST_CASE("$T_branch(ruid) is that of the branch that failed, and t_reuse_branch keeps it") {
    Routed call(
        "request_route { t_on_branch_failure(\"B\"); t_on_reply(\"R\");"
        " append_branch(\"sip:b@192.0.2.11\"); $(branch(ruid)[0]) = \"r-2\"; t_relay(); }\n"
        "onreply_route[R] { append_hf(\"X-Ruid: $T_branch(ruid)\\r\\n\"); }\n"
        "event_route[tm:branch-failure:B] { if ($T_branch(ruid) == \"r-2\") {"
        " t_on_reply(\"R\"); t_reuse_branch(); t_relay(); } }\n");
    call.request();
    (void)call.all();
    call.answer(503, "Service Unavailable", "192.0.2.11:5060");
    CHECK(call.all() == "ACK sip:b@192.0.2.11 SIP/2.0|INVITE sip:b@192.0.2.11 SIP/2.0|");
    call.answer(180, "Ringing", "192.0.2.11:5060");
    (void)call.all();
    CHECK(call.up.find("\r\nX-Ruid: r-2\r\n") != call.up.npos);
}

TEST_CASE("serial forking keeps each contact's ruid") {
    Routed call(
        "modparam(\"tm\", \"contacts_avp\", \"list\")\n"
        "modparam(\"tm\", \"contact_flows_avp\", \"flows\")\n"
        "request_route { $ru = \"sip:a@192.0.2.10\"; append_branch(\"sip:b@192.0.2.11\", \"0.5\");"
        " $(branch(ruid)[0]) = \"r-2\"; t_load_contacts(); t_next_contacts(); t_on_reply(\"R\");"
        " t_relay(); }\n"
        "onreply_route[R] { append_hf(\"X-Ruid: $T_reply_ruid\\r\\n\"); }\n");
    call.request();
    CHECK(call.all().find("INVITE sip:b@192.0.2.11") != std::string::npos);
    call.answer(180, "Ringing", "192.0.2.11:5060");
    (void)call.all();
    CHECK(call.up.find("\r\nX-Ruid: r-2\r\n") != call.up.npos);
}

}  // namespace fairlead::test
