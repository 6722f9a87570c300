// The compiled form of scripts: header, check sum, rules. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/script.h"

#include <algorithm>

#include "modules/cpl/rule_days.h"

namespace fairlead::cpl {

namespace {

constexpr std::string_view kMagic = "CPLB";
constexpr std::size_t kCheckedFrom = 16;

std::uint32_t check_of(std::string_view bytes) noexcept {
    const std::uint64_t hash = hash_of(bytes.substr(kCheckedFrom));
    return static_cast<std::uint32_t>(hash ^ hash >> 32U);
}

void put(std::string& bytes, std::size_t at, std::string_view field) {
    bytes.replace(at, field.size(), field);
}

/// What of a rule is written besides its first fields; a bit each, in this order.
enum Part : std::uint16_t {
    kTimes = 1,
    kMonth = 2,
    kMonthDay = 4,
    kWeekday = 8,
    kNth = 16,
    kWeek = 32,
    kYearDay = 64,
    kPosition = 128,
    kUntil = 256,
    kLast = 512,
};

template <class Sets>
bool any(const Sets& sets) {
    return std::ranges::any_of(sets, [](std::uint64_t word) { return word != 0; });
}

std::uint16_t parts_of(const Rule& r) {
    unsigned parts = 0;
    if (r.second != 0 || r.minute != 0 || r.hour != 0) parts |= kTimes;
    if (r.month != 0) parts |= kMonth;
    if (r.month_day != 0 || r.month_day_back != 0) parts |= kMonthDay;
    if (r.weekday != 0) parts |= kWeekday;
    if (any(r.nth) || any(r.nth_back)) parts |= kNth;
    if (r.week != 0 || r.week_back != 0) parts |= kWeek;
    if (any(r.year_day) || any(r.year_day_back)) parts |= kYearDay;
    if (any(r.position) || any(r.position_back)) parts |= kPosition;
    if (r.until_kind != Rule::Until::never) parts |= kUntil;
    if (r.last != std::numeric_limits<Instant>::max()) parts |= kLast;
    return static_cast<std::uint16_t>(parts);
}

template <class Sets>
void write_sets(Writer& out, const Sets& sets) {
    for (const std::uint64_t word : sets) out.u64(word);
}
template <class Sets>
void read_sets(Reader& in, Sets& sets) {
    for (std::uint64_t& word : sets) word = in.u64();
}

/// Bounds within which no arithmetic of the evaluation can overflow.
bool is_sane(const Rule& r) {
    constexpr std::int64_t kFar = 400 * 366 * kDaySeconds;
    const bool times = r.second != 0 && r.minute != 0 && r.hour != 0;
    return r.start > -kFar && r.start < kFar && r.seconds >= 0 && r.seconds < kFar && r.days >= 0 &&
           r.days < kFar / kDaySeconds && r.interval > 0 && r.interval <= 1000000 &&
           r.week_start < 7 && (r.freq == Freq::none || times) && (r.hour >> 24U) == 0 &&
           (r.minute >> 60U) == 0 && (r.second >> 60U) == 0;
}

}  // namespace

std::uint64_t hash_of(std::string_view text) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return hash;
}

std::optional<Script> Script::trusted(std::string_view bytes) noexcept {
    if (bytes.size() < kHeaderSize || !bytes.starts_with(kMagic)) return std::nullopt;
    Reader in(bytes, kMagic.size());
    if (in.u16() != kScriptVersion || in.u16() != 0) return std::nullopt;
    if (in.u32() != bytes.size()) return std::nullopt;
    return Script(bytes);
}

std::optional<Script> Script::load(std::string_view bytes) noexcept {
    const auto script = trusted(bytes);
    if (!script || Reader(bytes, 12).u32() != check_of(bytes)) return std::nullopt;
    return script;
}

void seal(std::string& bytes, Target incoming, Target outgoing, std::uint64_t source_hash) {
    Writer head;
    head.bytes() = kMagic;
    head.u16(kScriptVersion).u16(0).u32(bytes.size()).u32(0);
    head.u32(incoming).u32(outgoing).u64(source_hash);
    put(bytes, 0, head.bytes());
    Writer check;
    check.u32(check_of(bytes));
    put(bytes, 12, check.bytes());
}

std::string write_rule(const Rule& r) {
    Writer out;
    const std::uint16_t parts = parts_of(r);
    out.code(r.freq).code(r.until_kind).u8(r.week_start).u8(r.utc ? 1 : 0).u16(parts);
    out.u32(r.interval).u32(static_cast<std::uint32_t>(r.days));
    out.u64(static_cast<std::uint64_t>(r.seconds)).u64(static_cast<std::uint64_t>(r.start));
    if ((parts & kTimes) != 0) out.u64(r.second).u64(r.minute).u32(r.hour);
    if ((parts & kMonth) != 0) out.u16(r.month);
    if ((parts & kMonthDay) != 0) out.u32(r.month_day).u32(r.month_day_back);
    if ((parts & kWeekday) != 0) out.u8(r.weekday);
    if ((parts & kNth) != 0) {
        write_sets(out, r.nth);
        write_sets(out, r.nth_back);
    }
    if ((parts & kWeek) != 0) out.u64(r.week).u64(r.week_back);
    if ((parts & kYearDay) != 0) {
        write_sets(out, r.year_day);
        write_sets(out, r.year_day_back);
    }
    if ((parts & kPosition) != 0) {
        write_sets(out, r.position);
        write_sets(out, r.position_back);
    }
    if ((parts & kUntil) != 0) out.u64(static_cast<std::uint64_t>(r.until));
    if ((parts & kLast) != 0) out.u64(static_cast<std::uint64_t>(r.last));
    return out.bytes();
}

std::optional<Rule> read_rule(std::string_view bytes) noexcept {
    Reader in(bytes, 0);
    Rule r;
    r.freq = in.code(Freq::yearly);
    r.until_kind = in.code(Rule::Until::date);
    r.week_start = in.u8();
    r.utc = in.u8() != 0;
    const std::uint16_t parts = in.u16();
    r.interval = in.u32();
    r.days = static_cast<std::int32_t>(in.u32());
    r.seconds = static_cast<std::int64_t>(in.u64());
    r.start = static_cast<std::int64_t>(in.u64());
    if ((parts & kTimes) != 0) {
        r.second = in.u64();
        r.minute = in.u64();
        r.hour = in.u32();
    }
    if ((parts & kMonth) != 0) r.month = in.u16();
    if ((parts & kMonthDay) != 0) {
        r.month_day = in.u32();
        r.month_day_back = in.u32();
    }
    if ((parts & kWeekday) != 0) r.weekday = in.u8();
    if ((parts & kNth) != 0) {
        read_sets(in, r.nth);
        read_sets(in, r.nth_back);
    }
    if ((parts & kWeek) != 0) {
        r.week = in.u64();
        r.week_back = in.u64();
    }
    if ((parts & kYearDay) != 0) {
        read_sets(in, r.year_day);
        read_sets(in, r.year_day_back);
    }
    if ((parts & kPosition) != 0) {
        read_sets(in, r.position);
        read_sets(in, r.position_back);
    }
    if ((parts & kUntil) != 0) r.until = static_cast<std::int64_t>(in.u64());
    if ((parts & kLast) != 0) r.last = static_cast<std::int64_t>(in.u64());
    if (!in.ok() || !is_sane(r)) return std::nullopt;
    return r;
}

}  // namespace fairlead::cpl
