// path: the lines and destinations that Kamailio 5.6.3 makes of the same requests.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "test/modules/one_request.h"

using namespace fairlead;
using namespace fairlead::test;
using namespace std::string_view_literals;

namespace {

using Lines = std::vector<std::string>;

struct Server : OneRequest {
    explicit Server(std::initializer_list<std::pair<std::string_view, Value>> params = {})
        : OneRequest({"rr", "path"}) {
        net.listen("udp:127.0.0.1:5070");
        for (const auto& [name, value] : params) param("path", name, value);
        start();
    }
    Lines added(std::string_view function, const std::vector<Value>& args = {},
                const Request& request = Request("REGISTER")) {
        return headers(run(request, [&](Message& m) { code = call(m, function, args); }), "Path");
    }
    /// $du behind loose_route().
    std::string followed(const std::string& route) {
        std::string dst;
        run(Request("INVITE").header("Route", route), [&](Message& m) {
            call(m, "loose_route");
            dst = m.target.dst_uri;
            m.target.dst_uri = "sip:192.0.2.99";
        });
        return dst;
    }
    int code = 0;
};

}  // namespace

TEST_CASE("add_path writes our address, a user and parameters") {
    Server server;
    CHECK(server.added("add_path") == Lines{"<sip:127.0.0.1:5070;lr>"});
    CHECK(server.code == 1);
    CHECK(server.added("add_path", {"lb"sv}) == Lines{"<sip:lb@127.0.0.1:5070;lr>"});
    CHECK(server.added("add_path", {"lb"sv, "ob"sv}) == Lines{"<sip:lb@127.0.0.1:5070;lr;ob>"});
    CHECK(server.added("add_path", {}, Request("REGISTER").header("Path", "<sip:1.1.1.1;lr>")) ==
          Lines{"<sip:127.0.0.1:5070;lr>", "<sip:1.1.1.1;lr>"});
    CHECK(server.added("add_path", {"a>\r\nX: y"sv}).empty());
    CHECK(server.code == -1);
}

TEST_CASE("add_path_received writes where the request came from") {
    Server server;
    CHECK(server.added("add_path_received") ==
          Lines{"<sip:127.0.0.1:5070;lr;received=sip:192.0.2.1:5060>"});
    CHECK(server.added("add_path_received", {"in"sv, "ob"sv}) ==
          Lines{"<sip:in@127.0.0.1:5070;lr;received=sip:192.0.2.1:5060;ob>"});
    Server other({{"received_format", 1}, {"received_name", "rcv"sv}});
    CHECK(other.added("add_path_received") ==
          Lines{"<sip:127.0.0.1:5070;lr;rcv=192.0.2.1~5060~1>"});
}

TEST_CASE("enable_r2 writes two lines") {
    Server server({{"enable_r2", 1}});
    CHECK(server.added("add_path") ==
          Lines{"<sip:127.0.0.1:5070;lr;r2=on>", "<sip:127.0.0.1:5070;lr;r2=on>"});
}

TEST_CASE("use_received sends a request to what its Route carries") {
    Server server({{"use_received", 1}});
    CHECK(server.followed("<sip:127.0.0.1:5070;lr;received=sip:9.9.9.9:7%3Btransport%3Dudp>") ==
          "sip:9.9.9.9:7;transport=udp");
    CHECK(server.followed("<sip:127.0.0.1:5070;lr>").empty());
    CHECK(server.followed("<sip:127.0.0.1:5070;lr;received=nonsense>").empty());
    CHECK(server.followed("<sip:127.0.0.1:5070;lr;received=sip:9.9.9.9%0d%0aX>").empty());
    CHECK(server.followed("<sip:192.0.2.7;lr;received=sip:9.9.9.9>") ==
          "sip:192.0.2.7;lr;received=sip:9.9.9.9");
    Server off;
    CHECK(off.followed("<sip:127.0.0.1:5070;lr;received=sip:9.9.9.9>").empty());
}
