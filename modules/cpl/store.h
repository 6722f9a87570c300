// Where scripts are kept: an interface that a database can implement too, and scripts in shared
// memory. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/api/core.h"
#include "core/api/shm.h"

namespace fairlead::cpl {

/// Scripts by owner ("anna", "anna@example.test"). In any process, without any lock.
class Store {
public:
    enum class Form : std::uint8_t { xml, compiled };

    /// Replaces what was there. False when there is no room (nothing is changed then).
    [[nodiscard]] virtual bool save(std::string_view owner, std::string_view xml,
                                    std::string_view compiled) = 0;
    /// False when there was none.
    virtual bool remove(std::string_view owner) = 0;
    /// A copy in the arena; nullopt when there is none.
    [[nodiscard]] virtual std::optional<std::string_view> get(std::string_view owner, Form form,
                                                              Arena& arena) const = 0;

protected:
    ~Store() = default;
};

/// Names a change that is not in force yet. May travel between processes as bytes.
struct Proposal {
    std::uint64_t hash = 0, number = 0;  ///< number 0: none
};
/// What accept() found.
struct Accepted {
    bool was_there = false;  ///< false: a later change has been accepted, or it was withdrawn
    bool had_script = false, has_script = false;
};

/// Gone with the server. A script is one block, so that it is there as a whole or not at all. A
/// change can be proposed: there is room for it then, and it comes into force when it is accepted,
/// by any process. Of changes for one owner the one that was proposed last wins, in whatever order
/// they are accepted.
class SharedStore final : public Store {
public:
    /// Before fork: 2^`bits` buckets.
    Result<void> prepare(Core& core, unsigned bits, shm::Counter scripts);

    [[nodiscard]] bool save(std::string_view owner, std::string_view xml,
                            std::string_view compiled) override;
    bool remove(std::string_view owner) override;
    [[nodiscard]] std::optional<std::string_view> get(std::string_view owner, Form form,
                                                      Arena& arena) const override;

    /// Nullopt when there is no room.
    [[nodiscard]] std::optional<Proposal> propose(std::string_view owner, std::string_view xml,
                                                  std::string_view compiled);
    [[nodiscard]] std::optional<Proposal> propose_removal(std::string_view owner);
    Accepted accept(const Proposal& proposal);
    void withdraw(const Proposal& proposal);

private:
    enum class State : std::uint8_t { in_force, proposed, removal };
    /// `bytes` are owner, XML and compiled form.
    struct Entry {
        using ShmSafe = void;
        shm::Ptr<Entry> next;
        shm::Ptr<char> bytes;
        std::uint64_t hash = 0, number = 0;
        std::uint32_t owner_size = 0, xml_size = 0, compiled_size = 0;
        State state = State::proposed;
        [[nodiscard]] std::string_view owner() const noexcept { return {bytes.get(), owner_size}; }
    };
    /// What was proposed later stands in front.
    struct Bucket {
        using ShmSafe = void;
        shm::RobustMutex mutex;
        shm::Ptr<Entry> first;
        std::uint64_t last_number = 0;
        /// Links and states change by one store each: at most an old script is left behind the one
        /// that is in force, until the next change.
        void repair() noexcept {}
    };

    [[nodiscard]] std::uint64_t hash(std::string_view owner) const noexcept;
    [[nodiscard]] Bucket& bucket(std::uint64_t hash) const noexcept {
        return buckets_[hash & mask_];
    }
    [[nodiscard]] std::optional<Proposal> add(State state, std::string_view owner,
                                              std::string_view xml, std::string_view compiled);
    /// The link to a proposal; null when it is not there. The lock is held.
    static shm::Ptr<Entry>* find(Bucket& home, const Proposal& proposal) noexcept;
    /// Takes out of the chain at `from` what is the owner's, puts it in front of `gone`, and says
    /// whether one of it was in force. The lock is held.
    static bool unlink_all(shm::Ptr<Entry>& from, std::string_view owner, std::uint64_t hash,
                           Entry*& gone) noexcept;
    void discard(Entry* chain) noexcept;

    Core* core_ = nullptr;
    Bucket* buckets_ = nullptr;
    std::uint64_t mask_ = 0, seed_ = 0;
    shm::Tag entry_tag_, bytes_tag_;
    shm::Counter scripts_;
};

}  // namespace fairlead::cpl
