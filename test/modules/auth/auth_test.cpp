// auth: challenges, and the check of what comes back. Codes and forms are those of Kamailio 5.6.3;
// nonces are our own. SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "modules/auth/digest.h"
#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;
using auth::Hash;

namespace {

/// A server whose route challenges with `flags` and says the code in the reply's phrase.
struct Gate : ModuleHost {
    explicit Gate(const std::string& more = {}, const std::string& flags = "0",
                  const std::string& check = "pv_auth_check(\"realm\", \"pw\", \"0\", \"1\")") {
        config("loadmodule \"sl\"\nloadmodule \"pv\"\nloadmodule \"auth\"\n" + more +
               "\nrequest_route { if ($rm == \"INFO\") { has_credentials(\"realm\"); "
               "sl_send_reply(\"200\", \"has $rc\"); exit; }\n"
               "$var(code) = " +
               check +
               ";\n$shv(code) = $var(code);\n"
               "if ($var(code) < 0) { auth_challenge(\"realm\", \"" +
               flags +
               "\"); exit; }\n"
               "consume_credentials(); $shv(consumed) = $rc; forward(); }\n");
        start();
    }
    /// What comes back or goes on, and the code of the check.
    std::string send(const Request& request) {
        receive(request.str());
        const std::string out = pending() != 0 ? take().bytes : "";
        code = static_cast<int>(shared("code"));
        return out;
    }
    std::int64_t shared(std::string_view name) {
        Arena arena;
        Message m(arena);
        return variable(m, "shv", name).integer();
    }
    int code = 0;
};

std::string challenge_of(const std::string& reply) {
    return header(reply, "Proxy-Authenticate")
        .value_or(header(reply, "WWW-Authenticate").value_or(""));
}

std::string quoted(const std::string& line, const std::string& name) {
    const std::size_t at = line.find(name + "=\"");
    if (at == std::string::npos) return {};
    const std::size_t from = at + name.size() + 2;
    return line.substr(from, line.find('"', from) - from);
}

struct Answer {
    std::string user = "alice", password = "pw", qop = {}, nc = "00000001";
    Hash hash = Hash::md5;
    bool session = false;
};

std::string credentials(const std::string& reply, const Answer& a = {},
                        const std::string& method = "INVITE",
                        const std::string& uri = "sip:bob@192.0.2.2") {
    const std::string nonce = quoted(challenge_of(reply), "nonce");
    std::string ha1 = auth::digest(a.hash, {a.user, "realm", a.password});
    if (a.session) ha1 = auth::digest(a.hash, {ha1, nonce, "cn"});
    const std::string ha2 = auth::digest(a.hash, {method, uri});
    const std::string response = a.qop.empty()
                                     ? auth::digest(a.hash, {ha1, nonce, ha2})
                                     : auth::digest(a.hash, {ha1, nonce, a.nc, "cn", a.qop, ha2});
    return "Digest username=\"" + a.user + "\", realm=\"realm\", nonce=\"" + nonce + "\", uri=\"" +
           uri + "\", response=\"" + response + "\"" +
           (a.hash == Hash::sha256 ? ", algorithm=SHA-256" : ", algorithm=MD5") +
           (a.session ? "-sess" : "") +
           (a.qop.empty() ? "" : ", qop=" + a.qop + ", nc=" + a.nc + ", cnonce=\"cn\"");
}

Request invite(const std::string& given = {}) {
    Request request("INVITE", "sip:bob@192.0.2.2");
    request.set("From", "<sip:alice@example.org>;tag=ft");
    if (!given.empty()) request.header("Proxy-Authorization", given);
    return request;
}

}  // namespace

