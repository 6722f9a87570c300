// The socket filter that lets the kernel deliver a datagram to the worker that owns its call.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <linux/filter.h>

#include <cstddef>
#include <vector>

#include "core/base/result.h"

namespace fairlead::net {

/// A classic BPF program for SO_ATTACH_REUSEPORT_CBPF over a UDP payload: finds "\nCall-ID:" at a
/// position below about `reach` bytes and returns owner_of() for `workers` sockets. Returns
/// 0xffffffff, upon which the kernel chooses by flow, when the header is further behind, in compact
/// form, or written unusually. Never wrong in a way that matters: the receiving process checks.
[[nodiscard]] std::vector<sock_filter> steering_program(std::size_t workers, std::size_t reach);

/// Attaches it to the group of `descriptor`, with the greatest reach that this kernel takes.
/// Returns that reach in bytes. Needs no privileges.
[[nodiscard]] Result<std::size_t> attach_steering(int descriptor, std::size_t workers);

}  // namespace fairlead::net
