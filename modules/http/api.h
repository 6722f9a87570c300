// Answering HTTP requests: the interface of the module `http` for all others.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string_view>

#include "core/api/command.h"
#include "core/api/http.h"
#include "core/module.h"

namespace fairlead::http {

/// Who sent a request, as far as the server can tell.
struct Caller {
    Role role = Role::reader;
    std::string_view user;  ///< "" for one who did not say; lives during the call
};

/// Answers what is asked below one path. A member of the module.
class Site {
public:
    /// In the control process. Answer at once, or keep the request and answer later.
    virtual void asked(std::shared_ptr<Request> request, const Caller& caller) = 0;

protected:
    ~Site() = default;
};

/// Offered by the module `http`: `needs<&M::http>()`.
struct Api {
    static constexpr ApiId api_id{"http", 1};
    /// Before fork, in prepare(): requests for `prefix` itself ("/RPC") and for all below it
    /// ("/RPC/x") go to `site`; the longest prefix wins. An error when it does not begin with
    /// '/', ends with one (unless it is "/"), or is taken.
    virtual Result<void> serve(std::string_view prefix, Site& site) = 0;

protected:
    ~Api() = default;
};

}  // namespace fairlead::http
