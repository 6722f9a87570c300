// Changing one part of a SIP URI: what $rU = …, sethost(), prefix() and their like do.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/arena.h"
#include "core/sip/uri.h"

namespace fairlead::uri_edit {

// Each returns the new URI, which lives in the arena. Parts that are not named stay as written.

/// "" removes user and password.
[[nodiscard]] std::string_view with_user(Arena& arena, const sip::Uri& uri, std::string_view user);
/// User and password at once, as written: "user:password".
[[nodiscard]] std::string_view with_user_password(Arena& arena, const sip::Uri& uri,
                                                  std::string_view both);
/// Keeps port and parameters.
[[nodiscard]] std::string_view with_host(Arena& arena, const sip::Uri& uri, std::string_view host);
/// "host" or "host:port": the old port goes.
[[nodiscard]] std::string_view with_host_port(Arena& arena, const sip::Uri& uri,
                                              std::string_view host_port);
/// "host[:port][;transport=…]": the old port and the old transport parameter go.
[[nodiscard]] std::string_view with_host_port_transport(Arena& arena, const sip::Uri& uri,
                                                        std::string_view text);
/// "" removes it.
[[nodiscard]] std::string_view with_port(Arena& arena, const sip::Uri& uri, std::string_view port);
/// Adds a parameter behind the others; the same text twice is not added again.
[[nodiscard]] std::string_view with_param(Arena& arena, const sip::Uri& uri, std::string_view name,
                                          std::string_view value);

}  // namespace fairlead::uri_edit
