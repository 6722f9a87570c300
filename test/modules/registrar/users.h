// A registrar in one process, and the requests that clients send it. SPDX-License-Identifier:
// Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "test/support/message_builder.h"
#include "test/support/module_host.h"

namespace fairlead::test {

constexpr std::string_view kRegistrarModules = R"cfg(
loadmodule "pv"
loadmodule "sl"
loadmodule "usrloc"
loadmodule "registrar"
)cfg";

/// save() for REGISTER; others are answered with where lookup() sends them.
constexpr std::string_view kRegistrarRoutes = R"cfg(
request_route {
    if ($rm == "REGISTER") { save("location"); exit; }
    $var(rc) = 0;
    lookup("location");
    $var(rc) = $rc;
    sl_send_reply("200", "$var(rc) $ru $du $(branch(uri)[*])");
}
)cfg";

/// A REGISTER: "Contact: …" lines and others as they are.
class Register {
public:
    explicit Register(std::string_view user, std::string contact = {})
        : request_("REGISTER", "sip:example.test") {
        request_.set("To", "<sip:" + std::string(user) + "@example.test>");
        request_.set("From", "<sip:" + std::string(user) + "@example.test>;tag=f");
        request_.call_id(std::string(user) + "@phone");
        if (!contact.empty()) request_.header("Contact", std::move(contact));
    }
    Register& cseq(unsigned n) {
        request_.cseq(n);
        return *this;
    }
    Register& call_id(std::string id) {
        request_.call_id(std::move(id));
        return *this;
    }
    Register& header(std::string_view name, std::string value) {
        request_.header(name, std::move(value));
        return *this;
    }
    [[nodiscard]] std::string str() const { return request_.str(); }

private:
    Request request_;
};

class Users : public ModuleHost {
public:
    explicit Users(const std::string& more = {}, std::size_t memory = 8 << 20,
                   std::string_view routes = kRegistrarRoutes)
        : ModuleHost(memory) {
        config(std::string(kRegistrarModules) + more + std::string(routes));
    }
    /// The answer to a REGISTER; its CSeq goes up by itself unless it was set.
    std::string send(Register request) {
        receive(request.cseq(++cseq_).str());
        return take().bytes;
    }
    std::string send_as_is(const Register& request) {
        receive(request.str());
        return take().bytes;
    }
    /// The value of Contact in the answer; "" for none.
    std::string contacts(Register request) {
        return header(send(std::move(request)), "Contact").value_or("");
    }
    std::string status(Register request) { return start_line(send(std::move(request))); }
    /// "code Request-URI next-hop branches" of lookup().
    std::string where(std::string_view user, std::string_view method = "OPTIONS") {
        receive(Request(method, "sip:" + std::string(user) + "@example.test").str());
        return start_line(take().bytes).substr(12);
    }

private:
    unsigned cseq_ = 0;
};

}  // namespace fairlead::test
