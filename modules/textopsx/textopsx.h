// More operations on the text of messages: the module's class.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "core/module.h"

namespace fairlead::textopsx {

class Textopsx final : public Module {
public:
    Result<void> prepare(Core& core) override {
        slot_ = core.message_slot();
        return {};
    }

    // The message as a whole (buffer.cpp).
    Verdict msg_apply_changes(Message& m);
    Verdict msg_set_buffer(Message& m, std::string_view data);
    Verdict change_reply_status(Message& m, int code, std::string_view reason);
    Verdict change_reply_status_code(Message& m, int code);
    Verdict remove_body(Message& m);
    Verdict keep_hf(Message& m);
    Verdict keep_hf_re(Message& m, const Regex& pattern);
    Verdict fnmatch(Message&, std::string_view text, std::string_view pattern,
                    std::optional<std::string_view> flags);

    // Values in header fields (values.cpp).
    Verdict append_hf_value(Message& m, std::string_view field, std::string_view value);
    Verdict insert_hf_value(Message& m, std::string_view field, std::string_view value);
    Verdict remove_hf_value(Message& m, std::string_view field);
    Verdict remove_hf_value2(Message& m, std::string_view field);
    Verdict assign_hf_value(Message& m, std::string_view field, std::string_view value);
    Verdict assign_hf_value2(Message& m, std::string_view field, std::string_view value);
    Verdict include_hf_value(Message& m, std::string_view name, std::string_view value);
    Verdict exclude_hf_value(Message& m, std::string_view name, std::string_view value);
    Verdict hf_value_exists(Message& m, std::string_view name, std::string_view value);

    // Iterators (iterators.cpp).
    Verdict hf_start(Message& m, std::string_view name);
    Verdict hf_end(Message& m, std::string_view name);
    Verdict hf_next(Message& m, std::string_view name);
    Verdict hf_prev(Message& m, std::string_view name);
    Verdict hf_remove(Message& m, std::string_view name);
    Verdict hf_append(Message& m, std::string_view name, std::string_view lines);
    Verdict hf_insert(Message& m, std::string_view name, std::string_view lines);
    Verdict bl_start(Message& m, std::string_view name);
    Verdict bl_end(Message& m, std::string_view name);
    Verdict bl_next(Message& m, std::string_view name);
    Verdict bl_remove(Message& m, std::string_view name);
    Verdict bl_append(Message& m, std::string_view name, std::string_view text);
    Verdict bl_insert(Message& m, std::string_view name, std::string_view text);
    Value hf_name(Message& m, std::string_view name);
    Value hf_body(Message& m, std::string_view name);
    Value bl_value(Message& m, std::string_view name);

private:
    static constexpr std::size_t kMostIterators = 4;
    struct Iterator {
        std::string name;        ///< "" when it is free
        std::ptrdiff_t at = -1;  ///< index of a header field, or offset of a line in the body
        std::size_t size = 0;    ///< of the line
    };
    using Iterators = std::array<Iterator, kMostIterators>;

    /// Null when it was not started on this message (logged).
    Iterator* find(Message& m, Iterators& all, std::string_view name);
    Verdict begin(Message& m, Iterators& all, std::string_view name);
    Verdict finish(Message& m, Iterators& all, std::string_view name);
    const sip::Header* header(Message& m, std::string_view name);
    Iterator* line(Message& m, std::string_view name);

    std::size_t slot_ = 0;
    std::uintptr_t generation_ = 0;  ///< whose iterators these are: a message's slot has the same
    Iterators headers_, lines_;
};

}  // namespace fairlead::textopsx
