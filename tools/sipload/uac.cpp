// The calling side. SPDX-License-Identifier: Apache-2.0
#include "tools/sipload/uac.h"

#include <fmt/format.h>

#include <charconv>

namespace fairlead::sipload {

namespace {

constexpr std::string_view kSdp =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 40000 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n";

/// `via` is the protocol. `letter` makes the branches of one call differ; the ACK of a 2xx has its
/// own (13.2.2.4).
std::string request_text(std::string_view via, std::string_view method, int cseq, char letter,
                         std::string_view uri, std::string_view rest) {
    return fmt::format(
        "{0} {3} SIP/2.0\r\n"
        "Via: SIP/2.0/{6} {{sent_by}};branch=z9hG4bK{{id}}{2};rport\r\n"
        "Max-Forwards: 70\r\n"
        "{{route}}"
        "From: \"load\" <sip:load@{{sent_by}}>;tag={{id}}\r\n"
        "To: <{4}>{{to_tag}}\r\n"
        "Call-ID: {{id}}@sipload\r\n"
        "CSeq: {1} {0}\r\n"
        "{5}",
        method, cseq, letter, letter == 'i' ? std::string_view(uri) : "{uri}", uri, rest, via);
}

std::string body(std::string_view type, std::string_view text) {
    return fmt::format("Content-Type: {}\r\nContent-Length: {}\r\n\r\n{}", type, text.size(), text);
}

}  // namespace

Uac::Uac(const Options& options, std::vector<Source> sources, std::string run)
    : options_(options),
      sources_(std::move(sources)),
      run_(std::move(run)),
      target_(Peer::of(options.target)),
      timers_(options.timeout) {}

Result<Uac> Uac::make(const Options& options, std::vector<Source> sources, std::string run) {
    Uac made(options, std::move(sources), std::move(run));
    if (auto cut = made.cut_templates(); !cut) return std::unexpected(std::move(cut).error());
    return made;
}

Result<void> Uac::cut_templates() {
    const std::string& uri = options_.uri;
    const std::string_view via = options_.transport == Transport::tcp   ? "TCP"
                                 : options_.transport == Transport::tls ? "TLS"
                                                                        : "UDP";
    const std::string contact =
        fmt::format("Contact: <sip:load@{{sent_by}}{}>\r\n", uri_parameter(options_.transport));
    const std::string empty = "Content-Length: 0\r\n\r\n";
    const std::string content =
        options_.mode == Mode::message ? body("text/plain", "The quick brown fox") : empty;
    for (const auto& text :
         {request_text(via, options_.method, 1, 'i', uri, content),
          request_text(via, "INVITE", 1, 'i', uri, contact + body("application/sdp", kSdp)),
          request_text(via, "ACK", 1, 'a', uri, empty),
          request_text(via, "BYE", 2, 'b', uri, empty),
          // RFC 3261 17.1.1.3: the branch of the INVITE.
          request_text(via, "ACK", 1, 'i', uri, empty)}) {
        templates_.push_back(TRY(Template::cut(text)));
    }
    return {};
}

void Uac::start(Now now) {
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(units_.size()));
        units_.emplace_back();
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    Unit& unit = units_[slot];
    ++unit.generation;
    unit.step = Step::asked;
    unit.provisional = unit.final = 0;
    unit.began = now;
    unit.id.clear();
    fmt::format_to(std::back_inserter(unit.id), "{:x}.{:x}.{}", slot, unit.generation, run_);
    unit.to_tag.clear();
    unit.contact.clear();
    unit.route.clear();
    ++stats_.started;
    ++in_flight_;
    send(slot, is_call() ? Kind::invite : Kind::single);
    timers_.expire(now, {slot, unit.generation, static_cast<std::uint16_t>(Step::asked), 0});
    arm(slot, now, 0);
}

void Uac::send(std::uint32_t slot, Kind kind) {
    const Unit& unit = units_[slot];
    const Source& source = sources_[slot % sources_.size()];
    const std::size_t size = templates_[static_cast<std::size_t>(kind)].fill(
        source.sender->room(), {unit.id, source.sent_by, unit.contact, unit.to_tag, unit.route});
    source.sender->commit(size, target_);
    ++stats_.sent;
}

void Uac::send_again(std::uint32_t slot, Kind kind) {
    send(slot, kind);
    ++stats_.retransmitted;
}

void Uac::arm(std::uint32_t slot, Now now, std::uint16_t attempt) {
    // RFC 3261 17.1.1.2, 17.1.2.2: a reliable transport needs none.
    if (!options_.retransmit || options_.transport != Transport::udp) return;
    const Unit& unit = units_[slot];
    // Timer A doubles without bound, timer E up to T2 (RFC 3261 17.1.1.2, 17.1.2.2).
    const bool invite = is_call() && unit.step == Step::asked;
    timers_.retransmit(now, {slot, unit.generation, static_cast<std::uint16_t>(unit.step), attempt},
                       !invite);
}

void Uac::retransmit(const Timer& timer, Now now) {
    const Unit& unit = units_[timer.slot];
    if (unit.generation != timer.generation || static_cast<std::uint16_t>(unit.step) != timer.step)
        return;
    if (unit.step == Step::asked && is_call()) {
        if (unit.provisional != 0) return;  // proceeding: the INVITE is not sent again
        send_again(timer.slot, Kind::invite);
    } else if (unit.step == Step::asked) {
        send_again(timer.slot, Kind::single);
    } else if (unit.step == Step::leaving) {
        send_again(timer.slot, Kind::bye);
    } else {
        return;
    }
    arm(timer.slot, now, static_cast<std::uint16_t>(timer.attempt + 1));
}

