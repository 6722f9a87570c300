// Proxy nodes through the server, on the virtual clock: every output, ordering and mode, and all
// that may come between. SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <map>

#include "test/modules/cpl/fake_usrloc.h"
#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;
using fairlead::cpl::test::FakeUsrloc;
using namespace std::string_view_literals;

namespace {

using Params = std::vector<std::pair<std::string_view, Value>>;

constexpr const char* kAllOutputs =
    "<cpl><subaction id='vm'><location url='sip:vm@192.0.2.9' clear='yes'><redirect/></location>"
    "</subaction><incoming><location url='sip:anna@192.0.2.2'><proxy timeout='8'>"
    "<busy><sub ref='vm'/></busy><noanswer><location url='sip:anna@192.0.2.3'><proxy/></location>"
    "</noanswer><failure><reject status='480' reason='failed'/></failure></proxy></location>"
    "</incoming></cpl>";

std::string address(const Packet& p) {
    const std::string text = p.target.address.text();
    return text.substr(0, text.find(':'));
}

/// The caller is 192.0.2.1, callees have the other addresses.
struct Calls : ModuleHost {
    explicit Calls(const std::string& xml, const Params& params = {},
                   std::string mode = "force_stateful", const Descriptor* beside = nullptr)
        : ModuleHost(16 << 20), mode_(std::move(mode)) {
        if (beside != nullptr) add(*beside);
        for (const char* name : {"sl", "tm", "cpl"}) load(name);
        for (const auto& [name, value] : params) param("cpl", name, value);
        on_request([this](Message& m) {
            if (m.sip.method_text() == "REGISTER") return void(call(m, "cpl_process_register"));
            if (m.sip.method_text() == "CANCEL" || m.sip.method_text() == "ACK")
                return void(call(m, "t_relay"));
            if (mode_ == "is_stateful" && call(m, "t_newtran") <= 0) return;
            code = call(m, "cpl_run_script", {"incoming"sv, std::string_view(mode_)});
            if (code > 0) call(m, "sl_send_reply", {299, "Passed"sv});
            if (code < 0) call(m, "sl_send_reply", {599, "Error"sv});
        });
        start();
        upload(xml);
    }
    void upload(const std::string& xml) {
        static int n = 0;
        receive(Request("REGISTER", "sip:anna@example.test")
                    .branch("z9hG4bKu" + std::to_string(++n))
                    .header("Content-Disposition", "script;action=store")
                    .body(xml, "application/cpl+xml")
                    .str());
        REQUIRE(start_line(take().bytes) == "SIP/2.0 200 OK");
    }
    /// The INVITE arrives; what is sent then.
    std::string ring(std::string_view branch = "z9hG4bKi") {
        invite = Request("INVITE", "sip:anna@example.test").branch(branch).str();
        receive(invite);
        return sent();
    }
    /// "100 >192.0.2.2" for a reply and an INVITE; ACKs are left out.
    std::string sent() {
        std::string all;
        while (pending() != 0) {
            const Packet p = take();
            const std::string line = start_line(p.bytes);
            std::string word = line.substr(0, line.find(' '));
            if (word == "ACK") continue;
            if (word == "SIP/2.0") {
                last = p.bytes;
                word = line.substr(8, 3);
            } else if (word == "INVITE") {
                requests[address(p)] = p.bytes;
                word = ">" + address(p);
            } else {
                word += ">" + address(p);
            }
            all += (all.empty() ? "" : " ") + word;
        }
        return all;
    }
    std::string answer(const std::string& from, int status, const std::string& lines = {}) {
        receive(reply(requests.at(from), status, "Said", "tag" + from, lines), from + ":5060");
        return sent();
    }
    std::string after(int seconds) {
        advance(Ms{seconds * 1000});
        return sent();
    }
    /// What is left in shared memory when everything is over and the script is gone.
    std::string left() {
        (void)after(60);
        receive(Request("REGISTER", "sip:anna@example.test")
                    .branch("z9hG4bKremove")
                    .header("Content-Type", "application/cpl+xml")
                    .header("Content-Disposition", "script;action=remove")
                    .str());
        (void)sent();
        return leaks();
    }
    std::int64_t count(std::string_view name) const { return statistic("cpl", name); }

    std::map<std::string, std::string> requests;
    std::string invite, last;
    int code = 7;

private:
    std::string mode_;
};

std::string proxy(const std::string& attributes, const std::string& outputs = {}) {
    return "<cpl><incoming><location url='sip:anna@192.0.2.2' priority='0.9'><location "
           "url='sip:anna@192.0.2.3' priority='0.5'><proxy " +
           attributes + ">" + outputs + "</proxy></location></location></incoming></cpl>";
}

}  // namespace

