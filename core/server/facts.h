// What commands tell of the server as a whole. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/api/core.h"
#include "core/net/own_names.h"

namespace fairlead::net {
class Sockets;
class StreamNet;
}  // namespace fairlead::net
namespace fairlead::server {

class DnsService;

/// Set before fork; constant but for the process ids, which are in shared pages.
struct Facts {
    std::int64_t started = 0;                  ///< seconds since 1970
    std::vector<std::string> arguments;        ///< argv
    std::span<const Process> processes;        ///< without the supervisor
    std::span<const std::atomic<pid_t>> pids;  ///< by process slot; 0: there is none
    const net::OwnNames* names = nullptr;
    bool auto_aliases = true;  ///< names that addresses resolve to are the server's, too
    const net::Sockets* sockets = nullptr;
    std::size_t listeners = 0;                ///< that have sockets
    const net::StreamNet* streams = nullptr;  ///< null: there are none
    DnsService* dns = nullptr;                ///< null: there is none
};

}  // namespace fairlead::server
