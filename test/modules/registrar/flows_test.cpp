// Several flows of one instance (RFC 5626), from the registrar to the serial forking of tm.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <string>

#include "test/modules/registrar/users.h"

namespace fairlead::test {
namespace {

constexpr std::string_view kRoutes = R"cfg(
loadmodule "tm"
modparam("tm", "contacts_avp", "contacts")
modparam("tm", "contact_flows_avp", "flows")
modparam("registrar", "outbound_mode", 1)
modparam("registrar", "append_branches", 1)
request_route {
    if ($rm == "REGISTER") { save("location"); exit; }
    lookup("location");
    t_load_contacts();
    t_next_contacts();
    t_on_failure("NEXT");
    t_relay();
}
failure_route[NEXT] {
    if (t_next_contact_flow()) { t_on_failure("NEXT"); t_relay(); exit; }
    t_reply("480", "$rc");
}
)cfg";

/// What is sent: Request-URIs of INVITEs, and final answers.
std::string sent(Users& users, std::string& invite) {
    std::string list;
    while (users.pending() != 0) {
        const std::string bytes = users.take().bytes, line = start_line(bytes);
        if (line.starts_with("INVITE ")) {
            invite = bytes;
            list += line.substr(7, line.find(' ', 7) - 7) + "|";
        } else if (line.starts_with("SIP/2.0 ") && line.substr(8, 3) != "100") {
            list += line.substr(8) + "|";
        }
    }
    return list;
}

}  // namespace

TEST_CASE("of the flows of a registered instance one is tried after the other") {
    Users users({}, 16 << 20, kRoutes);
    users.start();
    for (const int flow : {1, 2})
        (void)users.send(
            Register("mary", "<sip:m@192.0.2." + std::to_string(10 + flow) +
                                 ">;+sip.instance=\"<urn:uuid:1>\";reg-id=" + std::to_string(flow))
                .header("Supported", "outbound"));
    users.receive(Request("INVITE", "sip:mary@example.test").branch("z9hG4bKflows").str());
    std::string invite;
    const std::string first = sent(users, invite);
    REQUIRE((first == "sip:m@192.0.2.11|" || first == "sip:m@192.0.2.12|"));
    const std::string peer = first.substr(6, 10),
                      other = peer == "192.0.2.11" ? "192.0.2.12" : "192.0.2.11";
    users.receive(reply(invite, 430, "Flow Failed", "t"), peer + ":5060");
    CHECK(sent(users, invite) == "sip:m@" + other + "|");
    users.receive(reply(invite, 430, "Flow Failed", "t"), other + ":5060");
    CHECK(sent(users, invite) == "480 -2|");
}

}  // namespace fairlead::test
