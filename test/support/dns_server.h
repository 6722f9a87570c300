// A small DNS server on loopback, for tests: it answers what it was told, late, wrongly or never.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/event/fd.h"
#include "core/event/loop.h"
#include "test/support/dns_packets.h"

namespace fairlead::test {

/// Datagrams and streams on one port of 127.0.0.1. What it was told nothing about does not exist.
class DnsServer final : Watcher {
public:
    explicit DnsServer(Loop& loop);
    DnsServer(const DnsServer&) = delete;
    DnsServer& operator=(const DnsServer&) = delete;

    enum class Manner : std::uint8_t {
        answers,
        never,      ///< it is silent
        held,       ///< it answers when release() is called
        truncated,  ///< datagrams say that there is more, streams have it
        garbage,    ///< its bytes are no DNS message
        cut,        ///< half of the answer
    };
    DnsServer& on(const std::string& name, dns::Type type, const DnsPacket& answer,
                  Manner manner = Manner::answers);
    DnsServer& on(const std::string& name, dns::Type type, Manner manner);
    /// An address, with a TTL of 60 s.
    DnsServer& a(const std::string& name, const std::string& ip);
    DnsServer& srv(const std::string& name, std::uint16_t priority, std::uint16_t weight,
                   std::uint16_t port, const std::string& target);
    void release();

    [[nodiscard]] std::string address() const;  ///< "127.0.0.1:port"
    /// "A host.example", "SRV … tcp": what was asked, in order; streams are marked.
    [[nodiscard]] const std::vector<std::string>& asked() const noexcept { return asked_; }
    [[nodiscard]] std::size_t times_asked(std::string_view question) const;

private:
    struct Row {
        DnsPacket packet;
        Manner manner = Manner::answers;
    };
    struct Query {
        std::uint16_t id = 0;
        std::string name;
        dns::Type type = dns::Type::none;
    };
    struct Client {
        Fd fd;
        Watch watch;
        std::string bytes;
    };
    /// Where an answer goes: a datagram's sender, or a stream.
    struct Back {
        std::string address;
        int stream = -1;
    };
    struct Held {
        Back back;
        std::string bytes;
    };

    void ready(int fd) noexcept override;
    void datagram();
    void accept();
    void stream(int fd);
    void serve(std::string_view query, const Back& back);
    void send(const Back& back, const std::string& bytes);
    Row& row(const std::string& name, dns::Type type);
    [[nodiscard]] static Query read(std::string_view query);

    Loop& loop_;
    std::uint16_t port_ = 0;
    Fd udp_, tcp_;
    Watch udp_watch_, tcp_watch_;
    std::map<int, Client> clients_;
    std::map<std::string, Row> rows_;
    std::vector<Held> held_;
    std::vector<std::string> asked_;
};

}  // namespace fairlead::test
