// Tunables: values of the configuration that an operator may change while the server runs. A change
// reaches every process between two messages. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/api/value.h"
#include "core/base/result.h"

namespace fairlead {

class Module;

/// A row of a descriptor, in the group of the module's name unless `group` says another. Values are
/// integers, or texts of at most kMaxTunableText bytes.
inline constexpr std::size_t kMaxTunableText = 255;
struct Tunable {
    std::string_view name, doc;
    bool is_text = false;
    std::int64_t min = INT32_MIN, max = INT32_MAX;
    /// The value in force in this process; texts live until the next call.
    Value (*get)(const Module&) = nullptr;
    /// In every process, between two messages, also in one that is forked later. The value has the
    /// row's type and range. Must not fail.
    void (*set)(Module&, const Value&) noexcept = nullptr;
    std::string_view group{};
};
template <class>
struct TunableField;
template <class C, class T>
struct TunableField<T C::*> {
    using Class = C;
    using Field = T;
};
/// Bound to an integer or boolean field of the module.
template <auto Field>
constexpr Tunable tunable(std::string_view name, std::string_view doc, std::int64_t min = INT32_MIN,
                          std::int64_t max = INT32_MAX) {
    using F = TunableField<decltype(Field)>;
    return {name,
            doc,
            false,
            min,
            max,
            [](const Module& m) {
                const auto& owner = static_cast<const typename F::Class&>(m);
                return Value(static_cast<std::int64_t>(owner.*Field));
            },
            [](Module& m, const Value& v) noexcept {
                static_cast<typename F::Class&>(m).*Field =
                    static_cast<typename F::Field>(v.integer());
            }};
}

/// All tunables of the server; for interfaces and for variables that read them.
class Tunables {
public:
    struct Entry {
        std::string_view group, name;
        const Tunable* row;
        Module* object;
    };
    /// Grouped, in the order in which modules were loaded.
    [[nodiscard]] virtual std::span<const Entry> all() const noexcept = 0;
    /// Null when there is none.
    [[nodiscard]] virtual const Entry* find(std::string_view group,
                                            std::string_view name) const noexcept = 0;
    /// In force from the next message on in every process; in this one at once. An error when the
    /// value does not fit the row.
    virtual Result<void> set(const Entry& entry, const Value& value) = 0;
    /// What the configuration said.
    [[nodiscard]] virtual Value original(const Entry& entry) const = 0;

protected:
    ~Tunables() = default;
};

}  // namespace fairlead
