// Steering: the Call-ID is found in every spelling, and the kernel's filter agrees with the hash.
// SPDX-License-Identifier: Apache-2.0
#include "core/net/call_id.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <vector>

#include "core/base/address.h"
#include "core/net/steer_program.h"

using namespace fairlead;
using net::find_call_id;

namespace {

std::string request(const std::string& call_id_line, std::size_t padding = 0) {
    return "OPTIONS sip:call@a.test SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1" +
           std::string(padding, 'x') +
           "\r\nFrom: <sip:caller@a.test>;tag=1\r\nTo: <sip:b@a.test>\r\n" + call_id_line +
           "\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n" +
           "User-Agent: something long enough\r\n\r\n";
}

/// A group of sockets on one loopback port, and one that sends to it.
struct Group {
    std::vector<int> sockets;
    int sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_storage to{};
    socklen_t to_size = 0;

    explicit Group(std::size_t count) {
        Address address = *Address::parse("127.0.0.1");
        for (std::size_t i = 0; i < count; ++i) {
            const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            const int yes = 1;
            REQUIRE(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) == 0);
            to_size = address.to(to);
            REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&to), to_size) == 0);
            socklen_t size = sizeof to;
            getsockname(fd, reinterpret_cast<sockaddr*>(&to), &size);
            address = Address::from(reinterpret_cast<sockaddr*>(&to));
            sockets.push_back(fd);
        }
    }
    ~Group() {
        for (const int fd : sockets) close(fd);
        close(sender);
    }
    /// Sends and says which socket got it.
    std::size_t arrives_at(const std::string& message) {
        REQUIRE(sendto(sender, message.data(), message.size(), 0, reinterpret_cast<sockaddr*>(&to),
                       to_size) > 0);
        std::vector<pollfd> polls;
        for (const int fd : sockets) polls.push_back({fd, POLLIN, 0});
        REQUIRE(poll(polls.data(), polls.size(), 1000) == 1);
        for (std::size_t i = 0; i < polls.size(); ++i) {
            if (polls[i].revents == 0) continue;
            std::array<char, 4096> buffer{};
            REQUIRE(recv(sockets[i], buffer.data(), buffer.size(), 0) > 0);
            return i;
        }
        return sockets.size();
    }
};

}  // namespace

TEST_CASE("the Call-ID is found in every spelling") {
    CHECK(find_call_id(request("Call-ID: abc@host")) == "abc@host");
    CHECK(find_call_id(request("call-id:abc@host")) == "abc@host");
    CHECK(find_call_id(request("CALL-ID \t :   abc@host  ")) == "abc@host");
    CHECK(find_call_id(request("i: abc@host")) == "abc@host");
    CHECK(find_call_id(request("I :abc@host")) == "abc@host");
    CHECK(find_call_id(request("Call-ID:\r\n abc@host")) == "abc@host");
    CHECK(find_call_id("\r\n\r\n" + request("i: x")) == "x");
}

TEST_CASE("what is not the Call-ID header is not taken for it") {
    CHECK(find_call_id(request("Call-IDs: abc")).empty());
    CHECK(find_call_id(request("Identity: abc")).empty());
    CHECK(find_call_id(request("Subject: x\r\n Call-ID: folded")).empty());
    CHECK(find_call_id(request("Subject: Call-ID: all-in\r\nCall-Info: <x>\r\ni: 7")) == "7");
    CHECK(find_call_id(request("X: y") + "Call-ID: body\r\n").empty());
    CHECK(find_call_id(request("Call-ID:")).empty());
    CHECK(find_call_id("").empty());
    CHECK(find_call_id("\r\n").empty());
    CHECK(find_call_id("OPTIONS sip:a SIP/2.0\r\nCall-ID").empty());
}

TEST_CASE("calls spread over the workers") {
    std::array<int, 4> calls{};
    for (int i = 0; i < 4000; ++i)
        ++calls[net::owner_of(std::to_string(i) + "-4711@127.0.0.1", calls.size())];
    for (const int n : calls) CHECK((n > 850 && n < 1150));
}

TEST_CASE("the kernel delivers to the worker that the hash names") {
    Group group(4);
    const auto reach = net::attach_steering(group.sockets[0], group.sockets.size());
    REQUIRE(reach);
    CHECK(*reach >= 256);
    std::set<std::size_t> used;
    for (int i = 0; i < 64; ++i) {
        const std::string id = std::to_string(i * 7919) + "-x@127.0.0.1" +
                               std::string(static_cast<std::size_t>(i), 'y');
        const std::string name = i % 3 == 0 ? "CALL-ID:" : i % 3 == 1 ? "Call-ID: " : "call-id: ";
        // The padding moves the header through all alignments and out of the first group.
        const auto at = group.arrives_at(request(name + id, static_cast<std::size_t>(i)));
        CHECK(at == net::owner_of(id, group.sockets.size()));
        used.insert(at);
    }
    CHECK(used.size() == 4);
}

TEST_CASE("what the filter cannot read goes by flow, always to the same worker") {
    Group group(4);
    REQUIRE(net::attach_steering(group.sockets[0], group.sockets.size()));
    const auto at = group.arrives_at("short");
    for (int i = 0; i < 16; ++i) {
        CHECK(group.arrives_at(request("i: " + std::to_string(i))) == at);
        CHECK(group.arrives_at(request("Call-ID:  two spaces" + std::to_string(i))) == at);
        CHECK(group.arrives_at(request("Call-ID: x" + std::to_string(i), 2000)) == at);
    }
}
