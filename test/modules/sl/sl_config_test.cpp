// sl as a configuration calls it: what may stand for a code and a reason.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

/// The status line that a statement answers with, to a request with X-Code: 404.
std::string answer(const std::string& statement) {
    ModuleHost server;
    server.config("loadmodule \"pv\"\nloadmodule \"xlog\"\nloadmodule \"sl\"\nrequest_route { " +
                  statement + " }");
    server.start();
    server.receive(Request("OPTIONS").header("X-Code", "404").str());
    return server.pending() != 0 ? start_line(server.take().bytes) : std::string();
}

}  // namespace

TEST_CASE("a code is a number, quoted or not, or a variable that holds one") {
    CHECK(answer("sl_send_reply(\"404\", \"Nope\");") == "SIP/2.0 404 Nope");
    CHECK(answer("sl_send_reply(404, \"Nope\");") == "SIP/2.0 404 Nope");
    CHECK(answer("$var(c) = 486; sl_send_reply(\"$var(c)\", \"x\");") == "SIP/2.0 486 x");
}

TEST_CASE("a variable that holds text is no code") {
    CHECK(answer("sl_send_reply(\"$hdr(X-Code)\", \"X\");") == "SIP/2.0 500 X");
}

TEST_CASE("a reason may contain variables, and may be empty") {
    CHECK(answer("sl_send_reply(\"403\", \"Not $rm\");") == "SIP/2.0 403 Not OPTIONS");
    CHECK(answer("send_reply(\"403\", \"\");") == "SIP/2.0 403 ");
}

TEST_CASE("sl_reply_error speaks of the function before it") {
    const std::string forward = "$du = \"sip:no.such.host.invalid\"; forward(); ";
    CHECK(answer(forward + "sl_reply_error();") == "SIP/2.0 478 Unresolvable destination (478/SL)");
    CHECK(answer(forward + "xlog(\"between\"); sl_reply_error();") ==
          "SIP/2.0 500 I'm terribly sorry, server error occurred (1/SL)");
}
