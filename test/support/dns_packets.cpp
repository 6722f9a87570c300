// Writing DNS messages. SPDX-License-Identifier: Apache-2.0
#include "test/support/dns_packets.h"

#include <algorithm>

namespace fairlead::test {
namespace {

constexpr std::size_t kFlags = 2, kAnswers = 6, kAuthorities = 8;

std::string text(std::string_view s) {
    return std::string(1, static_cast<char>(s.size())) + std::string(s);
}

}  // namespace

std::string dns_u16(unsigned n) {
    return {static_cast<char>(n >> 8U & 0xffU), static_cast<char>(n & 0xffU)};
}

std::string dns_u32(std::uint32_t n) {
    return dns_u16(n >> 16U) + dns_u16(n & 0xffffU);
}

std::string dns_name(std::string_view name) {
    std::string bytes;
    while (!name.empty()) {
        const std::size_t dot = std::min(name.find('.'), name.size());
        bytes += text(name.substr(0, dot));
        name.remove_prefix(std::min(dot + 1, name.size()));
    }
    return bytes + '\0';
}

std::string dns_data(dns::Type type, const dns::Record& r) {
    switch (type) {
        case dns::Type::a:
        case dns::Type::aaaa: {
            const std::size_t size = type == dns::Type::a ? 4 : 16;
            return {r.address.ip.begin(), r.address.ip.begin() + size};
        }
        case dns::Type::srv:
            return dns_u16(r.priority) + dns_u16(r.weight) + dns_u16(r.port) + dns_name(r.name);
        case dns::Type::naptr:
            return dns_u16(r.priority) + dns_u16(r.weight) + text(r.flags) + text(r.service) +
                   text(r.regexp) + dns_name(r.name);
        case dns::Type::txt: return text(r.name);
        default: return dns_name(r.name);
    }
}

DnsPacket::DnsPacket(std::string_view name, dns::Type type, unsigned code) {
    bytes_ = dns_u16(0) + dns_u16(0x8180U | code) + dns_u16(1) + dns_u16(0) + dns_u16(0) +
             dns_u16(0) + dns_name(name) + dns_u16(static_cast<unsigned>(type)) + dns_u16(1);
}

void DnsPacket::record(std::string_view owner, dns::Type type, std::uint32_t ttl,
                       std::string_view data) {
    bytes_ += dns_name(owner) + dns_u16(static_cast<unsigned>(type)) + dns_u16(1) + dns_u32(ttl) +
              dns_u16(static_cast<unsigned>(data.size()));
    bytes_ += data;
}

void DnsPacket::count(std::size_t at) {
    const unsigned n = static_cast<unsigned char>(bytes_[at]) * 256U +
                       static_cast<unsigned char>(bytes_[at + 1]) + 1U;
    bytes_.replace(at, 2, dns_u16(n));
}

DnsPacket& DnsPacket::answer(std::string_view owner, dns::Type type, std::uint32_t ttl,
                             std::string_view data) {
    count(kAnswers);
    record(owner, type, ttl, data);
    return *this;
}

DnsPacket& DnsPacket::answer(std::string_view owner, dns::Type type, std::uint32_t ttl,
                             const dns::Record& r) {
    return answer(owner, type, ttl, dns_data(type, r));
}

DnsPacket& DnsPacket::authority(std::string_view owner, dns::Type type, std::uint32_t ttl,
                                std::string_view data) {
    count(kAuthorities);
    record(owner, type, ttl, data);
    return *this;
}

DnsPacket& DnsPacket::zone(std::string_view owner, std::uint32_t ttl) {
    return authority(owner, dns::Type::soa, ttl,
                     dns_name("ns") + dns_name("admin") + dns_u32(1) + dns_u32(1) + dns_u32(1) +
                         dns_u32(1) + dns_u32(ttl));
}

DnsPacket& DnsPacket::number(std::uint16_t id) {
    bytes_.replace(0, 2, dns_u16(id));
    return *this;
}

DnsPacket& DnsPacket::flag(std::uint16_t bits) {
    bytes_[kFlags] = static_cast<char>(static_cast<unsigned char>(bytes_[kFlags]) | bits >> 8U);
    bytes_[kFlags + 1] =
        static_cast<char>(static_cast<unsigned char>(bytes_[kFlags + 1]) | (bits & 0xffU));
    return *this;
}

}  // namespace fairlead::test
