// The Route values of a request.
// SPDX-License-Identifier: Apache-2.0
#include "modules/rr/route_set.h"

#include <algorithm>
#include <span>

namespace fairlead::rr {

namespace {

std::uint32_t offset_of(const Message& m, std::string_view part) noexcept {
    return static_cast<std::uint32_t>(part.data() - m.sip.bytes().data());
}
std::uint32_t end_of(const Message& m, std::string_view part) noexcept {
    return offset_of(m, part) + static_cast<std::uint32_t>(part.size());
}

/// The values of one header field, some of which go.
void write_field(Message& m, std::span<const RouteValue> values) {
    const auto kept = [](const RouteValue& v) { return !v.removed; };
    const auto last_kept = std::find_if(values.rbegin(), values.rend(), kept);
    if (last_kept == values.rend()) {
        m.edits.remove(*values.front().header);
        return;
    }
    const auto behind = last_kept.base();  // those from here on go, with the comma before them
    for (auto v = values.begin(); v + 1 < behind; ++v) {
        if (!v->removed) continue;
        const std::uint32_t from = offset_of(m, v->text);
        m.edits.replace(from, offset_of(m, (v + 1)->text) - from, {});
    }
    if (behind == values.end()) return;
    const std::uint32_t from = end_of(m, last_kept->text);
    m.edits.replace(from, end_of(m, values.back().text) - from, {});
}

}  // namespace

bool RouteSet::read(const Message& m) noexcept {
    count_ = 0;
    for (std::size_t n = 0; const sip::Header* h = m.sip.header(sip::HeaderType::route, n); ++n) {
        if (m.edits.is_removed(*h)) continue;
        std::string_view rest = m.sip.value(*h);
        while (const auto value = sip::next_value(rest)) {
            const auto parsed = sip::parse_name_addr(*value);
            if (!parsed || parsed->uri.empty() || count_ == values_.size()) return false;
            values_[count_++] = {h, *value, parsed->uri, false};
        }
    }
    return true;
}

RouteValue* RouteSet::at(std::size_t n) noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
        if (!values_[i].removed && n-- == 0) return &values_[i];
    }
    return nullptr;
}

RouteValue* RouteSet::last() noexcept {
    for (std::size_t i = count_; i > 0; --i) {
        if (!values_[i - 1].removed) return &values_[i - 1];
    }
    return nullptr;
}

void RouteSet::write(Message& m) const {
    const std::span<const RouteValue> all(values_.data(), count_);
    for (std::size_t begin = 0; begin < count_;) {
        std::size_t end = begin + 1;
        while (end < count_ && all[end].header == all[begin].header) ++end;
        const auto field = all.subspan(begin, end - begin);
        if (std::ranges::any_of(field, &RouteValue::removed)) write_field(m, field);
        begin = end;
    }
}

void RouteSet::push_back(Message& m, std::string_view uri) const {
    if (count_ == 0) return;
    m.edits.insert_after(*values_[count_ - 1].header, m.arena.concat({"Route: <", uri, ">\r\n"}));
}

}  // namespace fairlead::rr
