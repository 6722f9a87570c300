// What relaying a call costs inside the process: user time per message through a whole engine with
// a fake network. `tm_bench [calls]`. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <time.h>

#include <chrono>
#include <string>
#include <vector>

#include "core/base/text.h"
#include "test/modules/tm/call.h"

namespace {

using namespace fairlead;

/// CPU time of this process: other load on the machine does not count.
std::chrono::nanoseconds cpu_time() {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

struct Sum {
    std::string_view what;
    std::chrono::nanoseconds spent{};
    std::size_t count = 0;

    template <class F>
    void time(F work) {
        const auto from = cpu_time();
        work();
        spent += cpu_time() - from;
        ++count;
    }
    void print() const {
        fmt::print("{:<22} {:>8.2f} us\n", what,
                   static_cast<double>(spent.count()) / 1000.0 / static_cast<double>(count));
    }
};

std::string invite(std::size_t n) {
    return test::Request("INVITE", "sip:service@192.0.2.2:5060")
        .branch(fmt::format("z9hG4bK-12345-{}-0", n))
        .from_tag(fmt::format("12345SIPpTag00{}", n))
        .call_id(fmt::format("{}-12345@192.0.2.1", n))
        .header("Contact", "<sip:sipp@192.0.2.1:5060>")
        .header("Subject", "Performance Test")
        .body(
            "v=0\r\no=user1 53655765 2353687637 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n"
            "t=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n")
        .str();
}

}  // namespace

int main(int argc, char** argv) {
    const std::size_t calls = argc > 1 ? text::parse_uint(argv[1], 10'000'000).value_or(0) : 20'000;
    test::TmHost host(512 << 20);
    host.param("tm", "hash_size", 32768);
    host.relay_all();
    Sum begin{"INVITE (and its 100)"}, ringing{"180"}, ok{"200"}, timers{"10 ms of timers"};
    for (std::size_t n = 0; n < calls; ++n) {
        const std::string request = invite(n);
        begin.time([&] { host.receive(request); });
        (void)host.take();
        const std::string sent = host.take().bytes;
        const std::string r180 = test::reply(sent, 180, "Ringing");
        const std::string r200 = test::reply(sent, 200, "OK");
        ringing.time([&] { host.receive(r180, test::kCallee); });
        ok.time([&] { host.receive(r200, test::kCallee); });
        host.discard_sent();
        if (n % 10 == 0) timers.time([&] { host.advance(Ms(10)); });
    }
    for (const Sum& sum : {begin, ringing, ok, timers}) sum.print();
    return 0;
}
