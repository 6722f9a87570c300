// The mapping over Boost.Interprocess.
// SPDX-License-Identifier: Apache-2.0
#include "core/shm/mapping.h"

#include <atomic>
#include <boost/interprocess/anonymous_shared_memory.hpp>
#include <boost/interprocess/indexes/iset_index.hpp>
#include <boost/interprocess/managed_external_buffer.hpp>
#include <boost/interprocess/mem_algo/rbtree_best_fit.hpp>
#include <new>
#include <string>

#include "core/base/log.h"
#include "core/shm/robust_mutex.h"

namespace fairlead::shm {

namespace {

namespace ipc = boost::interprocess;

struct OwnerDied {};

/// What Boost locks with. Its own mutex is never released when its holder dies; this one is, and
/// refuses every later caller, because a half-changed tree of chunks cannot be rebuilt.
class ManagerMutex {
public:
    ManagerMutex() noexcept { mutex_.init(Rank::segment); }
    void lock() {
        if (mutex_.lock() == RobustMutex::Taken::owner_died) {
            broken_.store(true);
            mutex_.repaired();
        }
        if (broken_.load()) {
            mutex_.unlock();
            throw OwnerDied{};
        }
    }
    bool try_lock() {
        lock();
        return true;
    }
    template <class Time>
    bool timed_lock(const Time&) {
        return try_lock();
    }
    void unlock() noexcept { mutex_.unlock(); }

private:
    RobustMutex mutex_;
    std::atomic<bool> broken_{false};
};

struct MutexFamily {
    using mutex_type = ManagerMutex;
    using recursive_mutex_type = ManagerMutex;
};

using Manager =
    ipc::basic_managed_external_buffer<char, ipc::rbtree_best_fit<MutexFamily>, ipc::iset_index>;

struct Shared {
    std::atomic<bool> damaged;
};

constexpr std::size_t kSharedBytes = 64;
static_assert(sizeof(Shared) <= kSharedBytes);

}  // namespace

struct Mapping::Impl {
    ipc::mapped_region region;
    Manager manager;
    Shared* shared = nullptr;
};

Mapping::Mapping(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Mapping::~Mapping() = default;

Result<std::unique_ptr<Mapping>> Mapping::create(std::size_t bytes, std::size_t control) {
    try {
        auto impl = std::make_unique<Impl>();
        impl->region = ipc::anonymous_shared_memory(bytes);
        char* const start = static_cast<char*>(impl->region.get_address());
        const std::size_t reserved = kSharedBytes + (control + 63) / 64 * 64;
        impl->shared = ::new (start) Shared{};
        impl->manager = Manager(ipc::create_only, start + reserved, bytes - reserved);
        return std::unique_ptr<Mapping>(new Mapping(std::move(impl)));
    } catch (const std::exception& e) {
        return fail("shared memory of " + std::to_string(bytes >> 20) + " MiB: " + e.what());
    }
}

char* Mapping::control() const noexcept {
    return static_cast<char*>(impl_->region.get_address()) + kSharedBytes;
}

std::size_t Mapping::size() const noexcept {
    return impl_->region.get_size();
}

char* Mapping::allocate(std::size_t bytes) noexcept {
    if (damaged()) return nullptr;
    try {
        return static_cast<char*>(impl_->manager.allocate(bytes, std::nothrow));
    } catch (...) {
        impl_->shared->damaged.store(true);
        return nullptr;
    }
}

void Mapping::free(char* chunk) noexcept {
    if (damaged()) return;
    try {
        impl_->manager.deallocate(chunk);
    } catch (...) {
        impl_->shared->damaged.store(true);
    }
}

bool Mapping::damaged() const noexcept {
    return impl_->shared->damaged.load(std::memory_order_relaxed);
}

void Mapping::check() noexcept {
    if (damaged()) return;
    try {
        if (impl_->manager.check_sanity()) return;
    } catch (...) {
    }
    impl_->shared->damaged.store(true);
}

}  // namespace fairlead::shm
