// A server with one module whose functions a test calls on a request that is then forwarded.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include "test/support/message_builder.h"
#include "test/support/module_host.h"

namespace fairlead::test {

class OneRequest : public ModuleHost {
public:
    using Body = std::function<void(Message&)>;

    explicit OneRequest(std::initializer_list<std::string_view> modules) {
        for (const std::string_view name : modules) load(name);
        on_request([this](Message& m) {
            body_(m);
            if (m.target.dst_uri.empty()) m.target.dst_uri = "sip:192.0.2.99";
            engine().forward(m);
        });
    }

    /// Runs `body` on the request; what is forwarded afterwards, to 192.0.2.99 unless it says else.
    std::string run(const Request& request, Body body) {
        body_ = std::move(body);
        receive(request.str());
        return pending() != 0 ? take().bytes : std::string();
    }
    /// The return code of one function.
    int code(const Request& request, std::string_view function, std::vector<Value> args = {}) {
        int result = 0;
        last = run(request, [&](Message& m) { result = call(m, function, args); });
        return result;
    }

    std::string last;  ///< what was forwarded after code()

private:
    Body body_;
};

}  // namespace fairlead::test
