// JSON-RPC over HTTP: one request or a batch in the body of a POST.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "core/api/core.h"
#include "core/api/shm.h"
#include "modules/http/api.h"

namespace fairlead::jsonrpcs {

inline constexpr std::string_view kJson = "application/json";

/// Where an answer over HTTP goes, as those functions of http::Request that say it: whatever served
/// the request.
class Responder {
public:
    virtual ~Responder() = default;
    virtual void reply(int status, std::string_view type, std::string_view body) = 0;
    virtual void stream(int status, std::string_view type, http::Body body) = 0;
    virtual void go_on() = 0;
};

class OverHttp final : public http::Site {
public:
    struct Setting {
        Core* core = nullptr;
        bool pretty = true;
        shm::Counter requests, errors;
    };
    void set(const Setting& setting) { setting_ = setting; }
    void asked(std::shared_ptr<http::Request> request, const http::Caller& caller) override;

    struct Asker {
        Role role = Role::reader;
        std::string who;  ///< for the log
    };
    /// Runs what `text`, the body of a POST, asks; the answer goes to `to`. In the control process.
    void answer(const std::shared_ptr<Responder>& to, std::string_view text, const Asker& asker);

private:
    void single(const std::shared_ptr<Responder>& to, std::string_view text, const Asker& asker);
    void batch(const std::shared_ptr<Responder>& to, std::string_view text, const Asker& asker);

    Setting setting_;
};

}  // namespace fairlead::jsonrpcs
