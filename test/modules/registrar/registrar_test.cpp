// REGISTER and lookup: bindings, lifetimes, orders, refusals, and memory that is full.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <string>

#include "test/modules/registrar/users.h"

using namespace fairlead;
using namespace fairlead::test;

TEST_CASE("a binding is added, refreshed and removed; each answer lists all") {
    Users users;
    users.start();
    CHECK(users.contacts(Register("anna", "<sip:a@192.0.2.1:5070;x=1>;q=0.5;foo=bar")) ==
          "<sip:a@192.0.2.1:5070;x=1>;q=0.5;expires=3600");
    users.advance(Ms(10'000));
    CHECK(users.contacts(Register("anna", "<sip:b@192.0.2.2>;expires=60")) ==
          "<sip:a@192.0.2.1:5070;x=1>;q=0.5;expires=3590, <sip:b@192.0.2.2>;expires=60");
    CHECK(users.contacts(Register("anna")) ==
          "<sip:a@192.0.2.1:5070;x=1>;q=0.5;expires=3590, <sip:b@192.0.2.2>;expires=60");
    CHECK(users.contacts(Register("anna", "<sip:a@192.0.2.1:5070;x=1>;expires=0")) ==
          "<sip:b@192.0.2.2>;expires=60");
    CHECK(users.contacts(Register("anna", "*").header("Expires", "0")) == "");
    CHECK(users.where("anna") == "-1 sip:anna@example.test <null> <null>");
    CHECK(users.leaks().empty());
    CHECK(users.statistic("registrar", "accepted_regs") == 5);
}

TEST_CASE("contacts are ordered by q; those of one q by age") {
    Users users;
    users.start();
    (void)users.send(Register("bob", "<sip:1@h>"));
    (void)users.send(Register("bob", "<sip:2@h>;q=0.7"));
    (void)users.send(Register("bob", "<sip:3@h>"));
    CHECK(users.contacts(Register("bob", "<sip:4@h>;q=1")) ==
          "<sip:4@h>;q=1;expires=3600, <sip:2@h>;q=0.7;expires=3600, <sip:1@h>;expires=3600, "
          "<sip:3@h>;expires=3600");
    // A refresh keeps its place, another q moves it.
    CHECK(users.contacts(Register("bob", "<sip:1@h>"))
              .ends_with("<sip:1@h>;expires=3600, <sip:3@h>;expires=3600"));
    CHECK(users.contacts(Register("bob", "<sip:3@h>;q=0.8"))
              .starts_with("<sip:4@h>;q=1;expires=3600, <sip:3@h>;q=0.8"));
    CHECK(users.where("bob") == "1 sip:4@h <null> sip:3@h");
    // Of one header the last comes first; of several headers the first.
    CHECK(users.contacts(Register("cora", "<sip:1@h>, <sip:2@h>").header("Contact", "<sip:3@h>")) ==
          "<sip:2@h>;expires=3600, <sip:1@h>;expires=3600, <sip:3@h>;expires=3600");
}

TEST_CASE("lifetimes: parameter, header, default, bounds, and nonsense") {
    Users users("modparam(\"registrar\", \"max_expires\", 7200)");
    users.start();
    const auto expires = [&](const std::string& contact, const std::string& header = {}) {
        Register request("dora", contact);
        if (!header.empty()) request.header("Expires", header);
        return parameter(users.contacts(request), "expires");
    };
    CHECK(expires("<sip:1@h>;expires=100", "200") == "100");
    CHECK(expires("<sip:1@h>", "200") == "200");
    CHECK(expires("<sip:1@h>;expires=99999") == "7200");
    CHECK(expires("<sip:1@h>;expires=1") == "60");
    for (const std::string wrong : {"abc", "-5", "99999999999", "1.5", ""})
        CHECK(expires("<sip:1@h>;expires=" + wrong) == "3600");
    CHECK(expires("<sip:1@h>", "soon") == "3600");
}

TEST_CASE("a lifetime that is too short is answered 423 when that is wanted") {
    Users users("modparam(\"registrar\", \"min_expires_mode\", 1)");
    users.start();
    const std::string answer = users.send(Register("emma", "<sip:1@h>;expires=10"));
    CHECK(start_line(answer) == "SIP/2.0 423 Interval Too Brief");
    CHECK(header(answer, "Min-Expires") == "60");
    CHECK(header(answer, "P-Registrar-Error") == "Interval too brief");
    CHECK(users.contacts(Register("emma")) == "");
}

TEST_CASE("out of order requests are refused, those that come again accepted (RFC 3261 10.3)") {
    Users users;
    users.start();
    const auto send = [&](const std::string& contact, unsigned cseq, const std::string& id = "c1") {
        Register request("fred", contact);
        request.cseq(cseq).call_id(id);
        if (contact == "*") request.header("Expires", "0");
        return start_line(users.send_as_is(request));
    };
    CHECK(send("<sip:1@h>", 7) == "SIP/2.0 200 OK");
    CHECK(send("<sip:1@h>;expires=100", 7) == "SIP/2.0 200 OK");
    CHECK(users.contacts(Register("fred")) == "<sip:1@h>;expires=3600");
    CHECK(send("<sip:1@h>", 6) == "SIP/2.0 400 Bad Request");
    CHECK(send("<sip:1@h>;expires=0", 6) == "SIP/2.0 400 Bad Request");
    CHECK(send("*", 6) == "SIP/2.0 400 Bad Request");
    CHECK(users.contacts(Register("fred")) == "<sip:1@h>;expires=3600");
    // All or nothing: one binding out of order, and the other is not made.
    CHECK(send("<sip:2@h>, <sip:1@h>", 6) == "SIP/2.0 400 Bad Request");
    CHECK(users.contacts(Register("fred")) == "<sip:1@h>;expires=3600");
    // Another Call-ID begins anew; behind cseq_delay a number that came before is too old.
    CHECK(send("<sip:1@h>;expires=100", 1, "c2") == "SIP/2.0 200 OK");
    users.advance(Ms(21'000));
    CHECK(send("<sip:1@h>", 1, "c2") == "SIP/2.0 400 Bad Request");
}

TEST_CASE("what cannot be read is refused, and nothing is changed") {
    Users users;
    users.start();
    const auto said = [&](Register request) {
        const std::string answer = users.send(std::move(request));
        return start_line(answer).substr(8) + " " +
               header(answer, "P-Registrar-Error").value_or("-");
    };
    CHECK(said(Register("gwen", "*").header("Expires", "10")) ==
          "400 Bad Request * used in contact and expires is not zero");
    CHECK(said(Register("gwen", "*")) ==
          "400 Bad Request * used in contact and expires is not zero");
    CHECK(said(Register("gwen", "*, <sip:1@h>").header("Expires", "0"))
              .starts_with("400 Bad Request *"));
    CHECK(said(Register("gwen", "<sip:1@h")) == "400 Bad Request Contact parse error");
    CHECK(said(Register("gwen", "<sip:1@h>;q=1.5")) ==
          "400 Bad Request Invalid q param in contact");
    CHECK(said(Register("gwen", "<sip:1@h>;q=abc")) ==
          "400 Bad Request Invalid q param in contact");
    CHECK(said(Register("gwen", "<sip:" + std::string(600, 'l') + "@h>")) ==
          "400 Bad Request Contact/received too long");
    CHECK(said(Register("gwen", "<sip:1@h>").header("Require", "outbound")) ==
          "420 Bad Extension No support for Outbound on server");
    CHECK(users.contacts(Register("gwen")) == "");
    CHECK(users.statistic("registrar", "rejected_regs") == 8);
    CHECK(users.leaks().empty());
}

TEST_CASE("more contacts than max_contacts are refused with 503; a replacement is not more") {
    Users users(
        "modparam(\"registrar\", \"max_contacts\", 2) modparam(\"registrar\", \"retry_after\", "
        "30)");
    users.start();
    CHECK(users.status(Register("hugo", "<sip:1@h>, <sip:2@h>, <sip:3@h>")) ==
          "SIP/2.0 503 Service Unavailable");
    CHECK(users.status(Register("hugo", "<sip:1@h>, <sip:2@h>")) == "SIP/2.0 200 OK");
    const std::string answer = users.send(Register("hugo", "<sip:3@h>"));
    CHECK(start_line(answer) == "SIP/2.0 503 Service Unavailable");
    CHECK(header(answer, "Retry-After") == "30");
    CHECK(header(answer, "Contact") == "<sip:2@h>;expires=3600, <sip:1@h>;expires=3600");
    CHECK(users.contacts(Register("hugo", "<sip:3@h>, <sip:1@h>;expires=0")) ==
          "<sip:2@h>;expires=3600, <sip:3@h>;expires=3600");
    CHECK(users.status(Register("hugo", "<sip:2@h>")) == "SIP/2.0 200 OK");
}

TEST_CASE("AORs: without case and domain unless asked for, escapes undone") {
    SECTION("user") {
        Users users;
        users.start();
        (void)users.send(Register("Iris", "<sip:1@h>"));
        CHECK(users.where("iRiS").starts_with("1 sip:1@h"));
        CHECK(users.where("%69ris").starts_with("1 sip:1@h"));
        CHECK(users.where("%00ris").starts_with("-3 "));
    }
    SECTION("case_sensitive") {
        Users users("modparam(\"registrar\", \"case_sensitive\", 1)");
        users.start();
        (void)users.send(Register("Iris", "<sip:1@h>"));
        CHECK(users.where("iris").starts_with("-1 "));
    }
    SECTION("use_domain") {
        Users users("modparam(\"usrloc\", \"use_domain\", 1)");
        users.start();
        (void)users.send(Register("iris", "<sip:1@h>"));
        CHECK(users.where("iris").starts_with("1 sip:1@h"));
        users.receive(Request("OPTIONS", "sip:iris@other.test").str());
        CHECK(start_line(users.take().bytes).starts_with("SIP/2.0 200 -1 "));
    }
}

TEST_CASE("a contact that is over is not found, and ends with an event") {
    Users users(
        "loadmodule \"htable\" modparam(\"htable\", \"htable\", \"over=>size=4;\") "
        "modparam(\"usrloc\", \"timer_interval\", 10)",
        8 << 20, R"cfg(
request_route {
    if ($rm == "REGISTER") { save("location"); exit; }
    lookup("location");
    sl_send_reply("200", "$rc $sht(over=>aor) $sht(over=>addr) $sht(over=>n)");
}
event_route[usrloc:contact-expired] {
    $sht(over=>aor) = $ulc(exp=>aor);
    $sht(over=>addr) = $(ulc(exp=>addr)[0]);
    $sht(over=>n) = $(ulc(exp=>count));
}
)cfg");
    users.start();
    (void)users.send(Register("jane", "<sip:1@h>;expires=60, <sip:2@h>"));
    users.advance(Ms(59'000));
    CHECK(users.where("jane") == "1 <null> <null> <null>");
    users.advance(Ms(1'000));
    CHECK(users.contacts(Register("jane")) == "<sip:2@h>;expires=3540");
    users.advance(Ms(11'000));
    CHECK(users.where("jane") == "1 jane sip:1@h 1");
    CHECK(users.statistic("usrloc", "location_expires") == 1);
    CHECK(users.statistic("usrloc", "location_contacts") == 1);
    users.advance(Ms(3'600'000));
    CHECK(users.statistic("usrloc", "registered_users") == 0);
}

TEST_CASE("Path is kept, answered and followed (RFC 3327)") {
    Users users("modparam(\"registrar\", \"use_path\", 1)");
    users.start();
    const std::string refused =
        users.send(Register("kate", "<sip:1@h>").header("Path", "<sip:p1;lr>"));
    CHECK(start_line(refused) == "SIP/2.0 420 Bad Extension");
    CHECK(header(refused, "Unsupported") == "path");
    const std::string answer = users.send(Register("kate", "<sip:1@h>")
                                              .header("Path", "<sip:p1;lr>")
                                              .header("Path", "<sip:p2;lr>, <sip:p3;lr>")
                                              .header("Supported", "path"));
    CHECK(header(answer, "Path") == "<sip:p1;lr>,<sip:p2;lr>, <sip:p3;lr>");
    CHECK(users.where("kate") == "1 sip:1@h sip:p1;lr <null>");
}

TEST_CASE("received and branch flags are kept with the contact and come back") {
    Users users("loadmodule \"kex\" modparam(\"registrar\", \"received_avp\", \"$avp(rcv)\")",
                8 << 20, R"cfg(
request_route {
    if ($rm == "REGISTER") {
        $avp(rcv) = "sip:192.0.2.9:99";
        setbflag(6);
        save("location");
        exit;
    }
    lookup("location");
    if (isbflagset(6)) { sl_send_reply("200", "flag $du"); } else { sl_send_reply("200", "none"); }
}
)cfg");
    users.start();
    CHECK(users.contacts(Register("lisa", "<sip:1@h>")) ==
          "<sip:1@h>;expires=3600;received=\"sip:192.0.2.9:99\"");
    CHECK(users.where("lisa") == "flag sip:192.0.2.9:99");
    CHECK(users.where("none") == "none");
}

TEST_CASE("an instance with reg-id is one binding; a public GRUU leads to its instance") {
    Users users("modparam(\"registrar\", \"outbound_mode\", 1)");
    users.start();
    const std::string instance = ";+sip.instance=\"<urn:uuid:1>\"";
    CHECK(users.contacts(Register("mary", "<sip:1@h>" + instance + ";reg-id=1")
                             .header("Supported", "outbound")) ==
          "<sip:1@h>;expires=3600;+sip.instance=\"<urn:uuid:1>\";reg-id=1");
    CHECK(users.contacts(Register("mary", "<sip:2@h>" + instance + ";reg-id=1")
                             .header("Supported", "outbound")) ==
          "<sip:2@h>;expires=3600;+sip.instance=\"<urn:uuid:1>\";reg-id=1");
    CHECK(users.contacts(Register("nora", "<sip:1@h>" + instance).header("Supported", "gruu")) ==
          "<sip:1@h>;expires=3600;pub-gruu=\"sip:nora@example.test;gr=urn:uuid:1\"" + instance);
    (void)users.send(Register("nora", "<sip:2@h>;q=1"));
    users.receive(Request("OPTIONS", "sip:nora@example.test;gr=urn:uuid:1").str());
    CHECK(start_line(users.take().bytes) == "SIP/2.0 200 1 sip:1@h <null> <null>");
    users.receive(Request("OPTIONS", "sip:nora@example.test;gr=urn:uuid:2").str());
    CHECK(start_line(users.take().bytes).starts_with("SIP/2.0 200 -1"));
}

TEST_CASE("lookup leaves out contacts that do not allow the method when that is wanted") {
    Users users("modparam(\"registrar\", \"method_filtering\", 1)");
    users.start();
    (void)users.send(Register("olga", "<sip:1@h>").header("Allow", "INVITE, ACK, BYE"));
    CHECK(users.where("olga").starts_with("-2 "));
    CHECK(users.where("olga", "INVITE").starts_with("1 "));
    (void)users.send(Register("olga", "<sip:2@h>"));
    CHECK(users.where("olga") == "1 sip:2@h <null> <null>");
}

TEST_CASE("what scripts ask of the registrar") {
    Users users({}, 8 << 20, R"cfg(
request_route {
    if ($rm == "REGISTER") { save("location", "0x04"); exit; }
    if ($rU == "fetch") {
        reg_fetch_contacts("location", "$fu", "p");
        $var(a) = $(ulc(p=>addr)[0]);
        $var(n) = $(ulc(p=>count));
        $var(c) = $(ulc(p=>callid)[0]);
        $var(x) = $(ulc(p=>addr)[7]);
        reg_free_contacts("p");
        sl_send_reply("200", "$var(n) $var(a) $var(c) $var(x) $(ulc(p=>count))");
    } else if ($rU == "end") {
        $var(r) = 0;
        unregister("location", "$fu");
        $var(r) = $rc;
        unregister("location", "$fu");
        sl_send_reply("200", "$var(r) $rc");
    } else if ($rU == "dset") {
        lookup_to_dset("location", "$fu");
        sl_send_reply("200", "$rc $ru $(branch(uri)[0])");
    } else if (registered("location", "$fu")) {
        sl_send_reply("200", "registered");
    } else {
        sl_send_reply("200", "not registered");
    }
}
)cfg");
    users.start();
    const auto ask = [&](std::string_view what) {
        users.receive(Request("OPTIONS", "sip:" + std::string(what) + "@x")
                          .set("From", "<sip:paul@x>;tag=1")
                          .str());
        return start_line(users.take().bytes).substr(12);
    };
    CHECK(ask("x") == "not registered");
    CHECK(ask("end") == "-3 -3");
    (void)users.send(Register("paul", "<sip:1@h>"));
    CHECK(ask("x") == "registered");
    CHECK(ask("fetch") == "1 sip:1@h paul@phone 0 <null>");
    CHECK(ask("dset") == "1 sip:dset@x sip:1@h");
    // Flag 4: one contact for each AOR.
    CHECK(users.contacts(Register("paul", "<sip:2@h>")) == "<sip:2@h>;expires=3600");
    CHECK(ask("end") == "1 -3");
    CHECK(ask("x") == "not registered");
    CHECK(users.leaks().empty());
}

TEST_CASE("XAVPs go with a contact, and its record can be looked at") {
    Users users(R"cfg(
modparam("usrloc", "xavp_contact", "ua")
modparam("registrar", "xavp_rcd", "rcd")
modparam("registrar", "xavp_rcd_mask", 1)
modparam("registrar", "xavp_cfg", "reg")
)cfg",
                8 << 20, R"cfg(
request_route {
    if ($rm == "REGISTER") {
        $xavp(ua=>room) = $hdr(X-Room);
        $xavp(other=>x) = "not kept";
        save("location");
        exit;
    }
    $var(rc) = 0;
    if ($rm == "OPTIONS") {
        $xavp(rcd=>ruid) = "old";
        lookup("location");
        $var(rc) = $rc;
    } else {
        $xavp(reg=>match_contact) = "sip:2@h";
        registered("location", "$ru", 4, $(hdr(X-Action){s.int}));
        $var(rc) = $rc;
    }
    sl_send_reply("200", "$var(rc) $xavp(ua[0]=>room) $xavp(ua[1]=>room) $xavp(other=>x) $xavp(rcd[0]=>contact) $xavp(rcd[1]=>contact) $xavp(rcd[0]=>expires) $xavp(rcd[0]=>ruid)");
}
)cfg");
    users.start();
    (void)users.send(Register("paul", "<sip:1@h>;q=0.5").header("X-Room", "kitchen"));
    (void)users.send(Register("paul", "<sip:2@h>;q=0.1").header("X-Room", "hall"));
    CHECK(users.where("paul") == "1 kitchen hall <null> sip:1@h <null> 3600 <null>");
    CHECK(users.where("nobody") == "-1 <null> <null> <null> <null> <null> <null> <null>");
    const auto registered = [&](const std::string& action) {
        users.receive(Request("INFO", "sip:paul@example.test").header("X-Action", action).str());
        return start_line(users.take().bytes).substr(12);
    };
    CHECK(registered("0") == "1 <null> <null> <null> sip:2@h <null> 3600 <null>");
    CHECK(registered("1") == "1 hall <null> <null> sip:2@h <null> 3600 <null>");
    CHECK(registered("3") == "1 hall <null> <null> <null> <null> <null> <null>");
}

TEST_CASE("lookup takes contacts with a branch flag only when that is wanted") {
    Users users(R"cfg(
loadmodule "kex"
modparam("registrar", "xavp_cfg", "reg")
modparam("registrar", "lookup_filter_mode", 3)
)cfg",
                8 << 20, R"cfg(
request_route {
    if ($rm == "REGISTER") {
        if ($hdr(X-Flag) == "yes") setbflag(3);
        save("location");
        exit;
    }
    if ($rm == "INFO") $xavp(reg=>rlf_bflags) = 8;
    lookup("location");
    sl_send_reply("200", "$rc $ru $(branch(uri)[0])");
}
)cfg");
    users.start();
    (void)users.send(Register("paul", "<sip:1@h>;q=0.9"));
    (void)users.send(Register("paul", "<sip:2@h>;q=0.1").header("X-Flag", "yes"));
    CHECK(users.where("paul") == "1 sip:1@h sip:2@h");
    CHECK(users.where("paul", "INFO") == "1 sip:2@h <null>");
    (void)users.send(Register("anna", "<sip:3@h>"));
    CHECK(users.where("anna", "INFO") == "-1 sip:anna@example.test <null>");
}

TEST_CASE("registered() with a Call-ID in reg_callid_avp") {
    Users users("modparam(\"registrar\", \"reg_callid_avp\", \"$avp(call)\")", 8 << 20, R"cfg(
request_route {
    if ($rm == "REGISTER") { save("location"); exit; }
    if ($hdr(X-Call) != $null) $avp(call) = $hdr(X-Call);
    registered("location");
    sl_send_reply("200", "$rc");
}
)cfg");
    users.start();
    (void)users.send(Register("paul", "<sip:1@h>").call_id("one"));
    const auto registered = [&](const std::string& call_id) {
        Request request("INFO", "sip:paul@example.test");
        if (!call_id.empty()) request.header("X-Call", call_id);
        users.receive(request.str());
        return start_line(users.take().bytes).substr(12);
    };
    CHECK(registered("") == "1");
    CHECK(registered("one") == "1");
    CHECK(registered("two") == "-1");
}

TEST_CASE("a first hop that is this server is left out when that is wanted") {
    Users users(
        "modparam(\"registrar\", \"use_path\", 1) modparam(\"registrar\", \"path_mode\", 0) "
        "modparam(\"registrar\", \"path_check_local\", 1)");
    users.start();
    (void)users.send(Register("one", "<sip:1@h>").header("Path", "<sip:127.0.0.1:5060;lr>"));
    (void)users.send(
        Register("two", "<sip:1@h>").header("Path", "<sip:127.0.0.1:5060;lr>, <sip:p2;lr>"));
    (void)users.send(Register("three", "<sip:1@h>").header("Path", "<sip:p3;lr>, <sip:p2;lr>"));
    CHECK(users.where("one") == "1 sip:1@h <null> <null>");
    CHECK(users.where("two") == "1 sip:1@h sip:p2;lr <null>");
    CHECK(users.where("three") == "1 sip:1@h sip:p3;lr <null>");
}

TEST_CASE("save() and lookup() with each allocation failing: refused, whole, nothing lost") {
    Users users;
    users.start();
    (void)users.send(Register("rose", "<sip:1@h>"));
    const std::string before = users.contacts(Register("rose"));
    bool refused = true;
    for (std::uint64_t n = 1; refused && n < 50; ++n) {
        users.segment->fail_nth(n);
        const std::string line = users.status(Register("rose", "<sip:2@h>, <sip:1@h>;expires=0"));
        users.segment->fail_nth(0);
        refused = line == "SIP/2.0 500 Server Internal Error";
        if (refused) CHECK(users.contacts(Register("rose")) == before);
    }
    CHECK_FALSE(refused);
    CHECK(users.contacts(Register("rose")) == "<sip:2@h>;expires=3600");
    users.segment->fail_nth(1);
    CHECK(users.where("rose").starts_with("1 sip:2@h"));
    users.segment->fail_nth(0);
    (void)users.send(Register("rose", "*").header("Expires", "0"));
    CHECK(users.leaks().empty());
}

TEST_CASE("hostile requests are answered and change nothing that they should not") {
    Users users;
    users.start();
    const std::string many = [] {
        std::string all = "<sip:0@h>";
        for (int i = 1; i < 300; ++i) all += ", <sip:" + std::to_string(i) + "@h>";
        return all;
    }();
    CHECK(users.status(Register("sara", many)) == "SIP/2.0 200 OK");
    CHECK(users.where("sara").starts_with("1 sip:299@h"));
    CHECK(users.status(Register("sara", "*").header("Expires", "0")) == "SIP/2.0 200 OK");
    for (const std::string_view contact :
         {"<>", "<sip:>", ",", ",,,", "\"", "<sip:a@h>;expires=\"", "<sip:a@h>;q=", "<sip:a@h>;q=.",
          "<sip:a@h>;+sip.instance", "<sip:a@h>;reg-id=999999999999", "sip:a@h;expires=10;;;"})
        CHECK(users.status(Register("sara", std::string(contact))).starts_with("SIP/2.0 "));
    (void)users.send(Register("sara", "*").header("Expires", "0"));
    CHECK(users.leaks().empty());
}

TEST_CASE("q values") {
    Users users;
    users.start();
    const auto q = [&](const std::string& text) {
        return parameter(users.contacts(Register("tess", "<sip:1@h>;q=" + text)), "q");
    };
    CHECK(q("0") == "0");
    CHECK(q("1.000") == "1");
    CHECK(q("0.12345") == "0.123");
    CHECK(q(".5") == "0.5");
    CHECK(q("1.") == "1");
    for (const std::string wrong : {"1.001", "2", "-0.5", "0.x", "abc"})
        CHECK(users.status(Register("tess", "<sip:1@h>;q=" + wrong)) == "SIP/2.0 400 Bad Request");
}
