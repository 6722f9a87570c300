// acc: the records of transactions. The lines are those of Kamailio 5.6.3 for the same messages.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <vector>

#include "core/base/log.h"
#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

using Lines = std::vector<std::string>;
constexpr std::string_view kCallee = "192.0.2.2:5060";

class Records final : public log::Sink {
public:
    Records() { log::set_sink(this); }
    ~Records() { log::set_sink(nullptr); }
    void write(log::Level level, std::string_view, std::string_view,
               std::string_view text) noexcept override {
        const std::size_t at = text.find(";method=");
        if (!text.starts_with("ACC: ") || level != log::Level::notice) return;
        stamp = text.substr(0, at);
        // Without the time: "call missed method=…".
        lines.push_back(std::string(text.substr(5, text.find(": timestamp") - 5)) + " " +
                        std::string(text.substr(at + 1)));
    }
    Lines lines;
    std::string stamp;
};

constexpr std::string_view kRoutes = R"cfg(
request_route {
    $avp(x) = "one;two";
    if ($rU == "log") {
        acc_log_request("404 Gone \"q\"");
        acc_log_request("just text");
        acc_request("500 x", "table");
        exit;
    }
    if ($rm == "CANCEL") { setflag(1); t_relay(); exit; }
    if ($rm == "ACK") { if ($rU != "plain") setflag(1); $avp(x) = "of the ACK"; t_relay(); exit; }
    if ($rU != "plain") { setflag(1); setflag(2); }
    if ($rU == "failed") setflag(3);
    if ($rU == "local") { t_newtran(); t_reply("404", "Not Here"); exit; }
    if ($rU == "again") t_on_failure("AGAIN");
    t_relay();
}
failure_route[AGAIN] { $avp(x) = "three"; $ru = "sip:second@192.0.2.2"; t_relay(); }
)cfg";

struct Server : ModuleHost {
    explicit Server(const std::string& more = {}) {
        config(R"cfg(loadmodule "tm"
loadmodule "rr"
loadmodule "pv"
loadmodule "acc"
loadmodule "kex"
modparam("tm", "hash_size", 64)
modparam("acc", "log_level", 1)
modparam("acc", "log_flag", 1)
modparam("acc", "log_missed_flag", 2)
modparam("acc", "failed_transaction_flag", 3)
modparam("acc", "log_extra", "user=$rU;av=$avp(x);hd=$hdr(Subject);nul=$hdr(Nope)")
)cfg" + more + std::string(kRoutes));
        log::set_level(log::Level::notice);
        start();
    }
    /// An INVITE that is relayed; what bob got.
    std::string invite(const std::string& user) {
        receive(invited(user).str());
        take();  // 100
        return take().bytes;
    }
    static Request invited(const std::string& user) {
        return Request("INVITE", "sip:" + user + "@192.0.2.2")
            .from_tag("ft1")
            .call_id("cid1")
            .header("Subject", "hi there");
    }
    void answer(const std::string& request, int code, std::string_view reason) {
        receive(reply(request, code, reason, "tt"), kCallee);
    }
    Records records;
};

std::string line(std::string_view what, std::string_view method, std::string_view to_tag,
                 std::string_view outcome, std::string_view user,
                 std::string_view subject = "hi there") {
    return std::string(what) + " method=" + std::string(method) +
           ";from_tag=ft1;to_tag=" + std::string(to_tag) + ";call_id=cid1;" + std::string(outcome) +
           ";user=" + std::string(user) + ";av=one;two;hd=" + std::string(subject) + ";nul=";
}

}  // namespace

TEST_CASE("an answered call is accounted once") {
    Server server;
    const std::string invite = server.invite("bob");
    server.answer(invite, 180, "Ringing");
    CHECK(server.records.lines.empty());
    server.answer(invite, 200, "Fine");
    server.answer(invite, 200, "Fine");
    CHECK(server.records.lines ==
          Lines{line("transaction answered", "INVITE", "tt", "code=200;reason=Fine", "bob")});
    CHECK(server.records.stamp ==
          "ACC: transaction answered: timestamp=" + std::to_string(server.clock.unix_seconds()));
    CHECK(server.statistic("acc", "records") == 1);
    server.advance(Ms{200000});
    CHECK(server.leaks().empty());
}

TEST_CASE("a failed call is missed, and answered when that is wanted") {
    Server server;
    server.answer(server.invite("bob"), 486, "Busy Here");
    CHECK(server.records.lines ==
          Lines{line("call missed", "INVITE", "tt", "code=486;reason=Busy Here", "bob")});
    Server other;
    other.answer(other.invite("failed"), 486, "Busy Here");
    CHECK(
        other.records.lines ==
        Lines{line("call missed", "INVITE", "tt", "code=486;reason=Busy Here", "failed"),
              line("transaction answered", "INVITE", "tt", "code=486;reason=Busy Here", "failed")});
    Server filtered("modparam(\"acc\", \"failed_filter\", \"404,486\")\n");
    filtered.answer(filtered.invite("failed"), 486, "Busy Here");
    CHECK(filtered.records.lines.size() == 1);
}

