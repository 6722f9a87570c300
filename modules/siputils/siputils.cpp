// siputils: questions about a message and its URIs, and the answer to OPTIONS.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/api/log.h"
#include "core/api/sip.h"
#include "core/api/text.h"
#include "core/api/uri_edit.h"
#include "core/module.h"
#include "modules/siputils/charging.h"
#include "modules/siputils/contact_param.h"
#include "modules/sl/api.h"

namespace fairlead::siputils {

namespace {

bool is_alpha(char c) noexcept {
    const char lower = text::to_lower(c);
    return lower >= 'a' && lower <= 'z';
}

/// Same user and host, port as it takes effect: the address of record (RFC 3261 10.3).
bool same_aor(std::string_view a, std::string_view b) noexcept {
    const auto left = sip::parse_uri(a);
    const auto right = sip::parse_uri(b);
    return left && right && left->scheme == right->scheme && left->user == right->user &&
           text::ci_equal(left->host, right->host) &&
           left->effective_port() == right->effective_port();
}

}  // namespace

class Siputils final : public Module {
public:
    std::string options_accept = "*/*";
    std::string options_accept_encoding;
    std::string options_accept_language = "en";
    std::string options_support;
    std::string contact_flds_separator = "*";
    std::string rpid_prefix, rpid_suffix = ";party=calling;id-type=subscriber;screen=yes";
    sl::Api* sl = nullptr;
    ChargingVector charging;

    Result<void> set_rpid(std::string_view text, ParamVariables& variables) {
        rpid_ = TRY(variables.variable(text));
        return {};
    }
    Result<void> prepare(Core& core) override {
        net_ = &core.net();
        clock_ = &core.clock();
        charging.prepare(core);
        return {};
    }

    Verdict is_request(Message& m) { return Verdict::of(m.is_request()); }
    Verdict is_reply(Message& m) { return Verdict::of(!m.is_request()); }
    Verdict has_totag(Message& m) {
        return Verdict::of(m.sip.to() != nullptr && !m.sip.to()->tag.empty());
    }

    Verdict is_first_hop(Message& m, std::optional<int> mode) {
        // A request that passed only its sender has one Via.
        if (m.is_request())
            return Verdict::of(m.sip.via() != nullptr && m.sip.second_via() == nullptr);
        const auto route = sip::parse_name_addr(first_record_route(m));
        const auto uri = route ? sip::parse_uri(route->uri) : std::nullopt;
        if (!uri || !uri->is_sip()) return Verdict::no;
        if (!net_->is_myself(uri->host, uri->port, uri->transport().value_or(Proto::none))) {
            return Verdict::no;
        }
        if (mode.value_or(0) == 1) return Verdict::yes;
        // Without a mode a reply that comes from ourselves is a loop.
        const auto address = Address::parse(uri->host);
        return Verdict::of(address && !address->same_ip(m.received.source));
    }

    Verdict append_rpid_hf(Message& m) { return append_rpid(m, rpid_prefix, rpid_suffix); }
    Verdict append_rpid(Message& m, std::string_view prefix, std::string_view suffix) {
        const std::string_view rpid = rpid_of(m);
        if (rpid.empty()) return Verdict::no;
        m.edits.append_header(m.sip,
                              m.arena.concat({"Remote-Party-ID: ", prefix, rpid, suffix, "\r\n"}));
        return Verdict::yes;
    }
    Verdict is_rpid_user_e164(Message& m) {
        const auto address = sip::parse_name_addr(rpid_of(m));
        const auto uri = address ? sip::parse_uri(address->uri) : std::nullopt;
        return Verdict::of(uri && e164(uri->user));
    }
    Verdict contact_param_encode(Message& m, std::string_view name, std::string_view server) {
        return Verdict::of(encode_contact_param(m, name, server));
    }
    Verdict contact_param_decode(Message& m, std::string_view name) {
        return Verdict::of(decode_contact_param(m, name));
    }
    Verdict contact_param_decode_ruri(Message& m, std::string_view name) {
        return Verdict::of(decode_uri_param(m, name));
    }
    Verdict contact_param_rm(Message& m, std::string_view name) {
        return Verdict::of(remove_contact_param(m, name));
    }
    Verdict sip_p_charging_vector(Message& m, std::string_view what) {
        const char flag = what.empty() ? '\0' : what.front();
        if (flag != 'r' && flag != 'g' && flag != 'f') {
            LOG(error, "sip_p_charging_vector: r, g or f expected, not \"{}\"", what);
            return Verdict::no;
        }
        if (flag != 'g') charging.remove(m);
        if (flag != 'r') charging.generate(m);
        return Verdict::yes;
    }
    Verdict options_reply(Message& m) {
        const sip::Uri* const uri = m.sip.parsed_request_uri();
        if (m.sip.method() != sip::Method::options || uri == nullptr || !uri->user.empty()) {
            return Verdict::no;
        }
        m.append_to_reply(m.arena.concat({"Accept: ", options_accept,
                                          "\r\nAccept-Encoding: ", options_accept_encoding,
                                          "\r\nAccept-Language: ", options_accept_language,
                                          "\r\nSupported: ", options_support, "\r\n"}));
        return Verdict(sl->send(m, 200, "OK"));
    }

