// Writing requests with edits, relayed replies, replies made here, CANCEL and ACK.
// SPDX-License-Identifier: Apache-2.0
#include "core/sip/build.h"

#include <catch2/catch.hpp>

#include "test/core/sip/messages.h"

using namespace fairlead;
using namespace fairlead::sip;
using namespace fairlead::test;

namespace {

struct Fixture {
    explicit Fixture(std::string text) : bytes(std::move(text)) { REQUIRE_FALSE(m.parse(bytes)); }
    std::string request(const RequestPlan& plan = {}) {
        Writer out(buffer, sizeof buffer);
        REQUIRE(write_request(out, m, edits.list(), plan));
        return std::string(out.text());
    }
    std::string relayed(int code = 0, std::string_view reason = {}) {
        Writer out(buffer, sizeof buffer);
        REQUIRE(write_relayed_reply(out, m, edits.list(), code, reason));
        return std::string(out.text());
    }
    std::string answer(const ReplyPlan& plan) {
        Writer out(buffer, sizeof buffer);
        REQUIRE(write_reply(out, m, plan));
        return std::string(out.text());
    }
    std::string mark(std::string_view source, bool force = false) {
        Writer out(buffer, sizeof buffer);
        return std::string(mark_via(out, m, *Address::parse(source, 16999), force));
    }
    std::string bytes;
    Message m;
    Edits edits;
    char buffer[8192];
};

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

std::string with_via(std::string_view value) {
    return request({}, "Via: " + std::string(value) + "\r\n");
}

}  // namespace

TEST_CASE("Writer never writes beyond its end and says so") {
    char out[8];
    Writer w(out, 4);
    w.put("abc").put_uint(12);
    CHECK_FALSE(w.ok());
    CHECK(w.text() == "abc");
    Writer hex(out, sizeof out);
    hex.put_hex(0xab, 4).put('-').put_hex(0);
    CHECK(hex.text() == "00ab-0");
}

TEST_CASE("a forwarded request: new Via, new Request-URI, Route, mark on the old Via") {
    Fixture f(request("Max-Forwards: 5\r\n"));
    const auto text = f.request({.request_uri = "sip:c@10.1.1.1",
                                 .via = "Via: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKx\r\n",
                                 .top_via_mark = ";received=10.3.3.3;rport=7",
                                 .route = "Route: <sip:10.4.4.4;lr>\r\n"});
    CHECK(text ==
          "OPTIONS sip:c@10.1.1.1 SIP/2.0\r\n"
          "Via: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKx\r\n"
          "Via: SIP/2.0/UDP 10.0.0.1:5062;received=10.3.3.3;rport=7;branch=z9hG4bK1\r\n"
          "Route: <sip:10.4.4.4;lr>\r\n"
          "From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\n"
          "Call-ID: c1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 5\r\n\r\n");
}

TEST_CASE("the mark takes the place of what the sender wrote about itself") {
    const auto [in, out] = GENERATE(table<std::string, std::string>({
        {"10.0.0.1:5062;branch=z9hG4bK1;rport;x=y",
         "10.0.0.1:5062;received=1.2.3.4;branch=z9hG4bK1;rport=9;x=y"},
        {"10.0.0.1;rport=5;received=6.6.6.6;branch=b",
         "10.0.0.1;rport=9;received=1.2.3.4;branch=b"},
        {"10.0.0.1 ; rport ; branch=b", "10.0.0.1;received=1.2.3.4;rport=9; branch=b"},
        {"[2001:db8::1]", "[2001:db8::1];received=1.2.3.4;rport=9"},
        {"h.example.com : 5062;branch=b, SIP/2.0/UDP 10.5.5.5;rport",
         "h.example.com : 5062;received=1.2.3.4;rport=9;branch=b, SIP/2.0/UDP 10.5.5.5;rport"},
    }));
    Fixture f(with_via("SIP/2.0/UDP " + in));
    CHECK(has(f.request({.top_via_mark = ";received=1.2.3.4;rport=9"}), "UDP " + out + "\r\n"));
}

