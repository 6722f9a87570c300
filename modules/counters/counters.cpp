// counters: counters that the script declares.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <string>
#include <vector>

#include "core/api/log.h"
#include "core/api/text.h"
#include "core/module.h"

namespace fairlead::counters {

class Counters final : public Module {
public:
    std::vector<std::string> script_counter;
    std::string script_cnt_grp_name = "script";

    Result<void> prepare(Core& core) override {
        table_ = &core.counters();
        for (const std::string& line : script_counter) {
            // [group.]name[( |:)description]
            const std::string_view all = text::trim(line);
            const std::size_t end = all.find_first_of(" :");
            const std::string_view description =
                end == std::string_view::npos ? "" : text::trim(all.substr(end + 1));
            const Name name = split(all.substr(0, end));
            if (name.name.empty() || name.group.empty()) {
                return fail(fmt::format("\"{}\" declares no counter", line), "script_counter");
            }
            made_.push_back(
                {std::string(name.group), std::string(name.name),
                 table_->add(name.group, name.name,
                             description.empty() ? "custom script counter" : description)});
        }
        return {};
    }

    Verdict inc(Message& m, std::string_view name) { return add(m, name, 1); }
    Verdict add(Message&, std::string_view name, int number) {
        const Made* const found = find(name);
        if (found == nullptr) return Verdict::no;
        found->counter.add(number);
        return Verdict::yes;
    }
    Verdict reset(Message&, std::string_view name) {
        const Made* const found = find(name);
        if (found == nullptr) return Verdict::no;
        table_->reset(found->counter);
        return Verdict::yes;
    }

    /// For the checker: a constant name must be declared.
    [[nodiscard]] bool is_declared(std::string_view text) const {
        const Name name = split(text);
        for (const std::string& line : script_counter) {
            const std::string_view all = text::trim(line);
            const Name declared = split(all.substr(0, all.find_first_of(" :")));
            if (declared.group == name.group && declared.name == name.name) return true;
        }
        return false;
    }

private:
    struct Name {
        std::string_view group, name;
    };
    struct Made {
        std::string group, name;
        shm::Counter counter;
    };
    [[nodiscard]] Name split(std::string_view text) const noexcept {
        const std::size_t dot = text.find('.');
        if (dot == std::string_view::npos) return {script_cnt_grp_name, text};
        return {text.substr(0, dot), text.substr(dot + 1)};
    }
    [[nodiscard]] const Made* find(std::string_view text) const {
        const Name name = split(text);
        for (const Made& made : made_) {
            if (made.group == name.group && made.name == name.name) return &made;
        }
        LOG(error, "no script_counter declares \"{}\"", text);
        return nullptr;
    }

    shm::Counters* table_ = nullptr;
    std::vector<Made> made_;
};

namespace {

Result<void> check_name(const Module& module, std::span<const Value> arguments) {
    if (!arguments[0].is_string()) return {};
    if (static_cast<const Counters&>(module).is_declared(arguments[0].string())) return {};
    return fail(fmt::format("no script_counter declares \"{}\"", arguments[0].string()));
}

constexpr Param params[] = {
    param<&Counters::script_counter>("script_counter",
                                     "A counter for the script: [group.]name[:description]."),
    param<&Counters::script_cnt_grp_name>("script_cnt_grp_name",
                                          "The group of counters declared without one."),
};

constexpr Function functions[] = {
    checked_function<&Counters::inc>(check_name, "cnt_inc", "Adds 1 to a counter.", Route::any,
                                     "name"),
    checked_function<&Counters::add>(check_name, "cnt_add", "Adds a number to a counter.",
                                     Route::any, "name", "number"),
    checked_function<&Counters::reset>(check_name, "cnt_reset", "Sets a counter to 0.", Route::any,
                                       "name"),
};

constexpr Descriptor descriptor{.name = "counters",
                                .summary = "Counters that the script declares.",
                                .create = make_module<Counters>,
                                .params = params,
                                .functions = functions};

}  // namespace

}  // namespace fairlead::counters

FAIRLEAD_MODULE(fairlead::counters::descriptor)
