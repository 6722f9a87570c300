// pv: what each variable reads, and what happens when it is set.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <fmt/format.h>

#include "core/base/log.h"
#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using test::ModuleHost;

namespace {

class Lines final : public log::Sink {
public:
    Lines() { log::set_sink(this); }
    ~Lines() { log::set_sink(nullptr); }
    void write(log::Level, std::string_view module, std::string_view place,
               std::string_view text) noexcept override {
        if (module == "<script>" && place.empty()) script.emplace_back(text);
    }
    std::vector<std::string> script;
};

/// Runs statements on a message, gives what xlog wrote, joined with a bar.
class Run {
public:
    explicit Run(std::string_view body, std::string_view before = {}) {
        host_.config(
            fmt::format("loadmodule \"pv\"\nloadmodule \"xlog\"\n{}\n"
                        "request_route {{ {} }}\nreply_route {{ {} }}\n",
                        before, body, body));
        host_.start();
    }
    std::string on(std::string_view message) {
        lines_.script.clear();
        host_.receive(message, "192.0.2.1:5062");
        std::string out;
        for (const std::string& line : lines_.script) out += (out.empty() ? "" : "|") + line;
        return out;
    }
    ModuleHost& host() { return host_; }

private:
    Lines lines_;
    ModuleHost host_;
};

std::string invite() {
    return test::Request("INVITE", "sip:bob:pw@example.com:5070;transport=tcp")
        .set("From", "\"Al B\" <sip:alice@a.org;x=1>;tag=f1")
        .set("To", "<sip:bob@b.org>")
        .call_id("cid1")
        .header("X-A", "v1")
        .header("X-A", "v2")
        .header("User-Agent", "UA/1")
        .set("Contact", "<sip:c@d>")
        .body("v=0\r\n")
        .str();
}

std::string shows(std::string_view text) {
    return Run(fmt::format("xlog(\"{}\");", text)).on(invite());
}
std::string does(std::string_view body, std::string_view before = {}) {
    return Run(body, before).on(invite());
}

}  // namespace

TEST_CASE("what variables read in a request") {
    struct Row {
        const char *text, *shown;
    };
    const Row rows[] = {
        {"$ru", "sip:bob:pw@example.com:5070;transport=tcp"},
        {"$rU $rd $rp $rP $rz $rUl", "bob example.com 5070 tcp sip 3"},
        {"$ou $oU $od $op", "sip:bob:pw@example.com:5070;transport=tcp bob example.com 5070"},
        {"$du $dd $dp", "<null> <null> <null>"},
        {"$fu $fU $fd $fn $ft", "sip:alice@a.org;x=1 alice a.org \"Al B\" f1"},
        {"$tu $tU $td $tn $tt", "sip:bob@b.org bob b.org <null> <null>"},
        {"$rm $rv $rs $rr $mt $mts", "INVITE SIP/2.0 <null> <null> 1 rq"},
        {"$ci $cs $ua $ct $cT", "cid1 1 UA/1 <sip:c@d> application/sdp"},
        {"$cl $bs $rb", "5 5 v=0"},
        {"$si $sp $pr $proto $prid", "192.0.2.1 5062 udp udp 1"},
        {"$Ri $Rp $su $sas", "127.0.0.1 5060 sip:192.0.2.1:5062 udp:192.0.2.1:5062"},
        {"$hdr(X-A) $(hdr(x-a)[1]) $(hdr(X-A)[-1]) $(hdr(X-A)[*]) $hdrc(X-A)", "v1 v2 v2 v1,v2 2"},
        {"$hdr(No) $(hdr(X-A)[2]) $(hdr(X-A)[-3]) $hdrc(No)", "<null> <null> <null> 0"},
        {"$hdr(Call-ID) $hdr(i) $hdrc(f)", "cid1 cid1 1"},
        {"$(hdr(No){s.len})|$(ru{uri.user})", "|bob"},
        {"$nh(u) $nh(d) $nh(P)", "sip:bob:pw@example.com:5070;transport=tcp example.com tcp"},
        {"$mf $mF $sf $bf", "0 00000000 0 0"},
        {"$K(UDP) $K(TCP) $K(IPv6)", "1 2 10"},
        {"$TS $Ts", "1700001000 1700001000"},
        {"$utimef(%Y-%m-%d)", "2023-11-14"},
        {"$branch(count) $br", "<null> <null>"},
    };
    for (const Row& row : rows) {
        INFO(row.text);
        CHECK(shows(row.text) == row.shown);
    }
}

