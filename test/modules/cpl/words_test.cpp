// A script in words, as a drawing, and on a call that somebody describes.
// SPDX-License-Identifier: Apache-2.0
#include <libxml/parser.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "modules/cpl/compile.h"
#include "modules/cpl/drawing.h"
#include "modules/cpl/listing.h"
#include "modules/cpl/recurrence.h"
#include "test/modules/cpl/rehearsed.h"

using namespace fairlead::cpl;
using namespace fairlead::cpl::test;

namespace {

constexpr std::string_view kScript = R"(<cpl>
  <subaction id="vm"><location url="sip:vm@example.test" clear="yes"><redirect/></location></subaction>
  <incoming><address-switch field="origin" subfield="user">
    <address is="boss"><location url="sip:anna@desk.test" priority="0.5">
      <proxy timeout="8" recurse="no"><busy><sub ref="vm"/></busy><noanswer/></proxy></location></address>
    <otherwise><log name="a" comment="b&amp;c"><sub ref="vm"/></log></otherwise>
  </address-switch></incoming></cpl>)";

std::string words(std::string_view xml) {
    const std::string bytes = compiled(xml);
    return explain(*Script::load(bytes));
}

std::string rule(std::string_view attributes) {
    const std::string text = words("<cpl><incoming><time-switch><time " + std::string(attributes) +
                                   "/></time-switch></incoming></cpl>");
    const std::size_t from = text.find("from ");
    return from == text.npos ? text : text.substr(from, text.find(":\n", from) - from);
}

bool is_xml(const std::string& text) {
    xmlDoc* const document = xmlReadMemory(text.data(), static_cast<int>(text.size()), nullptr,
                                           nullptr, XML_PARSE_NOERROR | XML_PARSE_NONET);
    xmlFreeDoc(document);
    return document != nullptr;
}

std::string refused(std::vector<std::string_view> call) {
    const auto situation = parse_situation(call, 0);
    return situation ? "" : situation.error().text;
}

}  // namespace

TEST_CASE("cpl: a script in words") {
    CHECK(words(kScript) ==
          "incoming:\n"
          "  address origin user\n"
          "    is \"boss\":\n"
          "      location sip:anna@desk.test, priority 0.5\n"
          "      proxy, all at once for at most 8 s, redirections are not followed\n"
          "        busy:\n"
          "          (1) location sip:vm@example.test, in place of all others\n"
          "          redirect\n"
          "        noanswer:\n"
          "          the default behaviour\n"
          "    otherwise:\n"
          "      log a: \"b&c\"\n"
          "      go on at (1)\n");
    CHECK(words("<cpl/>") == "Nothing: calls go on as if there were no script.\n");
    CHECK(words("<cpl><outgoing><lookup source='registration' clear='yes'><success>"
                "<remove-location location='sip:a@b.test'><reject status='480' reason='no'/>"
                "</remove-location></success></lookup></outgoing></cpl>") ==
          "outgoing:\n  lookup of registrations for at most 30 s, in place of all others\n"
          "    success:\n      remove sip:a@b.test\n      reject with 480 \"no\"\n");
}

TEST_CASE("cpl: rules in words") {
    CHECK(rule("dtstart='20240304T090000' duration='PT8H'") == "from 2024-03-04 09:00:00 for 8 h");
    CHECK(rule("dtstart='20240304T090000Z' dtend='20240305T100130Z'") ==
          "from 2024-03-04 09:00:00 UTC for 25 h 1 min 30 s");
    CHECK(rule("dtstart='20240304T090000' duration='PT1H' freq='weekly' interval='2' wkst='SU' "
               "byday='MO,FR' byhour='9,15' until='20241231'") ==
          "from 2024-03-04 09:00:00 for 1 h, every 2 weeks, on MO,FR, hours 9,15, weeks begin on "
          "SU, until 2024-12-31");
    CHECK(rule("dtstart='20240131T090000Z' duration='P1D' freq='monthly' bymonth='1,12' "
               "byday='-1FR' count='3'") ==
          "from 2024-01-31 09:00:00 UTC for 1 day, every month, months 1,12, on -1FR, last at "
          "2025-01-31 09:00:00 UTC");
    CHECK(
        rule("dtstart='20240101T000000' duration='PT1H' freq='yearly' bymonthday='1,-1' "
             "byday='MO,TU' bysetpos='1,-2'") ==
        "from 2024-01-01 00:00:00 for 1 h, every year, days of the month 1,-1, on MO,TU, of these "
        "number 1,-2");
}

