// Ptr<T>: a pointer that is stored in shared memory, and the rule of what may be stored there.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <type_traits>

namespace fairlead::shm {

/// What may live in shared memory: trivially copyable or destructible without effect, not
/// polymorphic, and opted in by a member `using ShmSafe = void;` (plain integers, enums and Ptr are
/// always in). Never: virtual functions, std::string, std::function, string_view, references, raw
/// pointers to private memory, file descriptors, code addresses. A callback is stored as a
/// HandlerId.
template <class T>
concept ShmSafe =
    std::is_trivially_destructible_v<T> && !std::is_polymorphic_v<T> &&
    (std::is_arithmetic_v<T> || std::is_enum_v<T> || requires { typename T::ShmSafe; });

/// Points into the segment, which every process has at the same address; so it is a plain pointer
/// inside. It is a type of its own so that what is stored can change without touching its users.
template <class T>
class Ptr {
public:
    using ShmSafe = void;
    constexpr Ptr() noexcept = default;
    constexpr Ptr(std::nullptr_t) noexcept {}
    constexpr Ptr(T* p) noexcept : p_(p) {}
    [[nodiscard]] constexpr T* get() const noexcept { return p_; }
    constexpr T* operator->() const noexcept { return p_; }
    constexpr std::add_lvalue_reference_t<T> operator*() const noexcept { return *p_; }
    constexpr explicit operator bool() const noexcept { return p_ != nullptr; }
    friend constexpr bool operator==(Ptr a, Ptr b) noexcept { return a.p_ == b.p_; }
    friend constexpr bool operator==(Ptr a, const T* b) noexcept { return a.p_ == b; }

private:
    T* p_ = nullptr;
};

}  // namespace fairlead::shm