TEST_CASE("a new Route stands before the first Route") {
    Fixture f(request("Route: <sip:1.1.1.1;lr>\r\nRoute: <sip:2.2.2.2;lr>\r\n"));
    CHECK(has(f.request({.route = "Route: <sip:0.0.0.1;lr>\r\n"}),
              "CSeq: 1 OPTIONS\r\nRoute: <sip:0.0.0.1;lr>\r\nRoute: <sip:1.1.1.1;lr>\r\nRoute: "));
}

TEST_CASE("a Request-URI with a line break or space is never written") {
    Fixture f(request());
    for (std::string_view uri : {"sip:a\r\nX: y", "sip:a b", "sip:<a>", "sip:a\x01"}) {
        Writer out(f.buffer, sizeof f.buffer);
        CHECK_FALSE(write_request(out, f.m, {}, {.request_uri = uri}));
    }
}

TEST_CASE("what does not fit is reported") {
    Fixture f(invite());
    for (std::size_t size = 0; size < f.bytes.size(); size += 7) {
        Writer out(f.buffer, size);
        CHECK_FALSE(write_request(out, f.m, {}, {}));
    }
}

TEST_CASE("edits compose") {
    Fixture f(request("X-A: 1\r\nX-B: 2\r\n"));
    const Header& a = *f.m.header("X-A");
    const Header& b = *f.m.header("X-B");
    SECTION("in the order of places, then of calls") {
        f.edits.append_header(f.m, "X-1: 1\r\n");
        f.edits.prepend_header(f.m, "X-0: 0\r\n");
        f.edits.append_header(f.m, "X-2: 2\r\n");
        f.edits.insert_after(a, "X-C: 3\r\n");
        const auto text = f.request();
        CHECK(has(text, "SIP/2.0\r\nX-0: 0\r\nVia"));
        CHECK(has(text, "X-A: 1\r\nX-C: 3\r\nX-B: 2\r\nX-1: 1\r\nX-2: 2\r\n\r\n"));
    }
    SECTION("a removed header keeps what stands before and behind it") {
        f.edits.insert_before(a, "X-0: 0\r\n");
        CHECK(f.edits.remove(a));
        f.edits.insert_before(a, "X-1: 1\r\n");
        f.edits.insert_after(a, "X-2: 2\r\n");
        CHECK(f.edits.is_removed(a));
        CHECK_FALSE(f.edits.is_removed(b));
        const auto text = f.request();
        CHECK(has(text, "OPTIONS\r\nX-0: 0\r\nX-1: 1\r\nX-2: 2\r\nX-B: 2\r\n\r\n"));
    }
    SECTION("the first removal of overlapping ones stands") {
        CHECK(f.edits.remove(a));
        CHECK_FALSE(f.edits.remove(a));
        CHECK_FALSE(f.edits.replace(a.value_offset, 1, "9"));
        CHECK(f.edits.remove(b));
        CHECK(has(f.request(), "CSeq: 1 OPTIONS\r\n\r\n"));
    }
    SECTION("what was inserted into a removed header goes with it, before or afterwards") {
        f.edits.insert(a.value_offset, "before-");
        CHECK(f.edits.remove(a));
        f.edits.insert(a.value_offset, "after-");
        CHECK(has(f.request(), "CSeq: 1 OPTIONS\r\nX-B: 2\r\n\r\n"));
    }
    SECTION("a value can be replaced") {
        CHECK(f.edits.replace(a.value_offset, a.value_length, "new"));
        CHECK_FALSE(f.edits.is_removed(a));
        CHECK(has(f.request(), "X-A: new\r\n"));
    }
}

TEST_CASE("an edit removed the top Via while the plan marks it") {
    Fixture f(request());
    CHECK(f.edits.remove(*f.m.header(HeaderType::via)));
    const auto text = f.request({.via = "Via: SIP/2.0/UDP 9.9.9.9;branch=z9hG4bKn\r\n",
                                 .top_via_mark = ";received=1.2.3.4;rport=7"});
    CHECK(has(text, "SIP/2.0\r\nVia: SIP/2.0/UDP 9.9.9.9;branch=z9hG4bKn\r\nFrom:"));
    CHECK_FALSE(has(text, "received"));
}

