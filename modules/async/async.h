// Scripts that go on later and elsewhere: the module's class. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/module.h"
#include "modules/tm/api.h"

namespace fairlead::async {

/// Processes that share work.
struct Group {
    std::string name;
    std::uint16_t first = 0;  ///< slot
    std::size_t count = 0;
};
/// "name=abc;workers=4;nonblock=0;usleep=0".
[[nodiscard]] Result<Group> parse_group(std::string_view text);

using RequestRoute = RouteArg<Route::request>;

class Async final : public Module, private tm::Waker, private Core::MailHandler {
public:
    static constexpr std::int64_t kMostMilliseconds = std::int64_t{7} * 24 * 3600 * 1000;

    tm::SuspendApi* tm = nullptr;
    int workers = 1;
    int ms_timer = 0;
    int return_code = 0;
    int queue_size = 1'000'000;
    shm::Counter sleeps, tasks, resumed, refused;

    Result<void> prepare(Core& core) override;

    Verdict async_route(Message& m, RequestRoute route, int seconds);
    Verdict async_ms_route(Message& m, RequestRoute route, int milliseconds);
    Verdict async_sleep(Message& m, int seconds);
    Verdict async_ms_sleep(Message& m, int milliseconds);
    Verdict async_task_route(Message& m, RequestRoute route, std::optional<std::string_view> group);
    Verdict async_task_data(Message& m, RequestRoute route, std::string_view data);
    Verdict async_task_group_data(Message& m, RequestRoute route, std::string_view group,
                                  std::string_view data);

    /// $async(data), $async(gname): of the task that runs; null outside of one.
    [[nodiscard]] Value task_data() const noexcept;
    [[nodiscard]] Value task_group() const noexcept;

private:
    bool wake(const tm::SuspendToken& token, std::uint64_t param) override;
    void mail(std::string_view bytes) noexcept override;

    Verdict suspend(Message& m, RouteId route, std::int64_t milliseconds, std::size_t group);
    Verdict hand_over(RouteId route, std::size_t group, std::string_view data);
    [[nodiscard]] std::optional<std::size_t> find_group(std::string_view name) const noexcept;
    bool post(std::size_t group, std::string_view record) noexcept;
    void run_data(RouteId route, std::string_view data) noexcept;

    Core* core_ = nullptr;
    tm::WakerId waker_ = tm::WakerId::none;
    MailId mail_{};
    std::vector<Group> groups_;  ///< the first is that of sleeps, those of the core follow
    std::size_t next_ = 0;       ///< whose turn it is
    const Group* group_ = nullptr;
    std::optional<std::string_view> data_;
};

}  // namespace fairlead::async
