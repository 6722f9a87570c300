// Values as bytes. SPDX-License-Identifier: Apache-2.0
#include "modules/db_sqlite/wire.h"

namespace fairlead::db_sqlite {
namespace {

std::optional<std::string_view> take_text(std::string_view& from, std::size_t size) {
    if (from.size() < size) return std::nullopt;
    const std::string_view text = from.substr(0, size);
    from.remove_prefix(size);
    return text;
}

template <class T>
std::optional<db::Value> take_number(std::string_view& from) {
    const auto number = take<T>(from);
    return number ? std::optional(db::Value(*number)) : std::nullopt;
}

}  // namespace

void put_value(std::string& out, const db::Value& value) {
    put(out, value.type());
    switch (value.type()) {
        case db::Value::Type::null: break;
        case db::Value::Type::integer: put(out, value.integer()); break;
        case db::Value::Type::real: put(out, value.real()); break;
        case db::Value::Type::text:
        case db::Value::Type::blob:
            put(out, static_cast<std::uint32_t>(value.text().size()));
            out.append(value.text());
            break;
    }
}

std::optional<db::Value> take_value(std::string_view& from) {
    const auto type = take<db::Value::Type>(from);
    if (!type) return std::nullopt;
    switch (*type) {
        case db::Value::Type::null: return db::Value();
        case db::Value::Type::integer: return take_number<std::int64_t>(from);
        case db::Value::Type::real: return take_number<double>(from);
        case db::Value::Type::text:
        case db::Value::Type::blob: break;
        default: return std::nullopt;
    }
    const auto size = take<std::uint32_t>(from);
    const auto text = size ? take_text(from, *size) : std::nullopt;
    if (!text) return std::nullopt;
    return *type == db::Value::Type::text ? db::Value(*text) : db::Value::blob(*text);
}

std::optional<db::Answer> read_answer(std::string_view bytes, db::CallbackId& callback,
                                      std::vector<db::Value>& values) {
    const auto head = take<AnswerHead>(bytes);
    if (!head) return std::nullopt;
    const auto luggage = take_text(bytes, head->luggage);
    const auto error = take_text(bytes, head->error);
    if (!luggage || !error) return std::nullopt;
    values.clear();
    while (!bytes.empty()) {
        const auto value = take_value(bytes);
        if (!value) return std::nullopt;
        values.push_back(*value);
    }
    if (values.size() != std::size_t{head->rows} * head->columns) return std::nullopt;
    callback = head->callback;
    return db::Answer{.ok = head->ok,
                      .error = *error,
                      .changed = head->changed,
                      .rows = head->rows,
                      .cut = head->cut,
                      .luggage = *luggage,
                      .values = values,
                      .columns = head->columns};
}

}  // namespace fairlead::db_sqlite
