// The robust mutex over pthread, and the check of the lock order.
// SPDX-License-Identifier: Apache-2.0
#include "core/shm/robust_mutex.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "core/base/log.h"

namespace fairlead::shm {

namespace {

[[noreturn]] void give_up(const char* what, int error) noexcept {
    LOG(critical, "shared lock: {}: {}", what, std::strerror(error));
    std::abort();
}

/// Waits for the mutex, for a while: ETIMEDOUT. A wake-up may be lost. Who unlocks wakes one of
/// those that wait; should that one be killed before it has the lock, and another process have
/// taken it meanwhile, then the system wakes nobody (futex(2) knows only owners that die), and that
/// other process, which saw nobody wait, will not either. So nobody sleeps without looking again.
int wait(pthread_mutex_t& mutex) noexcept {
    constexpr long kLookAgain = 20'000'000, kSecond = 1'000'000'000;  // ns
    timespec until{};
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += kLookAgain;
    until.tv_sec += until.tv_nsec / kSecond;
    until.tv_nsec %= kSecond;
    return pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &until);
}

#ifdef FAIRLEAD_LOCK_CHECK
// The ranks this process holds, in the order of taking; private to the process.
struct Held {
    Rank ranks[16];
    std::size_t count = 0;
};
Held held;

void note_lock(Rank rank) noexcept {
    for (std::size_t i = 0; i < held.count; ++i) {
        if (held.ranks[i] >= rank) {
            LOG(critical, "lock order: rank {} taken while holding rank {}", static_cast<int>(rank),
                static_cast<int>(held.ranks[i]));
            std::abort();
        }
    }
    if (held.count < std::size(held.ranks)) held.ranks[held.count++] = rank;
}

void note_unlock(Rank rank) noexcept {
    for (std::size_t i = held.count; i-- > 0;) {
        if (held.ranks[i] != rank) continue;
        for (; i + 1 < held.count; ++i) held.ranks[i] = held.ranks[i + 1];
        --held.count;
        return;
    }
}
#else
void note_lock(Rank) noexcept {}
void note_unlock(Rank) noexcept {}
#endif

}  // namespace

void RobustMutex::init(Rank rank) noexcept {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    const int error = pthread_mutex_init(&mutex_, &attributes);
    pthread_mutexattr_destroy(&attributes);
    if (error != 0) give_up("init", error);
    rank_ = rank;
}

RobustMutex::Taken RobustMutex::lock() noexcept {
    note_lock(rank_);
    int error = pthread_mutex_trylock(&mutex_);
    while (error == EBUSY || error == ETIMEDOUT) error = wait(mutex_);
    if (error == 0) return Taken::clean;
    if (error != EOWNERDEAD) give_up("lock", error);
    return Taken::owner_died;
}

bool RobustMutex::try_lock(Taken& taken) noexcept {
    const int error = pthread_mutex_trylock(&mutex_);
    if (error == EBUSY) return false;
    if (error != 0 && error != EOWNERDEAD) give_up("try_lock", error);
    note_lock(rank_);
    taken = error == 0 ? Taken::clean : Taken::owner_died;
    return true;
}

void RobustMutex::repaired() noexcept {
    const int error = pthread_mutex_consistent(&mutex_);
    if (error != 0) give_up("repaired", error);
}

void RobustMutex::unlock() noexcept {
    note_unlock(rank_);
    pthread_mutex_unlock(&mutex_);
}

}  // namespace fairlead::shm