TEST_CASE("cpl: in each mode the call is forwarded, pauses and goes on") {
    for (const char* mode : {"is_stateless", "is_stateful", "force_stateful"}) {
        INFO(mode);
        Calls calls(kAllOutputs, {}, mode);
        CHECK(calls.ring() == "100 >192.0.2.2");
        CHECK(calls.code == 0);
        CHECK(calls.answer("192.0.2.2", 180) == "180");
        CHECK(calls.answer("192.0.2.2", 486) == "302");
        CHECK(header(calls.last, "Contact") == "<sip:vm@192.0.2.9>;q=1.0");
        CHECK(calls.count("resumed") == 1);
        CHECK(calls.count("redirected") == 1);
        CHECK(calls.count("attempts") == 1);
        calls.receive(ack(calls.invite, calls.last));
        CHECK(calls.left().empty());
    }
}

TEST_CASE("cpl: a 2xx ends the script") {
    Calls calls(kAllOutputs);
    calls.ring();
    CHECK(calls.answer("192.0.2.2", 200) == "200");
    CHECK(calls.count("resumed") == 0);
    CHECK(calls.left().empty());
}

TEST_CASE("cpl: no answer in time: the branch is cancelled and the next location rings") {
    Calls calls(kAllOutputs);
    calls.ring();
    calls.answer("192.0.2.2", 180);
    CHECK(calls.after(7).empty());
    CHECK(calls.after(2).contains(">192.0.2.3"));
    CHECK(calls.count("resumed") == 1);
    CHECK(calls.answer("192.0.2.2", 487).empty());
    CHECK(calls.answer("192.0.2.3", 200) == "200");
}

TEST_CASE("cpl: the best answer of the last attempt goes to the caller") {
    Calls calls(kAllOutputs);
    calls.ring();
    CHECK(calls.answer("192.0.2.2", 404) == "480");
    CHECK(start_line(calls.last) == "SIP/2.0 480 failed");
    Calls plain(proxy("ordering='first-only'"));
    CHECK(plain.ring() == "100 >192.0.2.2");
    CHECK(plain.answer("192.0.2.2", 404) == "404");
    CHECK(plain.count("relayed") == 1);
}

TEST_CASE("cpl: parallel, sequential and first-only") {
    Calls parallel(proxy("", "<busy><reject status='600'/></busy>"));
    CHECK(parallel.ring() == "100 >192.0.2.2 >192.0.2.3");
    CHECK(parallel.answer("192.0.2.2", 486).empty());
    CHECK(parallel.answer("192.0.2.3", 503) == "600");

    Calls sequential(proxy("ordering='sequential' timeout='5'"));
    CHECK(sequential.ring() == "100 >192.0.2.2");
    CHECK(sequential.answer("192.0.2.2", 603) == ">192.0.2.3");
    const std::string end = sequential.after(6);  // RFC 3880 6.1: the best of all attempts
    CHECK(end.contains("603"));
    CHECK_FALSE(end.contains("408"));
    CHECK(sequential.count("attempts") == 2);

    Calls stops(proxy("ordering='sequential'"), {{"stop_on_6xx", 1}});
    stops.ring();
    CHECK(stops.answer("192.0.2.2", 603) == "603");

    // What was not tried is still in the set.
    Calls first(proxy("ordering='first-only'", "<default><redirect/></default>"));
    CHECK(first.ring() == "100 >192.0.2.2");
    CHECK(first.answer("192.0.2.2", 500) == "302");
    CHECK(header(first.last, "Contact") == "<sip:anna@192.0.2.3>;q=0.5");
}

TEST_CASE("cpl: redirections are followed, taken or passed on") {
    const std::string moved = "Contact: <sip:anna@192.0.2.5>;q=0.4, <sip:anna@192.0.2.6>\r\n";
    Calls follows(proxy("ordering='first-only' recurse='yes'"));
    follows.ring();
    CHECK(follows.answer("192.0.2.2", 302, moved) == ">192.0.2.6 >192.0.2.5");
    CHECK(follows.answer("192.0.2.6", 200).starts_with("200"));

    Calls takes(proxy("ordering='first-only'", "<redirection><redirect/></redirection>"));
    takes.ring();
    CHECK(takes.answer("192.0.2.2", 302, moved) == "302");
    CHECK(header(takes.last, "Contact") ==
          "<sip:anna@192.0.2.6>;q=1.0, <sip:anna@192.0.2.3>;q=0.5, <sip:anna@192.0.2.5>;q=0.4");

    Calls ignores(
        proxy("ordering='first-only'", "<redirection><reject status='busy'/></redirection>"),
        {{"ignore3xx", 1}});
    ignores.ring();
    CHECK(ignores.answer("192.0.2.2", 302, moved) == "302");
    CHECK(header(ignores.last, "Contact").value_or("").contains("192.0.2.6"));

    Calls never(proxy("ordering='first-only' recurse='yes'"), {{"proxy_recurse", 0}});
    never.ring();
    CHECK(never.answer("192.0.2.2", 302, moved) == "302");
}

