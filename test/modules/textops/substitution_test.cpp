// textops: replacing by pattern, by text and by expression; lines, groups, flags, variables.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/modules/textops/on_request.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

Request lines() {
    return Request("MESSAGE", "sip:bob@192.0.2.2;a=1")
        .header("Subject", "one red")
        .header("X-A", "red red")
        .header("s", "two")
        .body("red\r\ngrey", "text/plain");
}

std::string refusal(const std::string& statements) {
    ModuleHost server;
    try {
        server.config("loadmodule \"textops\"\nrequest_route { " + statements + " }");
        server.start();
    } catch (const std::exception& e) {
        return e.what();
    }
    return {};
}

}  // namespace

TEST_CASE("patterns know lines: ^, $, . and [^x] do not cross their ends") {
    CHECK(holds("search(\"^X-A: red\")", lines()));
    CHECK(holds("search(\"^subject: one red.$\")", lines()));  // the CR is the last of the line
    CHECK_FALSE(holds("search(\"one.*two\")", lines()));
    CHECK_FALSE(holds("search(\"one[^@]*two\")", lines()));
    CHECK_FALSE(holds("search(\"one[^]@]*two\")", lines()));
    CHECK(holds("search_body(\"^grey\")", lines()));
    CHECK(holds("search(\"one[^[:digit:]]*red\")", lines()));
}

TEST_CASE("replacing follows the lines") {
    std::string out = forwarded("replace(\"^red\", \"b\");", lines());
    CHECK(header(out, "X-A") == "red red");
    CHECK(body(out) == "b\r\ngrey");
    CHECK(header(out, "Content-Length") == "7");
    CHECK(body(forwarded("replace_body_all(\"^r.*$\", \"b\");", lines())) == "b\ngrey");
    CHECK(body(forwarded("replace_body_atonce(\"^r.*$\", \"b\");", lines())) == "b");
    // What was replaced is no beginning of a line for the next match.
    out = forwarded("replace_body_all(\"^r\", \"x\");", Request("MESSAGE").body("rrr\nr"));
    CHECK(body(out) == "xrr\nx");
    // POSIX takes the longest match.
    CHECK(body(forwarded("replace_body(\"r|red\", \"b\");", lines())) == "b\r\ngrey");
}

TEST_CASE("texts are replaced without patterns") {
    std::string out = forwarded("replace_str(\"red\", \"b\", \"a\");", lines());
    CHECK(header(out, "X-A") == "b b");
    CHECK(body(out) == "b\r\ngrey");
    out = forwarded("replace_str(\"red\", \"b\", \"f\");", lines());
    CHECK(header(out, "Subject") == "one b");
    CHECK(header(out, "X-A") == "red red");
    out = forwarded("replace_hdrs_str(\"red\", \"b\", \"a\");", lines());
    CHECK(header(out, "X-A") == "b b");
    CHECK(body(out) == "red\r\ngrey");
    out = forwarded("replace_body_str(\"re\", \".\", \"a\");", lines());
    CHECK(body(out) == ".d\r\ng.y");
    CHECK_FALSE(holds("replace_str(\"\", \"b\", \"a\")", lines()));
    CHECK_FALSE(holds("replace_str(\"red\", \"b\", \"x\")", lines()));
    CHECK_FALSE(holds("replace_str(\"none\", \"b\", \"a\")", lines()));
}

TEST_CASE("subst replaces by groups and variables, behind the start line") {
    std::string out =
        forwarded("subst(\"/^X-A: ([a-z]*) ([a-z]*)/X-A: \\2-\\1-\\0-$rU/\");", lines());
    CHECK(header(out, "X-A") == "red-red-X-A: red red-bob");
    out = forwarded("subst(\"/red/b$rm/g\");", lines());
    CHECK(header(out, "X-A") == "bMESSAGE bMESSAGE");
    CHECK(body(out) == "bMESSAGE\r\ngrey");
    CHECK(header(out, "Content-Length") == "14");
    CHECK(start_line(forwarded("subst(\"/MESSAGE/X/g\");", lines())) ==
          "MESSAGE sip:bob@192.0.2.2;a=1 SIP/2.0");
}

TEST_CASE("the flags of subst: case, everywhere, not by line") {
    CHECK_FALSE(holds("subst(\"/RED/b/\")", lines()));
    CHECK(holds("subst(\"/RED/b/i\")", lines()));
    CHECK(header(forwarded("subst(\"|red|b|g\");", lines()), "X-A") == "b b");
    CHECK_FALSE(holds("subst_body(\"/red.*grey/b/\")", lines()));
    CHECK(body(forwarded("subst_body(\"/red.*grey/b/s\");", lines())) == "b");
}

TEST_CASE("the empty line between header and body is not replaced") {
    const std::string out = forwarded("subst(\"/red(.*)grey/b/s\");", lines());
    CHECK(header(out, "Subject") == "one red");
    CHECK(body(out) == "red\r\ngrey");
}

