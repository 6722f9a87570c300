// When a process that died is forked again, and what is saved of its last message.
// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/proc/black_box.h"
#include "core/proc/supervisor.h"
#include "test/support/temp_folder.h"

using namespace fairlead;
using Catch::Matchers::Contains;
using fairlead::proc::Backoff;
using fairlead::proc::BlackBox;
using fairlead::proc::WorkNote;

namespace {

WorkNote note_of(std::string_view bytes) {
    WorkNote note{};
    Received from;
    note.begin(bytes, from, 1'700'000'000);
    return note;
}

std::string read(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

TEST_CASE("a process that dies seldom is replaced at once") {
    Backoff backoff;
    Ms now{1'000'000};
    for (int i = 0; i < 50; ++i, now += Ms(3'000)) CHECK(backoff.died(now) == Ms(0));
}

TEST_CASE("a process that dies often waits, twice as long each time, up to a limit") {
    Backoff backoff;
    const Ms now{1'000'000};
    for (std::size_t i = 0; i < Backoff::kDeaths; ++i) CHECK(backoff.died(now) == Ms(0));
    CHECK(backoff.died(now) == Ms(100));
    CHECK(backoff.died(now) == Ms(200));
    CHECK(backoff.died(now) == Ms(400));
    CHECK(backoff.died(now) == Ms(800));
    CHECK(backoff.died(now) == Ms(1'600));
    CHECK(backoff.died(now) == Backoff::kLongest);
    CHECK(backoff.died(now) == Backoff::kLongest);
}

TEST_CASE("after a quiet time the first death is replaced at once again") {
    Backoff backoff;
    Ms now{1'000'000};
    for (int i = 0; i < 8; ++i) (void)backoff.died(now);
    now += Backoff::kWindow;
    CHECK(backoff.died(now) == Ms(0));
    for (std::size_t i = 1; i < Backoff::kDeaths; ++i) CHECK(backoff.died(now) == Ms(0));
    CHECK(backoff.died(now) == Backoff::kFirst);  // not where it had been
}

TEST_CASE("the last message of a dead process is saved byte for byte, for its owner only") {
    const fairlead::test::TempFolder folder;
    BlackBox box(folder.path());
    const std::string bytes("OPTIONS sip:x SIP/2.0\r\nX: \0\xff\r\n\r\n", 33);
    const auto path = box.save(note_of(bytes), 3, 4711, "udp:127.0.0.1:5060");
    REQUIRE(path);
    CHECK_THAT(*path,
               Contains(folder.path() + "/fairlead-crash-") && Catch::Matchers::EndsWith("-3.sip"));
    struct stat info{};
    REQUIRE(stat(path->c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
    const std::string text = read(*path);
    const auto body = text.find("\n\n");
    REQUIRE(body != std::string::npos);
    CHECK(text.substr(body + 2) == bytes);
    CHECK_THAT(text.substr(0, body), Contains("4711") && Contains("udp:127.0.0.1:5060"));
    std::istringstream head(text.substr(0, body));
    for (std::string line; std::getline(head, line);) CHECK(line.starts_with('#'));
}

TEST_CASE("two deaths within one second leave two files") {
    const fairlead::test::TempFolder folder;
    BlackBox box(folder.path());
    REQUIRE(box.save(note_of("one"), 1, 1, "l"));
    (void)box.save(note_of("two"), 1, 2, "l");
    CHECK(folder.files() == 2);
}

TEST_CASE("a file that cannot be written whole is not left behind") {
    const fairlead::test::TempFolder folder;
    BlackBox box(folder.path());
    const std::string datagram(4096, 'x');
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);  // the write fails instead
    const rlimit small{1'000, before.rlim_max};
    REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
    const auto saved = box.save(note_of(datagram), 1, 1, "l");
    REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
    (void)std::signal(SIGXFSZ, handler);
    CHECK_FALSE(saved);
    CHECK(folder.files() == 0);
}

TEST_CASE("no more than the limit is saved, and a place that cannot be written is an error") {
    const fairlead::test::TempFolder folder;
    BlackBox box(folder.path());
    for (std::size_t i = 0; i < BlackBox::kMostFiles; ++i)
        REQUIRE(box.save(note_of("x"), static_cast<std::uint16_t>(i + 1), 1, "l"));
    CHECK_FALSE(box.save(note_of("x"), 500, 1, "l"));
    CHECK(folder.files() == BlackBox::kMostFiles);
    CHECK_FALSE(BlackBox("/nowhere/at/all").save(note_of("x"), 1, 1, "l"));
}
