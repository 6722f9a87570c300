// Transformations: one row each, with what Kamailio 5.6 gives for the same.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "cfg/config.h"
#include "cfg/transform.h"
#include "test/cfg/script_host.h"

using namespace fairlead;

namespace {

struct Row {
    const char *in, *transform, *out;
};

std::string transformed(const Row& row) {
    test::ScriptHost host;
    return host.said(std::string("$var(s) = ") + row.in + "; say(\"$(var(s)" + row.transform +
                     ")\");");
}

}  // namespace

TEST_CASE("transformations of strings") {
    const Row rows[] = {
        {"'Hello'", "{s.len}", "5"},
        {"'Hello'", "{s.md5}", "8b1a9953c4611296a827abf8c47804d7"},
        {"'Hello'", "{s.sha256}",
         "185f8db32271fe25f561a6fc938b2e264306ec304eda518007d1764826381969"},
        {"'Hello'", "{s.substr,1,3}", "ell"},
        {"'Hello'", "{s.substr,-4,0}", "ello"},
        {"'Hello'", "{s.substr,-3,2}", "ll"},
        {"'Hello'", "{s.substr,9,2}", ""},
        {"'Hello'", "{s.substr,2,99}", "llo"},
        {"'a,b,c'", "{s.select,-1,,}", "c"},
        {"'a,b,c'", "{s.select,0,,}", "a"},
        {"'a,b,c'", "{s.select,9,,}", ""},
        {"'a;b;c'", "{s.select,1,;}", "b"},
        {"'Hello'", "{s.encode.hexa}", "48656c6c6f"},
        {"'48656c6c6f'", "{s.decode.hexa}", "Hello"},
        {"'4865zz'", "{s.decode.hexa}", ""},
        {"'Hello'", "{s.encode.base64}", "SGVsbG8="},
        {"'SGVsbG8='", "{s.decode.base64}", "Hello"},
        {"'a,b,c'", "{s.count,,}", "2"},
        {"'a,b,c'", "{s.before,c}", "a,b,"},
        {"'a,b,c'", "{s.after,b}", ",c"},
        {"'a,b,c'", "{s.rbefore,,}", "a,b"},
        {"'a,b,c'", "{s.rafter,,}", "c"},
        {"'a,b,c'", "{s.urlencode.param}", "a%2cb%2cc"},
        {"'a%2cb'", "{s.urldecode.param}", "a,b"},
        {"'42'", "{s.int}", "42"},
        {"'Hello'", "{s.int}", ""},
        {"'Hello'", "{s.tolower}{s.strip,1}", "ello"},
        {"'Hello'", "{s.toupper}{s.striptail,2}", "HEL"},
        {"'Hello'", "{S.Strip,9}", ""},
        {"'Hello'", "{s.stripto,l}", "llo"},
        {"'a-b-c'", "{s.replace,-,::}", "a::b::c"},
        {"'a-b-c'", "{s.rm,-}", "abc"},
        {"' a b '", "{s.trim}", "a b"},
        {"' a b '", "{s.ltrim}", "a b "},
        {"' a b '", "{s.rtrim}", " a b"},
        {"' a b '", "{s.rmws}", "ab"},
        {"'+1 (23)'", "{s.numeric}", "123"},
        {"'\"x\"'", "{s.unquote}", "x"},
        {"'<x>'", "{s.unbracket}", "x"},
        {"12345", "{s.len}", "5"},
        {"'Hello'", "{s.substr,$var(zero),$(rm{s.len})}", "Hello"},
    };
    for (const Row& row : rows) {
        INFO(row.in << row.transform);
        CHECK(transformed(row) == row.out);
    }
}

