// Notes about WebSocket connections. SPDX-License-Identifier: Apache-2.0
#include "modules/websocket/notes.h"

#include <sys/mman.h>

namespace fairlead::websocket {

namespace {

template <class T>
std::span<T> map_shared(std::size_t count) noexcept {
    auto* const at = mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) return {};
    return {static_cast<T*>(at), count};
}

}  // namespace

Notes::~Notes() {
    if (!places_.empty()) munmap(places_.data(), places_.size_bytes());
    if (common_ != nullptr) munmap(common_, sizeof(Common));
}

Result<void> Notes::map(std::size_t connections) {
    places_ = map_shared<Place>(connections);
    common_ = map_shared<Common>(1).data();
    if (places_.empty() || common_ == nullptr)
        return fail("cannot map memory for notes about connections");
    return {};
}

Notes::Live& Notes::open(std::uint16_t slot, const Row& row) noexcept {
    Place& place = at(row.connection);
    place.remote = row.remote;
    place.local = row.local;
    place.proto = row.proto;
    place.live.used = row.used;
    place.live.closing = place.live.awaits_pong = false;
    place.slot = slot;
    place.connection.store(row.connection, std::memory_order_release);
    const std::int64_t now = ++common_->current;
    std::int64_t most = common_->most;
    while (most < now && !common_->most.compare_exchange_weak(most, now)) {
    }
    return place.live;
}

void Notes::clear(std::uint32_t connection) noexcept {
    if (at(connection).connection.exchange(0) == connection) --common_->current;
}

void Notes::clear_all(std::uint16_t slot) noexcept {
    for (const Place& place : places_)
        if (const std::uint32_t id = place.connection; id != 0 && place.slot == slot) clear(id);
}

bool Notes::has(std::uint32_t connection) const noexcept {
    return connection != 0 && at(connection).connection == connection;
}

std::vector<Notes::Row> Notes::rows() const {
    std::vector<Row> rows;
    for (const Place& place : places_) {
        Row row;
        row.connection = place.connection.load(std::memory_order_acquire);
        if (row.connection == 0) continue;
        row.remote = place.remote;
        row.local = place.local;
        row.proto = place.proto;
        row.used = place.live.used;
        row.closing = place.live.closing;
        row.awaits_pong = place.live.awaits_pong;
        // It may have become another connection's while it was read.
        if (place.connection == row.connection) rows.push_back(row);
    }
    return rows;
}

}  // namespace fairlead::websocket
