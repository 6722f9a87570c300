// A DNS server for tests. SPDX-License-Identifier: Apache-2.0
#include "test/support/dns_server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "core/base/address.h"

namespace fairlead::test {
namespace {

constexpr unsigned kTruncated = 0x0200;

Fd bound(int type, std::uint16_t port) {
    Fd fd(::socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_storage to{};
    const auto size = Address::parse("127.0.0.1", port)->to(to);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&to), size) != 0) fd.reset();
    return fd;
}

std::uint16_t port_of(const Fd& fd) {
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    (void)::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&own), &size);
    return Address::from(reinterpret_cast<const sockaddr*>(&own)).port;
}

std::string key(const std::string& name, dns::Type type) {
    return std::string(dns::name(type)) + " " + name;
}

}  // namespace

DnsServer::DnsServer(Loop& loop) : loop_(loop) {
    // The port of the datagrams may be taken by somebody's stream.
    constexpr int kAttempts = 50;
    for (int i = 0; i < kAttempts && !tcp_; ++i) {
        udp_ = bound(SOCK_DGRAM, 0);
        port_ = port_of(udp_);
        tcp_ = bound(SOCK_STREAM, port_);
    }
    if (!tcp_ || ::listen(tcp_.get(), 16) != 0) throw std::runtime_error("no port for DNS");
    udp_watch_ = loop_.watch(udp_.get(), Loop::Interest::readable, *this);
    tcp_watch_ = loop_.watch(tcp_.get(), Loop::Interest::readable, *this);
}

std::string DnsServer::address() const {
    return "127.0.0.1:" + std::to_string(port_);
}

DnsServer::Row& DnsServer::row(const std::string& name, dns::Type type) {
    return rows_.try_emplace(key(name, type), Row{DnsPacket(name, type), Manner::answers})
        .first->second;
}

DnsServer& DnsServer::on(const std::string& name, dns::Type type, const DnsPacket& answer,
                         Manner manner) {
    row(name, type) = {answer, manner};
    return *this;
}

DnsServer& DnsServer::on(const std::string& name, dns::Type type, Manner manner) {
    row(name, type).manner = manner;
    return *this;
}

DnsServer& DnsServer::a(const std::string& name, const std::string& ip) {
    dns::Record record;
    record.address = *Address::parse(ip);
    const auto type = record.address.version == 4 ? dns::Type::a : dns::Type::aaaa;
    row(name, type).packet.answer(name, type, 60, record);
    return *this;
}

DnsServer& DnsServer::srv(const std::string& name, std::uint16_t priority, std::uint16_t weight,
                          std::uint16_t port, const std::string& target) {
    dns::Record record;
    record.priority = priority;
    record.weight = weight;
    record.port = port;
    record.name = target;
    row(name, dns::Type::srv).packet.answer(name, dns::Type::srv, 60, record);
    return *this;
}

void DnsServer::release() {
    for (const Held& held : std::exchange(held_, {})) send(held.back, held.bytes);
}

std::size_t DnsServer::times_asked(std::string_view question) const {
    return static_cast<std::size_t>(std::ranges::count(asked_, question));
}

void DnsServer::ready(int fd) noexcept {
    if (fd == udp_.get()) return datagram();
    if (fd == tcp_.get()) return accept();
    stream(fd);
}

void DnsServer::datagram() {
    std::array<char, 4096> buffer;
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const ssize_t n = ::recvfrom(udp_.get(), buffer.data(), buffer.size(), 0,
                                 reinterpret_cast<sockaddr*>(&from), &size);
    if (n <= 0) return;
    serve({buffer.data(), static_cast<std::size_t>(n)},
          {.address = std::string(reinterpret_cast<const char*>(&from), size)});
}

void DnsServer::accept() {
    Fd fd(::accept4(tcp_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return;
    const int number = fd.get();
    Client& client = clients_[number];
    client.fd = std::move(fd);
    client.watch = loop_.watch(number, Loop::Interest::readable, *this);
}

void DnsServer::stream(int fd) {
    Client& client = clients_[fd];
    std::array<char, 4096> buffer;
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n <= 0) {
        clients_.erase(fd);
        return;
    }
    client.bytes.append(buffer.data(), static_cast<std::size_t>(n));
    while (client.bytes.size() >= 2) {
        const std::size_t size = static_cast<unsigned char>(client.bytes[0]) * 256U +
                                 static_cast<unsigned char>(client.bytes[1]);
        if (client.bytes.size() < size + 2) break;
        const std::string query = client.bytes.substr(2, size);
        client.bytes.erase(0, size + 2);
        serve(query, {.stream = fd});
    }
}

DnsServer::Query DnsServer::read(std::string_view query) {
    constexpr std::size_t kHeader = 12;
    const auto byte = [&](std::size_t at) {
        return at < query.size() ? static_cast<unsigned char>(query[at]) : 0U;
    };
    Query q;
    q.id = static_cast<std::uint16_t>(byte(0) * 256U + byte(1));
    std::size_t at = kHeader;
    while (byte(at) != 0) {
        if (!q.name.empty()) q.name += '.';
        q.name += query.substr(at + 1, byte(at));
        at += byte(at) + 1;
    }
    q.type = static_cast<dns::Type>(byte(at + 1) * 256U + byte(at + 2));
    return q;
}

void DnsServer::serve(std::string_view query, const Back& back) {
    const Query q = read(query);
    const std::string question = key(dns::canonical(q.name), q.type);
    asked_.push_back(question + (back.stream >= 0 ? " tcp" : ""));
    const auto found = rows_.find(question);
    constexpr unsigned kNoSuchName = 3;
    Row row = found != rows_.end()
                  ? found->second
                  : Row{DnsPacket(q.name, q.type, kNoSuchName).zone("example", 60)};
    std::string bytes = row.packet.number(q.id).bytes();
    switch (row.manner) {
        case Manner::never: return;
        case Manner::held: held_.push_back({back, std::move(bytes)}); return;
        case Manner::truncated:
            if (back.stream < 0)
                bytes = DnsPacket(q.name, q.type).number(q.id).flag(kTruncated).bytes();
            break;
        case Manner::garbage: bytes = std::string(200, '\xff'); break;
        case Manner::cut: bytes.resize(bytes.size() / 2); break;
        case Manner::answers: break;
    }
    send(back, bytes);
}

void DnsServer::send(const Back& back, const std::string& bytes) {
    if (back.stream < 0) {
        (void)::sendto(udp_.get(), bytes.data(), bytes.size(), 0,
                       reinterpret_cast<const sockaddr*>(back.address.data()),
                       static_cast<socklen_t>(back.address.size()));
        return;
    }
    const std::string framed = dns_u16(static_cast<unsigned>(bytes.size())) + bytes;
    (void)::send(back.stream, framed.data(), framed.size(), MSG_NOSIGNAL);
}

}  // namespace fairlead::test
