// Message (reset, branches, reply lines), the replies for internal errors, and AVPs.
// SPDX-License-Identifier: Apache-2.0
#include "core/api/message.h"

#include <catch2/catch.hpp>
#include <string>

using namespace fairlead;

TEST_CASE("reset leaves nothing of the message before") {
    Arena arena;
    Message m(arena);
    m.target.uri = "sip:x";
    m.flags = m.script_flags = 1;
    m.force_rport = m.add_local_rport = m.uri_consumed = true;
    m.advertised_host = "h";
    m.advertised_port = 1;
    m.via_params = ";a=b";
    m.append_to_reply("X: 1\r\n");
    m.reply_body = m.reply_content_type = "x";
    m.avps.add("a", 1);
    m.edits.insert(1, "x");
    m.route_type = Route::failure;
    m.error = ScriptError::send;
    m.return_code = -1;
    m.slots[3] = 9;
    REQUIRE(m.append_branch({.uri = "sip:y"}));

    m.reset({.listener = 4}, Ms{77});
    CHECK(m.received.listener == 4);
    CHECK(m.arrived == Ms{77});
    CHECK(m.target.uri.empty());
    CHECK((m.flags | m.script_flags) == 0);
    CHECK_FALSE((m.force_rport || m.add_local_rport || m.uri_consumed));
    CHECK(m.advertised_host.empty());
    CHECK(m.advertised_port == 0);
    CHECK(m.via_params.empty());
    CHECK(m.reply_headers.empty());
    CHECK((m.reply_body.empty() && m.reply_content_type.empty()));
    CHECK(m.avps.empty());
    CHECK(m.edits.empty());
    CHECK(m.route_type == Route::request);
    CHECK(m.error == ScriptError::none);
    CHECK(m.return_code == 1);
    CHECK(m.slots[3] == 0);
    CHECK(m.branch_count == 0);
}

TEST_CASE("branches are bounded, the Request-URI's own included") {
    Arena arena;
    Message m(arena);
    m.reset({}, Ms{0});
    CHECK(m.append_branch({.uri = "sip:1"}, 3));
    CHECK(m.append_branch({.uri = "sip:2"}, 3));
    CHECK_FALSE(m.append_branch({.uri = "sip:3"}, 3));
    CHECK(m.branch_count == 2);
    CHECK(m.branches[1].uri == "sip:2");
    CHECK_FALSE(m.append_branch({.uri = "sip:3"}, 0));
    while (m.append_branch({.uri = "sip:n"})) {
    }
    CHECK(m.branch_count == kMaxBranches - 1);
}

TEST_CASE("reply lines are collected in order") {
    Arena arena;
    Message m(arena);
    m.append_to_reply("A: 1\r\n");
    m.append_to_reply("B: 2\r\n");
    CHECK(m.reply_headers == "A: 1\r\nB: 2\r\n");
}

TEST_CASE("every internal error has a reply") {
    const auto [error, code, reason] = GENERATE(table<ScriptError, int, std::string_view>({
        {ScriptError::send, 477, "Unfortunately error on sending to next hop occurred"},
        {ScriptError::bad_address, 478, "Unresolvable destination"},
        {ScriptError::bad_request, 400, "Bad Request"},
        {ScriptError::bad_uri, 479, "Regretfully, we were not able to process the URI"},
        {ScriptError::bad_tuple, 400, "Transaction tuple incomplete"},
        {ScriptError::bad_to, 400, "Bad To"},
        {ScriptError::external_logic, 500, "Error in external logic"},
        {ScriptError::too_many_branches, 500, "Forking capacity exceeded"},
        {ScriptError::cancelled, 487, "Transaction canceled"},
        {ScriptError::none, 500, "No error"},
        {ScriptError::out_of_memory, 500, "No error"},
        {ScriptError::unspecified, 500, "I'm terribly sorry, server error occurred"},
        {ScriptError::no_socket, 500, "I'm terribly sorry, server error occurred"},
    }));
    CHECK(error_reply(error).code == code);
    CHECK(error_reply(error).reason == reason);
}

TEST_CASE("an AVP's newest value hides the older ones") {
    Arena arena;
    Avps avps(arena);
    CHECK(avps.empty());
    CHECK(avps.get("a").is_null());
    avps.add("a", 1);
    avps.add("b", std::string_view("x"));
    avps.add("a", std::string_view("two"));
    avps.add("a", Value());
    CHECK(avps.count("a") == 2);
    CHECK(avps.get("a").string() == "two");
    CHECK(avps.get("a", 1).integer() == 1);
    CHECK(avps.get("a", 2).is_null());
    CHECK(avps.get("A").is_null());
    avps.remove_newest("a");
    CHECK(avps.get("a").integer() == 1);
    avps.remove_newest("none");
    avps.add("a", 5);
    avps.remove_all("a");
    CHECK(avps.count("a") == 0);
    CHECK(avps.get("b").string() == "x");
    avps.clear();
    CHECK(avps.empty());
}

TEST_CASE("AVPs copy what they are given") {
    Arena arena;
    Avps avps(arena);
    std::string name = "name", value = "value";
    avps.add(name, std::string_view(value));
    name = value = "????";
    CHECK(avps.get("name").string() == "value");
}

TEST_CASE("AVPs come back from their stored form in order, and do not need it afterwards") {
    Arena arena, other;
    Avps avps(arena);
    avps.add("n", INT64_MIN);
    avps.add("s", std::string_view("a\0b", 3));
    avps.add("", std::string_view(""));
    avps.add("s", INT64_MAX);
    std::string stored(avps.stored_size(), '?');
    avps.store(stored.data());

    Avps again(other);
    again.add("old", 1);
    REQUIRE(again.load(stored));
    stored.assign(stored.size(), '?');
    CHECK(again.get("n").integer() == INT64_MIN);
    CHECK(again.get("s").integer() == INT64_MAX);
    CHECK(again.get("s", 1).string() == std::string_view("a\0b", 3));
    CHECK(again.get("").is_string());
    CHECK(again.get("old").is_null());
    CHECK(again.stored_size() == avps.stored_size());
    REQUIRE(again.load({}));
    CHECK(again.empty());
}

TEST_CASE("what is no stored form of AVPs is refused") {
    Arena arena;
    Avps avps(arena);
    avps.add("name", std::string_view("value"));
    avps.add("n", 7);
    std::string stored(avps.stored_size(), '?');
    avps.store(stored.data());
    Avps again(arena);
    again.add("kept", 1);
    for (std::size_t size = 1; size < stored.size(); ++size) {
        const std::string part = stored.substr(0, size);
        // Where one entry ends the rest is simply not there; anywhere else it is damaged.
        if (size == 9 + 1 + 8) continue;
        CHECK_FALSE(again.load(part));
    }
    std::string bad = stored;
    bad[0] = 9;
    CHECK_FALSE(again.load(bad));
    bad = stored;
    bad[4] = '\x7f';  // a name of 2 GB
    CHECK_FALSE(again.load(bad));
    CHECK(again.get("kept").integer() == 1);
}
