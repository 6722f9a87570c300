// P-Charging-Vector (RFC 7315 4.6). SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string_view>

#include "core/api/core.h"
#include "core/api/message.h"
#include "core/api/value.h"

namespace fairlead::siputils {

/// The one of a message: as it came, or as it was made here.
class ChargingVector {
public:
    enum class Part : std::uint8_t { all, value, genaddr, orig, term };

    void prepare(Core& core) {
        core_ = &core;
        slot_ = core.message_slot();
    }
    void remove(Message& m);
    /// Makes one when there is none.
    void generate(Message& m);
    [[nodiscard]] Value get(const Message& m, Part part) const;

private:
    /// What was done to one message, whose slot has this number.
    struct Made {
        std::uintptr_t number = 0;
        std::string_view line;  ///< in the message's arena; "" when it was removed
    };
    [[nodiscard]] const Made* made(const Message& m) const noexcept {
        return made_.number != 0 && m.slots[slot_] == made_.number ? &made_ : nullptr;
    }
    [[nodiscard]] std::string_view text(const Message& m) const;
    void note(Message& m, std::string_view line);

    Core* core_ = nullptr;
    std::size_t slot_ = 0;
    Made made_;
    std::uint32_t count_ = 0;
};

}  // namespace fairlead::siputils
