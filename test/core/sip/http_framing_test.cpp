// Where HTTP requests on a stream end, and what is refused (RFC 9112). SPDX-License-Identifier:
// Apache-2.0
#include "core/sip/http_framing.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "core/sip/build.h"
#include "core/sip/message.h"

using namespace fairlead::sip;
using Start = HttpFramer::Start;
using What = HttpFramer::What;

namespace {

/// The requests of a stream that comes in pieces; the code of a refusal is the last.
std::vector<std::string> requests(const std::string& bytes, std::size_t piece) {
    std::vector<std::string> found;
    HttpFramer framer;
    std::string in;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        in += bytes.substr(at, piece);
        for (bool more = true; more && !in.empty();) {
            const auto next = framer.next(in);
            more = next.what == What::request || next.what == What::line_ends;
            if (next.what == What::refused) {
                found.push_back(std::to_string(next.code));
                return found;
            }
            if (next.what == What::request) found.push_back(in.substr(0, next.size));
            if (more) in.erase(0, next.size);
        }
    }
    return found;
}

int code_of(const std::string& lines) {
    return HttpFramer().next("GET / HTTP/1.1\r\n" + lines + "\r\n").code;
}

}  // namespace

TEST_CASE("the first line says what a stream carries") {
    CHECK(HttpFramer::begins("GET / HTTP/1.1\r\n") == Start::yes);
    CHECK(HttpFramer::begins("PRI * HTTP/2.0\r\n") == Start::yes);
    CHECK(HttpFramer::begins("GET / HTT") == Start::unknown);
    CHECK(HttpFramer::begins("OPTIONS sip:a@b SIP/2.0\r\n") == Start::no);
    CHECK(HttpFramer::begins("SIP/2.0 200 HTTP/1.1\r\n") == Start::no);
    CHECK(HttpFramer::begins("\r\n\r\n") == Start::no);
    CHECK(HttpFramer::begins("GET /" + std::string(9000, 'x')) == Start::yes);
    CHECK(HttpFramer::begins(std::string(9000, 'x')) == Start::no);
}

TEST_CASE("requests are found in pieces of any size") {
    const std::string one = "POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
    const std::string two = "GET /b HTTP/1.0\r\n\r\n";
    for (std::size_t piece = 1; piece < one.size() + two.size(); ++piece)
        CHECK(requests(one + "\r\n" + two, piece) == std::vector<std::string>{one, two});
}

TEST_CASE("what others could read otherwise is refused") {
    CHECK(code_of("Content-Length: 1\r\nContent-Length: 2\r\n") == 400);
    CHECK(code_of("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n") == 400);
    CHECK(code_of("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n") == 400);
    CHECK(code_of("Transfer-Encoding: chunked\r\n") == 411);
    CHECK(code_of("Content-Length: 0x1\r\n") == 400);
    CHECK(code_of("Content-Length: 1, 1\r\n") == 400);
    CHECK(code_of("Content-Length : 1\r\n") == 400);
    CHECK(code_of("A: b\r\n c: d\r\n") == 400);
    CHECK(code_of("A: b\nContent-Length: 1\r\n") == 400);
    CHECK(code_of("no colon\r\n") == 400);
    CHECK(code_of("Host: a\r\nHost: b\r\n") == 400);
    CHECK(code_of("Content-Length: 70000\r\n") == 413);
    CHECK(code_of("A: " + std::string(20'000, 'x') + "\r\n") == 431);
    CHECK(code_of("Expect: more\r\n") == 417);
    CHECK(HttpFramer().next("GET / HTTP/2.0\r\n\r\n").code == 505);
    CHECK(HttpFramer().next("GET  / HTTP/1.1\r\n\r\n").code == 400);
    CHECK(HttpFramer().next("GET /" + std::string(9000, 'x') + " HTTP/1.1\r\n\r\n").code == 414);
    CHECK(code_of("") == 0);
}

TEST_CASE("a head that never ends is refused at its bound") {
    for (const std::size_t piece : {1000, 16'384, 20'000}) {
        CHECK(requests("GET / HTTP/1.1\r\nA: " + std::string(30'000, 'x'), piece) ==
              std::vector<std::string>{"431"});
        CHECK(requests("GET /" + std::string(30'000, 'x'), piece) ==
              std::vector<std::string>{"414"});
    }
}

TEST_CASE("a body that is waited for is asked for once") {
    HttpFramer framer;
    std::string in = "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    CHECK(framer.next(in).wants_continue);
    in += 'a';
    CHECK_FALSE(framer.next(in).wants_continue);
    in += 'b';
    CHECK(framer.next(in).size == in.size());
}

TEST_CASE("an HTTP request has fields but nothing of SIP") {
    const std::string text =
        "GET /x HTTP/1.1\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\n"
        "To: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 GET\r\nl: 1\r\nContent-Length: 2\r\n\r\nab";
    Message m;
    REQUIRE_FALSE(m.parse_http(text));
    CHECK(m.is_http());
    CHECK(m.method_text() == "GET");
    CHECK(m.request_uri() == "/x");
    CHECK(m.body() == "ab");
    CHECK(m.http_version() == "HTTP/1.1");
    CHECK(m.value(*m.header("from")) == "<sip:a@b>;tag=1");
    CHECK(m.via() == nullptr);
    CHECK(m.from() == nullptr);
    CHECK(m.cseq() == nullptr);
    CHECK_FALSE(m.can_be_answered());
    char buffer[512];
    Writer out(buffer, sizeof buffer);
    CHECK_FALSE(write_request(out, m, {}, {}));
    Writer reply(buffer, sizeof buffer);
    REQUIRE(write_reply(reply, m, {.code = 404, .reason = "No", .body = "b"}));
    CHECK(reply.text() == "HTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nb");
}

TEST_CASE("a connection ends behind the answer when the client wants it") {
    const auto closes = [](std::string_view version, std::string_view lines) {
        const std::string text =
            "GET / " + std::string(version) + "\r\n" + std::string(lines) + "\r\n";
        Message m;
        REQUIRE_FALSE(m.parse_http(text));
        return m.http_wants_close();
    };
    CHECK_FALSE(closes("HTTP/1.1", ""));
    CHECK(closes("HTTP/1.1", "Connection: foo, Close\r\n"));
    CHECK(closes("HTTP/1.0", ""));
    CHECK_FALSE(closes("HTTP/1.0", "Connection: keep-alive\r\n"));
}
