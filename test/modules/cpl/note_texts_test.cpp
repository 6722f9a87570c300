// What log and mail nodes write. SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "modules/cpl/note_texts.h"

using namespace fairlead::cpl;

TEST_CASE("cpl: no user's name leads out of the folder of logs") {
    CHECK(log_file_name("anna") == "anna.log");
    CHECK(log_file_name("anna+1@Example.test") == "anna+1@Example.test.log");
    CHECK(log_file_name("../../etc/passwd") == "%2E.%2F..%2Fetc%2Fpasswd.log");
    CHECK(log_file_name(".hidden") == "%2Ehidden.log");
    CHECK(log_file_name(std::string_view("a\0b\n", 4)) == "a%00b%0A.log");
    CHECK(log_file_name("\xc3\xa4%") == "%C3%A4%25.log");
    const std::string one = log_file_name(std::string(5000, 'x'));
    const std::string other = log_file_name(std::string(4999, 'x') + "y");
    CHECK(one.size() < 250);
    CHECK(one != other);
}

TEST_CASE("cpl: a log's line is one line") {
    const std::string line = log_line(0, "a\nb", "c\r\nd");
    CHECK(line.ends_with(" a b: c  d\n"));
    CHECK(line.find('\n') == line.size() - 1);
    CHECK(log_line(0, "", "x").ends_with(" default_log: x\n"));
    CHECK(log_line(0, "", "x").contains(" 19"));  // 1969 or 1970, as the zone has it
}

TEST_CASE("cpl: a mail's headers hold what they should and nothing more") {
    const std::string mail =
        mail_text("cpl@example.test", "anna@example.test", "Hi\r\nBcc: x@y.test", "Text", 0, 0xab);
    CHECK(mail.starts_with("From: <cpl@example.test>\r\nTo: <anna@example.test>\r\n"));
    CHECK(mail.contains("\r\nSubject: Hi  Bcc: x@y.test\r\n"));
    CHECK(mail.contains("\r\nMessage-ID: <00000000000000ab.cpl@example.test>\r\n"));
    CHECK(mail.ends_with("\r\n\r\nVGV4dA==\r\n"));
    CHECK(mail_text("a", "b", "\xc3\xa4", "", 0, 0).contains("\r\nSubject: =?UTF-8?B?w6Q=?=\r\n"));
    std::string umlauts;
    for (int i = 0; i < 40; ++i) umlauts += "\xc3\xa4";
    const std::string folded = mail_text("a", "b", umlauts, std::string(200, 'x'), 0, 0);
    for (std::size_t at = 0; at < folded.size();) {
        const std::size_t end = folded.find("\r\n", at);
        CHECK(end - at <= 76);
        at = end + 2;
    }
    CHECK(folded.contains("?=\r\n =?UTF-8?B?"));
}
