// rr: following the Route of a request. The expected values are what Kamailio 5.6.3 did with the
// same requests, but where a comment says otherwise.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "modules/rr/api.h"
#include "test/modules/one_request.h"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::string_view_literals;

namespace {

using Lines = std::vector<std::string>;

constexpr std::string_view kRemote = "sip:u@192.0.2.9:9";

struct Followed {
    int code = 0;
    std::string dst_uri, request_uri;
    Lines routes;
    bool downstream = false, next_is_route = false;
};

struct Server : OneRequest {
    Server() : OneRequest({"rr"}) {
        net.listen("udp:127.0.0.1:5070");
        net.listen("udp:127.0.0.1:5071");
        start();
    }
    Followed follow(std::string_view uri, const Lines& routes, bool in_dialog = true) {
        Request request("BYE", uri);
        request.from_tag("ft1");
        if (in_dialog) request.to_tag("tt1");
        for (const std::string& route : routes) request.header("Route", route);
        Followed f;
        const std::string out = run(request, [&](Message& m) {
            f.code = call(m, "loose_route");
            f.dst_uri = m.target.dst_uri;
            f.request_uri = m.uri();
            f.downstream = call(m, "is_direction", {"downstream"sv}) == 1;
            CHECK((call(m, "is_direction", {"upstream"sv}) == 1) != f.downstream);
            f.next_is_route = call(m, "rr_next_hop_route") == 1;
            listener = m.target.listener;
            m.target.dst_uri = "sip:192.0.2.99";
        });
        f.routes = headers(out, "Route");
        return f;
    }
    std::uint16_t listener = kNoListener;
};

const std::string kOurs = "<sip:127.0.0.1:5070;lr;ftag=ft1>";

}  // namespace

TEST_CASE("without Route there is nothing to follow") {
    Server server;
    const Followed f = server.follow(kRemote, {});
    CHECK(f.code == -1);
    CHECK(f.request_uri == kRemote);
}

TEST_CASE("our own Route is taken off") {
    Server server;
    const Followed f = server.follow(kRemote, {kOurs});
    CHECK(f.code == 1);
    CHECK(f.dst_uri.empty());
    CHECK(f.request_uri == kRemote);
    CHECK(f.routes.empty());
    CHECK(f.downstream);
    CHECK_FALSE(f.next_is_route);
}

TEST_CASE("an initial request that only names us is not driven by its Route") {
    Server server;
    const Followed f = server.follow(kRemote, {kOurs}, false);
    CHECK(f.code == -3);
    CHECK(f.routes.empty());
}

TEST_CASE("the Route behind ours is the next hop") {
    Server server;
    for (const bool in_dialog : {true, false}) {
        const Followed f = server.follow(
            kRemote, {"<sip:127.0.0.1:5070;lr;ftag=xx>", "<sip:8.8.8.8;lr>"}, in_dialog);
        CHECK(f.code == 1);
        CHECK(f.dst_uri == "sip:8.8.8.8;lr");
        CHECK(f.request_uri == kRemote);
        CHECK(f.routes == Lines{"<sip:8.8.8.8;lr>"});
        CHECK_FALSE(f.downstream);
        CHECK(f.next_is_route);
    }
}

TEST_CASE("values that share a field are taken off one by one") {
    Server server;
    const Followed f = server.follow(kRemote, {kOurs + ",<sip:8.8.8.8;lr>, <sip:7.7.7.7;lr>"});
    CHECK(f.dst_uri == "sip:8.8.8.8;lr");
    CHECK(f.routes == Lines{"<sip:8.8.8.8;lr>, <sip:7.7.7.7;lr>"});
}

TEST_CASE("display names and commas in them do not confuse it") {
    Server server;
    const Followed f = server.follow(
        kRemote, {"\"x, y\" <sip:z@127.0.0.1:5070;lr>", "\"A,b\" <sip:8.8.8.8;lr>;p=1"});
    CHECK(f.dst_uri == "sip:8.8.8.8;lr");
    CHECK(f.routes == Lines{"\"A,b\" <sip:8.8.8.8;lr>;p=1"});
}