TEST_CASE("the examples of RFC 7616 3.9.1") {
    const auth::Credentials given{.user = "Mufasa",
                                  .realm = "http-auth@example.org",
                                  .nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
                                  .uri = "/dir/index.html",
                                  .algorithm = {},
                                  .qop = "auth",
                                  .nc = "00000001",
                                  .cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"};
    const auto answer = [&](Hash hash) {
        auth::Credentials c = given;
        if (hash == Hash::sha256) c.algorithm = "SHA-256";
        const std::string ha1 = auth::digest(hash, {c.user, c.realm, "Circle of Life"});
        return auth::expected_response(hash, c, ha1, "GET", "").value_or("");
    };
    CHECK(answer(Hash::md5) == "8ca523f5e9506fed4657c9700eebdbec");
    CHECK(answer(Hash::sha256) ==
          "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}

TEST_CASE("challenges have the form that the flags ask for") {
    const auto said = [](const std::string& flags, const std::string& more = {}) {
        Gate gate(more, flags);
        const std::string reply = gate.send(invite());
        CHECK(start_line(reply) == "SIP/2.0 407 Proxy Authentication Required");
        CHECK(gate.code == -5);
        std::string line = challenge_of(reply);
        const std::string nonce = quoted(line, "nonce");
        CHECK(nonce.size() >= 32);
        return line.replace(line.find(nonce), nonce.size(), "N");
    };
    CHECK(said("0") == "Digest realm=\"realm\", nonce=\"N\"");
    CHECK(said("1") == "Digest realm=\"realm\", nonce=\"N\", qop=\"auth\"");
    CHECK(said("2") == "Digest realm=\"realm\", nonce=\"N\", qop=\"auth-int\"");
    CHECK(said("3") == "Digest realm=\"realm\", nonce=\"N\", qop=\"auth-int\"");
    CHECK(said("16") == "Digest realm=\"realm\", nonce=\"N\", stale=true");
    CHECK(said("0", "modparam(\"auth\", \"algorithm\", \"SHA-256\")") ==
          "Digest realm=\"realm\", nonce=\"N\", algorithm=SHA-256");
    CHECK(said("0", "modparam(\"auth\", \"qop\", \"auth\")") ==
          "Digest realm=\"realm\", nonce=\"N\", qop=\"auth\"");
    Gate gate;
    CHECK(start_line(gate.send(Request("REGISTER"))) == "SIP/2.0 401 Unauthorized");
}

TEST_CASE("the right password is accepted, and its header consumed") {
    Gate gate;
    const std::string reply = gate.send(invite());
    const std::string out = gate.send(invite(credentials(reply)));
    CHECK(gate.code == 1);
    CHECK(gate.shared("consumed") == 1);
    CHECK(start_line(out).starts_with("INVITE "));
    CHECK_FALSE(header(out, "Proxy-Authorization"));
    CHECK(gate.statistic("auth", "accepted") == 1);
    gate.send(invite(credentials(reply, {.password = "guess"})));
    CHECK(gate.code == -2);
    gate.send(invite(credentials(reply, {.user = "carol"})));
    CHECK(gate.code == -8);
    gate.send(invite(credentials(reply, {.qop = "auth"})));
    CHECK(gate.code == 1);
    gate.send(invite(credentials(reply, {}, "BYE")));
    CHECK(gate.code == -2);
}

TEST_CASE("$Au and $AU are who was accepted, else who From says") {
    const auto payer = [](const std::string& user, const std::string& password) {
        // Both are said in the code's place: what the check is for is done first.
        Gate gate("", "0",
                  "pv_proxy_authenticate(\"realm\", \"pw\", \"0\"); $shv(payer) = \"\" + $Au + "
                  "\" \" + $AU; $var(code) = $rc");
        const std::string challenge = gate.send(invite());
        (void)gate.send(invite(credentials(challenge, {.user = user, .password = password})));
        Arena arena;
        Message m(arena);
        return std::string(gate.variable(m, "shv", "payer").string());
    };
    // As Kamailio 5.6.3 says it.
    CHECK(payer("joe", "pw") == "joe@realm joe");
    CHECK(payer("joe@cred.org", "pw") == "joe@cred.org joe");
    CHECK(payer("joe", "wrong") == "alice@example.org alice");
}

TEST_CASE("SHA-256 in place of MD5") {
    Gate gate("modparam(\"auth\", \"algorithm\", \"SHA-256\")");
    const std::string reply = gate.send(invite());
    gate.send(invite(credentials(reply, {.hash = Hash::sha256})));
    CHECK(gate.code == 1);
    gate.send(invite(credentials(reply)));
    CHECK(gate.code == -1);
}

TEST_CASE("a password that is a hash already") {
    const std::string ha1 = auth::digest(Hash::md5, {"alice", "realm", "pw"});
    Gate gate("", "0", "pv_proxy_authenticate(\"realm\", \"" + ha1 + "\", \"1\")");
    gate.send(invite(credentials(gate.send(invite()))));
    CHECK(gate.code == 1);
}

TEST_CASE("a nonce grows old, and a forged one is worth nothing") {
    Gate gate("modparam(\"auth\", \"nonce_expire\", 10)");
    const std::string reply = gate.send(invite());
    std::string forged = credentials(reply);
    const std::size_t at = forged.find("nonce=\"") + 7;
    forged[at] = forged[at] == '0' ? '1' : '0';
    gate.send(invite(forged));
    CHECK(gate.code == -1);
    gate.send(invite(credentials("Proxy-Authenticate: x\r\n")));
    CHECK(gate.code == -1);
    gate.advance(Ms{9000});
    gate.send(invite(credentials(reply)));
    CHECK(gate.code == 1);
    gate.advance(Ms{3000});
    gate.send(invite(credentials(reply)));
    CHECK(gate.code == -4);
    Gate other("modparam(\"auth\", \"nonce_expire\", 10)");
    other.send(invite(credentials(gate.send(invite()))));
    CHECK(other.code == -1);  // another secret
}

TEST_CASE("with nonce_count a count is good once") {
    Gate gate(
        "modparam(\"auth\", \"nonce_count\", 1)\nmodparam(\"auth\", \"qop\", \"auth\")\n"
        "modparam(\"auth\", \"nc_array_order\", 8)");
    const std::string reply = gate.send(invite());
    const auto with = [&](const std::string& nc) {
        gate.send(invite(credentials(reply, {.qop = "auth", .nc = nc})));
        return gate.code;
    };
    CHECK(with("00000001") == 1);
    CHECK(with("00000001") == -4);
    CHECK(with("00000003") == 1);
    CHECK(with("00000002") == -4);
    CHECK(with("000000ff") == 1);
    CHECK(with("00000100") == -4);
    CHECK(with("0000000x") == -1);
    CHECK(with("fffffffff") == -1);
    // A wrong password uses up nothing.
    const std::string next = gate.send(invite());
    gate.send(invite(credentials(next, {.password = "guess", .qop = "auth"})));
    CHECK(gate.code == -2);
    gate.send(invite(credentials(next, {.qop = "auth"})));
    CHECK(gate.code == 1);
    // The table is bounded: newer nonces overwrite older ones.
    const std::string old = gate.send(invite());
    for (int i = 0; i < 256; ++i) gate.send(invite());
    gate.send(invite(credentials(old, {.qop = "auth"})));
    CHECK(gate.code == -4);
}

TEST_CASE("with one_time_nonce a nonce is good once") {
    Gate gate(
        "modparam(\"auth\", \"one_time_nonce\", 1)\n"
        "modparam(\"auth\", \"otn_in_flight_order\", 8)");
    const std::string reply = gate.send(invite());
    gate.send(invite(credentials(reply)));
    CHECK(gate.code == 1);
    gate.send(invite(credentials(reply)));
    CHECK(gate.code == -6);
}

TEST_CASE("nonces may be bound to parts of the request") {
    Gate gate("modparam(\"auth\", \"auth_checks_no_dlg\", 2)");
    const std::string reply = gate.send(invite().call_id("one"));
    gate.send(invite(credentials(reply)).call_id("two"));
    CHECK(gate.code == -4);
    gate.send(invite(credentials(reply)).call_id("one"));
    CHECK(gate.code == 1);
}

TEST_CASE("credentials that cannot be read are an error, those of other realms are none") {
    Gate gate;
    const auto code = [&](const std::string& value) {
        gate.send(invite(value));
        return gate.code;
    };
    CHECK(code("Digest foo") == -1);
    CHECK(code("Digest username=\"a\", realm=\"realm\"") == -1);
    CHECK(code("Basic abc") == -1);
    CHECK(code("Digest username=\"a\", realm=\"other\", nonce=\"x\"") == -5);
    CHECK(code("Digest " + std::string(8000, ',')) == -1);
    CHECK(code("Digest username=\"" + std::string(8000, 'x')) == -1);
    gate.send(Request("INFO").header("Authorization", "Digest username=\"a\", realm=\"realm\""));
    CHECK(gate.pending() == 0);
}

TEST_CASE("ACK and CANCEL pass without credentials") {
    Gate gate;
    CHECK(start_line(gate.send(Request("ACK"))).starts_with("ACK "));
    CHECK(gate.code == 1);
    CHECK(gate.shared("consumed") == -1);
}

TEST_CASE("has_credentials looks at both headers") {
    Gate gate;
    const auto has = [&](const std::string& name, const std::string& realm) {
        return start_line(gate.send(
            Request("INFO").header(name, "Digest username=\"a\", realm=\"" + realm + "\"")));
    };
    CHECK(has("Authorization", "realm") == "SIP/2.0 200 has 1");
    CHECK(has("Proxy-Authorization", "realm") == "SIP/2.0 200 has 1");
    CHECK(has("Authorization", "other") == "SIP/2.0 200 has -1");
}

TEST_CASE("realm_prefix is taken off realms") {
    Gate gate("modparam(\"auth\", \"realm_prefix\", \"re\")", "0",
              "pv_proxy_authenticate(\"alm\", \"pw\", \"0\")");
    const std::string reply = gate.send(invite());
    CHECK(quoted(challenge_of(reply), "realm") == "alm");
    gate.send(invite(credentials(reply)));
    CHECK(gate.code == 1);
}

TEST_CASE("wrong parameters are refused in words") {
    const auto refused = [](std::string_view name, std::string_view value) {
        ModuleHost host;
        host.load("sl");
        host.load("auth");
        host.param("auth", name, value);
        return !host.try_start().has_value();
    };
    CHECK(refused("algorithm", "MD4"));
    CHECK(refused("qop", "auth-conf"));
    CHECK_FALSE(refused("qop", "auth-int"));
}

TEST_CASE("the session forms of algorithms are taken with a client's nonce") {
    for (const Hash hash : {Hash::md5, Hash::sha256}) {
        Gate gate(hash == Hash::md5 ? "" : "modparam(\"auth\", \"algorithm\", \"SHA-256\")", "1");
        const std::string first = gate.send(invite());
        const std::string good = credentials(first, {.qop = "auth", .hash = hash, .session = true});
        (void)gate.send(invite(good));
        CHECK(gate.code == 1);
        (void)gate.send(invite(
            credentials(first, {.password = "px", .qop = "auth", .hash = hash, .session = true})));
        CHECK(gate.code == -2);
        (void)gate.send(invite(credentials(first, {.hash = hash, .session = true})));
        CHECK(gate.code == -1);
    }
}

TEST_CASE("Authentication-Info proves that the server knows the password, as Kamailio writes it") {
    const std::string check =
        "pv_auth_check(\"realm\", \"pw\", \"0\", \"1\");"
        "if ($rU == \"here\" && $var(code) > 0) { sl_send_reply(\"404\", \"Gone\"); exit; }"
        "$var(code) = $var(code)";
    const auto answered = [&](const std::string& parameters, const std::string& qop) {
        Gate gate(parameters, "1", check);
        const std::string uri = "sip:here@192.0.2.2";
        const auto request = [&](const std::string& given) {
            Request out("INVITE", uri);
            out.set("From", "<sip:alice@example.org>;tag=ft");
            return given.empty() ? out : out.header("Proxy-Authorization", given);
        };
        const std::string first = gate.send(request(""));
        const std::string nonce = quoted(challenge_of(first), "nonce");
        const std::string reply =
            gate.send(request(credentials(first, {.qop = qop}, "INVITE", uri)));
        return std::pair(nonce, header(reply, "Authentication-Info").value_or("none"));
    };
    const std::string on = "modparam(\"auth\", \"add_authinfo_hdr\", 1)";
    CHECK(answered("", "auth").second == "none");
    const std::string ha1 = auth::digest(Hash::md5, {"alice", "realm", "pw"});
    const std::string ha2 = auth::digest(Hash::md5, {"", "sip:here@192.0.2.2"});
    {
        const auto [nonce, info] = answered(on, "auth");
        CHECK(info == "nextnonce=\"" + nonce + "\", qop=auth, rspauth=\"" +
                          auth::digest(Hash::md5, {ha1, nonce, "00000001", "cn", "auth", ha2}) +
                          "\", cnonce=\"cn\", nc=00000001");
    }
    {
        const auto [nonce, info] = answered(on, "");
        CHECK(info == "nextnonce=\"" + nonce + "\", rspauth=\"" +
                          auth::digest(Hash::md5, {ha1, nonce, ha2}) + "\"");
    }
    {
        const auto [nonce, info] =
            answered(on + "modparam(\"auth\", \"one_time_nonce\", 1)", "auth");
        CHECK(quoted(info, "nextnonce").size() == nonce.size());
        CHECK(quoted(info, "nextnonce") != nonce);
    }
}
