// Messages that must be refused or read in one way only: the classes of mistakes that parsers of
// SIP were attacked with, and the published cases by name.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "core/sip/build.h"
#include "core/sip/message.h"
#include "core/sip/params.h"
#include "test/core/sip/messages.h"

using namespace fairlead;
using namespace fairlead::sip;
using namespace fairlead::test;

namespace {

struct Parsed {
    explicit Parsed(std::string text) : bytes(std::move(text)), error(m.parse(bytes)) {}
    int code() const { return error ? error->code : 200; }
    std::string_view reason() const { return error ? error->reason : ""; }
    std::string bytes;
    Message m;
    std::optional<ParseError> error;
};

/// The test request with one line replaced, or removed when `line` is empty.
std::string with(std::string_view name, std::string_view line) {
    std::string text = request();
    const auto at = text.find("\r\n" + std::string(name) + ":") + 2;
    const auto end = text.find("\r\n", at) + 2;
    return text.replace(at, end - at, line.empty() ? "" : std::string(line) + "\r\n");
}

std::string with_start(std::string_view start) {
    std::string text = request();
    return text.replace(0, text.find("\r\n"), start);
}

}  // namespace

TEST_CASE("a start line is complete, of SIP/2.0, with single spaces") {
    const auto [line, code] = GENERATE(table<std::string, int>({
        {"OPTIONS sip:a SIP/2.0", 200},
        {"OPTIONS sip:a sip/2.0", 200},
        {"OPTIONS sip:a SIP/3.0", 505},
        {"OPTIONS sip:a SIP/7.0", 505},
        {"OPTIONS sip:a SIP/2.00", 505},
        {"OPTIONS sip:a SIP/", 400},
        {"OPTIONS sip:a HTTP/1.1", 400},
        {"OPTIONS sip:a", 400},
        {"OPTIONS", 400},
        {"", 400},
        {" OPTIONS sip:a SIP/2.0", 400},
        {"OPTIONS  sip:a SIP/2.0", 400},
        {"OPTIONS sip:a  SIP/2.0", 400},
        {"OPTIONS sip:a SIP/2.0 ", 400},
        {"OPTIONS\tsip:a SIP/2.0", 400},
        {"OPTIONS sip:a; lr SIP/2.0", 400},
        {"OPTIONS <sip:a> SIP/2.0", 400},
        {"OPTI(ONS sip:a SIP/2.0", 400},
        {std::string("OPTIONS sip:a\0b SIP/2.0", 23), 400},
        {"OPTIONS sip:a\rb SIP/2.0", 400},
        {"OPTIONS sip:a\nb SIP/2.0", 400},
        {"OPTIONS sip:a\x7f SIP/2.0", 400},
    }));
    CHECK(Parsed(with_start(line)).code() == code);
}

TEST_CASE("a status line has three digits from 100 to 699") {
    const auto [line, code] = GENERATE(table<std::string, int>({
        {"SIP/2.0 200 OK", 200},
        {"SIP/2.0 200 ", 200},
        {"SIP/2.0 200", 200},
        {"SIP/2.0 699 \xd0\x9e\xd0\x9a (*)", 200},
        {"SIP/2.0 99 Low", 400},
        {"SIP/2.0 099 Low", 400},
        {"SIP/2.0 700 High", 400},
        {"SIP/2.0 4294967301 better not break the receiver", 400},
        {"SIP/2.0 2000", 400},
        {"SIP/2.0 -20 OK", 400},
        {"SIP/2.0  200 OK", 400},
        {"SIP/2.0 200\tOK", 400},
        {"SIP/2.0 20x OK", 400},
        {"SIP/2.0 ", 400},
        {"SIP/2.0", 400},
        {"SIP/3.0 200 OK", 505},
    }));
    Parsed p(with_start(line));
    CHECK(p.code() == code);
    CHECK_FALSE(p.m.can_be_answered());
}

TEST_CASE("a header name is a token with the colon right behind it") {
    // Some elements skip white space or control characters there and some do not: what is hidden
    // from one is seen by the other.
    const auto line = GENERATE(as<std::string>{}, "X-A : 1", "X-A\t: 1", "X-A\r\n : 1",
                               "X-A\x01: 1", std::string("X-A\0: 1", 7), "X-A\x7f: 1", "X A: 1",
                               ": 1", "X-A 1", "X-A", "X(A): 1", "X-\xc3\xa4: 1", "\x0bX-A: 1");
    Parsed p(request(line + "\r\n"));
    CHECK(p.code() == 400);
    CHECK(p.m.header("X-A") == nullptr);
    CHECK(p.m.can_be_answered());
}

