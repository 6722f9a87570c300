// The ring: records of (length, kind, bytes), each rounded up to 8, between head and tail.
// SPDX-License-Identifier: Apache-2.0
#include "core/shm/mailbox.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace fairlead::shm {

namespace {

struct RecordHeader {
    std::uint32_t length;
    MailKind kind;
    std::uint16_t unused;
};
static_assert(sizeof(RecordHeader) == 8);

constexpr std::size_t round_up(std::size_t n) noexcept {
    return (n + 7) / 8 * 8;
}

}  // namespace

bool Mailbox::init(Segment& segment, Tag tag, std::size_t bytes) noexcept {
    mutex.init(Rank::mailbox);
    size_ = std::bit_ceil(std::max<std::size_t>(bytes, 64));
    head_.store(0);
    tail_.store(0);
    asleep_.store(0);
    dropped_.store(0);
    ring_ = static_cast<char*>(segment.allocate(size_, tag));
    return ring_ != nullptr;
}

void Mailbox::copy_in(std::uint64_t at, const char* bytes, std::size_t size) noexcept {
    if (size == 0) return;
    const std::size_t place = at & (size_ - 1);
    const std::size_t first = std::min(size, size_ - place);
    std::memcpy(ring_.get() + place, bytes, first);
    if (first < size) std::memcpy(ring_.get(), bytes + first, size - first);
}

void Mailbox::copy_out(std::uint64_t at, char* bytes, std::size_t size) const noexcept {
    if (size == 0) return;
    const std::size_t place = at & (size_ - 1);
    const std::size_t first = std::min(size, size_ - place);
    std::memcpy(bytes, ring_.get() + place, first);
    if (first < size) std::memcpy(bytes + first, ring_.get(), size - first);
}

Mailbox::Put Mailbox::put(MailKind kind, std::initializer_list<std::string_view> parts) noexcept {
    std::size_t length = 0;
    for (const std::string_view part : parts) length += part.size();
    const std::size_t needed = sizeof(RecordHeader) + round_up(length);
    Guard guard(*this);
    std::uint64_t at = tail_.load(std::memory_order_relaxed);
    if (needed > size_ - (at - head_.load(std::memory_order_acquire))) {
        guard.unlock();
        dropped_.fetch_add(1, std::memory_order_relaxed);
        return Put::full;
    }
    const std::uint64_t end = at + needed;
    const RecordHeader header{static_cast<std::uint32_t>(length), kind, 0};
    copy_in(at, reinterpret_cast<const char*>(&header), sizeof header);
    at += sizeof header;
    for (const std::string_view part : parts) {
        copy_in(at, part.data(), part.size());
        at += part.size();
    }
    // Sequentially consistent with prepare_to_sleep(): either it sees the new tail, or we see that
    // it is asleep.
    tail_.store(end, std::memory_order_seq_cst);
    guard.unlock();
    return asleep_.load(std::memory_order_seq_cst) != 0 ? Put::ok_wake : Put::ok;
}

std::ptrdiff_t Mailbox::take(MailKind& kind, char* out, std::size_t size) noexcept {
    if (asleep_.load(std::memory_order_relaxed) != 0) asleep_.store(0, std::memory_order_relaxed);
    for (;;) {
        const std::uint64_t head = head_.load(std::memory_order_relaxed);
        if (head == tail_.load(std::memory_order_acquire)) return -1;
        RecordHeader header{};
        copy_out(head, reinterpret_cast<char*>(&header), sizeof header);
        const bool fits = header.length <= size;
        if (fits) copy_out(head + sizeof header, out, header.length);
        // Gone from the ring before anybody works on it: if it kills its reader, it does so once.
        head_.store(head + sizeof header + round_up(header.length), std::memory_order_release);
        if (fits) {
            kind = header.kind;
            return static_cast<std::ptrdiff_t>(header.length);
        }
        dropped_.fetch_add(1, std::memory_order_relaxed);
    }
}

bool Mailbox::prepare_to_sleep() noexcept {
    asleep_.store(1, std::memory_order_seq_cst);
    if (tail_.load(std::memory_order_seq_cst) == head_.load(std::memory_order_relaxed)) return true;
    asleep_.store(0, std::memory_order_relaxed);
    return false;
}

std::size_t Mailbox::queued_bytes() const noexcept {
    const std::uint64_t head = head_.load();
    return static_cast<std::size_t>(tail_.load() - head);
}

}  // namespace fairlead::shm
