// An answer as JSON text, written as it comes. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/api/command.h"

namespace fairlead::jsonrpcs {

/// `text` as a JSON string with its quotes. Bytes that are no UTF-8 are escaped one by one.
void append_quoted(std::string& out, std::string_view text);

/// Values one after another. A named value in a list becomes a structure of one. With `pretty` in
/// the form of cJSON_Print: tabs, lists on one line.
class Writer final : public Answer {
public:
    using Answer::begin_array, Answer::begin_struct, Answer::integer, Answer::number, Answer::text;

    explicit Writer(bool pretty) : pretty_(pretty) {}

    void integer(std::int64_t value) override;
    void number(double value) override;
    void text(std::string_view value) override;
    void begin_struct() override { begin('{'); }
    void end_struct() override { end('{'); }
    void begin_array() override { begin('['); }
    void end_array() override { end('['); }
    void name(std::string_view name) override;

    /// A value of which the JSON text is at hand.
    void raw(std::string_view json);
    /// Whether a name waits for its value.
    [[nodiscard]] bool wants_value() const noexcept { return has_name_; }
    /// Ends structures and lists until only `depth` are open.
    void end_until(std::size_t depth);

    [[nodiscard]] std::size_t depth() const noexcept { return open_.size(); }
    [[nodiscard]] std::string take() { return std::exchange(out_, {}); }
    [[nodiscard]] std::size_t size() const noexcept { return out_.size(); }

private:
    struct Level {
        char bracket;
        bool is_empty = true;
        bool is_implied = false;  ///< for one named value in a list
    };
    void separate();
    void complete();
    void begin(char bracket);
    void end(char bracket);
    void new_line(std::size_t depth);

    bool pretty_, has_name_ = false;
    std::string out_;
    std::vector<Level> open_;
};

}  // namespace fairlead::jsonrpcs
