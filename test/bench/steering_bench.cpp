// Load from one address for measuring steering: many calls, each with numbered requests, kept at a
// fixed number in flight; says how fast they are answered and whether any overtook another.
//
//     steering_bench PORT CALLS IN_FLIGHT SECONDS
//
// The server answers every request statelessly, so replies of a call come in the order in which its
// worker handled the requests. Run by test/bench/steering.py.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/address.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/event/fd.h"

using namespace fairlead;

namespace {

constexpr std::size_t kBatch = 32;

struct Options {
    std::uint16_t port;
    std::size_t calls, in_flight;
    Ms time;
};

/// The number behind `name` in a reply; the texts are ours, so they are there.
std::uint64_t number_behind(std::string_view reply, std::string_view name) {
    const auto at = reply.find(name);
    if (at == std::string_view::npos) return 0;
    std::uint64_t n = 0;
    for (std::size_t i = at + name.size(); i < reply.size() && text::is_digit(reply[i]); ++i)
        n = n * 10 + static_cast<std::uint64_t>(reply[i] - '0');
    return n;
}

class Load {
public:
    Load(const Options& options)
        : options_(options),
          socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
          sent_(options.calls),
          seen_(options.calls) {
        Address to = *Address::parse("127.0.0.1", options.port);
        sockaddr_storage address;
        const auto size = to.to(address);
        const int buffer = 4 << 20;
        setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
        ok_ = connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0;
        for (auto& buffer_bytes : in_) buffer_bytes.resize(2048);
    }

    bool run() {
        const SystemClock clock;
        const Ms begin = clock.now();
        Ms now = begin;
        while (ok_ && now - begin < options_.time) {
            fill();
            if (!receive()) lost_ += flying_, flying_ = 0;  // nothing for a second
            now = clock.now();
        }
        const double seconds = static_cast<double>((now - begin).count()) / 1000;
        rusage used{};
        getrusage(RUSAGE_SELF, &used);
        const auto nanoseconds = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1'000'000'000 +
                                 (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000;
        // On loopback the kernel delivers, and filters, in the time of the sender.
        fmt::print("client_ns {} ", nanoseconds / static_cast<std::int64_t>(answered_ + 1));
        fmt::print("answered {} rate {:.0f} overtaken {} lost {}\n", answered_,
                   static_cast<double>(answered_) / seconds, overtaken_, lost_);
        return ok_ && answered_ > 0;
    }

private:
    std::string request() {
        const std::size_t call = next_++ % options_.calls;
        const auto cseq = ++sent_[call];
        return fmt::format(
            "OPTIONS sip:service@127.0.0.1:5060 SIP/2.0\r\n"
            "Via: SIP/2.0/UDP 127.0.0.1:6060;branch=z9hG4bK-{0}-{1};rport\r\n"
            "Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK-up-{0}-{1};received=192.0.2.7\r\n"
            "Max-Forwards: 69\r\nFrom: \"Trunk\" <sip:trunk@192.0.2.7>;tag=t{0}\r\n"
            "To: <sip:service@127.0.0.1>\r\nCall-ID: c{0}-9f86d081884c7d65@192.0.2.7\r\n"
            "CSeq: {1} OPTIONS\r\nContact: <sip:trunk@192.0.2.7:5060>\r\n"
            "User-Agent: load\r\nContent-Length: 0\r\n\r\n",
            call, cseq);
    }
    void fill() {
        while (flying_ + kBatch <= options_.in_flight) {
            std::array<std::string, kBatch> texts;
            std::array<iovec, kBatch> pieces{};
            std::array<mmsghdr, kBatch> headers{};
            for (std::size_t i = 0; i < kBatch; ++i) {
                texts[i] = request();
                pieces[i] = {texts[i].data(), texts[i].size()};
                headers[i].msg_hdr.msg_iov = &pieces[i];
                headers[i].msg_hdr.msg_iovlen = 1;
            }
            const int n = sendmmsg(socket_.get(), headers.data(), kBatch, 0);
            ok_ = n == static_cast<int>(kBatch);
            flying_ += kBatch;
            if (!ok_) return;
        }
    }
    bool receive() {
        pollfd waiting{socket_.get(), POLLIN, 0};
        if (poll(&waiting, 1, 1000) != 1) return false;
        std::array<iovec, kBatch> pieces{};
        std::array<mmsghdr, kBatch> headers{};
        for (std::size_t i = 0; i < kBatch; ++i) {
            pieces[i] = {in_[i].data(), in_[i].size()};
            headers[i].msg_hdr.msg_iov = &pieces[i];
            headers[i].msg_hdr.msg_iovlen = 1;
        }
        const int n = recvmmsg(socket_.get(), headers.data(), kBatch, MSG_DONTWAIT, nullptr);
        for (int i = 0; i < n; ++i) {
            const auto k = static_cast<std::size_t>(i);
            take({in_[k].data(), headers[k].msg_len});
        }
        return n > 0;
    }
    void take(std::string_view reply) {
        const auto call = number_behind(reply, "Call-ID: c");
        const auto cseq = number_behind(reply, "CSeq: ");
        if (call >= seen_.size()) return;
        ++answered_;
        flying_ -= std::min<std::size_t>(flying_, 1);
        if (cseq < seen_[call]) ++overtaken_;
        seen_[call] = std::max(seen_[call], cseq);
    }

    Options options_;
    Fd socket_;
    bool ok_ = false;
    std::vector<std::uint64_t> sent_, seen_;
    std::array<std::string, kBatch> in_;
    std::size_t next_ = 0, flying_ = 0;
    std::uint64_t answered_ = 0, overtaken_ = 0, lost_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        fmt::print(stderr, "usage: {} PORT CALLS IN_FLIGHT SECONDS\n", argv[0]);
        return 2;
    }
    const auto number = [&](int i) { return text::parse_uint(argv[i], 1'000'000).value_or(0); };
    const Options options{
        static_cast<std::uint16_t>(number(1)), std::max<std::size_t>(number(2), 1),
        std::max<std::size_t>(number(3), kBatch), Ms(static_cast<std::int64_t>(number(4)) * 1000)};
    return Load(options).run() ? 0 : 1;
}
