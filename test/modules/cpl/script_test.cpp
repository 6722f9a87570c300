// Documents within limits, faults with places, the compiled form under mutation, and limits of a
// run. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/script.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "modules/cpl/compile.h"
#include "modules/cpl/texts.h"
#include "test/modules/cpl/rehearsed.h"

using namespace fairlead::cpl;
using namespace fairlead::cpl::test;

namespace {

Fault first_fault(std::string_view xml) {
    Faults faults;
    const bool valid = compile(xml, {}, faults).has_value();
    INFO(xml.substr(0, 200));
    CHECK_FALSE(valid);
    REQUIRE_FALSE(faults.empty());
    return faults.all().front();
}

DescribedCall usual_call() {
    DescribedCall call;
    call.facts = {{Fact::from, "\"Bob\" <sip:bob@caller.test>"},
                  {Fact::to, "<sip:anna@example.test>"},
                  {Fact::request_uri, "sip:anna@example.test"},
                  {Fact::subject, "hi"}};
    call.at = instant("2024-03-06T12:00:00Z");
    return call;
}

Rehearsal run(std::string_view inside, const World& world = {}, const Policy& policy = {}) {
    return rehearse(compiled("<cpl><incoming>" + std::string(inside) + "</incoming></cpl>"),
                    usual_call(), Direction::incoming, world, policy);
}

/// One of everything.
const std::string kRich =
    R"(<cpl><subaction id="s"><location url="sip:x@s.test" priority="0.4"><redirect/></location></subaction>
<incoming><address-switch field="origin" subfield="user"><address is="zz"/><not-present><sub ref="s"/></not-present><otherwise>
<string-switch field="subject"><string contains="no"/><otherwise><language-switch><language matches="en"/><otherwise>
<time-switch tzid="Europe/Rome"><time dtstart="20200101T000000" duration="P1D" freq="monthly" byday="1MO" bysetpos="1" count="5"/><otherwise>
<priority-switch><priority less="normal"/><otherwise><log name="n" comment="c"><mail url="mailto:a@b.test?subject=s&amp;body=b">
<lookup source="registration" clear="yes"><success><remove-location location="sip:r@r.test"><proxy timeout="3" ordering="sequential">
<busy><reject status="busy"/></busy><redirection><redirect permanent="yes"/></redirection><default><sub ref="s"/></default></proxy></remove-location></success>
<notfound><sub ref="s"/></notfound></lookup></mail></log></otherwise></priority-switch></otherwise></time-switch></otherwise></language-switch>
</otherwise></string-switch></otherwise></address-switch></incoming></cpl>)";

}  // namespace

TEST_CASE("cpl: a fault has line, column and rule") {
    const Fault fault =
        first_fault("<cpl>\n <incoming>\n  <reject status=\"999\"/>\n </incoming></cpl>");
    CHECK(fault.line == 3);
    CHECK(fault.column == 3);
    CHECK(fault.rule == "RFC 3880 6.3");
    CHECK(fault.str().starts_with("3:3: status \"999\" is neither busy"));
    const Fault broken = first_fault("<cpl>\n<incoming></cpl>");
    CHECK(broken.line == 2);
    CHECK(broken.rule == "XML 1.0");
    // Comments, CDATA and a DOCTYPE in between do not shift places.
    const Fault behind = first_fault(
        "<?xml version=\"1.0\"?><!-- <a> -->\n<!DOCTYPE cpl SYSTEM\n \"x<y\">\n<cpl><![CDATA[ "
        "]]><!-- <b> --><?p <c>?><bad/></cpl>");
    CHECK(behind.line == 4);
    CHECK(behind.column == 40);
}

TEST_CASE("cpl: all faults of a script are reported, up to a limit") {
    Faults faults;
    CHECK_FALSE(
        compile("<cpl><incoming><proxy timeout='0' ordering='x' recurse='z'/></incoming></cpl>", {},
                faults));
    CHECK(faults.all().size() == 3);
    std::string many = "<cpl><incoming><address-switch field='origin'>";
    for (int i = 0; i < 100; ++i) many += "<wrong/>";
    Faults capped;
    CHECK_FALSE(compile(many + "</address-switch></incoming></cpl>", {}, capped));
    CHECK(capped.all().size() == Faults::kMax);
}

