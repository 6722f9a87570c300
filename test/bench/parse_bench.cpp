// How long it takes to index a message and to write replies and forwarded requests. Run by hand on
// an optimised build: not a test. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "core/sip/build.h"
#include "test/core/sip/messages.h"

using namespace fairlead;
using namespace fairlead::sip;

namespace {

/// Nanoseconds per call: the best of 20 rounds, the least disturbed one.
template <class Work>
void measure(const char* what, Work work) {
    constexpr int kRounds = 20, kCalls = 20'000;
    double best = 1e9;
    for (int round = 0; round < kRounds; ++round) {
        const auto begin = std::chrono::steady_clock::now();
        for (int i = 0; i < kCalls; ++i) work();
        const std::chrono::duration<double, std::nano> took =
            std::chrono::steady_clock::now() - begin;
        best = std::min(best, took.count() / kCalls);
    }
    std::printf("%-44s %7.0f ns\n", what, best);
}

}  // namespace

int main() {
    const std::string invite = test::invite(), reply = test::reply();
    static Message m;
    std::size_t sink = 0;
    char out[8192];

    std::printf("INVITE of 10 headers, %zu bytes\n", invite.size());
    measure("parse INVITE", [&] { sink += m.parse(invite) ? 1 : 0; });
    measure("parse reply", [&] { sink += m.parse(reply) ? 1 : 0; });
    if (m.parse(invite)) return 1;
    measure("parse Request-URI", [&] { sink += parse_uri(m.request_uri()) ? 1 : 0; });
    const Address source = *Address::parse("10.0.0.77", 5062);
    measure("write 100 with marked Via", [&] {
        char via[512];
        Writer mark(via, sizeof via), writer(out, sizeof out);
        sink += write_reply(
            writer, m,
            {.code = 100, .reason = "Trying", .top_via = mark_via(mark, m, source, false)});
    });
    measure("write forwarded INVITE", [&] {
        Writer writer(out, sizeof out);
        sink += write_request(writer, m, {},
                              {.request_uri = "sip:bob@10.0.0.9",
                               .via = "Via: SIP/2.0/UDP 10.0.0.8;branch=z9hG4bKabcdef.1\r\n",
                               .top_via_mark = ";received=10.0.0.77;rport=5062"});
    });
    return sink == 0 ? 1 : 0;
}
