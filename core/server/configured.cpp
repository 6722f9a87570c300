// From a configuration file to checked parameters, loaded modules and a compiled program.
// SPDX-License-Identifier: Apache-2.0
#include "core/server/configured.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "core/base/text.h"
#include "core/net/hosts.h"
#include "core/server/core_module.h"

namespace fairlead::server {
namespace {

std::vector<std::string> split_path(std::string_view path) {
    std::vector<std::string> parts;
    while (!path.empty()) {
        const auto colon = path.find(':');
        if (colon != 0) parts.emplace_back(path.substr(0, colon));
        path = colon == std::string_view::npos ? std::string_view() : path.substr(colon + 1);
    }
    return parts;
}

/// Modules of the command line first, then those of the file with their parameters.
void load_modules(Configured& c, const Options& options) {
    const cfg::ModulePaths paths{split_path(find_places().module_dir),
                                 split_path(options.module_path)};
    for (const auto& name : options.modules) {
        const auto loaded =
            c.registry.load(name, paths.forced.empty() ? paths.standard : paths.forced);
        if (!loaded) c.diagnostics.error({}, loaded.error().str());
    }
    cfg::load_modules(c.config, paths, c.registry, c.diagnostics);
}

void set_given_parameters(Configured& c, const Options& options) {
    for (const auto& given : options.module_parameters) {
        const auto number = text::parse_int(given.value);
        const Value value =
            given.is_string ? Value(std::string_view(given.value)) : Value(number.value_or(0));
        if (!given.is_string && !number) {
            c.diagnostics.error({}, "--modparam: " + given.value + " is not a number");
            continue;
        }
        const auto set = c.registry.set_parameter(given.module, given.name, value);
        if (!set) c.diagnostics.error({}, "--modparam: " + set.error().str());
    }
}

std::string name_text(const net::OwnNames::Name& name) {
    const auto proto = name.proto == Proto::none ? "*" : fairlead::name(name.proto);
    return fmt::format("{}: {}:{}", proto, name.host,
                       name.port == 0 ? "*" : std::to_string(name.port));
}

}  // namespace

std::unique_ptr<Configured> configure(const std::string& path, const Options& options) {
    auto c = std::make_unique<Configured>();
    cfg::ReadOptions read;
    read.defines = options.defines;
    read.directives = options.substitutions;
    std::error_code error;
    c->directory = std::filesystem::absolute(path, error).parent_path().string();
    c->config = cfg::read(path, read, c->diagnostics);
    c->settings = read_settings(c->config, options, c->diagnostics);
    if (const auto core = c->registry.add(core_descriptor()); !core)
        c->diagnostics.error({}, core.error().str());
    load_modules(*c, options);
    set_given_parameters(*c, options);
    c->program = cfg::compile(c->config, c->registry, c->diagnostics);
    if (c->diagnostics.errors() != 0) c->program = nullptr;
    return c;
}

namespace {

/// What a TLS listener needs, which its author may have forgotten.
Result<void> check_tls(const std::vector<net::ListenWish>& wishes, const Configured& configured) {
    const Settings& s = configured.settings;
    if (s.disable_tls || s.disable_tcp) return {};
    const auto wish = std::ranges::find(wishes, std::optional(Proto::tls), &net::ListenWish::proto);
    if (!s.enable_tls && wish == wishes.end()) return {};
    const bool has_module = std::ranges::any_of(configured.registry.modules(),
                                                [](const auto& m) { return m->name == "tls"; });
    if (s.enable_tls && has_module) {
        if (!s.tcp_accept_haproxy) return {};
        return fail(
            "tcp_accept_haproxy and enable_tls do not go together: a balancer's header is "
            "not understood before TLS; let the balancer speak TLS, or disable_tls=yes");
    }
    std::string needs = wish == wishes.end() ? "enable_tls=yes" : "listen=tls:" + wish->host;
    needs += " needs ";
    if (!s.enable_tls) needs += has_module ? "enable_tls=yes" : "enable_tls=yes and ";
    if (!has_module) needs += "loadmodule \"tls.so\"";
    return fail(needs + "; disable_tls=yes leaves TLS out");
}

}  // namespace

Result<net::Listening> find_listeners(Configured& configured, const Options& options) {
    std::vector<net::ListenWish> wishes;
    net::ListenDefaults defaults;
    std::vector<std::size_t> own;  // the settings that own_workers come from
    for (const auto& line : configured.config.listen) {
        wishes.push_back({line.proto, line.host, line.port, line.advertised_host,
                          line.advertised_port, line.name, std::nullopt});
        if (!line.workers || !configured.settings.fork) continue;
        const auto count = configured.config.settings[*line.workers].value.number;
        if (count <= 0) continue;
        if (own.empty() || own.back() != *line.workers) {
            own.push_back(*line.workers);
            defaults.own_workers.push_back(static_cast<std::size_t>(count));
        }
        wishes.back().workers = own.size() - 1;
    }
    for (const auto& text : options.listen)
        for (auto& wish : TRY(net::parse_listen_option(text))) wishes.push_back(std::move(wish));
    const Settings& s = configured.settings;
    defaults.workers = s.fork ? static_cast<std::size_t>(s.workers) : 1;
    defaults.port = static_cast<std::uint16_t>(s.port);
    defaults.advertised_host = s.advertised_address;
    defaults.advertised_port = static_cast<std::uint16_t>(s.advertised_port);
    defaults.tcp = !s.disable_tcp;
    defaults.tls_port = static_cast<std::uint16_t>(s.tls_port);
    defaults.tls = s.enable_tls && !s.disable_tls;
    TRY(check_tls(wishes, configured));
    defaults.ipv6_of_interfaces = s.auto_bind_ipv6;
    auto listening = TRY(net::make_listeners(wishes, defaults));
    for (const std::size_t idle : listening.idle)
        configured.diagnostics.warning(
            configured.config.settings[own[idle]].at,
            "socket_workers has no effect: the addresses of its listen line are listened on by "
            "earlier lines, or left out");
    return listening;
}

Result<net::OwnNames> find_names(const Configured& configured, const Options& options,
                                 const std::vector<Listener>& listeners, bool reverse) {
    net::OwnNames names;
    for (const auto& l : listeners) {
        names.add(l.address.ip_text(), l.address.port, l.proto);
        names.add(l.advertised_host, l.advertised_port, l.proto);
        if (!reverse || !configured.settings.auto_aliases) continue;
        if (const auto name = net::reverse_lookup(l.address))
            names.add(*name, l.address.port, l.proto);
    }
    for (const auto& alias : configured.config.aliases)
        names.add(alias.host, alias.port, alias.proto.value_or(Proto::none));
    for (const auto& text : options.aliases)
        for (const auto& alias : TRY(net::parse_listen_option(text)))
            names.add(alias.host, alias.port, alias.proto.value_or(Proto::none));
    return names;
}

std::string listening_text(const std::vector<Listener>& listeners, const net::OwnNames& names) {
    std::string out = "Listening on\n";
    const auto at = std::back_inserter(out);
    for (const auto& l : listeners) {
        fmt::format_to(at, "             {}: {}:{}", name(l.proto), l.address.ip_text(),
                       l.address.port);
        if (!l.name.empty()) fmt::format_to(at, " name {}", l.name);
        if (l.advertised_host != l.address.ip_text(true) || l.advertised_port != l.address.port)
            fmt::format_to(at, " advertise {}:{}", l.advertised_host, l.advertised_port);
        out += '\n';
    }
    out += "Aliases:\n";
    for (const auto& name : names.all()) {
        // A listener's own address is not an alias.
        const bool is_listener = std::ranges::any_of(listeners, [&](const Listener& l) {
            return l.address.ip_text() == name.host && l.address.port == name.port;
        });
        if (!is_listener) fmt::format_to(at, "             {}\n", name_text(name));
    }
    return out;
}

}  // namespace fairlead::server