TEST_CASE("request-line variables are null in replies") {
    Run script("xlog(\"$ru $rU $rs $rr $rm $mts\");");
    const std::string reply = test::reply(invite(), 486, "Busy Here");
    CHECK(script.on(reply) == "<null> <null> 486 Busy Here INVITE rp");
}

TEST_CASE("setting the Request-URI and its parts") {
    CHECK(does("$ru = \"sip:new@x.org\"; xlog(\"$ru $ou\");") ==
          "sip:new@x.org sip:bob:pw@example.com:5070;transport=tcp");
    CHECK(does("$rU = \"zed\"; $rd = \"h.org\"; $rp = 77; xlog(\"$ru\");") ==
          "sip:zed:pw@h.org:77;transport=tcp");
    CHECK(does("$rU = $null; xlog(\"$ru $rU\");") == "sip:example.com:5070;transport=tcp <null>");
    CHECK(does("$rp = $null; xlog(\"$ru $rp\");") == "sip:bob:pw@example.com;transport=tcp 5060");
    CHECK(does("$ru = \"tel:+123\"; xlog(\"$rU $rd $rz\");") == "+123 <null> tel");
    CHECK(does("$ru = \"bad\"; xlog(\"$ru <$rU>\");") == "<null> <<null>>");
    CHECK(does("$du = \"sip:10.0.0.1:5080\"; xlog(\"$du $dd $dp $nh(d)\"); $du = $null; "
               "xlog(\"$du\");") == "sip:10.0.0.1:5080 10.0.0.1 5080 10.0.0.1|<null>");
}

TEST_CASE("writing to From and To changes what is sent, not what is read") {
    Run script(
        "$fu = \"sip:x@y.org\"; $fn = \"Zed\"; $tn = \"Bob\"; $tU = \"rob\"; xlog(\"$fu $fn\");"
        "$du = \"sip:192.0.2.9:5060\"; forward();");
    CHECK(script.on(invite()) == "sip:alice@a.org;x=1 \"Al B\"");
    const std::string sent = script.host().take().bytes;
    CHECK(test::header(sent, "From") == "Zed <sip:x@y.org>;tag=f1");
    CHECK(test::header(sent, "To") == "Bob <sip:rob@b.org>");
}

TEST_CASE("AVPs are stacks") {
    CHECK(does("$avp(a) = 1; $avp(a) = 2; xlog(\"$avp(a) $(avp(a)[1]) $(avp(s:a)[*])\"); "
               "$avp(a) = $null; xlog(\"$avp(a)\");") == "2 1 2, 1|1");
    CHECK(does("$avp(b) = 1; $(avp(b)[0]) = 7; xlog(\"$(avp(b)[*])\"); $(avp(b)[*]) = \"x\"; "
               "xlog(\"$(avp(b)[*])\"); $(avp(b)[*]) = $null; xlog(\"$avp(b)\");") ==
          "7, 1|x|<null>");
    CHECK(does("$avp(i:5) = \"n\"; xlog(\"$avp(i:5) $avp(5) $(avp(i:5)[-1])\");") == "n <null> n");
    CHECK(does("$avp($rU) = 4; xlog(\"$avp(bob)\");") == "4");
}

