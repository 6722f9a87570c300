// The location set of a run (RFC 3880 2.3): where the call may go, with priorities. Plain data that
// may live in shared memory. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace fairlead::cpl {

class Reader;
class Writer;

inline constexpr std::size_t kMaxLocations = 32;
inline constexpr std::size_t kLocationText = 3072;  ///< bytes of URIs that are not in the script

inline constexpr std::uint16_t kAnyListener = 0xffff;

/// A location as somebody hands it over: a contact of a 3xx, a registration.
struct Contact {
    std::string_view uri;
    std::uint16_t priority = 1000;          ///< q in thousandths
    std::string_view received;              ///< next hop, "" when it is the URI's
    std::string_view path;                  ///< Path of the registration, "" when none
    std::uint32_t flags = 0;                ///< branch flags of the registration
    std::uint16_t listener = kAnyListener;  ///< socket of the registration
};

class LocationSet {
public:
    enum class Standing : std::uint8_t {
        gone,
        in_set,
        target,   ///< of a redirection that is followed; not in the set
        offered,  ///< of a redirection; in the set when its output is taken
        tried     ///< by the proxy node that is being run
    };
    /// A range of the script's bytes or of `text_`.
    struct Range {
        std::uint32_t at;
        std::uint16_t size;
        bool in_script;
    };
    struct Entry {
        Range uri, received, path;
        std::uint32_t flags;
        std::uint16_t priority;
        std::uint16_t listener;
        Standing standing;
    };
    /// Numbers of entries, best first: by priority, and in the order of their addition.
    struct List {
        std::array<std::uint8_t, kMaxLocations> entry{};
        std::size_t count = 0;
    };

    /// Empty. Most sets hold one location, so what is not in use is not even set to zero.
    LocationSet() noexcept {}  // NOLINT(*-member-init,*-use-equals-default): that would be zeroed

    /// Adds a copy; an equivalent location of the same standing is replaced. False, and nothing is
    /// added, when there is no room.
    bool add(std::string_view script, const Contact& contact, Standing standing);
    /// Adds a URI that stands in the script at `at`.
    bool add_constant(std::string_view script, std::uint32_t at, std::uint16_t size,
                      std::uint16_t priority);
    /// Removes all equivalent ones from the set.
    void remove(std::string_view script, std::string_view uri);
    void clear() noexcept { change(Standing::in_set, Standing::gone); }
    /// All with one standing get another.
    void change(Standing from, Standing to) noexcept;
    void set(std::size_t n, Standing standing) noexcept { entries_[n].standing = standing; }

    [[nodiscard]] List best_first(Standing standing) const noexcept;
    [[nodiscard]] bool has_tried(std::string_view script, std::string_view uri) const;
    [[nodiscard]] std::size_t count(Standing standing) const noexcept;
    /// Views into `script`, which is the script's bytes, or into this object.
    [[nodiscard]] Contact contact(std::string_view script, std::size_t n) const noexcept;

    /// The set in few bytes, and back again; false, and the set is useless, when they are wrong.
    void write(Writer& out) const;
    [[nodiscard]] bool read(Reader& in) noexcept;

private:
    bool append(const Entry& entry) noexcept;
    [[nodiscard]] bool store(std::string_view text, Range& to) noexcept;
    [[nodiscard]] std::string_view view(std::string_view script, const Range& range) const noexcept;
    void remove_equivalent(std::string_view script, std::string_view uri, Standing standing);

    [[nodiscard]] std::span<Entry> used() noexcept { return {entries_.data(), count_}; }
    [[nodiscard]] std::span<const Entry> used() const noexcept { return {entries_.data(), count_}; }

    std::array<Entry, kMaxLocations> entries_;
    std::uint16_t count_ = 0;  ///< entries in use, those that are gone included
    std::uint16_t text_used_ = 0;
    std::array<char, kLocationText> text_;
};

/// True for what a SIP server can forward to: sip, sips and tel.
[[nodiscard]] bool can_be_proxied(std::string_view uri);
/// "1.0", "0.953", "0.5"
[[nodiscard]] std::string quality_text(std::uint16_t priority);

}  // namespace fairlead::cpl