TEST_CASE("the missed flag counts for one failure") {
    Server server;
    server.answer(server.invite("again"), 486, "Busy Here");
    server.take();  // ACK
    server.answer(server.take().bytes, 487, "Gone Again");
    CHECK(server.records.lines ==
          Lines{line("call missed", "INVITE", "tt", "code=486;reason=Busy Here", "again")});
}

TEST_CASE("a callee that stays silent is missed with 408") {
    Server server;
    server.invite("bob");
    server.advance(Ms{40000});
    REQUIRE(server.records.lines.size() == 1);
    CHECK(server.records.lines[0].starts_with(
        "call missed method=INVITE;from_tag=ft1;to_tag=;call_id=cid1;code=408;reason=Request "
        "Timeout"));
}

TEST_CASE("a reply by the script is missed with the phrase of its code") {
    Server server;
    server.receive(Server::invited("local").str());
    const std::string tag = parameter(header(server.take().bytes, "To").value_or(""), "tag");
    CHECK(server.records.lines ==
          Lines{line("call missed", "INVITE", tag, "code=404;reason=Not Found", "local")});
}

TEST_CASE("only what has the flag is accounted") {
    Server server;
    server.answer(server.invite("plain"), 200, "OK");
    CHECK(server.records.lines.empty());
}

TEST_CASE("requests other than INVITE are accounted and never missed") {
    Server server;
    const auto options = [&](const std::string& branch) {
        server.receive(Request("OPTIONS", "sip:o@192.0.2.2")
                           .branch(branch)
                           .from_tag("ft1")
                           .call_id("cid1")
                           .str());
        return server.take().bytes;
    };
    server.answer(options("z9hG4bK1"), 200, "OK");
    server.take();
    server.answer(options("z9hG4bK2"), 404, "Not Found");
    CHECK(server.records.lines ==
          Lines{line("transaction answered", "OPTIONS", "tt", "code=200;reason=OK", "o", "")});
}

TEST_CASE("CANCEL is accounted when that is wanted") {
    const auto cancelled = [](const std::string& more) {
        Server server(more);
        const Request invite = Server::invited("bob");
        server.receive(invite.str());
        server.take();
        const std::string sent = server.take().bytes;
        server.answer(sent, 180, "Ringing");
        server.receive(cancel(invite.str()));
        server.answer(sent, 487, "Terminated");
        std::string methods;
        for (const std::string& l : server.records.lines) methods += l.substr(0, l.find(';')) + "|";
        return methods;
    };
    CHECK(cancelled("") == "call missed method=INVITE|");
    CHECK(cancelled("modparam(\"acc\", \"report_cancels\", 1)\n") ==
          "transaction answered method=CANCEL|call missed method=INVITE|");
}

TEST_CASE("the ACK of a 2xx is accounted once when that is wanted, with the INVITE's variables") {
    const auto acknowledged = [](const std::string& more, const std::string& user) {
        Server server(more);
        server.answer(server.invite("bob"), 200, "Fine");
        server.records.lines.clear();
        for (int i = 0; i < 2; ++i)
            server.receive(Request("ACK", "sip:" + user + "@192.0.2.2")
                               .from_tag("ft1")
                               .to_tag("tt")
                               .call_id("cid1")
                               .branch("z9hG4bKack")
                               .header("Subject", "an ACK")
                               .str());
        return server.records.lines;
    };
    const std::string on = "modparam(\"acc\", \"report_ack\", 1)\n";
    // As Kamailio 5.6.3 writes it.
    CHECK(acknowledged(on, "bob") ==
          Lines{line("request acknowledged", "ACK", "tt", "code=200;reason=OK", "bob", "an ACK")});
    CHECK(acknowledged("", "bob").empty());
    CHECK(acknowledged(on, "plain").empty());  // the ACK itself has no flag
}

TEST_CASE("provisional replies with a body are accounted with early_media") {
    Server server("modparam(\"acc\", \"early_media\", 1)\n");
    const std::string invite = server.invite("bob");
    server.answer(invite, 180, "Ringing");
    CHECK(server.records.lines.empty());
    std::string progress = reply(invite, 183, "Progress", "tt");
    const std::size_t length = progress.find("Content-Length: 0");
    REQUIRE(length != std::string::npos);
    progress.replace(length, 17, "Content-Length: 5");
    server.receive(progress + "v=0\r\n", kCallee);
    CHECK(server.records.lines ==
          Lines{line("transaction answered", "INVITE", "tt", "code=183;reason=Progress", "bob")});
}

TEST_CASE("acc_log_request takes a code from the beginning of the comment") {
    Server server;
    server.receive(Server::invited("log").str());
    CHECK(server.records.lines ==
          Lines{line("request accounted", "INVITE", "", "code=404;reason=Gone \"q\"", "log"),
                line("request accounted", "INVITE", "", "code=;reason=just text", "log"),
                line("request accounted", "INVITE", "", "code=500;reason=x", "log")});
}

