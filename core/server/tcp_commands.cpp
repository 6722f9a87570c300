// Commands about TCP connections, with Kamailio's shapes. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "core/net/stream_net.h"
#include "core/server/core_base.h"
#include "core/server/engine.h"
#include "core/server/facts.h"

namespace fairlead::server::commands {
namespace {

constexpr int kNotFound = 404;

Engine& engine_of(Module& m) {
    return static_cast<CoreBase&>(m).engine();
}

Result<const net::StreamNet*> streams_of(Module& m) {
    const auto* const streams = engine_of(m).facts().streams;
    if (streams == nullptr || !streams->is_used()) return fail("tcp support disabled");
    return streams;
}

std::int64_t seconds(Ms time) noexcept {
    return time.count() / 1000;
}

std::string_view type_of(Proto proto) noexcept {
    return via_name(proto);
}

}  // namespace

Result<void> tcp_info(Module& m, Call& call) {
    const auto* const streams = TRY(streams_of(m));
    const auto& engine = engine_of(m);
    const auto rows = streams->table().rows();
    std::int64_t queued = 0, tls = 0;
    for (const auto& row : rows) {
        queued += row.queued;
        tls += row.about.proto == Proto::tls || row.about.proto == Proto::wss;
    }
    const auto most = static_cast<std::int64_t>(streams->options().most_connections);
    Answer& a = call.answer();
    a.begin_struct();
    a.integer("readers", static_cast<std::int64_t>(engine.globals().workers));
    a.integer("max_connections", most);
    a.integer("max_tls_connections", static_cast<std::int64_t>(streams->options().most_tls));
    a.integer("opened_connections", static_cast<std::int64_t>(rows.size()));
    a.integer("opened_tls_connections", tls);
    a.integer("write_queued_bytes", queued);
    a.end_struct();
    return {};
}

Result<void> tcp_list(Module& m, Call& call) {
    const auto* const streams = TRY(streams_of(m));
    const std::int64_t now = engine_of(m).clock().now().count();
    Answer& a = call.answer();
    for (const auto& row : streams->table().rows()) {
        const auto& about = row.about;
        a.begin_struct();
        a.integer("id", row.owner.id);
        a.text("type", type_of(about.proto));
        a.text("state", row.open ? "CONN_OK" : "CONN_CONNECT");
        a.integer("timeout", std::max<std::int64_t>(row.expires - now, 0) / 1000);
        a.integer("lifetime", seconds(streams->options().limits.lifetime));
        a.integer("ref_count", 1);
        a.text("src_ip", about.remote.ip_text());
        a.integer("src_port", about.remote.port);
        a.text("dst_ip", about.local.ip_text());
        a.integer("dst_port", about.local.port);
        a.end_struct();
    }
    return {};
}

Result<void> tcp_options(Module& m, Call& call) {
    const auto* const streams = TRY(streams_of(m));
    const auto& o = streams->options();
    const auto number = [](std::size_t n) { return static_cast<std::int64_t>(n); };
    const auto most = number(o.most_connections);
    // Connections are opened, written and watched in one way: what this names is always on.
    const std::array<std::pair<std::string_view, std::int64_t>, 23> options{{
        {"connect_timeout", seconds(o.limits.connect_timeout)},
        {"send_timeout", seconds(o.limits.send_timeout)},
        {"connection_lifetime", seconds(o.limits.lifetime)},
        {"max_connections(soft)", most},
        {"max_tls_connections(soft)", number(o.most_tls)},
        {"no_connect", o.no_connect ? 1 : 0},
        {"fd_cache", 1},
        {"async", 1},
        {"connect_wait", 1},
        {"conn_wq_max", number(o.limits.queue_bytes)},
        {"wq_max", number(o.limits.all_queue_bytes * engine_of(m).globals().workers)},
        {"defer_accept", o.defer_accept},
        {"delayed_ack", 1},
        {"syncnt", o.tcp.syn_count},
        {"linger2", o.tcp.linger2},
        {"keepalive", o.tcp.keepalive ? 1 : 0},
        {"keepidle", o.tcp.keep_idle},
        {"keepintvl", o.tcp.keep_interval},
        {"keepcnt", o.tcp.keep_count},
        {"crlf_ping", o.limits.crlf_ping ? 1 : 0},
        {"accept_aliases", engine_of(m).globals().accept_aliases ? 1 : 0},
        {"alias_flags", 1},
        {"new_conn_alias_flags", 2},
    }};
    Answer& a = call.answer();
    if (call.has(0)) {
        const auto found = std::ranges::find_if(
            options, [&](const auto& option) { return option.first == call.text(0); });
        if (found == options.end()) return fail("unknown option", {}, kNotFound);
        a.begin_struct();
        a.integer(found->first, found->second);
        a.end_struct();
        return {};
    }
    a.begin_struct();
    for (const auto& [name, value] : options) a.integer(name, value);
    a.end_struct();
    return {};
}

}  // namespace fairlead::server::commands