TEST_CASE("cpl: CANCEL ends it all") {
    for (const bool second : {false, true}) {
        Calls calls(proxy("ordering='sequential'", "<default><reject status='480'/></default>"));
        calls.ring();
        if (second) calls.answer("192.0.2.2", 486);
        const std::string rings = second ? "192.0.2.3" : "192.0.2.2";
        calls.answer(rings, 180);
        calls.receive(cancel(calls.invite));
        CHECK(calls.sent() == "CANCEL>" + rings + " 200");
        CHECK(calls.answer(rings, 487) == "487");
        CHECK(calls.count("resumed") == (second ? 1 : 0));
        calls.receive(ack(calls.invite, reply(calls.invite, 487, "Cancelled")));
        CHECK(calls.left().empty());
    }
}

TEST_CASE("cpl: an INVITE that comes again changes nothing") {
    for (const char* mode : {"is_stateless", "force_stateful"}) {
        INFO(mode);
        Calls calls(kAllOutputs, {}, mode);
        calls.ring();
        calls.receive(calls.invite);
        CHECK(calls.sent() == "100");
        CHECK(calls.answer("192.0.2.2", 486) == "302");
        calls.receive(calls.invite);
        CHECK(calls.sent() == "302");
    }
}

TEST_CASE("cpl: a location to which nothing can be sent has failed") {
    const std::string to = "<cpl><incoming><location url='sip:a@no-such-host.invalid'><proxy>";
    Calls output(to +
                 "<failure><reject status='480'/></failure></proxy></location></incoming></cpl>");
    CHECK(output.ring().ends_with("480"));
    CHECK(output.code == 0);
    Calls none(to + "</proxy></location></incoming></cpl>");
    CHECK(none.ring().ends_with("500"));
    CHECK(none.code == 0);
    Calls empty(
        "<cpl><incoming><proxy><failure><reject status='481'/></failure></proxy></incoming></cpl>");
    CHECK(empty.ring() == "481");
}

TEST_CASE("cpl: a script that is replaced meanwhile runs on as it was") {
    Calls calls(kAllOutputs);
    calls.ring();
    calls.upload("<cpl><incoming><reject status='603'/></incoming></cpl>");
    CHECK(calls.answer("192.0.2.2", 404) == "480");
}

TEST_CASE("cpl: a script too large to travel goes on as long as it is the same") {
    std::string logs, ends;
    for (int i = 0; i < 5; ++i) {
        logs += "<log comment='" + std::string(4000, static_cast<char>('a' + i)) + "'>";
        ends += "</log>";
    }
    const std::string big =
        proxy("ordering='first-only'",
              "<default>" + logs + "<reject status='480'/>" + ends + "</default>");
    Calls calls(big);
    calls.ring();
    CHECK(calls.answer("192.0.2.2", 486) == "480");
    Calls replaced(big);
    replaced.ring();
    replaced.upload(kAllOutputs);
    CHECK(replaced.answer("192.0.2.2", 486) == "486");
    CHECK(replaced.count("relayed") == 1);
}

TEST_CASE("cpl: what a script asks about the call is the same after a proxy node") {
    Calls calls(
        "<cpl><incoming><location url='sip:anna@192.0.2.2'><proxy><default><address-switch "
        "field='destination' subfield='host'><address is='example.test'><reject status='480'/>"
        "</address><otherwise><reject status='481'/></otherwise></address-switch></default></proxy>"
        "</location></incoming></cpl>");
    calls.ring();
    CHECK(calls.answer("192.0.2.2", 500) == "480");
}

TEST_CASE("cpl: locations that are added behind a proxy node are rung by the next one only") {
    Calls calls(
        "<cpl><incoming><location url='sip:anna@192.0.2.2'><proxy><busy><location "
        "url='sip:anna@192.0.2.3'/></busy></proxy></location></incoming></cpl>");
    calls.ring();
    CHECK(calls.answer("192.0.2.2", 486) == "486");  // RFC 3880 10: the best answer
}

