// event_route[tm:branch-failure:…]: what a script does about one branch while others still ring.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/modules/tm/routed.h"

namespace fairlead::test {
namespace {

constexpr std::string_view kSecond = "192.0.2.9:5060", kThird = "192.0.2.10:5060";
const std::string kTwo =
    "request_route { t_on_branch_failure(\"B\"); t_on_failure(\"F\"); "
    "append_branch(\"sip:two@192.0.2.9\"); t_relay(); }\n";
const std::string kNoFailure = "failure_route[F] { append_to_reply(\"X-Failure: yes\\r\\n\"); }\n";

}  // namespace

TEST_CASE("a branch that fails is replaced while the other rings") {
    Routed call(kTwo +
                "event_route[tm:branch-failure:B] { if (t_check_status(\"404\")) { $ru = "
                "\"sip:three@192.0.2.10\"; t_relay(); } }\nfailure_route[F] { t_reply(\"480\", "
                "\"$T_reply_code\"); }");
    call.request();
    (void)call.all();
    call.answer(180, "Ringing", kSecond);
    (void)call.all();
    call.answer(404, "Not Found");
    CHECK(call.all() == "ACK sip:bob@192.0.2.2 SIP/2.0|INVITE sip:three@192.0.2.10 SIP/2.0|");
    CHECK(parameter(*header(call.down, "Via"), "branch").ends_with(".2"));
    call.answer(486, "Busy Here", kSecond);
    CHECK(call.all() == "ACK sip:two@192.0.2.9 SIP/2.0|");
    call.answer(200, "OK", kThird);
    CHECK(call.all() == "SIP/2.0 200 OK|");
    call.advance(Ms(40000));
    call.discard_sent();
    CHECK(call.leaks().empty());
}

TEST_CASE("each failed branch has its own run; failure_route follows when all are done") {
    Routed call(kTwo +
                "event_route[tm:branch-failure:B] { $avp(seen) = $T_reply_code; }\n"
                "failure_route[F] { t_reply(\"480\", \"$(avp(seen)[0]) $(avp(seen)[1])\"); }");
    call.request();
    (void)call.all();
    call.answer(486, "Busy Here");
    CHECK(call.all() == "ACK sip:bob@192.0.2.2 SIP/2.0|");
    call.answer(404, "Not Found", kSecond);
    CHECK(call.all() == "ACK sip:two@192.0.2.9 SIP/2.0|SIP/2.0 480 404 486|");
}

TEST_CASE("without a new branch the winner goes up, also when no failure_route is armed") {
    Routed call(
        "request_route { t_on_branch_failure(\"B\"); t_relay(); }\n"
        "event_route[tm:branch-failure:B] { $avp(x) = 1; }");
    call.request();
    (void)call.all();
    call.answer(486, "Busy Here");
    CHECK(call.all() == "ACK sip:bob@192.0.2.2 SIP/2.0|SIP/2.0 486 Busy Here|");
}

TEST_CASE("a timeout is a failure of the branch too") {
    Routed call(
        "request_route { t_on_branch_failure(\"B\"); t_relay(); }\n"
        "event_route[tm:branch-failure:B] { if (t_branch_timeout()) { $ru = "
        "\"sip:two@192.0.2.9\"; t_relay(); } }");
    call.request();
    (void)call.all();
    call.advance(Ms(31000));
    CHECK(call.all().ends_with("INVITE sip:two@192.0.2.9 SIP/2.0|"));
    call.answer(200, "OK", kSecond);
    CHECK(call.all() == "SIP/2.0 200 OK|");
}

TEST_CASE("t_reuse_branch sends the failed branch once more to the same address") {
    Routed call(
        "request_route { t_on_branch_failure(\"B\"); $du = \"sip:192.0.2.9\"; setbflag(5); "
        "t_relay(); }\n"
        "event_route[tm:branch-failure:B] { if ($T_branch_idx == 0) { t_reuse_branch(); "
        "append_hf(\"X-Flag: $T_branch(flags)\\r\\n\"); t_relay(); } }");
    call.request();
    (void)call.all();
    call.answer(503, "Service Unavailable", kSecond);
    CHECK(call.all() == "ACK sip:bob@192.0.2.2 SIP/2.0|INVITE sip:bob@192.0.2.2 SIP/2.0|");
    CHECK(header(call.sent.at(std::string(kSecond)), "X-Flag") == "32");
    call.answer(486, "Busy Here", kSecond);
    CHECK(call.all().ends_with("SIP/2.0 486 Busy Here|"));
}

TEST_CASE("t_reuse_branch keeps the Path of the branch") {
    Routed call(
        "request_route { t_on_branch_failure(\"B\"); append_branch(\"sip:two@192.0.2.9\"); "
        "$(branch(path)[0]) = \"<sip:192.0.2.8;lr>, <sip:192.0.2.7;lr>\"; t_relay(); }\n"
        "event_route[tm:branch-failure:B] { if ($T_branch_idx == 1) { t_reuse_branch(); "
        "t_relay(); } }");
    call.request();
    (void)call.all();
    const std::string first = call.sent.at(std::string(kSecond));
    REQUIRE(header(first, "Route") == "<sip:192.0.2.8;lr>, <sip:192.0.2.7;lr>");
    call.answer(503, "Service Unavailable", kSecond);
    CHECK(call.all() == "ACK sip:two@192.0.2.9 SIP/2.0|INVITE sip:two@192.0.2.9 SIP/2.0|");
    const std::string again = call.sent.at(std::string(kSecond));
    CHECK(header(again, "Via") != header(first, "Via"));
    CHECK(headers(again, "Route") == headers(first, "Route"));
}

TEST_CASE(
    "after a 6xx, and after a CANCEL, the route runs but adds nothing to a call that is over") {
    Routed call(
        "request_route { t_on_branch_failure(\"B\"); t_relay(); }\n"
        "event_route[tm:branch-failure:B] { $ru = \"sip:two@192.0.2.9\"; t_relay(); }");
    call.request();
    (void)call.all();
    call.answer(180, "Ringing");
    (void)call.all();
    call.request("CANCEL");
    (void)call.all();
    call.answer(487, "Request Terminated");
    CHECK(call.all() == "ACK sip:bob@192.0.2.2 SIP/2.0|SIP/2.0 487 Request Terminated|");
}

TEST_CASE("an event route that is armed and does not exist ends the start") {
    CHECK_THROWS(Routed("request_route { t_on_branch_failure(\"missing\"); t_relay(); }"));
}

TEST_CASE("routes cannot do in event_route[tm:branch-failure] what has no place there") {
    const auto refused = [](const std::string& body) {
        try {
            Routed(
                "request_route { t_on_branch_failure(\"B\"); }\nevent_route[tm:branch-failure:B] "
                "{ " +
                body + " }");
        } catch (const std::runtime_error&) {
            return true;
        }
        return false;
    };
    CHECK(refused("t_newtran();"));
    CHECK(refused("t_replicate(\"sip:192.0.2.7\");"));
    CHECK_FALSE(refused("t_reuse_branch(); t_relay();"));
}

}  // namespace fairlead::test