TEST_CASE("no control character in a value, no bare CR or LF") {
    const auto value = GENERATE(as<std::string>{}, "a\x01z", std::string("a\0z", 3), "a\x7fz",
                                "a\rz", "a\nz", "a\n z", "a\nEvil: 1", "a\x0b", "\"\\\x01\"");
    Parsed p(request("X-A: " + value + "\r\n"));
    CHECK(p.code() == 400);
    CHECK(p.m.header("X-A") == nullptr);
    CHECK(p.m.header("Evil") == nullptr);
}

TEST_CASE("a message whose lines end in LF only is refused") {
    std::string text = request();
    std::erase(text, '\r');
    CHECK(Parsed(text).code() == 400);
}

TEST_CASE("folded lines belong to the value and count as white space") {
    Parsed p(
        "OPTIONS sip:x SIP/2.0\r\nVia:\r\n SIP / 2.0\r\n\t/UDP\r\n 10.0.0.1 :\r\n 5062 ;\r\n"
        " branch =\r\n z9hG4bKx\r\nFrom:  \"A\r\n B\" \r\n <sip:a@x>\r\n ;\r\n tag\r\n =\r\n 1  "
        "\r\nTo: A\r\n B <sip:b@x>\r\nCall-ID:\r\n  c1  \r\nCSeq: 0009\r\n  OPTIONS\r\n"
        "X-Empty:\r\n \r\nX-A: one\r\n two\r\nMax-Forwards:\r\n 0068\r\n\r\n");
    REQUIRE_FALSE(p.error);
    CHECK(p.m.via()->host == "10.0.0.1");
    CHECK(p.m.via()->port == 5062);
    CHECK(p.m.via()->branch == "z9hG4bKx");
    CHECK(p.m.from()->tag == "1");
    CHECK(p.m.from()->uri == "sip:a@x");
    CHECK(p.m.call_id() == "c1");
    CHECK(p.m.cseq()->number == 9);
    CHECK(p.m.max_forwards() == 68u);
    CHECK(p.m.value(*p.m.header("X-A")) == "one\r\n two");
    CHECK(p.m.value(*p.m.header("X-Empty")).empty());
}

TEST_CASE("compact forms are the same headers") {
    Parsed p(
        "OPTIONS sip:x SIP/2.0\r\nv: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx\r\nF: <sip:a@x>;tag=1\r\n"
        "t: <sip:b@x>\r\ni: c1\r\nCSeq: 1 OPTIONS\r\nm: <sip:a@y>\r\nl: 0\r\nk: path\r\n"
        "z: 1\r\n\r\n");
    REQUIRE_FALSE(p.error);
    CHECK(p.m.text(HeaderType::contact) == "<sip:a@y>");
    CHECK(p.m.header("SUPPORTED") == p.m.header("K"));
    CHECK(p.m.header("z")->type == HeaderType::other);
}

TEST_CASE("every header is found by its name in any case, and by its compact form") {
    for (const HeaderRow& row : header_rows()) {
        if (row.type == HeaderType::other) continue;
        std::string upper(row.name), lower(row.name);
        for (char& c : upper) c = static_cast<char>(std::toupper(c));
        for (char& c : lower) c = static_cast<char>(std::tolower(c));
        CHECK(header_type(upper) == row.type);
        CHECK(header_type(lower) == row.type);
        CHECK(header_name(row.type) == row.name);
        if (row.compact != 0) CHECK(header_type({&row.compact, 1}) == row.type);
        CHECK(header_type(upper + "x") == HeaderType::other);
        CHECK(header_type(std::string_view(upper).substr(1)) != row.type);
    }
    CHECK(header_type("") == HeaderType::other);
    CHECK(header_type("\xff") == HeaderType::other);
}

TEST_CASE("required headers: a message without one is refused and cannot be answered") {
    const auto name = GENERATE(as<std::string>{}, "Via", "From", "To", "Call-ID", "CSeq");
    Parsed p(with(name, ""));
    CHECK(p.code() == 400);
    CHECK(p.reason() == "Missing " + name + " header");
    CHECK_FALSE(p.m.can_be_answered());
}