TEST_CASE("an edit of the Request-URI gives way to the plan's Request-URI") {
    Fixture f(request());
    f.edits.insert(f.m.frame().second_offset + 4, "zzz");
    CHECK(has(f.request({.request_uri = "sip:new"}), "OPTIONS sip:new SIP/2.0\r\n"));
}

TEST_CASE("a removed first Route still marks the place of the new one") {
    Fixture f(request("Route: <sip:1.1.1.1;lr>\r\n"));
    CHECK(f.edits.remove(*f.m.header(HeaderType::route)));
    CHECK(has(f.request({.route = "Route: <sip:3.3.3.3;lr>\r\n"}),
              "OPTIONS\r\nRoute: <sip:3.3.3.3;lr>\r\n\r\n"));
}

TEST_CASE("Content-Length follows the body") {
    Fixture f(request("Content-Length: 3\r\n") + "abc");
    SECTION("corrected when edits changed it") {
        CHECK(f.edits.replace(f.m.frame().body_offset, 3, "hello world"));
        CHECK(has(f.request(), "Content-Length: 11\r\n\r\nhello world"));
    }
    SECTION("untouched when it did not change") {
        CHECK(f.edits.remove(*f.m.header("Call-ID")));
        CHECK(has(f.request(), "Content-Length: 3\r\n\r\nabc"));
    }
    SECTION("added when an edit took it away and the body changed") {
        CHECK(f.edits.remove(*f.m.header(HeaderType::content_length)));
        CHECK(f.edits.replace(f.m.frame().body_offset, 3, ""));
        CHECK(has(f.request(), "Content-Length: 0\r\n\r\n"));
    }
    Fixture none(request() + "abc");
    SECTION("added for streams when there was none") {
        CHECK_FALSE(has(none.request(), "Content-Length"));
        CHECK(has(none.request({.add_content_length = true}), "Content-Length: 3\r\n\r\nabc"));
    }
}

TEST_CASE("a relayed reply loses its topmost Via value only") {
    SECTION("in a header field of its own") {
        Fixture f(reply());
        CHECK(f.relayed() ==
              replaced(reply(), "Via: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKown\r\n", ""));
    }
    SECTION("that shares its field with others") {
        Fixture f(replaced(reply(), "bKown\r\nVia: ", "bKown ,\r\n "));
        REQUIRE(f.m.count(HeaderType::via) == 1);
        CHECK(f.relayed() ==
              replaced(reply(), "Via: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKown\r\n", ""));
    }
    SECTION("that an edit already took") {
        Fixture f(reply());
        CHECK(f.edits.remove(*f.m.header(HeaderType::via)));
        CHECK(has(f.relayed(), "200 OK\r\nVia: SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bK1\r\n"));
    }
}

TEST_CASE("a reply that goes on over a stream says how long its body is") {
    const std::string head =
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKown\r\n"
        "Via: SIP/2.0/PROTO 10.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n"
        "To: <sip:b@x>;tag=2\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n";
    const auto with = [&](std::string_view proto, std::string_view rest) {
        Fixture f(replaced(head, "PROTO", std::string(proto)) + std::string(rest));
        return f.relayed();
    };
    CHECK(has(with("TCP", "\r\nbody"), "\r\nContent-Length: 4\r\n\r\nbody"));
    CHECK(has(with("TLS", "\r\n"), "\r\nContent-Length: 0\r\n\r\n"));
    CHECK_FALSE(has(with("UDP", "\r\nbody"), "Content-Length"));
    CHECK_FALSE(has(with("PIGEON", "\r\nbody"), "Content-Length"));
    // What stands behind the body in a datagram would be the next message of a stream.
    const std::string one = with("TCP", "Content-Length: 4\r\n\r\nbodySIP/2.0 200 OK\r\n");
    CHECK(one.ends_with("Content-Length: 4\r\n\r\nbody"));
}