TEST_CASE("cpl: proxy_route and timer_avp see each step") {
    ModuleHost host(16 << 20);
    host.config(R"cfg(loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "tm.so"
loadmodule "cplc.so"
modparam("cplc", "proxy_route", "AHEAD")
modparam("cplc", "timer_avp", "$avp(wait)")
route[AHEAD] {
    append_hf("X-Ahead: $ru $avp(wait)\r\n");
}
request_route {
    if (is_method("REGISTER")) {
        cpl_process_register();
        exit;
    }
    cpl_run_script("incoming", "is_stateless");
})cfg");
    host.start();
    host.receive(Request("REGISTER", "sip:anna@example.test")
                     .header("Content-Disposition", "script;action=store")
                     .body(kAllOutputs, "application/cpl+xml")
                     .str());
    REQUIRE(start_line(host.take().bytes) == "SIP/2.0 200 OK");
    host.receive(Request("INVITE", "sip:anna@example.test").str());
    (void)host.take();
    CHECK(header(host.take().bytes, "X-Ahead") == "sip:anna@192.0.2.2 8");
    ModuleHost wrong_avp;
    CHECK_THROWS_WITH(
        wrong_avp.config("loadmodule \"sl.so\"\nloadmodule \"tm.so\"\nloadmodule \"cpl.so\"\n"
                         "modparam(\"cpl\", \"timer_avp\", \"$ru\")\nrequest_route { exit; }"),
        Catch::Contains("timer_avp"));
    const auto refused = [](std::string_view name, std::string_view value) {
        ModuleHost wrong;
        for (const char* module : {"sl", "tm", "cpl"}) wrong.load(module);
        wrong.param("cpl", name, value);
        const auto started = wrong.try_start();
        return started ? std::string() : started.error().str();
    };
    CHECK(refused("proxy_route", "MISSING").contains("route[MISSING]"));
    CHECK(refused("lookup_domain", "location").contains("usrloc"));
    CHECK(refused("db_url", "sqlite:///x.db").contains("db_sqlite"));
    CHECK(refused("log_dir", "/no/such/folder").contains("log_dir"));
    CHECK(refused("mail_server", "http://x").contains("mail_server"));
}

namespace {

constexpr const char* kLookup =
    "<cpl><incoming><lookup source='registration'><success><proxy/></success><notfound>"
    "<reject status='480'/></notfound><failure><reject status='500'/></failure></lookup></incoming>"
    "</cpl>";

}  // namespace

TEST_CASE("cpl: lookup finds the owner's registrations") {
    Calls calls(kLookup,
                {{"lookup_domain", "location"sv}, {"lookup_append_branches", 1}, {"use_domain", 1}},
                "force_stateful", &cpl::test::fake_usrloc);
    FakeUsrloc& usrloc = *calls.module<FakeUsrloc>("usrloc");
    CHECK(calls.ring() == "480");
    CHECK(usrloc.asked == "anna");
    usrloc.found = {{.uri = "sip:anna@192.0.2.2", .q = 500},
                    {.uri = "sip:anna@10.1.1.1", .received = "sip:192.0.2.3", .q = usrloc::kNoQ}};
    CHECK(calls.ring("z9hG4bKj") == "100 >192.0.2.3 >192.0.2.2");
    CHECK(start_line(calls.requests["192.0.2.3"]) == "INVITE sip:anna@10.1.1.1 SIP/2.0");
    CHECK(calls.count("lookups") == 2);

    // By its Path, with its branch flags (RFC 3327 5.4).
    usrloc.found = {{.uri = "sip:anna@10.1.1.1",
                     .received = "sip:192.0.2.3",
                     .path = "<sip:192.0.2.9;lr>, <sip:192.0.2.10;lr>",
                     .cflags = 1U << 6U}};
    CHECK(calls.ring("z9hG4bKk") == "100 >192.0.2.9");
    const std::string by_path = calls.requests["192.0.2.9"];
    CHECK(start_line(by_path) == "INVITE sip:anna@10.1.1.1 SIP/2.0");
    CHECK(headers(by_path, "Route") ==
          std::vector<std::string>{"<sip:192.0.2.9;lr>, <sip:192.0.2.10;lr>"});
    usrloc.found = {{.uri = "sip:anna@192.0.2.2", .q = 500},
                    {.uri = "sip:anna@10.1.1.1", .received = "sip:192.0.2.3", .q = usrloc::kNoQ}};

    Calls best(kLookup, {{"lookup_domain", "location"sv}}, "force_stateful",
               &cpl::test::fake_usrloc);
    best.module<FakeUsrloc>("usrloc")->found = usrloc.found;
    CHECK(best.ring() == "100 >192.0.2.2");
    Calls none(kLookup);
    CHECK(none.ring() == "500");
}
