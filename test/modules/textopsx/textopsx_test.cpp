// textopsx: values, iterators, and the message anew.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

std::string forwarded(const std::string& statements, const Request& request) {
    ModuleHost server;
    server.config(
        "loadmodule \"pv\"\nloadmodule \"textops\"\nloadmodule \"textopsx\"\nrequest_route { " +
        statements + " forward(); }");
    server.start();
    server.receive(request.str());
    return server.take().bytes;
}
bool holds(const std::string& condition, const Request& request) {
    return header(forwarded("if (" + condition + ") { append_hf(\"X-Yes: 1\\r\\n\"); }", request),
                  "X-Yes")
        .has_value();
}

Request lists() {
    return Request("MESSAGE")
        .header("X-L", "a;p=1;q=2, b;p")
        .header("X-L", "<sip:c;p=9>;p=3,d")
        .header("Supported", "100rel, timer")
        .header("k", "gruu")
        .header("Authorization", "Digest realm=\"a,b\", nonce=\"b\"");
}

/// The X-L fields, one behind the other.
std::string list(const std::string& statement) {
    std::string out;
    for (const std::string& value : headers(forwarded(statement + ";", lists()), "X-L")) {
        out += "[" + value + "]";
    }
    return out;
}
std::string credentials(const std::string& statement) {
    return header(forwarded(statement + ";", lists()), "Authorization").value_or("none");
}
std::string supported(const std::string& statement) {
    return header(forwarded(statement + ";", lists()), "Supported").value_or("none");
}

}  // namespace

TEST_CASE("values are added behind and before others") {
    CHECK(list("append_hf_value(\"X-L[2]\", \"v\")") == "[a;p=1;q=2, b;p,v][<sip:c;p=9>;p=3,d]");
    CHECK(list("append_hf_value(\"X-L[-1]\", \"v\")") == "[a;p=1;q=2, b;p][<sip:c;p=9>;p=3,d,v]");
    CHECK(list("append_hf_value(\"X-L\", \"v\")") == "[a;p=1;q=2, b;p][<sip:c;p=9>;p=3,d][v]");
    CHECK(list("append_hf_value(\"X-L[9]\", \"v\")") == "[a;p=1;q=2, b;p][<sip:c;p=9>;p=3,d][v]");
    CHECK(list("insert_hf_value(\"X-L[2]\", \"v\")") == "[a;p=1;q=2,v, b;p][<sip:c;p=9>;p=3,d]");
    CHECK(list("insert_hf_value(\"X-L[1]\", \"v\")") == "[v,a;p=1;q=2, b;p][<sip:c;p=9>;p=3,d]");
    CHECK(list("insert_hf_value(\"X-L\", \"v\")") == "[v][a;p=1;q=2, b;p][<sip:c;p=9>;p=3,d]");
    CHECK(header(forwarded("insert_hf_value(\"X-N[1]\", \"v\");", lists()), "X-N") == "v");
}

TEST_CASE("values and parameters are removed") {
    CHECK(list("remove_hf_value(\"X-L\")") == "[b;p][<sip:c;p=9>;p=3,d]");
    CHECK(list("remove_hf_value(\"X-L[2]\")") == "[a;p=1;q=2][<sip:c;p=9>;p=3,d]");
    CHECK(list("remove_hf_value(\"X-L[-1]\")") == "[a;p=1;q=2, b;p][<sip:c;p=9>;p=3]");
    CHECK(list("remove_hf_value(\"X-L[*]\")").empty());
    CHECK(list("remove_hf_value(\"X-L.p\")") == "[a;q=2, b;p][<sip:c;p=9>;p=3,d]");
    CHECK(list("remove_hf_value(\"X-L[*].p\")") == "[a;q=2, b][<sip:c;p=9>,d]");
    for (const std::string spec :
         {"X-L[9]", "X-N", "X-L[0]", "X-L[", "X-L[x]", "", ".p", "X-L.", "X-L[1]x"}) {
        INFO(spec);
        CHECK_FALSE(holds("remove_hf_value(\"" + spec + "\")", lists()));
    }
    CHECK(
        header(forwarded("remove_hf_value(\"From.tag\");", lists().set("From", "<sip:a@b>;tag=1")),
               "From") == "<sip:a@b>");
}

