// JSON-RPC in HTTP requests that came to the script: jsonrpc_dispatch().
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "core/api/core.h"
#include "core/api/shm.h"
#include "modules/jsonrpcs/over_http.h"

namespace fairlead::jsonrpcs {

/// A worker got the request; the control process runs what it asks and answers on its connection,
/// as an administrator's: the script decided who may ask.
class OverScript final : Core::MailHandler {
public:
    /// Before fork. `answers` lives as long; `dropped` counts answers that could not be sent.
    void set(Core& core, OverHttp& answers, shm::Counter dropped);
    /// In the worker. False when `m` is no HTTP request, or was dispatched before; else it is
    /// answered: at once when it is no POST (405), when it has more than kMaxMail bytes (413), or
    /// when the control process has too much to do (503).
    [[nodiscard]] bool dispatch(Message& m);

private:
    void mail(std::string_view bytes) noexcept override;

    Core* core_ = nullptr;
    OverHttp* answers_ = nullptr;
    shm::Counter dropped_;
    MailId mail_{};
};

}  // namespace fairlead::jsonrpcs