TEST_CASE("a strict router gets itself as Request-URI") {
    Server server;
    Followed f = server.follow(kRemote, {kOurs, "<sip:8.8.8.8>"});
    CHECK(f.code == 1);
    CHECK(f.request_uri == "sip:8.8.8.8");
    CHECK(f.dst_uri.empty());
    CHECK(f.routes == Lines{"<sip:u@192.0.2.9:9>"});

    f = server.follow(kRemote, {kOurs, "<sip:8.8.8.8>, <sip:7.7.7.7;lr>", "<sip:6.6.6.6;lr>"});
    CHECK(f.request_uri == "sip:8.8.8.8");
    CHECK(f.routes == Lines{"<sip:7.7.7.7;lr>", "<sip:6.6.6.6;lr>", "<sip:u@192.0.2.9:9>"});
}

TEST_CASE("a foreign Route on top is the next hop") {
    Server server;
    Followed f = server.follow(kRemote, {"<sip:8.8.8.8;lr>"});
    CHECK(f.code == 1);
    CHECK(f.dst_uri == "sip:8.8.8.8;lr");
    CHECK(f.routes == Lines{"<sip:8.8.8.8;lr>"});
    CHECK_FALSE(f.next_is_route);

    f = server.follow(kRemote, {"<sip:8.8.8.8>"});
    CHECK(f.request_uri == "sip:8.8.8.8");
    CHECK(f.routes == Lines{"<sip:u@192.0.2.9:9>"});
}

TEST_CASE("after a strict router the last Route is where the request is meant for") {
    Server server;
    const std::string us = "sip:127.0.0.1:5070";
    Followed f = server.follow(us, {"<sip:8.8.8.8;lr>", "<sip:u@5.5.5.5;x>"});
    CHECK(f.code == 1);
    CHECK(f.request_uri == "sip:u@5.5.5.5;x");
    CHECK(f.dst_uri == "sip:8.8.8.8;lr");
    CHECK(f.routes == Lines{"<sip:8.8.8.8;lr>"});

    f = server.follow(us, {"<sip:8.8.8.8;lr>,<sip:u@5.5.5.5;lr>,<sip:u@4.4.4.4>"});
    CHECK(f.request_uri == "sip:u@4.4.4.4");
    CHECK(f.dst_uri == "sip:8.8.8.8;lr");
    CHECK(f.routes == Lines{"<sip:8.8.8.8;lr>,<sip:u@5.5.5.5;lr>"});

    f = server.follow(us, {"<sip:8.8.8.8>"});
    CHECK(f.request_uri == "sip:8.8.8.8");
    CHECK(f.routes.empty());

    f = server.follow(us, {"<sip:8.8.8.8;lr>"});
    CHECK(f.request_uri == "sip:8.8.8.8;lr");
    CHECK(f.dst_uri == "sip:8.8.8.8;lr");
    CHECK(f.routes.empty());

    f = server.follow(us, {"<sip:8.8.8.8>", "<sip:u@5.5.5.5;x>"});
    CHECK(f.request_uri == "sip:8.8.8.8");
    CHECK(f.routes == Lines{"<sip:u@5.5.5.5;x>"});
}

TEST_CASE("our own Route behind a strict router's is taken off") {
    // Kamailio sends the request to itself once more; RFC 3261 16.4 takes the value off here.
    Server server;
    const Followed f = server.follow("sip:127.0.0.1:5070", {kOurs, "<sip:5.5.5.5;lr>"});
    CHECK(f.request_uri == "sip:5.5.5.5;lr");
    CHECK(f.dst_uri.empty());
    CHECK(f.routes.empty());
}

TEST_CASE("an initial request to us keeps its Request-URI") {
    Server server;
    const Followed f =
        server.follow("sip:127.0.0.1:5070", {"<sip:8.8.8.8;lr>", "<sip:u@5.5.5.5;x>"}, false);
    CHECK(f.request_uri == "sip:127.0.0.1:5070");
    CHECK(f.dst_uri == "sip:8.8.8.8;lr");
}