    Verdict uri_param(Message& m, std::string_view name, std::optional<std::string_view> value) {
        const auto found = request_uri_param(m, name);
        return Verdict::of(found && *found == value.value_or(""));
    }
    Verdict uri_param_any(Message& m, std::string_view name) {
        return Verdict::of(request_uri_param(m, name).has_value());
    }
    Verdict add_uri_param(Message& m, std::string_view param) {
        const auto uri = sip::parse_uri(m.uri());
        if (!uri || param.empty()) return Verdict::no;
        // In front of the headers, behind the parameters.
        const std::size_t at = uri->headers.empty() ? m.uri().size() : m.uri().rfind('?');
        m.target.uri = m.arena.concat({m.uri().substr(0, at), ";", param, m.uri().substr(at)});
        return Verdict::yes;
    }
    Verdict get_uri_param(Message& m, std::string_view name, const VariableRef& variable) {
        const auto found = request_uri_param(m, name);
        return Verdict::of(found && variable.set(m, Value(*found)));
    }
    Verdict uri_param_rm(Message& m, std::string_view name) {
        const auto uri = sip::parse_uri(m.uri());
        if (!uri) return Verdict::no;
        std::string_view rest = uri->params;
        while (const auto param = sip::next_param(rest)) {
            if (!text::ci_equal(param->name, name)) continue;
            const char* const begin = param->name.data();
            const char* const end = param->has_value ? param->value.data() + param->value.size()
                                                     : begin + param->name.size();
            const std::string_view whole = m.uri();
            const auto cut = static_cast<std::size_t>(begin - whole.data()) - 1;  // with its ';'
            const auto resume = static_cast<std::size_t>(end - whole.data());
            m.target.uri = m.arena.concat({whole.substr(0, cut), whole.substr(resume)});
            return Verdict::yes;
        }
        return Verdict::no;
    }

    Verdict is_uri(Message&, std::string_view uri) {
        return Verdict::of(sip::parse_uri(uri).has_value());
    }
    Verdict is_e164(Message&, std::string_view number) { return Verdict::of(e164(number)); }
    Verdict is_uri_user_e164(Message&, std::string_view uri) {
        const auto parsed = sip::parse_uri(uri);
        return Verdict::of(parsed && e164(parsed->user));
    }
    Verdict is_tel_number(Message&, std::string_view value) {
        if (value.starts_with('+')) value.remove_prefix(1);
        return Verdict::of(!value.empty() && std::ranges::all_of(value, text::is_digit));
    }
    Verdict is_numeric(Message&, std::string_view value) {
        return Verdict::of(!value.empty() && std::ranges::all_of(value, text::is_digit));
    }
    Verdict is_alphanum(Message& m, std::string_view value) { return is_alphanumex(m, value, ""); }
    Verdict is_alphanumex(Message&, std::string_view value, std::string_view extra) {
        return Verdict::of(!value.empty() && std::ranges::all_of(value, [&](char c) {
            return text::is_digit(c) || is_alpha(c) || extra.find(c) != std::string_view::npos;
        }));
    }

