// P-Charging-Vector (RFC 7315 4.6). SPDX-License-Identifier: Apache-2.0
#include "modules/siputils/charging.h"

#include <fmt/format.h>

#include "core/api/sip.h"
#include "core/api/text.h"

namespace fairlead::siputils {

namespace {

constexpr std::string_view kName = "P-Charging-Vector";

}  // namespace

void ChargingVector::note(Message& m, std::string_view line) {
    made_ = {made_.number + 1, line};
    m.slots[slot_] = made_.number;
}

std::string_view ChargingVector::text(const Message& m) const {
    if (const Made* const known = made(m)) {
        std::string_view line = known->line;
        if (!line.empty()) line.remove_prefix(kName.size() + 2);
        return text::trim(line);
    }
    const sip::Header* const h = m.sip.header(kName);
    return h != nullptr && !m.edits.is_removed(*h) ? m.sip.value(*h) : std::string_view();
}

void ChargingVector::remove(Message& m) {
    for (std::size_t n = 0; const sip::Header* h = m.sip.header(kName, n); ++n) {
        if (!m.edits.is_removed(*h)) m.edits.remove(*h);
    }
    if (const Made* const known = made(m); known != nullptr && !known->line.empty()) {
        m.edits.change_text(known->line, "");
    }
    note(m, "");
}

void ChargingVector::generate(Message& m) {
    if (!text(m).empty()) return;
    // Unique by server, time, process and count.
    std::uint32_t address = 0;
    for (const std::uint8_t byte : m.received.local.ip) address = address * 257 + byte;
    const std::string line =
        fmt::format("{}: icid-value={:08X}{:08X}{:08X}{:08X}; icid-generated-at={}\r\n", kName,
                    address, static_cast<std::uint32_t>(core_->clock().unix_seconds()),
                    (std::uint32_t{core_->process().slot} << 24U) ^
                        static_cast<std::uint32_t>(core_->random().next()),
                    ++count_, m.received.local.ip_text());
    const std::string_view kept = m.arena.copy(line);
    m.edits.append_header(m.sip, kept);
    note(m, kept);
}

Value ChargingVector::get(const Message& m, Part part) const {
    const std::string_view all = text(m);
    if (all.empty()) return {};
    if (part == Part::all) return all;
    constexpr std::string_view kParams[] = {"", "icid-value", "icid-generated-at", "orig-ioi",
                                            "term-ioi"};
    const auto found = sip::find_param(all, kParams[static_cast<std::size_t>(part)]);
    return found && found->has_value ? Value(text::trim(found->value)) : Value();
}

}  // namespace fairlead::siputils
