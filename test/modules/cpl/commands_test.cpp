// Commands about scripts. SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "test/support/message_builder.h"
#include "test/support/module_host.h"
#include "test/support/recorded_call.h"
#include "test/support/temp_folder.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

constexpr const char* kBusy = "<cpl><incoming><reject status=\"busy\"/></incoming></cpl>";

struct Asked : ModuleHost {
    explicit Asked(const std::string& parameters = {}) {
        config("loadmodule \"sl.so\"\nloadmodule \"tm.so\"\nloadmodule \"cpl.so\"\n" + parameters +
               "\nrequest_route { if (cpl_run_script(\"incoming\", \"is_stateless\") > 0) "
               "sl_send_reply(\"299\", \"Passed\"); }");
        start();
    }
    std::string operator()(std::string_view command, const std::vector<std::string>& words = {}) {
        std::vector<Value> arguments;
        for (const std::string& word : words) arguments.emplace_back(std::string_view(word));
        return ask(engine(), command, std::move(arguments));
    }
    std::string call(const std::string& uri) {
        receive(Request("INVITE", uri).str());
        return start_line(take().bytes);
    }
};

}  // namespace

TEST_CASE("cpl.load, cpl.get, cpl.remove: as Kamailio answers them") {
    const TempFolder files;
    files.add("busy.xml", kBusy);
    files.add("wrong.xml", "<cpl>\n<incoming><wrong/></incoming></cpl>");
    const std::string busy = files.path() + "/busy.xml", wrong = files.path() + "/wrong.xml";
    Asked ask;
    CHECK(ask("cpl.load", {"sip:anna@example.test", busy}) == "\"CPL Enabled\"");
    CHECK(ask.call("sip:anna@example.test") == "SIP/2.0 486 Busy Here");
    CHECK(ask("cpl.get", {"sip:Anna@other.test"}).contains("reject status="));
    CHECK(ask("cpl.load", {"bob", busy}) == "\"CPL Enabled\"");
    CHECK(ask("cpl.load", {"carl@example.test", busy}) == "\"CPL Enabled\"");
    CHECK(ask.call("sip:carl@example.test") == "SIP/2.0 486 Busy Here");
    CHECK(ask.statistic("cpl", "scripts") == 3);
    CHECK(ask("cpl.remove", {"tel:+123"}) == "\"CPL Disabled\"");
    CHECK(ask("cpl.remove", {"anna"}) == "\"CPL Disabled\"");
    CHECK(ask.call("sip:anna@example.test") == "SIP/2.0 299 Passed");
    CHECK(ask("cpl.get", {"anna"}).empty());

    CHECK(ask("cpl.load") == "error 500 No URI");
    CHECK(ask("cpl.get", {""}) == "error 500 No URI");
    CHECK(ask("cpl.remove", {"sip:host"}) == "error 500 Invalid URI");
    CHECK(ask("cpl.load", {"anna"}) == "error 500 No CPL file");
    CHECK(ask("cpl.load", {"anna", "/no/such/file"})
              .starts_with("error 500 Failed loading CPL file: /no/such/file: No such file"));
    CHECK(ask("cpl.load", {"anna", files.path()}).ends_with(": is not a file"));
    REQUIRE(mkfifo((files.path() + "/fifo").c_str(), 0600) == 0);
    CHECK(ask("cpl.load", {"anna", files.path() + "/fifo"}).contains("is not a file"));
    CHECK(ask("cpl.load", {"anna", wrong})
              .starts_with("error 500 Failed encoding CPL\n2:11: wrong is not a node"));
    CHECK(ask.statistic("cpl", "scripts") == 2);

    Asked domains("modparam(\"cpl\", \"use_domain\", 1)");
    CHECK(domains("cpl.load", {"anna", busy}) == "error 500 Invalid URI");
    CHECK(domains("cpl.load", {"anna@example.test", busy}) == "\"CPL Enabled\"");
    CHECK(domains.call("sip:anna@example.test") == "SIP/2.0 486 Busy Here");
    CHECK(domains.call("sip:anna@other.test") == "SIP/2.0 299 Passed");
}

TEST_CASE("cpl.check says what is wrong with a file") {
    const TempFolder files;
    files.add("busy.xml", kBusy);
    files.add("wrong.xml", "<cpl>\n<incoming><reject/></incoming></cpl>");
    files.add("long.xml", std::string(70000, ' '));
    Asked ask;
    CHECK(ask("cpl.check", {files.path() + "/busy.xml"}) ==
          "{result: \"correct\", size: 37, faults: []}");
    CHECK(
        ask("cpl.check", {files.path() + "/wrong.xml"})
            .starts_with("{result: \"refused\", faults: [\"2:11: reject must have the attribute"));
    CHECK(ask("cpl.check", {files.path() + "/long.xml"}).contains("limit"));
    CHECK(ask("cpl.check", {"nowhere"}).starts_with("error 500 Failed loading CPL file"));
}

TEST_CASE("cpl.run shows the way of a described call") {
    const TempFolder files;
    files.add("switch.xml",
              "<cpl><incoming><address-switch field='origin' subfield='user'><address is='bob'>"
              "<reject status='busy'/></address></address-switch></incoming></cpl>");
    const std::string file = files.path() + "/switch.xml";
    Asked ask;
    const std::string bob = R"({outcome: "486 Busy Here", tried: "", contacts: "", path: )"
                            R"(["address origin user: is "bob"", "reject with 486"], notes: []})";
    CHECK(ask("cpl.run", {file, "incoming", "from=sip:bob@x.test"}) == bob);
    CHECK(ask("cpl.load", {"anna", file}) == "\"CPL Enabled\"");
    CHECK(ask("cpl.run", {"anna", "from=sip:bob@x.test"}) == bob);
    CHECK(ask("cpl.run", {"anna", "from=sip:carl@x.test"}).contains("outcome: \"return\""));
    CHECK(ask("cpl.run", {"anna", "from=sip:carl@x.test"})
              .contains("address origin user: no output for this"));
    CHECK(ask("cpl.run", {"anna", "nonsense"})
              .starts_with("error 500 \"nonsense\" does not describe a call: incoming or "));
    CHECK(ask("cpl.run", {"bob"}) == "error 404 No CPL script");
}