TEST_CASE("cpl: every valid script can be told and drawn") {
    int seen = 0;
    for (const auto& file : std::filesystem::directory_iterator(FAIRLEAD_CPL_DATA "/scripts")) {
        std::ifstream in(file.path(), std::ios::binary);
        const std::string xml{std::istreambuf_iterator<char>(in), {}};
        Faults faults;
        const auto bytes = compile(xml, {}, faults);
        if (!bytes) continue;
        INFO(file.path());
        const auto script = Script::load(*bytes);
        CHECK(!explain(*script).contains('?'));
        const std::string drawing = draw(*script);
        CHECK(is_xml(drawing));
        CHECK(drawing.size() < 1000000);
        ++seen;
    }
    CHECK(seen == 67);
    const std::string bytes = compiled(kScript);
    const std::string drawing = draw(*Script::load(bytes));
    for (const char* text : {">incoming<", ">address origin user<", ">is &quot;boss&quot;<",
                             ">log a: &quot;b&amp;c&quot;<", ">default behaviour<", ">noanswer<"})
        CHECK(drawing.contains(text));
    // Once, although two ways lead to it: as the text of its box and as what the box is.
    const auto first = drawing.find(">redirect<"), second = drawing.find(">redirect<", first + 1);
    CHECK(second != drawing.npos);
    CHECK(drawing.find(">redirect<", second + 1) == drawing.npos);
}

TEST_CASE("cpl: a described call is run dry") {
    const std::string bytes = compiled(kScript);
    const auto run = [&](std::vector<std::string_view> call) {
        const auto situation = parse_situation(call, 0);
        REQUIRE(situation);
        return report(bytes,
                      rehearse(bytes, situation->call, situation->direction, situation->world));
    };
    CHECK(run({"incoming", "from=\"B\" <sip:boss@x.test>", "answer=desk.test=486"}) ==
          "address origin user: is \"boss\"\n"
          "location sip:anna@desk.test, priority 0.5\n"
          "proxy, all at once for at most 8 s, redirections are not followed: busy\n"
          "location sip:vm@example.test, in place of all others\n"
          "redirect\n"
          "tried desk.test\n"
          "outcome 302 to sip:vm@example.test;q=1.0\n");
    CHECK(run({"from=sip:boss@x.test", "answer=desk.test=ring"})
              .ends_with("noanswer\ntried desk.test\noutcome 408\n"));
    CHECK(
        run({"from=<sip:boss@x.test>", "answer=desk.test=404"}).contains(": no output for this\n"));
    CHECK(run({}).starts_with("address origin user: otherwise\nlog a: \"b&c\"\n"));
    CHECK(run({"outgoing"}) == "outcome the default behaviour\n");
}

TEST_CASE("cpl: what does not describe a call is named") {
    const std::string kNoCall =
        "\" does not describe a call: incoming or outgoing comes first, then words like from=URI, "
        "to=URI, uri=URI, time=2026-03-06T12:00:00Z, \"header=Name: text\", \"registered=URI q\", "
        "answer=HOST=CODE, lookup=fails";
    CHECK(refused({"incoming", "time=2024-03-06T12:00:00Z", "header=Subject: x", "lookup=fails",
                   "registered=sip:a@b.test 0.25", "registered=sip:a@b.test", "answer=b.test=ring",
                   "answer=b.test=302 sip:c@d.test", "to=<sip:a@b.test>", "uri=tel:+123"}) == "");
    for (const char* wrong :
         {"outgoings", "time=noon", "time=2024-02-30T12:00:00Z", "time=2024-03-06T24:00:00Z",
          "header=nonsense", "registered=", "registered=sip:a@b.test 2",
          "registered=sip:a@b.test x", "registered=sip:a@b.test nan", "answer=486", "answer==486",
          "answer=b.test=180", "answer=b.test=4867", "from=", "uri=nonsense", "lookup=works", "=",
          ""})
        CHECK(refused({wrong}) == "\"" + std::string(wrong) + kNoCall);
    CHECK(refused({"from=<sip:a@b.test>", "incoming"}) == "\"incoming" + kNoCall);
}
