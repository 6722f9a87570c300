// textops: header fields, bodies and texts, called from a configuration.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

/// What leaves for 192.0.2.2 after `statements` ran on a request.
std::string forwarded(const std::string& statements, const Request& request) {
    ModuleHost server;
    server.config("loadmodule \"textops\"\nrequest_route { " + statements + " forward(); }");
    server.start();
    server.receive(request.str());
    return server.take().bytes;
}

/// Whether a condition holds on a request.
bool holds(const std::string& condition, const Request& request = Request("OPTIONS")) {
    const std::string out =
        forwarded("if (" + condition + ") { append_hf(\"X-Yes: 1\\r\\n\"); }", request);
    return header(out, "X-Yes").has_value();
}

Request with_lines() {
    return Request("MESSAGE")
        .header("X-A", "1")
        .header("Subject", "one")
        .header("X-B", "2")
        .header("s", "two");
}

}  // namespace

TEST_CASE("is_method knows lists") {
    CHECK(holds("is_method(\"OPTIONS\")"));
    CHECK(holds("is_method(\"INVITE|OPTIONS\")"));
    CHECK_FALSE(holds("is_method(\"INVITE|ACK\")"));
    CHECK_FALSE(holds("is_method(\"OPTION\")"));
}

TEST_CASE("header fields are found by name, compact name and pattern, until they are removed") {
    CHECK(holds("is_present_hf(\"Subject\")", Request("INFO").header("s", "x")));
    CHECK(holds("is_present_hf(\"f\")"));
    CHECK_FALSE(holds("is_present_hf(\"Subject\")"));
    CHECK_FALSE(holds("remove_hf(\"Subject\") && is_present_hf(\"Subject\")", with_lines()));
    CHECK(holds("is_present_hf_re(\"^X-\")", with_lines()));
    CHECK_FALSE(holds("is_present_hf_re(\"^Y-\")", with_lines()));
}

TEST_CASE("header lines are added where asked") {
    const std::string out = forwarded(
        "append_hf(\"X-Last: 1\\r\\n\"); insert_hf(\"X-First: 1\\r\\n\"); "
        "append_hf(\"X-Behind: 1\\r\\n\", \"Call-ID\"); insert_hf(\"X-Before: 1\\r\\n\", "
        "\"Call-ID\");"
        "append_hf(\"X-Else: 1\\r\\n\", \"None\");",
        Request("OPTIONS").call_id("c"));
    CHECK(out.find("X-Before: 1\r\nCall-ID: c\r\nX-Behind: 1\r\n") != std::string::npos);
    CHECK(out.find("X-Last: 1\r\nX-Else: 1\r\n\r\n") != std::string::npos);
    CHECK(out.find("X-First: 1\r\n") < out.find("From:"));
}

TEST_CASE("a line without CRLF is refused") {
    CHECK_FALSE(holds("append_hf(\"X-A: 1\")"));
    CHECK_FALSE(holds("insert_hf(\"\\r\\nX-A: 1\\r\\n\")"));
}

TEST_CASE("header fields are removed by name, pattern and index") {
    std::string out = forwarded("remove_hf(\"Subject\");", with_lines());
    CHECK(headers(out, "Subject").empty());
    CHECK(headers(out, "s").empty());
    out = forwarded("remove_hf_re(\"^X-\");", with_lines());
    CHECK(headers(out, "X-A").empty());
    CHECK(headers(out, "X-B").empty());
    out = forwarded("remove_hf_exp(\"^X-\", \"^X-B\");", with_lines());
    CHECK(headers(out, "X-A").empty());
    CHECK(header(out, "X-B") == "2");
    out = forwarded("remove_hf_idx(\"Subject\", \"-1\");", with_lines());
    CHECK(header(out, "Subject") == "one");
    CHECK(headers(out, "s").empty());
    CHECK_FALSE(holds("remove_hf(\"X-None\")", with_lines()));
    CHECK_FALSE(holds("remove_hf_idx(\"Subject\", \"2\")", with_lines()));
}

TEST_CASE("Date says the time") {
    const std::string out = forwarded("append_time_to_request();", Request("OPTIONS"));
    CHECK(header(out, "Date") == "Tue, 14 Nov 2023 22:30:00 GMT");
}