TEST_CASE("what we recorded twice is taken off together and names the socket to leave from") {
    Server server;
    Followed f = server.follow(kRemote, {"<sip:127.0.0.1:5070;r2=on;lr;ftag=ft1>",
                                         "<sip:127.0.0.1:5071;r2=on;lr;ftag=ft1>"});
    CHECK(f.code == 1);
    CHECK(f.routes.empty());
    CHECK(server.listener == 1);

    f = server.follow(kRemote, {"<sip:127.0.0.1:5071;r2=on;lr>, <sip:127.0.0.1:5070;r2=on;lr>",
                                "<sip:8.8.8.8;lr>"});
    CHECK(f.dst_uri == "sip:8.8.8.8;lr");
    CHECK(server.listener == 0);
}

TEST_CASE("a second value that is not ours stays, whatever r2 says") {
    // Kamailio takes it off and only warns; the request would miss a hop.
    Server server;
    const Followed f =
        server.follow(kRemote, {"<sip:127.0.0.1:5070;r2=on;lr>", "<sip:8.8.8.8;lr>"});
    CHECK(f.dst_uri == "sip:8.8.8.8;lr");
    CHECK(f.routes == Lines{"<sip:8.8.8.8;lr>"});
}

TEST_CASE("maddr of a Route counts more than its host") {
    Server server;
    CHECK(server.follow(kRemote, {"<sip:foo.example;maddr=192.0.2.7;lr>"}).dst_uri ==
          "sip:192.0.2.7");
    CHECK(
        server.follow(kRemote, {"<sip:foo.example:99;transport=udp;maddr=192.0.2.7;lr>"}).dst_uri ==
        "sip:192.0.2.7:99;transport=udp");
}

TEST_CASE("a port that is not given is the default one") {
    Server server;
    CHECK(server.follow(kRemote, {"<sip:127.0.0.1;lr>"}).dst_uri == "sip:127.0.0.1;lr");
}

TEST_CASE("a malformed Route is not followed") {
    Server server;
    CHECK(server.follow(kRemote, {"<garbage"}).code == -1);
}

TEST_CASE("too many Route values are not followed") {
    Server server;
    CHECK(server.follow(kRemote, Lines(65, "<sip:8.8.8.8;lr>")).code == -1);
    CHECK(server.follow(kRemote, Lines(64, "<sip:8.8.8.8;lr>")).code == 1);
}

TEST_CASE("loose_route_mode 1 leaves a Request-URI that is ours alone") {
    Server server;
    Request request("BYE", "sip:127.0.0.1:5070");
    request.to_tag("x").header("Route", kOurs).header("Route", "<sip:8.8.8.8;lr>");
    const std::string out = server.run(request, [&](Message& m) {
        CHECK(server.call(m, "loose_route_mode", {1}) == 1);
        CHECK(m.target.dst_uri == "sip:8.8.8.8;lr");
        CHECK(m.uri() == "sip:127.0.0.1:5070");
    });
}

TEST_CASE("loose_route_preloaded is for initial requests") {
    Server server;
    CHECK(server.code(Request("INVITE").header("Route", kOurs), "loose_route_preloaded") == 1);
    CHECK(server.code(Request("INVITE"), "loose_route_preloaded") == -1);
    CHECK(server.code(Request("BYE").to_tag("x").header("Route", kOurs), "loose_route_preloaded") ==
          -1);
}

TEST_CASE("called twice, it follows once") {
    Server server;
    Request request("BYE");
    request.to_tag("x").header("Route", kOurs).header("Route", "<sip:8.8.8.8;lr>");
    const std::string out = server.run(request, [&](Message& m) {
        CHECK(server.call(m, "loose_route") == 1);
        CHECK(server.call(m, "loose_route") == 1);
        m.target.dst_uri = {};
    });
    CHECK(headers(out, "Route") == Lines{"<sip:8.8.8.8;lr>"});
}

TEST_CASE("check_route_param and $route_uri look at our own Route") {
    ModuleHost server;
    server.config(R"(
        loadmodule "rr"
        loadmodule "sl"
        request_route {
            loose_route();
            if (check_route_param(";nat=yes")) sl_send_reply("200", "$route_uri");
            else sl_send_reply("404", "none");
        })");
    server.start();
    const auto answer = [&](std::string route) {
        server.receive(Request("OPTIONS").to_tag("x").header("Route", std::move(route)).str());
        return start_line(server.take().bytes);
    };
    CHECK(answer("<sip:127.0.0.1;lr;nat=yes>") == "SIP/2.0 200 sip:127.0.0.1;lr;nat=yes");
    CHECK(answer("<sip:127.0.0.1;lr;nat=no>") == "SIP/2.0 404 none");
    CHECK(answer("<sip:8.8.8.8;lr;nat=yes>") == "SIP/2.0 404 none");
}

