// Value: what expressions, variables and arguments are: null, a 64-bit integer or a string view.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string_view>

namespace fairlead {

/// Strings are views into the message, the program or the message's arena: valid until the message
/// is done. Copying is cheap.
class Value {
public:
    enum class Type : std::uint8_t { null, integer, string };

    constexpr Value() noexcept = default;  ///< null
    constexpr Value(std::int64_t n) noexcept : number_(n), type_(Type::integer) {}
    constexpr Value(int n) noexcept : Value(static_cast<std::int64_t>(n)) {}
    constexpr Value(std::string_view s) noexcept : text_(s), type_(Type::string) {}

    /// A null that says that there was nothing to read, rather than that what was read is null: a
    /// malformed header, a transformation of a null. It prints as nothing where a null prints as
    /// "<null>", and assigning it is refused.
    [[nodiscard]] static constexpr Value absent() noexcept {
        Value v;
        v.absent_ = true;
        return v;
    }

    [[nodiscard]] constexpr Type type() const noexcept { return type_; }
    [[nodiscard]] constexpr bool is_null() const noexcept { return type_ == Type::null; }
    [[nodiscard]] constexpr bool is_absent() const noexcept { return absent_; }
    [[nodiscard]] constexpr bool is_integer() const noexcept { return type_ == Type::integer; }
    [[nodiscard]] constexpr bool is_string() const noexcept { return type_ == Type::string; }
    /// 0 unless it is an integer; conversions are the interpreter's business.
    [[nodiscard]] constexpr std::int64_t integer() const noexcept { return number_; }
    /// "" unless it is a string.
    [[nodiscard]] constexpr std::string_view string() const noexcept { return text_; }

private:
    std::string_view text_;
    std::int64_t number_ = 0;
    Type type_ = Type::null;
    bool absent_ = false;
};

}  // namespace fairlead
