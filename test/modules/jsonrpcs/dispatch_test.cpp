// jsonrpc_dispatch(): what HTTP requests of the script are answered, and by whom.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <string>

#include "core/module.h"
#include "test/support/message_builder.h"
#include "test/support/module_host.h"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::string_view_literals;

namespace {

/// Commands whose answers are long, or come late.
class Slow final : public Module {
public:
    std::unique_ptr<LateAnswer> late;

    Result<void> prepare(Core&) override { return {}; }
    Result<void> much(Call& call) {
        struct Much final : AnswerSource {
            int pieces = 0;
            bool more(Answer& answer) override {
                answer.text(std::string(1000, 'x'));
                return ++pieces < 100;
            }
        };
        call.stream(std::make_unique<Much>());
        return {};
    }
    Result<void> later(Call& call) {
        late = call.later();
        return {};
    }
};
constexpr Command commands[] = {
    command<&Slow::much>("slow.much", "Much.", Right::read, {}, true),
    command<&Slow::later>("slow.later", "Later.", Right::change),
};
constexpr Descriptor slow{
    .name = "slow", .summary = "Slow commands.", .create = make_module<Slow>, .commands = commands};

std::string post(std::string_view body, std::string_view more = {}) {
    return "POST /RPC HTTP/1.1\r\nHost: h\r\n" + std::string(more) +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::string command_text(std::string_view name, std::string_view id = R"(,"id":1)") {
    return R"({"jsonrpc":"2.0","method":")" + std::string(name) + "\"" + std::string(id) + "}";
}

struct Rpc : ModuleHost {
    explicit Rpc(int transport = 0) {
        load("xhttp");
        load("jsonrpcs");
        add(slow);
        param("jsonrpcs", "fifo_name", ""sv);
        param("jsonrpcs", "dgram_socket", ""sv);
        param("jsonrpcs", "pretty_format", 0);
        param("jsonrpcs", "transport", transport);
        globals.server_header = "";
        net.listen("tcp:127.0.0.1:8080");
        route(Route::event, "xhttp:request", [this](Message& m) {
            m.append_to_reply("X-Mine: 1\r\n");
            returned = call(m, "jsonrpc_dispatch");
            return RouteResult{};
        });
        start();
    }
    void get(std::string_view request, std::uint32_t connection = 7) {
        Received from;
        from.source = address("192.0.2.1:40000");
        from.local = net.listeners()[0].address;
        from.proto = Proto::tcp;
        from.connection = connection;
        from.is_http = true;
        engine().receive(request, from);
    }
    /// The answer, which the worker did not give.
    std::string answer(std::string_view request) {
        get(request);
        CHECK(pending() == 0);
        REQUIRE(net.told.size() == 1);
        CHECK(net.told[0].first == 7);
        CHECK(net.told[0].second == "answer later");
        net.told.clear();
        advance(Ms(10));
        const Packet p = take();
        CHECK(p.target.connection == 7);
        CHECK(p.target.no_connect);
        closed_after = p.target.close_after;
        CHECK(pending() == 0);
        return p.bytes;
    }
    int returned = 0;
    bool closed_after = false;
};

std::string ok(std::string_view body, std::string_view status = "200 OK") {
    return "HTTP/1.1 " + std::string(status) +
           "\r\nX-Mine: 1\r\nContent-Type: application/json\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

}  // namespace

TEST_CASE("a command is answered by the control process, on the connection of its request") {
    Rpc rpc;
    CHECK(rpc.answer(post(R"({"jsonrpc":"2.0","method":"core.echo","params":["a",5],"id":"x"})")) ==
          ok(R"({"jsonrpc":"2.0","result":["a","5"],"id":"x"})"));
    CHECK(rpc.returned == 1);
    CHECK_FALSE(rpc.closed_after);
    CHECK(rpc.statistic("jsonrpcs", "requests") == 1);
    CHECK(rpc.statistic("jsonrpcs", "errors") == 0);
}

TEST_CASE("a connection ends behind the answer when its client wants that") {
    Rpc rpc;
    CHECK(rpc.answer("POST /RPC HTTP/1.0\r\nContent-Length: 5\r\n\r\n{\"a\":")
              .starts_with("HTTP/1.0 400 Bad Request\r\n"));
    CHECK(rpc.closed_after);
}

TEST_CASE("errors have the status of HTTP that they can have") {
    Rpc rpc;
    CHECK(rpc.answer(post(command_text("no.such"))) ==
          ok(R"({"jsonrpc":"2.0","error":{"code":500,"message":"Method Not Found"},"id":1})",
             "500 Server Internal Error"));
    CHECK(rpc.answer(post("garbage")) ==
          ok(R"({"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null})",
             "400 Bad Request"));
    CHECK(rpc.answer(post("")).starts_with("HTTP/1.1 400 "));
    CHECK(rpc.statistic("jsonrpcs", "errors") == 3);
}