TEST_CASE("cpl: documents beyond a limit are refused") {
    CHECK(first_fault("").rule == "XML 1.0");
    CHECK(first_fault("<cpl>" + std::string(70000, ' ') + "</cpl>").rule == "limit");
    CHECK(first_fault(std::string(10U << 20U, '<')).rule == "limit");
    CHECK(first_fault("<cpl><incoming><log comment='" + std::string(5000, 'x') +
                      "'/></incoming></cpl>")
              .rule == "limit");
    std::string deep = "<cpl><incoming>";
    for (int i = 0; i < 70; ++i) deep += "<log>";
    for (int i = 0; i < 70; ++i) deep += "</log>";
    CHECK(first_fault(deep + "</incoming></cpl>").rule == "limit");
    std::string wide = "<cpl>";
    for (int i = 0; i < 2100; ++i) wide += "<subaction id='" + std::to_string(i) + "'/>";
    CHECK(first_fault(wide + "</cpl>").rule == "limit");
    CHECK(first_fault(std::string(30000, '<')).rule == "XML 1.0");
    std::string deepest;
    for (int i = 0; i < 10000; ++i) deepest += "<cpl>";
    first_fault(deepest);
}

TEST_CASE("cpl: nothing can be declared, loaded or expanded") {
    for (const char* type :
         {"<!DOCTYPE cpl []>", "<!DOCTYPE cpl [<!ENTITY a 'x'>]>",
          "<!-- c --><!DOCTYPE cpl SYSTEM 'x' [<!ENTITY % p SYSTEM 'http://127.0.0.1/'> %p;]>"})
        CHECK(first_fault(std::string(type) + "<cpl/>").rule == "RFC 3880 13");
    first_fault(
        "<!DOCTYPE cpl SYSTEM 'file:///etc/passwd'><cpl><incoming><log "
        "comment='&a;'/></incoming></cpl>");
    first_fault("<cpl><incoming>&lt;</incoming></cpl>");
    first_fault("<cpl><incoming>&other;</incoming></cpl>");
    first_fault("<!DOCTYPE cpl SYSTEM 'unterminated><cpl/>");
    first_fault("<cpl/><!DOCTYPE cpl [<!ENTITY a 'x'>]>");
    CHECK_FALSE(compiled("<!DOCTYPE cpl PUBLIC '-//IETF//DTD RFCxxxx CPL 1.0//EN' 'cpl.dtd'><cpl/>")
                    .empty());
}

TEST_CASE("cpl: encodings") {
    CHECK_FALSE(compiled("\xef\xbb\xbf<cpl/>").empty());
    const auto subject = [](const std::string& xml, const char* text) {
        DescribedCall call = usual_call();
        call.facts[Fact::subject] = text;
        return rehearse(compiled(xml), call, Direction::incoming, {}).outcome;
    };
    const std::string switches =
        "<cpl><incoming><string-switch field='subject'><string is='\xc9t\xe9'><reject "
        "status='busy'/></string></string-switch></incoming></cpl>";
    CHECK(subject("<?xml version='1.0' encoding='ISO-8859-1'?>" + switches, "\xc3\xa9t\xc3\x89") ==
          "486 Busy Here");
    first_fault(switches);  // the same bytes are not UTF-8
    first_fault("<?xml version='1.0' encoding='UTF-16'?><cpl/>");
    first_fault("<?xml version='1.0' encoding='no-such'?><cpl/>");
    first_fault(std::string("<cpl/>\0x", 8));
    first_fault(std::string("\xff\xfe<\0c\0", 6));
}

TEST_CASE("cpl: a script of many conditions on time is refused in bounded time") {
    std::string xml = "<cpl><incoming><time-switch>";
    for (int i = 0; i < 600; ++i)
        xml += "<time dtstart='20200101T000000' duration='PT1S' freq='secondly' interval='2'/>";
    CHECK(first_fault(xml + "</time-switch></incoming></cpl>").rule == "RFC 3880 4.4");
}

TEST_CASE("script: truncated and changed bytes are not loaded") {
    const std::string bytes = compiled(kRich);
    REQUIRE(Script::load(bytes));
    CHECK(Script::load(bytes)->source_hash() == hash_of(kRich));
    for (std::size_t n = 0; n < bytes.size(); ++n) {
        CHECK_FALSE(Script::load(std::string_view(bytes).substr(0, n)));
        std::string changed = bytes;
        changed[n] = static_cast<char>(changed[n] ^ 0x10);
        CHECK_FALSE(Script::load(changed).has_value());
    }
    CHECK_FALSE(Script::load(bytes + "x"));
    CHECK_FALSE(Script::load(std::string(70000, 'C')));
}

