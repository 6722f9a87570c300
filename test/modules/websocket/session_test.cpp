// Frames and sessions of WebSocket (RFC 6455, RFC 7118). SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "modules/websocket/handshake.h"
#include "test/modules/websocket/peer.h"

using namespace fairlead;
using namespace fairlead::websocket;
using fairlead::test::client_frame;
using Peer = fairlead::test::WebSocketPeer;

namespace {

constexpr unsigned kText = 0x81, kTextPart = 0x01, kRest = 0x80, kClose = 0x88, kPing = 0x89,
                   kPong = 0x8a;

std::string server_frame(Opcode opcode, std::string_view payload) {
    std::string out;
    write_frame(out, opcode, payload);
    return out;
}

/// The status of the Close that is all that was said.
unsigned status_of(std::string_view answers) {
    const auto head = read_head(answers);
    if (!head || head->opcode != Opcode::close || head->length < 2) return 0;
    return static_cast<unsigned>(static_cast<unsigned char>(answers[head->size])) << 8U |
           static_cast<unsigned char>(answers[head->size + 1]);
}

unsigned status_upon(const std::string& bytes) {
    Peer peer;
    peer.feed(bytes);
    return peer.closed ? status_of(peer.answers) : 0;
}

}  // namespace

TEST_CASE("lengths are written in as few bytes as they need, and read back") {
    for (const std::size_t size : {0, 1, 125, 126, 127, 65535, 65536}) {
        const std::string frame = server_frame(Opcode::binary, std::string(size, 'x'));
        const auto head = read_head(frame);
        REQUIRE(head);
        CHECK(head->length == size);
        CHECK(head->is_short);
        CHECK(head->is_final);
        CHECK_FALSE(head->is_masked);
        CHECK(head->opcode == Opcode::binary);
        CHECK(head->size + size == frame.size());
        for (std::size_t n = 0; n < head->size; ++n) CHECK_FALSE(read_head(frame.substr(0, n)));
    }
}

