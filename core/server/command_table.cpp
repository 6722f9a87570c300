// The commands of all modules: finding one, checking what it was given, running it.
// SPDX-License-Identifier: Apache-2.0
#include "core/server/command_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "core/base/log.h"
#include "core/base/text.h"

namespace fairlead::server {
namespace {

constexpr int kBadRequest = 400, kForbidden = 403, kServerError = 500;

/// What an operator typed, for the log: no line breaks, no terminal's control characters.
std::string printable(std::string_view text) {
    constexpr std::size_t kLongest = 200;
    std::string out;
    for (const char c : text.substr(0, kLongest))
        out += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? '?' : c;
    if (text.size() > kLongest) out += "…";
    return out;
}

std::string arguments_text(const Call& call) {
    std::string out;
    for (const Value& arg : call.args()) {
        out += ' ';
        out += arg.is_integer() ? std::to_string(arg.integer()) : printable(arg.string());
    }
    return out;
}

/// The interface and, if it knows, who is behind it.
std::string who(const Call& call) {
    std::string out(call.interface());
    if (!call.caller().empty()) out += " (" + printable(call.caller()) + ")";
    return out;
}

}  // namespace

void CommandTable::fill(const module::Registry& registry) {
    entries_.clear();
    for (const auto& loaded : registry.modules())
        for (const Command& row : loaded->descriptor->commands)
            entries_.push_back({&row, loaded->name, loaded->object.get()});
    std::ranges::sort(entries_, {}, [](const Entry& e) { return e.row->name; });
}

const Commands::Entry* CommandTable::find(std::string_view name) const noexcept {
    const auto found =
        std::ranges::lower_bound(entries_, name, {}, [](const Entry& e) { return e.row->name; });
    if (found != entries_.end() && found->row->name == name) return &*found;
    for (const Entry& entry : entries_) {
        const bool classic = !entry.row->classic.empty();
        if ((classic && text::ci_equal(entry.row->classic, name)) ||
            text::ci_equal(entry.row->name, name))
            return &entry;
    }
    return nullptr;
}

Result<void> CommandTable::check_arguments(const Command& row, Call& call) {
    auto& given = args(call);
    const bool any_number = !row.args.empty() && row.args.back().repeated;
    if (given.size() > row.args.size() && !any_number)
        return fail(fmt::format("{} takes {} argument(s)", row.name, row.args.size()), {},
                    kBadRequest);
    for (std::size_t i = 0; i < row.args.size(); ++i)
        if (i >= given.size() && !row.args[i].optional && !row.args[i].repeated)
            return fail(fmt::format("{} is missing", row.args[i].name), {}, kBadRequest);
    texts(call).reserve(given.size());  // views into it are kept
    for (std::size_t i = 0; i < given.size(); ++i) {
        const CommandArg& arg = row.args[std::min(i, row.args.size() - 1)];
        Value& value = given[i];
        if (arg.type == CommandArg::Type::integer && value.is_string()) {
            const auto number = text::parse_int(value.string());
            if (!number) return fail(fmt::format("{} must be a number", arg.name), {}, kBadRequest);
            value = Value(*number);
        } else if (arg.type == CommandArg::Type::text && value.is_integer()) {
            value =
                Value(std::string_view(texts(call).emplace_back(std::to_string(value.integer()))));
        }
    }
    return {};
}

Result<void> CommandTable::run(const Entry& entry, Call& call) {
    const Command& row = *entry.row;
    if (row.right == Right::change && call.role() != Role::administrator) {
        LOG(notice, "{}: {} is refused to a reader", who(call), row.name);
        return fail("Permission denied", {}, kForbidden);
    }
    TRY(check_arguments(row, call));
    if (row.right == Right::change)
        LOG(notice, "{}: {}{}", who(call), row.name, arguments_text(call));
    try {
        auto done = row.run(*entry.object, call);
        if (!done && done.error().code == 0) done.error().code = kServerError;
        return done;
    } catch (const std::exception& e) {
        LOG(error, "command {} threw: {}", row.name, e.what());
        return fail("Internal error", {}, kServerError);
    }
}

}  // namespace fairlead::server
