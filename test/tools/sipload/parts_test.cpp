// The load tool's small parts: histogram, templates, reading of SIP, timers.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "tools/sipload/histogram.h"
#include "tools/sipload/scan.h"
#include "tools/sipload/template.h"
#include "tools/sipload/timers.h"

using namespace fairlead::sipload;
using namespace std::chrono_literals;

TEST_CASE("an empty histogram has no latency", "[sipload]") {
    CHECK(Histogram().percentile(0.5) == 0);
    CHECK(Histogram().count() == 0);
}

TEST_CASE("small values are exact, large ones within 1.6 %", "[sipload]") {
    Histogram h;
    for (std::uint64_t value = 1; value <= 100'000; ++value) h.add(value);
    CHECK(h.count() == 100'000);
    CHECK(h.max() == 100'000);
    CHECK(h.percentile(0.0005) == 50);
    CHECK(double(h.percentile(0.5)) == Approx(50'000).epsilon(0.016));
    CHECK(double(h.percentile(0.99)) == Approx(99'000).epsilon(0.016));
    CHECK(h.percentile(1) == 100'000);
}

TEST_CASE("a value beyond all buckets is kept as the maximum", "[sipload]") {
    Histogram h;
    h.add(UINT64_MAX);
    CHECK(h.max() == UINT64_MAX);
    CHECK(h.percentile(0.5) > 0);
}

TEST_CASE("a template is filled with its fields", "[sipload]") {
    const auto t = Template::cut("INVITE {uri} id={id} {id}\r\n");
    REQUIRE(t);
    char out[64];
    const std::size_t size = t->fill(out, {"7", "", "sip:a@b", "", ""});
    CHECK(std::string_view(out, size) == "INVITE sip:a@b id=7 7\r\n");
}

TEST_CASE("a template that does not fit writes nothing", "[sipload]") {
    const auto t = Template::cut("INVITE {uri}");
    REQUIRE(t);
    char out[10];
    CHECK(t->fill(out, {"", "", "sip:a@b", "", ""}) == 0);
}

TEST_CASE("a template with a wrong field is refused", "[sipload]") {
    CHECK(Template::cut("{urn}").error().text == "no such field: urn");
    CHECK_FALSE(Template::cut("{uri"));
}

namespace {
constexpr std::string_view kResponse =
    "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1;rport=5\r\nv: SIP/2.0/UDP "
    "b;branch=z9hG4bK2\r\nRecord-Route: <sip:p2;lr>, <sip:p1,x;lr>\r\nRecord-Route: <sip:p0;lr>\r\n"
    "f: <sip:a@b;tag=no>;tag=from\r\nTo: <sip:b@c>;tag=to\r\ni: 12@x\r\nCSeq: 2 INVITE\r\n"
    "m: \"B\" <sip:b@c:5070;x=y>;q=1\r\nContent-Length: 0\r\n\r\n";
}

TEST_CASE("a response is read, with compact names", "[sipload]") {
    const auto m = scan(kResponse);
    REQUIRE(m);
    CHECK(m->status == 200);
    CHECK(m->method == "INVITE");
    CHECK(m->call_id == "12@x");
    CHECK(m->branch == "z9hG4bK1");
    CHECK(tag_of(m->from) == "from");
    CHECK(tag_of(m->to) == "to");
    CHECK(uri_of(m->contact) == "sip:b@c:5070;x=y");
}

TEST_CASE("the route set is the record-routes in reverse", "[sipload]") {
    CHECK(route_set(kResponse, *scan(kResponse)) ==
          "Route: <sip:p0;lr>\r\nRoute: <sip:p1,x;lr>\r\nRoute: <sip:p2;lr>\r\n");
}

TEST_CASE("a message on a stream ends at its length", "[sipload]") {
    const std::string head = "SIP/2.0 200 OK\r\nVia: a\r\n";
    CHECK_FALSE(message_size(head));
    CHECK_FALSE(message_size(head + "\r"));
    CHECK(message_size(head + "\r\nmore") == head.size() + 2);
    CHECK_FALSE(message_size(head + "Content-Length: 5\r\n\r\nbody"));
    CHECK(message_size(head + "l: 4\r\n\r\nbodyX") == head.size() + 12);
    // A first line alone is none of its headers.
    CHECK(message_size("Content-Length: 4\r\n\r\nbody") == 21U);
}

TEST_CASE("what is not SIP is refused", "[sipload]") {
    CHECK_FALSE(scan(""));
    CHECK_FALSE(scan("SIP/2.0 2x0 OK\r\n\r\n"));
    CHECK_FALSE(scan("GET / HTTP/1.1\r\n\r\n"));
    CHECK_FALSE(scan("OPTIONS sip:a SIP/2.0\r\nVia: x\r\n\r\n"));
}

TEST_CASE("retransmissions double, up to T2 for what is not an INVITE", "[sipload]") {
    Timers timers(32s);
    timers.retransmit(0s, {1, 1, 0, 0}, true);
    timers.retransmit(0s, {2, 1, 0, 5}, true);
    timers.retransmit(0s, {3, 1, 0, 5}, false);
    CHECK_FALSE(timers.due(499ms));
    CHECK(timers.due(500ms)->slot == 1);
    CHECK_FALSE(timers.due(3999ms));
    CHECK(timers.due(4s)->slot == 2);
    CHECK_FALSE(timers.due(15999ms));
    CHECK(timers.due(16s)->slot == 3);
}
