// The command line with CLI11. SPDX-License-Identifier: Apache-2.0
#include "tools/sipload/options.h"

#include <CLI/CLI.hpp>

#include "core/base/text.h"

namespace fairlead::sipload {

namespace {

struct Texts {
    std::string mode = "reply", target, uas, retransmit = "on", transport = "udp", uas_transport;
    double duration = 10, warmup = 0, timeout = 32, ring = 0, hold = 0;
    std::int64_t tick = 0;
    bool ipv6 = false, uas_only = false;
};

/// "127.0.0.1:5060", "[::1]:5060", or an address alone.
Result<Address> endpoint(std::string_view given, std::uint16_t port) {
    std::string_view host = given;
    const std::size_t colon = given.rfind(':');
    const bool bare_ipv6 = given.find(':') != colon && !given.contains(']');
    if (colon != std::string_view::npos && !bare_ipv6 && given.back() != ']') {
        const auto number = text::parse_uint(given.substr(colon + 1), 65535);
        if (!number) return fail("not a port", std::string(given));
        port = static_cast<std::uint16_t>(*number);
        host = given.substr(0, colon);
    }
    const auto address = Address::parse(host, port);
    if (!address) return fail("not an address (numbers only)", std::string(given));
    return *address;
}

std::chrono::milliseconds seconds(double value) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(value * 1000));
}

void describe(CLI::App& app, Options& o, Texts& t) {
    app.add_option("--mode", t.mode,
                   "reply and stateful-reply: one request, one answer by the server; message: "
                   "MESSAGE through the server to our UAS; call: INVITE 100 180 200 ACK BYE 200")
        ->check(CLI::IsMember({"reply", "stateful-reply", "message", "call"}));
    app.add_option("--target", t.target, "the server, host:port (default: our own UAS)");
    app.add_option("--uas", t.uas, "answer on this host:port (port 0: any)");
    app.add_flag("--uas-only", t.uas_only, "answer only");
    app.add_option("--method", o.method, "method of the reply modes (default OPTIONS)");
    app.add_option("--uri", o.uri, "Request-URI (default: the UAS, or the target)");
    app.add_option("--rate", o.rate, "open loop: so many a second");
    app.add_option("--concurrency", o.concurrency, "closed loop: so many at once");
    app.add_option("--calls", o.calls, "stop after so many");
    app.add_option("--duration", t.duration, "seconds of offering, after the warm-up");
    app.add_option("--warmup", t.warmup, "seconds that are not measured");
    app.add_option("--hold", t.hold, "seconds between ACK and BYE");
    app.add_option("--ring", t.ring, "seconds between 180 and the final response (below 30)");
    app.add_option("--answer", o.answer, "the UAS's final response to INVITE")
        ->check(CLI::Range(200, 699));
    app.add_option("--sources", o.sources, "local ports to send from")->check(CLI::Range(1, 256));
    app.add_option("--transport", t.transport, "udp, tcp or tls: one connection for each source")
        ->check(CLI::IsMember({"udp", "tcp", "tls"}));
    app.add_option("--uas-transport", t.uas_transport, "udp, tcp or tls (default: --transport)")
        ->check(CLI::IsMember({"udp", "tcp", "tls"}));
    app.add_option("--tick", t.tick, "microseconds: send what is due only so often");
    app.add_flag("--ipv6", t.ipv6, "defaults are [::1]");
    app.add_option("--retransmit", t.retransmit, "on or off: RFC 3261 timers")
        ->check(CLI::IsMember({"on", "off"}));
    app.add_option("--timeout", t.timeout, "seconds until a request has failed");
    app.add_option("--pid", o.pid, "report the CPU time of this process and its children");
    app.add_flag("--json", o.json, "report as JSON");
    app.add_flag("--ignore-violations", o.ignore_violations,
                 "messages out of order do not make the exit status 1");
}

Transport transport(std::string_view name) noexcept {
    if (name == "tls") return Transport::tls;
    return name == "tcp" ? Transport::tcp : Transport::udp;
}

Result<void> finish(Options& o, const Texts& t) {
    o.mode = t.mode == "call"             ? Mode::call
             : t.mode == "message"        ? Mode::message
             : t.mode == "stateful-reply" ? Mode::stateful_reply
                                          : Mode::reply;
    o.uac = !t.uas_only;
    o.retransmit = t.retransmit == "on";
    o.transport = transport(t.transport);
    o.uas_transport = transport(t.uas_transport.empty() ? t.transport : t.uas_transport);
    o.duration = seconds(t.duration);
    o.warmup = seconds(t.warmup);
    o.tick = std::chrono::microseconds(t.tick);
    o.ring = seconds(t.ring);
    o.hold = seconds(t.hold);
    o.timeout = seconds(t.timeout);
    const bool answers = t.uas_only || !t.uas.empty();
    const std::string any = t.ipv6 ? "[::1]:0" : "127.0.0.1:0";
    if (answers) o.uas = TRY(endpoint(t.uas.empty() ? any : t.uas, 0));
    if (!t.target.empty()) {
        o.target = TRY(endpoint(t.target, 5060));
    } else if (!answers) {
        o.target = TRY(endpoint(t.ipv6 ? "[::1]" : "127.0.0.1", 5060));
    }
    if (o.method.empty()) o.method = o.mode == Mode::message ? "MESSAGE" : "OPTIONS";
    if (o.rate < 0 || (o.rate == 0 && o.concurrency == 0)) return fail("nothing would be sent");
    return {};
}

}  // namespace

Result<Options> read_options(int argc, char** argv) {
    CLI::App app("Load for SIP servers over UDP and TCP: one thread, batched system calls.",
                 "sipload");
    Options options;
    Texts texts;
    describe(app, options, texts);
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        return fail(app.help(), {}, 0);
    } catch (const CLI::ParseError& error) {
        return fail(error.what(), {}, 2);
    }
    if (auto done = finish(options, texts); !done) return fail(done.error().str(), {}, 2);
    return options;
}

}  // namespace fairlead::sipload
