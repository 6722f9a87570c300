// A request in shared memory, in one block.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/stored_request.h"

#include <cstring>

namespace fairlead::tm {
namespace {

struct StoredEdit {
    std::uint32_t offset, removed, text_size;
    std::uint16_t only_from, unused;
};

/// Where the parts of a block lie.
struct Layout {
    std::size_t headers, edits, bytes, texts;
    Layout(std::size_t header_count, std::size_t edit_count, std::size_t size) noexcept
        : headers(sizeof(StoredRequest)),
          edits(headers + header_count * sizeof(sip::Header)),
          bytes(edits + edit_count * sizeof(StoredEdit)),
          texts(bytes + size) {}
    explicit Layout(const StoredRequest& r) noexcept
        : Layout(r.frame.header_count, r.edit_count, r.frame.size) {}
};

const char* raw(const StoredRequest& r) noexcept {
    return reinterpret_cast<const char*>(&r);
}

template <class T>
void put(char* to, const T* from, std::size_t count) noexcept {
    if (count != 0) std::memcpy(to, from, count * sizeof(T));
}

}  // namespace

StoredRequest* store_request(shm::Segment& memory, shm::Tag tag, const Message& m) noexcept {
    const sip::Frame& frame = m.sip.frame();
    const auto edits = m.edits.list();
    const Layout at(frame.header_count, edits.size(), frame.size);
    std::size_t total = at.texts;
    for (const sip::Edit& e : edits) total += e.text.size();

    auto* const block = static_cast<char*>(memory.allocate(total, tag, shm::Hold::in_hand));
    if (block == nullptr) return nullptr;
    const StoredRequest head{m.received, frame, static_cast<std::uint32_t>(total),
                             static_cast<std::uint32_t>(edits.size()), m.force_rport};
    put(block, &head, 1);
    put(block + at.headers, m.sip.headers().data(), frame.header_count);
    put(block + at.bytes, m.sip.bytes().data(), frame.size);
    char* edit = block + at.edits;
    char* text = block + at.texts;
    for (const sip::Edit& e : edits) {
        const StoredEdit stored{e.offset, e.removed, static_cast<std::uint32_t>(e.text.size()),
                                e.only_from, 0};
        put(edit, &stored, 1);
        put(text, e.text.data(), e.text.size());
        edit += sizeof(StoredEdit);
        text += e.text.size();
    }
    return reinterpret_cast<StoredRequest*>(block);
}

const StoredRequest* copy(const StoredRequest& from, Arena& arena) {
    char* const block = arena.allocate(from.size);
    std::memcpy(block, raw(from), from.size);
    return reinterpret_cast<const StoredRequest*>(block);
}

void attach(const StoredRequest& from, sip::Message& to) noexcept {
    const Layout at(from);
    to.attach(raw(from) + at.bytes, reinterpret_cast<const sip::Header*>(raw(from) + at.headers),
              from.frame);
}

void restore(const StoredRequest& from, Message& m) {
    const Layout at(from);
    attach(from, m.sip);
    m.received = from.received;
    m.force_rport = from.force_rport;
    const char* text = raw(from) + at.texts;
    for (std::uint32_t i = 0; i < from.edit_count; ++i) {
        StoredEdit e{};
        std::memcpy(&e, raw(from) + at.edits + i * sizeof e, sizeof e);
        const std::string_view inserted(text, e.text_size);
        if (e.removed == 0) {
            m.edits.insert(e.offset, inserted, e.only_from);
        } else {
            m.edits.replace(e.offset, e.removed, inserted);
        }
        text += e.text_size;
    }
}

}  // namespace fairlead::tm
