// Mail between processes, as the engine sees it. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string_view>

namespace fairlead {
enum class MailId : std::uint16_t;
}

namespace fairlead::proc {

/// Any process gives a record to the one in `slot`.
class Post {
public:
    /// False when there is no such slot, or its mailbox is full.
    virtual bool post(std::uint16_t slot, MailId to, std::string_view bytes) noexcept = 0;

protected:
    ~Post() = default;
};

}  // namespace fairlead::proc