TEST_CASE("text is UTF-8 or it is not") {
    CHECK(is_utf8("plain"));
    CHECK(is_utf8("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
    for (const std::string_view wrong :
         {"\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80",
          "\xc3", "\x80", "\xe2\x82", "\xf0\x80\x80\x80"})
        CHECK_FALSE(is_utf8(wrong));
}

TEST_CASE("a status is one that may travel") {
    for (const unsigned good : {1000U, 1003U, 1007U, 1014U, 3000U, 4999U}) CHECK(is_status(good));
    for (const unsigned bad : {0U, 999U, 1004U, 1005U, 1006U, 1015U, 2999U, 5000U})
        CHECK_FALSE(is_status(bad));
}

TEST_CASE("messages come whole, in frames and pieces of any size") {
    const std::string long_one(40'000, 'y');
    const std::string bytes = client_frame(kText, "first") + client_frame(kTextPart, "sec") +
                              client_frame(kPing, "p") + client_frame(0, "on") +
                              client_frame(kRest, "d") + client_frame(0x82, long_one);
    for (const std::size_t piece : {1, 2, 3, 7, 100'000}) {
        Peer peer;
        peer.feed(bytes, piece);
        CHECK(peer.messages == std::vector<std::string>{"first", "second", long_one});
        CHECK(peer.answers == server_frame(Opcode::pong, "p"));
        CHECK_FALSE(peer.session->holds_part());
    }
}

TEST_CASE("wrong frames close with the status that fits") {
    std::string not_masked = server_frame(Opcode::text, "x");
    std::string long_length = client_frame(kText, std::string(126, 'x'));
    long_length[3] = 1;  // 126 bytes become 1, written in two bytes
    const std::string big(60'000, 'x');
    CHECK(status_upon(not_masked) == 1002);
    CHECK(status_upon(long_length) == 1002);
    CHECK(status_upon(client_frame(0xc1, "x")) == 1002);
    CHECK(status_upon(client_frame(0x83, "x")) == 1002);
    CHECK(status_upon(client_frame(0x8b, "x")) == 1002);
    CHECK(status_upon(client_frame(kRest, "x")) == 1002);
    CHECK(status_upon(client_frame(0x09, "x")) == 1002);
    CHECK(status_upon(client_frame(kPing, std::string(126, 'x'))) == 1002);
    CHECK(status_upon(client_frame(kTextPart, "x") + client_frame(kText, "y")) == 1002);
    CHECK(status_upon(client_frame(kText, "\xff")) == 1007);
    CHECK(status_upon(client_frame(kTextPart, "\xc3") + client_frame(kRest, "x")) == 1007);
    CHECK(status_upon(client_frame(kText, std::string(65'536, 'x'))) == 1009);
    CHECK(status_upon(client_frame(kTextPart, big) + client_frame(kRest, big)) == 1009);
    CHECK(status_upon(client_frame(kClose, "\x03")) == 1002);
    CHECK(status_upon(client_frame(kClose, "\x03\xed")) == 1002);
    CHECK(status_upon(client_frame(kClose, "\x03\xe8\xff")) == 1007);
    CHECK(status_upon(client_frame(kTextPart, "\xc3") + client_frame(kRest, "\xa9")) == 0);
}

TEST_CASE("a Close is answered, and nothing else is said behind it") {
    Peer peer;
    peer.feed(client_frame(kClose,
                           "\x03\xe8"
                           "bye") +
              client_frame(kText, "late"));
    CHECK(peer.closed);
    CHECK(peer.messages.empty());
    CHECK(peer.answers == server_frame(Opcode::close, "\x03\xe8"));
    std::string out;
    CHECK_FALSE(peer.session->wrap("x", out));
}

TEST_CASE("our own Close waits for the peer's") {
    Peer peer;
    peer.tell(Session::close_words(4000, "enough"));
    CHECK(status_of(peer.answers) == 4000);
    peer.tell(Session::close_words(4001, "again"));
    peer.tell(Session::kPing);
    peer.feed(client_frame(kText, "ignored") + client_frame(kPing, "too"));
    CHECK(peer.answers == server_frame(Opcode::close,
                                       "\x0f\xa0"
                                       "enough"));
    CHECK(peer.messages.empty());
    CHECK_FALSE(peer.closed);
    CHECK(peer.session->due(peer.clock.now()).empty());
    SECTION("it comes") {
        peer.feed(client_frame(kClose, "\x0f\xa0"));
        CHECK(peer.closed);
    }
    SECTION("it does not") {
        peer.clock.advance(peer.options.close_wait);
        CHECK(peer.session->due(peer.clock.now()) == Session::kDrop);
        peer.tell(Session::kDrop);
        CHECK(peer.closed);
    }
}

TEST_CASE("silence is answered by a Ping, and its silence by the end") {
    Peer peer;
    CHECK(peer.session->lifetime(Ms(1000)) > 2 * peer.options.keepalive);
    peer.clock.advance(peer.options.keepalive);
    REQUIRE(peer.session->due(peer.clock.now()) == Session::kPing);
    peer.tell(Session::kPing);
    CHECK(peer.answers == server_frame(Opcode::ping, "data"));
    CHECK(peer.session->due(peer.clock.now()).empty());
    SECTION("no Pong") {
        peer.clock.advance(peer.options.keepalive);
        CHECK(peer.session->due(peer.clock.now()) == Session::kDrop);
    }
    SECTION("a Pong") {
        peer.feed(client_frame(kPong, "data"));
        peer.clock.advance(peer.options.keepalive);
        CHECK(peer.session->due(peer.clock.now()) == Session::kPing);
    }
}

TEST_CASE("what is not UTF-8 leaves as binary, keep-alives of SIP are answered") {
    Peer peer;
    std::string out;
    REQUIRE(peer.session->wrap("text", out));
    REQUIRE(peer.session->wrap("\xff", out));
    CHECK(out == server_frame(Opcode::text, "text") + server_frame(Opcode::binary, "\xff"));
    peer.feed(client_frame(kText, "\r\n\r\n") + client_frame(kText, "\r\n"));
    CHECK(peer.answers == server_frame(Opcode::text, "\r\n"));
    CHECK(peer.messages.empty());
}

TEST_CASE("notes tell what there is") {
    Peer peer;
    CHECK(peer.notes.has(1));
    CHECK_FALSE(peer.notes.has(2));
    CHECK_FALSE(peer.notes.has(5));  // the same place
    CHECK(peer.notes.current() == 1);
    CHECK(peer.notes.rows().size() == 1);
    peer.notes.clear_all(2);
    CHECK(peer.notes.has(1));
    peer.notes.clear_all(1);
    CHECK_FALSE(peer.notes.has(1));
    CHECK(peer.notes.current() == 0);
    CHECK(peer.notes.most() == 1);
}

// ---- The handshake ------------------------------------------------------------------------------

namespace {

std::string handshake(std::string_view without = {}, std::string_view more = {},
                      std::string_view line = "GET / HTTP/1.1") {
    std::string text(line);
    for (const std::string_view field :
         {"Host: a", "Upgrade: WebSocket", "Connection: keep-alive, Upgrade",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
          "Sec-WebSocket-Protocol: msrp, sip", "Origin: https://a.example"})
        if (without.empty() || !field.starts_with(without)) text += "\r\n" + std::string(field);
    return text + "\r\n" + std::string(more) + "\r\n";
}

websocket::Answer answer_to(const std::string& text, Cors cors = Cors::none) {
    sip::Message m;
    REQUIRE_FALSE(m.parse_http(text));
    return answer_handshake(m, cors);
}

}  // namespace

TEST_CASE("a handshake is answered as RFC 6455 1.3 has it") {
    CHECK(accept_of("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    const auto answer = answer_to(handshake());
    CHECK(answer.code == 101);
    CHECK(answer.headers.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") !=
          std::string::npos);
    CHECK(answer.headers.find("Sec-WebSocket-Protocol: sip\r\n") != std::string::npos);
    CHECK(answer.headers.find("Access-Control") == std::string::npos);
    CHECK(answer_to(handshake(), Cors::any).headers.ends_with("Origin: *\r\n"));
    CHECK(answer_to(handshake(), Cors::origin).headers.ends_with("Origin: https://a.example\r\n"));
    CHECK(answer_to(handshake("Origin"), Cors::origin).headers.find("Access-Control") ==
          std::string::npos);
}

TEST_CASE("a handshake with something missing or wrong is refused") {
    for (const std::string_view name : {"Host", "Upgrade", "Connection", "Sec-WebSocket-Key",
                                        "Sec-WebSocket-Version", "Sec-WebSocket-Protocol"})
        CHECK(answer_to(handshake(name)).code == 400);
    CHECK(answer_to(handshake({}, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")).code == 400);
    CHECK(answer_to(handshake("Sec-WebSocket-Key", "Sec-WebSocket-Key: YWJj\r\n")).code == 400);
    CHECK(answer_to(handshake("Sec-WebSocket-Prot", "Sec-WebSocket-Protocol: sips\r\n")).code ==
          400);
    CHECK(answer_to(handshake({}, {}, "POST / HTTP/1.1")).code == 405);
    CHECK(answer_to(handshake({}, {}, "GET / HTTP/1.0")).code == 400);
    const auto other = answer_to(handshake("Sec-WebSocket-V", "Sec-WebSocket-Version: 8\r\n"));
    CHECK(other.code == 426);
    CHECK(other.headers == "Sec-WebSocket-Version: 13\r\n");
}
