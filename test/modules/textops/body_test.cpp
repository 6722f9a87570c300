// textops: bodies of several parts, and audio on hold.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/modules/textops/on_request.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

Request plain() {
    return Request("MESSAGE").body("red\r\ngrey", "text/plain");
}

Request parts() {
    return Request("MESSAGE").body(
        "pre\r\n--bb\r\nContent-Type: text/plain\r\nX-P: 1\r\n\r\none\r\n"
        "--bb\r\nc: application/sdp;x=1\r\n\r\nv=0\r\nm=audio 1\r\n--bb--\r\nbehind",
        "multipart/mixed;boundary=\"bb\"");
}

Request call(const std::string& lines, const std::string& type = "application/sdp") {
    return Request("INVITE").body("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n" + lines, type);
}

}  // namespace

TEST_CASE("a body becomes the only part") {
    std::string out = forwarded("set_body_multipart();", plain());
    CHECK(headers(out, "Content-Type") ==
          std::vector<std::string>{"multipart/mixed;boundary=\"unique-boundary-1\""});
    CHECK(header(out, "Mime-Version") == "1.0");
    CHECK(body(out) ==
          "--unique-boundary-1\r\nContent-Type: text/plain\r\n\r\nred\r\ngrey\r\n"
          "--unique-boundary-1--\r\n");
    CHECK(header(out, "Content-Length") == std::to_string(body(out).size()));
    out = forwarded("set_body_multipart(\"other\");", plain());
    CHECK(header(out, "Content-Type") == "multipart/mixed;boundary=\"other\"");
    out = forwarded("set_body_multipart(\"hi\", \"text/x\", \"zz\");", plain());
    CHECK(body(out) == "--zz\r\nContent-Type: text/x\r\n\r\nhi\r\n--zz--\r\n");
    CHECK(body(forwarded("set_body_multipart();", parts())) == body(parts().str()));
    CHECK_FALSE(holds("set_body_multipart()"));
    CHECK_FALSE(holds("set_body_multipart(\"hi\", \"\")", plain()));
}

TEST_CASE("parts are added and removed") {
    const std::string one = "--bb\r\nContent-Type: text/plain\r\nX-P: 1\r\n\r\none\r\n";
    const std::string two = "--bb\r\nc: application/sdp;x=1\r\n\r\nv=0\r\nm=audio 1\r\n";
    std::string out = forwarded("append_body_part(\"new\", \"text/new\");", parts());
    CHECK(body(out) == one + two + "--bb\r\nContent-Type: text/new\r\n\r\nnew\r\n--bb--\r\n");
    CHECK(header(out, "Content-Length") == std::to_string(body(out).size()));
    out = forwarded("append_body_part_hex(\"68 65 6C6c\", \"a/b\", \"signal;x=1\");", parts());
    CHECK(body(out) == one + two +
                           "--bb\r\nContent-Type: a/b\r\nContent-Disposition: signal;x=1\r\n\r\n"
                           "hell\r\n--bb--\r\n");
    CHECK(body(forwarded("remove_body_part(\"text/plain\");", parts())) == two + "--bb--\r\n");
    CHECK(body(forwarded("remove_body_part(\"application/sdp\");", parts())) == one + "--bb--\r\n");
    CHECK_FALSE(holds("remove_body_part(\"x/y\")", parts()));
    CHECK_FALSE(holds("append_body_part(\"x\", \"y/z\")", plain()));
    CHECK_FALSE(holds("remove_body_part(\"text/plain\")", plain()));
    CHECK_FALSE(holds("append_body_part_hex(\"6\", \"a/b\")", parts()));
    CHECK_FALSE(holds("append_body_part_hex(\"6g\", \"a/b\")", parts()));
}

TEST_CASE("parts are read") {
    const auto read = [](const std::string& function, const std::string& type) {
        return forwarded(
            function + "(\"" + type + "\", \"$var(p)\"); set_body(\"$var(p)\", \"x/y\");", parts());
    };
    CHECK(body(read("get_body_part", "text/plain")) == "X-P: 1\r\n\r\none\r\n");
    CHECK(body(read("get_body_part", "Application/SDP")) == "\r\nv=0\r\nm=audio 1\r\n");
    CHECK(body(read("get_body_part_raw", "text/plain")) ==
          "Content-Type: text/plain\r\nX-P: 1\r\n\r\none\r\n--bb\r\n");
    CHECK_FALSE(holds("get_body_part(\"x/y\", \"$var(p)\")", parts()));
    CHECK_FALSE(holds("get_body_part(\"text/plain\", \"$var(p)\")", plain()));
}

TEST_CASE("filter_body leaves one content") {
    const std::string out = forwarded("filter_body(\"application/sdp\");", parts());
    CHECK(body(out) == "v=0\r\nm=audio 1");
    CHECK(header(out, "Content-Length") == "14");
    CHECK(header(out, "Content-Type") == "multipart/mixed;boundary=\"bb\"");
    CHECK_FALSE(holds("filter_body(\"text/html\")", parts()));
    CHECK_FALSE(holds("filter_body(\"text/plain\")", plain()));
}

TEST_CASE("broken multipart bodies have no parts") {
    const std::string type = "multipart/mixed;boundary=bb";
    for (const std::string text :
         {"", "--bb", "--bb\r\n", "--bb--", "--bb\r\nContent-Type: text/plain\r\n\r\nx",
          "x--bb\r\nContent-Type: text/plain\r\n\r\nx\r\n--bb--", "--bbb\r\n\r\n--bbb--",
          "--bb\r\n--bb\r\n--bb--"}) {
        INFO(text);
        CHECK_FALSE(holds("filter_body(\"text/plain\")", Request("MESSAGE").body(text, type)));
    }
    CHECK_FALSE(holds("filter_body(\"text/plain\")",
                      Request("MESSAGE").body("--\r\nContent-Type: text/plain\r\n\r\n\r\n----",
                                              "multipart/mixed;boundary=\"\"")));
}

TEST_CASE("audio on hold") {
    const std::string talking = "c=IN IP4 192.0.2.1\r\nt=0 0\r\n";
    const std::string audio = "m=audio 9 RTP/AVP 0\r\n";
    const auto hold = [](const Request& request) { return code("is_audio_on_hold()", request); };
    CHECK(hold(call("c=IN IP4 0.0.0.0\r\nt=0 0\r\n" + audio)) == "1");
    CHECK(hold(call(talking + audio + "c=IN IP4 0.0.0.0\r\n")) == "1");
    CHECK(hold(call("c=IN IP4 0.0.0.0\r\n" + audio + "c=IN IP4 192.0.2.1\r\n")) == "-1");
    CHECK(hold(call(talking + audio + "a=sendonly\r\n")) == "2");
    CHECK(hold(call("c=IN IP4 0.0.0.0\r\n" + audio + "a=sendonly\r\n")) == "2");
    CHECK(hold(call(talking + "a=inactive\r\n" + audio)) == "2");
    CHECK(hold(call(talking + audio + audio + "a=sendonly\r\n")) == "2");
    CHECK(hold(call(talking + "m=video 9 RTP/AVP 0\r\na=inactive\r\n")) == "-1");
    CHECK(hold(call(talking + audio + "a=recvonly\r\n")) == "-1");
    CHECK(hold(call(talking + audio)) == "-1");
    CHECK(hold(call(talking + audio + "a=sendonly\r\n", "text/plain")) == "-1");
    CHECK(hold(Request("OPTIONS")) == "-1");
}
