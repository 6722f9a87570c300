// cfg_rpc: reading and changing values of the configuration while the server runs.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <string>
#include <vector>

#include "core/api/text.h"
#include "core/module.h"

namespace fairlead::cfg_rpc {
namespace {

constexpr int kBadRequest = 400;

class CfgRpc final : public Module {
public:
    Result<void> prepare(Core& core) override {
        core_ = &core;
        return {};
    }

    Result<void> list(Call& call) {
        for (const auto& entry : core_->tunables().all())
            if (!call.has(0) || call.text(0) == entry.group)
                call.answer().text(fmt::format("{}: {}", entry.group, entry.name));
        return {};
    }

    Result<void> get(Call& call) {
        if (call.has(1)) {
            call.answer().value(value_of(*TRY(find(call, "Failed to get the variable"))));
            return {};
        }
        // A whole group.
        call.answer().begin_struct();
        for (const auto& entry : core_->tunables().all()) {
            if (entry.group != call.text(0)) continue;
            call.answer().name(entry.name);
            call.answer().value(value_of(entry));
        }
        call.answer().end_struct();
        return {};
    }

    Result<void> help(Call& call) {
        const auto& entry = *TRY(find(call, "Failed to get the variable description"));
        call.answer().text(fmt::format("{} (parameter type is {})", entry.row->doc,
                                       entry.row->is_text ? "string" : "integer"));
        return {};
    }

    /// What differs from the configuration.
    Result<void> diff(Call& call) {
        for (const Change& change : delayed_) {
            call.answer().begin_struct();
            call.answer().text("group name", change.entry->group);
            call.answer().text("variable name", change.entry->name);
            call.answer().name("old value");
            call.answer().value(value_of(*change.entry));
            call.answer().name("new value");
            call.answer().value(change.value());
            call.answer().end_struct();
        }
        return {};
    }

    Result<void> set(Call& call) { return put(*TRY(find(call, kRefused)), call.args()[2]); }
    Result<void> reset(Call& call) {
        const auto& entry = *TRY(find(call, "Failed to reset the variable"));
        return put(entry, core_->tunables().original(entry));
    }

    Result<void> set_later(Call& call) {
        const auto& entry = *TRY(find(call, kRefused));
        const Value value = TRY(fitting(entry, call.args()[2]));
        drop_later(entry);
        delayed_.push_back(
            {&entry, value.is_string(), value.integer(), std::string(value.string())});
        return {};
    }
    Result<void> delete_later(Call& call) {
        drop_later(*TRY(find(call, "Failed to delete the value")));
        return {};
    }
    Result<void> commit(Call&) {
        const auto changes = std::exchange(delayed_, {});
        for (const Change& change : changes) TRY(put(*change.entry, change.value()));
        return {};
    }
    Result<void> roll_back(Call&) {
        delayed_.clear();
        return {};
    }

private:
    using Entry = Tunables::Entry;
    static constexpr std::string_view kRefused = "Failed to set the variable";
    struct Change {
        const Entry* entry;
        bool is_text;
        std::int64_t number;
        std::string text;
        [[nodiscard]] Value value() const {
            return is_text ? Value(std::string_view(text)) : Value(number);
        }
    };

    [[nodiscard]] static Value value_of(const Entry& entry) {
        return entry.row->get(*entry.object);
    }
    Result<const Entry*> find(Call& call, std::string_view complaint) {
        const auto* const entry = core_->tunables().find(call.text(0), call.text(1));
        if (entry == nullptr) return fail(std::string(complaint), {}, kBadRequest);
        return entry;
    }
    /// A text that is a number, for an integer.
    static Result<Value> fitting(const Entry& entry, const Value& value) {
        if (entry.row->is_text == value.is_string()) return value;
        const auto number = text::parse_int(value.string());
        if (entry.row->is_text || !number) return fail(std::string(kRefused), {}, kBadRequest);
        return Value(*number);
    }
    Result<void> put(const Entry& entry, const Value& value) {
        const auto done = core_->tunables().set(entry, TRY(fitting(entry, value)));
        if (!done) return fail(std::string(kRefused), {}, kBadRequest);
        return {};
    }
    void drop_later(const Entry& entry) {
        std::erase_if(delayed_, [&](const Change& c) { return c.entry == &entry; });
    }

    Core* core_ = nullptr;
    std::vector<Change> delayed_;  ///< in the control process
};

constexpr CommandArg kGroup[] = {
    {"group", "Its name; all without it.", CommandArg::Type::text, true}};
constexpr CommandArg kVariable[] = {{.name = "group", .doc = "Its group."},
                                    {.name = "name", .doc = "Its name."}};
constexpr CommandArg kGet[] = {
    {.name = "group", .doc = "Its group."},
    {"name", "Its name; all of the group without it.", CommandArg::Type::text, true}};
constexpr CommandArg kAny[] = {{.name = "group", .doc = "Its group."},
                               {.name = "name", .doc = "Its name."},
                               {"value", "The new one.", CommandArg::Type::any}};
constexpr CommandArg kInteger[] = {{.name = "group", .doc = "Its group."},
                                   {.name = "name", .doc = "Its name."},
                                   {"value", "The new one.", CommandArg::Type::integer}};
constexpr CommandArg kText[] = {{.name = "group", .doc = "Its group."},
                                {.name = "name", .doc = "Its name."},
                                {"value", "The new one.", CommandArg::Type::text}};

using C = CfgRpc;
constexpr Right kRead = Right::read, kChange = Right::change;
constexpr Command commands[] = {
    command<&C::commit>("cfg.commit", "Brings what was set with delay into force.", kChange),
    command<&C::delete_later>("cfg.del_delayed", "Forgets what was set with delay.", kChange,
                              kVariable),
    command<&C::diff>("cfg.diff", "What was set with delay.", kRead, {}, true),
    command<&C::get>("cfg.get", "A value, or those of a group.", kRead, kGet),
    command<&C::help>("cfg.help", "What a value does.", kRead, kVariable),
    command<&C::list>("cfg.list", "Values that can be changed.", kRead, kGroup, true),
    command<&C::reset>("cfg.reset", "Back to what the configuration says.", kChange, kVariable),
    command<&C::roll_back>("cfg.rollback", "Forgets all that was set with delay.", kChange),
    command<&C::set>("cfg.set", "Changes a value in all processes.", kChange, kAny),
    command<&C::set_later>("cfg.set_delayed", "Changes a value with cfg.commit.", kChange, kAny),
    command<&C::set_later>("cfg.set_delayed_int", "Changes an integer with cfg.commit.", kChange,
                           kInteger),
    command<&C::set_later>("cfg.set_delayed_string", "Changes a text with cfg.commit.", kChange,
                           kText),
    command<&C::set>("cfg.set_now_int", "Changes an integer in all processes.", kChange, kInteger),
    command<&C::set>("cfg.set_now_string", "Changes a text in all processes.", kChange, kText),
    command<&C::set>("cfg.seti", "Changes an integer in all processes.", kChange, kInteger),
    command<&C::set>("cfg.sets", "Changes a text in all processes.", kChange, kText)};
constexpr Descriptor descriptor{.name = "cfg_rpc",
                                .summary =
                                    "Reads and changes values of the configuration while "
                                    "the server runs.",
                                .create = make_module<CfgRpc>,
                                .commands = commands};

}  // namespace
}  // namespace fairlead::cfg_rpc

FAIRLEAD_MODULE(fairlead::cfg_rpc::descriptor)
