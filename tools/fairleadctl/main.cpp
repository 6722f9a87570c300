// fairleadctl: talks to a running server. Its commands, their help and their arguments are the
// server's own. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "tools/fairleadctl/client.h"
#include "tools/fairleadctl/top.h"

namespace fairlead::ctl {
namespace {

/// What the exit status says.
enum Status : int { done = 0, refused = 1, misused = 2, unreachable = 3 };

struct Options {
    std::string socket;
    bool json = false, once = false;
    double interval = 2;
    std::vector<std::string> words;
};

constexpr std::string_view kFooter = R"(Commands:
  help [COMMAND]       the server's commands, or what one of them does and takes
  complete [PREFIX]    names of commands, one a line
  completion           what makes bash complete: source <(fairleadctl completion)
  top                  live transactions, rates, CPU and queue of each process
  trace [CALL-ID]      what happened to a call; without one, calls that have a trace
  anything else        a command of the server, with its arguments: core.uptime
                       (s:5 is the text 5, i:5 and 5 are the number)

Exit status: 0 done, 1 the server refused, 2 wrong usage, 3 no server was reached.
FAIRLEAD_SOCKET is the socket unless -s gives it.)";

constexpr std::string_view kCompletion = R"bash(_fairleadctl() {
    local word="${COMP_WORDS[COMP_CWORD]}" socket="" i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "${COMP_WORDS[i]}" in
            -s|--socket) i=$((i + 1)); socket="${COMP_WORDS[i]}" ;;
            -*) ;;
            help) ;;
            *) return ;;
        esac
    done
    COMPREPLY=($(compgen -W "help complete completion top trace \
        $(fairleadctl ${socket:+-s "$socket"} complete 2>/dev/null)" -- "$word"))
}
complete -F _fairleadctl fairleadctl
)bash";

int fail_with(const Error& error, int status) {
    fmt::print(stderr, "fairleadctl: {}\n", error.text);
    return status;
}

/// Asks and hands a good answer to `use`.
template <class F>
int with_answer(Client& client, std::string_view method, const std::vector<std::string>& words,
                F use) {
    const auto reply = client.ask(method, words);
    if (!reply) return fail_with(reply.error(), unreachable);
    if (reply->error.code != 0) {
        fmt::print(stderr, "fairleadctl: {}: {} {}\n", method, reply->error.code,
                   printable(reply->error.text));
        return refused;
    }
    use(*reply);
    return done;
}

int run_command(Client& client, const Options& o, std::string_view method,
                const std::vector<std::string>& words) {
    return with_answer(client, method, words, [&](const Reply& reply) {
        fmt::print("{}", o.json ? reply.text + "\n" : show(reply.result));
    });
}

int complete(Client& client, std::string_view prefix) {
    return with_answer(client, "system.listMethods", {}, [&](const Reply& reply) {
        for (const auto& [unused, name] : reply.result.items)
            if (name.text.starts_with(prefix)) fmt::print("{}\n", name.text);
    });
}

int help(Client& client, const std::vector<std::string>& words) {
    if (!words.empty()) {
        const int status = with_answer(client, "system.methodSignature", words, [](const Reply& r) {
            fmt::print("{}\n", printable(r.result.text));
        });
        if (status != done) return status;
        return with_answer(client, "system.methodHelp", words,
                           [](const Reply& r) { fmt::print("{}\n", printable(r.result.text)); });
    }
    Node names;
    const int status =
        with_answer(client, "system.listMethods", {}, [&](const Reply& r) { names = r.result; });
    if (status != done) return status;
    std::size_t width = 0;
    for (const auto& [unused, name] : names.items) width = std::max(width, name.text.size());
    for (const auto& [unused, name] : names.items) {
        const int told = with_answer(client, "system.methodHelp", {name.text}, [&](const Reply& r) {
            fmt::print("{:<{}}  {}\n", name.text, width, printable(r.result.text));
        });
        if (told != done) return told;
    }
    return done;
}

void print_trace(const Node& events) {
    long long first = 0;
    for (const auto& [unused, e] : events.items) {
        const long long at = e.number("microseconds");
        if (first == 0) {
            first = at;
            fmt::print("{}\n", e.get("time"));
        }
        const std::string_view place = e.get("place");
        fmt::print("{:>+12.3f} ms  {:>10}  [{}]  {:<8}  {}{}\n",
                   static_cast<double>(at - first) / 1000, e.get("cseq"), e.get("process"),
                   e.get("kind"), printable(e.get("what")),
                   place.empty() ? std::string() : fmt::format("  ({})", printable(place)));
    }
}

int trace(Client& client, const Options& o, std::vector<std::string> words) {
    if (words.empty()) return run_command(client, o, "core.trace_list", {});
    words.front().insert(0, "s:");  // a Call-ID may be a number
    if (o.json) return run_command(client, o, "core.trace", words);
    return with_answer(client, "core.trace", words, [](const Reply& r) { print_trace(r.result); });
}

int run(const Options& o) {
    Client client(o.socket);
    const std::string& word = o.words.front();
    const std::vector<std::string> rest(o.words.begin() + 1, o.words.end());
    if (word == "completion") {
        fmt::print("{}", kCompletion);
        return done;
    }
    if (word == "complete") return complete(client, rest.empty() ? "" : rest.front());
    if (word == "help") return help(client, rest);
    if (word == "trace") return trace(client, o, rest);
    if (word == "top") {
        const auto ended = top(client, o.interval, o.once);
        return ended ? done : fail_with(ended.error(), unreachable);
    }
    return run_command(client, o, word, rest);
}

int main_of(int argc, char** argv) {
    Options o;
    const char* const given = std::getenv("FAIRLEAD_SOCKET");
    o.socket = given != nullptr ? given : "/run/fairlead/fairlead_rpc.sock";
    CLI::App app("Talks to a running Fairlead server.", "fairleadctl");
    app.footer(std::string(kFooter));
    app.add_option("-s,--socket", o.socket, "The server's datagram socket (module jsonrpcs)")
        ->capture_default_str();
    app.add_flag("-j,--json", o.json, "The answer as the server wrote it");
    app.add_flag("--once", o.once, "top: one screen");
    app.add_option("-i,--interval", o.interval, "top: seconds between two looks")
        ->check(CLI::Range(0.05, 3600.0))
        ->capture_default_str();
    app.add_option("command", o.words, "The command and its arguments")->required();
    app.prefix_command(false);
    app.positionals_at_end(true);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? done : misused;
    }
    return run(o);
}

}  // namespace
}  // namespace fairlead::ctl

int main(int argc, char** argv) {
    return fairlead::ctl::main_of(argc, argv);
}
