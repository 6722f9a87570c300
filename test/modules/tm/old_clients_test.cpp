// Clients before RFC 3261, whose Via has no branch with the cookie (17.2.3, last part).
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/modules/tm/call.h"

namespace fairlead::test {
namespace {

Request old(std::string_view method, std::string_view uri = "sip:bob@192.0.2.2") {
    return Request(method, uri).set("Via", "SIP/2.0/UDP 192.0.2.1:5060");
}

Request ack(std::string_view to_tag) {
    return old("ACK").to_tag(to_tag).set("CSeq", "1 ACK");
}

Request cancel() {
    return old("CANCEL").set("CSeq", "1 CANCEL");
}

/// Starts with 404 for every INVITE; how many 404 leave while the client acknowledges with `tag`.
int negative_replies(TmHost& host, const std::string& tag) {
    host.on_request([&](Message& m) {
        const int made = host.call(m, "t_newtran");
        if (made > 0 && m.sip.method() == sip::Method::invite)
            host.call(m, "t_reply", {404, "Not Found"sv});
    });
    host.start();
    host.receive(old("INVITE").str());
    const std::string reply = host.next();
    host.receive(
        ack(tag.empty() ? std::string(parameter(*header(reply, "To"), "tag")) : tag).str());
    int found = 1;
    for (int i = 0; i < 40; ++i) {
        host.advance(Ms(100));
        while (host.pending() != 0)
            if (host.next_line().starts_with("SIP/2.0 404")) ++found;
    }
    return found;
}

}  // namespace

TEST_CASE("the same request without a branch is a retransmission") {
    TmHost host;
    host.relay_all();
    host.receive(old("INVITE").str());
    CHECK(host.next_line() == "SIP/2.0 100 trying -- your call is important to us");
    CHECK(host.next_line().starts_with("INVITE"));
    host.receive(old("INVITE").str());
    CHECK(host.next_line() == "SIP/2.0 100 trying -- your call is important to us");
    CHECK(host.pending() == 0);
    CHECK(host.count("created") == 1);
}

TEST_CASE("another topmost Via is another transaction, unless via1_matching is off") {
    for (const bool matching : {true, false}) {
        TmHost host;
        host.param("tm", "via1_matching", matching);
        host.relay_all();
        host.receive(old("INVITE").str());
        host.receive(old("INVITE").set("Via", "SIP/2.0/UDP 192.0.2.1:5062").str());
        CHECK(host.count("created") == (matching ? 2 : 1));
    }
}

TEST_CASE("another Request-URI is another transaction, unless ruri_matching is off") {
    for (const bool matching : {true, false}) {
        TmHost host;
        host.param("tm", "ruri_matching", matching);
        host.relay_all();
        host.receive(old("INVITE").str());
        host.receive(old("INVITE", "sip:carol@192.0.2.2").str());
        CHECK(host.count("created") == (matching ? 2 : 1));
    }
}

TEST_CASE("another From tag is another transaction whatever the parameters") {
    TmHost host;
    host.param("tm", "via1_matching", 0);
    host.param("tm", "ruri_matching", 0);
    host.relay_all();
    host.receive(old("INVITE").str());
    host.receive(old("INVITE").from_tag("other").str());
    CHECK(host.count("created") == 2);
}

TEST_CASE("an ACK without branch stops a negative reply; ack_tag_matching looks at its To-tag") {
    for (const int strict : {0, 1}) {
        TmHost right, wrong;
        right.param("tm", "ack_tag_matching", strict);
        wrong.param("tm", "ack_tag_matching", strict);
        CHECK(negative_replies(right, "") == 1);
        const int repeated = negative_replies(wrong, "wrong");
        CHECK((repeated > 1) == (strict == 1));
    }
}

TEST_CASE("a CANCEL without branch finds its INVITE; cancel_tag_matching looks at its To-tag") {
    for (const int strict : {0, 1})
        for (const bool has_tag : {false, true}) {
            TmHost host;
            host.param("tm", "cancel_tag_matching", strict);
            host.param("tm", "unmatched_cancel", 2);
            host.relay_all();
            host.receive(old("INVITE").str());
            (void)host.next();
            host.answer(host.next(), 180, "Ringing");
            host.discard_sent();
            Request request = cancel();
            if (has_tag) request.to_tag("guess");
            host.receive(request.str());
            CHECK((host.pending() != 0) == (strict == 0 || !has_tag));
        }
}

}  // namespace fairlead::test