TEST_CASE("values and parameters are assigned") {
    CHECK(list("assign_hf_value(\"X-L\", \"g\")") == "[g, b;p][<sip:c;p=9>;p=3,d]");
    CHECK(list("assign_hf_value(\"X-L.p\", \"\")") == "[a;p;q=2, b;p][<sip:c;p=9>;p=3,d]");
    CHECK(list("assign_hf_value(\"X-L[3].q\", \"z\")") ==
          "[a;p=1;q=2, b;p][<sip:c;p=9>;p=3;q=z,d]");
    CHECK(list("assign_hf_value(\"X-L[*].p\", \"5\")") ==
          "[a;p=5;q=2, b;p=5][<sip:c;p=9>;p=5,d;p=5]");
    CHECK_FALSE(holds("assign_hf_value(\"X-N\", \"5\")", lists()));
    CHECK_FALSE(holds("assign_hf_value(\"X-L[*]\", \"5\")", lists()));
}

TEST_CASE("credentials have parameters at commas") {
    CHECK(credentials("assign_hf_value2(\"Authorization.integrity-protected\", \"yes\")") ==
          "Digest realm=\"a,b\", nonce=\"b\",integrity-protected=yes");
    CHECK(credentials("assign_hf_value2(\"Authorization.nonce\", \"zz\")") ==
          "Digest realm=\"a,b\", nonce=zz");
    CHECK(credentials("assign_hf_value2(\"Authorization\", \"x\")") == "x");
    CHECK(credentials("remove_hf_value2(\"Authorization.nonce\")") == "Digest realm=\"a,b\"");
    CHECK(credentials("remove_hf_value2(\"Authorization.realm\")") == "Digest  nonce=\"b\"");
    CHECK(credentials("remove_hf_value2(\"Authorization\")") == "none");
}

TEST_CASE("values of a set") {
    CHECK(supported("include_hf_value(\"Supported\", \"path\")") == "100rel, timer,path");
    CHECK(supported("include_hf_value(\"Supported\", \"timer\")") == "100rel, timer");
    CHECK(supported("include_hf_value(\"Supported\", \"gruu\")") == "100rel, timer");
    CHECK(supported("exclude_hf_value(\"Supported\", \"100rel\")") == "timer");
    CHECK(supported("exclude_hf_value(\"Supported\", \"timer\")") == "100rel");
    CHECK(holds("hf_value_exists(\"Supported\", \"gruu\")", lists()));
    CHECK_FALSE(holds("hf_value_exists(\"Supported\", \"path\")", lists()));
    CHECK(header(forwarded("include_hf_value(\"X-N\", \"a\");", lists()), "X-N") == "a");
}

TEST_CASE("header fields are walked") {
    const std::string out = forwarded(
        "$var(n) = \"\"; hf_iterator_start(\"i\"); while (hf_iterator_next(\"i\")) {"
        " if ($hfitname(i) == \"X-L\") { $var(n) = $var(n) + $hfitbody(i) + \"|\";"
        "  hf_iterator_rm(\"i\"); hf_iterator_append(\"i\", \"X-B: 1\\r\\n\"); } }"
        " hf_iterator_end(\"i\"); append_hf(\"X-N: $var(n)\\r\\n\");",
        lists());
    CHECK(header(out, "X-N") == "a;p=1;q=2, b;p|<sip:c;p=9>;p=3,d|");
    CHECK(headers(out, "X-L").empty());
    CHECK(headers(out, "X-B").size() == 2);
    CHECK_FALSE(holds("hf_iterator_next(\"none\")", lists()));
    CHECK_FALSE(holds("hf_iterator_start(\"i\") && hf_iterator_prev(\"i\")", lists()));
    CHECK_FALSE(holds("hf_iterator_start(\"i\") && hf_iterator_rm(\"i\")", lists()));
    CHECK_FALSE(
        holds("hf_iterator_start(\"a\") && hf_iterator_start(\"b\") && "
              "hf_iterator_start(\"c\") && hf_iterator_start(\"d\") && "
              "hf_iterator_start(\"e\")",
              lists()));
    CHECK_FALSE(holds("hf_iterator_start(\"\")", lists()));
}

