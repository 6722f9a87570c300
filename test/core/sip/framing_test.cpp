// Where messages on a stream end, whatever pieces their bytes come in. SPDX-License-Identifier:
// Apache-2.0
#include "core/sip/framing.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "core/sip/message.h"

using namespace fairlead::sip;
using What = StreamFramer::What;

namespace {

std::string request(const std::string& length_lines, const std::string& body = {}) {
    return "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1"
           "\r\nTo: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n" +
           length_lines + "\r\n" + body;
}

/// What one look at all bytes finds.
What look(const std::string& bytes) {
    return StreamFramer().next(bytes).what;
}

/// The messages of a stream that comes in pieces of `piece` bytes; "!" at the end when it broke.
std::vector<std::string> messages(const std::string& bytes, std::size_t piece) {
    std::vector<std::string> found;
    StreamFramer framer;
    std::string in;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        in += bytes.substr(at, piece);
        for (bool more = true; more && !in.empty();) {
            const auto next = framer.next(in);
            more = next.what != What::incomplete;
            if (next.what == What::broken) {
                found.emplace_back("!");
                return found;
            }
            if (next.what == What::message) found.push_back(in.substr(0, next.size));
            if (next.what == What::ping) found.emplace_back("ping");
            in.erase(0, next.size);
        }
    }
    return found;
}

}  // namespace

TEST_CASE("a message ends behind its Content-Length (RFC 3261 18.3)") {
    const auto whole = request("Content-Length: 5\r\n", "hello");
    const auto found = StreamFramer().next(whole + "OPTIONS");
    CHECK(found.what == What::message);
    CHECK(found.size == whole.size());
    CHECK(look(request("l:5\r\n", "hello")) == What::message);
    CHECK(look(request("CONTENT-length:\t 005 \r\n", "hello")) == What::message);
    CHECK(look(request("Content-Length:\r\n 5\r\n", "hello")) == What::message);
    CHECK(look(request("Content-Length: 6\r\n", "hello")) == What::incomplete);
}

TEST_CASE("a Content-Length that others could read otherwise breaks the stream") {
    const std::string wrong[] = {
        "",
        "Content-Length:\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length: 5,5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5;x\r\n",
        "Content-Length: five\r\n",
        "Content-Length: 99999\r\n",
        "Content-Length: 65535\r\n",
        "Content-Length: 18446744073709551621\r\n",
        "Content-Length: 4294967301\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nl: 0\r\n",
        "Content-Length : 5\r\n",
        "Content-Length\t: 5\r\n",
        " Content-Length: 5\r\nContent-Length : 0\r\n",
        "Content-Length: 5\r\nContent-Length : 0\r\n",
        "Content-Length: 5\nContent-Length: 0\r\n",
        "X: a\nContent-Length: 5\r\nContent-Length: 0\r\n",
        "X: a\rContent-Length: 5\r\nContent-Length: 0\r\n",
        std::string("X: a\0b\r\nContent-Length: 5\r\n", 27),
        "Content-Length: 5\v\r\n",
    };
    for (const auto& lines : wrong) {
        INFO(lines);
        CHECK(look(request(lines, "hello")) == What::broken);
    }
    CHECK(look("OPTIONS sip:a@b SIP/2.0\r\n Content-Length: 5\r\nContent-Length: 0\r\n\r\n") ==
          What::broken);
    // A name that only contains it is another header.
    CHECK(look(request("X-Content-Length: 9\r\nContent-Length: 5\r\n", "hello")) == What::message);
    CHECK(look(request("X: a\r\n Content-Length: 9\r\nContent-Length: 5\r\n", "hello")) ==
          What::message);
}

TEST_CASE("without Content-Length there is no body, where that is accepted") {
    StreamFramer framer(kMaxMessage, true);
    const auto bytes = request("");
    const auto found = framer.next(bytes + "rest");
    CHECK(found.what == What::message);
    CHECK(found.size == bytes.size());
}

TEST_CASE("keep-alives are between messages only (RFC 5626 4.4.1)") {
    const auto m = request("l: 4\r\n", "\r\n\r\n");
    CHECK(messages("\r\n\r\n" + m + "\r\n\r\n" + m + "\r\n" + m, 1000) ==
          std::vector<std::string>{"ping", m, "ping", m, m});
    CHECK(look("\r\n") == What::incomplete);
    CHECK(StreamFramer().next("\r\nOPTIONS").size == 2);
    CHECK(look("\n\n") == What::broken);
    CHECK(look("\rX") == What::broken);
    CHECK(look("\r\n\rX") == What::line_ends);
}

TEST_CASE("pieces of any size give the same messages") {
    std::string all;
    std::vector<std::string> sent;
    for (int i = 0; i < 20; ++i) {
        const std::string body(static_cast<std::size_t>(i) * 7, "\r\nSIP/2.0 "[i % 10]);
        sent.push_back(request("Content-Length: " + std::to_string(body.size()) + "\r\n", body));
        all += sent.back();
    }
    for (std::size_t piece : {1, 2, 3, 4, 5, 7, 100, 333, 100000}) {
        INFO(piece);
        CHECK(messages(all, piece) == sent);
    }
}

TEST_CASE("10,000 messages in one piece") {
    const auto one = request("l: 3\r\n", "abc");
    std::string all;
    for (int i = 0; i < 10'000; ++i) all += one;
    const auto found = messages(all, all.size());
    CHECK(found.size() == 10'000);
    CHECK(std::all_of(found.begin(), found.end(), [&](const auto& m) { return m == one; }));
}

TEST_CASE("what is no SIP is noticed at its first line, and nothing grows without end") {
    CHECK(look("GET / HTTP/1.1\r\n") == What::broken);
    CHECK(look("\x16\x03\x01\x02\r\n") == What::broken);
    CHECK(look("SIP/2.0 200 OK\r\n") == What::incomplete);
    CHECK(look("INVITE sip:a@b SIP/3.0\r\n") == What::incomplete);  // the parser says 505
    CHECK(look(std::string(4000, 'x')) == What::incomplete);
    CHECK(look(std::string(5000, 'x')) == What::broken);
    CHECK(look("OPTIONS sip:a@b SIP/2.0\r\nX: " + std::string(kMaxMessage, 'x')) == What::broken);
    CHECK(messages("OPTIONS sip:a@b SIP/2.0\r\nX: " + std::string(kMaxMessage, 'x'), 997) ==
          std::vector<std::string>{"!"});
}

TEST_CASE("framing and parser agree where the body begins") {
    const auto bytes = request("X: 1\r\n folded\r\nContent-Length: 4\r\n", "\r\n\r\n");
    REQUIRE(StreamFramer().next(bytes).size == bytes.size());
    Message m;
    REQUIRE_FALSE(m.parse(bytes));
    CHECK(m.body() == "\r\n\r\n");
}
