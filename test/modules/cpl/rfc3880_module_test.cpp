// The examples of RFC 3880 as calls through the module: what the caller gets, and who is rung.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include "test/modules/cpl/rfc3880_examples.h"
#include "test/modules/cpl/world.h"
#include "test/support/message_builder.h"

using namespace fairlead::test;
using namespace fairlead::cpl::test;

namespace {

/// Where the hosts of the examples are. Only URIs of locations name them with an @.
const Hosts kHosts = {
    {"@jonespc.example.com", "@198.51.100.1"}, {"@voicemail.example.com", "@198.51.100.2"},
    {"@phone.example.com", "@198.51.100.3"},   {"@operator.example.com", "@198.51.100.4"},
    {"@mobile.provider.net", "@198.51.100.5"}, {"sip:jones@example.com", "sip:jones@198.51.100.6"}};
constexpr const char* kJonesPc = "198.51.100.1";
constexpr const char* kVoicemail = "198.51.100.2";
constexpr const char* kPhone = "198.51.100.3";
constexpr const char* kOperator = "198.51.100.4";
constexpr const char* kHome = "198.51.100.6";
constexpr const char* kDesk = "198.51.100.7";

struct Situation {
    std::string from = "<sip:a@b.test>";
    std::string answers;     ///< "host=status|…"
    std::string registered;  ///< "URI q, …"
    std::string header;      ///< one more line
    std::string to = "<sip:anna@example.test>";
    std::string kind = "incoming";
};

/// Calls of the user whose script an example is.
class Example {
public:
    explicit Example(std::string_view inside, const std::string& time = "2024-03-06T15:00:00Z")
        : world_(time) {
        REQUIRE(world_.upload(with_addresses(published(inside), kHosts)) == "SIP/2.0 200 OK");
    }
    /// "hosts that were rung -> status".
    std::string operator()(const Situation& s) {
        Row row(kColumns);
        row[kKind] = s.kind;
        row[kFrom] = s.from;
        row[kRequestUri] = s.kind == "incoming" ? "sip:anna@example.test" : "sip:x@gw.test";
        row[kTo] = s.to;
        row[kAnswers] = s.answers;
        row[kRegistered] = s.registered;
        row[kHeader] = s.header;
        world_.play(row, kHosts);
        return world_.tried + " -> " + outcome(world_.answer, "");
    }
    [[nodiscard]] std::string moved_to() const { return contacts(world_.answer); }
    [[nodiscard]] std::string reason() const { return start_line(world_.answer).substr(12); }

private:
    World world_;
};

std::string is(const char* host, const char* answer) {
    return std::string(host) + '=' + answer;
}
std::string rung(const char* host, const char* status) {
    return std::string(host) + " -> " + status;
}
std::string rung(const char* first, const char* second, const char* status) {
    return std::string(first) + '>' + second + " -> " + status;
}

}  // namespace

TEST_CASE("RFC 3880 through the module, figure 2: colleagues ring, all others get voicemail") {
    Example call(kFigure2);
    const std::string colleague = "<sip:a@pc.example.com>";
    CHECK(call({.from = colleague, .answers = is(kHome, "200")}) == rung(kHome, "200"));
    for (const char* answer : {"486", "ring", "404"}) {
        CHECK(call({.from = colleague, .answers = is(kHome, answer)}) == rung(kHome, "302"));
        CHECK(call.moved_to() == std::string("sip:jones@") + kVoicemail + ";q=1.0");
    }
    CHECK(call({.from = "<sip:a@other.test>"}) == " -> 302");
}

TEST_CASE("RFC 3880 through the module, figure 19: unconditional redirect") {
    Example call(kFigure19);
    CHECK(call({}) == " -> 302");
    CHECK(call.moved_to() == std::string("sip:smith@") + kPhone + ";q=1.0");
}

TEST_CASE("RFC 3880 through the module, figure 20: forward on busy or no answer") {
    Example call(kFigure20);
    const std::string more = std::string("|") + is(kVoicemail, "200");
    CHECK(call({.answers = is(kJonesPc, "200") + more}) == rung(kJonesPc, "200"));
    CHECK(call({.answers = is(kJonesPc, "486") + more}) == rung(kJonesPc, kVoicemail, "200"));
    CHECK(call({.answers = is(kJonesPc, "ring") + more}) == rung(kJonesPc, kVoicemail, "200"));
    CHECK(call({.answers = is(kJonesPc, "404") + more}) == rung(kJonesPc, "404"));
}

