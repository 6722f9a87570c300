// corex: branches of a request, sockets, and sending without a transaction.
// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "core/api/late_send.h"
#include "core/api/log.h"
#include "core/api/route_target.h"
#include "core/api/sip.h"
#include "core/api/text.h"
#include "core/module.h"
#include "modules/corex/network.h"
#include "modules/corex/via.h"

namespace fairlead::corex {

namespace {

/// "0.5" as thousandths; nullopt unless it is a qvalue (RFC 3261 25.1).
std::optional<std::int16_t> parse_q(std::string_view text) noexcept {
    const std::size_t dot = text.find('.');
    const auto whole = text::parse_uint(text.substr(0, dot), 1);
    if (!whole) return std::nullopt;
    unsigned thousandths = static_cast<unsigned>(*whole) * 1000;
    if (dot != std::string_view::npos) {
        const std::string_view fraction = text.substr(dot + 1);
        if (fraction.size() > 3) return std::nullopt;
        unsigned unit = 100;
        for (const char digit : fraction) {
            if (!text::is_digit(digit)) return std::nullopt;
            thousandths += static_cast<unsigned>(digit - '0') * unit;
            unit /= 10;
        }
    }
    if (thousandths > 1000) return std::nullopt;
    return static_cast<std::int16_t>(thousandths);
}

}  // namespace

class Corex final : public Module {
public:
    Result<void> prepare(Core& core) override {
        core_ = &core;
        sends_.emplace(core.net());
        via_slot_ = core.message_slot();
        for (const Domain& d : domains_) core.net().add_domain(d.name, d.port, d.proto);
        network_.connect(core);
        for (const std::string& record : dns_records)
            LOG(warning, "dns_cache: put it into the hosts file, or use dns.add_a: {}", record);
        return {};
    }

    // ---- Parameters
    // -------------------------------------------------------------------------------

    std::vector<std::string> dns_records;
    std::string evcb_reply_out;

    Result<void> set_intercept(const Value& v) {
        network_.intercept = v.integer() != 0;
        return {};
    }
    Result<void> set_min_length(const Value& v) {
        network_.min_length = v.integer();
        return {};
    }
    Result<void> set_msg_avp(std::string_view text, ParamVariables& variables) {
        if (!text.starts_with("$avp") && !text.starts_with("$(avp"))
            return fail("nio_msg_avp is a $avp(name)");
        network_.changed = TRY(variables.variable(text));
        return {};
    }
    /// "[proto:]domain[:port]".
    Result<void> add_domain(const Value& v) {
        std::string_view rest = v.string();
        Domain d{{}, 0, Proto::none};
        if (const auto colon = rest.find(':'); colon != rest.npos) {
            if (const auto proto = parse_proto(rest.substr(0, colon))) {
                d.proto = *proto;
                rest.remove_prefix(colon + 1);
            }
        }
        const auto colon = rest.find(':');
        d.name = rest.substr(0, colon);
        if (colon != rest.npos) {
            const auto port = text::parse_uint(rest.substr(colon + 1), 65535);
            if (!port) return fail("alias_subdomains is [proto:]domain[:port]");
            d.port = static_cast<std::uint16_t>(*port);
        }
        if (d.name.empty()) return fail("alias_subdomains is [proto:]domain[:port]");
        domains_.push_back(std::move(d));
        return {};
    }

    Verdict append_branch(Message& m, std::optional<std::string_view> uri,
                          std::optional<std::string_view> q) {
        BranchTarget branch = m.target;
        const bool given = uri && !uri->empty();
        branch.uri = given ? m.arena.copy(*uri) : m.uri();
        if (given) branch.ruid = branch.location_ua = branch.instance = {};
        branch.q = kNoQ;
        if (q && !q->empty()) {
            const auto value = parse_q(*q);
            if (!value) {
                LOG(error, "append_branch: \"{}\" is no q-value", *q);
                return Verdict::no;
            }
            branch.q = *value;
        }
        if (!m.append_branch(branch, core_->globals().max_branches)) {
            LOG(error, "max nr of branches exceeded");
            m.error = ScriptError::too_many_branches;
            return Verdict::no;
        }
        if (!given) {
            // The branch took the next hop with it: what is assigned now is another destination.
            m.target.dst_uri = {};
            m.target.path = {};
        }
        return Verdict::yes;
    }

