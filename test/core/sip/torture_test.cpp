// The messages of RFC 4475, each with the verdict of the parser.
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "core/sip/build.h"
#include "core/sip/message.h"
#include "core/sip/params.h"

using namespace fairlead::sip;

namespace {

const std::filesystem::path kFolder = FAIRLEAD_SOURCE "/test/torture/rfc4475";

std::string load(const std::string& name) {
    std::ifstream file(kFolder / (name + ".dat"), std::ios::binary);
    REQUIRE(file);
    return {std::istreambuf_iterator<char>(file), {}};
}

struct Row {
    std::string name;
    int code;       ///< 200: accepted
    bool answered;  ///< whether a reply with the code can be sent
    std::string why;
};

const std::vector<Row> kRows = {
    // 3.1.1 Valid messages
    {"wsinv", 400, false,
     "3.1.1.1 DEVIATION: white space before the colon is refused by design (header smuggling)"},
    {"wsinv-strict-colon", 200, true, "the same without white space before the colon"},
    {"intmeth", 400, false, "3.1.1.2 DEVIATION: control characters and NUL, even as quoted pairs"},
    {"intmeth-printable", 200, true, "the same without control characters"},
    {"esc01", 200, true, "3.1.1.3"},
    {"escnull", 200, true, "3.1.1.4"},
    {"esc02", 200, true, "3.1.1.5"},
    {"lwsdisp", 200, true, "3.1.1.6"},
    {"longreq", 200, true, "3.1.1.7"},
    {"dblreq", 200, true, "3.1.1.8: what is behind the body is cut off"},
    {"semiuri", 200, true, "3.1.1.9"},
    {"transports", 200, true, "3.1.1.10"},
    {"mpart01", 200, true, "3.1.1.11"},
    {"unreason", 200, false, "3.1.1.12"},
    {"noreason", 200, false, "3.1.1.13"},
    // 3.1.2 Invalid messages
    {"badinv01", 400, false, "3.1.2.1: without a whole Via nobody can be answered"},
    {"clerr", 400, true, "3.1.2.2"},
    {"ncl", 400, true, "3.1.2.3"},
    {"scalar02", 400, true, "3.1.2.4"},
    {"scalarlg", 400, false, "3.1.2.5"},
    {"quotbal", 400, false, "3.1.2.6: no reply, as a tag cannot be added to such a To"},
    {"ltgtruri", 400, true, "3.1.2.7"},
    {"lwsruri", 400, true, "3.1.2.8"},
    {"lwsstart", 400, true, "3.1.2.9"},
    {"trws", 400, true, "3.1.2.10"},
    {"escruri", 200, true, "3.1.2.11: left to routing; the URI is well formed"},
    {"baddate", 200, true, "3.1.2.12: nobody reads Date here"},
    {"regbadct", 200, true, "3.1.2.13: for the registrar; the Contact value is refused"},
    {"badaspec", 400, false, "3.1.2.14: white space inside <>"},
    {"baddn", 400, false, "3.1.2.15: a comma in From is a second value"},
    {"badvers", 505, true, "3.1.2.16"},
    {"mismatch01", 400, true, "3.1.2.17"},
    {"mismatch02", 400, true, "3.1.2.18"},
    {"bigcode", 400, false, "3.1.2.19"},
    // 3.2, 3.3, 3.4: for the layers above, unless their syntax is at fault
    {"badbranch", 200, true, "3.2.1: a branch of the magic cookie only"},
    {"insuf", 400, false, "3.3.1"},
    {"unkscm", 200, true, "3.3.2"},
    {"novelsc", 200, true, "3.3.3"},
    {"unksm2", 200, true, "3.3.4"},
    {"bext01", 200, true, "3.3.5"},
    {"invut", 200, true, "3.3.6"},
    {"regaut01", 200, true, "3.3.7"},
    {"multi01", 400, true, "3.3.8"},
    {"mcl01", 400, true, "3.3.9"},
    {"bcast", 200, false, "3.3.10"},
    {"zeromf", 200, true, "3.3.11"},
    {"cparam01", 200, true, "3.3.12"},
    {"cparam02", 200, true, "3.3.13"},
    {"regescrt", 200, true, "3.3.14"},
    {"sdp01", 200, true, "3.3.15"},
    {"inv2543", 200, true, "3.4.1"},
};

}  // namespace

