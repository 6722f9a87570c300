// The module on the wire: scripts by REGISTER and from a folder, and calls in each mode.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "test/support/message_builder.h"
#include "test/support/module_host.h"
#include "test/support/temp_folder.h"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::string_view_literals;

namespace {

using Params = std::vector<std::pair<std::string_view, Value>>;

constexpr const char* kReject =
    "<cpl><incoming><reject status=\"busy\" reason=\"not now\"/></incoming></cpl>";
constexpr const char* kRedirect =
    "<cpl><incoming><location url=\"sip:anna@desk.test\"><location url=\"sip:anna@mobile.test\" "
    "priority=\"0.5\"><redirect permanent=\"yes\"/></location></location></incoming></cpl>";

Request upload(const std::string& xml, const std::string& action = "store") {
    static int n = 0;
    return Request("REGISTER", "sip:Anna@example.test")
        .branch("z9hG4bKu" + std::to_string(++n))
        .header("Content-Disposition", "script;action=" + action)
        .body(xml, xml.empty() ? "" : "application/cpl+xml");
}
Request remove() {
    return upload("", "remove").set("Content-Type", "application/cpl+xml");
}
Request download(const std::string& accept) {
    return Request("REGISTER", "sip:anna@example.test").header("Accept", accept);
}
Request invite(const std::string& branch = "z9hG4bKi") {
    return Request("INVITE", "sip:anna@example.test").branch(branch);
}

/// Runs CPL on everything, and says 299 when the route goes on, 599 after an error.
struct Server : ModuleHost {
    explicit Server(const Params& params = {}, std::string_view mode = "is_stateless")
        : mode_(mode) {
        for (const char* name : {"sl", "tm", "cpl"}) load(name);
        for (const auto& [name, value] : params) param("cpl", name, value);
        on_request([this](Message& m) {
            if (m.sip.method() == sip::Method::ack) return;
            const bool is_register = m.sip.method() == sip::Method::register_;
            code = is_register ? call(m, register_function) : call(m, "cpl_run_script", run_args());
            if (code > 0) call(m, "sl_send_reply", {299, "Passed"sv});
            if (code < 0) call(m, "sl_send_reply", {599, "Error"sv});
        });
        start();
    }
    /// The whole reply.
    std::string send(const Request& request) {
        receive(request.str());
        std::string last;
        while (pending() != 0) last = take().bytes;
        return last;
    }
    std::string status(const Request& request) { return start_line(send(request)).substr(8); }

    std::vector<Value> run_args() const {
        std::vector<Value> args{Value(direction), Value(mode_)};
        if (!uri.empty()) args.emplace_back(uri);
        return args;
    }

    std::string_view register_function = "cpl_process_register", direction = "incoming", uri;
    int code = 0;

private:
    std::string_view mode_;
};

}  // namespace

TEST_CASE("cpl: a script is uploaded, run, downloaded, replaced and removed") {
    Server server;
    CHECK(server.status(invite()) == "299 Passed");
    const std::string stored = server.send(upload(kReject));
    CHECK(start_line(stored) == "SIP/2.0 200 OK");
    CHECK(headers(stored, "Contact").empty());
    CHECK(server.code == 0);
    CHECK(server.status(invite()) == "486 not now");
    const std::string got = server.send(download("application/cpl+xml;q=0.5, text/plain"));
    CHECK(body(got) == kReject);
    CHECK(header(got, "Content-Type") == "application/cpl+xml");
    CHECK(header(server.send(download("*/*")), "Content-Type") == "application/cpl-xml");
    CHECK(server.status(upload(kRedirect)) == "200 OK");
    const std::string moved = server.send(invite());
    CHECK(start_line(moved) == "SIP/2.0 301 Moved Permanently");
    CHECK(headers(moved, "Contact") ==
          std::vector<std::string>{"<sip:anna@desk.test>;q=1.0, <sip:anna@mobile.test>;q=0.5"});
    CHECK(server.statistic("cpl", "scripts") == 1);
    CHECK(server.status(remove()) == "200 OK");
    CHECK(server.status(remove()) == "200 OK");
    CHECK(server.statistic("cpl", "scripts") == 0);
    CHECK(server.statistic("cpl", "removed") == 1);
    const std::string none = server.send(download("application/cpl-xml"));
    CHECK(start_line(none) == "SIP/2.0 200 OK");
    CHECK(header(none, "Content-Type") == "application/cpl-xml");
    CHECK(body(none).empty());
    CHECK(server.status(invite()) == "299 Passed");
    CHECK(server.leaks().empty());
}