TEST_CASE("private variables outlive the message and start with their first value") {
    Run script(
        "xlog(\"$var(n) $vn(n) $vz(n) $var(t)\"); $var(n) = $var(n) + 1; $vn(n) = \"s\"; "
        "if ($var(u) == $null) xlog(\"null\"); if ($vn(u) == $null) xlog(\"vn null\");",
        "modparam(\"pv\", \"varset\", \"n=i:5\")\nmodparam(\"pv\", \"varset\", "
        "\"t=s:text\")");
    CHECK(script.on(invite()) == "5 <null> 0 text|vn null");
    CHECK(script.on(invite()) == "6 s 0 text|vn null");
    CHECK(does("$var(x) = \"a\"; $var(x) = $var(x) + $var(x); $var($rU) = 3; xlog(\"$var(x) "
               "$var(bob)\"); $var(x) = $null; xlog(\"$var(x)\");") == "aa 3|0");
}

TEST_CASE("shared variables hold integers and strings of any length") {
    Run script(
        "xlog(\"$shv(a) $shv(b) $shv(c)\"); $shv(a) = \"longer text\"; $shv(b) = 7; "
        "$shv(c) = $null;",
        "modparam(\"pv\", \"shvset\", \"a=s:x\")\nmodparam(\"pv\", \"shvset\", "
        "\"b=i:5\")");
    CHECK(script.on(invite()) == "x 5 0");
    CHECK(script.on(invite()) == "longer text 7 0");
    // Setting the same again gives the old text back.
    const auto before = script.host().memory_in_use().blocks;
    (void)script.on(invite());
    CHECK(script.host().memory_in_use().blocks == before);
}

TEST_CASE("flags and branches") {
    CHECK(does("setflag(31); xlog(\"$mf $mF\"); $mf = 5; xlog(\"$mf\"); $sf = 2; $bf = 4; "
               "xlog(\"$sf $bf\");") == "2147483648 80000000|5|2 4");
    CHECK(does("$br = \"sip:a@1.1.1.1\"; $br = \"sip:b@2.2.2.2\"; $(branch(dst_uri)[1]) = "
               "\"sip:3.3.3.3\"; xlog(\"$br $bR $branch(count) $(branch(uri)[1]) "
               "$(branch(dst_uri)[-1]) $branch(q)\");") ==
          "sip:a@1.1.1.1 sip:a@1.1.1.1, sip:b@2.2.2.2 2 sip:b@2.2.2.2 sip:3.3.3.3 <null>");
    CHECK(
        does("$fs = \"udp:127.0.0.1:5060\"; xlog(\"$fs\"); $fs = \"udp:9.9.9.9:1\"; xlog(\"$fs\"); "
             "$fs = $null; xlog(\"$fs\");") == "udp:127.0.0.1:5060|udp:127.0.0.1:5060|<null>");
}

TEST_CASE("questions about variables") {
    CHECK(does("if (pv_isset(\"$rU\") && !pv_isset(\"$tt\") && not_empty(\"$rm\") && "
               "is_int(\"$rp\") && typeof(\"$tt\", \"null\")) xlog(\"yes\"); pv_unset(\"$rU\"); "
               "xlog(\"$rU\");") == "yes|<null>");
}

TEST_CASE("XAVPs: a name without index makes an entry, one with an index changes it") {
    Run run(R"cfg(
        $xavp(r=>f) = 1; $xavp(r=>f) = 2; $xavp(r[0]=>g) = "gg";
        xlog("$xavp(r=>f) $xavp(r[1]=>f) $xavp(r[0]=>g) $xavp(r[1]=>g) $xavp(r[9]=>f)");
        $xavp(r[0]=>f[0]) = 5; $xavp(r[1]) = $null;
        xlog("$xavp(r=>f) $xavp(r[1]=>f) $cnt($xavp(r))");
        $xavu(t=>u=>v) = 4; $xavu(t=>u=>v) = 6; $xavi(WhatEver=>FoO) = 1;
        xlog("$xavu(t=>u=>v) $xavi(whatever=>foo) $xavi(other)");
        xavp_params_explode("a=b;q=\"x;y\";flag", "p"); xavp_params_implode("p", "$var(out)");
        xlog("$xavp(p=>q) $var(out)");
        xavp_slist_explode("a, b,,c", ",", "t", "l"); $var(i) = 2;
        xlog("$xavp(l=>v[1]) $xavp(l=>v[$var(i)]) $xavp(l=>v[3])");
        if (!xavp_copy("none", 0, "x")) xlog("no such entry");
    )cfg");
    CHECK(run.on(invite()) ==
          "2 1 gg <null> <null>|5 <null> 1|6 1 <null>|x;y a=b;q=x;y;flag;|b c <null>|"
          "no such entry");
}

