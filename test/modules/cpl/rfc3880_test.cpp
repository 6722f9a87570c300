// The examples of RFC 3880 by figure, each with the situations that its prose describes.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "modules/cpl/compile.h"
#include "test/modules/cpl/rehearsed.h"
#include "test/modules/cpl/rfc3880_examples.h"

using namespace fairlead::cpl;
using namespace fairlead::cpl::test;

namespace {

DescribedCall call_from(const std::string& from) {
    DescribedCall call;
    call.facts = {{Fact::from, from},
                  {Fact::to, "<sip:jones@example.com>"},
                  {Fact::request_uri, "sip:jones@example.com"}};
    call.at = instant("2024-03-06T15:00:00Z");
    return call;
}

Rehearsal incoming(std::string_view inside, const DescribedCall& call, const World& world = {}) {
    return rehearse(compiled(published(inside)), call, Direction::incoming, world);
}

bool is_refused(const std::string& xml) {
    Faults faults;
    return !compile(xml, {}, faults).has_value();
}

}  // namespace

TEST_CASE("RFC 3880 figure 2: colleagues ring, all others get voicemail") {
    const DescribedCall colleague = call_from("<sip:a@pc.example.com>");
    const Rehearsal answered = incoming(kFigure2, colleague, {.answers = {{"example.com", "200"}}});
    CHECK(answered.outcome == "200");
    CHECK(answered.tried == "example.com");
    CHECK(answered.timeouts == std::vector<int>{10});
    for (const char* answer : {"486", "ring", "404"}) {
        const Rehearsal failed =
            incoming(kFigure2, colleague, {.answers = {{"example.com", answer}}});
        CHECK(failed.outcome == "302");
        CHECK(failed.contacts == "sip:jones@voicemail.example.com;q=1.0");
    }
    const Rehearsal stranger = incoming(kFigure2, call_from("<sip:a@other.test>"));
    CHECK(stranger.outcome == "302");
    CHECK(stranger.tried.empty());
}

TEST_CASE("RFC 3880 figure 19: unconditional redirect") {
    const Rehearsal result = incoming(kFigure19, call_from("<sip:a@b.test>"));
    CHECK(result.outcome == "302");
    CHECK(result.contacts == "sip:smith@phone.example.com;q=1.0");
}

TEST_CASE("RFC 3880 figure 20: forward on busy or no answer") {
    const auto outcome = [&](const char* pc) {
        const Rehearsal r =
            incoming(kFigure20, call_from("<sip:a@b.test>"),
                     {.answers = {{"jonespc.example.com", pc}, {"voicemail.example.com", "200"}}});
        return r.tried + ' ' + r.outcome;
    };
    CHECK(outcome("200") == "jonespc.example.com 200");
    CHECK(outcome("486") == "jonespc.example.com>voicemail.example.com 200");
    CHECK(outcome("ring") == "jonespc.example.com>voicemail.example.com 200");
    CHECK(outcome("404") == "jonespc.example.com 404");
}

TEST_CASE("RFC 3880 figure 21: redirection is handed on, the rest goes to voicemail") {
    const DescribedCall call = call_from("<sip:a@b.test>");
    const Rehearsal moved = incoming(
        kFigure21, call, {.answers = {{"jonespc.example.com", "302 sip:jones@mobile.test"}}});
    CHECK(moved.outcome == "302");
    CHECK(moved.contacts == "sip:jones@mobile.test;q=1.0");
    for (const char* answer : {"486", "ring", "500"}) {
        const Rehearsal other = incoming(
            kFigure21, call,
            {.answers = {{"jonespc.example.com", answer}, {"voicemail.example.com", "200"}}});
        CHECK(other.tried == "jonespc.example.com>voicemail.example.com");
        CHECK(other.timeouts == std::vector<int>{20, 0});  // 20 s: there is a default output
    }
}

TEST_CASE("RFC 3880 figure 22: anonymous callers are rejected") {
    CHECK(incoming(kFigure22, call_from("<sip:anonymous@b.test>")).outcome ==
          "603 I do not accept anonymous calls");
    CHECK(incoming(kFigure22, call_from("<sip:bob@b.test>")).outcome == "return");
}

TEST_CASE("RFC 3880 figure 23: priorities and languages") {
    DescribedCall call = call_from("<sip:a@b.test>");
    const auto operator_of = [&](const char* language) {
        call.facts[Fact::accept_language] = language;
        Rehearsal r = incoming(kFigure23, call, {.answers = {{"operator.example.com", "200"}}});
        return r.outcome;
    };
    CHECK(operator_of("es, en;q=0.5") == "200");
    const std::string bytes = compiled(published(kFigure23));
    const auto target = [&] {
        State state;
        const Policy policy;
        Zones zones;
        const auto loaded = Script::load(bytes);
        Machine machine(*loaded, call, policy, zones, state);
        const Action action = machine.start(Direction::incoming);
        return std::string(
            action.kind == Action::Kind::proxy ? machine.location(action.targets[0]).uri : "");
    };
    CHECK(target() == "sip:spanish@operator.example.com");
    call.facts[Fact::accept_language] = "fr";
    CHECK(target() == "sip:english@operator.example.com");
    call.facts.erase(Fact::accept_language);
    CHECK(target() == "sip:english@operator.example.com");
    call.facts[Fact::priority] = "urgent";  // "greater" is strict
    CHECK(target() == "sip:english@operator.example.com");
    call.facts[Fact::priority] = "Emergency";
    CHECK(target().empty());
}

