// Commands about the server as a whole, with the names and the shapes that Kamailio's operators
// know. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <ctime>
#include <ranges>
#include <string>

#include "core/base/log.h"
#include "core/base/text.h"
#include "core/server/build_info.h"
#include "core/server/core_base.h"
#include "core/server/engine.h"
#include "core/server/facts.h"

namespace fairlead::server {
namespace {

constexpr int kBadRequest = 400, kNotFound = 404;

Engine& engine_of(Module& m) {
    return static_cast<CoreBase&>(m).engine();
}
const Facts& facts_of(Module& m) {
    return engine_of(m).facts();
}

/// As ctime() writes it, without the line's end.
std::string time_text(std::int64_t seconds) {
    const auto when = static_cast<std::time_t>(seconds);
    std::tm parts{};
    localtime_r(&when, &parts);
    std::array<char, 64> out{};
    const std::size_t size = std::strftime(out.data(), out.size(), "%a %b %e %H:%M:%S %Y", &parts);
    return {out.data(), size};
}

/// "fairlead 0.1.0 (x86_64/linux)".
std::string version() {
    std::string line = version_line();
    constexpr std::string_view label = "version: ";
    return line.starts_with(label) ? line.substr(label.size()) : line;
}
std::string short_version() {
    const std::string whole = version();
    return whole.substr(0, whole.find(" ("));
}

/// f(number, pid, description) for the supervisor and all processes.
template <class F>
void each_process(Module& m, F f) {
    const Facts& facts = facts_of(m);
    const auto pid = [&](std::size_t slot) -> std::int64_t {
        return slot < facts.pids.size() ? facts.pids[slot].load(std::memory_order_relaxed) : 0;
    };
    if (pid(0) != 0) f(std::int64_t{0}, pid(0), std::string_view("main process - supervisor"));
    for (const Process& p : facts.processes)
        f(static_cast<std::int64_t>(p.slot), pid(p.slot), p.name);
}

Result<void> uptime(Module& m, Call& call) {
    const std::int64_t now = engine_of(m).clock().unix_seconds(), start = facts_of(m).started;
    Answer& a = call.answer();
    a.begin_struct();
    a.text("now", time_text(now));
    a.text("up_since", time_text(start));
    a.integer("uptime", now - start);
    a.end_struct();
    return {};
}

Result<void> tell_version(Module&, Call& call) {
    call.answer().text(version());
    return {};
}

constexpr std::string_view kFlags = "EPOLL, SHM_MMAP, SO_REUSEPORT, ROBUST_MUTEX";
constexpr std::string_view kCompiler =
#ifdef __clang__
    "clang " __clang_version__;
#else
    "gcc " __VERSION__;
#endif

Result<void> info(Module&, Call& call) {
    Answer& a = call.answer();
    a.begin_struct();
    a.text("version", short_version());
    a.text("id", "unknown");
    a.text("compiler", kCompiler);
    a.text("compiled", "");
    a.text("flags", kFlags);
    a.end_struct();
    return {};
}

Result<void> runinfo(Module& m, Call& call) {
    const std::int64_t now = engine_of(m).clock().unix_seconds(), up = now - facts_of(m).started;
    const std::string whole = short_version();
    constexpr std::int64_t minute = 60, hour = 60 * minute, day = 24 * hour;
    Answer& a = call.answer();
    a.begin_struct();
    a.text("name", "fairlead");
    a.text("version", whole.substr(whole.find(' ') + 1));
    a.text("sourceid", "unknown");
    a.text("compiler", kCompiler);
    a.text("compiled", "");
    a.text("time_now", time_text(now));
    a.text("time_started", time_text(facts_of(m).started));
    a.integer("uptime_secs", up);
    a.text("utime_days", fmt::format("{}d {}h {}m {}s", up / day, up % day / hour,
                                     up % hour / minute, up % minute));
    a.end_struct();
    return {};
}

Result<void> flags(Module&, Call& call) {
    call.answer().text(kFlags);
    return {};
}

Result<void> ps(Module& m, Call& call) {
    each_process(m, [&](std::int64_t, std::int64_t pid, std::string_view name) {
        call.answer().integer(pid);
        call.answer().text(name);
    });
    return {};
}

Result<void> psx(Module& m, Call& call) {
    each_process(m, [&](std::int64_t number, std::int64_t pid, std::string_view name) {
        Answer& a = call.answer();
        a.begin_struct();
        a.integer("IDX", number);
        a.integer("PID", pid);
        a.text("DSC", name);
        a.end_struct();
    });
    return {};
}

Result<void> psa(Module& m, Call& call) {
    each_process(m, [&](std::int64_t number, std::int64_t pid, std::string_view name) {
        Answer& a = call.answer();
        a.begin_struct();
        a.integer("index", number);
        a.integer("pid", pid);
        a.integer("status", pid != 0 ? 1 : 0);
        a.integer("rank", number);
        a.text("description", name);
        a.end_struct();
    });
    return {};
}

Result<void> pwd(Module&, Call& call) {
    std::array<char, 4096> path{};
    if (getcwd(path.data(), path.size()) == nullptr) return fail("getcwd failed");
    call.answer().text(path.data());
    return {};
}

Result<void> arguments(Module& m, Call& call) {
    for (const std::string& argument : facts_of(m).arguments) call.answer().text(argument);
    return {};
}

/// To the supervisor, which stops everybody in order.
Result<void> send_signal(Module& m, Call& call) {
    const std::int64_t number = call.has(0) ? call.integer(0) : SIGTERM;
    if (number < 0 || number >= NSIG) return fail("no such signal", {}, kBadRequest);
    const Facts& facts = facts_of(m);
    const pid_t supervisor = facts.pids.empty() ? 0 : facts.pids[0].load();
    ::kill(supervisor != 0 ? supervisor : getpid(), static_cast<int>(number));
    return {};
}

Result<void> echo(Module&, Call& call) {
    for (const Value& v : call.args()) call.answer().value(v);
    return {};
}
Result<void> echo_text(Module&, Call& call) {
    for (const Value& v : call.args()) call.answer().text(v.string());
    return {};
}

Result<void> modules(Module& m, Call& call) {
    for (const auto& loaded : engine_of(m).registry().modules() | std::views::reverse)
        if (!loaded->path.empty()) call.answer().text(loaded->name);
    return {};
}

Result<void> sockets_list(Module& m, Call& call) {
    Answer& a = call.answer();
    for (const Listener& l : engine_of(m).net().listeners()) {
        a.begin_struct();
        a.begin_struct("socket");
        a.text("proto", name(l.proto));
        a.text("address", l.address.ip_text());
        if (!facts_of(m).auto_aliases) a.text("ipaddress", l.address.ip_text());
        a.text("port", std::to_string(l.address.port));
        a.text("mcast", "no");
        a.text("mhomed", "no");
        a.text("virtual", "no");
        a.end_struct();
        a.end_struct();
    }
    return {};
}

std::string_view proto_word(Proto proto) {
    return proto == Proto::none ? "*" : name(proto);
}

Result<void> aliases_list(Module& m, Call& call) {
    Answer& a = call.answer();
    a.begin_struct();
    a.text("myself_callbacks", "no");
    a.begin_array("aliases");
    if (facts_of(m).names != nullptr) {
        for (const auto& own : facts_of(m).names->all() | std::views::reverse) {
            a.begin_struct("alias");
            a.text("proto", proto_word(own.proto));
            a.text("address", own.host);
            if (own.port == 0) {
                a.text("port", "*");
            } else {
                a.integer("port", own.port);
            }
            a.end_struct();
        }
    }
    a.end_array();
    a.end_struct();
    return {};
}

Result<void> corex_sockets(Module& m, Call& call) {
    Answer& a = call.answer();
    for (const Listener& l : engine_of(m).net().listeners()) {
        a.begin_struct();
        a.text("PROTO", name(l.proto));
        a.text("NAME", l.address.ip_text());
        a.begin_struct("ADDRLIST");
        a.text("ADDR", l.address.ip_text());
        a.end_struct();
        a.text("PORT", std::to_string(l.address.port));
        a.text("MCAST", "no");
        a.text("MHOMED", "no");
        a.text("VIRTUAL", "no");
        a.text("SOCKNAME", l.name.empty() ? std::string_view("-") : l.name);
        const bool advertises =
            l.advertised_port != l.address.port || l.advertised_host != l.address.ip_text();
        a.text("ADVERTISE", advertises ? std::string_view(l.via_sent_by) : "-");
        a.end_struct();
    }
    return {};
}

Result<void> corex_aliases(Module& m, Call& call) {
    if (facts_of(m).names == nullptr) return {};
    Answer& a = call.answer();
    for (const auto& own : facts_of(m).names->all() | std::views::reverse) {
        a.begin_struct();
        a.text("PROTO", proto_word(own.proto));
        a.text("ADDR", own.host);
        a.integer("PORT", own.port);
        a.end_struct();
    }
    return {};
}

Result<void> list_methods(Module& m, Call& call) {
    for (const auto& entry : engine_of(m).commands().all()) call.answer().text(entry.row->name);
    return {};
}

Result<const Commands::Entry*> method(Module& m, Call& call) {
    if (!call.has(0)) return fail("Method Name Expected", {}, kBadRequest);
    const auto* const entry = engine_of(m).commands().find(call.text(0));
    if (entry == nullptr) return fail("Unknown Method", {}, kNotFound);
    return entry;
}

Result<void> method_help(Module& m, Call& call) {
    call.answer().text(TRY(method(m, call))->row->doc);
    return {};
}

/// "name(first, [second], [third …])".
Result<void> method_signature(Module& m, Call& call) {
    const Command& row = *TRY(method(m, call))->row;
    std::string text(row.name);
    text += '(';
    for (const CommandArg& arg : row.args) {
        if (&arg != row.args.data()) text += ", ";
        const std::string_view type = arg.type == CommandArg::Type::integer ? "int "
                                      : arg.type == CommandArg::Type::text  ? "string "
                                                                            : "";
        text += arg.repeated   ? fmt::format("[{}{} …]", type, arg.name)
                : arg.optional ? fmt::format("[{}{}]", type, arg.name)
                               : fmt::format("{}{}", type, arg.name);
    }
    text += ')';
    call.answer().text(text);
    return {};
}

/// The log level: in all processes, by way of what can be tuned.
Result<void> debug(Module& m, Call& call) {
    auto& tunables = engine_of(m).tunables();
    const auto* const entry = tunables.find("core", "debug");
    const auto before = static_cast<int>(log::level());
    if (call.has(0) && entry != nullptr) TRY(tunables.set(*entry, Value(call.integer(0))));
    Answer& a = call.answer();
    a.begin_struct();
    if (call.has(0)) {
        a.integer("old", before);
        a.integer("new", call.integer(0));
    } else {
        a.integer("debug", before);
    }
    a.end_struct();
    return {};
}

constexpr Right kRead = Right::read, kChange = Right::change;
constexpr auto kInteger = CommandArg::Type::integer;
constexpr CommandArg kHostName[] = {{.name = "name", .doc = "A name of DNS."}};
constexpr CommandArg kDnsQuestion[] = {{.name = "type", .doc = "A, AAAA, SRV, NAPTR, …"},
                                       {.name = "name", .doc = "A name of DNS."}};
constexpr std::string_view kFlagsDoc = "1: there is none; 2: for ever.";
constexpr CommandArg kAddAddress[] = {
    {.name = "name", .doc = "A name of DNS."},
    {.name = "ttl", .doc = "Seconds for which it holds.", .type = kInteger},
    {.name = "ip", .doc = "The address."},
    {.name = "flags", .doc = kFlagsDoc, .type = kInteger}};
constexpr CommandArg kAddService[] = {
    {.name = "name", .doc = "A name of DNS, with the service."},
    {.name = "ttl", .doc = "Seconds for which it holds.", .type = kInteger},
    {.name = "priority", .doc = "The least is tried first.", .type = kInteger},
    {.name = "weight", .doc = "Its share.", .type = kInteger},
    {.name = "port", .doc = "Of the service.", .type = kInteger},
    {.name = "target", .doc = "The host."},
    {.name = "flags", .doc = kFlagsDoc, .type = kInteger}};
constexpr CommandArg kEcho[] = {{"values", "What comes back.", CommandArg::Type::any, false, true}};
constexpr CommandArg kEchoText[] = {
    {"values", "What comes back.", CommandArg::Type::text, false, true}};
constexpr CommandArg kNumbers[] = {
    {"values", "What comes back.", CommandArg::Type::integer, false, true}};
constexpr CommandArg kSignal[] = {
    {"signal", "Its number, 15 unless it is given.", CommandArg::Type::integer, true}};
constexpr CommandArg kMethod[] = {{"method", "Its name.", CommandArg::Type::text, true}};
constexpr CommandArg kLevel[] = {
    {"level", "The new one, from -5 to 3.", CommandArg::Type::integer, true}};
constexpr CommandArg kWhich[] = {{"which", "The name of one.", CommandArg::Type::text, true}};

constexpr CommandArg kStatistics[] = {{"statistic",
                                       "\"all\", \"group:\", a name or \"group:name\".",
                                       CommandArg::Type::text, false, true}};
constexpr CommandArg kUnit[] = {{"unit", "k or m: in KB or MB.", CommandArg::Type::text, true}};
constexpr CommandArg kOne[] = {{.name = "group", .doc = "Its group."},
                               {.name = "name", .doc = "Its name."}};
constexpr CommandArg kCallId[] = {{.name = "callid", .doc = "The call's Call-ID."}};
constexpr CommandArg kGroup[] = {{.name = "group", .doc = "Its name."}};

}  // namespace

constinit const std::array<Command, kCoreCommands> core_commands{{
    {"cnt.get", "The value of a counter.", kRead, kOne, false, {}, commands::counter},
    {"cnt.get_raw", "The value of a counter.", kRead, kOne, false, {}, commands::counter},
    {"cnt.grp_get_all",
     "The counters of a group and their values.",
     kRead,
     kGroup,
     false,
     {},
     commands::group_values},
    {"cnt.grps_list", "All groups of counters.", kRead, {}, true, {}, commands::groups},
    {"cnt.help", "What a counter counts.", kRead, kOne, false, {}, commands::counter_help},
    {"cnt.reset",
     "Lets a counter begin with 0 again.",
     kChange,
     kOne,
     false,
     {},
     commands::reset_counter},
    {"cnt.var_list", "The counters of a group.", kRead, kGroup, true, {}, commands::group_names},
    {"core.shmmem", "Shared memory.", kRead, kUnit, false, {}, commands::memory},
    {"shm.info", "Shared memory.", kRead, kUnit, false, {}, commands::memory},
    {"shm.stats", "Shared memory.", kRead, kUnit, false, {}, commands::memory},
    {"shm.top", "Shared memory by what owns it, most first.", kRead, {}, true, {}, commands::top},
    {"stats.clear_statistics",
     "Lets statistics begin with 0 again and says what they were.",
     kChange,
     kStatistics,
     true,
     {},
     commands::clear},
    {"stats.fetch",
     "Statistics and their values as texts.",
     kRead,
     kStatistics,
     false,
     {},
     commands::fetch},
    {"stats.fetchn",
     "Statistics and their values as integers.",
     kRead,
     kStatistics,
     false,
     {},
     commands::fetch_numbers},
    {"stats.get_statistics",
     "Statistics as \"group:name = value\".",
     kRead,
     kStatistics,
     true,
     {},
     commands::get_statistics},
    {"stats.reset_statistics",
     "Lets statistics begin with 0 again.",
     kChange,
     kStatistics,
     false,
     {},
     commands::reset},
    {"core.aliases_list",
     "Names and addresses that are the server itself.",
     kRead,
     {},
     false,
     {},
     aliases_list},
    {"core.arg", "The server's command line.", kRead, {}, true, {}, arguments},
    {"core.echo", "Says back what it was given.", kRead, kEchoText, true, {}, echo_text},
    {"core.flags", "How the server was built.", kRead, {}, false, {}, flags},
    {"core.info", "Version and build.", kRead, {}, false, {}, info},
    {"core.kill", "Sends a signal to the server.", kChange, kSignal, false, {}, send_signal},
    {"core.load",
     "What each process has cost so far, and what waits in its sockets.",
     kRead,
     {},
     true,
     {},
     commands::load},
    {"core.modules", "Loaded modules, the last one first.", kRead, {}, true, {}, modules},
    {"core.printi", "Says back the integers that it was given.", kRead, kNumbers, true, {}, echo},
    {"core.prints",
     "Says back the texts that it was given.",
     kRead,
     kEchoText,
     true,
     {},
     echo_text},
    {"core.ps", "Processes: id and description in turn.", kRead, {}, true, {}, ps},
    {"core.psa", "Processes with all that is known of them.", kRead, {}, true, {}, psa},
    {"core.psx", "Processes: number, id and description.", kRead, {}, true, {}, psx},
    {"core.pwd", "The working directory.", kRead, {}, true, {}, pwd},
    {"core.runinfo", "Version, build and running time.", kRead, {}, false, {}, runinfo},
    {"core.sockets_list", "Sockets that the server listens on.", kRead, {}, true, {}, sockets_list},
    {"core.tcp_info",
     "How many TCP connections there are.",
     kRead,
     {},
     false,
     {},
     commands::tcp_info},
    {"core.tcp_list", "All TCP connections.", kRead, {}, true, {}, commands::tcp_list},
    {"core.tcp_options",
     "The parameters of TCP, or one of them.",
     kRead,
     kWhich,
     false,
     {},
     commands::tcp_options},
    {"core.trace",
     "What happened to the transactions of a call, event by event, while the tunable core.trace "
     "was 1.",
     kRead,
     kCallId,
     true,
     {},
     commands::trace},
    {"core.trace_clear", "Forgets all traces.", kChange, {}, false, {}, commands::clear_traces},
    {"core.trace_list",
     "Transactions that have a trace, the last one first.",
     kRead,
     {},
     true,
     {},
     commands::list_traces},
    {"core.uptime", "Since when the server runs, and for how long.", kRead, {}, false, {}, uptime},
    {"core.version", "The server's version.", kRead, {}, false, {}, tell_version},
    {"corex.debug", "Shows or sets the log level of all processes.", kChange, kLevel, false,
     "debug", debug},
    {"corex.list_aliases",
     "Names and addresses that are the server itself.",
     kRead,
     {},
     true,
     {},
     corex_aliases},
    {"corex.list_sockets",
     "Sockets that the server listens on.",
     kRead,
     {},
     true,
     {},
     corex_sockets},
    {"dns.add_a",
     "Adds an address to the cache of DNS.",
     kChange,
     kAddAddress,
     false,
     {},
     commands::dns_add_a},
    {"dns.add_aaaa",
     "Adds an IPv6 address to the cache of DNS.",
     kChange,
     kAddAddress,
     false,
     {},
     commands::dns_add_aaaa},
    {"dns.add_srv",
     "Adds a service to the cache of DNS.",
     kChange,
     kAddService,
     false,
     {},
     commands::dns_add_srv},
    {"dns.debug", "The cache of DNS in short.", kRead, {}, true, {}, commands::dns_debug},
    {"dns.debug_all",
     "The cache of DNS, record by record.",
     kRead,
     {},
     true,
     {},
     commands::dns_debug_all},
    {"dns.delete_a",
     "Removes an entry from the cache of DNS.",
     kChange,
     kHostName,
     false,
     {},
     commands::dns_delete_a},
    {"dns.delete_aaaa",
     "Removes an entry from the cache of DNS.",
     kChange,
     kHostName,
     false,
     {},
     commands::dns_delete_aaaa},
    {"dns.delete_cname",
     "Removes an entry from the cache of DNS.",
     kChange,
     kHostName,
     false,
     {},
     commands::dns_delete_cname},
    {"dns.delete_naptr",
     "Removes an entry from the cache of DNS.",
     kChange,
     kHostName,
     false,
     {},
     commands::dns_delete_naptr},
    {"dns.delete_ptr",
     "Removes an entry from the cache of DNS.",
     kChange,
     kHostName,
     false,
     {},
     commands::dns_delete_ptr},
    {"dns.delete_srv",
     "Removes an entry from the cache of DNS.",
     kChange,
     kHostName,
     false,
     {},
     commands::dns_delete_srv},
    {"dns.delete_txt",
     "Removes an entry from the cache of DNS.",
     kChange,
     kHostName,
     false,
     {},
     commands::dns_delete_txt},
    {"dns.delete_all",
     "Empties the cache of DNS but for what is permanent.",
     kChange,
     {},
     false,
     {},
     commands::dns_delete_all},
    {"dns.delete_all_force",
     "Empties the cache of DNS.",
     kChange,
     {},
     false,
     {},
     commands::dns_delete_all_force},
    {"dns.lookup",
     "Asks DNS, by way of the cache.",
     kChange,
     kDnsQuestion,
     false,
     {},
     commands::dns_lookup},
    {"dns.mem_info",
     "Bytes that the cache of DNS uses, and those that it may use.",
     kRead,
     {},
     true,
     {},
     commands::dns_mem_info},
    {"dns.view", "The cache of DNS.", kRead, {}, true, {}, commands::dns_view},
    {"jsonrpc.echo", "Says back what it was given.", kRead, kEcho, true, {}, echo},
    {"system.listMethods", "All commands.", kRead, {}, true, {}, list_methods},
    {"system.methodHelp", "What a command does.", kRead, kMethod, false, {}, method_help},
    {"system.methodSignature",
     "What a command takes.",
     kRead,
     kMethod,
     false,
     {},
     method_signature},
}};

constinit const std::array<Tunable, 2> core_tunables{
    {{"trace", "1: the steps of transactions are noted, for core.trace.", false, 0, 1,
      [](const Module& m) {
          return Value(static_cast<const CoreBase&>(m).engine().is_tracing() ? 1 : 0);
      },
      [](Module& m, const Value& v) noexcept { engine_of(m).set_tracing(v.integer() != 0); }},
     {"debug", "The log level of all processes.", false, -10, 10,
      [](const Module&) { return Value(static_cast<int>(log::level())); },
      [](Module&, const Value& v) noexcept {
          log::set_level(static_cast<log::Level>(v.integer()));
      }}}};

}  // namespace fairlead::server
