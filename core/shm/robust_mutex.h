// The only lock allowed in shared memory: when its owner dies, the next taker repairs what it
// guards. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <pthread.h>

#include <cstdint>

namespace fairlead::shm {

/// Lock order: a process may only take a lock of a higher rank than all those it holds. Checked in
/// debug builds (FAIRLEAD_LOCK_CHECK); a violation is logged with both ranks and ends the process.
enum class Rank : std::uint8_t {
    transaction = 10,  ///< a transaction bucket
    table = 20,        ///< other modules' tables
    timer = 30,        ///< a timer wheel
    mailbox = 40,
    allocator = 50,  ///< a size class
    segment = 60,    ///< Boost's manager of the mapping
};

/// A process-shared, robust mutex (pthread_mutex_t, PTHREAD_MUTEX_ROBUST). Critical sections are
/// short: no script, callback, I/O, log formatting or unbounded loop runs while one is held.
class RobustMutex {
public:
    using ShmSafe = void;
    enum class Taken : std::uint8_t {
        clean,       ///< what the mutex guards is as its last owner left it
        owner_died,  ///< it may be half changed: repair it, then call repaired()
    };

    /// Call once, before any other process can see it.
    void init(Rank rank) noexcept;
    [[nodiscard]] Taken lock() noexcept;
    /// False when another process holds it; `taken` is set when true is returned.
    [[nodiscard]] bool try_lock(Taken& taken) noexcept;
    /// Makes the mutex usable again after owner_died; call before unlock().
    void repaired() noexcept;
    void unlock() noexcept;

private:
    pthread_mutex_t mutex_;
    Rank rank_;
};

/// Holds `s.mutex` for a scope. When the last owner died inside, runs `s.repair()` first. S is any
/// structure in shared memory with a RobustMutex member `mutex` and `void repair() noexcept`.
template <class S>
class Guard {
public:
    explicit Guard(S& s) noexcept : s_(&s) {
        if (s.mutex.lock() == RobustMutex::Taken::owner_died) {
            s.repair();
            s.mutex.repaired();
        }
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard() { unlock(); }
    /// Lets go before the end of the scope; later calls do nothing.
    void unlock() noexcept {
        if (s_ != nullptr) s_->mutex.unlock();
        s_ = nullptr;
    }

private:
    S* s_;
};

}  // namespace fairlead::shm
