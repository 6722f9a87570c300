// Scripts that go on later and elsewhere. SPDX-License-Identifier: Apache-2.0
#include "modules/async/async.h"

#include <algorithm>
#include <cstring>

#include "core/api/log.h"
#include "core/api/text.h"

namespace fairlead::async {
namespace {

constexpr std::size_t kSleepers = 0;  ///< the group that resumes sleeps
constexpr std::size_t kDefault = 1;   ///< the first group of the core
constexpr std::size_t kMostWorkers = 100;

/// What a worker is posted; the data of a task follows.
struct Record {
    tm::SuspendToken token;  ///< a ticket of 0: a task with data
    RouteId route = RouteId::none;
    std::uint16_t group = 0;
};

constexpr std::uint64_t pack(RouteId route, std::size_t group) noexcept {
    return static_cast<std::uint64_t>(group) << 16U | static_cast<std::uint16_t>(route);
}

/// The request that a task with data sees.
constexpr std::string_view kMadeUp =
    "OPTIONS sip:you@kamailio.org SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKmadeup\r\n"
    "From: <sip:you@kamailio.org>;tag=madeup\r\n"
    "To: <sip:you@kamailio.org>\r\n"
    "Call-ID: made-up@127.0.0.1\r\n"
    "CSeq: 1 OPTIONS\r\n"
    "Content-Length: 0\r\n\r\n";

}  // namespace

Result<Group> parse_group(std::string_view text) {
    Group group;
    while (!text.empty()) {
        const std::size_t end = text.find(';');
        const std::string_view part = text::trim(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        const std::size_t equals = part.find('=');
        const std::string_view name = text::trim(part.substr(0, equals));
        const std::string_view value =
            equals == std::string_view::npos ? "" : text::trim(part.substr(equals + 1));
        const auto number = text::parse_uint(value, INT32_MAX);
        if (name == "name") {
            group.name = value;
        } else if (name == "workers" && number && *number > 0 && *number <= kMostWorkers) {
            group.count = *number;
        } else if (!part.empty() && ((name != "nonblock" && name != "usleep") || !number)) {
            return fail("async_workers_group: \"" + std::string(part) + "\" is not understood");
        }
    }
    if (group.name.empty() || group.count == 0)
        return fail("async_workers_group needs name=…;workers=…");
    return group;
}

Result<void> Async::prepare(Core& core) {
    core_ = &core;
    waker_ = tm->on_wake(*this);
    mail_ = core.on_mail(*this);
    groups_.push_back({"", 0, static_cast<std::size_t>(workers)});
    // Without async_workers, the first group is the default one.
    if (const std::size_t count = core.globals().async_workers; count != 0)
        groups_.push_back({"default", 0, count});
    for (const std::string& text : core.globals().async_groups) {
        Group group = TRY(parse_group(text));
        if (find_group(group.name)) return fail("async_workers_group: " + group.name + " twice");
        groups_.push_back(std::move(group));
    }
    for (Group& g : groups_)
        g.first = core.add_process(g.name.empty() ? "async" : "async " + g.name, g.count);
    return {};
}

std::optional<std::size_t> Async::find_group(std::string_view name) const noexcept {
    for (std::size_t i = kDefault; i < groups_.size(); ++i)
        if (groups_[i].name == name) return i;
    return std::nullopt;
}

Verdict Async::suspend(Message& m, RouteId route, std::int64_t milliseconds, std::size_t group) {
    if (tm->suspended() >= queue_size) {
        refused.add();
        LOG(error, "{} scripts are suspended: no more (queue_size)", queue_size);
        return Verdict::no;
    }
    const auto token = tm->suspend(m, {.wake = Ms(milliseconds),
                                       .waker = waker_,
                                       .param = pack(route, group),
                                       .keep_way = route == RouteId::none});
    if (token) return Verdict(return_code);
    if (token.error() == ScriptError::none) return Verdict::stop;  // the request came again
    refused.add();
    m.error = token.error();
    LOG(error, "the script was not suspended: {}",
        token.error() == ScriptError::script
            ? (route == RouteId::none ? std::string_view("the function's value is used, or its "
                                                         "route is none that can wait")
                                      : "a route of this kind cannot wait, or it does already")
            : error_reply(token.error()).reason);
    return Verdict::no;
}

Verdict Async::async_route(Message& m, RequestRoute route, int seconds) {
    if (route.id == RouteId::none || seconds <= 0 || seconds > kMostMilliseconds / 1000) {
        LOG(error, "async_route takes a route and 1 to {} seconds", kMostMilliseconds / 1000);
        return Verdict::no;
    }
    sleeps.add();
    return suspend(m, route.id, std::int64_t{seconds} * 1000, kSleepers);
}

Verdict Async::async_ms_route(Message& m, RequestRoute route, int milliseconds) {
    if (route.id == RouteId::none || milliseconds <= 0 || milliseconds > kMostMilliseconds) {
        LOG(error, "async_ms_route takes a route and 1 to {} milliseconds", kMostMilliseconds);
        return Verdict::no;
    }
    sleeps.add();
    return suspend(m, route.id, milliseconds, kSleepers);
}

Verdict Async::async_sleep(Message& m, int seconds) {
    if (seconds <= 0 || seconds > kMostMilliseconds / 1000) {
        LOG(error, "async_sleep takes 1 to {} seconds", kMostMilliseconds / 1000);
        return Verdict::no;
    }
    sleeps.add();
    return suspend(m, RouteId::none, std::int64_t{seconds} * 1000, kSleepers);
}

Verdict Async::async_ms_sleep(Message& m, int milliseconds) {
    if (milliseconds <= 0 || milliseconds > kMostMilliseconds) {
        LOG(error, "async_ms_sleep takes 1 to {} milliseconds", kMostMilliseconds);
        return Verdict::no;
    }
    sleeps.add();
    return suspend(m, RouteId::none, milliseconds, kSleepers);
}

Verdict Async::async_task_route(Message& m, RequestRoute route,
                                std::optional<std::string_view> group) {
    const auto found =
        group ? find_group(*group)
              : std::optional<std::size_t>(groups_.size() > kDefault ? kDefault : kSleepers);
    if (!found || *found == kSleepers || route.id == RouteId::none) {
        LOG(error, "there are no asynchronous workers {}: set async_workers", group.value_or(""));
        refused.add();
        return Verdict::no;
    }
    tasks.add();
    return suspend(m, route.id, 0, *found);
}

Verdict Async::hand_over(RouteId route, std::size_t group, std::string_view data) {
    Record head;
    head.route = route;
    head.group = static_cast<std::uint16_t>(group);
    std::string record(sizeof head, '\0');
    std::memcpy(record.data(), &head, sizeof head);
    record.append(data);
    tasks.add();
    if (post(group, record)) return Verdict::yes;
    refused.add();
    LOG(error, "a task of {} bytes was refused: too long, or its workers are behind", data.size());
    return Verdict::no;
}

Verdict Async::async_task_data(Message& m, RequestRoute route, std::string_view data) {
    (void)m;
    if (groups_.size() <= kDefault || route.id == RouteId::none) {
        LOG(error, "there are no asynchronous workers: set async_workers");
        refused.add();
        return Verdict::no;
    }
    return hand_over(route.id, kDefault, data);
}

Verdict Async::async_task_group_data(Message& m, RequestRoute route, std::string_view group,
                                     std::string_view data) {
    (void)m;
    const auto found = find_group(group);
    if (!found || route.id == RouteId::none) {
        LOG(error, "there is no group {} of asynchronous workers", group);
        refused.add();
        return Verdict::no;
    }
    return hand_over(route.id, *found, data);
}

bool Async::post(std::size_t group, std::string_view record) noexcept {
    const Group& g = groups_.at(group);
    // The next one when this one's mailbox is full.
    for (std::size_t i = 0; i < g.count; ++i) {
        const auto slot = static_cast<std::uint16_t>(g.first + next_++ % g.count);
        if (core_->post(slot, mail_, record)) return true;
    }
    return false;
}

bool Async::wake(const tm::SuspendToken& token, std::uint64_t param) {
    Record record;
    record.token = token;
    record.route = static_cast<RouteId>(param & 0xffffU);
    record.group = static_cast<std::uint16_t>(param >> 16U);
    char bytes[sizeof record];
    std::memcpy(bytes, &record, sizeof record);
    return post(record.group, {bytes, sizeof bytes});
}

void Async::mail(std::string_view bytes) noexcept {
    Record record;
    if (bytes.size() < sizeof record) return;
    std::memcpy(&record, bytes.data(), sizeof record);
    if (record.group >= groups_.size()) return;
    group_ = &groups_[record.group];
    if (record.token.ticket == 0) {
        run_data(record.route, bytes.substr(sizeof record));
    } else if (tm->resume(record.token, record.route) == tm::Resumed::resumed) {
        resumed.add();
    }
    group_ = nullptr;
}

void Async::run_data(RouteId route, std::string_view data) noexcept {
    Message& m = core_->borrow_message();
    if (!m.sip.parse(kMadeUp)) {
        data_ = data;
        m.route_type = Route::request;
        (void)core_->script().run(route, m);
        data_.reset();
    }
    core_->give_back(m);
}

Value Async::task_data() const noexcept {
    return data_ ? Value(*data_) : Value();
}

Value Async::task_group() const noexcept {
    return group_ != nullptr && !group_->name.empty() ? Value(std::string_view(group_->name))
                                                      : Value();
}

}  // namespace fairlead::async
