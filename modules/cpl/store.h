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

/// Gone with the server. A script is one block, so that it is there as a whole or not at all.
class SharedStore final : public Store {
public:
    /// Before fork: 2^`bits` buckets.
    Result<void> prepare(Core& core, unsigned bits, shm::Counter scripts);

    [[nodiscard]] bool save(std::string_view owner, std::string_view xml,
                            std::string_view compiled) override;
    bool remove(std::string_view owner) override;
    [[nodiscard]] std::optional<std::string_view> get(std::string_view owner, Form form,
                                                      Arena& arena) const override;

private:
    /// Followed by owner, XML and compiled form.
    struct Entry {
        using ShmSafe = void;
        shm::Ptr<Entry> next;
        shm::Ptr<char> bytes;
        std::uint64_t hash = 0;
        std::uint32_t owner_size = 0, xml_size = 0, compiled_size = 0;
    };
    struct Bucket {
        using ShmSafe = void;
        shm::RobustMutex mutex;
        shm::Ptr<Entry> first;
        /// Links change by one store each; at most a script that was being removed is lost.
        void repair() noexcept {}
    };

    [[nodiscard]] std::uint64_t hash(std::string_view owner) const noexcept;
    [[nodiscard]] Bucket& bucket(std::uint64_t hash) const noexcept {
        return buckets_[hash & mask_];
    }
    static bool is(const Entry& entry, std::uint64_t hash, std::string_view owner) noexcept;
    /// Takes the owner's entry out behind `from`; null when there is none. The lock is held.
    static Entry* unlink(shm::Ptr<Entry>& from, std::uint64_t hash,
                         std::string_view owner) noexcept;
    void discard(Entry* entry) noexcept;

    Core* core_ = nullptr;
    Bucket* buckets_ = nullptr;
    std::uint64_t mask_ = 0, seed_ = 0;
    shm::Tag entry_tag_, bytes_tag_;
    shm::Counter scripts_;
};

}  // namespace fairlead::cpl