TEST_CASE("singletons may stand once, in whatever form") {
    const auto line =
        GENERATE(as<std::string>{}, "From: <sip:c@x>;tag=3", "f: <sip:c@x>;tag=3", "To: <sip:c@x>",
                 "t: <sip:c@x>", "Call-ID: c2", "i: c2", "CSeq: 2 OPTIONS", "CSeq: 1 OPTIONS",
                 "Max-Forwards: 5", "Content-Length: 0", "l: 0", "Content-Type: a/b", "Event: a",
                 "Expires: 1");
    const std::string more = line.starts_with("Max") || line.starts_with("Co") ||
                                     line.starts_with("l") || line.starts_with("E")
                                 ? line + "\r\n" + line + "\r\n"
                                 : line + "\r\n";
    Parsed p(request(more));
    CHECK(p.code() == 400);
    CHECK(p.reason() == "Duplicate header field");
    CHECK(p.m.can_be_answered());
}

TEST_CASE("two values in a header that has one are refused") {
    const auto [name, line] = GENERATE(table<std::string, std::string>({
        {"From", "From: <sip:a@x>;tag=1, <sip:b@x>;tag=2"},
        {"To", "To: <sip:a@x>, <sip:b@x>"},
        {"Call-ID", "Call-ID: c1, c2"},
        {"Call-ID", "Call-ID: c1,c2"},
        {"Call-ID", "Call-ID: c1 c2"},
        {"CSeq", "CSeq: 1 OPTIONS, 2 OPTIONS"},
    }));
    CHECK(Parsed(with(name, line)).code() == 400);
    CHECK(Parsed(request("Max-Forwards: 5, 6\r\n")).code() == 400);
    CHECK(Parsed(request("Content-Length: 0, 0\r\n")).code() == 400);
}

TEST_CASE("Content-Length is a number that the message can hold") {
    const auto [value, code] = GENERATE(table<std::string, int>({
        {"0", 200},
        {"5", 200},
        {"0005", 200},
        {"4", 200},
        {"6", 400},
        {"-1", 400},
        {"+5", 400},
        {"5 5", 400},
        {"5;x", 400},
        {"5.0", 400},
        {"0x5", 400},
        {"", 400},
        {"five", 400},
        {"65536", 400},
        {"2147483648", 400},
        {"4294967296", 400},
        {"4294967301", 400},
        {"18446744073709551621", 400},
        {"99999999999999999999999999999999999999999999999999999999", 400},
    }));
    Parsed p(request("Content-Length: " + value + "\r\n") + "hello");
    CHECK(p.code() == code);
    CHECK(p.m.can_be_answered());
    if (code == 200) {
        CHECK(p.m.body() == std::string_view("hello").substr(0, p.m.body().size()));
        CHECK(p.m.bytes().size() == p.bytes.size() - (5 - p.m.body().size()));
    }
}

TEST_CASE("what stands behind the body of a datagram is not part of the message") {
    Parsed p(request("Content-Length: 2\r\n") + "hiINVITE sip:evil SIP/2.0\r\n\r\n");
    REQUIRE_FALSE(p.error);
    CHECK(p.m.body() == "hi");
    CHECK(p.m.bytes().ends_with("\r\n\r\nhi"));
}

TEST_CASE("Max-Forwards is 0 to 255") {
    const auto [value, code] = GENERATE(table<std::string, int>(
        {{"0", 200}, {"70", 200}, {"255", 200}, {"256", 400}, {"-1", 400}, {"", 400}, {"a", 400}}));
    Parsed p(request("Max-Forwards: " + value + "\r\n"));
    CHECK(p.code() == code);
    CHECK(p.m.max_forwards().has_value() == (code == 200));
}

TEST_CASE("a CSeq is a number below 2^31 and the request's method") {
    const auto [value, code] = GENERATE(table<std::string, int>({
        {"0 OPTIONS", 200},
        {"2147483647 OPTIONS", 200},
        {"2147483648 OPTIONS", 400},
        {"36893488147419103232 OPTIONS", 400},
        {"1 INVITE", 400},
        {"1 options", 400},
        {"1OPTIONS", 400},
        {"OPTIONS 1", 400},
        {"-1 OPTIONS", 400},
        {"1", 400},
        {"1 ", 400},
        {"1 OPTIONS x", 400},
        {"", 400},
    }));
    CHECK(Parsed(with("CSeq", "CSeq: " + value)).code() == code);
}

