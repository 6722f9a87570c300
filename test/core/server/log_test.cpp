// Log lines on standard error: their form, their length, and that no reader is waited for.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "core/event/fd.h"
#include "core/server/log_sinks.h"
#include "core/shm/counters.h"

using namespace fairlead;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;
using fairlead::server::Log;
using fairlead::server::LogTarget;

namespace {

/// Standard error is a pipe for as long as it lives; Catch2 writes to standard output.
class Pipe {
public:
    Pipe() : saved_(dup(STDERR_FILENO)) {
        std::array<int, 2> ends{};
        REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
        read_.reset(ends[0]);
        dup2(ends[1], STDERR_FILENO);
        close(ends[1]);
        fcntl(read_.get(), F_SETFL, O_NONBLOCK);
    }
    ~Pipe() { dup2(saved_.get(), STDERR_FILENO); }
    [[nodiscard]] std::string text() const {
        std::string all;
        std::array<char, 65536> bytes;
        for (ssize_t n = 0; (n = read(read_.get(), bytes.data(), bytes.size())) > 0;)
            all.append(bytes.data(), static_cast<std::size_t>(n));
        return all;
    }

private:
    Fd saved_, read_;
};

std::string written(const LogTarget& target, std::string_view text,
                    std::string_view location = "a.cpp:1") {
    const Pipe pipe;
    Log log(target);
    log.write(log::Level::error, "tm", location, text);
    return pipe.text();
}

}  // namespace

TEST_CASE("a line on standard error has Kamailio's form") {
    CHECK(written({}, "went wrong") ==
          fmt::format(" 0({}) ERROR: tm [a.cpp:1]: went wrong\n", getpid()));
    CHECK_THAT(written({}, "said", ""), EndsWith("ERROR: tm: said\n"));
    log::set_prefix("P: ");
    const std::string prefixed = written({}, "said", "");
    log::set_prefix({});
    CHECK_THAT(prefixed, EndsWith("ERROR: P: tm: said\n"));
}

TEST_CASE("a line of JSON stays one, whatever its text is") {
    const std::string line = written({.json = true}, "a \"b\"\n\\c\x01");
    CHECK_THAT(line, StartsWith("{\"idx\":0,") && EndsWith("\"}\n"));
    CHECK_THAT(line, Contains(R"("message":"a \"b\"\u000a\\c\u0001")"));
    CHECK_THAT(line, Contains(R"("level":"ERROR","module":"tm","location":"a.cpp:1")"));
}

TEST_CASE("a long line is cut so that a pipe takes it in one piece, and still is one line") {
    const std::string line = written({}, std::string(100'000, 'x'));
    CHECK(line.size() == 4096);
    CHECK(line.back() == '\n');
    CHECK_THAT(written({.json = true}, std::string(100'000, 'x')), EndsWith("x\"}\n"));
}

TEST_CASE("a reader that does not read is not waited for: lines are lost and counted") {
    const auto segment = *shm::Segment::create(4 << 20);
    const std::unique_ptr<shm::Counters> counters(*shm::Counters::create(*segment));
    segment->enter(1);
    counters->enter(1);
    const Pipe pipe;
    Log log({});
    log.count_dropped(counters->add("log", "dropped", ""));
    const std::string text(4000, 'x');
    for (int i = 0; i < 100; ++i) log.write(log::Level::info, "tm", "", text);
    CHECK(log.dropped() > 50);
    CHECK(counters->sum("log", "dropped") == static_cast<std::int64_t>(log.dropped()));
    const std::string all = pipe.text();
    CHECK(static_cast<std::uint64_t>(std::ranges::count(all, '\n')) == 100 - log.dropped());
    log.write(log::Level::info, "tm", "", "again");
    CHECK_THAT(pipe.text(), EndsWith("again\n"));
}
