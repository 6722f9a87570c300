// What a TLS connection shall be like: one section of tls.cfg. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/core.h"

namespace fairlead::tls {

/// Versions that are spoken, as OpenSSL numbers them; 0 is no bound.
struct Versions {
    int least = 0, most = 0;
};
/// "TLSv1.2+", "TLSv1.3", …; an error says what there is.
[[nodiscard]] Result<Versions> parse_method(std::string_view text);

/// Whether clients are asked for a certificate.
enum class Ask : std::uint8_t { off, optional, optional_no_ca, on };
[[nodiscard]] std::optional<Ask> parse_ask(std::string_view text) noexcept;

struct Profile {
    enum class Role : std::uint8_t { server, client } role = Role::server;
    enum class Match : std::uint8_t { fallback, any, address } match = Match::fallback;
    Address address;    ///< with Match::address; port 0: any
    std::string where;  ///< "tls.cfg:12", for the operator

    std::string method = "TLSv1.2+";
    Versions versions;
    bool verify_certificate = false, require_certificate = false;
    std::optional<Ask> verify_client;  ///< instead of the two before it
    std::int64_t verify_depth = 9;
    bool verify_name = false;  ///< of the server that is connected to (RFC 5922)
    std::string certificate, private_key, ca_list, ca_path, crl, cipher_list;
    std::string server_name, server_id;
    std::int64_t server_name_mode = 0;  ///< 1: and its subdomains; 2: only these

    /// "server:default", "client:any", "server:127.0.0.1:5061".
    [[nodiscard]] std::string name() const;
    [[nodiscard]] Ask ask() const noexcept;
    /// Whether the name that a client sent is this profile's.
    [[nodiscard]] bool serves(std::string_view name) const noexcept;
};

/// The sections of `text`; `file` is its name in errors, which say the line and what to do.
[[nodiscard]] Result<std::vector<Profile>> read_profiles(std::string_view text,
                                                         std::string_view file);

/// One setting by its name, as in a section. An error has no place.
[[nodiscard]] Result<void> set(Profile& profile, std::string_view name, std::string_view value);

}  // namespace fairlead::tls