TEST_CASE("detect_direction swaps the tags of requests from the callee") {
    const auto tags = [](const std::string& more, const std::string& ftag) {
        Server server(more);
        server.receive(
            Request("BYE", "sip:o@192.0.2.2")
                .from_tag("ft1")
                .to_tag("tt")
                .call_id("cid1")
                .header("Route", "<sip:127.0.0.1;lr;ftag=" + ftag + ">,<sip:192.0.2.2;lr>")
                .str());
        server.answer(server.take().bytes, 200, "OK");
        const std::string& l = server.records.lines.at(0);
        return l.substr(l.find("from_tag"), 22);
    };
    const std::string on = "modparam(\"acc\", \"detect_direction\", 1)\n";
    CHECK(tags("", "tt") == "from_tag=ft1;to_tag=tt");
    CHECK(tags(on, "ft1") == "from_tag=ft1;to_tag=tt");
    CHECK(tags(on, "tt") == "from_tag=tt;to_tag=ft1");
}

TEST_CASE("accounting a request from the script leaves alone what the script changed") {
    ModuleHost server;
    server.config(R"cfg(loadmodule "sl"
loadmodule "tm"
loadmodule "rr"
loadmodule "textops"
loadmodule "acc"
modparam("acc", "detect_direction", 1)
request_route { append_hf("X-Kept: 1\r\n"); acc_log_request("200 x"); t_relay(); }
)cfg");
    const Records records;
    log::set_level(log::Level::notice);
    server.start();
    server.receive(Request("OPTIONS").to_tag("tt").str());
    CHECK(header(server.take().bytes, "X-Kept") == "1");
    CHECK(records.lines.size() == 1);
}

TEST_CASE("each leg adds its values, the newest first") {
    ModuleHost server;
    server.config(R"cfg(loadmodule "tm"
loadmodule "pv"
loadmodule "acc"
modparam("acc", "multi_leg_info", "l1=$avp(l1);l2=$avp(l2)")
modparam("acc", "time_mode", 4)
modparam("acc", "time_attr", "utc")
modparam("acc", "time_format", "%Y")
request_route { $avp(l1) = "a1"; $avp(l1) = "a2"; $avp(l2) = "b1"; acc_log_request("200 x"); }
)cfg");
    Records records;
    log::set_level(log::Level::notice);
    server.start();
    server.receive(Request("OPTIONS").str());
    REQUIRE(records.lines.size() == 1);
    CHECK(records.lines[0].ends_with(";code=200;reason=x;l1=a2;l2=b1;l1=a1;l2="));
    CHECK(records.stamp.find(";utc=") != std::string::npos);
}

TEST_CASE("the time of a record with fractions of a second") {
    const auto stamp = [](const std::string& params) {
        ModuleHost server;
        server.config("loadmodule \"tm\"\nloadmodule \"pv\"\nloadmodule \"acc\"\n" + params +
                      "\nrequest_route { acc_log_request(\"200 x\"); }");
        Records records;
        log::set_level(log::Level::notice);
        server.start();
        server.clock.advance(Ms{7});
        server.receive(Request("OPTIONS").str());
        return records.stamp;
    };
    CHECK(stamp("modparam(\"acc\", \"time_mode\", 1)")
              .ends_with("timestamp=1700001000;time_exten=7000"));
    CHECK(stamp("modparam(\"acc\", \"time_mode\", 2)\nmodparam(\"acc\", \"time_attr\", \"sec\")")
              .ends_with("timestamp=1700001000;sec=1700001000.007"));
}

TEST_CASE("a value cannot forge a record") {
    Server server;
    server.receive(Request("INVITE", "sip:log@192.0.2.2")
                       .from_tag("ft1")
                       .header("Subject", "a\r\n ACC: b\tc")
                       .str());
    REQUIRE(server.records.lines.size() == 3);
    CHECK(server.records.lines[0].find(";hd=a   ACC: b c;") != std::string::npos);
}

TEST_CASE("what acc cannot do is refused in words") {
    const auto refused = [](std::string_view name, const Value& value) {
        ModuleHost server;
        server.load("tm");
        server.load("acc");
        server.param("acc", name, value);
        return !server.try_start().has_value();
    };
    CHECK(refused("detect_direction", 1));  // without rr
    CHECK(refused("cdr_enable", 1));
    ModuleHost server;
    server.load("tm");
    server.load("acc");
    CHECK_NOTHROW(server.param("acc", "db_url", std::string_view("")));
    CHECK_NOTHROW(server.param("acc", "db_table_acc", std::string_view("acc")));
    CHECK_NOTHROW(server.param("acc", "cdr_extra", std::string_view("a=$dlg_var(a)")));
    CHECK_NOTHROW(server.param("acc", "cdr_log_enable", 0));
    CHECK_THROWS(server.param("acc", "failed_filter", std::string_view("200")));
    CHECK_THROWS(server.param("acc", "multi_leg_info", std::string_view("a=$rU")));
}
