// JSON-RPC over HTTP: one request or a batch in the body of a POST.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>

#include "core/api/core.h"
#include "core/api/shm.h"
#include "modules/http/api.h"

namespace fairlead::jsonrpcs {

class OverHttp final : public http::Site {
public:
    struct Setting {
        Core* core = nullptr;
        bool pretty = true;
        shm::Counter requests, errors;
    };
    void set(const Setting& setting) { setting_ = setting; }
    void asked(std::shared_ptr<http::Request> request, const http::Caller& caller) override;

private:
    void single(const std::shared_ptr<http::Request>& request, Role role, const std::string& who);
    void batch(const std::shared_ptr<http::Request>& request, Role role, const std::string& who);

    Setting setting_;
};

}  // namespace fairlead::jsonrpcs
