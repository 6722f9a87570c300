// Variables that scripts make themselves: in the process ($var, $vn, $vz) and in shared memory
// ($shv).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "core/api/shm.h"
#include "core/module.h"

namespace fairlead::pv {

/// Names that are constant in the configuration get a slot before fork; the others are made when
/// they are first set, up to a limit. Values outlive the message.
class PrivateStore {
public:
    static constexpr std::size_t kMost = 4096;

    explicit PrivateStore(Value initial) noexcept : initial_(initial) {}

    [[nodiscard]] std::uint64_t resolve(std::string_view name);
    [[nodiscard]] Value get(Message& m, const VariableName& name) const;
    /// False when there are too many names (logged).
    bool set(const VariableName& name, const Value& value);
    /// "name=i:5" or "name=s:text", as modparam gives them.
    Result<void> parameter(const Value& value);
    /// Calls `take(name, value)` for each variable that has a value.
    template <class F>
    void each(Message& m, F take) const {
        VariableName name;
        for (const auto& [text, index] : names_) {
            name.handle = index + 1;
            const Value value = get(m, name);
            if (!value.is_null()) take(std::string_view(text), value);
        }
    }

private:
    struct Slot {
        Value::Type type = Value::Type::null;
        std::int64_t number = 0;
        std::string text;
    };
    void fill(Slot& slot, const Value& value);

    Value initial_;
    std::deque<Slot> slots_;
    std::map<std::string, std::size_t, std::less<>> names_;
};

/// $sbranch: a branch in the making. Belongs to the process and outlives the message.
struct StaticBranch {
    std::string uri, dst_uri, path, ruid, location_ua;
    std::int16_t q = kNoQ;
    std::uint32_t flags = 0;
    std::uint16_t listener = kNoListener;
};

/// A value that all processes see. Only names that are constant in the configuration exist.
class SharedStore {
public:
    static constexpr std::size_t kMaxText = 65535;

    [[nodiscard]] std::uint64_t resolve(std::string_view name);
    Result<void> parameter(const Value& value);
    /// Before fork: makes the cells of all names.
    Result<void> prepare(Core& core);

    [[nodiscard]] Value get(Message& m, const VariableName& name) const;
    /// False when the name is not known, the text too long, or shared memory full (logged).
    bool set(const VariableName& name, const Value& value);
    /// f(name) for each that the configuration has.
    template <class F>
    void each_name(F f) const {
        for (const auto& [text, index] : names_) f(std::string_view(text));
    }
    [[nodiscard]] bool has(std::string_view name) const { return names_.contains(name); }

private:
    struct Cell {
        using ShmSafe = void;
        shm::RobustMutex mutex;
        shm::Ptr<char> text;
        std::uint32_t size;
        std::int64_t number;
        std::uint8_t type;  ///< of Value
        /// A writer that died leaves the cell as it was or empty: `type` is cleared first.
        void repair() noexcept {}
    };
    struct Initial {
        bool is_text = false;
        std::int64_t number = 0;
        std::string text;
    };
    [[nodiscard]] Cell* find(const VariableName& name) const noexcept;
    bool put(Cell& cell, const Value& value);

    std::map<std::string, std::size_t, std::less<>> names_;
    std::map<std::string, Initial, std::less<>> initial_;
    std::deque<Cell*> cells_;
    shm::Segment* memory_ = nullptr;
    shm::Tag cell_tag_, text_tag_;
};

}  // namespace fairlead::pv
