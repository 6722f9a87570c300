// xhttp: HTTP requests on TCP and TLS listeners, answered by the script.
// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <string>
#include <string_view>

#include "core/api/log.h"
#include "core/api/regex.h"
#include "core/module.h"
#include "modules/xhttp/api.h"

namespace fairlead::xhttp {
namespace {

class Xhttp final : public Module, private HttpHandler {
public:
    std::string url_skip, url_match;
    shm::Counter requests;

    Result<void> set_callback(const Value&) {
        LOG(notice, "event_callback has no effect: event_route[xhttp:request] is run");
        return {};
    }

    Result<void> prepare(Core& core) override {
        core_ = &core;
        skip_ = TRY(compile("url_skip", url_skip));
        match_ = TRY(compile("url_match", url_match));
        core.net().set_http(this);
        return {};
    }

    Result<void> start(const Process&) override {
        route_ = core_->script().find(Route::event, "xhttp:request");
        return {};
    }

    Verdict xhttp_reply(Message& m, int code, std::string_view reason, std::string_view type,
                        std::string_view body) {
        if (!m.sip.is_http()) {
            LOG(error, "xhttp_reply() answers HTTP requests only");
            return Verdict::no;
        }
        if (code < 100 || code > 699) {
            LOG(error, "xhttp_reply(): {} is no status code", code);
            return Verdict::no;
        }
        return Verdict::of(
            answer(*core_, m, {.code = code, .reason = reason, .type = type, .body = body}));
    }

private:
    static Result<std::optional<Regex>> compile(std::string_view name, const std::string& text) {
        if (text.empty()) return std::optional<Regex>();
        Regex regex(text, {});
        if (regex.ok()) return std::optional<Regex>(std::move(regex));
        return fail("parameter " + std::string(name) + ": " + std::string(regex.problem()));
    }

    void http_request(Message& m) override {
        requests.add();
        const std::string_view url = m.sip.request_uri();
        if (route_ == RouteId::none || (skip_ && skip_->matches(url)) ||
            (match_ && !match_->matches(url)))
            return;
        m.route_type = Route::request;
        (void)core_->script().run(route_, m);
    }

    Core* core_ = nullptr;
    std::optional<Regex> skip_, match_;
    RouteId route_ = RouteId::none;
};

Value url(Module&, Message& m, const VariableName&) {
    return m.sip.is_http() ? Value(m.sip.request_uri()) : Value();
}

constexpr Param params[] = {
    param<&Xhttp::url_skip>("url_skip",
                            "Regular expression: requests whose target matches do not come to the "
                            "route; they are answered 404."),
    param<&Xhttp::url_match>("url_match",
                             "Regular expression: nor do requests whose target does not match."),
    param_method<&Xhttp::set_callback>(
        "event_callback", "Without effect: routes are written in this language.", Type::string),
};

constexpr Function functions[] = {
    function<&Xhttp::xhttp_reply>(
        "xhttp_reply",
        "Answers the HTTP request, with the header lines of append_to_reply(). \"\" leaves content "
        "type or body out; 204, 304 and answers to HEAD have no body in any case. False when it is "
        "no HTTP request, or more than 65,535 bytes.",
        Route::any, "code", "reason", "ctype", "body"),
};

constexpr Variable variables[] = {
    {.name = "hu", .doc = "The target of the HTTP request as it came: /path?query.", .get = url},
};

constexpr Statistic statistics[] = {
    statistic<&Xhttp::requests>("requests", "HTTP requests that came."),
};

constexpr std::string_view events[] = {"xhttp:request"};

constexpr Descriptor descriptor{.name = "xhttp",
                                .summary = "HTTP requests for the script.",
                                .create = make_module<Xhttp>,
                                .params = params,
                                .functions = functions,
                                .variables = variables,
                                .statistics = statistics,
                                .event_routes = events};

}  // namespace
}  // namespace fairlead::xhttp

FAIRLEAD_MODULE(fairlead::xhttp::descriptor)
