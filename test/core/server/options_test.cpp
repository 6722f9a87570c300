// The command line: letters, clusters, values and complaints.
// SPDX-License-Identifier: Apache-2.0
#include "core/server/options.h"

#include <catch2/catch.hpp>
#include <initializer_list>

using namespace fairlead::server;
using Action = Options::Action;

namespace {

ParsedOptions parse(std::initializer_list<const char*> words) {
    std::vector<const char*> argv{"fairlead"};
    argv.insert(argv.end(), words);
    return parse_options(static_cast<int>(argv.size()), argv.data());
}
Options good(std::initializer_list<const char*> words) {
    const auto parsed = parse(words);
    INFO((parsed.error ? parsed.error->text : ""));
    REQUIRE_FALSE(parsed.error);
    return parsed.options;
}
std::string complaint(std::initializer_list<const char*> words) {
    const auto parsed = parse(words);
    REQUIRE(parsed.error);
    return parsed.error->text;
}

}  // namespace

TEST_CASE("values stand behind the letter or in the next word") {
    const Options o = good({"-f", "a.cfg", "-m64", "-n", "4", "-P/run/x.pid", "-L", "/x:/y"});
    CHECK(o.action == Action::serve);
    CHECK(o.config == "a.cfg");
    CHECK(o.memory_mb == 64);
    CHECK(o.children == 4);
    CHECK(o.pid_file == "/run/x.pid");
    CHECK(o.module_path == "/x:/y");
}

TEST_CASE("-D counts") {
    CHECK(good({}).fork == Fork::daemon);
    CHECK(good({"-D"}).fork == Fork::none);
    CHECK(good({"-DD"}).fork == Fork::foreground);
    CHECK(good({"-D", "-D"}).fork == Fork::foreground);
    CHECK(good({"-DDD"}).fork == Fork::daemon);
}

TEST_CASE("-d counts and --debug gives a number") {
    CHECK_FALSE(good({}).debug);
    CHECK(good({"-ddd", "-E"}).debug == 3);
    CHECK(good({"-ddd", "-E"}).log_to_stderr);
    CHECK(good({"--debug=-1"}).debug == -1);
    CHECK(complaint({"--debug=loud"}) == "bad debug level: --debug loud");
}

TEST_CASE("repeated options collect; each takes one word") {
    const Options o = good({"-l", "udp:127.0.0.1:5060", "-l", "lo", "--alias=a.test", "--alias",
                            "b.test", "-A", "X", "-A", "Y=2", "--subst=/a/b/"});
    CHECK(o.listen == std::vector<std::string>{"udp:127.0.0.1:5060", "lo"});
    CHECK(o.aliases == std::vector<std::string>{"a.test", "b.test"});
    REQUIRE(o.defines.size() == 2);
    CHECK(o.defines[0] == std::pair<std::string, std::string>{"X", ""});
    CHECK(o.defines[1] == std::pair<std::string, std::string>{"Y", "2"});
    CHECK(o.substitutions == std::vector<std::string>{"subst \"/a/b/\""});
}

TEST_CASE("module parameters keep colons in their value") {
    const Options o = good({"--modparam=tm:name:s:a:b", "--modparam", "sl:n:i:3"});
    REQUIRE(o.module_parameters.size() == 2);
    CHECK(o.module_parameters[0].value == "a:b");
    CHECK(o.module_parameters[0].is_string);
    CHECK_FALSE(o.module_parameters[1].is_string);
    CHECK(complaint({"--modparam=tm:x"}).starts_with("bad value for --modparam"));
    CHECK(complaint({"--modparam=tm:x:q:1"}).starts_with("bad value for --modparam"));
}

TEST_CASE("what is not an option is named") {
    CHECK(complaint({"-Z"}) == "Unknown option '-Z'. Use -h for help.");
    CHECK(complaint({"--frob=1"}) == "Unknown option '--frob'. Use -h for help.");
    CHECK(complaint({"stray"}) == "error: 'stray' is not a supported argument");
    CHECK(complaint({"-f"}) == "Option '-f' requires an argument. Use -h for help.");
    CHECK(complaint({"-n", "many"}) == "bad process number: -n many");
    CHECK(complaint({"-a", "maybe"}) == "bad auto aliases mode: -a maybe");
}

TEST_CASE("options without meaning are accepted with a notice each") {
    const Options o = good({"-M", "8", "-S", "-x", "fm", "-N", "3", "-e", "-W", "epoll_lt"});
    CHECK(o.notices.size() == 6);
    CHECK(o.notices[0].starts_with("-"));
}

TEST_CASE("actions") {
    CHECK(good({"-c", "-f", "x"}).action == Action::check);
    CHECK(good({"-h"}).action == Action::help);
    CHECK(good({"-V"}).action == Action::version);
    CHECK(good({"-I"}).action == Action::build);
    CHECK(good({"--cfg-print"}).action == Action::print_config);
    const Options o = good({"--describe", "tm"});
    CHECK(o.action == Action::describe);
    CHECK(o.describe_module == "tm");
}

TEST_CASE("the help names every option of the manual") {
    const std::string help = help_text();
    for (const char* name :
         {"-f",         "-L",      "-c",          "-l",          "-n",           "-N",
          "-T",         "-S",      "-m",          "-M",          "-x",           "-X",
          "-d",         "-E",      "-e",          "-D",          "-P",           "-G",
          "-Y",         "-w",      "-t",          "-u",          "-g",           "-a",
          "--alias",    "-A",      "-b",          "-O",          "-r",           "-R",
          "-K",         "-W",      "-v",          "-I",          "-Q",           "--loadmodule",
          "--modparam", "--subst", "--cfg-print", "--server-id", "--log-engine", "--atexit"})
        CHECK(help.find(name) != std::string::npos);
}
