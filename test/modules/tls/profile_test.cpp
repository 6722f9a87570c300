// Reading tls.cfg: what it says, and what is wrong with it. SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <openssl/ssl.h>

#include <string>

#include "modules/tls/profile.h"

using namespace fairlead;
using namespace fairlead::tls;

namespace {

std::string error_of(std::string_view text) {
    const auto read = read_profiles(text, "tls.cfg");
    return read ? "" : read.error().str();
}

}  // namespace

TEST_CASE("sections and their settings") {
    const auto read = read_profiles(
        "# who we are\n"
        "[server:default]   ; at all addresses\n"
        "method = TLSv1.2+\r\n"
        "certificate = \"a b.pem\"  # quoted\n"
        "private_key=key.pem # not quoted\n"
        "verify_certificate = yes\n"
        "\n"
        "[client:127.0.0.1:5061]\n"
        "tls_method = TLSv1.3\n"
        "verify_certificate = on\nverify_name = 1\nserver_id = 'one two'\n"
        "[server:[::1]:5071]\nverify_client = optional_no_ca\n"
        "[ Server : any ]\nserver_name = example.org\nserver_name_mode = 1\n"
        "[client:2001:db8::1]",
        "tls.cfg");
    INFO((read ? "" : read.error().str()));
    REQUIRE(read);
    REQUIRE(read->size() == 5);
    const auto& p = *read;
    CHECK(p[0].name() == "server:default");
    CHECK(p[0].where == "tls.cfg:2");
    CHECK(p[0].certificate == "a b.pem");
    CHECK(p[0].private_key == "key.pem");
    CHECK(p[0].versions.least == TLS1_2_VERSION);
    CHECK(p[0].versions.most == 0);
    CHECK(p[0].ask() == Ask::optional);
    CHECK(p[1].name() == "client:127.0.0.1:5061");
    CHECK(p[1].versions.most == TLS1_3_VERSION);
    CHECK(p[1].verify_name);
    CHECK(p[1].server_id == "one two");
    CHECK(p[2].name() == "server:[::1]:5071");
    CHECK(p[2].ask() == Ask::optional_no_ca);
    CHECK(p[3].match == Profile::Match::any);
    CHECK(p[4].name() == "client:[2001:db8::1]");
    CHECK(p[4].address.port == 0);
    CHECK(read_profiles("", "tls.cfg")->empty());
}

TEST_CASE("a name is a profile's, its subdomains too, or only these") {
    Profile p;
    CHECK_FALSE(p.serves(""));
    CHECK_FALSE(p.serves("example.org"));
    p.server_name = "example.org";
    CHECK(p.serves("EXAMPLE.org"));
    CHECK_FALSE(p.serves("sip.example.org"));
    p.server_name_mode = 1;
    CHECK(p.serves("example.org"));
    CHECK(p.serves("sip.example.ORG"));
    CHECK_FALSE(p.serves("anexample.org"));
    CHECK_FALSE(p.serves(".example.org"));
    p.server_name_mode = 2;
    CHECK_FALSE(p.serves("example.org"));
    CHECK(p.serves("a.b.example.org"));
}

TEST_CASE("whom a server asks for a certificate") {
    Profile p;
    CHECK(p.ask() == Ask::off);
    p.require_certificate = true;
    CHECK(p.ask() == Ask::off);
    p.verify_certificate = true;
    CHECK(p.ask() == Ask::on);
    p.verify_client = Ask::optional;
    CHECK(p.ask() == Ask::optional);
}

TEST_CASE("what is wrong is named with file, line and what to do") {
    CHECK(error_of("method = TLSv1.2") == "tls.cfg:1: a section comes first: [server:default]");
    CHECK(error_of("[server:default]\n\nmetod = TLSv1.2")
              .starts_with("tls.cfg:3: unknown setting metod; there are method, "));
    CHECK(error_of("[server:default]\nmethod = SSLv3")
              .starts_with("tls.cfg:2: method SSLv3 is not spoken; there are TLSv1.3+ "));
    CHECK(error_of("[server:default]\nverify_certificate = maybe") ==
          "tls.cfg:2: verify_certificate is yes or no, not maybe");
    CHECK(error_of("[server:default]\nverify_depth = 101") ==
          "tls.cfg:2: verify_depth is a number of 0 to 100, not 101");
    CHECK(error_of("[server:default]\nverify_client = yes")
              .starts_with("tls.cfg:2: verify_client is off, on, optional or optional_no_ca"));
    CHECK(error_of("[server:default]\ncertificate") == "tls.cfg:2: a line is NAME = VALUE");
    CHECK(error_of("[server:default]\ncertificate = \"a") ==
          "tls.cfg:2: the quotes are not closed");
    CHECK(error_of("[server:default]\ncertificate = 'a' b") ==
          "tls.cfg:2: there is something behind the quotes");
    for (const auto* const bad :
         {"[server]", "[server:]", "[server:default", "[peer:default]", "[server:host:1]",
          "[server:127.0.0.1:65536]", "[server:127.0.0.1:]", "[server:[::1]", "[]", "[:]", "["})
        CHECK(error_of(bad).starts_with("tls.cfg:1: a section is [server:WHICH]"));
    CHECK(error_of("[server:any]\nmethod = TLSv1.2") ==
          "tls.cfg:1: [server:any] needs server_name: it is found by that name only");
    CHECK(
        error_of("[server:default]\nverify_name = yes").starts_with("tls.cfg:1: [server:default]"));
    CHECK(error_of("[client:default]\nverify_client = on").starts_with("tls.cfg:1: [client:"));
    CHECK(error_of("[client:default]\nverify_name = on").find("add that") != std::string::npos);
    CHECK(error_of("[server:default]\nprivate_key = /engine:x").find("name a file") !=
          std::string::npos);
    CHECK(error_of("[server:default]\n[client:default]\n[server:default]") ==
          "tls.cfg:3: [server:default] is there already, in tls.cfg:1: give one of them another "
          "server_name");
}

TEST_CASE("hostile text is an error, not a crash") {
    CHECK(error_of(std::string(65536, '[')) != "");
    CHECK(error_of(std::string(65536, 'a')) != "");
    CHECK(error_of(std::string("[server:default]\ncertificate = \0x", 33)) != "");
    CHECK(error_of("[server:default]\nverify_depth = 99999999999999999999999") != "");
    CHECK(read_profiles("[server:default]\ncertificate = \xff\xfe", "x"));
    CHECK(read_profiles(std::string(65536, '\n'), "x"));
}