TEST_CASE("script: any bytes behind a right check sum run to an end") {
    const std::string bytes = compiled(kRich);
    const DescribedCall call = usual_call();
    const World world{.registered = {{"sip:r@r.test", 1000}, {"sip:q@q.test", 300}},
                      .answers = {{"q.test", "302 sip:z@z.test"}}};
    CHECK(rehearse(bytes, call, Direction::incoming, world).outcome == "301");
    std::mt19937 random(7);
    for (int round = 0; round < 4000; ++round) {
        std::string changed = bytes;
        for (unsigned i = 0; i < 1 + round % 8U; ++i)
            changed[kHeaderSize + random() % (changed.size() - kHeaderSize)] =
                static_cast<char>(random());
        const auto target = [&] {
            return static_cast<Target>(random() % 16 == 0 ? random() : random() % changed.size());
        };
        const Target in = round % 2 == 0 ? Reader(bytes, 16).u32() : target();
        seal(changed, in, target(), 0);
        REQUIRE(Script::load(changed));
        for (const auto direction : {Direction::incoming, Direction::outgoing})
            CHECK(rehearse(changed, call, direction, world).outcome != "endless");
    }
}

TEST_CASE("script: a rule comes back as it was written") {
    int steps = kScriptSteps;
    const TimeText text{.dtstart = "20240131T090000Z",
                        .duration = "P1DT2H",
                        .freq = "yearly",
                        .interval = "3",
                        .until = "20500101",
                        .bysecond = "1,2",
                        .byminute = "3",
                        .byhour = "4",
                        .byday = "MO,-1FR,2TU",
                        .bymonthday = "1,-1",
                        .byyearday = "366,-366",
                        .bymonth = "12",
                        .wkst = "SU",
                        .bysetpos = "-366,1"};
    const auto rule = parse_rule(text, Zone::utc(), steps);
    REQUIRE(rule);
    const std::string bytes = write_rule(*rule);
    const auto back = read_rule(bytes);
    REQUIRE(back);
    CHECK(write_rule(*back) == bytes);
    CHECK(back->position_back == rule->position_back);
    CHECK(back->until == rule->until);
    for (std::size_t n = 0; n < bytes.size(); ++n)
        CHECK_FALSE(read_rule(std::string_view(bytes).substr(0, n)));
}

TEST_CASE("machine: limits of a run") {
    std::string notes;
    for (int i = 0; i < 15; ++i) notes += "<log comment='x'>";
    notes += "<reject status='busy'/>";
    for (int i = 0; i < 15; ++i) notes += "</log>";
    const Rehearsal noted = run(notes);
    CHECK(noted.notes.size() == 10);
    CHECK(noted.outcome == "486 Busy Here");
    // Two that redirect to each other, and one that always knows another: both end.
    const World circle{.answers = {{"a.test", "302 sip:b@b.test"}, {"b.test", "302 sip:a@a.test"}}};
    CHECK(run("<location url='sip:a@a.test'><proxy/></location>", circle).tried == "a.test>b.test");
    World chain;
    for (int i = 0; i < 20; ++i)
        chain.answers["h" + std::to_string(i) + ".test"] =
            "302 sip:x@h" + std::to_string(i + 1) + ".test";
    CHECK(run("<location url='sip:x@h0.test'><proxy recurse='yes'/></location>", chain).tried ==
          "h0.test>h1.test>h2.test>h3.test>h4.test>h5.test");
    World crowd;
    for (int i = 0; i < 40; ++i)
        crowd.registered.push_back({"sip:u@h" + std::to_string(i) + ".test", 500});
    const std::string all =
        run("<lookup source='registration'><success><proxy/></success></lookup>", crowd).tried;
    CHECK(std::ranges::count(all, '+') == 11);
    const std::string some = run("<lookup source='registration'><success><proxy "
                                 "ordering='sequential'/></success></lookup>",
                                 crowd)
                                 .tried;
    CHECK(std::ranges::count(some, '>') == 29);
}

TEST_CASE("machine: policies") {
    const char* const sequence =
        "<location url='sip:a@a.test'><location url='sip:b@b.test' priority='0.5'><proxy "
        "ordering='sequential'><default><reject "
        "status='busy'/></default></proxy></location></location>";
    const World declines{.answers = {{"a.test", "603"}, {"b.test", "200"}}};
    CHECK(run(sequence, declines).outcome == "200");
    CHECK(run(sequence, declines, {.stop_on_6xx = true}).outcome == "486 Busy Here");
    CHECK(run(sequence, declines).timeouts == std::vector<int>{20, 20});
    CHECK(run(sequence, declines, {.implicit_timeout = 0}).timeouts == std::vector<int>{0, 0});
    CHECK(run("<redirect/>", {}, {.empty_set_status = 480}).outcome ==
          "480 Temporarily Unavailable");
    const char* const user =
        "<address-switch field='origin' subfield='user'><address is='BOB'><reject "
        "status='busy'/></address></address-switch>";
    CHECK(run(user).outcome == "return");
    CHECK(run(user, {}, {.users_without_case = true}).outcome == "486 Busy Here");
}

