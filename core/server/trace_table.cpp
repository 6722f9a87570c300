// The events of the last transactions, in rings in shared memory.
//
//   bytes_   … [head place text] [head place text] …      wraps around
//            ^ begin              ^ begin + used: the next one
//
// SPDX-License-Identifier: Apache-2.0
#include "core/server/trace_table.h"

#include <algorithm>
#include <bit>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "core/server/stable_hash.h"

namespace fairlead::server {
namespace {

constexpr std::string_view kCut = "…";
constexpr std::size_t kMaxPlace = 64;

struct Head {
    std::int64_t at;
    std::uint16_t process;
    Trace::Kind kind;
    std::uint8_t place_size;
    std::uint16_t text_size;
    [[nodiscard]] std::size_t size() const noexcept {
        return sizeof(Head) + place_size + text_size;
    }
};

/// Equal times keep their order. (With libstdc++ 12, clang refuses std::ranges::stable_sort.)
template <class T, class Key>
std::vector<T> by_time(std::vector<T> items, Key key) {
    std::multimap<std::int64_t, T> ordered;
    for (T& item : items) {
        const std::int64_t at = key(item);
        ordered.emplace(at, std::move(item));
    }
    items.clear();
    for (auto& [at, item] : ordered) items.push_back(std::move(item));
    return items;
}

std::uint64_t hash_of(std::string_view call_id, std::uint32_t cseq) noexcept {
    StableHash hash;
    hash.add(call_id);
    const auto number = std::bit_cast<std::array<char, sizeof cseq>>(cseq);
    hash.add({number.data(), number.size()});
    return hash.value();
}

/// The longest beginning of `text` of at most `most` bytes that ends with a whole UTF-8 character.
std::string_view beginning(std::string_view text, std::size_t most) noexcept {
    std::size_t size = std::min(text.size(), most);
    while (size > 0 && size < text.size() &&
           (static_cast<unsigned char>(text[size]) & 0xc0U) == 0x80U)
        --size;
    return text.substr(0, size);
}

/// "file.cfg:12"; "" when there is no place.
std::string_view place_text(const ScriptPlace& place, std::array<char, kMaxPlace>& out) noexcept {
    if (place.line == 0) return {};
    constexpr std::size_t kLine = 12;
    const std::string_view name = place.file.substr(place.file.rfind('/') + 1);
    std::size_t size = beginning(name, kMaxPlace - kLine).copy(out.data(), kMaxPlace - kLine);
    out[size++] = ':';
    std::array<char, kLine> digits{};
    std::size_t n = 0;
    for (std::uint32_t line = place.line; line != 0; line /= 10)
        digits[n++] = static_cast<char>('0' + line % 10);
    while (n > 0) out[size++] = digits[--n];
    return {out.data(), size};
}

}  // namespace

struct TraceTable::Ring {
    using ShmSafe = void;
    std::uint64_t hash;  ///< stored last when a ring begins anew
    std::int64_t last;
    std::uint64_t lost;
    std::uint32_t cseq;
    std::uint32_t call_id_size;
    std::array<char, kMaxCallId> call_id;
    /// Where the first event begins, and how many bytes all have: changed by one store, so that a
    /// process that dies leaves whole events.
    struct Span {
        std::uint32_t begin, used;
    };
    std::uint64_t span;
    std::array<char, kRingBytes> bytes;

    [[nodiscard]] std::string_view name() const noexcept { return {call_id.data(), call_id_size}; }
    [[nodiscard]] Span where() const noexcept {
        return {static_cast<std::uint32_t>(span >> 32), static_cast<std::uint32_t>(span)};
    }
    void set(Span s) noexcept { span = std::uint64_t{s.begin} << 32 | s.used; }

    void put_bytes(std::size_t at, std::string_view from) noexcept {
        at %= kRingBytes;
        const std::size_t first = std::min(from.size(), kRingBytes - at);
        from.copy(bytes.data() + at, first);
        from.copy(bytes.data(), from.size() - first, first);
    }
    void get_bytes(std::size_t at, std::span<char> to) const noexcept {
        at %= kRingBytes;
        const std::string_view all(bytes.data(), kRingBytes);
        const std::size_t first = all.copy(to.data(), to.size(), at);
        all.copy(to.data() + first, to.size() - first);
    }
    [[nodiscard]] Head head(std::size_t at) const noexcept {
        std::array<char, sizeof(Head)> raw{};
        get_bytes(at, raw);
        return std::bit_cast<Head>(raw);
    }

    void put(const Head& h, std::string_view place, std::string_view text,
             std::string_view cut) noexcept {
        Span s = where();
        while (kRingBytes - s.used < h.size()) {
            const auto size = static_cast<std::uint32_t>(head(s.begin).size());
            s = {static_cast<std::uint32_t>((s.begin + size) % kRingBytes), s.used - size};
            ++lost;
        }
        set(s);
        std::size_t at = s.begin + s.used;
        const auto raw = std::bit_cast<std::array<char, sizeof h>>(h);
        put_bytes(at, {raw.data(), raw.size()});
        put_bytes(at += sizeof h, place);
        put_bytes(at += place.size(), text);
        put_bytes(at + text.size(), cut);
        set({s.begin, s.used + static_cast<std::uint32_t>(h.size())});
        last = h.at;
    }

