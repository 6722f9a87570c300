// What auth offers to modules that know passwords. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string_view>

#include "core/api/sip.h"
#include "core/module.h"

namespace fairlead::auth {

/// Who credentials say that they are of; views into the message.
struct Account {
    std::string_view user, realm;
};

/// All calls on the message that is worked on.
struct Api {
    static constexpr ApiId api_id{"auth", 1};

    /// The credentials for a realm in Authorization or Proxy-Authorization. Nullopt when there are
    /// none; `malformed` is set when a header could not be read.
    [[nodiscard]] virtual std::optional<Account> account(const Message& m, sip::HeaderType type,
                                                         std::string_view realm,
                                                         bool& malformed) const = 0;
    /// pv_www_authenticate() and pv_proxy_authenticate(): 1 and codes below 0, as their
    /// documentation says. `is_ha1`: the password is the hash of user, realm and password.
    virtual Verdict authenticate(Message& m, sip::HeaderType type, std::string_view realm,
                                 std::string_view password, bool is_ha1,
                                 std::string_view method) = 0;
    /// Who was accepted last for this message; nullopt when nobody was.
    [[nodiscard]] virtual std::optional<Account> authorized(const Message& m) const noexcept = 0;

protected:
    ~Api() = default;
};

}  // namespace fairlead::auth
