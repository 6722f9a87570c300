// The global parameters of the configuration, checked and typed.
// SPDX-License-Identifier: Apache-2.0
#include "core/server/settings.h"

#include <syslog.h>

#include <array>
#include <limits>
#include <utility>

#include "core/base/address.h"
#include "core/base/text.h"
#include "core/net/dns_records.h"
#include "core/server/build_info.h"
#include "core/server/settings_table.h"

namespace fairlead::server {
namespace {

using cfg::Diagnostics;
using cfg::Setting;

/// The names of a row, one by one.
template <class F>
void each_name(std::string_view names, F f) {
    while (!names.empty()) {
        const auto end = names.find(' ');
        f(names.substr(0, end));
        names = end == std::string_view::npos ? std::string_view() : names.substr(end + 1);
    }
}

const IgnoredSettings* find_ignored(std::string_view name) {
    for (const auto& row : ignored_settings()) {
        bool found = false;
        each_name(row.names, [&](std::string_view n) { found = found || n == name; });
        if (found) return &row;
    }
    return nullptr;
}

/// Kamailio lets tos be written as one of the names of <netinet/ip.h>.
std::optional<std::int64_t> tos_word(std::string_view word) {
    constexpr std::array<std::pair<std::string_view, std::int64_t>, 4> kWords{
        {{"IPTOS_LOWDELAY", 0x10},
         {"IPTOS_THROUGHPUT", 0x08},
         {"IPTOS_RELIABILITY", 0x04},
         {"IPTOS_MINCOST", 0x02}}};
    for (const auto& [name, value] : kWords)
        if (name == word) return value;
    return std::nullopt;
}

class Reader {
public:
    explicit Reader(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

    void apply(const Setting& setting) {
        if (setting.name.starts_with("kemi.")) {
            diagnostics_.notice(setting.at, setting.name +
                                                " has no effect: routes are written "
                                                "in the configuration");
            return;
        }
        if (setting.name.find('.') != std::string::npos) return;  // a custom one: the script's
        for (const auto& row : setting_rows())
            if (row.name == setting.name) return set(row, setting);
        if (const auto* row = find_ignored(setting.name)) {
            if (!row->why.empty())
                diagnostics_.notice(setting.at,
                                    setting.name + " has no effect: " + std::string(row->why));
            return;
        }
        const auto near = cfg::nearest(setting.name, setting_names());
        diagnostics_.error(setting.at, "unknown parameter " + setting.name,
                           near.empty() ? "" : "did you mean " + std::string(near) + "?");
    }

    Settings values;

private:
    void set(const SettingRow& row, const Setting& setting) {
        if (const auto* text = std::get_if<std::string Settings::*>(&row.field)) {
            values.*(*text) = setting.value.text;
            return check_word(setting);
        }
        if (const auto* texts = std::get_if<std::vector<std::string> Settings::*>(&row.field)) {
            (values.*(*texts)).push_back(setting.value.text);
            return;
        }
        std::int64_t n = setting.value.number;
        const auto tos = row.name == "tos" ? tos_word(setting.value.text) : std::nullopt;
        if (tos) n = *tos;
        if (setting.value.is_string && !tos) {
            diagnostics_.error(setting.at, setting.name + " takes a number, not a string");
            return;
        }
        if (const auto* yes = std::get_if<bool Settings::*>(&row.field)) {
            values.*(*yes) = n != 0;
            return;
        }
        if (n < row.min || n > row.max) {
            diagnostics_.error(setting.at, setting.name + " must be " + std::to_string(row.min) +
                                               "…" + std::to_string(row.max));
            return;
        }
        values.*(std::get<std::int64_t Settings::*>(row.field)) = n;
    }

    void check_word(const Setting& setting) {
        const std::string& word = setting.value.text;
        if (setting.name == "log_facility" && syslog_facility(word) < 0)
            diagnostics_.error(setting.at, "unknown log facility " + word);
        if (setting.name == "udp_mtu_try_proto" && !parse_proto(word))
            diagnostics_.error(setting.at, "udp_mtu_try_proto is a protocol, not " + word);
        if (setting.name == "dns_servers" && !dns::is_server_list(word))
            diagnostics_.error(setting.at,
                               "dns_servers is a list of IP addresses, each with :port or without");
        if (setting.name == "steering" && word != "flow" && word != "callid" && word != "bpf")
            diagnostics_.error(setting.at, "steering is flow, callid or bpf, not " + word);
        if (setting.name == "log_engine_type" && !word.empty() && !word.starts_with("json"))
            diagnostics_.error(setting.at, "log_engine_type is json or empty, not " + word);
    }

    Diagnostics& diagnostics_;
};

/// Each socket_workers must have a listen line, and all workers together their places.
void check_workers(const cfg::Config& config, const Settings& values, Diagnostics& diagnostics) {
    std::vector<bool> used(config.settings.size());
    for (const auto& line : config.listen)
        if (line.workers) used[*line.workers] = true;
    std::int64_t sum = values.workers;
    for (std::size_t i = 0; i < used.size(); ++i) {
        const Setting& setting = config.settings[i];
        if (setting.name != "socket_workers") continue;
        if (setting.value.number <= 0 || setting.value.number >= kMostWorkers) continue;
        if (!used[i]) {
            diagnostics.warning(setting.at,
                                "socket_workers has no effect: it is for the next listen line, "
                                "and none follows before the next socket_workers or the end");
            continue;
        }
        const std::int64_t before = sum;
        sum += setting.value.number;
        if (!values.fork || before > kMostWorkers || sum <= kMostWorkers) continue;
        diagnostics.error(setting.at, "children and all socket_workers make " +
                                          std::to_string(sum) + " workers; more than " +
                                          std::to_string(kMostWorkers) + " are not possible");
    }
}

void take(std::int64_t& field, const std::optional<std::int64_t>& given) {
    if (given) field = *given;
}
void take(std::string& field, const std::string& given) {
    if (!given.empty()) field = given;
}

void apply_options(Settings& s, const Options& o) {
    take(s.workers, o.children);
    take(s.debug, o.debug);
    take(s.memory_mb, o.memory_mb);
    take(s.receive_buffer, o.receive_buffer);
    take(s.server_id, o.server_id);
    take(s.user, o.user);
    take(s.group, o.group);
    take(s.root_dir, o.root_dir);
    take(s.work_dir, o.work_dir);
    take(s.run_dir, o.run_dir);
    take(s.log_engine, o.log_engine);
    if (o.auto_aliases) s.auto_aliases = *o.auto_aliases;
    if (o.log_to_stderr) s.log_stderror = true;
    if (o.disable_tcp) s.disable_tcp = true;
    if (o.check_via) s.check_via = true;
    if (o.fork_given) s.fork = o.fork != Fork::none;
}

}  // namespace

Settings read_settings(const cfg::Config& config, const Options& options,
                       Diagnostics& diagnostics) {
    Reader reader(diagnostics);
    reader.values.server_header = "Server: " + product();
    reader.values.user_agent_header = "User-Agent: " + product();
    for (const auto& setting : config.settings) reader.apply(setting);
    apply_options(reader.values, options);
    check_workers(config, reader.values, diagnostics);
    return std::move(reader.values);
}

std::vector<std::string_view> setting_names() {
    std::vector<std::string_view> names;
    for (const auto& row : setting_rows()) names.push_back(row.name);
    for (const auto& row : ignored_settings())
        each_name(row.names, [&](std::string_view n) { names.push_back(n); });
    return names;
}

int syslog_facility(std::string_view name) noexcept {
    constexpr std::array<std::pair<std::string_view, int>, 19> kNames{{{"auth", LOG_AUTH},
                                                                       {"authpriv", LOG_AUTHPRIV},
                                                                       {"cron", LOG_CRON},
                                                                       {"daemon", LOG_DAEMON},
                                                                       {"ftp", LOG_FTP},
                                                                       {"kern", LOG_KERN},
                                                                       {"lpr", LOG_LPR},
                                                                       {"mail", LOG_MAIL},
                                                                       {"news", LOG_NEWS},
                                                                       {"user", LOG_USER},
                                                                       {"uucp", LOG_UUCP},
                                                                       {"local0", LOG_LOCAL0},
                                                                       {"local1", LOG_LOCAL1},
                                                                       {"local2", LOG_LOCAL2},
                                                                       {"local3", LOG_LOCAL3},
                                                                       {"local4", LOG_LOCAL4},
                                                                       {"local5", LOG_LOCAL5},
                                                                       {"local6", LOG_LOCAL6},
                                                                       {"local7", LOG_LOCAL7}}};
    if (text::ci_starts_with(name, "LOG_")) name.remove_prefix(4);
    for (const auto& [word, number] : kNames)
        if (text::ci_equal(word, name)) return number;
    return -1;
}

}  // namespace fairlead::server