TEST_CASE("a relayed reply with another status") {
    Fixture f(reply());
    CHECK(has(f.relayed(480, "Gone\r\nX: y"), "SIP/2.0 480 Gone\r\nVia: SIP/2.0/UDP 10.0.0.1"));
    Fixture bare(replaced(reply(), "200 OK", "200"));
    CHECK(has(bare.relayed(202, "Fine"), "SIP/2.0 202 Fine\r\n"));
    Fixture no_reason(replaced(reply(), "200 OK", "200 "));
    CHECK(has(no_reason.relayed(202, ""), "SIP/2.0 202 \r\n"));
}

TEST_CASE("a reply made here copies in the request's order") {
    Fixture f(
        "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKb\r\n"
        "CSeq: 1 OPTIONS\r\nt: <sip:b@x>  \r\nX-A: 1\r\nCall-ID: c1\r\nTimestamp: 7\r\n"
        "v: SIP/2.0/UDP 10.0.0.2\r\nFrom:\r\n <sip:a@x>;tag=1\r\n"
        "Record-Route: <sip:1.1.1.1;lr>\r\nContent-Length: 0\r\n\r\n");
    CHECK(f.answer({.code = 200,
                    .reason = "OK",
                    .to_tag = "T",
                    .headers = "X-R: 1\r\n",
                    .server = "Server: s\r\n",
                    .content_type = "text/plain",
                    .body = "hi"}) ==
          "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKb\r\n"
          "CSeq: 1 OPTIONS\r\nt: <sip:b@x>;tag=T  \r\nCall-ID: c1\r\n"
          "v: SIP/2.0/UDP 10.0.0.2\r\nFrom:\r\n <sip:a@x>;tag=1\r\n"
          "Record-Route: <sip:1.1.1.1;lr>\r\nX-R: 1\r\nContent-Type: text/plain\r\n"
          "Server: s\r\nContent-Length: 2\r\n\r\nhi");
}

TEST_CASE("what a reply carries depends on its code") {
    const auto [code, tag, route, timestamp] = GENERATE(table<int, bool, bool, bool>({
        {100, false, false, true},
        {101, true, false, false},
        {179, true, false, false},
        {180, true, true, false},
        {200, true, true, false},
        {299, true, true, false},
        {300, true, false, false},
        {404, true, false, false},
    }));
    Fixture f(request("Timestamp: 7\r\nRecord-Route: <sip:1.1.1.1;lr>\r\n"));
    const auto text = f.answer({.code = code, .reason = "R", .to_tag = "T"});
    CHECK(has(text, ";tag=T") == tag);
    CHECK(has(text, "Record-Route") == route);
    CHECK(has(text, "Timestamp") == timestamp);
}

TEST_CASE("a To that has a tag keeps it") {
    Fixture f(replaced(request(), "To: <sip:b@example.com>", "To: <sip:b@example.com>;tag=old"));
    const auto text = f.answer({.code = 200, .reason = "OK", .to_tag = "T"});
    CHECK(has(text, "To: <sip:b@example.com>;tag=old\r\n"));
    CHECK_FALSE(has(text, "tag=T"));
}

TEST_CASE("a reason phrase cannot end its line") {
    Fixture f(request());
    CHECK(has(f.answer({.code = 404, .reason = "No\r\nX-Evil: 1"}), "SIP/2.0 404 No\r\nVia:"));
}