    Verdict set_send_socket(Message& m, std::string_view spec) {
        for (const Listener& listener : core_->net().listeners()) {
            if (listener.uri_text == spec) return force(m, listener);
        }
        LOG(error, "{} is not one of our sockets", spec);
        return Verdict::no;
    }
    Verdict set_send_socket_name(Message& m, std::string_view name) {
        for (const Listener& listener : core_->net().listeners()) {
            if (!name.empty() && listener.name == name) return force(m, listener);
        }
        LOG(error, "no socket is called {}", name);
        return Verdict::no;
    }
    Verdict is_socket_name(Message&, std::string_view name) {
        for (const Listener& listener : core_->net().listeners()) {
            if (!name.empty() && listener.name == name) return Verdict::yes;
        }
        return Verdict::no;
    }

    // ---- What is known about a message, and what it is taken for
    // ---------------------------------

    Verdict has_ruri_user(Message& m) {
        const auto uri = sip::parse_uri(m.uri());
        return Verdict::of(uri && !uri->user.empty());
    }
    Verdict has_user_agent(Message& m) {
        return Verdict::of(!m.sip.text(sip::HeaderType::user_agent).empty());
    }
    /// Messages from the network are counted from 1.
    Verdict is_faked_msg(Message& m) { return Verdict::of(m.number == 0); }

    Verdict set_recv_socket(Message& m, std::string_view spec) {
        for (const Listener& listener : core_->net().listeners()) {
            if (listener.uri_text == spec) return receive_on(m, listener);
        }
        LOG(error, "{} is not one of our sockets", spec);
        return Verdict::no;
    }
    Verdict set_recv_socket_name(Message& m, std::string_view name) {
        for (const Listener& listener : core_->net().listeners()) {
            if (!name.empty() && listener.name == name) return receive_on(m, listener);
        }
        LOG(error, "no socket is called {}", name);
        return Verdict::no;
    }
    Verdict set_source_address(Message& m, std::string_view address) {
        const auto target =
            resolve_address(core_->net(), address, m.received.listener, kNoListener);
        if (!target) {
            LOG(error, "{} is no address", address);
            return Verdict::no;
        }
        m.received.source = target->address;
        return Verdict::yes;
    }

    // ---- Flags that stay with the transaction
    // ----------------------------------------------------

    Verdict setxflag(Message& m, int flag) { return change_flag(m, kExtended, flag, true); }
    Verdict resetxflag(Message& m, int flag) { return change_flag(m, kExtended, flag, false); }
    Verdict isxflagset(Message& m, int flag) {
        return Verdict::of(flag >= 0 && flag < kFlags && (flags(m, kExtended) >> flag & 1U) != 0);
    }
    Verdict msg_iflag_set(Message& m, std::string_view name) {
        return change_flag(m, kInternal, internal_flag(name), true);
    }
    Verdict msg_iflag_reset(Message& m, std::string_view name) {
        return change_flag(m, kInternal, internal_flag(name), false);
    }
    Verdict msg_iflag_is_set(Message& m, std::string_view name) {
        const int flag = internal_flag(name);
        const bool is_set = flag >= 0 && (flags(m, kInternal) >> flag & 1U) != 0;
        return is_set ? Verdict::yes : Verdict(-2);
    }
    Verdict refuse_file(Message&, std::string_view, std::string_view) {
        LOG(error, "a worker does not wait for files");
        return Verdict::no;
    }
    Verdict refuse_file_into(Message&, std::string_view, const VariableRef&) {
        LOG(error, "a worker does not wait for files");
        return Verdict::no;
    }

    // ---- Sending without a transaction
    // ------------------------------------------------------------

