// Values as bytes, for requests in shared memory and answers in mailboxes.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <cstring>
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
    char bytes[sizeof value];
    std::memcpy(bytes, static_cast<const void*>(&value), sizeof value);
    out.append(bytes, sizeof bytes);
}
/// Takes a T off the beginning of `from`; nullopt when it is too short.
template <class T>
    requires std::is_trivially_copyable_v<T>
std::optional<T> take(std::string_view& from) {
    T value;
    if (from.size() < sizeof value) return std::nullopt;
    std::memcpy(static_cast<void*>(&value), from.data(), sizeof value);
    from.remove_prefix(sizeof value);
    return value;
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