TEST_CASE("encodings, lists, expressions and plain values") {
    const Row rows[] = {
        {"'Hello'", "{s.prefixes,2}", "H,He"},
        {"'Hello'", "{s.prefixes.quoted,2}", "'H','He'"},
        {"'Hello'", "{s.encode.base58}", "9Ajdvzr"},
        {"'9Ajdvzr'", "{s.decode.base58}", "Hello"},
        {"'0OIl'", "{s.decode.base58}", ""},
        {"'Hello'", "{s.encode.7bit}", "C8329BFD06"},
        {"'C8329BFD06'", "{s.decode.7bit}", "Hello"},
        {"'Hello'", "{s.encode.base64urlt}{s.decode.base64urlt}", "Hello"},
        {"'abcdefg'", "{s.fmtlines,3,1}", "abc\r\n def\r\n g"},
        {"'say \"x\"'", "{s.escape.csv}", "\"say \"\"x\"\"\""},
        {"'al ice@x'", "{s.escape.user}", "al%20ice%40x"},
        {"'abc abc'", "{re.subst,/(b)|z/<\\1>/g}", "a<b>c a<b>c"},
        {"'abc'", "{re.subst,/x*/-/g}", "-a-b-c-"},
        {"'x'", "{sql.val}", "'x'"},
        {"5", "{val.jsonqe}", "5"},
    };
    for (const Row& row : rows) {
        INFO(row.in << row.transform);
        CHECK(transformed(row) == row.out);
    }
}

TEST_CASE("transformations of URIs, parameters and addresses") {
    const Row rows[] = {
        {"'sip:al:pw@h.com:5070;transport=tcp;lr?X=1'", "{uri.user}", "al"},
        {"'sip:al:pw@h.com:5070;transport=tcp;lr?X=1'", "{uri.passwd}", "pw"},
        {"'sip:al:pw@h.com:5070;transport=tcp;lr?X=1'", "{uri.host}", "h.com"},
        {"'sip:al:pw@h.com:5070;transport=tcp;lr?X=1'", "{uri.port}", "5070"},
        {"'sip:al:pw@h.com:5070;transport=tcp;lr?X=1'", "{uri.params}", "transport=tcp;lr"},
        {"'sip:al:pw@h.com:5070;transport=tcp;lr?X=1'", "{uri.headers}", "X=1"},
        {"'sip:al:pw@h.com:5070;transport=tcp;lr?X=1'", "{uri.transport}", "tcp"},
        {"'sip:al@h.com:5070;transport=tcp'", "{uri.tosocket}", "tcp:h.com:5070"},
        {"'sip:al@h.com:5070;transport=tcp'", "{uri.saor}", "sip:al@h.com"},
        {"'sip:al@h.com:5070;transport=tcp'", "{uri.suri}", "sip:al@h.com:5070;transport=tcp"},
        {"'sip:al@h.com:5070;transport=tcp'", "{uri.duri}", "sip:h.com:5070;transport=tcp"},
        {"'sip:al@h.com;x=y'", "{uri.param,x}", "y"},
        {"'no uri'", "{uri.user}", ""},
        {"'sip:h.com'", "{uri.port}", ""},
        {"'sip:a@10.0.0.1:5070;transport=tcp'", "{urialias.encode}", "10.0.0.1~5070~2"},
        {"'10.0.0.1~5070~2'", "{urialias.decode}", "sip:10.0.0.1:5070;transport=tcp"},
        {"'10.0.0.1~5070~9'", "{urialias.decode}", ""},
        {"'udp:[::1]:5060'", "{sock.host}", "[::1]"},
        {"'/p?q=1'", "{url.querystring}", "q=1"},
        {"'a=\"x;y\"'", "{param.value,a}", "x;y"},
        {"'a=1;b=2;c=x'", "{param.count}", "3"},
        {"'a=1;b=2;c=x'", "{param.valueat,1}", "2"},
        {"'a=1;b=2;c=x'", "{param.valueat,-1}", "x"},
        {"'a=1;b=2;c=x'", "{param.name,2}", "c"},
        {"'a=1;b=2;c=x'", "{param.value,b}", "2"},
        {"'a=1;b=2;c=x'", "{param.in,b}", "1"},
        {"'a=1;b=2;c=x'", "{param.in,z}", "0"},
        {"'a=1&b=2'", "{param.value,b,&}", "2"},
        {"'\"Al B\" <sip:al@h.com>;tag=tg1;x=2'", "{nameaddr.uri}", "sip:al@h.com"},
        {"'\"Al B\" <sip:al@h.com>;tag=tg1;x=2'", "{nameaddr.len}", "21"},
        {"'\"Al B\" <sip:al@h.com>;tag=tg1;x=2'", "{tobody.params}", "tag=tg1;x=2"},
        {"'\"Al B\" <sip:al@h.com>;tag=tg1;x=2'", "{tobody.tag}", "tg1"},
        {"'\"Al B\" <sip:al@h.com>;tag=tg1;x=2'", "{tobody.user}", "al"},
    };
    for (const Row& row : rows) {
        INFO(row.in << row.transform);
        CHECK(transformed(row) == row.out);
    }
}

