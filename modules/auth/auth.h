// Digest authentication of requests with passwords from variables.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/module.h"
#include "modules/auth/api.h"
#include "modules/auth/digest.h"
#include "modules/auth/nonce.h"
#include "modules/sl/api.h"

namespace fairlead::auth {

class Auth final : public Module, public Api {
public:
    // Parameters.
    int auth_checks_register = 0, auth_checks_no_dlg = 0, auth_checks_in_dlg = 0;
    std::string qop, secret, realm_prefix, algorithm;
    bool nonce_count = false, one_time_nonce = false;
    int nid_pool_no = 1;
    int nc_array_size = 1 << 20, nc_array_order = 20;
    int otn_in_flight_no = 1 << 20, otn_in_flight_order = 20;
    int nonce_expire = 300, nonce_auth_max_drift = 3;
    bool force_stateless_reply = false, use_domain = false;
    bool add_authinfo_hdr = false;
    sl::Api* sl = nullptr;
    shm::Counter challenges, accepted, rejected, stale;

    Result<void> prepare(Core& core) override;

    Verdict www_challenge(Message& m, std::string_view realm, Value flags);
    Verdict proxy_challenge(Message& m, std::string_view realm, Value flags);
    Verdict auth_challenge(Message& m, std::string_view realm, Value flags);
    Verdict pv_www_authenticate(Message& m, std::string_view realm, std::string_view password,
                                Value flags, std::optional<std::string_view> method);
    Verdict pv_proxy_authenticate(Message& m, std::string_view realm, std::string_view password,
                                  Value flags);
    Verdict pv_auth_check(Message& m, std::string_view realm, std::string_view password,
                          Value flags, Value checks);
    Verdict auth_get_www_authenticate(Message& m, std::string_view realm, Value flags,
                                      const VariableRef& target);
    Verdict consume_credentials(Message& m);
    Verdict has_credentials(Message& m, std::string_view realm);

    // Api.
    std::optional<Account> account(const Message& m, sip::HeaderType type, std::string_view realm,
                                   bool& malformed) const override;
    Verdict authenticate(Message& m, sip::HeaderType type, std::string_view realm,
                         std::string_view password, bool is_ha1, std::string_view method) override;
    std::optional<Account> authorized(const Message& m) const noexcept override;

private:
    /// Return codes of the check.
    enum Code : std::int8_t {
        kOk = 1,
        kError = -1,
        kWrongPassword = -2,
        kStale = -4,
        kNone = -5,
        kReused = -6,
        kOtherUser = -8
    };
    struct Found {
        const sip::Header* header;
        Credentials credentials;
    };
    [[nodiscard]] std::string_view bare(std::string_view realm) const noexcept;
    /// Of this realm. `malformed` is set when a header cannot be read and none fits.
    [[nodiscard]] std::optional<Found> find(const Message& m, sip::HeaderType type,
                                            std::string_view realm, bool& malformed) const;
    [[nodiscard]] Code check(Message& m, sip::HeaderType type, std::string_view realm,
                             std::string_view password, bool is_ha1, std::string_view method);
    [[nodiscard]] Code check_age(const Nonce& nonce) const;
    [[nodiscard]] Code check_use(const Nonce& nonce, const Credentials& given);
    Verdict authenticate(Message& m, sip::HeaderType type, std::string_view realm,
                         std::string_view password, const Value& flags, std::string_view method);
    [[nodiscard]] bool is_user(const Message& m, std::string_view realm) const;
    [[nodiscard]] std::string bound_to(const Message& m) const;
    [[nodiscard]] std::string new_nonce(const Message& m);
    /// The header's line; "" when the realm cannot be one.
    [[nodiscard]] std::string challenge(const Message& m, std::string_view header,
                                        std::string_view realm, std::int64_t flags);
    /// Adds Authentication-Info (RFC 7615) to the reply that this server makes.
    void prove(Message& m, const Credentials& given, std::string_view ha1);
    Verdict send(Message& m, bool www, std::string_view realm, const Value& flags);

    Core* core_ = nullptr;
    std::size_t slot_ = 0;  ///< the header that was accepted
    Hash hash_ = Hash::md5;
    Tracked tracked_;
};

}  // namespace fairlead::auth