TEST_CASE("From and To are addresses with at most one tag, which is not empty") {
    const auto [value, code] = GENERATE(table<std::string, int>({
        {"<sip:a@x>;tag=1", 200},
        {"sip:a@x;tag=1", 200},
        {"sip:a@x", 200},
        {"\"\" <sip:a@x>;tag=1", 200},
        {"\"a \\\" <b>;tag=x\" <sip:a@x>;tag=1", 200},
        {"A B <sip:a@x>;p=\"q;tag=2\";tag=1", 200},
        {"<tel:+1>;tag=1", 200},
        {"<urn:service:sos>;tag=1", 200},
        {"<sip:a@x>;tag=", 400},
        {"<sip:a@x>;tag", 400},
        {"<sip:a@x>;tag=1;tag=2", 400},
        {"<sip:a@x>;tag=1;TAG=1", 400},
        {"<sip:a@x>;;tag=1", 400},
        {"<sip:a@x>;", 400},
        {"<sip:a@x> tag=1", 400},
        {"<sip:a@x>;tag=\"1", 400},
        {"<sip:a@x;tag=1", 400},
        {"sip:a@x>;tag=1", 400},
        {"\"a <sip:a@x>;tag=1", 400},
        {"\"a\\", 400},
        {"\"a\" sip:a@x;tag=1", 400},
        {"< sip:a@x>;tag=1", 400},
        {"<>;tag=1", 400},
        {"<a@x>;tag=1", 400},
        {"Bell, A <sip:a@x>;tag=1", 400},
        {"sip:a@x?h=1;tag=1", 400},
        {"*", 400},
        {"", 400},
        {"\"", 400},
        {"<", 400},
    }));
    CHECK(Parsed(with("From", "From: " + value)).code() == code);
    CHECK(Parsed(with("To", "To: " + value)).code() == code);
}

TEST_CASE("the topmost Via must be whole") {
    const auto [value, code] = GENERATE(table<std::string, int>({
        {"SIP/2.0/UDP 10.0.0.1", 200},
        {"SIP/2.0/UDP [::1]:5060;branch=z9hG4bK", 200},
        {"SIP/2.0/NEW h", 200},
        {"SIP/2.0/UDP h;rport=65535;received=1.2.3.4;maddr=1.1.1.1;ttl=3;x;y=\"a,;b\"", 200},
        {"SIP/2.0/UDP h, SIP/2.0/UDP :]", 200},
        {"SIP/2.0/UDP", 400},
        {"SIP/2.0/UDP ", 400},
        {"SIP/2.0/ h", 400},
        {"SIP/2.0 h", 400},
        {"SIP//UDP h", 400},
        {"SIP/2.0/UDPh", 400},
        {"SIP/2.0/UDP ;branch=x", 400},
        {"SIP/2.0/UDP h:", 400},
        {"SIP/2.0/UDP h:0", 400},
        {"SIP/2.0/UDP h:65536", 400},
        {"SIP/2.0/UDP h:99999", 400},
        {"SIP/2.0/UDP h:5060x", 400},
        {"SIP/2.0/UDP 2001:db8::1", 400},
        {"SIP/2.0/UDP [::1", 400},
        {"SIP/2.0/UDP [::1]x", 400},
        {"SIP/2.0/UDP [fe80::1%eth0]", 400},
        {"SIP/2.0/UDP [1.2.3.4]", 400},
        {"SIP/2.0/UDP h;", 400},
        {"SIP/2.0/UDP h;;branch=x", 400},
        {"SIP/2.0/UDP h;branch=a;branch=b", 400},
        {"SIP/2.0/UDP h;rport;rport", 400},
        {"SIP/2.0/UDP h;rport=70000", 400},
        {"SIP/2.0/UDP h;rport=x", 400},
        {"SIP/2.0/UDP h;received=1.1.1.1;received=2.2.2.2", 400},
        {"SIP/2.0/UDP h;maddr=1.1.1.1;maddr=2.2.2.2", 400},
        {"SIP/2.0/UDP h;x=\"", 400},
        {"SIP/2.0/UDP h branch=x", 400},
        {", SIP/2.0/UDP h", 400},
        {"", 400},
    }));
    Parsed p(with("Via", "Via: " + value));
    CHECK(p.code() == code);
    CHECK(p.m.can_be_answered() == (code == 200));
}

TEST_CASE("incomplete messages are refused at every length") {
    const std::string whole = invite();
    Message m;
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const std::string part = whole.substr(0, size);  // its own block, for the sanitizers
        INFO(size);
        CHECK(m.parse(part));
    }
}

