// The location set. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/location_set.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/api/sip.h"
#include "modules/cpl/conditions.h"
#include "modules/cpl/script.h"

namespace fairlead::cpl {

std::string_view LocationSet::view(std::string_view script, const Range& range) const noexcept {
    const std::string_view all =
        range.in_script ? script : std::string_view(text_.data(), text_used_);
    return range.at > all.size() ? std::string_view() : all.substr(range.at, range.size);
}

bool LocationSet::store(std::string_view text, Range& to) noexcept {
    if (text.size() > text_.size() - text_used_) return false;
    std::ranges::copy(text, text_.begin() + text_used_);
    to = {text_used_, static_cast<std::uint16_t>(text.size()), false};
    text_used_ = static_cast<std::uint16_t>(text_used_ + text.size());
    return true;
}

bool LocationSet::append(const Entry& entry) noexcept {
    if (count_ == entries_.size()) {
        // Behind those that are gone there may be room; order must stay that of addition.
        const auto gone = std::ranges::remove(used(), Standing::gone, &Entry::standing);
        count_ = static_cast<std::uint16_t>(count_ - gone.size());
        if (count_ == entries_.size()) return false;
    }
    entries_[count_++] = entry;
    return true;
}

bool LocationSet::add(std::string_view script, const Contact& contact, Standing standing) {
    remove_equivalent(script, contact.uri, standing);
    const std::uint16_t used = text_used_;
    Entry entry{.uri = {},
                .received = {},
                .path = {},
                .flags = contact.flags,
                .priority = std::min<std::uint16_t>(contact.priority, 1000),
                .listener = contact.listener,
                .standing = standing};
    const bool stored = store(contact.uri, entry.uri) && store(contact.received, entry.received) &&
                        store(contact.path, entry.path) && append(entry);
    if (!stored) text_used_ = used;
    return stored;
}

bool LocationSet::add_constant(std::string_view script, std::uint32_t at, std::uint16_t size,
                               std::uint16_t priority) {
    const Entry entry{.uri = {at, size, true},
                      .received = {},
                      .path = {},
                      .flags = 0,
                      .priority = std::min<std::uint16_t>(priority, 1000),
                      .listener = kAnyListener,
                      .standing = Standing::in_set};
    remove_equivalent(script, view(script, entry.uri), Standing::in_set);
    return append(entry);
}

void LocationSet::remove_equivalent(std::string_view script, std::string_view uri,
                                    Standing standing) {
    for (std::size_t i = 0; i < count_; ++i)
        if (entries_[i].standing == standing && same_uri(view(script, entries_[i].uri), uri))
            entries_[i].standing = Standing::gone;
}

void LocationSet::remove(std::string_view script, std::string_view uri) {
    remove_equivalent(script, uri, Standing::in_set);
}

void LocationSet::change(Standing from, Standing to) noexcept {
    for (Entry& entry : used())
        if (entry.standing == from) entry.standing = to;
}

LocationSet::List LocationSet::best_first(Standing standing) const noexcept {
    List list;
    for (std::size_t i = 0; i < count_; ++i)
        if (entries_[i].standing == standing)
            list.entry[list.count++] = static_cast<std::uint8_t>(i);
    // Insertion: few entries, and equal ones must keep their order without memory for it.
    for (std::size_t i = 1; i < list.count; ++i)
        for (std::size_t j = i;
             j > 0 && entries_[list.entry[j - 1]].priority < entries_[list.entry[j]].priority; --j)
            std::swap(list.entry[j - 1], list.entry[j]);
    return list;
}

bool LocationSet::has_tried(std::string_view script, std::string_view uri) const {
    return std::ranges::any_of(used(), [&](const Entry& entry) {
        return (entry.standing == Standing::tried || entry.standing == Standing::target) &&
               same_uri(view(script, entry.uri), uri);
    });
}

std::size_t LocationSet::count(Standing standing) const noexcept {
    return static_cast<std::size_t>(std::ranges::count(used(), standing, &Entry::standing));
}

Contact LocationSet::contact(std::string_view script, std::size_t n) const noexcept {
    const Entry& entry = entries_[n];
    return {.uri = view(script, entry.uri),
            .priority = entry.priority,
            .received = view(script, entry.received),
            .path = view(script, entry.path),
            .flags = entry.flags,
            .listener = entry.listener};
}

void LocationSet::write(Writer& out) const {
    out.text({text_.data(), text_used_}).u16(count_);
    for (std::size_t i = 0; i < count_; ++i) {
        const Entry& entry = entries_[i];
        for (const Range* range : {&entry.uri, &entry.received, &entry.path})
            out.u32(range->at).u16(range->size).u8(range->in_script ? 1 : 0);
        out.u32(entry.flags).u16(entry.priority).u16(entry.listener).code(entry.standing);
    }
}

bool LocationSet::read(Reader& in) noexcept {
    const std::string_view text = in.text();
    const std::size_t count = in.u16();
    if (!in.ok() || text.size() > text_.size() || count > entries_.size()) return false;
    std::ranges::copy(text, text_.begin());
    text_used_ = static_cast<std::uint16_t>(text.size());
    count_ = static_cast<std::uint16_t>(count);
    for (std::size_t i = 0; i < count; ++i) {
        Entry& entry = entries_[i];
        for (Range* range : {&entry.uri, &entry.received, &entry.path}) {
            range->at = in.u32();
            range->size = in.u16();
            range->in_script = in.u8() != 0;
        }
        entry.flags = in.u32();
        entry.priority = in.u16();
        entry.listener = in.u16();
        entry.standing = in.code(Standing::tried);
    }
    return in.ok();
}

bool can_be_proxied(std::string_view uri) {
    const auto parsed = sip::parse_uri(uri);
    return parsed && parsed->scheme != sip::Scheme::other;
}

std::string quality_text(std::uint16_t priority) {
    std::string text = fmt::format("{}.{:03}", priority / 1000, priority % 1000);
    while (text.ends_with('0') && !text.ends_with(".0")) text.pop_back();
    return text;
}

}  // namespace fairlead::cpl
