// Regular expressions of scripts and modules, and a bounded cache of those made at run time.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "core/shm/counters.h"

namespace fairlead {

/// A compiled regular expression: the syntax of POSIX extended expressions with \d, \w, \s and \b
/// as in the GNU library, without back references. It works on bytes, in time linear in the text,
/// and allocates nothing once it is warm. Immutable; private memory, so made before fork or per
/// process.
class Regex {
public:
    struct Options {
        bool any_case = false;  ///< letters match without regard to case
        /// "." and "[^…]" stop at a line's end, "^" and "$" stand at each line, as POSIX has it
        /// with REG_NEWLINE; else they mean every byte and the ends of the text.
        bool by_line = false;
        bool longest = false;  ///< of the leftmost matches the longest (POSIX), not the first one
        friend bool operator==(const Options&, const Options&) = default;
    };
    static constexpr std::size_t kMostGroups = 16;  ///< the match and \1 … \15

    /// A wrong pattern gives an object that is not ok() and must not be asked for matches.
    Regex(std::string_view pattern, Options options);
    Regex(Regex&&) noexcept;
    Regex& operator=(Regex&&) noexcept;
    ~Regex();

    [[nodiscard]] bool ok() const noexcept;
    /// Why it is not ok(); "" when it is. Lives as long as the object.
    [[nodiscard]] std::string_view problem() const noexcept;
    /// As it was given.
    [[nodiscard]] std::string_view pattern() const noexcept { return pattern_; }

    /// Whether it matches anywhere in the text.
    [[nodiscard]] bool matches(std::string_view text) const noexcept;
    /// The first match at or behind `start`: fills `groups` with views into the text, and with
    /// data() == nullptr for groups that took no part or that there are none of. False without a
    /// match.
    [[nodiscard]] bool search(std::string_view text, std::size_t start,
                              std::span<std::string_view> groups) const noexcept;

private:
    friend class RegexScan;
    struct Compiled;
    std::string pattern_;
    std::unique_ptr<Compiled> compiled_;
};

/// All matches in a text, one behind the other; an empty one moves on by a byte. An expression that
/// looks far beyond each of its matches ("a(.*b)?" in 64 KB of "a") would cost the square of the
/// text's length: such a scan gives up.
class RegexScan {
public:
    /// Bytes that an expression without a bound on the length of its matches may look at in one
    /// scan, at worst some 100 ms. Texts below 11 KB never come that far.
    static constexpr std::size_t kMostWork = std::size_t{64} << 20U;

    /// Both must outlive the scan.
    RegexScan(const Regex& regex, std::string_view text) noexcept;
    /// As Regex::search. False behind the last match.
    [[nodiscard]] bool next(std::span<std::string_view> groups) noexcept;
    /// next() said false because of kMostWork, not because there is no other match.
    [[nodiscard]] bool gave_up() const noexcept { return gave_up_; }

private:
    const Regex* regex_;
    std::string_view text_;
    std::size_t from_ = 0;
    std::size_t work_ = 0;
    bool bounded_;
    bool gave_up_ = false;
};

/// Expressions that come up at run time; one per process. When it is full, the one goes that was
/// longest not asked for.
class RegexCache {
public:
    static constexpr std::size_t kMost = 256;
    /// A longer pattern is refused: compiling one of 64 KB may take seconds, and matching it too.
    static constexpr std::size_t kLongest = 2048;

    explicit RegexCache(std::size_t most = kMost) noexcept : most_(most) {}
    /// Each expression that goes is counted there; before fork.
    void count_evictions(shm::Counter evicted) noexcept { evicted_ = evicted; }

    /// Null when the pattern is wrong (`problem` says why); valid until `most` others were found.
    [[nodiscard]] const Regex* find(std::string_view pattern, Regex::Options options,
                                    std::string& problem);
    /// The same; a wrong pattern is logged.
    [[nodiscard]] const Regex* find(std::string_view pattern, Regex::Options options);
    [[nodiscard]] std::size_t size() const noexcept { return order_.size(); }

private:
    struct Entry {
        std::size_t options;  ///< which of made_
        Regex regex;
    };
    using Order = std::list<Entry>;
    Order order_;  ///< what was asked for last stands at the end
    /// By pattern, one for each combination of options.
    std::array<std::map<std::string_view, Order::iterator>, 8> made_;
    std::size_t most_;
    shm::Counter evicted_;
};

}  // namespace fairlead