    Verdict cmp_uri(Message&, std::string_view a, std::string_view b) {
        const auto left = sip::parse_uri(a);
        const auto right = sip::parse_uri(b);
        return Verdict::of(left && right && sip::equal(*left, *right));
    }
    Verdict cmp_aor(Message&, std::string_view a, std::string_view b) {
        return Verdict::of(same_aor(a, b));
    }
    Verdict cmp_hdr_name(Message&, std::string_view a, std::string_view b) {
        const sip::HeaderType type = sip::header_type(a);
        return Verdict::of(type == sip::HeaderType::other ? text::ci_equal(a, b)
                                                          : type == sip::header_type(b));
    }

    Verdict is_supported(Message& m, std::string_view option) {
        for (std::size_t n = 0; const sip::Header* h = m.sip.header(sip::HeaderType::supported, n);
             ++n) {
            std::string_view rest = m.sip.value(*h);
            while (const auto value = sip::next_value(rest)) {
                if (text::ci_equal(*value, option)) return Verdict::yes;
            }
        }
        return Verdict::no;
    }

    // ---- Credentials, tel URIs, GRUUs, dates ----------------------------------------------------

    Verdict is_user(Message& m, std::string_view name) {
        for (const sip::HeaderType type :
             {sip::HeaderType::authorization, sip::HeaderType::proxy_authorization}) {
            const std::string_view value = m.sip.text(type);
            const std::size_t scheme = value.find(' ');
            if (scheme == std::string_view::npos) continue;
            const auto user = sip::find_param(value.substr(scheme + 1), "username", ',');
            if (user) return Verdict::of(unquoted(user->value) == name);
        }
        return Verdict::no;
    }

    Verdict tel2sip(Message& m, std::string_view uri, std::string_view host,
                    const VariableRef& result) {
        if (!text::ci_starts_with(uri, "tel:")) return Verdict(2);
        const std::size_t params = std::min(uri.find(';'), uri.size());
        if (host.empty() || params == 4) return Verdict::no;
        char* const user = m.arena.allocate(uri.size());
        std::size_t size = 0;
        // RFC 3261 19.1.6: no visual separators, parameters in lower case.
        for (const char c : uri.substr(4, params - 4)) {
            if (std::string_view("-.() ").find(c) == std::string_view::npos) user[size++] = c;
        }
        for (const char c : uri.substr(params)) user[size++] = text::to_lower(c);
        const std::string_view made =
            m.arena.concat({"sip:", std::string_view(user, size), "@", host, ";user=phone"});
        return Verdict::of(sip::parse_uri(made) && result.set(m, Value(made)));
    }

    Verdict is_gruu(Message& m, std::optional<std::string_view> text) {
        const auto uri = sip::parse_uri(text ? *text : m.uri());
        const auto gr = uri ? uri->param("gr") : std::nullopt;
        if (!gr) return Verdict::no;
        return Verdict(gr->empty() ? 2 : 1);
    }

    Verdict set_uri_user(Message& m, const VariableRef& variable, std::string_view user) {
        const auto uri = sip::parse_uri(string_of(m, variable));
        if (!uri || !uri->is_sip()) return Verdict::no;
        return Verdict::of(variable.set(m, Value(uri_edit::with_user(m.arena, *uri, user))));
    }
    Verdict set_uri_host(Message& m, const VariableRef& variable, std::string_view host) {
        const auto uri = sip::parse_uri(string_of(m, variable));
        if (!uri || !uri->is_sip() || host.empty()) return Verdict::no;
        return Verdict::of(variable.set(m, Value(uri_edit::with_host(m.arena, *uri, host))));
    }

    Verdict hdr_date_check(Message& m, int seconds) {
        const std::string_view value = m.sip.text(sip::HeaderType::date);
        const std::string date(value.substr(0, 64));
        std::tm when{};
        const char* const end = strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &when);
        if (end == nullptr || *end != '\0') return Verdict::no;
        return Verdict::of(timegm(&when) >= clock_->unix_seconds() - seconds);
    }

    // ---- Contacts that carry another address in their user
    // ---------------------------------------