    void read(std::vector<Event>& out) const {
        const Span s = where();
        for (std::size_t at = s.begin; at < s.begin + s.used;) {
            const Head h = head(at);
            Event e{.at = h.at, .cseq = cseq, .process = h.process, .kind = h.kind};
            e.place.resize(h.place_size);
            e.text.resize(h.text_size);
            get_bytes(at + sizeof h, e.place);
            get_bytes(at + sizeof h + h.place_size, e.text);
            at += h.size();
            out.push_back(std::move(e));
        }
    }
};

struct TraceTable::Set {
    using ShmSafe = void;
    shm::RobustMutex mutex;
    std::array<shm::Ptr<Ring>, kPlaces> rings;
    /// A ring is linked by one store, and its events are counted by one.
    void repair() noexcept {}
};

Result<void> TraceTable::prepare(shm::Segment& memory, const Clock& clock,
                                 std::size_t transactions) {
    memory_ = &memory;
    clock_ = &clock;
    tag_ = memory.tag("core", "trace");
    sets_.resize(std::max<std::size_t>(1, (transactions + kPlaces - 1) / kPlaces));
    for (Set*& set : sets_) {
        set = memory.make<Set>(tag_);
        if (set == nullptr) return fail("no shared memory for traces");
        set->mutex.init(shm::Rank::table);
    }
    return {};
}

TraceTable::Ring* TraceTable::place_for(Set& set, std::uint64_t hash, std::string_view call_id,
                                        std::uint32_t cseq) noexcept {
    shm::Ptr<Ring>* place = set.rings.data();
    for (auto& ring : set.rings) {
        if (!ring) {
            place = &ring;
            break;
        }
        if (ring->hash == hash && ring->cseq == cseq && ring->name() == call_id) return ring.get();
        if (ring->last < (*place)->last) place = &ring;
    }
    if (!*place) {
        if (memory_->under_pressure()) return nullptr;
        auto* const made = memory_->make<Ring>(tag_, shm::Hold::in_hand);
        if (made == nullptr) return nullptr;
        *place = made;
        memory_->publish(made);
    }
    Ring& ring = **place;
    ring.hash = 0;
    ring.set({0, 0});
    ring.lost = 0;
    ring.cseq = cseq;
    ring.call_id_size = static_cast<std::uint32_t>(call_id.copy(ring.call_id.data(), kMaxCallId));
    ring.hash = hash;
    return &ring;
}

void TraceTable::note(std::string_view call_id, std::uint32_t cseq, Kind kind,
                      std::string_view text, const ScriptPlace& place) noexcept {
    if (sets_.empty() || call_id.empty()) return;
    call_id = call_id.substr(0, kMaxCallId);
    std::array<char, kMaxPlace> buffer;
    const std::string_view where = place_text(place, buffer);
    const std::string_view cut = text.size() > kMaxText ? kCut : std::string_view();
    text = cut.empty() ? text : beginning(text, kMaxText - kCut.size());
    const Head head{.at = clock_->unix_microseconds(),
                    .process = process_,
                    .kind = kind,
                    .place_size = static_cast<std::uint8_t>(where.size()),
                    .text_size = static_cast<std::uint16_t>(text.size() + cut.size())};
    const std::uint64_t hash = hash_of(call_id, cseq);
    Set& set = *sets_[hash % sets_.size()];
    const shm::Guard guard(set);
    if (Ring* const ring = place_for(set, hash, call_id, cseq)) ring->put(head, where, text, cut);
}

template <class F>
void TraceTable::each(F visit) const {
    for (Set* const set : sets_) {
        const shm::Guard guard(*set);
        for (const auto& ring : set->rings)
            if (ring && ring->hash != 0) visit(*ring);
    }
}

std::vector<TraceTable::Event> TraceTable::events(std::string_view call_id) const {
    std::vector<Event> out;
    call_id = call_id.substr(0, kMaxCallId);
    each([&](const Ring& ring) {
        if (ring.name() == call_id) ring.read(out);
    });
    return by_time(std::move(out), [](const Event& e) { return e.at; });
}

std::int64_t TraceTable::lost(std::string_view call_id) const {
    std::uint64_t sum = 0;
    call_id = call_id.substr(0, kMaxCallId);
    each([&](const Ring& ring) { sum += ring.name() == call_id ? ring.lost : 0; });
    return static_cast<std::int64_t>(sum);
}

std::vector<TraceTable::Call> TraceTable::calls() const {
    std::vector<Call> out;
    each([&](const Ring& ring) {
        out.push_back(
            {std::string(ring.name()), ring.cseq, ring.last, static_cast<std::int64_t>(ring.lost)});
    });
    return by_time(std::move(out), [](const Call& c) { return -c.last; });
}

void TraceTable::clear() noexcept {
    for (Set* const set : sets_) {
        const shm::Guard guard(*set);
        for (auto& ring : set->rings) {
            Ring* const old = ring.get();
            ring = {};
            memory_->free(old);
        }
    }
}

}  // namespace fairlead::server