TEST_CASE("direction and tags of the dialog as variables") {
    OneRequest server({"rr"});
    server.net.listen("udp:127.0.0.1:5070");
    server.start();
    const auto read = [&](const std::string& ftag) {
        std::string out;
        Request request("BYE");
        request.from_tag("ft1").to_tag("tt1");
        request.header("Route", "<sip:127.0.0.1:5070;lr;ftag=" + ftag + ">");
        server.run(request, [&](Message& m) {
            server.call(m, "loose_route");
            for (const auto& [name, inner] :
                 {std::pair("fti"sv, ""sv), {"tti"sv, ""sv}, {"rdir"sv, "name"sv}}) {
                out += std::string(server.variable(m, name, inner).string()) + " ";
            }
            out += std::to_string(server.variable(m, "rdir", "id").integer());
        });
        return out;
    };
    CHECK(read("ft1") == "ft1 tt1 downstream 1");
    CHECK(read("tt1") == "tt1 ft1 upstream 2");
    server.run(Request("OPTIONS"), [&](Message& m) {
        CHECK(server.variable(m, "tti").is_null());
        CHECK(server.variable(m, "route_uri").string().empty());
        CHECK(server.variable(m, "route_uri").is_string());
    });
}

TEST_CASE("sn in a Route names the socket to leave from") {
    OneRequest server({"rr"});
    server.net.listen("udp:127.0.0.1:5070");
    server.net.listen("udp:127.0.0.1:5071", "second");
    server.param("rr", "sockname_mode", 1);
    server.param("rr", "force_send_socket", 1);
    server.start();
    const auto leaves = [&](const std::string& route) {
        std::uint16_t listener = kNoListener;
        Request request("BYE");
        request.to_tag("tt1").header("Route", route);
        server.run(request, [&](Message& m) {
            server.call(m, "loose_route");
            listener = m.target.listener;
        });
        return listener;
    };
    CHECK(leaves("<sip:127.0.0.1:5070;lr;sn=second>") == 1);
    CHECK(leaves("<sip:127.0.0.1:5070;lr;sn=other>") == 0);
    CHECK(leaves("<sip:127.0.0.1:5071;lr;r2=on>, <sip:127.0.0.1:5070;lr;r2=on;sn=second>") == 1);
}

namespace {

/// A module that listens to rr.
class Ear final : public Module, public rr::RouteListener {
public:
    rr::Api* rr = nullptr;
    std::vector<std::string> heard;

    Result<void> prepare(Core&) override {
        rr->on_route(*this);
        return {};
    }
    void route_followed(Message& m, std::string_view params) override {
        heard.emplace_back(params);
        heard.emplace_back(rr->route_param(m, "did").value_or("none"));
        CHECK(rr->add_param(m, ";did=2"));
    }
};
constexpr Need kEarNeeds[] = {needs<&Ear::rr>()};
constexpr Descriptor kEar{
    .name = "ear", .summary = "Listens.", .create = make_module<Ear>, .needs = kEarNeeds};

}  // namespace

TEST_CASE("other modules are told of our Route and its parameters") {
    OneRequest server({"rr"});
    server.add(kEar);
    server.net.listen("udp:127.0.0.1:5070");
    server.start();
    const auto& heard = server.module<Ear>("ear")->heard;
    Request request("BYE");
    request.to_tag("tt1").header("Route", "<sip:127.0.0.1:5070;lr;did=1>");
    const std::string out = server.run(request, [&](Message& m) {
        server.call(m, "loose_route");
        server.call(m, "record_route", {Value()});
    });
    CHECK(heard == Lines{";lr;did=1", "1"});
    CHECK(header(out, "Record-Route").value_or("").ends_with(";did=2>"));
    Request other("BYE");
    other.to_tag("tt1").header("Route", "<sip:192.0.2.9;lr>");
    server.run(other, [&](Message& m) { server.call(m, "loose_route"); });
    CHECK(heard.size() == 2);
}
