// Batches of datagrams on real sockets, and what a successor finds of them after a death.
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstring>
#include <memory>
#include <string>

#include "core/event/fd.h"
#include "core/net/receive_batch.h"
#include "core/net/send_queue.h"

using namespace fairlead;
using fairlead::net::ReceiveBatch;
using fairlead::net::SendQueue;

namespace {

/// A UDP socket on a free port of the loopback.
struct Socket {
    Socket() : fd(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
        sockaddr_in any{};
        any.sin_family = AF_INET;
        any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(bind(fd.get(), reinterpret_cast<sockaddr*>(&any), sizeof any) == 0);
        sockaddr_storage name{};
        socklen_t size = sizeof name;
        REQUIRE(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&name), &size) == 0);
        address = Address::from(reinterpret_cast<sockaddr*>(&name));
    }
    [[nodiscard]] std::string take() const {
        std::array<char, 70'000> bytes;
        const auto size = recv(fd.get(), bytes.data(), bytes.size(), 0);
        return size < 0 ? "nothing" : std::string(bytes.data(), static_cast<std::size_t>(size));
    }
    void send_to(const Socket& other, std::string_view bytes) const {
        sockaddr_storage to{};
        const socklen_t size = other.address.to(to);
        REQUIRE(sendto(fd.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&to),
                       size) == static_cast<ssize_t>(bytes.size()));
    }
    Fd fd;
    Address address;
};

/// The first words of a batch say how far it is. Put back after a system call they are what a
/// process leaves that died behind it.
template <class T>
class Place {
public:
    explicit Place(const T& batch) { std::memcpy(words_.data(), &batch, sizeof words_); }
    void put_back(T& batch) const {
        std::memcpy(static_cast<void*>(&batch), words_.data(), sizeof words_);
    }
    std::uint32_t& word(std::size_t n) { return words_[n]; }

private:
    std::array<std::uint32_t, 3> words_;
};

std::size_t flush(SendQueue& queue, const Socket& from) {
    std::vector<SendQueue::Failed> failed;
    std::size_t sent = 0;
    REQUIRE(queue.flush(from.fd.get(), failed, sent) == SendQueue::Flush::done);
    REQUIRE(failed.empty());
    return sent;
}

}  // namespace

TEST_CASE("what is queued leaves in its order with one flush") {
    const auto queue = std::make_unique<SendQueue>();
    const Socket from, to;
    for (const char* text : {"one", "two", "three"}) REQUIRE(queue->put(to.address, text, {}));
    CHECK(flush(*queue, from) == 3);
    CHECK(queue->empty());
    CHECK(to.take() == "one");
    CHECK(to.take() == "two");
    CHECK(to.take() == "three");
}

TEST_CASE("a queue takes no more than its slots and its bytes, and is empty after a flush") {
    const auto queue = std::make_unique<SendQueue>();
    const Socket from, to;
    for (std::size_t i = 0; i < SendQueue::kSlots; ++i) REQUIRE(queue->put(to.address, "x", {}));
    CHECK_FALSE(queue->put(to.address, "x", {}));
    CHECK(flush(*queue, from) == SendQueue::kSlots);
    const std::string big(60'000, 'x');
    std::size_t fit = 0;
    while (queue->put(to.address, big, {})) ++fit;
    CHECK(fit == SendQueue::kBytes / big.size());
}

TEST_CASE("what the system refuses for good is reported once and does not stop the others") {
    const auto queue = std::make_unique<SendQueue>();
    const Socket from, to;
    SendFailure who;
    who.index = 7;
    REQUIRE(queue->put(*Address::parse("127.0.0.1", 0), "to port 0", who));
    REQUIRE(queue->put(to.address, "good", {}));
    std::vector<SendQueue::Failed> failed;
    std::size_t sent = 0;
    CHECK(queue->flush(from.fd.get(), failed, sent) == SendQueue::Flush::done);
    REQUIRE(failed.size() == 1);
    CHECK(failed[0].who.index == 7);
    CHECK(failed[0].error == EINVAL);
    CHECK(to.take() == "good");
}

TEST_CASE("a successor sends what was queued, and not again what had left") {
    const auto queue = std::make_unique<SendQueue>();
    const Socket from, to;
    REQUIRE(queue->put(to.address, "one", {}));
    REQUIRE(queue->put(to.address, "two", {}));
    Place place(*queue);
    REQUIRE(flush(*queue, from) == 2);
    place.put_back(*queue);  // died before it noted that they are gone
    queue->recover();
    CHECK(queue->empty());
    REQUIRE(queue->put(to.address, "three", {}));
    queue->recover();  // died before it sent this
    CHECK(flush(*queue, from) == 1);
    CHECK(to.take() == "one");
    CHECK(to.take() == "two");
    CHECK(to.take() == "three");
    CHECK(to.take() == "nothing");
}

TEST_CASE("datagrams are read in their order, with their sender and all their bytes") {
    const auto batch = std::make_unique<ReceiveBatch>();
    const Socket from, to;
    const std::string bytes("a\0b\xff", 4);
    from.send_to(to, bytes);
    from.send_to(to, "");
    from.send_to(to, std::string(60'000, 'y'));
    REQUIRE(batch->read(to.fd.get(), 4) == 3);
    CHECK(batch->listener() == 4);
    const auto first = batch->take();
    CHECK(first.bytes == bytes);
    CHECK(first.source == from.address);
    CHECK(batch->take().bytes.empty());
    CHECK(batch->take().bytes == std::string(60'000, 'y'));
    CHECK(batch->empty());
    CHECK(batch->read(to.fd.get(), 4) == 0);
}

TEST_CASE("a successor gets what was read and not taken") {
    const auto batch = std::make_unique<ReceiveBatch>();
    const Socket from, to;
    for (const char* text : {"one", "two", "three"}) from.send_to(to, text);
    REQUIRE(batch->read(to.fd.get(), 0) == 3);
    CHECK(batch->take().bytes == "one");
    batch->recover();
    CHECK(batch->take().bytes == "two");
    CHECK(batch->take().bytes == "three");
    CHECK(batch->empty());
}

TEST_CASE("a successor counts what a read brought that was cut short") {
    const auto batch = std::make_unique<ReceiveBatch>();
    const Socket from, to;
    from.send_to(to, "one");
    from.send_to(to, "two");
    REQUIRE(batch->read(to.fd.get(), 0) == 2);
    Place place(*batch);
    place.word(1) = 0;  // count_
    place.word(2) = 1;  // reading_
    place.put_back(*batch);
    batch->recover();
    REQUIRE_FALSE(batch->empty());
    CHECK(batch->take().bytes == "one");
    CHECK(batch->take().bytes == "two");
    CHECK(batch->empty());
}
