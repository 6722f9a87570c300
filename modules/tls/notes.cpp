// Notes about TLS connections. SPDX-License-Identifier: Apache-2.0
#include "modules/tls/notes.h"

#include <sys/mman.h>

namespace fairlead::tls {

Notes::~Notes() {
    if (!places_.empty()) munmap(places_.data(), places_.size_bytes());
}

Result<void> Notes::map(std::size_t connections) {
    auto* const at = mmap(nullptr, connections * sizeof(Place), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) return fail("cannot map memory for notes about connections");
    places_ = {static_cast<Place*>(at), connections};
    return {};
}

void Notes::set(std::uint16_t slot, const Row& row) noexcept {
    Place* const place = at(row.connection);
    if (place == nullptr) return;
    place->version.fetch_add(1);
    std::atomic_thread_fence(std::memory_order_release);
    place->row = row;
    place->slot = slot;
    place->version.fetch_add(1);
}

void Notes::clear(std::uint32_t connection) noexcept {
    Place* const place = at(connection);
    if (place != nullptr) place->slot = 0;
}

void Notes::clear_all(std::uint16_t slot) noexcept {
    for (Place& place : places_) {
        if (place.slot != slot) continue;
        place.slot = 0;
        if (place.version % 2 != 0) place.version.fetch_add(1);  // it died in set()
    }
}

std::vector<Notes::Row> Notes::rows() const {
    std::vector<Row> rows;
    for (const Place& place : places_) {
        if (place.slot == 0) continue;
        const auto version = place.version.load();
        const Row row = place.row;
        std::atomic_thread_fence(std::memory_order_acquire);
        if (version % 2 == 0 && place.version.load() == version && place.slot != 0)
            rows.push_back(row);
    }
    return rows;
}

}  // namespace fairlead::tls
