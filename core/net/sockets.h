// The sockets of the server: one for each listener and worker that serves it, opened before fork
// and kept open by the supervisor, so that what is queued survives a worker's death.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/api/net.h"
#include "core/base/result.h"
#include "core/event/fd.h"
#include "core/net/crews.h"

namespace fairlead::net {

struct SocketOptions {
    /// What SO_RCVBUF is raised to when the system lets us: what waits while a worker does not run.
    /// The system counts some 1.3 KB for a small message, and doubles the value.
    std::size_t receive_buffer = 4194304;
    int tos = 0;
    bool free_bind = false;           ///< also addresses that no interface has yet
    int backlog = 1024;               ///< connections that wait to be accepted
    int defer_accept = 0;             ///< seconds that the system waits for a first byte
    bool path_mtu_discovery = false;  ///< set the don't-fragment bit
};

class Sockets {
public:
    /// Fails with "cannot listen on udp:…: Address already in use". Every socket of a listener is
    /// in one SO_REUSEPORT group, worker by worker.
    [[nodiscard]] static Result<Sockets> open(std::span<const Listener> listeners, Crews crews,
                                              const SocketOptions& options);

    /// The socket that the worker reads. One that does not serve the listener gets another's, to
    /// send from only.
    [[nodiscard]] int get(std::size_t listener, std::size_t worker) const noexcept;
    /// Whether the worker reads the listener, or accepts there.
    [[nodiscard]] bool serves(std::size_t worker, std::size_t listener) const noexcept {
        return crews_.of(listener).contains(worker);
    }

    [[nodiscard]] const Crews& crews() const noexcept { return crews_; }

private:
    std::vector<Fd> sockets_;         ///< listener by listener
    std::vector<std::size_t> first_;  ///< of each listener
    Crews crews_;
};

}  // namespace fairlead::net
