// From `listen` lines to listeners: interfaces and names become addresses, duplicates collapse.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/net.h"
#include "core/base/result.h"
#include "core/net/crews.h"

namespace fairlead::net {

/// One address to listen on, as the configuration or `-l` names it.
struct ListenWish {
    std::optional<Proto> proto;  ///< nullopt: all that are built in
    std::string host;            ///< address, interface or host name
    std::uint16_t port = 0;      ///< 0: the default
    std::string advertised_host;
    std::uint16_t advertised_port = 0;
    std::string name;
    /// Which of ListenDefaults::own_workers serve it; nullopt: the common ones.
    std::optional<std::size_t> workers;
};
struct ListenDefaults {
    std::uint16_t port = 5060;
    std::string advertised_host;  ///< advertised_address
    std::uint16_t advertised_port = 0;
    bool tcp = true;  ///< false: disable_tcp
    std::uint16_t tls_port = 5061;
    bool tls = false;                      ///< there is what makes TLS, and it is wanted
    bool ipv6_of_interfaces = false;       ///< auto_bind_ipv6
    std::size_t workers = 1;               ///< the common ones
    std::vector<std::size_t> own_workers;  ///< how many serve the wishes that name them, > 0
};

/// `[proto:]list[:port][/advertised[:port]]` of the command line, where list is a host or
/// `(host, host)`.
[[nodiscard]] Result<std::vector<ListenWish>> parse_listen_option(std::string_view text);

/// All interface addresses when there is no wish. A wish for a protocol that there is not is left
/// out and counted in `left_out`; an unknown host is an error. A port that is for all protocols is
/// that of TLS less one.
struct Listening {
    std::vector<Listener> listeners;
    Crews crews;                    ///< of the listeners; workers that none would have are left out
    std::vector<std::size_t> idle;  ///< those of ListenDefaults::own_workers that are left out
    std::size_t left_out = 0;
};
[[nodiscard]] Result<Listening> make_listeners(const std::vector<ListenWish>& wishes,
                                               const ListenDefaults& defaults);

}  // namespace fairlead::net
