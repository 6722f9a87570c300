// Values as bytes, for requests in shared memory and answers in mailboxes.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "modules/db/api.h"

namespace fairlead::db_sqlite {

template <class T>
    requires std::is_trivially_copyable_v<T>
void put(std::string& out, const T& value) {
    const auto bytes = std::bit_cast<std::array<char, sizeof(T)>>(value);
    out.append(bytes.data(), bytes.size());
}
/// Takes a T off the beginning of `from`; nullopt when it is too short.
template <class T>
    requires std::is_trivially_copyable_v<T>
std::optional<T> take(std::string_view& from) {
    std::array<char, sizeof(T)> bytes;
    if (from.size() < bytes.size()) return std::nullopt;
    std::copy_n(from.data(), bytes.size(), bytes.begin());
    from.remove_prefix(bytes.size());
    return std::bit_cast<T>(bytes);
}

void put_value(std::string& out, const db::Value& value);
/// Texts are views into `from`. Nullopt when the bytes are no values.
std::optional<db::Value> take_value(std::string_view& from);

/// What goes back to the process that asked; luggage, error and values follow.
struct AnswerHead {
    db::CallbackId callback = db::CallbackId::none;
    bool ok = false, cut = false;
    std::uint32_t luggage = 0, error = 0, rows = 0, columns = 0;
    std::int64_t changed = 0;
};
/// Makes an Answer of the bytes; its views point into them, and `values` holds its values.
std::optional<db::Answer> read_answer(std::string_view bytes, db::CallbackId& callback,
                                      std::vector<db::Value>& values);

}  // namespace fairlead::db_sqlite