    Verdict send_udp(Message& m, std::optional<std::string_view> to) {
        const bool given = to && !to->empty();
        const std::string_view uri =
            given ? hop_uri(m.arena.concat({"udp:", *to}), m.arena) : m.next_hop();
        return send(m, uri, m.target.listener, m.sip.bytes());
    }
    /// False when no TCP socket is there to send from.
    Verdict send_tcp(Message& m, std::optional<std::string_view> to) {
        const bool given = to && !to->empty();
        const std::string_view uri = given ? hop_uri(m.arena.concat({"tcp:", *to}), m.arena)
                                           : m.arena.concat({m.next_hop(), ";transport=tcp"});
        return send(m, uri, kNoListener, m.sip.bytes());
    }
    /// Without drop the core passes the reply on too.
    Verdict forward_reply(Message& m) {
        if (m.is_request()) return Verdict::no;
        const auto target = relay_target(core_->net(), m.sip, m.received.listener);
        const bool is_name = !target && target.error() == ScriptError::bad_address;
        if (!target && !is_name) return Verdict::no;
        constexpr std::size_t kMarks = 64;
        std::size_t room = m.sip.bytes().size() + m.sip.reason().size() + kMarks;
        for (const sip::Edit& edit : m.edits.list()) room += edit.text.size();
        sip::Writer out(m.arena.allocate(room), room);
        const bool written =
            sip::write_relayed_reply(out, m.sip, m.edits.list(), m.sip.status(), m.sip.reason());
        if (!written) return Verdict::no;
        if (is_name) return send(m, reply_hop(m.sip, m.arena), kNoListener, out.text());
        return Verdict::of(core_->net().send(*target, out.text()) == Sent::queued);
    }
    Verdict send_data(Message& m, std::string_view uri, std::string_view data) {
        return send(m, uri, m.target.listener, data);
    }
    Verdict sendx(Message& m, std::string_view uri, std::string_view socket,
                  std::string_view data) {
        for (const Listener& listener : core_->net().listeners()) {
            if (listener.uri_text != socket) continue;
            return send(m, uri, listener.index, data);
        }
        LOG(error, "{} is not one of our sockets", socket);
        return Verdict::no;
    }

    Verdict is_incoming(Message&) { return Verdict::of(network_.is_incoming()); }

    // ---- Our Via
    // ----------------------------------------------------------------------------------

    Verdict via_add_srvid(Message& m, int on) { return change_via(m, kServerId, on != 0); }
    Verdict via_add_xavp_params(Message& m, int on) { return change_via(m, kParams, on != 0); }
    Verdict via_use_xavp_fields(Message& m, int on) { return change_via(m, kFields, on != 0); }

    /// $lsock(how/value/what): of the socket with this "proto:address:port" (l), this name (n) or
    /// one of both (i), its name or listen.
    Value socket(std::string_view how) {
        const std::size_t first = how.find('/'), last = how.rfind('/');
        if (first != 1 || last <= first) return {};
        const std::string_view value = how.substr(first + 1, last - first - 1);
        const std::string_view what = how.substr(last + 1);
        for (const Listener& l : core_->net().listeners()) {
            const bool by_address = how[0] != 'n' && l.uri_text == value;
            const bool by_name = how[0] != 'l' && !l.name.empty() && l.name == value;
            if (by_address || by_name)
                return std::string_view(what == "name" ? l.name : l.uri_text);
        }
        return {};
    }

    /// $cfg(line), $cfg(name) and $cfg(route).
    Value script_place(Message& m, std::string_view what) {
        if (what == "line") return static_cast<std::int64_t>(m.place.line);
        if (what == "name" || what == "file") return m.place.file;
        if (m.place.route == RouteId::none) return {};
        return core_->script().name(m.place.route);
    }

private:
    static constexpr int kFlags = 64;
    /// They are AVPs, so that a transaction keeps them.
    static constexpr std::string_view kExtended = "corex:xflags", kInternal = "corex:iflags";
    static std::uint64_t flags(const Message& m, std::string_view which) noexcept {
        return static_cast<std::uint64_t>(m.avps.get(which).integer());
    }
    static int internal_flag(std::string_view name) noexcept {
        constexpr std::string_view kNames[] = {"USE_UAC_FROM", "USE_UAC_TO", "UAC_AUTH"};
        for (int i = 0; i < 3; ++i) {
            if (kNames[i] == name) return i;
        }
        return -1;
    }
    static Verdict change_flag(Message& m, std::string_view which, int flag, bool on) {
        if (flag < 0 || flag >= kFlags) {
            LOG(error, "there is no such flag");
            return Verdict::no;
        }
        const std::uint64_t bit = std::uint64_t{1} << static_cast<unsigned>(flag);
        const std::uint64_t before = flags(m, which), after = on ? before | bit : before & ~bit;
        if (before == after) return Verdict::yes;
        m.avps.remove_all(which);
        if (after != 0) m.avps.add(which, static_cast<std::int64_t>(after));
        return Verdict::yes;
    }
    static Verdict receive_on(Message& m, const Listener& listener) noexcept {
        m.received.listener = listener.index;
        m.received.local = listener.address;
        m.received.proto = listener.proto;
        return Verdict::yes;
    }
    /// To a URI; to a name when it has been looked up.
    Verdict send(Message& m, std::string_view uri, std::uint16_t forced, std::string_view bytes) {
        if (bytes.empty()) return Verdict::no;
        const ScriptError error =
            sends_->send(core_->next_hops(), {uri, m.received.listener, forced}, bytes);
        // That it did not leave is said by the result alone.
        if (error != ScriptError::none && error != ScriptError::send) m.error = error;
        return Verdict::of(error == ScriptError::none);
    }
    Verdict change_via(Message& m, ViaPart part, bool on) {
        auto parts = static_cast<unsigned>(m.slots[via_slot_]);
        parts = on ? parts | part : parts & ~static_cast<unsigned>(part);
        m.slots[via_slot_] = parts;
        if (!on && part == kFields) {
            m.advertised_host = {};
            m.advertised_port = 0;
        }
        apply_via(m, parts, core_->globals());
        return Verdict::yes;
    }
    static Verdict force(Message& m, const Listener& listener) noexcept {
        m.target.listener = listener.index;
        return Verdict::yes;
    }

