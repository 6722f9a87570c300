// fairleadctl top: what the server does now. SPDX-License-Identifier: Apache-2.0
#include "tools/fairleadctl/top.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace fairlead::ctl {
namespace {

/// "core:rcv_requests = 12".
void take(std::map<std::string, long long>& values, const Node& list) {
    for (const auto& [unused, item] : list.items) {
        const std::size_t equals = item.text.find(" = ");
        if (equals == std::string::npos) continue;
        Node number;
        number.items.push_back({"n", {Node::Kind::number, item.text.substr(equals + 3), {}}});
        values[item.text.substr(0, equals)] = number.number("n");
    }
}

long long value(const Moment& moment, const std::string& name) {
    const auto found = moment.values.find(name);
    return found != moment.values.end() ? found->second : 0;
}

const Node* process(const Moment& moment, std::string_view pid) {
    for (const auto& [unused, p] : moment.processes.items)
        if (p.get("pid") == pid) return &p;
    return nullptr;
}

}  // namespace

Result<Moment> look(Client& client) {
    Moment moment;
    moment.at = std::chrono::steady_clock::now();
    const Reply statistics = TRY(client.ask("stats.get_statistics", {"all"}));
    if (statistics.error.code != 0) return std::unexpected(statistics.error);
    take(moment.values, statistics.result);
    const Reply load = TRY(client.ask("core.load"));
    if (load.error.code != 0) return std::unexpected(load.error);
    moment.processes = load.result;
    // Without tm there are no transactions: an error is an answer, too.
    const Reply tm = TRY(client.ask("tm.stats"));
    for (const auto& [name, item] : tm.result.items)
        moment.values["tm." + name] = tm.result.number(name);
    return moment;
}

std::string screen(const Moment& before, const Moment& now) {
    const double seconds =
        std::max(std::chrono::duration<double>(now.at - before.at).count(), 0.001);
    const auto rate = [&](const std::string& name) {
        return static_cast<double>(value(now, name) - value(before, name)) / seconds;
    };
    std::string out = fmt::format(
        "transactions  {:>9} live  {:>9} waiting  {:>9.1f}/s new\n"
        "requests      {:>9.1f}/s in   {:>9.1f}/s forwarded\n"
        "replies       {:>9.1f}/s in   {:>9.1f}/s forwarded\n"
        "memory        {:>9} KB used of {} KB\n\n",
        value(now, "tm.current"), value(now, "tm.waiting"), rate("tm.created"),
        rate("core:rcv_requests"), rate("core:fwd_requests") + rate("tmx:rpl_relayed"),
        rate("core:rcv_replies"), rate("core:fwd_replies"), value(now, "shmem:used_size") / 1024,
        value(now, "shmem:total_size") / 1024);
    out += fmt::format("{:>5}  {:>8}  {:>6}  {:>12}  {:>8}  {}\n", "slot", "pid", "cpu%",
                       "queue bytes", "dropped", "process");
    for (const auto& [unused, p] : now.processes.items) {
        const Node* const earlier = process(before, p.get("pid"));
        const long long spent =
            p.number("cpu_ms") - (earlier != nullptr ? earlier->number("cpu_ms") : 0);
        out +=
            fmt::format("{:>5}  {:>8}  {:>6.1f}  {:>12}  {:>8}  {}\n", p.get("index"), p.get("pid"),
                        static_cast<double>(spent) / seconds / 10, p.get("queue_bytes"),
                        p.get("queue_drops"), printable(p.get("description")));
    }
    return out;
}

Result<void> top(Client& client, double seconds, bool once) {
    Moment before = TRY(look(client));
    while (true) {
        (void)poll(nullptr, 0, static_cast<int>(seconds * 1000));
        Moment now = TRY(look(client));
        const std::string text = screen(before, now);
        // A terminal is painted anew; a file gets one screen behind the other.
        if (!once && isatty(STDOUT_FILENO) != 0) fmt::print("\033[H\033[2J");
        fmt::print("{}{}", text, once ? "" : "\n");
        if (std::fflush(stdout) != 0 || once) return {};
        before = std::move(now);
    }
}

}  // namespace fairlead::ctl