TEST_CASE("lines of the body are walked") {
    const Request request = Request("MESSAGE").body("one\r\ntwo\r\nthree", "text/plain");
    const std::string out = forwarded(
        "bl_iterator_start(\"b\"); while (bl_iterator_next(\"b\")) {"
        " if ($blitval(b) =~ \"^two\") { bl_iterator_rm(\"b\"); bl_iterator_append(\"b\", "
        "\"2\\n\"); }"
        " if ($blitval(b) =~ \"^three\") { bl_iterator_insert(\"b\", \"2.5\\n\"); } }"
        " bl_iterator_end(\"b\");",
        request);
    CHECK(body(out) == "one\r\n2\n2.5\nthree");
    CHECK_FALSE(holds("bl_iterator_start(\"b\") && bl_iterator_next(\"b\")", Request("OPTIONS")));
}

TEST_CASE("applied changes are what is looked at") {
    std::string out = forwarded(
        "append_hf(\"X-New: 1\\r\\n\"); $ru = \"sip:new@192.0.2.9\"; msg_apply_changes();"
        " if (is_present_hf(\"X-New\")) { append_hf(\"X-Uri: $ou\\r\\n\"); }",
        lists());
    CHECK(header(out, "X-Uri") == "sip:new@192.0.2.9");
    CHECK(headers(out, "X-New").size() == 1);
    CHECK(start_line(out) == "MESSAGE sip:new@192.0.2.9 SIP/2.0");
    CHECK(headers(out, "Via").size() == 2);
    out = forwarded("set_body(\"a\", \"t/x\"); msg_apply_changes(); set_body(\"bcd\", \"t/y\");",
                    lists());
    CHECK(body(out) == "bcd");
    CHECK(header(out, "Content-Length") == "3");
    CHECK_FALSE(holds("msg_set_buffer(\"junk\")", lists()));
}

TEST_CASE("what is kept, and patterns of file names") {
    std::string out = forwarded("keep_hf(\"^X-\");", lists());
    CHECK(headers(out, "X-L").size() == 2);
    CHECK(headers(out, "Supported").empty());
    CHECK(header(out, "Call-ID").has_value());
    CHECK(headers(forwarded("keep_hf();", lists()), "X-L").empty());
    CHECK(body(forwarded("remove_body();", Request("MESSAGE").body("x"))).empty());
    CHECK(holds("fnmatch(\"abc123\", \"a*[0-9]?3\")", lists()));
    CHECK(holds("fnmatch(\"ABC\", \"a*\", \"i\")", lists()));
    CHECK_FALSE(holds("fnmatch(\"ABC\", \"a*\")", lists()));
    CHECK_FALSE(holds("fnmatch(\"abc\", \"[!a]*\")", lists()));
    CHECK_FALSE(
        holds("fnmatch(\"aaaaaaaaaaaaaaaaaaaaaaaa\", \"*a*a*a*a*a*a*a*a*a*a*b\")", lists()));
    CHECK(holds("fnmatch(\"a*\", \"a\\\\*\")", lists()));
    CHECK(holds("fnmatch(\"[\", \"[\")", lists()));
}

TEST_CASE("a reply gets another status, within what its class allows") {
    ModuleHost server;
    server.config(
        "loadmodule \"textops\"\nloadmodule \"textopsx\"\nrequest_route { forward(); }\n"
        "reply_route { append_hf(\"X-A: 1\\r\\n\"); if (status == \"603\") {"
        " change_reply_status(\"404\", \"Gone away\"); } else { change_reply_status_code(\"299\"); "
        "append_hf(\"X-B: 1\\r\\n\"); } }");
    server.start();
    server.receive(Request("MESSAGE").str());
    const std::string request = server.take().bytes;
    server.receive(reply(request, 603, "Decline"), "192.0.2.2:5060");
    std::string out = server.take().bytes;
    CHECK(start_line(out) == "SIP/2.0 404 Gone away");
    CHECK(header(out, "X-A") == "1");
    server.receive(reply(request, 486, "Busy"), "192.0.2.2:5060");
    CHECK(start_line(server.take().bytes) == "SIP/2.0 486 Busy");
    server.receive(reply(request, 200, "OK"), "192.0.2.2:5060");
    CHECK(start_line(server.take().bytes) == "SIP/2.0 299 OK");
}