TEST_CASE("Privacy values and values of header fields") {
    const Request request =
        Request("INFO").header("Privacy", "user;id").header("X-A", "abc").header("X-A", "def");
    CHECK(holds("is_privacy(\"ID\")", request));
    CHECK_FALSE(holds("is_privacy(\"header\")", request));
    CHECK(holds("search_hf(\"X-A\", \"^d\", \"a\")", request));
    CHECK(holds("search_hf(\"X-A\", \"^d\", \"l\")", request));
    CHECK_FALSE(holds("search_hf(\"X-A\", \"^d\", \"f\")", request));
}

TEST_CASE("matches are replaced, in the header or in the body") {
    const Request request =
        Request("MESSAGE").header("X-A", "red red").body("red red", "text/plain");
    std::string out = forwarded("replace(\"red\", \"blue\");", request);
    CHECK(header(out, "X-A") == "blue red");
    out = forwarded("replace_all(\"red\", \"blue\");", request);
    CHECK(header(out, "X-A") == "blue blue");
    CHECK(body(out) == "blue blue");
    CHECK(header(out, "Content-Length") == "9");
    out = forwarded("replace_body_all(\"red\", \"blue\");", request);
    CHECK(header(out, "X-A") == "red red");
    CHECK(body(out) == "blue blue");
    out = forwarded("replace_body(\"red\", \"\");", request);
    CHECK(body(out) == " red");
    CHECK(header(out, "Content-Length") == "4");
    out = forwarded("replace_hdrs(\"red\", \"blue\");", request);
    CHECK(header(out, "X-A") == "blue red");
    out = forwarded("search_append_body(\"red\", \"dish\");", request);
    CHECK(body(out) == "reddish red");
    CHECK_FALSE(holds("replace(\"green\", \"x\")", request));
}

TEST_CASE("bodies") {
    const Request request = Request("MESSAGE").body("hello", "application/sdp;x=1");
    CHECK(holds("has_body()", request));
    CHECK(holds("has_body(\"application/SDP\")", request));
    CHECK_FALSE(holds("has_body(\"text/plain\")", request));
    CHECK_FALSE(holds("has_body()"));
    CHECK(holds("search_body(\"ell\")", request));
    CHECK_FALSE(holds("search_body(\"MESSAGE\")", request));
    CHECK(holds("search(\"MESSAGE\")", request));

    std::string out = forwarded("set_body(\"hi\", \"text/plain\");", request);
    CHECK(body(out) == "hi");
    CHECK(headers(out, "Content-Type") == std::vector<std::string>{"text/plain"});
    CHECK(header(out, "Content-Length") == "2");
    out = forwarded("set_body(\"hi\", \"text/plain\");", Request("OPTIONS"));
    CHECK(body(out) == "hi");
    CHECK(header(out, "Content-Type") == "text/plain");
}

TEST_CASE("texts are compared") {
    CHECK(holds("cmp_str(\"a\", \"a\")"));
    CHECK_FALSE(holds("cmp_str(\"a\", \"A\")"));
    CHECK(holds("cmp_istr(\"a\", \"A\")"));
    CHECK(holds("starts_with(\"abc\", \"ab\")"));
    CHECK_FALSE(holds("starts_with(\"abc\", \"bc\")"));
    CHECK(holds("ends_with(\"abc\", \"bc\")"));
    CHECK(holds("str_find(\"abc\", \"b\")"));
    CHECK_FALSE(holds("str_find(\"abc\", \"B\")"));
    CHECK(holds("str_ifind(\"abc\", \"B\")"));
    CHECK(holds("search_str(\"abc\", \"^a.c$\")"));
    CHECK(holds("in_list(\"fi\", \"dk,fi,no\", \",\")"));
    CHECK_FALSE(holds("in_list(\"f\", \"dk,fi,no\", \",\")"));
    CHECK(holds("in_list_prefix(\"final\", \"dk,fi,no\", \",\")"));
    CHECK_FALSE(holds("in_list(\"fi\", \"dk,fi,no\", \"::\")"));
}
