// The rows of the module. SPDX-License-Identifier: Apache-2.0
#include <openssl/x509v3.h>

#include "modules/tls/tls.h"
#include "modules/tls/variables.h"

namespace fairlead::tls {
namespace {

using M = Tls;

/// Parameters that have no meaning here: said so, not swallowed.
template <Idle What>
constexpr Param idle(std::string_view name, std::string_view doc, Type type = Type::integer) {
    return param_method<&M::pass_over<What>>(name, doc, type);
}

constexpr Param params[] = {
    param<&M::config>("config",
                      "The file of profiles. With it the parameters below only make the profiles "
                      "server:default and client:default, where it has none."),
    param<&M::tls_method>("tls_method", "Versions that are spoken: TLSv1.2+, TLSv1.3, …"),
    param<&M::certificate>("certificate",
                           "File of our certificate and of the chain behind it, as PEM."),
    param<&M::private_key>("private_key", "File of its key; \"\": the certificate's file."),
    param<&M::ca_list>("ca_list", "File of the authorities that are trusted."),
    param<&M::ca_path>("ca_path", "Folder of more of them."),
    param<&M::crl>("crl", "File of revoked certificates."),
    param<&M::verify_certificate>("verify_certificate", "The peer's certificate must be good."),
    param<&M::require_certificate>("require_certificate",
                                   "With verify_certificate: clients must have one."),
    param<&M::verify_client>("verify_client",
                             "Instead of these two, for clients: off, on, optional (verified if "
                             "there is one), optional_no_ca (any)."),
    param<&M::verify_depth>("verify_depth",
                            "Most certificates between the peer's and a trusted one.", {0, 100}),
    param<&M::cipher_list>("cipher_list", "Ciphers, as OpenSSL writes lists of them."),
    param<&M::server_name>("server_name", "The server name that connections from here ask for."),
    param<&M::connection_timeout>("connection_timeout",
                                  "Seconds until a connection is closed on which no message ever "
                                  "came; -1: never. Afterwards tcp_connection_lifetime holds.",
                                  {-1, 86400 * 365}),
    param<&M::send_close_notify>("send_close_notify", "The end of a connection is announced."),
    param<&M::session_cache>("session_cache",
                             "Clients may resume sessions, in any worker, by tickets."),
    param<&M::session_id>("session_id", "Only sessions of the same name are resumed."),
    param<&M::renegotiation>("renegotiation", "Clients may renegotiate (TLS 1.2)."),
    param<&M::max_send_fragment>("ssl_max_send_fragment",
                                 "Most bytes of a record that is sent, 512 to 16384; -1: 16384.",
                                 {-1, 16384}),
    param<&M::release_buffers>("ssl_release_buffers", "Memory of idle connections is given back.",
                               {-1, 1}),
    param<&M::xavp_cfg>("xavp_cfg",
                        "The XAVP whose fields server_id and server_name choose profile and name "
                        "of connections that are opened for the message."),
    idle<Idle::compression>("tls_disable_compression", "Accepted; nothing is compressed."),
    idle<Idle::freelist>("ssl_freelist_max_len", "Accepted; OpenSSL has no such list any more."),
    idle<Idle::read_ahead>("ssl_read_ahead", "Accepted; records are read one by one."),
    idle<Idle::clear_queue>("con_ct_wq_max",
                            "Accepted; nothing waits in clear, see tcp_conn_wq_max."),
    idle<Idle::clear_queue>("ct_wq_max", "Accepted; see tcp_wq_max."),
    idle<Idle::clear_queue>("ct_wq_blk_size", "Accepted; see tcp_wq_max."),
    idle<Idle::log>("tls_log",
                    "Accepted; what fails is logged at level 0 (connections from here) or 2."),
    idle<Idle::log>("tls_debug", "Accepted; see tls_log."),
    idle<Idle::memory>("low_mem_threshold1",
                       "Accepted; OpenSSL has memory of its own in each worker."),
    idle<Idle::memory>("low_mem_threshold2", "Accepted; see low_mem_threshold1."),
    idle<Idle::library>("tls_force_run", "Accepted; the library is that of the system."),
    idle<Idle::callback>("event_callback", "Accepted; there are no other languages.", Type::string),
    idle<Idle::random>("rand_engine", "Accepted; OpenSSL's own generator serves.", Type::string),
    idle<Idle::engine>("engine", "Refused: private keys are files.", Type::string),
    idle<Idle::engine>("engine_config", "Refused; see engine.", Type::string),
    idle<Idle::engine>("engine_algorithms", "Refused; see engine.", Type::string),
};

Result<void> check_id(const Module&, std::span<const Value> args) {
    if (args[0].string().size() <= Wishes::kText) return {};
    return fail("a server id has at most 256 bytes");
}

constexpr Function functions[] = {
    function<&M::is_peer_verified>("is_peer_verified",
                                   "The message came over TLS and its peer's certificate is good.",
                                   Route::request),
    checked_function<&M::set_connect_server_id>(check_id, "tls_set_connect_server_id",
                                                "The server_id of the profile for the next "
                                                "connection that the message opens; \"\" takes it "
                                                "back.",
                                                Route::any, "server_id"),
};

constexpr Statistic statistics[] = {
    statistic<&M::handshakes>("handshakes", "Connections that were established."),
    statistic<&M::failed>("failed_handshakes", "Connections that ended before they were."),
    statistic<&M::reloads>("reloads", "Configurations that were loaded while it ran."),
};

constexpr Command commands[] = {
    command<&M::reload>("tls.reload",
                        "Loads the configuration and all files again, for new connections; when "
                        "one of them is bad everything stays as it was.",
                        Right::change),
    command<&M::info>("tls.info", "How many connections there are.", Right::read),
    command<&M::list>("tls.list", "All connections.", Right::read, {}, true),
    command<&M::options>("tls.options", "The parameters.", Right::read),
};

constexpr Descriptor descriptor{.name = "tls",
                                .summary = "TLS for SIP, by OpenSSL.",
                                .create = make_module<Tls>,
                                .params = params,
                                .functions = functions,
                                .variables = variables,
                                .statistics = statistics,
                                .commands = commands};

}  // namespace
}  // namespace fairlead::tls

FAIRLEAD_MODULE(fairlead::tls::descriptor)
