// $T_req, $T_rpl and $T_inv: variables as other messages of the transaction have them.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/modules/tm/routed.h"

namespace fairlead::test {

TEST_CASE("$T_req in onreply_route reads the request") {
    Routed call(
        "request_route { t_on_reply(\"R\"); $avp(x) = \"kept\"; t_relay(); }\n"
        "onreply_route[R] { append_hf(\"X-Of-Request: $T_req($rU) $T_req($hdr(Subject)) "
        "$T_req($avp(x)) "
        "$T_req($cs)\\r\\n\"); }");
    call.receive(Request("INVITE").branch("z9hG4bKe").header("Subject", "tea").cseq(9).str());
    (void)call.all();
    call.answer(180, "Ringing");
    (void)call.all();
    CHECK(header(call.up, "X-Of-Request") == "bob tea kept 9");
}

TEST_CASE("$T_rpl in failure_route reads the reply that won; null when it was made here") {
    const std::string script =
        "request_route { t_on_failure(\"F\"); t_relay(); }\nfailure_route[F] { if ($T_rpl($rs) == "
        "$null) { t_reply(\"480\", \"none\"); } t_reply(\"480\", \"$T_rpl($rs) $T_rpl($rr) "
        "$T_rpl($hdr(Warning))\"); }";
    Routed call(script);
    call.request();
    (void)call.all();
    call.receive(reply(call.down, 486, "Busy Here", "t", "Warning: 399 x y\r\n"), kCallee);
    CHECK(call.all().ends_with("SIP/2.0 480 486 Busy Here 399 x y|"));
    Routed silent(script);
    silent.request();
    (void)silent.all();
    silent.advance(Ms(31000));
    CHECK(silent.all().ends_with("SIP/2.0 480 none|"));
}

TEST_CASE("$T_inv with a CANCEL reads its INVITE; null without one") {
    Routed call(
        "request_route { if ($rm == \"CANCEL\") { sl_send_reply(\"200\", "
        "\"for $T_inv($hdr(Subject))\"); exit; } "
        "t_relay(); }");
    call.request("CANCEL");
    CHECK(call.all() == "SIP/2.0 200 for <null>|");
    call.receive(Request("INVITE").branch("z9hG4bKe").header("Subject", "tea").str());
    (void)call.all();
    call.request("CANCEL");
    CHECK(call.all() == "SIP/2.0 200 for tea|");
}

TEST_CASE("what is in the parentheses is a variable, or the start ends") {
    for (const char* const wrong : {"$T_req(ru)", "$T_req($nosuch)", "$T_req($ru x)", "$T_req()"}) {
        INFO(wrong);
        CHECK_THROWS(Routed("request_route { $avp(x) = " + std::string(wrong) + "; }"));
    }
    CHECK_NOTHROW(Routed("request_route { $avp(x) = $T_req($(hdr(Via)[1])); }"));
}

}  // namespace fairlead::test
