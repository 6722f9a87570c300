// The called side. SPDX-License-Identifier: Apache-2.0
#include "tools/sipload/uas.h"

#include <fmt/format.h>

#include <cstring>

#include "core/base/text.h"

namespace fairlead::sipload {

namespace {

/// Appends to a fixed buffer; what does not fit is left out, and `full` says so.
class Writer {
public:
    explicit Writer(std::span<char> room) : room_(room) {}
    void put(std::string_view part) {
        if (part.size() > room_.size() - used_) {
            full_ = true;
            return;
        }
        std::memcpy(room_.data() + used_, part.data(), part.size());
        used_ += part.size();
    }
    [[nodiscard]] std::string_view text() const { return {room_.data(), full_ ? 0 : used_}; }

private:
    std::span<char> room_;
    std::size_t used_ = 0;
    bool full_ = false;
};

}  // namespace

Uas::Uas(Sender& sender, std::string contact, Answers answers)
    : sender_(sender),
      contact_(std::move(contact)),
      answers_(answers),
      final_line_(answers.code == 200 ? "SIP/2.0 200 OK\r\n"
                                      : fmt::format("SIP/2.0 {} Refused\r\n", answers.code)) {}

Uas::Call* Uas::find(std::string_view call_id) {
    const auto found = index_.find(call_id);
    return found == index_.end() ? nullptr : &calls_[found->second];
}

std::string_view Uas::write(const Datagram& request, const Scanned& message,
                            std::string_view status_line, std::string_view tail) {
    Writer out(sender_.room());
    out.put(status_line);
    each_header(request.bytes, message.headers_begin,
                [&](std::string_view name, std::string_view line) {
                    const char first = text::to_lower(name.empty() ? 'x' : name[0]);
                    if (first == 'v' || text::ci_equal(name, "Record-Route")) out.put(line);
                });
    out.put("From: ");
    out.put(message.from);
    out.put("\r\nTo: ");
    out.put(message.to);
    if (tag_of(message.to).empty()) out.put(";tag=uas");
    out.put("\r\nCall-ID: ");
    out.put(message.call_id);
    out.put("\r\nCSeq: ");
    out.put(message.cseq);
    out.put("\r\n");
    out.put(tail);
    return out.text();
}

void Uas::respond(const Datagram& request, const Scanned& message, std::string_view status_line,
                  std::string_view tail) {
    sender_.commit(write(request, message, status_line, tail).size(), *request.from);
    ++stats_.sent;
}

void Uas::send_text(const std::string& text, const Peer& to) {
    const std::span<char> room = sender_.room();
    sender_.commit(text.copy(room.data(), room.size()), to);
    ++stats_.sent;
}

void Uas::send_final(std::uint32_t slot, Now now) {
    Call& call = calls_[slot];
    call.answered = true;
    send_text(call.final, call.from);
    if (answers_.retransmit) timers_.retransmit(now, {slot, call.generation, 0, 0}, true);
}

void Uas::receive(const Datagram& datagram, Now now) {
    ++stats_.received;
    const auto message = scan(datagram.bytes);
    if (!message || message->status != 0) {
        ++stats_.unreadable;
        return;
    }
    if (message->method == "INVITE") {
        invite(datagram, *message, now);
    } else if (message->method == "ACK") {
        acknowledge(*message);
    } else if (message->method == "BYE") {
        bye(datagram, *message);
    } else {
        ++stats_.completed;
        respond(datagram, *message, "SIP/2.0 200 OK\r\n", "Content-Length: 0\r\n\r\n");
    }
}

void Uas::invite(const Datagram& datagram, const Scanned& message, Now now) {
    if (Call* known = find(message.call_id)) {
        ++stats_.repeats_received;
        if (known->branch != message.branch) stats_.violate("INVITE with a second branch");
        if (!known->answered || known->final.empty()) return;
        send_text(known->final, *datagram.from);
        ++stats_.retransmitted;
        return;
    }
    ++stats_.started;
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(calls_.size()));
        calls_.emplace_back();
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    Call& call = calls_[slot];
    ++call.generation;
    call.answered = call.acknowledged = call.left = false;
    call.from = *datagram.from;
    call.id = message.call_id;
    call.branch = message.branch;
    index_.emplace(call.id, slot);
    const std::string contact = "Contact: <sip:uas@" + contact_ + ">\r\nContent-Length: 0\r\n\r\n";
    respond(datagram, message, "SIP/2.0 180 Ringing\r\n", contact);
    call.final = write(datagram, message, final_line_, contact);
    timers_.expire(now, {slot, call.generation, 0, 0});
    if (answers_.ring.count() == 0) {
        send_final(slot, now);
    } else {
        ringing_.push_back({now + answers_.ring, {slot, call.generation, 0, 0}});
    }
}

void Uas::acknowledge(const Scanned& message) {
    Call* call = find(message.call_id);
    if (call == nullptr) {
        ++stats_.late;
        return;
    }
    if (call->acknowledged) {
        ++stats_.repeats_received;
        return;
    }
    if (call->left) stats_.violate("ACK after BYE");
    call->acknowledged = true;
    if (answers_.code >= 300) {  // refused: over with its ACK
        call->left = true;
        ++stats_.completed;
    }
    call->final.clear();
}

void Uas::bye(const Datagram& datagram, const Scanned& message) {
    Call* call = find(message.call_id);
    if (call == nullptr) {
        ++stats_.late;
    } else if (call->left) {
        ++stats_.repeats_received;
    } else {
        call->left = true;
        ++stats_.completed;
    }
    respond(datagram, message, "SIP/2.0 200 OK\r\n", "Content-Length: 0\r\n\r\n");
}

void Uas::run_timers(Now now) {
    while (!ringing_.empty() && ringing_.front().first <= now) {
        const Timer timer = ringing_.front().second;
        ringing_.pop_front();
        if (calls_[timer.slot].generation == timer.generation) send_final(timer.slot, now);
    }
    while (const auto timer = timers_.due(now)) {
        Call& call = calls_[timer->slot];
        // RFC 3261 13.3.1.4: the 2xx is sent until its ACK comes.
        if (call.generation != timer->generation || call.acknowledged) continue;
        send_text(call.final, call.from);
        ++stats_.retransmitted;
        Timer next = *timer;
        ++next.attempt;
        timers_.retransmit(now, next, true);
    }
    while (const auto timer = timers_.expired(now)) forget(timer->slot);
}

void Uas::forget(std::uint32_t slot) {
    Call& call = calls_[slot];
    if (!call.acknowledged) {
        stats_.fail("final response never acknowledged");
    } else if (!call.left) {
        stats_.fail("no BYE");
    }
    index_.erase(call.id);
    ++call.generation;
    call.final.clear();
    free_.push_back(slot);
}

}  // namespace fairlead::sipload
