// The attributes of an account: what log_extra and multi_leg_info name.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/module.h"

namespace fairlead::acc {

/// "name=$variable;name=$variable".
class Fields {
public:
    static constexpr std::size_t kMost = 64;

    /// Adds to what was given before; an error names the part that is wrong.
    Result<void> read(std::string_view text, ParamVariables& variables);
    [[nodiscard]] bool empty() const noexcept { return fields_.empty(); }
    /// ";name=value" for each; a null is an empty value.
    void write(Message& m, std::string& line) const;
    [[nodiscard]] std::vector<std::string_view> names() const;
    /// In the order of the names.
    [[nodiscard]] std::vector<Value> values(Message& m) const;

private:
    struct Field {
        std::string name;
        const VariableRef* variable;
    };
    std::vector<Field> fields_;
};

/// "name=$avp(a);name=$avp(b)": one set of values for each leg, the newest first.
class Legs {
public:
    static constexpr std::size_t kMost = 64;

    Result<void> read(std::string_view text);
    void write(const Message& m, std::string& line) const;
    [[nodiscard]] std::vector<std::string_view> names() const;
    /// How many legs the call has.
    [[nodiscard]] std::size_t count(const Message& m) const;
    [[nodiscard]] std::vector<Value> values(const Message& m, std::size_t leg) const;

private:
    struct Field {
        std::string name, avp;
    };
    std::vector<Field> fields_;
};

/// Appends a value; what would end the line or forge another becomes a space.
void append_value(std::string& line, std::string_view value);

}  // namespace fairlead::acc
