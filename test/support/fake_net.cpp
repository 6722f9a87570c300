// Listeners without sockets. SPDX-License-Identifier: Apache-2.0
#include "test/support/fake_net.h"

#include <fmt/format.h>

#include <stdexcept>

#include "core/base/text.h"

namespace fairlead::test {

Address address(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    const bool has_port = colon != std::string_view::npos && !text.ends_with(']') &&
                          (text.starts_with('[') || text.find(':') == colon);
    const auto port = has_port ? text::parse_uint(text.substr(colon + 1), 65535).value() : 5060;
    const auto parsed =
        Address::parse(has_port ? text.substr(0, colon) : text, static_cast<std::uint16_t>(port));
    if (!parsed) throw std::invalid_argument(fmt::format("not an address: {}", text));
    return *parsed;
}

const Listener& FakeNet::listen(std::string_view text, std::string_view name,
                                std::string_view advertised_host, std::uint16_t advertised_port) {
    const std::size_t colon = text.find(':');
    const auto proto = parse_proto(text.substr(0, colon));
    if (!proto) throw std::invalid_argument(fmt::format("no protocol: {}", text));
    Listener l;
    l.index = static_cast<std::uint16_t>(listeners_.size());
    l.proto = *proto;
    l.address = address(text.substr(colon + 1));
    l.name = name;
    l.advertised_host = advertised_host.empty() ? l.address.ip_text(true) : advertised_host;
    l.advertised_port = advertised_port != 0 ? advertised_port : l.address.port;
    l.via_sent_by = l.advertised_port == default_port(l.proto)
                        ? l.advertised_host
                        : fmt::format("{}:{}", l.advertised_host, l.advertised_port);
    l.uri_text = text;
    listeners_.push_back(std::move(l));
    return listeners_.back();
}

const Listener* FakeNet::choose(Proto proto, const Address& to, std::uint16_t received_on,
                                std::uint16_t forced) const noexcept {
    const auto fits = [&](std::size_t index) {
        return index < listeners_.size() && listeners_[index].proto == carrier(proto) &&
               listeners_[index].address.version == to.version;
    };
    if (fits(forced)) return &listeners_[forced];
    if (fits(received_on)) return &listeners_[received_on];
    for (const Listener& l : listeners_) {
        if (fits(l.index)) return &l;
    }
    return nullptr;
}

bool FakeNet::is_myself(std::string_view host, std::uint16_t port, Proto proto) const noexcept {
    const auto numeric = Address::parse(host);
    for (const Listener& l : listeners_) {
        if (proto != Proto::none && carrier(proto) != l.proto &&
            (proto != Proto::ws || l.proto != Proto::tls))
            continue;
        const bool same_host =
            (numeric && numeric->same_ip(l.address)) || text::ci_equal(host, l.advertised_host);
        if (same_host && (port == 0 || port == l.address.port || port == l.advertised_port)) {
            return true;
        }
    }
    for (const Alias& a : aliases_) {
        if (text::ci_equal(host, a.host) && (port == 0 || a.port == 0 || port == a.port)) {
            return true;
        }
    }
    return false;
}

Sent FakeNet::send(const Target& target, std::string_view bytes,
                   const SendFailure& on_failure) noexcept {
    if (target.listener >= listeners_.size()) return Sent::no_socket;
    const bool fails = is_reliable(target.proto) && over_streams != Sent::queued;
    const Sent said = fails ? over_streams : verdict;
    if (said == Sent::queued) sent.push_back({target, std::string(bytes), on_failure});
    return said;
}

bool FakeNet::change_framing(std::uint32_t connection, std::unique_ptr<StreamCodec> codec,
                             Proto proto) noexcept {
    if (connection == 0) return false;
    changed = {connection, std::move(codec), proto};
    return true;
}

bool FakeNet::tell(std::uint32_t connection, std::string_view words) noexcept {
    if (connection == 0) return false;
    told.emplace_back(connection, words);
    return true;
}

}  // namespace fairlead::test
