// What statements make of a request: the module in a configuration of its own.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "test/support/message_builder.h"
#include "test/support/module_host.h"

namespace fairlead::test {

/// What leaves for where the request points after `statements` ran on it.
inline std::string forwarded(const std::string& statements, const Request& request) {
    ModuleHost server;
    server.config("loadmodule \"pv\"\nloadmodule \"textops\"\nrequest_route { " + statements +
                  " forward(); }");
    server.start();
    server.receive(request.str());
    return server.take().bytes;
}

/// Whether a condition holds on a request.
inline bool holds(const std::string& condition, const Request& request = Request("OPTIONS")) {
    const std::string out =
        forwarded("if (" + condition + ") { append_hf(\"X-Yes: 1\\r\\n\"); }", request);
    return header(out, "X-Yes").has_value();
}

/// The return code of a call.
inline std::string code(const std::string& call, const Request& request = Request("OPTIONS")) {
    const std::string out =
        forwarded(call + "; $var(rc) = $rc; append_hf(\"X-Code: $var(rc)\\r\\n\");", request);
    return header(out, "X-Code").value_or("none");
}

}  // namespace fairlead::test
