// SIP over WebSocket: what the module shows to the server. SPDX-License-Identifier: Apache-2.0
#include "modules/websocket/websocket.h"

namespace fairlead::websocket {
namespace {

using M = Websocket;

constexpr Param params[] = {
    param<&M::keepalive_mechanism>("keepalive_mechanism",
                                   "What keeps idle connections alive: 0 nothing, 1 Pings, whose "
                                   "Pongs must come, 2 Pongs.",
                                   {.min = 0, .max = 2}),
    param<&M::keepalive_timeout>("keepalive_timeout",
                                 "Seconds of silence behind which one is sent; as many again, and "
                                 "a Ping that was not answered ends the connection.",
                                 {.min = 1, .max = 86400}),
    param<&M::keepalive_interval>("keepalive_interval",
                                  "Seconds between two looks at the connections of a worker.",
                                  {.min = 1, .max = 3600}),
    param<&M::keepalive_processes>("keepalive_processes",
                                   "Accepted; each worker looks after its own connections.",
                                   {.min = 1}),
    param<&M::timer_interval>("timer_interval", "Accepted; see keepalive_interval.", {.min = 1}),
    param<&M::rm_delay_interval>("rm_delay_interval", "Seconds that a peer has to answer a Close.",
                                 {.min = 1, .max = 3600}),
    param<&M::ping_application_data>("ping_application_data",
                                     "What keep-alives carry, at most 125 bytes; \"\": what the "
                                     "Server header says."),
    param<&M::sub_protocols>("sub_protocols", "1: sip. There is no other.", {.min = 1, .max = 3}),
    param<&M::cors_mode>(
        "cors_mode",
        "Access-Control-Allow-Origin in the answer to a handshake: 0 none, 1 \"*\", "
        "2 the Origin of the request.",
        {.min = 0, .max = 2}),
    param<&M::verbose_list>("verbose_list", "Keep-alives are logged at debug level."),
    param_method<&M::set_callback>(
        "event_callback", "Without effect: routes are written in this language.", Type::string),
};

constexpr Function functions[] = {
    function<&M::ws_handle_handshake>(
        "ws_handle_handshake",
        "Answers the HTTP request with 101 and makes its connection a WebSocket, or says why not "
        "(400, 405, 426, 503) and ends the script. For event_route[xhttp:request].",
        Route::any),
    function<&M::ws_close>("ws_close",
                           "Closes the WebSocket that the message came on, with 1000 and \"Normal "
                           "closure\".",
                           Route::any),
    function<&M::ws_close_because>("ws_close", "The same with another status and reason.",
                                   Route::any, "status", "reason"),
    function<&M::ws_close_other>("ws_close", "The same for another connection.", Route::any,
                                 "status", "reason", "connection_id"),
};

Value closed_connection(Module& m, Message&, const VariableName&) {
    return static_cast<M&>(m).closed_connection();
}

constexpr Variable variables[] = {
    {.name = "ws_conid",
     .doc = "In event_route[websocket:closed]: number of the connection that is over.",
     .get = closed_connection},
};

template <auto Field>
constexpr Statistic counted(std::string_view name, std::string_view doc) {
    return {name, doc, [](Module& m, shm::Counter c) { (static_cast<M&>(m).count).*Field = c; },
            nullptr};
}

constexpr Statistic statistics[] = {
    computed_statistic<&M::current>("ws_current_connections", "Connections that exist."),
    computed_statistic<&M::most>("ws_max_concurrent_connections",
                                 "The most that existed at the same time."),
    counted<&Counts::failed>("ws_failed_connections", "Connections that ended without a Close."),
    counted<&Counts::failed_handshakes>("ws_failed_handshakes", "Handshakes that were refused."),
    counted<&Counts::handshakes>("ws_successful_handshakes", "Connections that became WebSockets."),
    counted<&Counts::local_closed>("ws_local_closed_connections", "Closes that began here."),
    counted<&Counts::remote_closed>("ws_remote_closed_connections", "Closes that peers began."),
    counted<&Counts::received_frames>("ws_received_frames", "Frames that came."),
    counted<&Counts::transmitted_frames>("ws_transmitted_frames", "Frames that were sent."),
    computed_statistic<&M::current>("ws_sip_current_connections",
                                    "Connections that exist: all are of sip."),
    counted<&Counts::sip_received>("ws_sip_received_frames", "SIP messages that came."),
    counted<&Counts::sip_transmitted>("ws_sip_transmitted_frames", "SIP messages that were sent."),
};

constexpr CommandArg kId[] = {
    {.name = "id", .doc = "Number of the connection.", .type = CommandArg::Type::integer}};
constexpr CommandArg kOrder[] = {
    {.name = "order", .doc = "id_hash, used_desc or used_asc.", .optional = true}};

constexpr Command commands[] = {
    command<&M::dump>("ws.dump", "The first 50 connections.", Right::read, kOrder),
    command<&M::close>("ws.close", "Closes a connection.", Right::change, kId),
    command<&M::ping>("ws.ping", "Sends a Ping.", Right::change, kId),
    command<&M::pong>("ws.pong", "Sends a Pong.", Right::change, kId),
    command<&M::disable>("ws.disable", "Handshakes are answered 503 from now on.", Right::change),
    command<&M::enable>("ws.enable", "Handshakes are taken again.", Right::change),
};

constexpr std::string_view events[] = {"websocket:closed"};

constexpr Descriptor descriptor{.name = "websocket",
                                .summary = "SIP over WebSocket (RFC 7118, RFC 6455).",
                                .create = make_module<Websocket>,
                                .params = params,
                                .functions = functions,
                                .variables = variables,
                                .statistics = statistics,
                                .event_routes = events,
                                .commands = commands};

}  // namespace
}  // namespace fairlead::websocket

FAIRLEAD_MODULE(fairlead::websocket::descriptor)
