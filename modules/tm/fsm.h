// The form of the four transaction machines: a complete table from (state, event) to (state, what
// to do). Pure: no I/O, no clock, no memory. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace fairlead::tm {

/// What a machine asks for; several at once.
enum class Do : std::uint16_t {
    none = 0,
    pass = 1,               ///< hand the message to the transaction's user
    send = 2,               ///< put the user's message on the wire
    resend = 4,             ///< put the last message on the wire again
    ack = 8,                ///< send the ACK for a negative reply (RFC 3261 17.1.1.3)
    start_retransmit = 16,  ///< Timer G
    stop_retransmit = 32,   ///< Timers A, E, G
    slow_retransmit = 64,   ///< Timer E goes to T2
    start_timeout = 128,    ///< Timer H
    start_wait = 256,       ///< Timers D, I, J, K, L, M
    inform = 512,           ///< tell the user of a timeout or a transport failure
    end = 1024              ///< nothing will come of this machine any more
};
constexpr Do operator|(Do a, Do b) noexcept {
    return static_cast<Do>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool has(Do set, Do bit) noexcept {
    return (static_cast<unsigned>(set) & static_cast<unsigned>(bit)) != 0;
}

template <class State>
struct Move {
    State next{};
    Do actions = Do::none;
    friend constexpr bool operator==(const Move&, const Move&) = default;
};

template <class State, class Event>
struct Row {
    State state;
    Event event;
    State next;
    Do actions = Do::none;
};

/// State and Event are enums from 0 whose last member is `count`. A cell without a row, or with
/// two, does not compile.
template <class State, class Event>
class Machine {
public:
    static constexpr std::size_t kStates = static_cast<std::size_t>(State::count);
    static constexpr std::size_t kEvents = static_cast<std::size_t>(Event::count);

    template <std::size_t N>
    explicit consteval Machine(const Row<State, Event> (&rows)[N]) {
        std::array<std::array<bool, kEvents>, kStates> seen{};
        for (const auto& row : rows) {
            const auto s = static_cast<std::size_t>(row.state);
            const auto e = static_cast<std::size_t>(row.event);
            if (seen[s][e]) a_cell_has_two_rows();
            seen[s][e] = true;
            cells_[s][e] = {row.next, row.actions};
        }
        for (const auto& line : seen)
            for (const bool there : line)
                if (!there) a_cell_is_missing();
    }
    [[nodiscard]] constexpr Move<State> step(State s, Event e) const noexcept {
        return cells_[static_cast<std::size_t>(s)][static_cast<std::size_t>(e)];
    }

private:
    // Not constexpr: a table that needs them is not a constant, and the compiler names them.
    static void a_cell_has_two_rows() {}
    static void a_cell_is_missing() {}

    std::array<std::array<Move<State>, kEvents>, kStates> cells_{};
};

}  // namespace fairlead::tm
