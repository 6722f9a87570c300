// Which process owns which connection. SPDX-License-Identifier: Apache-2.0
#include "core/net/connection_table.h"

#include <bit>

namespace fairlead::net {

Result<void> ConnectionTable::map(std::size_t capacity, std::size_t most_tls) {
    most_tls_ = static_cast<std::int64_t>(most_tls);
    TRY(tls_.map(1));
    TRY(entries_.map(capacity));
    TRY(heads_.map(std::bit_ceil(capacity * 2 + kStripes)));
    TRY(stripes_.map(kStripes));
    for (auto& stripe : stripes_.items()) stripe.mutex.init(shm::Rank::table);
    return {};
}

std::size_t ConnectionTable::bucket(Proto proto, const Address& ip,
                                    std::uint16_t port) const noexcept {
    std::uint32_t h = 2166136261U ^ static_cast<std::uint32_t>(proto);
    for (const std::uint8_t byte : ip.ip) h = (h ^ byte) * 16777619U;
    h = (h ^ (port & 0xffU)) * 16777619U;
    h = (h ^ (port >> 8U)) * 16777619U;
    h ^= h >> 16U;
    return h & (heads_.items().size() - 1);
}

std::uint32_t ConnectionTable::claim(std::uint16_t slot, const About& about) noexcept {
    const auto entries = entries_.items();
    if (about.proto == Proto::tls && !take_tls()) return 0;
    for (std::size_t tried = 0; tried < entries.size(); ++tried) {
        const std::size_t index = (hint_ + tried) % entries.size();
        Entry& e = entries[index];
        std::uint16_t free = 0;
        if (e.owner.load(std::memory_order_relaxed) != 0 ||
            !e.owner.compare_exchange_strong(free, slot))
            continue;
        hint_ = index + 1;
        // Beyond 2^32 the numbers begin again; 0 stays "none".
        std::uint64_t id = e.generation++ * std::uint64_t{entries.size()} + index + 1;
        if (id > UINT32_MAX) {
            e.generation = 1;
            id = index + 1;
        }
        e.about = about;
        e.is_tls = about.proto == Proto::tls;
        e.note.expires = 0;
        e.note.queued = 0;
        e.note.open = !about.outgoing;
        e.id.store(static_cast<std::uint32_t>(id), std::memory_order_release);
        link(first_name(e), about.remote.port);
        if (about.counted) link(first_name(e) + kPorts, 0);
        return static_cast<std::uint32_t>(id);
    }
    if (about.proto == Proto::tls) tls_.items()[0].fetch_sub(1);
    return 0;
}

bool ConnectionTable::take_tls() noexcept {
    auto& count = tls_.items()[0];
    if (count.fetch_add(1) < most_tls_) return true;
    count.fetch_sub(1);
    return false;
}

std::size_t ConnectionTable::chain_of(std::uint32_t number, std::uint16_t port) const noexcept {
    const About& about = entries_.items()[number / kNames].about;
    return number % kNames == kPorts ? bucket(Proto::none, about.remote, 0)
                                     : bucket(about.proto, about.remote, port);
}

void ConnectionTable::link(std::uint32_t number, std::uint16_t port) noexcept {
    const std::size_t b = chain_of(number, port);
    const shm::Guard guard(stripes_.items()[b % kStripes]);
    Name& n = name(number);
    n.port = port;
    n.linked = true;
    n.next = heads_.items()[b];
    heads_.items()[b] = number + 1;
}

void ConnectionTable::unlink(std::uint32_t number) noexcept {
    Name& n = name(number);
    if (!n.linked) return;
    const std::size_t b = chain_of(number, n.port);
    const shm::Guard guard(stripes_.items()[b % kStripes]);
    std::uint32_t* at = &heads_.items()[b];
    while (*at != 0 && *at != number + 1) at = &name(*at - 1).next;
    if (*at != 0) *at = n.next;
    n.linked = false;
}

void ConnectionTable::forget(Entry& e) noexcept {
    for (std::uint32_t i = 0; i < kNames; ++i) unlink(first_name(e) + i);
    if (e.id.exchange(0) != 0 && e.is_tls) tls_.items()[0].fetch_sub(1);
    e.owner.store(0, std::memory_order_release);
}

void ConnectionTable::release(std::uint32_t id) noexcept {
    forget(entry(id));
}

std::size_t ConnectionTable::release_all(std::uint16_t slot) noexcept {
    std::size_t count = 0;
    for (Entry& e : entries_.items()) {
        if (e.owner.load() != slot) continue;
        forget(e);
        ++count;
    }
    return count;
}

bool ConnectionTable::add_alias(std::uint32_t id, std::uint16_t port) noexcept {
    if (port == 0) return false;
    Entry& e = entry(id);
    for (std::uint32_t i = 0; i < kPorts; ++i) {
        if (e.names[i].linked && e.names[i].port == port) return true;
        if (e.names[i].linked) continue;
        link(first_name(e) + i, port);
        return true;
    }
    return false;
}

void ConnectionTable::readdress(std::uint32_t id, const Address& remote, bool counted) noexcept {
    Entry& e = entry(id);
    for (std::uint32_t i = 0; i < kNames; ++i) unlink(first_name(e) + i);
    e.about.remote = remote;
    e.about.counted = counted;
    link(first_name(e), remote.port);
    if (counted) link(first_name(e) + kPorts, 0);
}

void ConnectionTable::hide(std::uint32_t id) noexcept {
    for (std::uint32_t i = 0; i < kPorts; ++i) unlink(first_name(entry(id)) + i);
}

void ConnectionTable::show_as(std::uint32_t id, Proto proto) noexcept {
    Entry& e = entry(id);
    e.about.proto = proto;
    link(first_name(e), e.about.remote.port);
}

std::optional<ConnectionTable::Owner> ConnectionTable::find(std::uint32_t id) const noexcept {
    if (id == 0 || capacity() == 0) return std::nullopt;
    const Entry& e = entry(id);
    const std::uint16_t owner = e.owner.load(std::memory_order_acquire);
    if (owner == 0 || e.id.load(std::memory_order_acquire) != id) return std::nullopt;
    return Owner{id, owner};
}

std::optional<ConnectionTable::Owner> ConnectionTable::find(std::uint32_t id, Proto proto,
                                                            const Address& ip) const noexcept {
    const auto owner = find(id);
    if (!owner) return owner;
    const About& about = entry(id).about;
    const bool leads_there = about.proto == proto && about.remote.same_ip(ip);
    // It may have become another connection's entry while it was read.
    return leads_there && find(id) ? owner : std::nullopt;
}

std::optional<ConnectionTable::Owner> ConnectionTable::find(Proto proto, const Address& remote,
                                                            std::uint16_t listener,
                                                            std::uint16_t profile,
                                                            bool exact) noexcept {
    if (capacity() == 0 || remote.port == 0) return std::nullopt;
    const std::size_t b = bucket(proto, remote, remote.port);
    std::optional<Owner> other;
    const shm::Guard guard(stripes_.items()[b % kStripes]);
    for (std::uint32_t at = heads_.items()[b]; at != 0; at = name(at - 1).next) {
        const Entry& e = entries_.items()[(at - 1) / kNames];
        const About& about = e.about;
        if (name(at - 1).port != remote.port || about.proto != proto || about.profile != profile ||
            !about.remote.same_ip(remote))
            continue;
        const Owner owner{e.id.load(), e.owner.load()};
        if (about.listener == listener) return owner;
        if (!other && !exact) other = owner;
    }
    return other;
}

std::size_t ConnectionTable::of_ip(const Address& ip, std::size_t enough) noexcept {
    const std::size_t b = bucket(Proto::none, ip, 0);
    std::size_t count = 0;
    const shm::Guard guard(stripes_.items()[b % kStripes]);
    for (std::uint32_t at = heads_.items()[b]; at != 0 && count < enough; at = name(at - 1).next) {
        const bool is_ip_name = (at - 1) % kNames == kPorts;
        if (is_ip_name && entries_.items()[(at - 1) / kNames].about.remote.same_ip(ip)) ++count;
    }
    return count;
}

std::vector<ConnectionTable::Row> ConnectionTable::rows() const {
    std::vector<Row> rows;
    for (const Entry& e : entries_.items()) {
        Row row;
        row.owner = {e.id.load(), e.owner.load()};
        if (row.owner.slot == 0 || row.owner.id == 0) continue;
        row.about = e.about;
        row.expires = e.note.expires;
        row.queued = e.note.queued;
        row.open = e.note.open;
        if (find(row.owner.id)) rows.push_back(row);
    }
    return rows;
}

}  // namespace fairlead::net
