// What stands in front of the sockets: notes in the trace what leaves.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <memory>
#include <string_view>

#include "core/api/net.h"
#include "core/api/trace.h"
#include "core/sip/build.h"
#include "core/sip/message.h"

namespace fairlead::server {

/// "INVITE sip:b@example.org SIP/2.0", and where from or to. For an event.
class TraceLine {
public:
    TraceLine(std::string_view message, std::string_view preposition, Proto proto,
              const Address& address) noexcept
        : out_(text_.data(), text_.size()) {
        constexpr std::size_t kMaxLine = 160;
        const std::string_view line = message.substr(0, message.find_first_of("\r\n"));
        out_.put(line.substr(0, kMaxLine));
        if (line.size() > kMaxLine) out_.put("…");
        out_.put(' ').put(preposition).put(' ').put(name(proto)).put(':').put(address.text());
    }
    [[nodiscard]] std::string_view text() const noexcept { return out_.text(); }

private:
    std::array<char, Trace::kMaxText> text_;
    sip::Writer out_;
};

/// One per process; passes everything on.
class TracedNet final : public Net {
public:
    explicit TracedNet(Net& net) noexcept : net_(net) {}
    /// Null: nothing is noted.
    void set_trace(Trace* trace) noexcept { trace_ = trace; }

    [[nodiscard]] std::span<const Listener> listeners() const noexcept override {
        return net_.listeners();
    }
    [[nodiscard]] const Listener* choose(Proto proto, const Address& to, std::uint16_t received_on,
                                         std::uint16_t forced) const noexcept override {
        return net_.choose(proto, to, received_on, forced);
    }
    [[nodiscard]] bool is_myself(std::string_view host, std::uint16_t port,
                                 Proto proto) const noexcept override {
        return net_.is_myself(host, port, proto);
    }
    Sent send(const Target& target, std::string_view bytes,
              const SendFailure& on_failure = {}) noexcept override {
        const Sent sent = net_.send(target, bytes, on_failure);
        if (trace_ != nullptr && !scratch_->parse(bytes) && scratch_->cseq() != nullptr)
            trace_->note(scratch_->call_id(), scratch_->cseq()->number, Trace::Kind::sent,
                         TraceLine(bytes, sent == Sent::queued ? "to" : "not sent to", target.proto,
                                   target.address)
                             .text(),
                         {});
        return sent;
    }
    bool add_alias(std::uint32_t connection, std::uint16_t port) noexcept override {
        return net_.add_alias(connection, port);
    }

private:
    Net& net_;
    Trace* trace_ = nullptr;
    std::unique_ptr<sip::Message> scratch_ = std::make_unique<sip::Message>();
};

}  // namespace fairlead::server