TEST_CASE("notifications have no answer but that they were heard") {
    Rpc rpc;
    CHECK(rpc.answer(post(command_text("core.echo", ""))) ==
          "HTTP/1.1 204 No Content\r\nX-Mine: 1\r\n\r\n");
}

TEST_CASE("a batch is one answer") {
    Rpc rpc;
    const std::string two = "[" + command_text("core.echo") + "," + command_text("no.such") + "]";
    CHECK(rpc.answer(post(two)) ==
          ok(R"([{"jsonrpc":"2.0","result":[],"id":1},)"
             R"({"jsonrpc":"2.0","error":{"code":500,"message":"Method Not Found"},"id":1}])"));
    const std::string silent = command_text("core.echo", "");
    CHECK(rpc.answer(post("[" + silent + "," + silent + "]")).starts_with("HTTP/1.1 204 "));
}

TEST_CASE("a command takes its time, and so do those behind it in a batch") {
    Rpc rpc;
    auto* const slow = rpc.module<Slow>("slow");
    const bool is_batch = GENERATE(false, true);
    const std::string one = command_text("slow.later");
    rpc.get(post(is_batch ? "[" + one + "," + command_text("core.echo") + "]" : one));
    rpc.advance(Ms(10'000));
    REQUIRE(rpc.pending() == 0);
    REQUIRE(slow->late != nullptr);
    slow->late->answer().text("done");
    slow->late.reset();
    const std::string said = R"({"jsonrpc":"2.0","result":"done","id":1})";
    CHECK(rpc.take().bytes ==
          ok(is_batch ? "[" + said + R"(,{"jsonrpc":"2.0","result":[],"id":1}])" : said));
}

TEST_CASE("an answer of more than a message is refused, and says what to do") {
    Rpc rpc;
    const bool is_batch = GENERATE(false, true);
    const std::string one = command_text("slow.much");
    const std::string said = rpc.answer(post(is_batch ? "[" + one + "]" : one));
    CHECK(said.starts_with("HTTP/1.1 500 "));
    CHECK(said.find("too long") != std::string::npos);
    CHECK(rpc.statistic("jsonrpcs", "dropped_answers") == 0);
}

TEST_CASE("what is no POST, or too long to be handed over, is answered at once") {
    Rpc rpc;
    rpc.get("GET /RPC HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(rpc.take().bytes.starts_with(
        "HTTP/1.1 405 Method Not Allowed\r\nX-Mine: 1\r\nAllow: POST\r\n"));
    CHECK(rpc.returned == 1);
    rpc.get(post(std::string(Core::kMaxMail, ' ')));
    CHECK(rpc.take().bytes.starts_with("HTTP/1.1 413 "));
    CHECK(rpc.net.told.empty());
}

TEST_CASE("an answer that nobody takes is counted") {
    Rpc rpc;
    rpc.get(post(command_text("core.echo")));
    rpc.net.verdict = Sent::no_socket;
    rpc.advance(Ms(10));
    CHECK(rpc.statistic("jsonrpcs", "dropped_answers") == 1);
}

TEST_CASE("jsonrpc_dispatch is for HTTP, and for servers that offer it") {
    Rpc rpc(2);  // the FIFO only
    rpc.get(post(command_text("core.echo")));
    CHECK(start_line(rpc.take().bytes) == "HTTP/1.1 404 Not Found");
    CHECK(rpc.returned == -1);
    int said = 0;
    ModuleHost sip;
    sip.load("jsonrpcs");
    sip.param("jsonrpcs", "fifo_name", ""sv);
    sip.param("jsonrpcs", "dgram_socket", ""sv);
    sip.on_request([&](Message& m) { said = sip.call(m, "jsonrpc_dispatch"); });
    sip.start();
    sip.receive(Request("OPTIONS").str());
    CHECK(said == -1);
}

TEST_CASE("a transport that nobody serves ends the start") {
    ModuleHost host;
    host.load("jsonrpcs");
    host.param("jsonrpcs", "transport", 1);
    const auto started = host.try_start();
    REQUIRE_FALSE(started);
    CHECK(started.error().str().find("xhttp") != std::string::npos);
}
