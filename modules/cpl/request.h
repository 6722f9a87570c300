// What CPL reads from a request: the call's facts, the owner of a script, and what a REGISTER wants
// with scripts. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/api/message.h"
#include "modules/cpl/call.h"

namespace fairlead::cpl {

class MessageCall final : public Call {
public:
    /// `request_uri` is what the run began with.
    MessageCall(Message& message, std::string_view request_uri, Instant time)
        : message_(message), request_uri_(request_uri), time_(time) {}
    [[nodiscard]] std::optional<std::string_view> fact(Fact which) const override;
    [[nodiscard]] Instant time() const override { return time_; }

private:
    Message& message_;
    std::string_view request_uri_;
    Instant time_;
};

/// How owners are named.
struct OwnerPolicy {
    bool use_domain = false;
    bool case_sensitive = false;
    std::string realm_prefix;
};
/// The user of the URI, unescaped, with its domain where that is wanted; nullopt without a user.
[[nodiscard]] std::optional<std::string> owner_of(std::string_view uri, const OwnerPolicy& policy);
/// Request-URI, received Request-URI or To, whichever first has a user.
[[nodiscard]] std::optional<std::string> callee_of(const Message& m, const OwnerPolicy& policy);
[[nodiscard]] std::optional<std::string> caller_of(const Message& m, const OwnerPolicy& policy);

/// What a REGISTER asks for.
struct ScriptRequest {
    enum class What : std::uint8_t { nothing, store, remove, download, bad };
    What what = What::nothing;
    std::string_view type;  ///< of a download: the media type to answer with
    std::string_view why;   ///< when bad: a sentence for whoever sent it
};
/// `accept_any`: an Accept of */* asks for a download too.
[[nodiscard]] ScriptRequest read_script_request(const Message& m, bool accept_any);

}  // namespace fairlead::cpl
