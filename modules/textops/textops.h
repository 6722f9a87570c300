// Looking at and changing the text of a message: the module's class.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <span>
#include <string_view>

#include "core/api/regex.h"
#include "core/module.h"

namespace fairlead::textops {

/// How functions on messages mean a pattern: as POSIX has it with REG_NEWLINE.
inline constexpr Regex::Options kByLine{.any_case = true, .by_line = true, .longest = true};
/// Groups that a replacement can name: the match and \1 … \9.
inline constexpr std::size_t kMostGroups = 10;

class Textops final : public Module {
public:
    shm::Counter patterns_evicted;

    Result<void> prepare(Core& core) override {
        clock_ = &core.clock();
        patterns_.count_evictions(patterns_evicted);
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
    Verdict remove_hf_match(Message& m, std::string_view name, std::string_view op,
                            std::string_view expression);
    Verdict remove_hf_idx(Message& m, std::string_view name, int index);
    Verdict append_to_reply(Message& m, std::string_view lines);
    Verdict append_time(Message& m);
    Verdict append_time_to_request(Message& m);
    Verdict is_privacy(Message& m, std::string_view type);
    // The message as text (message_text.cpp).
    Verdict search(Message& m, const Regex& pattern);
    Verdict search_body(Message& m, const Regex& pattern);
    Verdict search_hf(Message& m, std::string_view name, const Regex& pattern,
                      std::string_view which);
    Verdict search_append(Message& m, const Regex& pattern, std::string_view text);
    Verdict search_append_body(Message& m, const Regex& pattern, std::string_view text);

    // Replacing (substitute.cpp).
    Verdict replace(Message& m, const Regex& pattern, std::string_view text);
    Verdict replace_all(Message& m, const Regex& pattern, std::string_view text);
    Verdict replace_hdrs(Message& m, const Regex& pattern, std::string_view text);
    Verdict replace_body(Message& m, const Regex& pattern, std::string_view text);
    Verdict replace_body_all(Message& m, const Regex& pattern, std::string_view text);
    Verdict replace_body_atonce(Message& m, const Regex& pattern, std::string_view text);
    Verdict replace_str(Message& m, std::string_view wanted, std::string_view text,
                        std::string_view mode);
    Verdict replace_hdrs_str(Message& m, std::string_view wanted, std::string_view text,
                             std::string_view mode);
    Verdict replace_body_str(Message& m, std::string_view wanted, std::string_view text,
                             std::string_view mode);
    Verdict subst(Message& m, const LazyText& expression);
    Verdict subst_body(Message& m, const LazyText& expression);
    Verdict subst_hf(Message& m, std::string_view name, const LazyText& expression,
                     std::string_view which);
    Verdict subst_uri(Message& m, const LazyText& expression);
    Verdict subst_user(Message& m, const LazyText& expression);
    Verdict regex_substring(Message& m, std::string_view text, std::string_view pattern, int index,
                            int count, const VariableRef& variable);

    // Bodies (body.cpp).
    Verdict has_body(Message& m, std::optional<std::string_view> type);
    Verdict set_body(Message& m, std::string_view body, std::string_view type);
    Verdict set_reply_body(Message& m, std::string_view body, std::string_view type);
    Verdict filter_body(Message& m, std::string_view type);
    Verdict is_audio_on_hold(Message& m);
    Verdict to_multipart(Message& m, std::optional<std::string_view> boundary);
    Verdict set_body_multipart(Message& m, std::string_view body, std::string_view type,
                               std::optional<std::string_view> boundary);
    Verdict append_body_part(Message& m, std::string_view body, std::string_view type,
                             std::optional<std::string_view> disposition);
    Verdict append_body_part_hex(Message& m, std::string_view hex, std::string_view type,
                                 std::optional<std::string_view> disposition);
    Verdict get_body_part(Message& m, std::string_view type, const VariableRef& variable);
    Verdict get_body_part_raw(Message& m, std::string_view type, const VariableRef& variable);
    Verdict remove_body_part(Message& m, std::string_view type);

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
    struct Replace {
        bool all = false, by_line = true;
    };
    Verdict replace_in(Message& m, std::string_view where, std::string_view pattern,
                       std::string_view text, Replace how);
    Verdict append_behind(Message& m, std::string_view where, const Regex& pattern,
                          std::string_view text);
    /// The pattern as functions on messages mean it; null when it cannot be (logged).
    const Regex* by_line(const Regex& pattern);
    /// "Date: Sat, 21 Nov 2026 02:00:00 GMT" with CRLF (RFC 3261 20.17).
    [[nodiscard]] std::string_view date_line(Message& m) const;

    const Clock* clock_ = nullptr;
    RegexCache patterns_;
};

/// The part that patterns for the whole message may change: behind the start line.
[[nodiscard]] std::string_view behind_start_line(const Message& m) noexcept;
[[nodiscard]] std::string_view header_part(const Message& m) noexcept;
/// Puts `text` in the place of a part of the received message. False when that part was changed
/// before, or is the end of the header.
bool replace_bytes(Message& m, std::string_view part, std::string_view text);
[[nodiscard]] std::string_view join(Arena& arena, std::span<const std::string_view> pieces);
/// The last header field with a name; null when there is none.
[[nodiscard]] const sip::Header* last_header(const Message& m, std::string_view name) noexcept;

}  // namespace fairlead::textops
