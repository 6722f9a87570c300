// The PROXY protocol's two versions, whole, in pieces and wrong. SPDX-License-Identifier:
// Apache-2.0
#include <catch2/catch.hpp>

#include <string>

#include "core/net/proxy_header.h"

using namespace fairlead;
using namespace fairlead::net;
using What = ProxyHeader::What;

namespace {

std::string binary(int command, int family, const std::string& rest) {
    std::string bytes("\r\n\r\n\0\r\nQUIT\n", 12);
    bytes += static_cast<char>(command);
    bytes += static_cast<char>(family);
    bytes += static_cast<char>(rest.size() >> 8U);
    bytes += static_cast<char>(rest.size() & 0xffU);
    return bytes + rest;
}

const std::string kFour("\xc0\x00\x02\x01\xc0\x00\x02\x09\x9c\x40\x13\xc4", 12);

/// All but the last byte are incomplete, however many there are.
void check_pieces(const std::string& whole) {
    for (std::size_t size = 0; size < whole.size(); ++size)
        CHECK(read_proxy_header(std::string_view(whole).substr(0, size)).what == What::incomplete);
    CHECK(read_proxy_header(whole + "OPTIONS").size == whole.size());
}

}  // namespace

TEST_CASE("a PROXY line gives the source") {
    const std::string line = "PROXY TCP4 192.0.2.1 192.0.2.9 40000 5060\r\n";
    const auto header = read_proxy_header(line + "OPTIONS");
    REQUIRE(header.what == What::whole);
    CHECK(header.size == line.size());
    CHECK(header.source.text() == "192.0.2.1:40000");
    check_pieces(line);
    CHECK(read_proxy_header("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n").source.text() ==
          "[2001:db8::1]:1");
}

TEST_CASE("a PROXY line without addresses leaves that of the connection") {
    for (const std::string line : {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff:f a b c d e\r\n"}) {
        const auto header = read_proxy_header(line);
        CHECK(header.what == What::whole);
        CHECK(header.size == line.size());
        CHECK_FALSE(header.source.is_set());
    }
}

TEST_CASE("a wrong PROXY line is refused") {
    for (const std::string line :
         {"OPTIONS sip:a@b SIP/2.0\r\n", "P\r\n", "PROXY \r\n", "PROXY TCP4\r\n",
          "PROXY TCP4 UNKNOWN\r\n", "PROXY TCP5 192.0.2.1 192.0.2.9 40000 5060\r\n",
          "PROXY TCP6 192.0.2.1 192.0.2.9 40000 5060\r\n", "PROXY TCP4 ::1 ::1 40000 5060\r\n",
          "PROXY TCP6 [::1] ::1 40000 5060\r\n", "PROXY TCP4 192.0.2.1 192.0.2.9 40000 65536\r\n",
          "PROXY TCP4 192.0.2.1 192.0.2.9 -1 5060\r\n", "PROXY TCP4 192.0.2.1 192.0.2.9 1\r\n",
          "PROXY TCP4 192.0.2.1 192.0.2.9 1 2 3\r\n", "PROXY TCP4 192.0.2.1 192.0.2.9 1 2 \r\n",
          "PROXY TCP4  192.0.2.1 192.0.2.9 1 2\r\n", "PROXY TCP4 a b 1 2\r\n",
          "proxy TCP4 192.0.2.1 192.0.2.9 1 2\r\n"}) {
        INFO(line);
        CHECK(read_proxy_header(line).what == What::broken);
    }
    CHECK(read_proxy_header("PROXY UNKNOWN " + std::string(92, 'x')).what == What::incomplete);
    CHECK(read_proxy_header("PROXY UNKNOWN " + std::string(93, 'x')).what == What::broken);
}

TEST_CASE("a binary PROXY header gives the source") {
    const auto four = binary(0x21, 0x11, kFour);
    const auto header = read_proxy_header(four + "OPTIONS");
    REQUIRE(header.what == What::whole);
    CHECK(header.size == four.size());
    CHECK(header.source.text() == "192.0.2.1:40000");
    check_pieces(four);
    check_pieces(binary(0x21, 0x11, kFour + "more"));
    std::string six(36, '\0');
    six[15] = six[31] = 1;
    six[33] = six[35] = 7;
    CHECK(read_proxy_header(binary(0x21, 0x21, six)).source.text() == "[::1]:7");
}

TEST_CASE("a binary PROXY header without addresses of streams leaves that of the connection") {
    for (const int family : {0x00, 0x12, 0x22, 0x31, 0x32}) {
        const auto header = read_proxy_header(binary(0x21, family, kFour));
        CHECK(header.what == What::whole);
        CHECK_FALSE(header.source.is_set());
    }
    const auto local = read_proxy_header(binary(0x20, 0x11, kFour));
    CHECK(local.what == What::whole);
    CHECK_FALSE(local.source.is_set());
}

TEST_CASE("a wrong binary PROXY header is refused") {
    CHECK(read_proxy_header(binary(0x22, 0x11, kFour)).what == What::broken);
    CHECK(read_proxy_header(binary(0x11, 0x11, kFour)).what == What::broken);
    CHECK(read_proxy_header(binary(0x21, 0x13, kFour)).what == What::broken);
    CHECK(read_proxy_header(binary(0x21, 0x11, kFour.substr(1))).what == What::broken);
    CHECK(read_proxy_header(binary(0x21, 0x21, kFour)).what == What::broken);
    CHECK(read_proxy_header(binary(0x21, 0x00, std::string(4081, 'x'))).what == What::broken);
    CHECK(read_proxy_header(binary(0x21, 0x00, std::string(4080, 'x'))).what == What::whole);
    CHECK(read_proxy_header(std::string("\r\n\r\nOPTIONS")).what == What::broken);
}
