// DNS messages for tests: answers put together record by record, as a name server sends them.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "core/net/dns_records.h"

namespace fairlead::test {

/// One answer. Names are written without compression.
class DnsPacket {
public:
    /// An answer to this question, without records.
    DnsPacket(std::string_view name, dns::Type type, unsigned code = 0);

    DnsPacket& answer(std::string_view owner, dns::Type type, std::uint32_t ttl,
                      std::string_view data);
    DnsPacket& authority(std::string_view owner, dns::Type type, std::uint32_t ttl,
                         std::string_view data);
    /// Of the type that `record` is of.
    DnsPacket& answer(std::string_view owner, dns::Type type, std::uint32_t ttl,
                      const dns::Record& record);
    /// With a zone's record, so that "no" may be remembered for `ttl` seconds.
    DnsPacket& zone(std::string_view owner, std::uint32_t ttl);
    DnsPacket& number(std::uint16_t id);
    DnsPacket& flag(std::uint16_t bits);  ///< 0x0200: truncated

    [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }

private:
    void record(std::string_view owner, dns::Type type, std::uint32_t ttl, std::string_view data);
    void count(std::size_t at);
    std::string bytes_;
};

[[nodiscard]] std::string dns_name(std::string_view name);
[[nodiscard]] std::string dns_u16(unsigned n);
[[nodiscard]] std::string dns_u32(std::uint32_t n);
/// The data of a record as they stand on the wire.
[[nodiscard]] std::string dns_data(dns::Type type, const dns::Record& record);

}  // namespace fairlead::test