    Verdict encode_contact(Message& m, std::string_view prefix, std::string_view host) {
        return change_contacts(m, [&](const sip::Uri& uri) {
            const std::string_view mark = separator();
            return m.arena.concat({"sip:", prefix, mark, uri.user, mark, uri.password, mark,
                                   uri.host, mark, uri.port_text, mark,
                                   uri.param("transport").value_or(""), "@", host});
        });
    }
    Verdict decode_contact_header(Message& m) {
        return change_contacts(m, [&](const sip::Uri& uri) { return decoded(m, uri); });
    }
    Verdict decode_contact(Message& m) {
        const auto uri = sip::parse_uri(m.uri());
        const std::string_view made = uri ? decoded(m, *uri) : std::string_view();
        if (made.empty()) return Verdict::no;
        m.target.uri = made;
        return Verdict::yes;
    }

private:
    [[nodiscard]] std::string_view separator() const noexcept {
        return contact_flds_separator.empty()
                   ? std::string_view("*")
                   : std::string_view(contact_flds_separator).substr(0, 1);
    }
    /// "prefix*user*password*host*port*transport" as a URI; "" when the user is none.
    [[nodiscard]] std::string_view decoded(Message& m, const sip::Uri& uri) const {
        std::array<std::string_view, 6> parts;
        std::string_view rest = uri.user;
        for (std::size_t i = 0; i < parts.size(); ++i) {
            const std::size_t end = rest.find(separator());
            if ((end == std::string_view::npos) != (i + 1 == parts.size())) return {};
            parts[i] = rest.substr(0, end);
            rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
        }
        const auto& [prefix, user, password, host, port, transport] = parts;
        const std::string_view made = m.arena.concat(
            {"sip:", user, password.empty() ? "" : ":", password, user.empty() ? "" : "@", host,
             port.empty() ? "" : ":", port, transport.empty() ? "" : ";transport=", transport});
        return sip::parse_uri(made) ? made : std::string_view();
    }
    /// Gives each Contact another URI; false, and nothing changed, when one cannot get it.
    template <class Change>
    static Verdict change_contacts(Message& m, Change change) {
        std::vector<std::pair<std::string_view, std::string_view>> changes;
        for (std::size_t n = 0; const sip::Header* h = m.sip.header(sip::HeaderType::contact, n);
             ++n) {
            std::string_view rest = m.sip.value(*h);
            while (const auto value = sip::next_value(rest)) {
                const auto contact = sip::parse_name_addr(*value);
                if (contact && contact->is_star) continue;
                const auto uri = contact ? sip::parse_uri(contact->uri) : std::nullopt;
                const std::string_view made =
                    uri && uri->is_sip() ? change(*uri) : std::string_view();
                if (made.empty()) return Verdict::no;
                changes.emplace_back(contact->uri, made);
            }
        }
        for (const auto& [old, made] : changes) {
            const auto at = static_cast<std::uint32_t>(old.data() - m.sip.bytes().data());
            if (!m.edits.replace(at, static_cast<std::uint32_t>(old.size()), made)) {
                return Verdict::no;
            }
        }
        return Verdict::of(!changes.empty());
    }
    /// The value of rpid_avp, $avp(s:rpid) unless it is set.
    [[nodiscard]] std::string_view rpid_of(Message& m) const {
        return rpid_ != nullptr ? rpid_->get(m).string() : m.avps.get("rpid").string();
    }
    static std::string_view unquoted(std::string_view s) noexcept {
        return s.size() >= 2 && s.front() == '"' && s.back() == '"' ? s.substr(1, s.size() - 2) : s;
    }
    static std::string_view string_of(Message& m, const VariableRef& variable) {
        return variable.get(m).string();
    }
    static bool e164(std::string_view number) noexcept {
        return number.size() >= 3 && number.size() <= 16 && number.front() == '+' &&
               std::ranges::all_of(number.substr(1), text::is_digit);
    }
    static std::optional<std::string_view> request_uri_param(const Message& m,
                                                             std::string_view name) noexcept {
        const auto uri = sip::parse_uri(m.uri());
        return uri ? uri->param(name) : std::nullopt;
    }
    static std::string_view first_record_route(const Message& m) noexcept {
        std::string_view rest = m.sip.text(sip::HeaderType::record_route);
        return sip::next_value(rest).value_or("");
    }