TEST_CASE("RFC 3880 figure 24: premium numbers are screened") {
    const std::string script = compiled(published(kFigure24));
    const auto outcome = [&](const std::string& to) {
        DescribedCall call = call_from("<sip:a@b.test>");
        call.facts[Fact::to] = to;
        return rehearse(script, call, Direction::outgoing, {}).outcome;
    };
    for (const char* to : {"<sip:19005551212@gw.test;user=phone>", "<tel:+1-900-555-1212>",
                           "<sip:+1.900.5551212@gw.test;user=phone>"})
        CHECK(outcome(to) == "603 Not allowed to make 1-900 calls.");
    CHECK(outcome("<sip:19005551212@gw.test>") == "return");
    CHECK(outcome("<tel:+12125551212>") == "return");
}

TEST_CASE("RFC 3880 figure 25: office hours in New York") {
    DescribedCall call = call_from("<sip:a@b.test>");
    const World registered{.registered = {{"sip:jones@desk.test", 1000}},
                           .answers = {{"desk.test", "200"}}};
    call.at = instant("2024-03-06T15:00:00Z");  // Wednesday 10:00
    CHECK(incoming(kFigure25, call, registered).tried == "desk.test");
    CHECK(incoming(kFigure25, call).outcome == "return");
    call.at = instant("2024-03-06T22:00:00Z");  // 17:00
    CHECK(incoming(kFigure25, call, registered).tried == "voicemail.example.com");
    call.at = instant("2024-03-11T13:00:00Z");  // the Monday after clocks went forward: 09:00
    CHECK(incoming(kFigure25, call, registered).tried == "desk.test");
}

TEST_CASE("RFC 3880 figure 26: a mobile is taken out of the registrations") {
    DescribedCall call = call_from("<sip:a@b.test>");
    call.facts[Fact::user_agent] = "Inferior SIP User Agent/1.0";
    const World both{
        .registered = {{"sip:me@mobile.provider.net", 1000}, {"sip:me@desk.test", 500}},
        .answers = {{"desk.test", "200"}}};
    CHECK(incoming(kFigure26, call, both).tried == "desk.test");
    CHECK(
        incoming(kFigure26, call, {.registered = {{"sip:me@mobile.provider.net", 1000}}}).outcome ==
        "404 Not Found");
    call.facts[Fact::user_agent] = "other";
    CHECK(incoming(kFigure26, call, both).outcome == "return");
}

TEST_CASE("RFC 3880 figures 27 to 29: what this server does not understand is refused") {
    CHECK(is_refused(published(kFigure27)));
    CHECK(is_refused(
        R"(<cpl xmlns="urn:ietf:params:xml:ns:cpl" xmlns:dc="http://www.example.com/distinctive-call">
        <incoming><dc:distinct-ring xmlns:dc="http://www.example.com/distinctive-call"/></incoming></cpl>)"));
    CHECK(is_refused(R"(<cpl xmlns="urn:ietf:params:xml:ns:cpl" xmlns:p="http://www.example.com/p">
        <incoming><redirect p:ring="1"/></incoming></cpl>)"));
    // Section 11: an extension switch is no node either.
    CHECK(is_refused(published(
        R"(<incoming><extension-switch><extension has="http://www.example.com/foo"/></extension-switch></incoming>)")));
    CHECK_FALSE(is_refused(published(R"(<incoming><lookup source="registration" timeout="8">
        <success><proxy/></success><failure><mail url="mailto:mary@example.com?subject=Lookup%20failed"/></failure></lookup></incoming>)")));
}

TEST_CASE("RFC 3880 figure 30: the whole of it") {
    const auto run = [&](const char* from, const char* phone) {
        return incoming(kFigure30, call_from(from), {.answers = {{"phone.example.com", phone}}});
    };
    CHECK(run("<sip:a@b.test>", "486").outcome == "302");
    CHECK(run("<sip:a@b.test>", "ring").contacts == "sip:jones@voicemail.example.com;q=1.0");
    CHECK(run("<sip:boss@example.com>", "ring").tried == "phone.example.com>+19175551212");
    CHECK(run("<sip:a@b.test>", "404").outcome == "404");
}

TEST_CASE("RFC 3880 7.1 and 7.2: mail and log go on") {
    const Rehearsal mail = incoming(kMailExample, call_from("<sip:a@b.test>"));
    CHECK(mail.outcome == "return");
    CHECK(mail.notes == std::vector<std::string>{"mail jones@example.com Lookup failed "});
    const Rehearsal log = incoming(kLogExample, call_from("<sip:a@b.test>"));
    CHECK(log.outcome == "486 Busy Here");
    CHECK(log.notes == std::vector<std::string>{"log calls Hello there"});
}