void Uac::run_timers(Now now) {
    while (!holds_.empty() && holds_.front().first <= now) {
        const Timer timer = holds_.front().second;
        holds_.pop_front();
        if (units_[timer.slot].generation == timer.generation) leave(timer.slot, now);
    }
    while (const auto timer = timers_.due(now)) retransmit(*timer, now);
    while (const auto timer = timers_.expired(now)) {
        const Unit& unit = units_[timer->slot];
        const bool waits = unit.step == Step::asked || unit.step == Step::leaving;
        if (unit.generation != timer->generation || !waits ||
            static_cast<std::uint16_t>(unit.step) != timer->step)
            continue;
        const bool bye = unit.step == Step::leaving;
        give_up(timer->slot, bye         ? "no answer to BYE"
                             : is_call() ? (unit.provisional ? "no final answer to INVITE"
                                                             : "no answer to INVITE")
                                         : "no answer");
    }
}

Uac::Unit* Uac::find(std::string_view call_id, std::uint32_t& slot) {
    std::uint32_t generation = 0;
    const char* const end = call_id.data() + call_id.size();
    const auto first = std::from_chars(call_id.data(), end, slot, 16);
    if (first.ptr == end || *first.ptr != '.' || slot >= units_.size()) return nullptr;
    const auto second = std::from_chars(first.ptr + 1, end, generation, 16);
    const std::string_view rest(second.ptr, static_cast<std::size_t>(end - second.ptr));
    if (!rest.starts_with('.') || !rest.substr(1).starts_with(run_)) return nullptr;
    Unit& unit = units_[slot];
    return unit.generation == generation && unit.step != Step::idle ? &unit : nullptr;
}

void Uac::receive(std::string_view datagram, Now now) {
    ++stats_.received;
    const auto message = scan(datagram);
    if (!message || message->status == 0) {
        ++stats_.unreadable;
        return;
    }
    std::uint32_t slot = 0;
    if (find(message->call_id, slot) == nullptr) {
        ++stats_.late;
        return;
    }
    if (message->method == "INVITE") {
        invite_answered(slot, *message, datagram, now);
    } else {
        answered(slot, *message, now);
    }
}

void Uac::answered(std::uint32_t slot, const Scanned& message, Now now) {
    Unit& unit = units_[slot];
    if (message.status < 200) return;
    const bool expected = is_call() ? unit.step == Step::leaving && message.method == "BYE"
                                    : unit.step == Step::asked;
    if (!expected) {
        ++stats_.repeats_received;
        return;
    }
    if (message.status >= 300) {
        give_up(slot, fmt::format("{} to {}", message.status, message.method));
        return;
    }
    if (measuring_ && !is_call()) {
        stats_.latency.add(static_cast<std::uint64_t>((now - unit.began).count()) / 1000);
    }
    finish(slot);
}

void Uac::check_order(Unit& unit, int status) {
    if (unit.final != 0) {
        if (status < 200) stats_.violate(fmt::format("{} after {}", status, unit.final));
    } else if (status == 100 && unit.provisional > 100) {
        stats_.violate(fmt::format("100 after {}", unit.provisional));
    }
    if (status < 200) unit.provisional = std::max(unit.provisional, status);
}

void Uac::invite_answered(std::uint32_t slot, const Scanned& message, std::string_view datagram,
                          Now now) {
    Unit& unit = units_[slot];
    check_order(unit, message.status);
    if (message.status < 200) return;
    if (message.status >= 300) {
        if (unit.final != 0) return;
        unit.to_tag.assign(";tag=").append(tag_of(message.to));
        send(slot, Kind::ack_of_failure);
        give_up(slot, fmt::format("{} to INVITE", message.status));
        return;
    }
    if (unit.final != 0) {
        ++stats_.repeats_received;
        send_again(slot, Kind::ack);  // RFC 3261 13.2.2.4: every copy of the 2xx is acknowledged
        return;
    }
    unit.final = message.status;
    establish(slot, message, datagram, now);
}

void Uac::establish(std::uint32_t slot, const Scanned& message, std::string_view datagram,
                    Now now) {
    Unit& unit = units_[slot];
    if (measuring_) {
        stats_.latency.add(static_cast<std::uint64_t>((now - unit.began).count()) / 1000);
    }
    unit.to_tag.assign(";tag=").append(tag_of(message.to));
    unit.contact.assign(uri_of(message.contact));
    if (unit.contact.empty()) {
        give_up(slot, "200 without Contact");
        return;
    }
    unit.route = route_set(datagram, message);
    send(slot, Kind::ack);
    unit.step = Step::holding;
    if (options_.hold.count() == 0) {
        leave(slot, now);
    } else {
        holds_.push_back({now + options_.hold, {slot, unit.generation, 0, 0}});
    }
}

void Uac::leave(std::uint32_t slot, Now now) {
    Unit& unit = units_[slot];
    if (unit.step != Step::holding) return;
    unit.step = Step::leaving;
    send(slot, Kind::bye);
    timers_.expire(now, {slot, unit.generation, static_cast<std::uint16_t>(Step::leaving), 0});
    arm(slot, now, 0);
}

void Uac::finish(std::uint32_t slot) {
    units_[slot].step = Step::idle;
    ++stats_.completed;
    --in_flight_;
    free_.push_back(slot);
}

void Uac::give_up(std::uint32_t slot, const std::string& reason) {
    units_[slot].step = Step::idle;
    stats_.fail(reason);
    --in_flight_;
    free_.push_back(slot);
}

}  // namespace fairlead::sipload