    const Net* net_ = nullptr;
    const Clock* clock_ = nullptr;
    const VariableRef* rpid_ = nullptr;
};

namespace {

constexpr Param params[] = {
    param<&Siputils::options_accept>("options_accept", "Accept of options_reply()."),
    param<&Siputils::options_accept_encoding>("options_accept_encoding",
                                              "Accept-Encoding of options_reply()."),
    param<&Siputils::options_accept_language>("options_accept_language",
                                              "Accept-Language of options_reply()."),
    param<&Siputils::options_support>("options_support", "Supported of options_reply()."),
    param<&Siputils::contact_flds_separator>("contact_flds_separator",
                                             "What separates the parts of an encoded Contact: its "
                                             "first character."),
    param<&Siputils::rpid_prefix>("rpid_prefix", "What append_rpid_hf() writes before the URI."),
    param<&Siputils::rpid_suffix>("rpid_suffix", "What append_rpid_hf() writes behind the URI."),
    param_variables<&Siputils::set_rpid>(
        "rpid_avp", "Variable with the URI for Remote-Party-ID, $avp(s:rpid) unless it is set."),
};

constexpr Function functions[] = {
    function<&Siputils::is_request>("is_request", "Whether the message is a request.", Route::any),
    function<&Siputils::is_reply>("is_reply", "Whether the message is a reply.", Route::any),
    function<&Siputils::has_totag>("has_totag", "Whether To has a tag: inside a dialog.",
                                   Route::any),
    function<&Siputils::is_first_hop>(
        "is_first_hop", "Whether the message comes straight from its sender.", Route::any, "mode"),
    function<&Siputils::options_reply>(
        "options_reply", "Answers an OPTIONS without user in its Request-URI.", Route::request),
    function<&Siputils::uri_param>("uri_param",
                                   "Whether the Request-URI has a parameter with this value.",
                                   Route::request, "name", "value"),
    function<&Siputils::uri_param_any>("uri_param_any", "Whether the Request-URI has a parameter.",
                                       Route::request, "name"),
    function<&Siputils::add_uri_param>("add_uri_param", "Adds a parameter to the Request-URI.",
                                       Route::request, "param"),
    function<&Siputils::get_uri_param>("get_uri_param",
                                       "Reads a parameter of the Request-URI into a variable.",
                                       Route::request, "name", "var"),
    function<&Siputils::uri_param_rm>("uri_param_rm", "Takes a parameter off the Request-URI.",
                                      Route::request, "name"),
    function<&Siputils::is_uri>("is_uri", "Whether a text is a URI.", Route::any, "text"),
    function<&Siputils::is_e164>("is_e164", "Whether a text is a number of the form +123….",
                                 Route::any, "text"),
    function<&Siputils::is_uri_user_e164>(
        "is_uri_user_e164", "Whether the user of a URI is of the form +123….", Route::any, "uri"),
    function<&Siputils::is_tel_number>("is_tel_number",
                                       "Whether a text is digits, with or without a leading +.",
                                       Route::any, "text"),
    function<&Siputils::is_numeric>("is_numeric", "Whether a text is digits.", Route::any, "text"),
    function<&Siputils::is_alphanum>("is_alphanum", "Whether a text is letters and digits.",
                                     Route::any, "text"),
    function<&Siputils::is_alphanumex>("is_alphanumex",
                                       "Whether a text is letters, digits and `extra` characters.",
                                       Route::any, "text", "extra"),
    function<&Siputils::cmp_uri>("cmp_uri", "Whether two URIs are equal (RFC 3261 19.1.4).",
                                 Route::any, "a", "b"),
    function<&Siputils::cmp_aor>("cmp_aor", "Whether two URIs name the same user at the same host.",
                                 Route::any, "a", "b"),
    function<&Siputils::cmp_hdr_name>(
        "cmp_hdr_name", "Whether two names mean the same header, compact forms included.",
        Route::any, "a", "b"),
    function<&Siputils::is_supported>("is_supported", "Whether Supported lists an option.",
                                      Route::any, "option"),
    function<&Siputils::is_user>("is_user", "Whether the credentials are those of this user.",
                                 Route::request, "name"),
    function<&Siputils::tel2sip>(
        "tel2sip", "Makes a SIP URI of a tel URI: 1, or 2 when it is none (RFC 3261 19.1.6).",
        Route::any, "uri", "host", "result"),
    function<&Siputils::is_gruu>("is_gruu",
                                 "Whether a URI, else the Request-URI, is a GRUU: 1 public, 2 "
                                 "temporary.",
                                 Route::any, "uri"),
    function<&Siputils::set_uri_user>("set_uri_user", "Sets the user of the URI in a variable.",
                                      Route::any, "uri", "user"),
    function<&Siputils::set_uri_host>("set_uri_host", "Sets the host of the URI in a variable.",
                                      Route::any, "uri", "host"),
    function<&Siputils::encode_contact>(
        "encode_contact",
        "Makes of each Contact sip:prefix*user*password*ip*port*transport@host; other parameters "
        "are lost.",
        Route::request | Route::reply, "prefix", "host"),
    function<&Siputils::decode_contact>(
        "decode_contact", "Undoes encode_contact() in the Request-URI.", Route::request),
    function<&Siputils::decode_contact_header>("decode_contact_header",
                                               "Undoes encode_contact() in each Contact.",
                                               Route::request | Route::reply),
    function<&Siputils::append_rpid_hf>("append_rpid_hf",
                                        "Adds Remote-Party-ID with the URI in rpid_avp.",
                                        Route::request | Route::failure | Route::branch),
    function<&Siputils::append_rpid>("append_rpid_hf", "The same between other texts.",
                                     Route::request | Route::failure | Route::branch, "prefix",
                                     "suffix"),
    function<&Siputils::is_rpid_user_e164>(
        "is_rpid_user_e164", "Whether the user of the URI in rpid_avp is of the form +123….",
        Route::request),
    function<&Siputils::contact_param_encode>(
        "contact_param_encode",
        "Makes of each Contact the URI of this server with the old one in a parameter.",
        Route::request | Route::reply, "name", "server"),
    function<&Siputils::contact_param_decode>("contact_param_decode",
                                              "Undoes contact_param_encode() in each Contact.",
                                              Route::request | Route::reply, "name"),
    function<&Siputils::contact_param_decode_ruri>(
        "contact_param_decode_ruri", "Undoes contact_param_encode() in the Request-URI.",
        Route::request, "name"),
    function<&Siputils::contact_param_rm>("contact_param_rm",
                                          "Takes a parameter off the URIs in Contact.",
                                          Route::request | Route::reply, "name"),
    function<&Siputils::sip_p_charging_vector>(
        "sip_p_charging_vector",
        "P-Charging-Vector: r removes it, g makes one when there is none, f makes a new one.",
        Route::any, "what"),
    function<&Siputils::hdr_date_check>(
        "hdr_date_check", "Whether Date is at most so many seconds ago.", Route::any, "seconds"),
};

using Part = ChargingVector::Part;
constexpr std::pair<std::string_view, Part> kChargingParts[] = {{"all", Part::all},
                                                                {"value", Part::value},
                                                                {"genaddr", Part::genaddr},
                                                                {"orig", Part::orig},
                                                                {"term", Part::term}};
constexpr Variable variables[] = {
    {.name = "pcv",
     .doc = "P-Charging-Vector: all, value, genaddr, orig or term.",
     .inner = Inner::required,
     .get =
         [](Module& module, Message& m, const VariableName& name) {
             return static_cast<Siputils&>(module).charging.get(m, static_cast<Part>(name.handle));
         },
     .resolve = [](Module&, std::string_view inner) -> Result<std::uint64_t> {
         for (const auto& [word, part] : kChargingParts) {
             if (word == inner) return static_cast<std::uint64_t>(part);
         }
         return fail("one of all, value, genaddr, orig, term expected");
     },
     .fixed_names = true},
};

constexpr Need needed[] = {needs<&Siputils::sl>()};

constexpr Descriptor descriptor{.name = "siputils",
                                .summary = "Questions about messages and URIs.",
                                .create = make_module<Siputils>,
                                .params = params,
                                .functions = functions,
                                .variables = variables,
                                .needs = needed};

}  // namespace

}  // namespace fairlead::siputils

FAIRLEAD_MODULE(fairlead::siputils::descriptor)
