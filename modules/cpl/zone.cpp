// Time zones through libical. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/zone.h"

#include <libical/ical.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <string>

namespace fairlead::cpl {

namespace {

constexpr std::int64_t kDay = 86400;
constexpr std::size_t kMaxName = 64;

/// A name becomes part of a file's name inside libical.
bool is_safe(std::string_view name) {
    if (name.empty() || name.size() > kMaxName || name.front() == '/') return false;
    if (name.contains("..")) return false;
    return std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '/' || c == '_' || c == '-' || c == '+';
    });
}

std::int64_t server_offset(Instant at) {
    const std::time_t seconds = at;
    std::tm fields{};
    return localtime_r(&seconds, &fields) == nullptr ? 0 : fields.tm_gmtoff;
}

}  // namespace

std::optional<Zone> Zone::find(std::string_view name) {
    if (name == "UTC" || name == "Etc/UTC") return utc();
    if (!is_safe(name)) return std::nullopt;
    icaltimezone* const found =
        icaltimezone_get_builtin_timezone(std::string(name).c_str());  // never freed: libical's own
    if (found == nullptr || icaltimezone_get_component(found) == nullptr) return std::nullopt;
    return Zone(Kind::named, found);
}

void Zone::read_all() {
    namespace fs = std::filesystem;
    const char* const folder = icaltzutil_get_zone_directory();
    if (folder == nullptr) return;
    std::error_code error;
    for (auto it = fs::recursive_directory_iterator(folder, error);
         !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
        // The database again, with and without leap seconds.
        const std::string last = it->path().filename().string();
        if (last == "posix" || last == "right") it.disable_recursion_pending();
        if (it->is_regular_file(error))
            (void)find(it->path().lexically_relative(folder).generic_string());
        error.clear();
    }
}

std::optional<std::string_view> Zone::known_name(std::string_view tzid) {
    if (!tzid.starts_with('/')) return find(tzid) ? std::optional(tzid) : std::nullopt;
    for (std::size_t slash = 0; slash != tzid.npos; slash = tzid.find('/', slash + 1)) {
        const std::string_view rest = tzid.substr(slash + 1);
        if (find(rest)) return rest;
    }
    return std::nullopt;
}

Zone Zone::noting(KnownOffsets& offsets) const noexcept {
    Zone zone = *this;
    zone.offsets_ = &offsets;
    return zone;
}

std::int64_t Zone::offset(Instant at) const {
    if (kind_ == Kind::utc) return 0;
    return offsets_ == nullptr ? offset_by_rules(at) : offsets_->at(*this, at);
}

std::int64_t Zone::offset_by_rules(Instant at) const {
    if (kind_ == Kind::server) return server_offset(at);
    icaltimetype fields = icaltime_from_timet_with_zone(at, 0, icaltimezone_get_utc_timezone());
    int daylight = 0;
    return icaltimezone_get_utc_offset_of_utc_time(rules_, &fields, &daylight);
}

std::optional<Instant> Zone::instant(Local wall) const {
    const std::int64_t before = offset(wall - kDay), after = offset(wall + kDay);
    const bool by_before = offset(wall - before) == before;
    const bool by_after = offset(wall - after) == after;
    if (by_before && by_after) return wall - std::max(before, after);
    if (by_before) return wall - before;
    if (by_after) return wall - after;
    return std::nullopt;
}

Instant Zone::nearest(Local wall) const {
    return instant(wall).value_or(wall - offset(wall - kDay));
}

std::int64_t KnownOffsets::at(const Zone& zone, Instant at) {
    if (at < 0) return zone.offset_by_rules(at);
    const std::int64_t number = at >> kLengthBits;
    Span& known = spans_[static_cast<std::size_t>(number) % kSpans];
    if (known.number != number) known = span(zone, number);
    return at - (number << kLengthBits) < known.change ? known.before : known.after;
}

KnownOffsets::Span KnownOffsets::span(const Zone& zone, std::int64_t number) {
    const Instant begin = number << kLengthBits;
    const auto offset = [&](std::int64_t second) {
        return static_cast<std::int32_t>(zone.offset_by_rules(begin + second));
    };
    const std::int32_t before = offset(0), after = offset(kLength - 1);
    // Between `same` and `change` the clocks change, if they do at all.
    std::int64_t same = before == after ? kLength : 0, change = kLength;
    while (change - same > 1) {
        const std::int64_t middle = (same + change) / 2;
        (offset(middle) == before ? same : change) = middle;
    }
    return {number, static_cast<std::int32_t>(change), before, after};
}

std::optional<Zone> Zones::find(std::string_view name) {
    if (const auto known = zones_.find(name); known != zones_.end()) return known->second.zone;
    const auto zone = name.empty() ? Zone::server() : Zone::find(name);
    if (!zone) return std::nullopt;
    auto offsets = std::make_unique<KnownOffsets>();
    const Zone noting = zone->noting(*offsets);
    zones_.emplace(name, Known{noting, std::move(offsets)});
    return noting;
}

}  // namespace fairlead::cpl