    struct Domain {
        std::string name;
        std::uint16_t port;
        Proto proto;
    };
    Core* core_ = nullptr;
    std::optional<LateSends> sends_;  ///< from prepare() on
    std::size_t via_slot_ = 0;
    std::vector<Domain> domains_;
    Network network_;
};

namespace {

Result<void> no_files(const Module&, std::span<const Value>) {
    return fail("a worker that waits for a file serves nobody: suspend the transaction instead");
}
constexpr std::string_view kNoFiles =
    "Refused when the configuration is read: a worker does not wait for files.";
constexpr Route kBranching = Route::request | Route::failure;

constexpr Param params[] = {
    param_method<&Corex::add_domain>(
        "alias_subdomains",
        "[proto:]domain[:port] that is the server itself, with all names below it.", Type::string),
    param_method<&Corex::set_intercept>(
        "nio_intercept", "1: event_route[network:msg] runs for all that comes and leaves.",
        Type::integer),
    param_method<&Corex::set_min_length>("nio_min_msg_len",
                                         "It does not run for messages of fewer bytes.",
                                         Type::integer, {.min = 0, .max = 65535}),
    param_variables<&Corex::set_msg_avp>(
        "nio_msg_avp", "The $avp whose text goes on in the place of the message when it is set."),
    param<&Corex::dns_records>(
        "dns_cache",
        "Accepted: such records belong into the hosts file, or are added by dns.add_a."),
    param<&Corex::evcb_reply_out>("evcb_reply_out", "Accepted: there is one language."),
};

constexpr std::string_view events[] = {"network:msg", "corex:reply-out"};

constexpr Function functions[] = {
    function<&Corex::append_branch>("append_branch",
                                    "Adds a branch to `uri`, or to where the request points now.",
                                    kBranching, "uri", "q"),
    function<&Corex::set_send_socket>(
        "set_send_socket", "Sends from the socket \"proto:address:port\".", Route::any, "socket"),
    function<&Corex::set_send_socket_name>(
        "set_send_socket_name", "Sends from the socket that has this name.", Route::any, "name"),
    function<&Corex::is_socket_name>("is_socket_name", "Whether a socket has this name.",
                                     Route::any, "name"),
    function<&Corex::has_ruri_user>("has_ruri_user", "Whether the Request-URI has a user.",
                                    Route::any),
    function<&Corex::has_user_agent>("has_user_agent", "Whether there is a User-Agent.",
                                     Route::any),
    function<&Corex::is_faked_msg>("is_faked_msg", "Whether the message is not from the network.",
                                   Route::any),
    function<&Corex::set_recv_socket>("set_recv_socket",
                                      "Acts as if the message came to the socket "
                                      "\"proto:address:port\".",
                                      Route::any, "socket"),
    function<&Corex::set_recv_socket_name>(
        "set_recv_socket_name", "Acts as if the message came to the socket of this name.",
        Route::any, "name"),
    function<&Corex::set_source_address>("set_source_address",
                                         "Acts as if the message came from \"proto:address:port\".",
                                         Route::any, "address"),
    function<&Corex::send_udp>("send_udp",
                               "Sends the message as it was received, to host[:port] or where it "
                               "points.",
                               Route::any, "to"),
    function<&Corex::send_tcp>("send_tcp",
                               "The same over TCP. False as long as there is no TCP socket.",
                               Route::any, "to"),
    function<&Corex::setxflag>("setxflag", "Sets one of 64 flags that stay with the transaction.",
                               Route::any, "flag"),
    function<&Corex::resetxflag>("resetxflag", "Resets one of them.", Route::any, "flag"),
    function<&Corex::isxflagset>("isxflagset", "Whether one of them is set.", Route::any, "flag"),
    function<&Corex::msg_iflag_set>("msg_iflag_set",
                                    "Sets USE_UAC_FROM, USE_UAC_TO or UAC_AUTH, which stay with "
                                    "the transaction; nothing here acts on them.",
                                    Route::any, "name"),
    function<&Corex::msg_iflag_reset>("msg_iflag_reset", "Resets one of them.", Route::any, "name"),
    function<&Corex::msg_iflag_is_set>("msg_iflag_is_set", "Whether one of them is set.",
                                       Route::any, "name"),
    checked_function<&Corex::refuse_file_into>(no_files, "file_read", kNoFiles, Route::any, "path",
                                               "variable"),
    checked_function<&Corex::refuse_file>(no_files, "file_write", kNoFiles, Route::any, "path",
                                          "text"),
    function<&Corex::forward_reply>(
        "forward_reply",
        "Passes the reply on at once, as changed so far. Without `drop` the core passes it on too.",
        Route::core_reply),
    function<&Corex::send_data>("send_data", "Sends a text to where a URI leads.", Route::any,
                                "uri", "data"),
    function<&Corex::sendx>("sendx", "The same from the socket \"proto:address:port\".", Route::any,
                            "uri", "socket", "data"),
    function<&Corex::is_incoming>("is_incoming",
                                  "Whether the message came from the network; false in "
                                  "event_route[network:msg] for one that leaves.",
                                  Route::any),
    function<&Corex::via_add_srvid>("via_add_srvid",
                                    "1: our Via has ;srvid= with server_id; 0: it has not.",
                                    Route::any, "flags"),
    function<&Corex::via_add_xavp_params>(
        "via_add_xavp_params",
        "1: our Via has the fields that the $xavp of xavp_via_params has now; 0: it has not.",
        Route::any, "flags"),
    function<&Corex::via_use_xavp_fields>(
        "via_use_xavp_fields",
        "1: our Via has the address and port of the $xavp of xavp_via_fields; 0: its own.",
        Route::any, "flags"),
};

constexpr Variable variables[] = {
    {.name = "cfg",
     .doc = "Where the script is: line, name (of the file) or route.",
     .inner = Inner::required,
     .get =
         [](Module& module, Message& m, const VariableName& name) {
             return static_cast<Corex&>(module).script_place(m, name.inner);
         },
     .resolve = [](Module&, std::string_view inner) -> Result<std::uint64_t> {
         for (const std::string_view known : {"line", "name", "file", "route"}) {
             if (inner == known) return 0;
         }
         return fail("$cfg knows line, name, file and route");
     }},
    {.name = "lsock",
     .doc = "Of a listener found by l (proto:address:port), n (name) or i (one of both): "
            "l/udp:127.0.0.1:5060/name, n/inside/listen.",
     .inner = Inner::required,
     .get = [](Module& module, Message&,
               const VariableName& name) { return static_cast<Corex&>(module).socket(name.inner); },
     .resolve = [](Module&, std::string_view inner) -> Result<std::uint64_t> {
         const std::size_t last = inner.rfind('/');
         const std::string_view what = inner.substr(last == inner.npos ? 0 : last + 1);
         const bool known = inner.size() > 2 && inner[1] == '/' && last > 1 &&
                            std::string_view("lni").find(inner[0]) != std::string_view::npos;
         if (!known || (what != "name" && what != "listen"))
             return fail("$lsock(how/value/what): how is l, n or i, what is name or listen");
         return 0;
     }},
};

constexpr Descriptor descriptor{.name = "corex",
                                .summary = "Branches, sockets, and sending without a transaction.",
                                .create = make_module<Corex>,
                                .params = params,
                                .functions = functions,
                                .variables = variables,
                                .event_routes = events};

}  // namespace

}  // namespace fairlead::corex

FAIRLEAD_MODULE(fairlead::corex::descriptor)
