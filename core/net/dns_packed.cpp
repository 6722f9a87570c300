// Answers as bytes. SPDX-License-Identifier: Apache-2.0
#include "core/net/dns_packed.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <type_traits>

namespace fairlead::dns {
namespace {

template <class T>
void put(std::string& out, const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    const auto bytes = std::bit_cast<std::array<char, sizeof(T)>>(value);
    out.append(bytes.data(), bytes.size());
}

void put_text(std::string& out, std::string_view text) {
    put(out, static_cast<std::uint16_t>(text.size()));
    out += text;
}

class Unpacker {
public:
    explicit Unpacker(std::string_view bytes) noexcept : rest_(bytes) {}

    template <class T>
    T take() noexcept {
        std::array<char, sizeof(T)> bytes{};
        const auto from = take_bytes(sizeof(T));
        std::ranges::copy(from, bytes.begin());
        return std::bit_cast<T>(bytes);
    }
    std::string text() { return std::string(take_bytes(take<std::uint16_t>())); }
    [[nodiscard]] bool ok() const noexcept { return ok_; }

private:
    std::string_view take_bytes(std::size_t n) noexcept {
        ok_ = ok_ && n <= rest_.size();
        if (!ok_) return {};
        const auto bytes = rest_.substr(0, n);
        rest_.remove_prefix(n);
        return bytes;
    }
    std::string_view rest_;
    bool ok_ = true;
};

/// Which texts a record has; most have one or none.
constexpr std::uint8_t kNaptr = 1;

}  // namespace

std::string pack(const Answer& answer) {
    std::string out;
    put(out, answer.status);
    put_text(out, answer.alias);
    put(out, static_cast<std::uint16_t>(answer.records.size()));
    for (const Record& r : answer.records) {
        put(out, r.address.version);
        if (r.address.is_set()) put(out, r.address.ip);
        put(out, r.priority);
        put(out, r.weight);
        put(out, r.port);
        put_text(out, r.name);
        const bool naptr = !r.flags.empty() || !r.service.empty() || !r.regexp.empty();
        put(out, naptr ? kNaptr : std::uint8_t{0});
        if (!naptr) continue;
        put_text(out, r.flags);
        put_text(out, r.service);
        put_text(out, r.regexp);
    }
    return out;
}

Answer unpack(std::string_view bytes) {
    Unpacker in(bytes);
    Answer answer;
    answer.status = in.take<Status>();
    answer.alias = in.text();
    const std::size_t count = in.take<std::uint16_t>();
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        Record r;
        r.address.version = in.take<std::uint8_t>();
        if (r.address.is_set()) r.address.ip = in.take<std::array<std::uint8_t, 16>>();
        r.priority = in.take<std::uint16_t>();
        r.weight = in.take<std::uint16_t>();
        r.port = in.take<std::uint16_t>();
        r.name = in.text();
        if (in.take<std::uint8_t>() == kNaptr) {
            r.flags = in.text();
            r.service = in.text();
            r.regexp = in.text();
        }
        answer.records.push_back(std::move(r));
    }
    return in.ok() ? answer : Answer{};
}

}  // namespace fairlead::dns
