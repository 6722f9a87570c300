// Uploads made to cost time or memory, or to read what is none of their business: each is refused
// with an answer that says why, and nothing stays behind. SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <string>

#include "test/support/message_builder.h"
#include "test/support/module_host.h"
#include "test/support/recorded_call.h"
#include "test/support/temp_folder.h"

using namespace fairlead;
using namespace fairlead::test;

namespace {

struct Uploads : ModuleHost {
    Uploads() {
        for (const char* name : {"sl", "tm", "cpl"}) load(name);
        on_request([this](Message& m) { call(m, "cpl_process_register"); });
        start();
    }
    /// The answer's first line, and its body behind a line feed.
    std::string operator()(const std::string& xml) {
        receive(Request("REGISTER", "sip:anna@example.test")
                    .header("Content-Disposition", "script;action=store")
                    .body(xml, "application/cpl+xml")
                    .str());
        if (pending() == 0) return "nothing";
        const std::string answer = take().bytes;
        return start_line(answer).substr(8) + '\n' + body(answer);
    }
};

std::string repeated(std::string_view text, std::size_t count) {
    std::string all;
    while (count-- > 0) all += text;
    return all;
}

const std::string kIn = "<cpl><incoming>", kOut = "</incoming></cpl>";

/// Ten entities, each of ten of the one before.
std::string bomb() {
    std::string type = "<!DOCTYPE cpl [<!ENTITY a0 'ha'>";
    for (int i = 1; i < 10; ++i) {
        const std::string before = "&a" + std::to_string(i - 1) + ";";
        type += "<!ENTITY a" + std::to_string(i) + " '" + repeated(before, 10) + "'>";
    }
    return type + "]>" + kIn + "<log comment='&a9;'/>" + kOut;
}

}  // namespace

TEST_CASE("cpl: uploads that would cost too much are refused, and it is said why") {
    Uploads upload;
    const auto refused = [&](const std::string& xml, std::string_view why) {
        const std::string answer = upload(xml);
        INFO(xml.substr(0, 120) << "\n" << answer);
        CHECK(answer.starts_with("400 Bad CPL script\n"));
        CHECK(answer.contains(why));
        CHECK(answer.size() < 8000);
    };
    refused(bomb(), "declarations of its own");
    refused("<!DOCTYPE cpl [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" + kIn +
                "<log comment='&e;'/>" + kOut,
            "declarations of its own");
    refused("<!DOCTYPE cpl [<!ENTITY % p SYSTEM 'http://127.0.0.1:1/x'> %p;]><cpl/>",
            "declarations of its own");
    refused("<!DOCTYPE cpl SYSTEM 'file:///etc/passwd'>" + kIn + "<log comment='&e;'/>" + kOut,
            "1:");
    refused(
        "<cpl xmlns:xi='http://www.w3.org/2001/XInclude'><xi:include href='/etc/passwd'/></cpl>",
        "namespace");
    refused(kIn + repeated("<log>", 70) + repeated("</log>", 70) + kOut, "64");
    refused(repeated("<a>", 20000), "1:");
    refused(repeated("<", 60000), "1:");
    refused("<cpl>" + repeated("<subaction id='a'/>", 2500) + "</cpl>", "2000");
    std::string attributes = "<cpl";
    for (int i = 0; i < 5000; ++i) attributes += " a" + std::to_string(i) + "=''";
    refused(attributes + "/>", "1:");
    refused(kIn + "<log comment='" + std::string(50000, 'x') + "'/>" + kOut, "4096");
    refused(std::string(60000, '\0'), "1:");
    // Loops among subactions: each way round.
    const auto sub = [](const std::string& id, const std::string& ref) {
        return "<subaction id='" + id + "'><sub ref='" + ref + "'/></subaction>";
    };
    for (const std::string& loop : {sub("a", "a"), sub("a", "b") + sub("b", "a"),
                                    sub("a", "b") + sub("b", "c") + sub("c", "a")})
        refused("<cpl>" + loop + "<incoming><sub ref='a'/></incoming></cpl>", "sub");
    CHECK(upload.statistic("cpl", "scripts") == 0);
    CHECK(upload.leaks().empty());
    CHECK(upload(kIn + "<reject status='busy'/>" + kOut).starts_with("200 OK"));
}

TEST_CASE("cpl: ten megabytes are refused, as a request and as a file") {
    Uploads upload;
    const std::string big = "<cpl>" + std::string(10U << 20U, ' ') + "</cpl>";
    const std::string answer = upload(big);
    INFO(answer);
    CHECK_FALSE(answer.starts_with("200"));
    CHECK(upload.statistic("cpl", "scripts") == 0);
    const TempFolder files;
    files.add("big.xml", big);
    const std::string path = files.path() + "/big.xml";
    for (const char* command : {"cpl.load", "cpl.check"}) {
        std::vector<Value> words{std::string_view(path)};
        if (std::string_view(command) == "cpl.load")
            words.insert(words.begin(), std::string_view("anna"));
        const std::string said = ask(upload.engine(), command, std::move(words));
        INFO(said);
        CHECK(said.contains("65536"));
    }
    CHECK(upload.leaks().empty());
}