TEST_CASE("a reply's top Via: received and rport (RFC 3261 18.2.1, RFC 3581 4)") {
    struct Row {
        std::string via, source, marked;
        bool force = false;
    };
    const auto row = GENERATE(values<Row>({
        {"127.0.0.1:26999;branch=b", "127.0.0.1", ""},
        {"127.0.0.1:26999;branch=b", "127.0.0.1", "127.0.0.1:26999;branch=b;rport=16999", true},
        {"127.0.0.1;rport;branch=a;x=y", "127.0.0.1",
         "127.0.0.1;rport=16999;branch=a;x=y;received=127.0.0.1"},
        {"127.0.0.1 ; rport ; branch=b", "127.0.0.1",
         "127.0.0.1;rport=16999; branch=b;received=127.0.0.1"},
        {"10.0.0.9:26999;branch=b", "127.0.0.1", "10.0.0.9:26999;branch=b;received=127.0.0.1"},
        {"host.example.com;branch=b", "127.0.0.1", "host.example.com;branch=b;received=127.0.0.1"},
        {"10.0.0.9;received=1.2.3.4;branch=b", "127.0.0.1", "10.0.0.9;branch=b;received=127.0.0.1"},
        {"127.0.0.1;rport=5;received=1.2.3.4;branch=b", "127.0.0.1",
         "127.0.0.1;rport=16999;branch=b;received=127.0.0.1"},
        {"[2001:DB8::1];branch=b", "2001:db8::1", ""},
        {"[2001:db8::2];branch=b", "2001:db8::1", "[2001:db8::2];branch=b;received=2001:db8::1"},
    }));
    Fixture f(with_via("SIP/2.0/UDP " + row.via));
    const auto marked = f.mark(row.source, row.force);
    CHECK(marked == (row.marked.empty() ? "" : "SIP/2.0/UDP " + row.marked));
}

TEST_CASE("a marked Via takes the place of the first value only") {
    Fixture f(with_via("SIP/2.0/UDP 10.0.0.1;rport , SIP/2.0/UDP 10.0.0.2"));
    CHECK(has(f.answer({.code = 200, .reason = "OK", .top_via = "SIP/2.0/UDP NEW"}),
              "Via: SIP/2.0/UDP NEW , SIP/2.0/UDP 10.0.0.2\r\n"));
}

TEST_CASE("CANCEL and negative ACK of an INVITE that was sent") {
    Fixture f(
        "INVITE sip:b@10.2.2.2 SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKour, SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\n"
        "Route: <sip:1.1.1.1;lr>\r\nCSeq: 0007 INVITE\r\nMax-Forwards: 69\r\n"
        "Via: SIP/2.0/UDP 10.0.0.3\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: c1\r\n"
        "Require: 100rel\r\nContact: <sip:a@10.0.0.1>\r\nContent-Length: 3\r\n\r\nabc");
    Writer cancel(f.buffer, sizeof f.buffer);
    REQUIRE(write_cancel(cancel, f.m, "Reason: SIP;cause=200\r\n"));
    CHECK(cancel.text() ==
          "CANCEL sip:b@10.2.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKour\r\n"
          "Route: <sip:1.1.1.1;lr>\r\nCSeq: 0007 CANCEL\r\nMax-Forwards: 69\r\n"
          "From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: c1\r\n"
          "Reason: SIP;cause=200\r\nContent-Length: 0\r\n\r\n");
    CHECK_FALSE(Message().parse(cancel.text()));
    Writer ack(f.buffer, sizeof f.buffer);
    REQUIRE(write_negative_ack(ack, f.m, "<sip:b@x>;tag=2"));
    CHECK(has(std::string(ack.text()), "CSeq: 0007 ACK\r\n"));
    CHECK(has(std::string(ack.text()), "To: <sip:b@x>;tag=2\r\n"));
    CHECK_FALSE(Message().parse(ack.text()));
}

TEST_CASE("a message stored elsewhere is written the same") {
    Fixture f(invite());
    const std::string bytes(f.m.bytes());
    const std::vector<Header> table(f.m.headers().begin(), f.m.headers().end());
    Message stored;
    stored.attach(bytes.data(), table.data(), f.m.frame());
    CHECK(stored.via()->branch == f.m.via()->branch);
    CHECK(stored.cseq()->number == 2);
    CHECK(stored.header(HeaderType::contact) == &table[6]);
    Writer out(f.buffer, sizeof f.buffer);
    REQUIRE(write_request(out, stored, {}, {}));
    CHECK(out.text() == f.bytes);
}
