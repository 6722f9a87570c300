// The statistics group `core`. SPDX-License-Identifier: Apache-2.0
#include "core/server/message_counters.h"

#include <fmt/format.h>

#include <string>

namespace fairlead::server {

namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    }
    return out;
}

}  // namespace

void MessageCounters::add_to(shm::Counters& counters) {
    const auto add = [&](std::string_view name, std::string_view help) {
        return counters.add("core", name, help);
    };
    rcv_requests = add("rcv_requests", "Requests received and understood.");
    rcv_replies = add("rcv_replies", "Replies received and understood.");
    fwd_requests = add("fwd_requests", "Requests forwarded without state.");
    fwd_replies = add("fwd_replies", "Replies forwarded without state.");
    drop_requests = add("drop_requests", "Requests that a module dealt with before the script.");
    drop_replies = add("drop_replies", "Replies that the script dropped or that go nowhere.");
    err_requests = add("err_requests", "Requests refused because they are not valid SIP.");
    err_replies = add("err_replies", "Replies dropped because they are not valid SIP.");
    bad_uris = add("bad_URIs_rcvd", "Requests whose Request-URI cannot be used.");
    unsupported_methods = add("unsupported_methods", "Requests with a method without a name here.");
    bad_headers = add("bad_msg_hdr", "Messages refused for one of their headers.");
    ignored = add("ignored_datagrams", "Keep-alives and datagrams too short for a message.");
    exceptions =
        add("module_exceptions", "Exceptions out of modules, caught; each cost one message.");

    for (std::size_t i = 1; i < kMethods; ++i) {
        const std::string_view method = sip::name(static_cast<sip::Method>(i));
        by_method[i] = add("rcv_requests_" + lower(method), fmt::format("{} received.", method));
    }
    for (std::size_t i = 1; i < by_class.size(); ++i) {
        by_class[i] = add(fmt::format("rcv_replies_{}xx", i), fmt::format("{}xx received.", i));
    }
    for (OneStatus& one : by_status) {
        const std::string code = one.status == 180 ? "18x" : std::to_string(one.status);
        one.counter = add("rcv_replies_" + code, code + " received.");
    }
}

void MessageCounters::request(sip::Method method) const noexcept {
    rcv_requests.add();
    by_method[static_cast<std::size_t>(method)].add();
    if (method == sip::Method::other) unsupported_methods.add();
}

void MessageCounters::reply(int status) const noexcept {
    rcv_replies.add();
    const auto digit = static_cast<std::size_t>(status) / 100;
    if (digit < by_class.size()) by_class[digit].add();
    for (const OneStatus& one : by_status) {
        const bool is_18x = one.status == 180 && status / 10 == 18;
        if (one.status == status || is_18x) {
            one.counter.add();
            return;
        }
    }
}

}  // namespace fairlead::server
