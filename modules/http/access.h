// Who may ask: credentials, and what a request says about its sender.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/command.h"

namespace fairlead::http {

/// RFC 4648 4, padding included; nullopt for what it does not allow.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

/// Whether two secrets are equal, in a time that tells nothing about where they differ.
[[nodiscard]] bool same_secret(std::string_view a, std::string_view b) noexcept;

/// Whether a Host header (RFC 9110 7.2) names this host by a loopback address or "localhost". A
/// page of a browser that reaches us under a name of its own (DNS rebinding) names that.
[[nodiscard]] bool is_local_host(std::string_view host);

/// What the configuration knows, and the only one who compares.
class Accounts {
public:
    struct Known {
        Role role = Role::reader;
        std::string user;
    };
    /// "name:password".
    Result<void> add_user(std::string_view text, Role role);
    Result<void> add_token(std::string_view text, Role role);
    [[nodiscard]] bool empty() const noexcept { return users_.empty() && tokens_.empty(); }

    /// By an Authorization header (RFC 7617, RFC 6750); nullopt when it is not right.
    [[nodiscard]] std::optional<Known> find(std::string_view authorization) const;

private:
    struct User {
        std::string name, password;
        Role role;
    };
    struct Token {
        std::string text;
        Role role;
    };
    std::vector<User> users_;
    std::vector<Token> tokens_;
};

}  // namespace fairlead::http