TEST_CASE("machine: sequences follow redirections by priority; what cannot be proxied stays") {
    const World world{
        .answers = {{"a.test", "302 sip:c@c.test"}, {"c.test", "404"}, {"b.test", "486"}}};
    CHECK(run("<location url='sip:a@a.test'><location url='sip:b@b.test' priority='0.5'><proxy "
              "ordering='sequential' recurse='yes'/></location></location>",
              world)
              .tried == "a.test>c.test>b.test");
    CHECK(run("<location url='sip:a@a.test'><location url='sip:b@b.test' priority='0.5'><proxy "
              "ordering='first-only' recurse='yes'/></location></location>",
              world)
              .tried == "a.test>c.test");
    const Rehearsal page = run(
        "<location url='http://a.test/'><location "
        "url='sip:b@b.test'><proxy><default><redirect/></default></proxy></location></location>",
        world);
    CHECK(page.tried == "b.test");
    CHECK(page.contacts == "http://a.test/;q=1.0");
    CHECK(run("<location url='http://a.test/'><proxy><failure><reject "
              "status='403'/></failure></proxy></location>")
              .outcome == "403 Forbidden");
    CHECK(run("<location url='http://a.test/'/>").outcome == "302");
}

TEST_CASE("machine: an outcome that was not waited for is a fault") {
    const std::string bytes = compiled(
        "<cpl><incoming><location url='sip:a@a.test'><proxy/></location></incoming></cpl>");
    const auto script = Script::load(bytes);
    const DescribedCall call = usual_call();
    const Policy policy;
    Zones zones;
    for (const auto kind :
         {Outcome::Kind::noted, Outcome::Kind::found, Outcome::Kind::lookup_failed}) {
        State state;
        Machine machine(*script, call, policy, zones, state);
        CHECK(machine.start(Direction::incoming).kind == Action::Kind::proxy);
        CHECK(machine.resume({kind}).kind == Action::Kind::fault);
        CHECK(machine.resume({Outcome::Kind::timed_out}).kind == Action::Kind::fault);
    }
    State state;
    Machine machine(*script, call, policy, zones, state);
    machine.start(Direction::incoming);
    CHECK(machine.resume({Outcome::Kind::answered, 100}).kind == Action::Kind::fault);
}

TEST_CASE("cpl: hostile values of headers") {
    const std::string long_text(65000, 'a');
    for (const std::string& value :
         {std::string(), std::string("\xff\xfe\x00z", 4), long_text, std::string("<sip:"),
          std::string("\"unterminated"), std::string("sip:a@b:99999999")}) {
        DescribedCall call = usual_call();
        for (const Fact fact : {Fact::from, Fact::to, Fact::request_uri, Fact::subject,
                                Fact::accept_language, Fact::priority, Fact::user_agent})
            call.facts[fact] = value;
        for (const auto direction : {Direction::incoming, Direction::outgoing}) {
            const Rehearsal result = rehearse(compiled(kRich), call, direction, {});
            CHECK((result.outcome == "302" || result.outcome == "return"));
        }
    }
    CHECK(fold("\xef\xac\x83\xc3\x9f") == "ffiss");
    CHECK(fold(std::string(3, '\xff')) == "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    CHECK(unfold(" a\r\n  b \r\n\tc ") == "a b c");
}

TEST_CASE("cpl: mailto URLs") {
    const auto mail =
        parse_mailto("MAILTO:anna+x@example.test?Subject=a%20b+c&cc=z@z.test&body=l1%0D%0Al2");
    REQUIRE(mail);
    CHECK(mail->address == "anna+x@example.test");
    CHECK(mail->subject == "a b c");
    CHECK(mail->body == "l1\r\nl2");
    for (const char* wrong :
         {"", "mailto:", "http://x", "mailto:?subject=x", "mailto:-f@x.test", "mailto:a@b?subject",
          "mailto:a@b?subject=%0", "mailto:a@b?subject=%ZZ", "mailto:a@b?subject=x%0ABcc:y",
          "mailto:a%0A@b.test", "mailto:a@b?body=%00"})
        CHECK_FALSE(parse_mailto(wrong).has_value());
}