TEST_CASE("RFC 3880 through the module, figure 21: a redirection is handed on") {
    Example call(kFigure21);
    CHECK(call({.answers = is(kJonesPc, "302 sip:jones@mobile.test")}) == rung(kJonesPc, "302"));
    CHECK(call.moved_to() == "sip:jones@mobile.test;q=1.0");
    for (const char* answer : {"486", "ring", "500"})
        CHECK(call({.answers = is(kJonesPc, answer) + '|' + is(kVoicemail, "200")}) ==
              rung(kJonesPc, kVoicemail, "200"));
}

TEST_CASE("RFC 3880 through the module, figure 22: anonymous callers are rejected") {
    Example call(kFigure22);
    CHECK(call({.from = "<sip:anonymous@b.test>"}) == " -> 603");
    CHECK(call.reason() == "I do not accept anonymous calls");
    CHECK(call({.from = "<sip:bob@b.test>"}) == " -> return");
}

TEST_CASE("RFC 3880 through the module, figure 23: priorities and languages") {
    Example call(kFigure23);
    const std::string answers = is(kOperator, "200");
    for (const char* header : {"Accept-Language: es, en;q=0.5", "Accept-Language: fr", "",
                               "Priority: urgent"})  // "greater" is strict
        CHECK(call({.answers = answers, .header = header}) == rung(kOperator, "200"));
    CHECK(call({.answers = answers, .header = "Priority: Emergency"}) == " -> return");
}

TEST_CASE("RFC 3880 through the module, figure 24: premium numbers are screened") {
    Example call(kFigure24);
    const std::string anna = "<sip:anna@example.test>";
    for (const char* to : {"<sip:19005551212@gw.test;user=phone>", "<tel:+1-900-555-1212>"}) {
        CHECK(call({.from = anna, .to = to, .kind = "outgoing"}) == " -> 603");
        CHECK(call.reason() == "Not allowed to make 1-900 calls.");
    }
    for (const char* to : {"<sip:19005551212@gw.test>", "<tel:+12125551212>"})
        CHECK(call({.from = anna, .to = to, .kind = "outgoing"}) == " -> return");
}

TEST_CASE("RFC 3880 through the module, figure 25: office hours in New York") {
    const Situation there{.answers = is(kDesk, "200") + '|' + is(kVoicemail, "200"),
                          .registered = "sip:jones@198.51.100.7 1.0"};
    Example morning(kFigure25, "2024-03-06T15:00:00Z");  // Wednesday 10:00
    CHECK(morning(there) == rung(kDesk, "200"));
    CHECK(morning({}) == " -> return");
    Example evening(kFigure25, "2024-03-06T22:00:00Z");  // 17:00
    CHECK(evening(there) == rung(kVoicemail, "200"));
    // 09:00 on the Monday after clocks went forward, and an hour before.
    CHECK(Example(kFigure25, "2024-03-11T13:00:00Z")(there) == rung(kDesk, "200"));
    CHECK(Example(kFigure25, "2024-03-11T12:59:58Z")(there) == rung(kVoicemail, "200"));
}

TEST_CASE("RFC 3880 through the module, figure 26: a mobile is taken out of the registrations") {
    Example call(kFigure26);
    const std::string both = "sip:me@198.51.100.5 1.0, sip:me@198.51.100.7 0.5";
    const std::string agent = "User-Agent: Inferior SIP User Agent/1.0";
    CHECK(call({.answers = is(kDesk, "200"), .registered = both, .header = agent}) ==
          rung(kDesk, "200"));
    CHECK(call({.registered = "sip:me@198.51.100.5 1.0", .header = agent}) == " -> 404");
    CHECK(call({.registered = both, .header = "User-Agent: other"}) == " -> return");
}

TEST_CASE("RFC 3880 through the module, figure 27: another source than registrations is refused") {
    CHECK(World("").upload(published(kFigure27)) == "SIP/2.0 400 Bad CPL script");
}

TEST_CASE("RFC 3880 through the module, figure 30: the whole of it") {
    Example call(kFigure30);
    CHECK(call({.answers = is(kPhone, "486")}) == rung(kPhone, "302"));
    CHECK(call({.answers = is(kPhone, "ring")}) == rung(kPhone, "302"));
    CHECK(call.moved_to() == std::string("sip:jones@") + kVoicemail + ";q=1.0");
    CHECK(call({.answers = is(kPhone, "404")}) == rung(kPhone, "404"));
    // Nothing can be sent to a tel URI here: the best answer so far is that nobody answered.
    CHECK(call({.from = "<sip:boss@example.com>", .answers = is(kPhone, "ring")}) ==
          rung(kPhone, "408"));
}

TEST_CASE("RFC 3880 through the module, 7.1 and 7.2: mail and log go on") {
    Example mail(kMailExample);
    CHECK(mail({}) == " -> return");
    Example log(kLogExample);
    CHECK(log({}) == " -> 486");
}
