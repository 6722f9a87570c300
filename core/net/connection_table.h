// Which process owns which connection, and how to find one by its peer: in shared pages, for all
// processes. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/address.h"
#include "core/base/result.h"
#include "core/net/shared_pages.h"
#include "core/shm/robust_mutex.h"

namespace fairlead::net {

/// Made before fork; every process uses it at the same time. A connection has one owner, the only
/// one who changes its entry. Its peer's address leads to it, and so do further ports of the same
/// IP, its aliases (RFC 5923). Numbers of connections are never 0 and come back late.
class ConnectionTable {
public:
    static constexpr std::size_t kAliases = 4;

    /// What is known of a connection.
    struct About {
        Address remote, local;
        Proto proto = Proto::none;
        std::uint16_t listener = 0;
        std::uint16_t profile = 0;  ///< of TLS: connections of different ones are never mixed up
        bool outgoing = false;
        bool counted = false;  ///< by of_ip()
    };
    struct Owner {
        std::uint32_t id = 0;
        std::uint16_t slot = 0;
    };

    /// Before fork: room for so many connections, `most_tls` of them of TLS.
    [[nodiscard]] Result<void> map(std::size_t capacity, std::size_t most_tls = UINT32_MAX);
    [[nodiscard]] std::size_t capacity() const noexcept { return entries_.items().size(); }

    /// A new connection of the process in `slot`, found by others from now on; 0 when there are as
    /// many as there may be.
    [[nodiscard]] std::uint32_t claim(std::uint16_t slot, const About& about) noexcept;
    /// By the owner only. Afterwards nobody finds it.
    void release(std::uint32_t id) noexcept;
    /// When the process in `slot` died, by its successor: how many it had.
    std::size_t release_all(std::uint16_t slot) noexcept;

    /// By the owner only: one more port of the peer. False when there are kAliases already.
    [[nodiscard]] bool add_alias(std::uint32_t id, std::uint16_t port) noexcept;

    /// By the owner only, before it has aliases: its peer turns out to be another one, which is
    /// `counted` by of_ip() or not.
    void readdress(std::uint32_t id, const Address& remote, bool counted) noexcept;

    /// By the owner only: it is found by its number alone from now on; its aliases are gone.
    void hide(std::uint32_t id) noexcept;
    /// By the owner only, when it is hidden: it is found by its peer again, as one of `proto`.
    void show_as(std::uint32_t id, Proto proto) noexcept;

    /// Any process. Whoever is asked may find the connection gone by then.
    [[nodiscard]] std::optional<Owner> find(std::uint32_t id) const noexcept;
    /// The same, if it is one to this IP: a number says nothing about the peer, it may come from a
    /// message.
    [[nodiscard]] std::optional<Owner> find(std::uint32_t id, Proto proto,
                                            const Address& ip) const noexcept;
    /// The youngest one of protocol, peer and profile that belongs to this listener; without
    /// `exact` else of any listener.
    [[nodiscard]] std::optional<Owner> find(Proto proto, const Address& remote,
                                            std::uint16_t listener, std::uint16_t profile,
                                            bool exact) noexcept;

    /// How many connections of this IP are counted; counts no further than `enough`.
    [[nodiscard]] std::size_t of_ip(const Address& ip, std::size_t enough) noexcept;

    /// For the owner's notes, which others only show.
    struct Note {
        std::atomic<std::int64_t> expires;  ///< milliseconds of the clock that the loops use
        std::atomic<std::uint32_t> queued;  ///< bytes that wait to be written
        std::atomic<bool> open;             ///< false: it is being connected
    };
    [[nodiscard]] Note& note(std::uint32_t id) noexcept { return entry(id).note; }

    struct Row {
        Owner owner;
        About about;
        std::int64_t expires = 0;
        std::uint32_t queued = 0;
        bool open = false;
    };
    /// A look at all that exist, not of one moment.
    [[nodiscard]] std::vector<Row> rows() const;

private:
    /// A port under which a connection is found, or its IP alone: a link of a chain.
    struct Name {
        std::uint32_t next;  ///< number of the next name in the chain + 1
        std::uint16_t port;
        bool linked;
    };
    static constexpr std::size_t kPorts = 1 + kAliases, kNames = kPorts + 1;
    struct Entry {
        std::atomic<std::uint16_t> owner;  ///< 0: free. What else is here belongs to the owner.
        std::atomic<std::uint32_t> id;
        std::uint32_t generation;
        bool is_tls;  ///< counted as such, whatever is spoken over it later
        About about;  ///< does not change while a name is in a chain
        Note note;
        std::array<Name, kNames> names;  ///< the last one is that of the IP
    };
    /// Guards some chains. A chain changes by one store, so nothing is ever half done.
    struct Stripe {
        shm::RobustMutex mutex;
        void repair() noexcept {}
    };
    static constexpr std::size_t kStripes = 64;  // a power of two

    [[nodiscard]] Entry& entry(std::uint32_t id) const noexcept {
        return entries_.items()[(id - 1) % capacity()];
    }
    [[nodiscard]] Name& name(std::uint32_t number) const noexcept {
        return entries_.items()[number / kNames].names[number % kNames];
    }
    [[nodiscard]] std::size_t bucket(Proto proto, const Address& ip,
                                     std::uint16_t port) const noexcept;
    /// Where the name belongs.
    [[nodiscard]] std::size_t chain_of(std::uint32_t number, std::uint16_t port) const noexcept;
    [[nodiscard]] std::uint32_t first_name(const Entry& entry) const noexcept {
        return static_cast<std::uint32_t>((&entry - entries_.items().data()) * kNames);
    }
    void link(std::uint32_t number, std::uint16_t port) noexcept;
    void unlink(std::uint32_t number) noexcept;
    [[nodiscard]] bool take_tls() noexcept;
    void forget(Entry& entry) noexcept;

    SharedPages<Entry> entries_;
    SharedPages<std::uint32_t> heads_;  ///< number of the first name + 1
    SharedPages<Stripe> stripes_;
    SharedPages<std::atomic<std::int64_t>> tls_;  ///< one number: how many there are
    std::int64_t most_tls_ = 0;
    std::size_t hint_ = 0;  ///< of this process: where a free entry may be
};

}  // namespace fairlead::net