TEST_CASE("assignments to one address build upon each other") {
    Run run(
        "$fU = \"new\"; $fd = \"host.org\"; $tn = \"\\\"B\\\"\"; xlog(\"$fu "
        "$(mbu{line.sw,From})\");");
    CHECK(run.on(invite()) == "sip:alice@a.org;x=1 From: \"Al B\" <sip:new@host.org;x=1>;tag=f1");
}

TEST_CASE("names of a fixed set may come from variables, and are checked then") {
    Run run(
        "$var(n) = \"host\"; $var(b) = \"nonsense\";"
        "xlog(\"$nh($var(d)) $via0($var(n)) [$via0($var(b))]\");",
        "modparam(\"pv\", \"varset\", \"d=s:d\")");
    CHECK(run.on(test::Request("OPTIONS", "sip:h.org").str()).starts_with("h.org "));
    CHECK(run.on(test::Request("OPTIONS", "sip:h.org").str()).ends_with(" []"));
}

TEST_CASE("a branch in the making, aliases of AVPs, and selects") {
    Run run(
        "$br = \"sip:s@h.org\"; $(branch(q)[0]) = 700; $sbranch(uri) = \"sip:x@h.org\";"
        "$avp(mail) = \"al\";"
        "xlog(\"$(branch(q)[0]) $ds $sbranch(uri) $sbranch(q) $avp(s:address)\");"
        "xlog(\"$sel(ruri.user) $sel(contact.uri.host) $sel(via[1].transport) $hflc(X-A)\");",
        "modparam(\"pv\", \"avp_aliases\", \"mail=s:address\")");
    CHECK(run.on(invite()) == "700 Contact: <sip:s@h.org>;q=0.7 sip:x@h.org <null> al|bob d UDP 2");
}

TEST_CASE("cfg_get reads parameters of the configuration and what operators can change") {
    Run run(
        "if (@cfg_get.my.number == 5) xlog(\"five\");"
        "xlog(\"$sel(cfg_get.my.text) $sel(cfg_get.my.other) $sel(cfg_get.core.debug)\");",
        "my.number = 5\nmy.text = \"long\"\n");
    CHECK(run.on(invite()) == fmt::format("five|long <null> {}", static_cast<int>(log::level())));
}

TEST_CASE("time to the microsecond, and versions") {
    CHECK(shows("$TV(s) $TV(u) $TV(sn) $TV(un) $TV(Sn)") ==
          "1700001000 0 1700001000 0 1700001000.000000");
    CHECK(shows("$version(hash)") == "unknown");
}

TEST_CASE("what leaves, from where; what comes, only in event routes") {
    Run run("xlog(\"$rcv(len) $sndfrom(ip)\"); forward();",
            "onsend_route { xlog(\"$sndto(ip):$sndto(port) from "
            "$sndfrom(ip):$sndfrom(port)/$sndfrom(proto)/$sndfrom(af) $snd(sproto)\"); }");
    const std::string request = test::Request("INVITE", "sip:bob@192.0.2.7:5071").str();
    CHECK(run.on(request) == "<null> <null>|192.0.2.7:5071 from 127.0.0.1:5060/udp/2 udp");
}

TEST_CASE("$msgbuf: single bytes of the message") {
    CHECK(shows("$msgbuf(0)$msgbuf(3) $msgbuf(-1) $msgbuf(99999)") == "II <null> <null>");
    CHECK(does("$var(i) = 1; xlog(\"$msgbuf($var(i))\");") == "N");
    CHECK(does("$msgbuf(11) = \"Tom\"; xlog(\"$ru $rU\");") ==
          "sip:Tob:pw@example.com:5070;transport=tcp Tob");
    CHECK(does("$rd = \"new.org\"; $msgbuf(11) = \"T\"; xlog(\"$ru $ou\");") ==
          "sip:bob:pw@new.org:5070;transport=tcp sip:Tob:pw@example.com:5070;transport=tcp");
}