TEST_CASE("cpl: what is wrong with an upload is said in the reply") {
    Server server;
    const std::string refused =
        server.send(upload("<cpl>\n <incoming><reject status=\"a&quot;b\"/></incoming></cpl>"));
    CHECK(start_line(refused) == "SIP/2.0 400 Bad CPL script");
    CHECK(header(refused, "Warning").value_or("").substr(0, 60) ==
          R"(399 127.0.0.1 "2:12: status \"a\"b\" is neither busy, notfou)");
    CHECK(body(refused).starts_with("2:12: status \"a\"b\" is neither busy"));
    CHECK(server.status(upload("not XML")) == "400 Bad CPL script");
    CHECK(server.status(upload("<cpl><incoming><proxy x='1'/></incoming></cpl>")) ==
          "400 Bad CPL script");
    // An error does not stick to the next one.
    const auto why = [&](const Request& request) {
        const std::string reply = server.send(request);
        CHECK(start_line(reply) == "SIP/2.0 400 Bad request");
        CHECK(header(reply, "Content-Type") == "text/plain;charset=UTF-8");
        CHECK(header(reply, "Warning") == fmt::format("399 127.0.0.1 \"{}\"", body(reply)));
        return std::string(body(reply));
    };
    CHECK(why(upload(kReject, "steal")) ==
          "The action of Content-Disposition is neither store nor remove.");
    CHECK(why(upload(kReject, "remove")) == "action=remove has a body; nothing was removed.");
    CHECK(why(upload(kReject).set("Content-Disposition", "render;action=store")) ==
          "Content-Disposition of a CPL script is script.");
    for (const char* disposition : {"script", "script;x=y"})
        CHECK(why(upload(kReject).set("Content-Disposition", disposition)) ==
              "Content-Disposition has no action=store or action=remove.");
    CHECK(why(upload(kReject).without("Content-Disposition")) ==
          "A CPL script comes with Content-Disposition: script;action=store (or remove).");
    CHECK(why(upload("").set("Content-Type", "application/cpl+xml")) ==
          "action=store has no script in the body.");
    CHECK(why(upload(kReject).set("Content-Type", "nonsense")) == "Content-Type cannot be read.");
    CHECK(server.statistic("cpl", "refused") == 3);
    CHECK(server.statistic("cpl", "scripts") == 0);
    CHECK(server.status(upload(kReject)
                            .set("Content-Disposition", "Script;x=y;ACTION=\"Store\"")
                            .set("Content-Type", "Application/CPL+XML;charset=utf-8")) == "200 OK");
}

TEST_CASE("cpl: other REGISTERs go on") {
    Server server;
    for (const char* accept : {"text/plain", "application/*", "nonsense", "", "\"", "*"})
        CHECK(server.status(download(accept)) == "299 Passed");
    CHECK(server.status(Request("REGISTER")) == "299 Passed");
    CHECK(server.status(Request("REGISTER").body("v=0")) == "299 Passed");
    Server careful({{"accept_any", 0}});
    CHECK(careful.status(download("*/*")) == "299 Passed");
    CHECK(careful.status(download("application/cpl+xml")) == "200 OK");
}

TEST_CASE("cpl: cpl_process_register_norpl leaves the answer to the route") {
    Server server;
    server.register_function = "cpl_process_register_norpl";
    CHECK(server.status(upload(kReject)) == "299 Passed");
    const std::string got = server.send(download("application/cpl+xml"));
    CHECK(start_line(got) == "SIP/2.0 299 Passed");
    CHECK(body(got) == kReject);
    CHECK(server.status(upload("x")) == "400 Bad CPL script");
    CHECK(server.code == 0);
}

TEST_CASE("cpl: with state the reply is sent again, and the script does not run again") {
    for (const char* mode : {"force_stateful", "is_stateful", "Is_Stateful"}) {
        Server server({}, mode);
        server.send(upload(kReject));
        CHECK(server.status(invite()) == "486 not now");
        CHECK(server.status(invite()) == "486 not now");
        CHECK(server.statistic("cpl", "runs") ==
              (std::string_view(mode) == "force_stateful" ? 2 : 2));
        CHECK(server.statistic("cpl", "rejected") == 2);
    }
}

TEST_CASE("cpl: without state each INVITE is answered anew, and no transaction is made") {
    Server server;
    server.send(upload(kReject));
    CHECK(server.status(invite()) == "486 not now");
    server.advance(Ms{2000});
    CHECK(server.pending() == 0);
    Server stateful({}, "force_stateful");
    stateful.send(upload(kReject));
    CHECK(stateful.status(invite()) == "486 not now");
    stateful.advance(Ms{2000});
    CHECK(stateful.pending() > 0);  // timer G
}

TEST_CASE("cpl: a script that only changes the locations forwards the call to them") {
    Server server;
    server.send(
        upload("<cpl><incoming><location url='sip:anna@192.0.2.7?Subject=x'><location "
               "url='sip:anna@192.0.2.8' priority='0.1'/></location></incoming></cpl>"));
    server.receive(invite().str());
    std::vector<std::string> lines;
    while (server.pending() != 0) lines.push_back(start_line(server.take().bytes));
    CHECK(lines == std::vector<std::string>{"SIP/2.0 100 trying -- your call is important to us",
                                            "INVITE sip:anna@192.0.2.7 SIP/2.0",
                                            "INVITE sip:anna@192.0.2.8 SIP/2.0"});
    CHECK(server.code == 0);
    server.send(
        upload("<cpl><incoming><location url='sip:anna@no-such-host.invalid'/></incoming></cpl>"));
    CHECK(server.status(invite("z9hG4bKj")).substr(0, 3) == "478");
}

