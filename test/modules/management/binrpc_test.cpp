// The binary protocol: expected bytes as Kamailio 5.6.3 sends and takes them.
// SPDX-License-Identifier: Apache-2.0
#include "modules/ctl/binrpc.h"

#include <catch2/catch.hpp>
#include <functional>
#include <string>

using namespace fairlead;
using namespace fairlead::ctl;
using namespace std::string_literals;

namespace {

std::string written(const std::function<void(Writer&)>& f) {
    Writer writer;
    f(writer);
    return writer.take();
}

}  // namespace

TEST_CASE("numbers are as short as they can be") {
    CHECK(written([](Writer& w) { w.integer(0); }) == "\x00"s);
    CHECK(written([](Writer& w) { w.integer(5); }) == "\x10\x05");
    CHECK(written([](Writer& w) { w.integer(500); }) == "\x20\x01\xf4");
    CHECK(written([](Writer& w) { w.integer(-5); }) == "\x40\xff\xff\xff\xfb");
    CHECK(written([](Writer& w) { w.number(1); }) == "\x22\x03\xe8");
    CHECK(written([](Writer& w) { w.number(0.5); }) == "\x22\x01\xf4");
}

TEST_CASE("texts end with a NUL, and long ones have a length of their own") {
    CHECK(written([](Writer& w) { w.text(""); }) == "\x11\x00"s);
    CHECK(written([](Writer& w) { w.text("123456"); }) ==
          "\x71"
          "123456\x00"s);
    CHECK(written([](Writer& w) { w.text("1234567"); }) ==
          "\x91\x08"
          "1234567\x00"s);
    CHECK(written([](Writer& w) { w.text("a\0b"s); }) ==
          "\x41"
          "a b\x00"s);
    const std::string long_text = written([](Writer& w) { w.text(std::string(70'000, 'x')); });
    CHECK(long_text.substr(0, 4) == "\xb1\x01\x11\x71");
    CHECK(long_text.size() == 4 + 70'001);
}

TEST_CASE("structures name their values, and what is open is ended") {
    const std::string bytes = written([](Writer& w) {
        w.begin_struct();
        w.text("now", "x");
        w.begin_array("all");
        w.integer(1);
        w.end_all();
    });
    CHECK(bytes ==
          "\x03\x45now\x00\x21x\x00\x45"
          "all\x00\x03\x10\x01\x83\x83"s);
}

TEST_CASE("a head says type, length and cookie") {
    CHECK(head(PacketType::reply, 6, 0x01020304) == "\xa1\x13\x06\x01\x02\x03\x04");
    CHECK(head(PacketType::reply, 0, 0) == "\xa1\x13\x00\x00\x00\x00\x00"s);
    CHECK(head(PacketType::fault, 0x190, 1) == "\xa1\x37\x01\x90\x00\x00\x00\x01"s);
}

TEST_CASE("a request is read as soon as it is whole") {
    const std::string packet =
        "\xa1\x03\x0f\x01\x02\x03\x04\x91\x0a"
        "core.echo\x00\x10\x05"s;
    for (std::size_t size = 0; size < 7; ++size) {
        const auto part = read_header(std::string_view(packet).substr(0, size));
        REQUIRE(part);
        CHECK_FALSE(*part);
    }
    const auto header = read_header(packet);
    REQUIRE(header);
    REQUIRE(*header);
    CHECK((*header)->size == 7);
    CHECK((*header)->body == 15);
    CHECK((*header)->cookie == 0x01020304);
    const auto request = read_request(std::string_view(packet).substr(7));
    REQUIRE(request);
    CHECK(request->method == "core.echo");
    REQUIRE(request->arguments.size() == 1);
    CHECK(request->arguments[0].integer() == 5);
}

TEST_CASE("arguments are texts, signed numbers and fractions") {
    const std::string body = "\x21m\x00\x21s\x00\x40\xff\xff\xff\xfb\x22\x05\xdc"s;
    const auto request = read_request(body);
    REQUIRE(request);
    REQUIRE(request->arguments.size() == 3);
    CHECK(request->arguments[0].string() == "s");
    CHECK(request->arguments[1].integer() == -5);
    CHECK(request->arguments[2].string() == "1.5");
}

TEST_CASE("what is no request is refused") {
    CHECK_FALSE(read_header("GET / HTTP/1.1\r\n"));
    CHECK_FALSE(read_header("\xa1\x13\x00\x00\x00\x00\x00"s));              // a reply
    CHECK_FALSE(read_header("\xa1\x0f\xff\xff\xff\xff\x00\x00\x00\x00"s));  // 4 GB
    for (const std::string& body : {""s, "\x10\x05"s,
                                    "\x41"
                                    "ab\x00"s,
                                    "\x21"
                                    "a"s,
                                    "\x21"
                                    "ab"s,
                                    "\x91"s,
                                    "\x91\xff"
                                    "a"s,
                                    "\xf1\x01\x01"s, "\x81"s, "\x21m\x00\x03"s,
                                    "\x21m\x00\x45"
                                    "abc\x00"s,
                                    "\x21m\x00\x90\x09"
                                    "123456789"s,
                                    "\x41"
                                    "a\x00"
                                    "b\x00"s})
        CHECK_FALSE(read_request(body));
}
