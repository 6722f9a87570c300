// One WebSocket connection. SPDX-License-Identifier: Apache-2.0
#include "modules/websocket/session.h"

#include <algorithm>
#include <utility>

#include "core/api/log.h"
#include "core/api/sip.h"

namespace fairlead::websocket {
namespace {

using Found = StreamCodec::Found;

/// RFC 5626 4.4.1, which RFC 7118 6 lets clients use as well.
constexpr std::string_view kCrlfPing = "\r\n\r\n", kCrlfPong = "\r\n";

Found taken() noexcept {
    return {.what = Found::What::taken};
}

}  // namespace

Session::Session(const SessionParts& parts, std::uint16_t slot, const Received& from)
    : parts_(parts),
      connection_(from.connection),
      live_(parts.notes.open(slot,
                             {.connection = from.connection,
                              .remote = from.source,
                              .local = from.local,
                              .proto = carrier(Proto::wss) == from.proto ? Proto::wss : Proto::ws,
                              .used = parts.clock.now().count()})) {}

Session::~Session() {
    parts_.notes.clear(connection_);
    parts_.keeper.gone(connection_);
}

void Session::touch() noexcept {
    live_.used.store(parts_.clock.now().count(), std::memory_order_relaxed);
}

// ---- In -----------------------------------------------------------------------------------------

Session::Refusal Session::check(const FrameHead& head) const noexcept {
    constexpr Status kError = Status::protocol_error;
    if (head.reserved != 0) return {kError, "reserved bits are set"};
    if (!is_known(head.opcode)) return {kError, "an unknown opcode"};
    if (!head.is_masked) return {kError, "a frame is not masked"};
    if (!head.is_short) return {kError, "a length of more bytes than it needs"};
    if (is_control(head.opcode)) {
        if (!head.is_final) return {kError, "a control frame in parts"};
        if (head.length > kMaxControl) return {kError, "a control frame of more than 125 bytes"};
        return {};
    }
    if ((head.opcode == Opcode::continuation) != holds_part_)
        return {kError, holds_part_ ? "a message inside another" : "the rest of no message"};
    if (head.length > sip::kMaxMessage || part_.size() + head.length > sip::kMaxMessage)
        return {Status::too_big, "a message is too large"};
    return {};
}

Found Session::next(std::span<char> bytes) noexcept {
    const auto head = read_head({bytes.data(), bytes.size()});
    if (!head) return {};
    if (const Refusal refusal = check(*head); !refusal.why.empty()) return fail(refusal);
    const std::size_t size = head->size + static_cast<std::size_t>(head->length);
    if (bytes.size() < size) return {.size = size};
    const std::span<char> payload = bytes.subspan(head->size, size - head->size);
    unmask(payload, head->key);
    parts_.count.received_frames.add();
    touch();
    live_.awaits_pong.store(false, std::memory_order_relaxed);
    const std::string_view text(payload.data(), payload.size());
    Found found = is_control(head->opcode) ? control(head->opcode, text) : data(*head, text);
    found.size = size;
    return found;
}

Found Session::data(const FrameHead& head, std::string_view payload) noexcept {
    if (head.opcode != Opcode::continuation) part_opcode_ = head.opcode;
    const bool was_part = std::exchange(holds_part_, !head.is_final);
    if (!was_part && head.is_final) return whole(head.opcode, payload);
    part_ += payload;
    if (holds_part_) return taken();
    message_ = std::exchange(part_, {});
    return whole(part_opcode_, message_);
}

Found Session::whole(Opcode opcode, std::string_view message) noexcept {
    if (opcode == Opcode::text && !is_utf8(message))
        return fail({Status::invalid_payload, "a text that is not UTF-8"});
    // RFC 6455 5.5.1: what comes behind our Close may be left alone.
    if (live_.closing || message.empty()) return taken();
    if (message == kCrlfPing) {
        Found found = say(Opcode::text, kCrlfPong);
        found.what = Found::What::taken;
        return found;
    }
    if (message == kCrlfPong) return taken();
    parts_.count.sip_received.add();
    return {.what = Found::What::message, .message = message};
}

Found Session::control(Opcode opcode, std::string_view payload) noexcept {
    if (opcode == Opcode::close) return closed_by_peer(payload);
    if (opcode == Opcode::pong || live_.closing) return taken();
    Found found = say(Opcode::pong, payload);
    found.what = Found::What::taken;
    return found;
}

Found Session::closed_by_peer(std::string_view payload) noexcept {
    unsigned status = 0;
    if (payload.size() >= 2)
        status = static_cast<unsigned>(static_cast<unsigned char>(payload[0])) << 8U |
                 static_cast<unsigned char>(payload[1]);
    if (!payload.empty() && !is_status(status))
        return fail({Status::protocol_error, "a Close with a wrong status"});
    if (payload.size() > 2 && !is_utf8(payload.substr(2)))
        return fail({Status::invalid_payload, "a reason that is not UTF-8"});
    Found found;
    if (!live_.closing) {
        parts_.count.remote_closed.add();
        found = say(Opcode::close, payload.substr(0, 2));
    }
    was_closed_ = true;
    found.what = Found::What::taken;
    found.close = true;
    found.why = "the peer closed it";
    return found;
}

Found Session::fail(const Refusal& refusal) noexcept {
    Found found;
    if (!live_.closing) {
        answer_.clear();
        write_close(answer_, static_cast<std::uint16_t>(refusal.status), refusal.why);
        parts_.count.transmitted_frames.add();
        found.answer = answer_;
    }
    live_.closing = true;
    found.close = found.is_broken = true;
    found.why = refusal.why;
    return found;
}

// ---- Out ----------------------------------------------------------------------------------------

Found Session::say(Opcode opcode, std::string_view payload) noexcept {
    answer_.clear();
    write_frame(answer_, opcode, payload);
    parts_.count.transmitted_frames.add();
    touch();
    return {.answer = answer_};
}

bool Session::wrap(std::string_view message, std::string& out) noexcept {
    if (live_.closing || was_closed_) return false;
    // RFC 6455 8.1: a browser ends the connection upon a text that is none.
    write_frame(out, is_utf8(message) ? Opcode::text : Opcode::binary, message);
    parts_.count.transmitted_frames.add();
    parts_.count.sip_transmitted.add();
    touch();
    return true;
}

std::string Session::close_words(std::uint16_t status, std::string_view reason) {
    std::string words = "c";
    words += static_cast<char>(status >> 8U);
    words += static_cast<char>(status & 0xffU);
    return words += reason;
}

Found Session::told(std::string_view words) noexcept {
    if (words.empty()) return {};
    const Ms now = parts_.clock.now();
    switch (words.front()) {
        case 'c': return start_close(words.substr(1));
        case 'i':
            if (live_.closing) return {};
            asked_ = now;
            live_.awaits_pong = true;
            return say(Opcode::ping, parts_.options.ping_data);
        case 'o': return live_.closing ? Found{} : say(Opcode::pong, parts_.options.ping_data);
        case 'd': return {.close = true, .why = "the peer does not answer"};
        default: return {};
    }
}

Found Session::start_close(std::string_view words) noexcept {
    if (live_.closing || words.size() < 2) return {};
    const auto status = static_cast<std::uint16_t>(
        static_cast<unsigned>(static_cast<unsigned char>(words[0])) << 8U |
        static_cast<unsigned char>(words[1]));
    answer_.clear();
    write_close(answer_, status, words.substr(2));
    parts_.count.transmitted_frames.add();
    parts_.count.local_closed.add();
    live_.closing = was_closed_ = true;
    asked_ = parts_.clock.now();
    return {.answer = answer_};
}

// ---- Time, and the end --------------------------------------------------------------------------

std::string_view Session::due(Ms now) const noexcept {
    const SessionOptions& o = parts_.options;
    if (live_.closing) return now - asked_ >= o.close_wait ? kDrop : std::string_view();
    if (o.mechanism == KeepAlive::none || now - Ms(live_.used) < o.keepalive) return {};
    if (o.mechanism == KeepAlive::pong) return kPong;
    return live_.awaits_pong ? kDrop : kPing;
}

Ms Session::lifetime(Ms usual) const noexcept {
    // What is kept alive is not idle; due() ends it when the peer does not answer.
    constexpr Ms kSlack{60'000};
    if (parts_.options.mechanism == KeepAlive::none) return usual;
    return std::max(usual, 2 * parts_.options.keepalive + kSlack);
}

void Session::ended(const Received& from) noexcept {
    if (!was_closed_) parts_.count.failed.add();
    parts_.keeper.ended(connection_, from);
}

}  // namespace fairlead::websocket