TEST_CASE("cpl: whose script runs") {
    Server server;
    server.send(upload(kReject));
    CHECK(server.status(Request("INVITE", "sip:ANNA@other.test")) == "486 not now");
    CHECK(server.status(Request("INVITE", "sip:%61nna@other.test")) == "486 not now");
    CHECK(server.status(Request("INVITE", "sip:other.test").set("To", "<sip:anna@x.test>")) ==
          "486 not now");
    CHECK(server.status(Request("INVITE", "sip:other.test").set("To", "<sip:x.test>")) ==
          "599 Error");
    server.uri = "sip:anna@anywhere.test";
    CHECK(server.status(Request("INVITE", "sip:bob@other.test")) == "486 not now");
    server.uri = "nonsense";
    CHECK(server.status(invite()) == "599 Error");
    server.uri = {};
    server.direction = "outgoing";
    CHECK(server.status(invite().set("From", "<sip:anna@example.test>;tag=1")) == "299 Passed");

    Server domains({{"use_domain", 1}, {"realm_prefix", "sip."sv}, {"case_sensitive", 1}});
    domains.send(upload(kReject));
    CHECK(domains.status(Request("INVITE", "sip:Anna@SIP.Example.test")) == "486 not now");
    CHECK(domains.status(Request("INVITE", "sip:anna@example.test")) == "299 Passed");
    CHECK(domains.status(Request("INVITE", "sip:Anna@other.test")) == "299 Passed");
}

TEST_CASE("cpl: scripts come from a folder") {
    const TempFolder files;
    const std::string folder = files.path();
    files.add("anna.xml", kReject);
    files.add("notes.txt", "not a script");
    const Params params{{"load_dir", std::string_view(folder)}};
    {
        Server server(params);
        CHECK(server.status(invite()) == "486 not now");
    }
    const auto refused = [&](const Params& with) {
        try {
            Server server(with);
        } catch (const std::runtime_error& e) {
            return std::string(e.what());
        }
        return std::string();
    };
    CHECK(refused({{"load_dir", std::string_view(folder)}, {"use_domain", 1}})
              .find("user@domain.xml") != std::string::npos);
    files.add("bob.xml", "<cpl>\n<wrong/></cpl>");
    CHECK(refused(params).find("bob.xml: 2:1: wrong is not allowed in cpl") != std::string::npos);
    files.add("bob.xml", std::string(70000, ' '));
    CHECK(refused(params).find("limit") != std::string::npos);
    CHECK(refused({{"load_dir", "/tmp/no/such/folder"sv}}).find("No such file") !=
          std::string::npos);
    CHECK(refused({{"redirect_route", "MISSING"sv}}).find("route[MISSING]") != std::string::npos);
}

TEST_CASE("cpl: a configuration under the old names, with types and modes checked") {
    const auto error = [](const std::string& module, const std::string& line) {
        ModuleHost host;
        try {
            host.config("loadmodule \"sl.so\"\nloadmodule \"tm.so\"\nloadmodule \"" + module +
                        "\"\nmodparam(\"" + module.substr(0, module.find('.')) +
                        "\", \"cpl_dtd_file\", \"/etc/cpl.dtd\")\nrequest_route { " + line +
                        " }\n");
            host.start();
        } catch (const std::runtime_error& e) {
            return std::string(e.what());
        }
        return std::string();
    };
    for (const char* name : {"cpl.so", "cplc.so", "cpl-c.so"}) {
        CHECK(error(name,
                    "cpl_run_script(\"incoming\", \"is_stateless\"); cpl_process_register();") ==
              "");
        CHECK(error(name, "cpl_run_script(\"inwards\", \"is_stateless\");")
                  .find("neither incoming nor outgoing") != std::string::npos);
        CHECK(error(name, "cpl_run_script(\"outgoing\", \"stateless\");")
                  .find("is none of is_stateless") != std::string::npos);
    }
}

TEST_CASE("cpl: no shared memory is an error of the upload only") {
    Server server({{"hash_size", 3}});
    const std::string big = "<cpl><incoming><log comment='" + std::string(3000, 'x') +
                            "'><reject status='busy'/></log></incoming></cpl>";
    std::string last;
    for (int i = 0; i < 4000 && last != "500 Internal server error"; ++i)
        last = server.status(Request("REGISTER", "sip:user" + std::to_string(i) + "@example.test")
                                 .branch("z9hG4bKm" + std::to_string(i))
                                 .header("Content-Disposition", "script;action=store")
                                 .body(big, "application/cpl+xml"));
    CHECK(last == "500 Internal server error");
    CHECK(server.statistic("cpl", "no_room") == 1);
    CHECK(server.status(Request("INVITE", "sip:user0@example.test")) == "486 Busy Here");
    CHECK(server.status(Request("REGISTER", "sip:user0@example.test")
                            .header("Content-Disposition", "script;action=remove")
                            .header("Content-Type", "application/cpl+xml")) == "200 OK");
}