TEST_CASE("an object can be used again after a refusal") {
    Message m;
    const std::string bad = with("To", "To: <sip:x>;tag="), good = invite();
    CHECK(m.parse(bad));
    CHECK_FALSE(m.parse(good));
    CHECK_FALSE(m.to()->has_tag);
    CHECK(m.parse(bad));
    CHECK(m.to()->has_tag);
}

TEST_CASE("a reply and an ACK are never answered") {
    Parsed ack(with_start("ACK sip:a SIP/2.0"));
    CHECK(ack.code() == 400);
    CHECK_FALSE(ack.m.can_be_answered());
    Parsed bad_reply(with_start("SIP/2.0 200 OK") + "x");
    CHECK_FALSE(bad_reply.m.can_be_answered());
}

// ---- Published cases ---------------------------------------------------------------------------

TEST_CASE("CVE-2020-28361: 'P-Asserted-Identity :' does not slip past what removes the header") {
    Parsed p(request("P-Asserted-Identity : <sip:boss@example.com>\r\n"));
    CHECK(p.code() == 400);
    CHECK(p.m.header(HeaderType::p_asserted_identity) == nullptr);
    Parsed to(request("To\x01: <sip:evil@example.com>\r\n"));
    CHECK(to.code() == 400);
}

TEST_CASE("CVE-2018-14767: two To headers, the second with an empty tag") {
    Parsed p(request("To: <sip:b@example.com>;tag=\r\n"));
    CHECK(p.code() == 400);
    REQUIRE(p.m.can_be_answered());
    char out[2048];
    Writer w(out, sizeof out);
    REQUIRE(write_reply(w, p.m, {.code = 400, .reason = p.error->reason, .to_tag = "t"}));
    Parsed back{std::string(w.text())};
    REQUIRE_FALSE(back.error);
    CHECK(back.m.count(HeaderType::to) == 1);
    CHECK(back.m.to()->tag == "t");
}

TEST_CASE("CVE-2018-16657: 'Via: SIP/2.0/UDP :]'") {
    Parsed p(with("Via", "Via: SIP/2.0/UDP :]"));
    CHECK(p.code() == 400);
    CHECK(p.m.via() == nullptr);
    CHECK_FALSE(p.m.can_be_answered());
}

TEST_CASE("CVE-2018-8828: a branch and a From tag that are malformed or very long") {
    const std::string longest(16000, 'x');
    Parsed p(with("From", "From: <sip:a@example.com>;tag=" + longest));
    REQUIRE_FALSE(p.error);
    CHECK(p.m.from()->tag == longest);
    CHECK(Parsed(with("Via", "Via: SIP/2.0/UDP h;branch=" + longest)).code() == 200);
    CHECK(Parsed(with("Via", "Via: SIP/2.0/UDP h;branch=")).code() == 200);
    CHECK(Parsed(with("Via", "Via: SIP/2.0/UDP h;branch")).code() == 200);
    CHECK(Parsed(with("From", "From: <sip:a@x>;tag=" + std::string(20000, 'x'))).code() == 400);
}

TEST_CASE("CVE-2020-27507: duplicated fields and an over-long tag") {
    const std::string tag(9000, 't');
    Parsed p(request("From: <sip:a@x>;tag=" + tag + "\r\nTo: <sip:b@x>;tag=" + tag + "\r\n"));
    CHECK(p.code() == 400);
    REQUIRE(p.m.can_be_answered());
    char out[2048];
    Writer w(out, sizeof out);
    CHECK(write_reply(w, p.m, {.code = 400, .reason = "Bad Request", .to_tag = "t"}));
}

TEST_CASE("CVE-2023-28095 and CVE-2023-27599: replies to messages with malformed From and To") {
    for (std::string_view line : {"From: <sip:a@x", "From: \"", "From: ;tag=1"}) {
        Parsed p(with("From", line));
        CHECK(p.code() == 400);
        char out[2048];
        Writer w(out, sizeof out);
        if (p.m.can_be_answered())
            CHECK(write_reply(w, p.m, {.code = 400, .reason = "Bad", .to_tag = "t"}));
    }
    Parsed p(with("To", "To: <sip:b@x"));
    CHECK(p.code() == 400);
    CHECK_FALSE(p.m.can_be_answered());
}