TEST_CASE("RFC 4475: every message gets its verdict") {
    for (const Row& row : kRows) {
        const std::string bytes = load(row.name);
        Message m;
        const auto error = m.parse(bytes);
        INFO(row.name << ": " << row.why);
        CHECK((error ? error->code : 200) == row.code);
        CHECK(m.can_be_answered() == row.answered);
    }
}

TEST_CASE("RFC 4475: every file has a verdict") {
    std::set<std::string> files, rows;
    for (const auto& entry : std::filesystem::directory_iterator(kFolder))
        if (entry.path().extension() == ".dat") files.insert(entry.path().stem());
    for (const Row& row : kRows) rows.insert(row.name);
    CHECK(files == rows);
}

TEST_CASE("RFC 4475: accepted messages are written as they came") {
    static char out[kMaxMessage];
    for (const Row& row : kRows) {
        const std::string bytes = load(row.name);
        Message m;
        if (m.parse(bytes)) continue;
        INFO(row.name);
        Writer w(out, sizeof out);
        REQUIRE(write_request(w, m, {}, {}));
        CHECK(w.text() == m.bytes());
        CHECK(bytes.starts_with(w.text()));
    }
}

TEST_CASE("RFC 4475 3.1.1.1: folds and white space all over") {
    const std::string bytes = load("wsinv-strict-colon");
    Message m;
    REQUIRE_FALSE(m.parse(bytes));
    CHECK(m.to()->tag == "1918181833n");
    CHECK(m.from()->uri == "sip:jdrosen@example.com");
    CHECK(m.from()->tag == "98asjd8");
    CHECK(m.max_forwards() == 68u);
    CHECK(m.cseq()->number == 9);
    CHECK(m.via()->host == "192.0.2.2");
    CHECK(m.via()->branch == "390skdjuw");
    CHECK_FALSE(m.via()->is_rfc3261());
    CHECK(m.second_via()->host == "spindle.example.com");
    CHECK(m.second_via()->branch == "z9hG4bK9ikj8");
    CHECK(m.header(HeaderType::subject) != nullptr);
    CHECK(m.text(HeaderType::subject).empty());
    const auto contact = parse_name_addr(m.text(HeaderType::contact));
    REQUIRE(contact);
    CHECK(contact->display == R"("Quoted string \"\"")");
    CHECK(contact->param("q") == "0.33");
    CHECK(contact->param("secondparam") == "");
    std::string_view vias = m.value(*m.header(HeaderType::via, 1));
    (void)next_value(vias);
    CHECK(parse_via(*next_value(vias))->branch == "z9hG4bK30239");
}

TEST_CASE("RFC 4475 3.1.1.2: unusual characters") {
    const std::string bytes = load("intmeth-printable");
    Message m;
    REQUIRE_FALSE(m.parse(bytes));
    CHECK(m.method() == Method::other);
    CHECK(m.method_text() == "!interesting-Method0123456789_*+`.%indeed'~");
    REQUIRE(m.parsed_request_uri() != nullptr);
    CHECK(m.parsed_request_uri()->user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
    CHECK(m.parsed_request_uri()->password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
    CHECK(m.from()->display == "token1~` token2'+_ token3*%!.-");
    CHECK(m.from()->tag == "_token~1'+`*%!-.");
}

TEST_CASE("RFC 4475: what the layers above are to find") {
    const auto parsed = [](const std::string& name, Message& m, std::string& bytes) {
        bytes = load(name);
        REQUIRE_FALSE(m.parse(bytes));
    };
    std::string bytes;
    Message m;
    parsed("dblreq", m, bytes);
    CHECK(m.body().empty());
    CHECK(m.bytes().size() < bytes.size());
    parsed("regbadct", m, bytes);
    CHECK_FALSE(parse_name_addr(m.text(HeaderType::contact)));
    parsed("regescrt", m, bytes);
    CHECK(parse_name_addr(m.text(HeaderType::contact))->uri.ends_with("%3E"));
    parsed("cparam01", m, bytes);
    CHECK(parse_name_addr(m.text(HeaderType::contact))->param("unknownparam") == "");
    parsed("cparam02", m, bytes);
    CHECK_FALSE(parse_name_addr(m.text(HeaderType::contact))->param("unknownparam"));
    parsed("unkscm", m, bytes);
    CHECK(m.parsed_request_uri()->scheme == Scheme::other);
    parsed("esc02", m, bytes);
    CHECK(m.count(HeaderType::contact) == 2);
    CHECK(m.method() == Method::other);
    parsed("badbranch", m, bytes);
    CHECK(m.via()->branch == kMagicCookie);
    parsed("noreason", m, bytes);
    CHECK(m.reason().empty());
}
