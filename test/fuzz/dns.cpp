// Fuzzes the reading of DNS messages and their way through the cache: bounds hold, names can be
// asked for, and what is packed comes out again. The first byte chooses the type.
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdint>
#include <string_view>

#include "core/net/dns_packed.h"
#include "core/net/dns_wire.h"
#include "test/fuzz/check.h"

using namespace fairlead::dns;
using fairlead::fuzz::check;

namespace {

constexpr std::array kTypes{Type::a,     Type::aaaa, Type::srv, Type::naptr,
                            Type::cname, Type::ptr,  Type::txt};

void read(std::string_view bytes, Type type) {
    const Answer answer = parse_answer(bytes, type);
    check(answer.records.size() <= kMaxRecords, "records are bounded");
    check(answer.ttl <= kMaxTtl, "the TTL is bounded");
    check((answer.status == Status::found) == !answer.records.empty(), "found means records");
    check(answer.alias.empty() || is_name(answer.alias), "an alias can be asked for");
    for (const Record& r : answer.records) {
        const bool is_address = type == Type::a || type == Type::aaaa;
        check(r.address.is_set() == is_address, "addresses are set where they belong");
        check(type == Type::txt || r.name.size() <= kMaxName, "names are bounded");
    }
    const Answer again = unpack(pack(answer));
    check(again.records == answer.records && again.alias == answer.alias, "packed as it was");
    (void)unpack(bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    read(bytes, kTypes[data[0] % kTypes.size()]);
    return 0;
}