TEST_CASE("results are bounded: none rather than one without end") {
    test::ScriptHost host;
    host.toy().values["v"] = Value();
    host.run(
        "$var(s) = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';"
        "$var(s) = $var(s) + $var(s) + $var(s) + $var(s) + $var(s) + $var(s) + $var(s);"
        "$var(s) = $var(s) + $var(s) + $var(s) + $var(s) + $var(s) + $var(s) + $var(s);"
        "$var(s) = $var(s) + $var(s) + $var(s) + $var(s) + $var(s) + $var(s) + $var(s);"
        "say(\"$(var(s){s.len}) $(var(s){s.prefixes}{s.len}) $(var(s){s.encode.base58}) "
        "$(var(s){s.replace,a,$var(s)}{s.len}) $(var(s){s.replace,a,bb}{s.len})\");");
    REQUIRE_FALSE(host.toy().said.empty());
    CHECK(host.toy().said.back() == "10976    21952");
}

TEST_CASE("each transformation is in the table that the documentation shows") {
    const std::string table = cfg::describe_transforms();
    CHECK(table.find("| `{s.substr,number[,number]}` |") != std::string::npos);
    CHECK(table.find("| `{re.subst,/expression/replacement/flags}` |") != std::string::npos);
    for (const auto rows : cfg::all_transforms()) {
        for (const cfg::TransformRow& row : rows) {
            INFO(row.group << '.' << row.name);
            CHECK_FALSE(row.doc.empty());
            CHECK(cfg::find_transform(row.group, row.name) == &row);
        }
    }
}

TEST_CASE("transformations of MSRP URIs") {
    // As Kamailio 5.6.3 gives them.
    const auto all = [](const std::string& uri) {
        test::ScriptHost host;
        std::string text;
        for (const char* part :
             {"user", "userinfo", "host", "port", "session", "proto", "scheme", "params"})
            text += std::string("$(var(s){msrpuri.") + part + "})|";
        return host.said("$var(s) = '" + uri + "'; say(\"" + text + "\");");
    };
    CHECK(all("msrps://alice:pw@host.org:2855/s1id;tcp;a=b;c") ==
          "alice|alice:pw|host.org|2855|s1id|tcp|msrps|tcp;a=b;c|");
    CHECK(all("msrp://10.0.0.1/ss") == "||10.0.0.1||ss||msrp||");
    CHECK(all("msrp://alice@10.0.0.1:2000;tcp") == "alice|alice|10.0.0.1|2000||tcp|msrp||");
    CHECK(all("msrp://[2001:db8::1]:99/abc;ws") == "||[2001:db8::1]|99|abc|ws|msrp||");
    CHECK(all("MSRP://h/;tcp") == "||h|||tcp|MSRP||");
    for (const char* bad : {"msrp://h:99999/ab;tcp", "msrp://h:x/ab;tcp", "msrp:///ab;tcp",
                            "msrp://h/a;", "sip:a@b", "", "msrp://[::1/x", "msrp://h:/x"})
        CHECK(all(bad) == "||||||||");
}
