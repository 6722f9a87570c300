// Nonces and replay protection.
// SPDX-License-Identifier: Apache-2.0
#include "modules/auth/nonce.h"

#include <algorithm>
#include <array>
#include <bit>
#include <new>

#include "modules/auth/digest.h"

namespace fairlead::auth {

namespace {

// Hexadecimal: time (8), number (8), proof that it is ours (32), and of what it is bound to (16).
constexpr std::size_t kField = 8, kProof = 32, kBinding = 16;
constexpr std::size_t kSize = 2 * kField + kProof + kBinding;

std::string hex(std::string_view secret, std::string_view data, std::size_t digits) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const auto raw = keyed(secret, data);
    std::string out;
    for (std::size_t i = 0; i < digits / 2; ++i) {
        out += kDigits[raw[i] >> 4];
        out += kDigits[raw[i] & 15];
    }
    return out;
}

std::string put(std::uint32_t n) {
    std::array<char, kField> text{};
    sip::Writer out(text.data(), text.size());
    out.put_hex(n, kField);
    return std::string(out.text());
}

std::optional<std::uint32_t> get(std::string_view digits) noexcept {
    std::uint32_t n = 0;
    for (const char c : digits) {
        const bool letter = c >= 'a' && c <= 'f';
        if (!letter && (c < '0' || c > '9')) return std::nullopt;
        n = n << 4 | static_cast<std::uint32_t>(letter ? c - 'a' + 10 : c - '0');
    }
    return n;
}

std::string binding(std::string_view secret, std::string_view head, std::string_view bound_to) {
    return hex(secret, std::string("bound:").append(head).append(bound_to), kBinding);
}

}  // namespace

std::string write_nonce(std::string_view secret, const Nonce& nonce, std::string_view bound_to) {
    const std::string head = put(nonce.made) + put(nonce.number);
    return head + hex(secret, "nonce:" + head, kProof) + binding(secret, head, bound_to);
}

Read read_nonce(std::string_view secret, std::string_view text, std::string_view bound_to,
                Nonce& out) {
    if (text.size() != kSize) return Read::forged;
    const std::string head(text.substr(0, 2 * kField));
    const auto made = get(text.substr(0, kField)), number = get(text.substr(kField, kField));
    const std::string proof = hex(secret, "nonce:" + head, kProof);
    if (!made || !number || !same(proof, text.substr(2 * kField, kProof))) return Read::forged;
    out = {*made, *number};
    const bool bound = same(binding(secret, head, bound_to), text.substr(2 * kField + kProof));
    return bound ? Read::ok : Read::other_request;
}

bool Tracked::prepare(Core& core, std::size_t size) {
    size = std::bit_ceil(std::max<std::size_t>(size, 256));
    shm::Segment& memory = core.memory();
    head_ = memory.make<Head>(memory.tag("auth", "nonces"));
    auto* const block = static_cast<std::atomic<std::uint32_t>*>(
        memory.allocate(size * sizeof(std::uint32_t), memory.tag("auth", "nonces")));
    if (head_ == nullptr || block == nullptr) return false;
    for (std::size_t i = 0; i < size; ++i) block[i].store(0, std::memory_order_relaxed);
    cells_ = block;
    bits_ = static_cast<std::uint32_t>(std::countr_zero(size));
    // Generation 0 with count 0 is what an unused cell looks like.
    head_->next = static_cast<std::uint32_t>(size);
    return true;
}

std::uint32_t Tracked::begin() noexcept {
    const std::uint32_t number = head_->next.fetch_add(1);
    cells_[number & ((std::uint32_t{1} << bits_) - 1)] = generation(number) << 8;
    return number;
}

Tracked::Use Tracked::use(std::uint32_t number, std::uint32_t count) noexcept {
    std::atomic<std::uint32_t>& cell = cells_[number & ((std::uint32_t{1} << bits_) - 1)];
    std::uint32_t now = cell.load();
    while (now >> 8 == generation(number)) {
        if (count <= (now & 0xff)) return Use::used;
        if (cell.compare_exchange_weak(now, generation(number) << 8 | count)) return Use::ok;
    }
    return Use::forgotten;
}

}  // namespace fairlead::auth
