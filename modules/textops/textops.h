// Looking at and changing the text of a message: the module's class.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string_view>

#include "core/module.h"

namespace fairlead::textops {

class Textops final : public Module {
public:
    Result<void> prepare(Core& core) override {
        clock_ = &core.clock();
        return {};
    }

    // Header fields (header_fields.cpp).
    Verdict is_method(Message& m, std::string_view names);
    Verdict is_present_hf(Message& m, std::string_view name);
    Verdict is_present_hf_re(Message& m, const Regex& name);
    Verdict append_hf(Message& m, std::string_view lines, std::optional<std::string_view> behind);
    Verdict insert_hf(Message& m, std::string_view lines, std::optional<std::string_view> before);
    Verdict append_urihf(Message& m, std::string_view prefix, std::string_view suffix);
    Verdict remove_hf(Message& m, std::string_view name);
    Verdict remove_hf_re(Message& m, const Regex& name);
    Verdict remove_hf_exp(Message& m, const Regex& name, const Regex& kept);
    Verdict remove_hf_idx(Message& m, std::string_view name, int index);
    Verdict append_to_reply(Message& m, std::string_view lines);
    Verdict append_time(Message& m);
    Verdict append_time_to_request(Message& m);
    Verdict is_privacy(Message& m, std::string_view type);
    Verdict search_hf(Message& m, std::string_view name, const Regex& pattern,
                      std::string_view which);

    // The message as text, and its body (message_text.cpp).
    Verdict search(Message& m, const Regex& pattern);
    Verdict search_body(Message& m, const Regex& pattern);
    Verdict search_append(Message& m, const Regex& pattern, std::string_view text);
    Verdict search_append_body(Message& m, const Regex& pattern, std::string_view text);
    Verdict replace(Message& m, const Regex& pattern, std::string_view text);
    Verdict replace_all(Message& m, const Regex& pattern, std::string_view text);
    Verdict replace_hdrs(Message& m, const Regex& pattern, std::string_view text);
    Verdict replace_body(Message& m, const Regex& pattern, std::string_view text);
    Verdict replace_body_all(Message& m, const Regex& pattern, std::string_view text);
    Verdict has_body(Message& m, std::optional<std::string_view> type);
    Verdict set_body(Message& m, std::string_view body, std::string_view type);
    Verdict set_reply_body(Message& m, std::string_view body, std::string_view type);

    // Texts that have nothing to do with the message (strings.cpp).
    Verdict search_str(Message&, std::string_view text, const Regex& pattern);
    Verdict cmp_str(Message&, std::string_view a, std::string_view b);
    Verdict cmp_istr(Message&, std::string_view a, std::string_view b);
    Verdict starts_with(Message&, std::string_view text, std::string_view prefix);
    Verdict ends_with(Message&, std::string_view text, std::string_view suffix);
    Verdict str_find(Message&, std::string_view text, std::string_view part);
    Verdict str_ifind(Message&, std::string_view text, std::string_view part);
    Verdict in_list(Message&, std::string_view item, std::string_view list,
                    std::string_view separator);
    Verdict in_list_prefix(Message&, std::string_view item, std::string_view list,
                           std::string_view separator);

private:
    /// "Date: Sat, 21 Nov 2026 02:00:00 GMT" with CRLF (RFC 3261 20.17).
    [[nodiscard]] std::string_view date_line(Message& m) const;

    const Clock* clock_ = nullptr;
};

constexpr Verdict answer(bool yes) noexcept {
    return yes ? Verdict::yes : Verdict::no;
}

}  // namespace fairlead::textops
