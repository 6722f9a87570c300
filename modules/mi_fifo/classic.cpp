// The commands that the line protocol always had, with the answers they always gave.
// SPDX-License-Identifier: Apache-2.0
#include "modules/mi_fifo/classic.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "core/api/text.h"
#include "modules/mi_fifo/api.h"
#include "modules/mi_fifo/text_answer.h"

namespace fairlead::mi_fifo {
namespace {

using Items = std::vector<FlatAnswer::Item>;

/// What a command of the registry answers.
Result<Items> run_command(Core& core, std::string_view command, std::vector<Value> arguments) {
    const auto* const entry = core.commands().find(command);
    if (entry == nullptr) return fail("no such command");
    FlatAnswer answer;
    const auto exchange = std::make_shared<Exchange>(std::move(arguments), Role::administrator,
                                                     "mi_fifo", answer, nullptr);
    exchange->run(core.commands(), *entry);
    if (!exchange->outcome()) return std::unexpected(exchange->outcome().error());
    return std::move(answer.items);
}
/// The same; nothing when it fails.
Items ask(Core& core, std::string_view command, std::vector<Value> arguments = {}) {
    return run_command(core, command, std::move(arguments)).value_or(Items{});
}

std::string_view named(const Items& items, std::string_view name) {
    for (const auto& item : items)
        if (item.name == name) return item.value;
    return {};
}

std::string lines(const Items& items) {
    std::string out = "200 ok\n";
    for (const auto& item : items) out += item.value + "\n";
    return out;
}

std::string which(Core& core, const LineRequest&) {
    std::string out = "200 ok\n";
    for (const std::string_view name :
         {"t_reply_callid", "t_reply", "t_hash", "t_uac_cancel", "t_uac_dlg", "t_uac_from"})
        out += fmt::format("{}\n", name);
    for (const auto& entry : core.commands().all()) {
        const bool has_classic = !entry.row->classic.empty();
        out += fmt::format("{}\n", has_classic ? entry.row->classic : entry.row->name);
    }
    for (const std::string_view name : {"reset_statistics", "get_statistics", "meminfo", "kill",
                                        "ps", "which", "arg", "pwd", "version", "uptime", "print"})
        out += fmt::format("{}\n", name);
    return out;
}

std::string ps(Core& core, const LineRequest&) {
    std::string out = "200 ok\n";
    const Items items = ask(core, "core.psx");
    for (std::size_t i = 0; i + 2 < items.size(); i += 3)
        out += fmt::format("{}\t{}\t{}\n", items[i].value, items[i + 1].value, items[i + 2].value);
    return out;
}

std::string version(Core& core, const LineRequest&) {
    const std::string_view header = core.globals().server_header;
    if (!header.empty()) return fmt::format("200 ok\n{}\n", header.substr(0, header.size() - 1));
    const Items items = ask(core, "core.version");
    return fmt::format("200 ok\nServer: {}\r\n", items.empty() ? "" : items.front().value);
}

std::string uptime(Core& core, const LineRequest&) {
    const Items items = ask(core, "core.uptime");
    return fmt::format("200 ok\nNow: {}\nUp Since: {}\nUp time: {} [sec]\n", named(items, "now"),
                       named(items, "up_since"), named(items, "uptime"));
}

std::string pwd(Core& core, const LineRequest&) {
    const Items items = ask(core, "core.pwd");
    return items.empty() ? "500 getcwd failed\n" : lines(items);
}

std::string arg(Core& core, const LineRequest&) {
    return lines(ask(core, "core.arg"));
}

std::string meminfo(Core& core, const LineRequest&) {
    const Items items = ask(core, "core.shmmem");
    return fmt::format("200 ok\ntotal:{}\nfree:{}\nused:{}\nmax used:{}\nfragments:{}\n",
                       named(items, "total"), named(items, "free"), named(items, "used"),
                       named(items, "max_used"), named(items, "fragments"));
}

std::string print(Core&, const LineRequest& request) {
    constexpr std::size_t kLongest = 255;
    const std::string text = request.lines.empty() ? "" : request.lines.front();
    if (text.size() > kLongest) return "500 print_fifo_cmd: too big text\n";
    return fmt::format("200 ok\n{}\n", text);
}

/// Statistics of "group:name = value" by their groups.
std::string statistics(Core& core, const LineRequest& request) {
    const std::string wanted = request.lines.empty() ? "" : request.lines.front();
    const bool all = wanted.empty() || wanted == "all";
    const std::string_view what = all ? std::string_view("all") : wanted;
    const Items items = ask(core, "stats.get_statistics", {Value(what)});
    if (items.empty())
        return what.ends_with(':') ? "404 Module not found\n" : "404 Statistic not found\n";
    std::string blocks, block;
    std::string_view group;
    std::size_t groups = 0, count = 0;
    const auto end_block = [&] {
        if (count != 0)
            blocks += fmt::format("Module name = {}; statistics={}\n{}", group, count, block);
        block.clear();
        count = 0;
    };
    for (const auto& item : items) {
        const std::string_view line = item.value;
        const std::string_view its = line.substr(0, line.find(':'));
        if (its != group) {
            end_block();
            group = its;
            ++groups;
        }
        block += item.value + "\n";
        ++count;
    }
    const std::string plain = block;
    end_block();
    if (all)
        return fmt::format("200 OK\nTotal statistics = {}\nTotal modules = {}\n{}", items.size(),
                           groups, blocks);
    return "200 OK\n" + (what.ends_with(':') ? blocks : plain);
}

std::string reset(Core& core, const LineRequest& request) {
    if (request.lines.empty() || request.lines.front().empty())
        return "400 Statistic name expected\n";
    const Value name(std::string_view(request.lines.front()));
    if (ask(core, "stats.get_statistics", {name}).empty()) return "404 Statistic not found\n";
    ask(core, "stats.reset_statistics", {name});
    return "200 OK\n";
}

/// LOAD_CPL, REMOVE_CPL, GET_CPL: "OK", the script alone, or "ERROR" and what is wrong.
std::string scripts(Core& core, std::string_view command, const LineRequest& request) {
    std::vector<Value> arguments;
    for (const std::string& line : request.lines) arguments.emplace_back(std::string_view(line));
    const auto items = run_command(core, command, std::move(arguments));
    if (items && command == "cpl.get") return items->empty() ? "" : items->front().value;
    if (items) return "OK\n";
    const std::string& text = items.error().text;
    if (text == "No URI" || text == "Invalid URI") return "ERROR\nError: Bad user@host.\n";
    if (text.starts_with("No CPL file") || text.starts_with("Failed loading"))
        return "ERROR\nError: Cannot read CPL file.\n";
    if (text.starts_with("Failed saving")) return "ERROR\nError: Cannot save CPL to database.\n";
    std::string out = "ERROR\n";
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        if (end != 0) out += fmt::format("Error: {}\n", rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return out;
}
std::string load_script(Core& core, const LineRequest& request) {
    return scripts(core, "cpl.load", request);
}
std::string remove_script(Core& core, const LineRequest& request) {
    return scripts(core, "cpl.remove", request);
}
std::string get_script(Core& core, const LineRequest& request) {
    return scripts(core, "cpl.get", request);
}

struct Row {
    std::string_view name;
    Form form;
    std::string (*run)(Core&, const LineRequest&);
    std::string_view needs;  ///< unknown, unless there is this command
};
constexpr std::array<Row, 20> kRows{{{"which", Form::bare, which},
                                     {"ps", Form::bare, ps},
                                     {"version", Form::bare, version},
                                     {"uptime", Form::bare, uptime},
                                     {"pwd", Form::bare, pwd},
                                     {"arg", Form::bare, arg},
                                     {"meminfo", Form::bare, meminfo},
                                     {"print", Form::text, print},
                                     {"get_statistics", Form::text, statistics},
                                     {"reset_statistics", Form::text, reset},
                                     {"kill", Form::bare, nullptr},
                                     {"t_hash", Form::bare, nullptr},
                                     {"t_uac_from", Form::uac, nullptr},
                                     {"t_uac_dlg", Form::dialog, nullptr},
                                     {"t_reply", Form::reply, nullptr},
                                     {"t_reply_callid", Form::reply_to_call, nullptr},
                                     {"t_uac_cancel", Form::plain, nullptr},
                                     {"LOAD_CPL", Form::plain, load_script, "cpl.load"},
                                     {"REMOVE_CPL", Form::plain, remove_script, "cpl.remove"},
                                     {"GET_CPL", Form::plain, get_script, "cpl.get"}}};

const Row* find(std::string_view command) {
    for (const Row& row : kRows)
        if (text::ci_equal(row.name, command)) return &row;
    return nullptr;
}

}  // namespace

Form classic_form(std::string_view command) {
    const Row* const row = find(command);
    return row != nullptr ? row->form : Form::plain;
}

bool is_changing(std::string_view command) noexcept {
    constexpr std::array<std::string_view, 9> names{
        "reset_statistics", "kill",         "t_uac_from", "t_uac_dlg", "t_reply",
        "t_reply_callid",   "t_uac_cancel", "LOAD_CPL",   "REMOVE_CPL"};
    return std::ranges::any_of(names,
                               [&](std::string_view n) { return text::ci_equal(n, command); });
}

std::string_view classic_head(std::string_view classic_name) noexcept {
    return classic_name == "t_hash" ? "200 ok\n\tcurrent\ttotal\n" : "200 OK\n";
}

std::optional<std::string> run_classic(Core& core, const LineRequest& request) {
    const Row* const row = find(request.command);
    if (row == nullptr || row->run == nullptr) return std::nullopt;
    if (!row->needs.empty() && core.commands().find(row->needs) == nullptr) return std::nullopt;
    return row->run(core, request);
}

}  // namespace fairlead::mi_fifo