TEST_CASE("a variable's value is no part of the expression") {
    const Request hostile = lines().header("X-V", "/g\\1");
    CHECK(body(forwarded("subst_body(\"/r(e)d/[$hdr(X-V)]/\");", hostile)) == "[/g\\1]\r\ngrey");
    CHECK_FALSE(holds("subst_body(\"/$hdr(X-V)/x/\")", hostile));
    CHECK_FALSE(holds("subst_body(\"/r/x/$hdr(X-V)\")", hostile));
}

TEST_CASE("escapes in a replacement") {
    CHECK(body(forwarded("subst_body(\"/red/a\\/b\\\\c\\nd\\qe/\");", lines())) ==
          "a/b\\c\nd\\qe\r\ngrey");
    CHECK(body(forwarded("subst_body(\"/r(x)?ed/[\\1]/\");", lines())) == "[]\r\ngrey");
}

TEST_CASE("wrong expressions end the start") {
    CHECK(refusal("subst(\"/a/b\");").find("not of the form") != std::string::npos);
    CHECK(refusal("subst(\"\");").find("not of the form") != std::string::npos);
    CHECK(refusal("subst(\"//b/\");").find("empty") != std::string::npos);
    CHECK(refusal("subst(\"/(/b/\");").find("missing") != std::string::npos);
    CHECK(refusal("subst(\"/a/b/x\");").find("flags") != std::string::npos);
    CHECK(refusal("subst_hf(\"X\", \"/a/b\", \"a\");").find("not of the form") !=
          std::string::npos);
    CHECK(refusal("subst(\"/a/b/ig\");").empty());
}

TEST_CASE("subst_uri and subst_user change the Request-URI") {
    CHECK(start_line(forwarded("subst_uri(\"/^sip:(.*)@(.*)$/sip:1\\1@\\2;o=\\1/\");", lines())) ==
          "MESSAGE sip:1bob@192.0.2.2;a=1;o=bob SIP/2.0");
    CHECK(start_line(forwarded("subst_user(\"/^b(.*)/c\\1\\1/\");", lines())) ==
          "MESSAGE sip:cobob@192.0.2.2;a=1 SIP/2.0");
    CHECK_FALSE(holds("subst_user(\"/zzz/c/\")", lines()));
    CHECK_FALSE(holds("subst_uri(\"/zzz/c/\")", lines()));
}

TEST_CASE("subst_hf takes all, the first or the last field of a name") {
    std::string out = forwarded("subst_hf(\"X-A\", \"/r(.)d/\\1/g\", \"a\");", lines());
    CHECK(header(out, "X-A") == "e e");
    CHECK(header(out, "Subject") == "one red");
    out = forwarded("subst_hf(\"X-A\", \"/r(.)d/\\1/\", \"f\");", lines());
    CHECK(header(out, "X-A") == "e red");
    out = forwarded("subst_hf(\"Subject\", \"/o/O/\", \"l\");", lines());
    CHECK(header(out, "Subject") == "one red");
    CHECK(header(out, "s") == "twO");
    out = forwarded("subst_hf(\"Subject\", \"/o/O/\", \"a\");", lines());
    CHECK(header(out, "Subject") == "One red");
    CHECK(header(out, "s") == "twO");
}

TEST_CASE("regex_substring assigns a group") {
    const auto group = [](int index) {
        return header(
            forwarded("regex_substring(\"__ abc123def ghi4\", \"([a-z]+)([0-9]+)(x)?\", \"" +
                          std::to_string(index) +
                          "\", \"3\", \"$var(g)\"); append_hf(\"X-G: $var(g)\\r\\n\");",
                      lines()),
            "X-G");
    };
    CHECK(group(0) == "abc123");
    CHECK(group(1) == "abc");
    CHECK(group(2) == "123");
    CHECK(code("regex_substring(\"abc\", \"(b)(x)?\", \"2\", \"2\", \"$var(g)\")") == "-1");
    CHECK(code("regex_substring(\"abc\", \"b\", \"3\", \"2\", \"$var(g)\")") == "-1");
    CHECK(code("regex_substring(\"abc\", \"(\", \"0\", \"1\", \"$var(g)\")") == "-1");
    CHECK(code("regex_substring(\"abc\", \"x\", \"0\", \"1\", \"$var(g)\")") == "-1");
}

TEST_CASE("header fields are removed by what their value is") {
    const auto left = [](const std::string& op, const std::string& expression) {
        const std::string out = forwarded(
            "remove_hf_match(\"subject\", \"" + op + "\", \"" + expression + "\");", lines());
        return header(out, "Subject").value_or("-") + "/" + header(out, "s").value_or("-");
    };
    CHECK(left("eq", "two") == "one red/-");
    CHECK(left("ne", "two") == "-/two");
    CHECK(left("in", "one") == "-/two");
    CHECK(left("re", "^TW") == "one red/-");
    CHECK(left("xx", "two") == "one red/two");
    CHECK(left("re", "(") == "one red/two");
}

TEST_CASE("where a text was found is the return code") {
    CHECK(code("str_find(\"abc\", \"c\")") == "3");
    CHECK(code("str_ifind(\"abc\", \"B\")") == "2");
    CHECK(code("str_find(\"abc\", \"x\")") == "-1");
}
