// What stands in front of the sockets: notes in the trace what leaves, lets a filter change it, and
// knows the domains that are ours with all names below them.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/api/net.h"
#include "core/api/stream_codec.h"
#include "core/api/trace.h"
#include "core/base/text.h"
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
        return net_.is_myself(host, port, proto) ||
               std::ranges::any_of(domains_, [&](const Domain& d) {
                   return is_below(host, d.name) && (port == 0 || d.port == 0 || d.port == port) &&
                          (proto == Proto::none || d.proto == Proto::none ||
                           d.proto == carrier(proto));
               });
    }
    void add_domain(std::string_view name, std::uint16_t port, Proto proto) override {
        domains_.push_back({std::string(name), port, proto});
    }
    void set_filter(NetFilter* filter) noexcept override { filter_ = filter; }
    [[nodiscard]] NetFilter* filter() const noexcept { return filter_; }

    Sent send(const Target& target, std::string_view bytes,
              const SendFailure& on_failure = {}) noexcept override {
        if (filter_ == nullptr) return traced_send(target, bytes, on_failure);
        const std::string_view changed = filter_->leaves(bytes, target);
        return changed.empty() ? Sent::queued : traced_send(target, changed, on_failure);
    }
    void set_stream_layer(StreamLayer* layer) noexcept override { net_.set_stream_layer(layer); }
    [[nodiscard]] std::uint16_t profile_of(Message& m, const Target& to) noexcept override {
        return net_.profile_of(m, to);
    }
    bool add_alias(std::uint32_t connection, std::uint16_t port) noexcept override {
        return net_.add_alias(connection, port);
    }
    void set_http(HttpHandler* handler) noexcept override {
        http_ = handler;
        net_.set_http(handler);
    }
    /// Whether anything was sent on this connection since it was named here; 0: none is watched.
    void watch_connection(std::uint32_t connection) noexcept {
        watched_ = connection;
        was_used_ = false;
    }
    [[nodiscard]] bool was_used() const noexcept { return was_used_; }
    [[nodiscard]] HttpHandler* http() const noexcept { return http_; }
    [[nodiscard]] bool serves_http() const noexcept override { return http_ != nullptr; }
    bool change_framing(std::uint32_t connection, std::unique_ptr<StreamCodec> codec,
                        Proto proto) noexcept override {
        return net_.change_framing(connection, std::move(codec), proto);
    }
    bool tell(std::uint32_t connection, std::string_view words) noexcept override {
        if (!net_.tell(connection, words)) return false;
        was_used_ |= watched_ != 0 && connection == watched_;  // it is looked after
        return true;
    }

private:
    struct Domain {
        std::string name;
        std::uint16_t port;
        Proto proto;
    };

    static bool is_below(std::string_view host, std::string_view domain) noexcept {
        if (host.size() <= domain.size()) return text::ci_equal(host, domain);
        return host[host.size() - domain.size() - 1] == '.' &&
               text::ci_equal(host.substr(host.size() - domain.size()), domain);
    }
    Sent traced_send(const Target& target, std::string_view bytes,
                     const SendFailure& on_failure) noexcept {
        const Sent sent = net_.send(target, bytes, on_failure);
        was_used_ |= watched_ != 0 && target.connection == watched_;
        if (trace_ != nullptr && !scratch_->parse(bytes) && scratch_->cseq() != nullptr)
            trace_->note(scratch_->call_id(), scratch_->cseq()->number, Trace::Kind::sent,
                         TraceLine(bytes, sent == Sent::queued ? "to" : "not sent to", target.proto,
                                   target.address)
                             .text(),
                         {});
        return sent;
    }

    Net& net_;
    Trace* trace_ = nullptr;
    NetFilter* filter_ = nullptr;
    HttpHandler* http_ = nullptr;
    std::uint32_t watched_ = 0;
    bool was_used_ = false;
    std::vector<Domain> domains_;
    std::unique_ptr<sip::Message> scratch_ = std::make_unique<sip::Message>();
};

}  // namespace fairlead::server