TEST_CASE("$msgbuf does not make of a message what is none") {
    for (const std::string_view change :
         {"$msgbuf(6) = \"\r\";", "$msgbuf(0) = \"\";", "$msgbuf(0) = 65;", "$msgbuf(0) = $null;",
          "$msgbuf(99999) = \"x\";", "$msgbuf(-1) = \"x\";", "$msgbuf(0) = \" \";"}) {
        INFO(change);
        CHECK(does(std::string(change) + "xlog(\"$rm $ru\");") ==
              "INVITE sip:bob:pw@example.com:5070;transport=tcp");
    }
    CHECK_THROWS(shows("$msgbuf(fline)"));
}

TEST_CASE("the branch in the making is never counted") {
    CHECK(does("$sbranch(uri) = \"sip:x@h.org\"; xlog(\"$sbranch(count)\");") == "0");
}

TEST_CASE("what lookup knows of a contact goes with its branch") {
    CHECK(does("$br = \"sip:s@h.org\"; xlog(\"$(branch(ruid)[0])\");"
               "$(branch(ruid)[0]) = \"r1\"; $(branch(location_ua)[0]) = \"UA/2\";"
               "xlog(\"$(branch(ruid)[0]) $(branch(location_ua)[0])\");") == "<null>|r1 UA/2");
}

TEST_CASE("pv_evalx fills in what the variables of a text hold") {
    // As in Kamailio's README.
    CHECK(does("$var(x) = \"test\"; $var(y) = \"$var(x)\"; pv_evalx(\"$var(z)\", \"$var(y) one\");"
               "xlog(\"$var(z)\");") == "test one");
    CHECK(does("$var(t) = '$$rU is $rU of $(rd{s.len}) bytes, $hdr(X-A) $avp(none)';"
               "pv_evalx(\"$avp(out)\", \"$var(t)\"); xlog(\"$avp(out)\");") ==
          "$rU is bob of 11 bytes, v1 <null>");
    // A name that only the text makes, and one that only a variable of the text makes.
    CHECK(does("$avp(bob) = 7; $var(t) = '$avp($rU)'; pv_evalx(\"$var(z)\", \"$var(t)\");"
               "xlog(\"$var(z)\");") == "7");
}

TEST_CASE("pv_evalx leaves its target alone when the text cannot be filled in") {
    const auto after = [](const std::string& text) {
        return does("$var(z) = \"old\"; $var(t) = '" + text +
                    "'; $var(r) = pv_evalx(\"$var(z)\", \"$var(t)\"); xlog(\"$var(r) $var(z)\");");
    };
    CHECK(after("no $nonsense") == "-1 old");
    CHECK(after("$(rU") == "-1 old");
    CHECK(after("$(rU{s.nonsense})") == "-1 old");
    CHECK(after("$cnt($avp(x))") == "-1 old");
    // As many variables as may be, and one more.
    std::string many;
    for (int i = 0; i < 64; ++i) many += "$ft";
    CHECK(after(many).starts_with("1 f1f1"));
    CHECK(after(many + "$ft") == "-1 old");
}

TEST_CASE("pv_evalx makes no names: what callers send must not fill the memory") {
    CHECK(does("$var(t) = '$var(fresh) $shv(fresh) $vn(fresh)';"
               "pv_evalx(\"$var(z)\", \"$var(t)\"); xlog(\"$var(z)\");") == "0 <null> <null>");
}

TEST_CASE("without authentication From says who pays") {
    CHECK(shows("$Au $AU") == "alice@a.org alice");
    CHECK(Run("xlog(\"$Au $AU\");")
              .on(test::Request("INVITE").set("From", "<sip:x.org>;tag=t").str()) ==
          "<null> <null>");
}