TEST_CASE("CVE-2023-27598: a Via that lacks parts is no Via") {
    for (std::string_view line : {"Via: SIP/2.0/UDP", "Via: SIP/2.0/UDP ;branch=z9hG4bK", "Via:"}) {
        Parsed p(with("Via", line));
        CHECK(p.code() == 400);
        CHECK(p.m.via() == nullptr);
    }
}

TEST_CASE("CVE-2023-27597: odd Request-URIs have no parts to be rewritten") {
    for (std::string_view uri :
         {"sip:", "sip:@", "sip::", "sips:a@", "sip:a@:", "sip:?", "sip:;"}) {
        Parsed p(with_start("OPTIONS " + std::string(uri) + " SIP/2.0"));
        REQUIRE_FALSE(p.error);
        CHECK(p.m.parsed_request_uri() == nullptr);
    }
}

TEST_CASE("CVE-2026-45538: a header name of more than 255 bytes") {
    CHECK(Parsed(request(std::string(128, 'x') + ": 1\r\n")).code() == 200);
    Parsed p(request(std::string(300, 'x') + ": 1\r\n"));
    CHECK(p.code() == 400);
    CHECK(p.reason() == "Header name too long");
}

TEST_CASE("CVE-2026-45103, CVE-2026-39863, CVE-2026-23457: Content-Length that wraps around") {
    for (std::string_view value : {"4294967296", "4294967328", "2147483648", "42949672965"}) {
        Parsed p(request("Content-Length: " + std::string(value) + "\r\n") +
                 "INVITE sip:evil SIP/2.0\r\n");
        CHECK(p.code() == 400);
        CHECK(p.reason() == "Bad Content-Length header");
    }
}

TEST_CASE("CVE-2023-28097: a huge Content-Length with a crafted Request-URI") {
    Parsed p("OPTIONS sip:" + std::string(4000, 'a') + " SIP/2.0\r\n" +
             request("Content-Length: 2147483000\r\n").substr(37));
    CHECK(p.code() == 400);
}

TEST_CASE("CVE-2023-28098: a parameter name at the very end of the buffer") {
    const std::string text = "Digest username=\"a\", realm";
    std::string_view rest = std::string_view(text).substr(7);
    CHECK(next_param(rest, ',')->value == "\"a\"");
    const auto last = next_param(rest, ',');
    REQUIRE(last);
    CHECK(last->name == "realm");
    CHECK_FALSE(last->has_value);
    CHECK_FALSE(next_param(rest, ','));
}

TEST_CASE("CVE-2022-31002: a URI that ends in '%'") {
    CHECK_FALSE(parse_uri("sip:a%"));
    CHECK_FALSE(parse_uri("sip:a%4"));
    CHECK_FALSE(parse_uri("sip:a@b;x=%"));
}

TEST_CASE("belle-sip 24: a quoted parameter of one character") {
    Parsed p(with("From", "From: <sip:a@x>;x=\";tag=1"));
    CHECK(p.code() == 400);
    CHECK_FALSE(find_param("x=\"", "x"));
    CHECK(find_param("x=\"\"", "x")->value == "\"\"");
}

TEST_CASE("CVE-2016-2385: a message of the largest size") {
    std::string text = request("Content-Length: 65500\r\n");
    text.resize(kMaxMessage, 'x');
    Parsed p(text);
    CHECK(p.code() == 400);
    std::string good = request("Content-Length: 65200\r\n");
    good.resize(good.size() + 65200, 'x');
    REQUIRE(good.size() <= kMaxMessage);
    CHECK(Parsed(good).code() == 200);
}

TEST_CASE("kamailio 4920: a Call-ID of 256 bytes and more") {
    for (std::size_t size : {256u, 4000u}) {
        Parsed p(with("Call-ID", "Call-ID: " + std::string(size, 'c')));
        REQUIRE_FALSE(p.error);
        CHECK(p.m.call_id().size() == size);
    }
}

TEST_CASE("kamailio 4886: a Request-URI with a host but no user") {
    Parsed p(with_start("OPTIONS sip:abcdefghijkl SIP/2.0"));
    REQUIRE(p.m.parsed_request_uri() != nullptr);
    CHECK_FALSE(p.m.parsed_request_uri()->has_user);
    CHECK(p.m.parsed_request_uri()->user.empty());
    CHECK(p.m.parsed_request_uri()->host == "abcdefghijkl");
}

TEST_CASE("an HTTP request on a SIP port is refused") {
    Parsed p("POST /rpc HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n");
    CHECK(p.code() == 400);
    CHECK_FALSE(p.m.can_be_answered());
}
