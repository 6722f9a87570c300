// Listeners without sockets: what is sent is kept for the test to look at.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/api/net.h"
#include "core/api/stream_codec.h"

namespace fairlead::test {

struct Packet {
    Target target;
    std::string bytes;
    SendFailure on_failure;
};

class FakeNet final : public Net {
public:
    /// "udp:127.0.0.1:5060", "udp:[::1]:5060". The address must be numeric.
    const Listener& listen(std::string_view text, std::string_view name = {},
                           std::string_view advertised_host = {},
                           std::uint16_t advertised_port = 0);
    /// One more name that is ours; port 0: any.
    void alias(std::string host, std::uint16_t port = 0) { aliases_.push_back({host, port}); }

    [[nodiscard]] std::span<const Listener> listeners() const noexcept override {
        return listeners_;
    }
    [[nodiscard]] const Listener* choose(Proto proto, const Address& to, std::uint16_t received_on,
                                         std::uint16_t forced) const noexcept override;
    [[nodiscard]] std::uint16_t profile_of(Message&, const Target&) noexcept override {
        return profile;
    }
    [[nodiscard]] bool is_myself(std::string_view host, std::uint16_t port,
                                 Proto proto) const noexcept override;
    Sent send(const Target& target, std::string_view bytes,
              const SendFailure& on_failure) noexcept override;

    void set_http(HttpHandler* handler) noexcept override { http = handler; }
    [[nodiscard]] bool serves_http() const noexcept override { return http != nullptr; }
    bool change_framing(std::uint32_t connection, std::unique_ptr<StreamCodec> codec,
                        Proto proto) noexcept override;
    bool tell(std::uint32_t connection, std::string_view words) noexcept override;

    /// Who serves HTTP; the last change of a framing; what codecs were told.
    HttpHandler* http = nullptr;
    struct Change {
        std::uint32_t connection = 0;
        std::unique_ptr<StreamCodec> codec;
        Proto proto = Proto::none;
    };
    Change changed;
    std::vector<std::pair<std::uint32_t, std::string>> told;
    /// What was sent and not yet taken, oldest first.
    std::deque<Packet> sent;
    /// What send() says from now on; packets are kept only while it is `queued`.
    Sent verdict = Sent::queued;
    /// The same for streams alone.
    Sent over_streams = Sent::queued;
    /// What profile_of() says.
    std::uint16_t profile = 0;

private:
    struct Alias {
        std::string host;
        std::uint16_t port;
    };
    std::vector<Listener> listeners_;
    std::vector<Alias> aliases_;
};

/// "192.0.2.1:5060" or "[2001:db8::1]:5060".
[[nodiscard]] Address address(std::string_view text);

}  // namespace fairlead::test
