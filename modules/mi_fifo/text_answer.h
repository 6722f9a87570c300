// Answers as lines of text: for commands of the registry, and taken apart for those with a form of
// their own. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/api/command.h"

namespace fairlead::mi_fifo {

/// A line for each value, "name:: value" inside structures, a tab for each level.
class TextAnswer final : public Answer {
public:
    using Answer::begin_array, Answer::begin_struct, Answer::integer, Answer::number, Answer::text;

    void integer(std::int64_t value) override { line(std::to_string(value)); }
    void number(double value) override;
    void text(std::string_view value) override;
    void begin_struct() override { begin(); }
    void end_struct() override { end(); }
    void begin_array() override { begin(); }
    void end_array() override { end(); }
    void name(std::string_view name) override { name_ = name; }
    [[nodiscard]] std::string take() { return std::exchange(out_, {}); }

private:
    void line(std::string_view value);
    void begin();
    void end() {
        if (depth_ > 0) --depth_;
    }
    std::string out_, name_;
    std::size_t depth_ = 0;
};

/// All single values, with their names, whatever they stand in.
class FlatAnswer final : public Answer {
public:
    using Answer::begin_array, Answer::begin_struct, Answer::integer, Answer::number, Answer::text;

    struct Item {
        std::string name, value;
    };
    std::vector<Item> items;

    void integer(std::int64_t value) override { add(std::to_string(value)); }
    void number(double value) override { add(std::to_string(value)); }
    void text(std::string_view value) override { add(std::string(value)); }
    void begin_struct() override {}
    void end_struct() override {}
    void begin_array() override {}
    void end_array() override {}
    void name(std::string_view name) override { name_ = name; }

private:
    void add(std::string value) { items.push_back({std::exchange(name_, {}), std::move(value)}); }
    std::string name_;
};

}  // namespace fairlead::mi_fifo
