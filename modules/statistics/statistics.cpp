// statistics: variables that the script counts in.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/api/log.h"
#include "core/module.h"

namespace fairlead::statistics {

namespace {

constexpr std::string_view kGroup = "script";
constexpr std::string_view kNoReset = "no_reset";

}  // namespace

class Statistics final : public Module {
public:
    Result<void> variable(const Value& value) {
        const std::string_view text = value.string();
        const std::size_t slash = text.find('/');
        const std::string_view name = text.substr(0, slash);
        const std::string_view flag = slash == std::string_view::npos ? "" : text.substr(slash + 1);
        if (name.empty() || (slash != std::string_view::npos && flag != kNoReset)) {
            return fail(fmt::format("\"{}\" is not of the form name or name/no_reset", text));
        }
        declared_.push_back({std::string(name), flag == kNoReset});
        return {};
    }

    Result<void> prepare(Core& core) override {
        table_ = &core.counters();
        for (const Declared& d : declared_) {
            (void)table_->add(kGroup, d.name, "script statistic");
        }
        return {};
    }

    Verdict update(Message&, std::string_view name, int value) {
        const auto counter = find(name);
        if (!counter) return Verdict::no;
        counter->add(value);
        return Verdict::yes;
    }
    Verdict reset(Message&, std::string_view name) {
        const auto counter = find(name);
        if (!counter) return Verdict::no;
        for (const Declared& d : declared_) {
            if (d.name == name && d.no_reset) return Verdict::no;
        }
        table_->reset(*counter);
        return Verdict::yes;
    }

private:
    struct Declared {
        std::string name;
        bool no_reset;
    };
    /// Any statistic, by its name alone; those of the script come first. All are registered before
    /// fork, so the table is indexed when a process first asks.
    [[nodiscard]] std::optional<shm::Counter> find(std::string_view name) {
        if (by_name_.empty()) index();
        const auto found = by_name_.find(name);
        if (found != by_name_.end()) return found->second;
        LOG(error, "there is no statistic \"{}\"", name);
        return std::nullopt;
    }
    void index() {
        for (const shm::Counters::Row& row : table_->rows()) {
            const shm::Counter counter(row.cell);
            const auto [known, is_new] = by_name_.try_emplace(row.name, counter);
            if (!is_new && row.group == kGroup) known->second = counter;
        }
    }

    shm::Counters* table_ = nullptr;
    std::map<std::string, shm::Counter, std::less<>> by_name_;
    std::vector<Declared> declared_;
};

namespace {

constexpr Param params[] = {
    param_method<&Statistics::variable>("variable", "A new statistic: name or name/no_reset.",
                                        Type::string),
};

constexpr Function functions[] = {
    function<&Statistics::update>("update_stat", "Adds a number, as \"+1\" or \"-1\".", Route::any,
                                  "variable", "value"),
    function<&Statistics::reset>("reset_stat", "Sets a statistic to 0, unless it is no_reset.",
                                 Route::any, "variable"),
};

constexpr Descriptor descriptor{.name = "statistics",
                                .summary = "Statistics that the script counts in.",
                                .create = make_module<Statistics>,
                                .params = params,
                                .functions = functions};

}  // namespace

}  // namespace fairlead::statistics

FAIRLEAD_MODULE(fairlead::statistics::descriptor)
