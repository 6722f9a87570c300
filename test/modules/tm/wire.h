// A proxy between alice, bob and carol, told as a dialogue: what a sentence of an RFC demands, one
// message a word. Alice is 192.0.2.1, bob 192.0.2.2 (where the Request-URI leads), carol 192.0.2.3.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "test/modules/tm/call.h"

namespace fairlead::test {

using Times = std::vector<int>;

inline constexpr std::string_view kCarol = "192.0.2.3:5060";

/// Usage:
///     Wire w;
///     w.proxy().invite().up("100").down("INVITE").bob(486).down("ACK").up("486").silent();
/// Each word that waits for a message fails the test when it is not there or is another one.
class Wire : public TmHost {
public:
    Wire& with(std::string_view name, const Value& value) {
        param("tm", name, value);
        return *this;
    }

    // ---- what the script does; starts the server
    Wire& proxy() {
        return script([this](Message& m) { last = call(m, "t_relay"); });
    }
    /// To bob and carol at once.
    Wire& fork() {
        return script([this](Message& m) {
            (void)m.append_branch({.uri = "sip:carol@192.0.2.3"}, globals.max_branches);
            last = call(m, "t_relay");
        });
    }
    /// Makes a transaction and answers with these, one behind the other.
    Wire& server(std::vector<int> codes) {
        return script([this, codes](Message& m) {
            if (call(m, "t_newtran") != 1) return;
            ++runs;
            for (const int code : codes) last = call(m, "t_reply", {code, "Own"sv});
        });
    }
    Wire& script(std::function<void(Message&)> body) {
        on_request(std::move(body));
        start();
        return *this;
    }

    // ---- alice
    Wire& send(const Request& what) { return send(what.str()); }
    Wire& send(std::string bytes) {
        if (!bytes.starts_with("ACK") && !bytes.starts_with("CANCEL")) request = bytes;
        receive(bytes);
        return *this;
    }
    Wire& invite() { return send(Request("INVITE").branch("z9hG4bKwire")); }
    Wire& message() { return send(Request("MESSAGE").branch("z9hG4bKwire")); }
    /// A call that was relayed: 100 went up, the INVITE down.
    Wire& call_bob() { return proxy().invite().up("100").down("INVITE"); }
    Wire& call_both() { return fork().invite().up("100").down("INVITE").down("INVITE", kCarol); }
    /// … and it turns out that the INVITE to carol never left.
    Wire& call_both_losing_carol() {
        fork().invite().up("100").down("INVITE");
        const Packet lost = take();
        CHECK(lost.target.address.text() == kCarol);
        fail(lost);
        return silent();
    }
    Wire& ask_bob() { return proxy().message().down("MESSAGE"); }
    Wire& again() {
        receive(request);
        return *this;
    }
    Wire& ack() { return send(test::ack(request, got_up)); }
    Wire& cancel() { return send(test::cancel(request)); }

    // ---- bob and carol
    Wire& bob(int code, std::string_view lines = {}, std::string_view tag = "bobs") {
        return from(kCallee, code, lines, tag);
    }
    Wire& carol(int code, std::string_view lines = {}, std::string_view tag = "carols") {
        return from(kCarol, code, lines, tag);
    }
    /// Bob's answer to the CANCEL that came last.
    Wire& bob_ends_cancel() {
        receive(reply(got_down, 200, "OK", "bobs"), kCallee);
        return *this;
    }

    // ---- what is on the wire
    /// The next packet to alice is a reply that begins with this status.
    Wire& up(std::string_view status) {
        got_up = take_for(kCaller);
        CHECK_THAT(start_line(got_up), Catch::StartsWith("SIP/2.0 " + std::string(status)));
        return *this;
    }
    /// The next packet to bob is a request with this method.
    Wire& down(std::string_view method, std::string_view who = kCallee) {
        got_down = take_for(who);
        CHECK_THAT(start_line(got_down), Catch::StartsWith(std::string(method) + " "));
        if (method != "ACK" && method != "CANCEL") sent[std::string(who)] = got_down;
        return *this;
    }
    Wire& silent() {
        CHECK(everything() == "");
        return *this;
    }
    /// Nothing but requests with this method.
    Wire& silent_but(std::string_view method) {
        std::erase_if(net.sent, [&](const Packet& p) { return p.bytes.starts_with(method); });
        return silent();
    }
    Wire& wait(int ms) {
        advance(Ms(ms));
        return *this;
    }
    /// All timers run out: nothing is left in memory. What is sent meanwhile is not looked at.
    Wire& over() {
        advance(Ms(400'000));
        discard_sent();
        CHECK(leaks() == "");
        return *this;
    }
    /// Milliseconds from now at which a message with this first line left, until `end`.
    Times times(std::string_view beginning, int end) {
        Times found;
        for (int at = 100; at <= end; at += 100) {
            advance(Ms(100));
            while (pending() != 0)
                if (next_line().starts_with(beginning)) found.push_back(at);
        }
        return found;
    }
    [[nodiscard]] std::string& sent_to(std::string_view who) { return sent[std::string(who)]; }

    std::string request;           ///< alice's last, but for ACK and CANCEL
    std::string got_up, got_down;  ///< what up() and down() took last
    int runs = 0;                  ///< how often server() made a transaction

private:
    Wire& from(std::string_view who, int code, std::string_view lines, std::string_view tag) {
        receive(reply(sent_to(who), code, "Reason", tag, lines), who);
        return *this;
    }
    std::string take_for(std::string_view who) {
        const auto found = std::ranges::find_if(
            net.sent, [&](const Packet& p) { return p.target.address.text() == who; });
        if (found == net.sent.end()) {
            FAIL_CHECK("nothing was sent to " << who);
            return {};
        }
        std::string bytes = found->bytes;
        net.sent.erase(found);
        return bytes;
    }
    /// Start lines of what is waiting to be taken.
    [[nodiscard]] std::string everything() const {
        std::string lines;
        for (const Packet& p : net.sent)
            lines += p.target.address.text() + " < " + start_line(p.bytes) + "\n";
        return lines;
    }

    std::map<std::string, std::string> sent;
};

}  // namespace fairlead::test
