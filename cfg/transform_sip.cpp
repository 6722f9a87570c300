// Transformations of SIP texts: {uri.…}, {param.…}, {nameaddr.…}, {tobody.…}, {urialias.…},
// {sock.…}, {url.…}.
// SPDX-License-Identifier: Apache-2.0
#include "cfg/transform.h"
#include "core/base/text.h"
#include "core/sip/params.h"
#include "core/sip/uri.h"
#include "core/sip/values.h"

namespace fairlead::cfg {

namespace {

using Args = const TransformArgs&;

// ---- {uri.…} ------------------------------------------------------------------------------------

template <class F>
Value of_uri(Message& m, const Value& in, F part) {
    const auto uri = sip::parse_uri(text_of(m, in));
    return uri ? part(*uri) : Value::absent();
}
template <std::string_view sip::Uri::* Field>
Value uri_field(Message& m, const Value& in, Args) {
    return of_uri(m, in, [](const sip::Uri& u) { return Value(u.*Field); });
}
Value uri_parameter(Message& m, const Value& in, std::string_view name) {
    return of_uri(m, in, [name](const sip::Uri& u) {
        return Value(u.param(name).value_or(std::string_view()));
    });
}
Value uri_param(Message& m, const Value& in, Args a) {
    return uri_parameter(m, in, a[0].string());
}
Value uri_transport(Message& m, const Value& in, Args) {
    return uri_parameter(m, in, "transport");
}
Value uri_ttl(Message& m, const Value& in, Args) {
    return uri_parameter(m, in, "ttl");
}
Value uri_maddr(Message& m, const Value& in, Args) {
    return uri_parameter(m, in, "maddr");
}
Value uri_method(Message& m, const Value& in, Args) {
    return uri_parameter(m, in, "method");
}
Value uri_user_param(Message& m, const Value& in, Args) {
    return uri_parameter(m, in, "user");
}
Value uri_lr(Message& m, const Value& in, Args) {
    return uri_parameter(m, in, "lr");
}
Value uri_r2(Message& m, const Value& in, Args) {
    return uri_parameter(m, in, "r2");
}
std::string_view lower_transport(const sip::Uri& u) {
    const auto proto = u.transport();
    if (proto && *proto != Proto::none) return name(*proto);
    return u.scheme == sip::Scheme::sips ? "tls" : "udp";
}
/// "proto:host:port".
Value uri_socket(Message& m, const Value& in, Args) {
    return of_uri(m, in, [&m](const sip::Uri& u) {
        if (!u.is_sip()) return Value::absent();
        return Value(
            m.arena.concat({lower_transport(u), ":", u.host, ":", text_of(m, u.effective_port())}));
    });
}
std::string_view address_of_record(Message& m, const sip::Uri& u) {
    return m.arena.concat({u.scheme_text, ":", u.user, u.has_user ? "@" : "", u.host});
}
Value uri_saor(Message& m, const Value& in, Args) {
    return of_uri(m, in, [&m](const sip::Uri& u) { return Value(address_of_record(m, u)); });
}
Value uri_suri(Message& m, const Value& in, Args) {
    return of_uri(m, in, [&m](const sip::Uri& u) {
        const std::string_view transport = u.param("transport").value_or(std::string_view());
        return Value(
            m.arena.concat({address_of_record(m, u), u.port_text.empty() ? "" : ":", u.port_text,
                            transport.empty() ? "" : ";transport=", transport}));
    });
}
Value uri_duri(Message& m, const Value& in, Args) {
    return of_uri(m, in, [&m](const sip::Uri& u) {
        const std::string_view transport = u.param("transport").value_or(std::string_view());
        return Value(
            m.arena.concat({u.scheme_text, ":", u.host, u.port_text.empty() ? "" : ":", u.port_text,
                            transport.empty() ? "" : ";transport=", transport}));
    });
}

// ---- {param.…} ----------------------------------------------------------------------------------

char separator(Args a, std::size_t n) {
    return a.size() > n && !a[n].string().empty() ? a[n].string()[0] : ';';
}
std::string_view without_quotes(std::string_view s) {
    return s.size() >= 2 && s.front() == '"' && s.back() == '"' ? s.substr(1, s.size() - 2) : s;
}
Value param_value(Message& m, const Value& in, Args a) {
    const auto found = sip::find_param(text_of(m, in), a[0].string(), separator(a, 1));
    return found ? without_quotes(found->value) : std::string_view();
}
Value param_in(Message& m, const Value& in, Args a) {
    return sip::find_param(text_of(m, in), a[0].string(), separator(a, 1)) ? 1 : 0;
}
std::optional<sip::Param> param_at(Message& m, const Value& in, Args a) {
    std::string_view rest = text_of(m, in);
    std::optional<sip::Param> param;
    std::int64_t wanted = a[0].integer();
    if (wanted < 0) {
        for (std::string_view all = rest; sip::next_param(all, separator(a, 1));) ++wanted;
    }
    for (std::int64_t i = 0; i <= wanted; ++i) {
        param = sip::next_param(rest, separator(a, 1));
        if (!param) break;
    }
    return param;
}
Value param_value_at(Message& m, const Value& in, Args a) {
    const auto param = param_at(m, in, a);
    return param ? without_quotes(param->value) : std::string_view();
}
Value param_name(Message& m, const Value& in, Args a) {
    const auto param = param_at(m, in, a);
    return param ? param->name : std::string_view();
}
Value param_count(Message& m, const Value& in, Args a) {
    std::string_view rest = text_of(m, in);
    std::int64_t n = 0;
    while (sip::next_param(rest, separator(a, 0))) ++n;
    return n;
}

// ---- {nameaddr.…}, {tobody.…} -------------------------------------------------------------------

template <class F>
Value of_address(Message& m, const Value& in, F part) {
    // Of several addresses in one text the first counts.
    std::string_view rest = text_of(m, in);
    auto address = sip::parse_name_addr(rest);
    if (!address) {
        const auto first = sip::next_value(rest);
        if (first && !rest.empty()) address = sip::parse_name_addr(*first);
    }
    return address ? part(*address) : Value::absent();
}
/// Where < begins; npos for a bare URI.
std::size_t bracket(const sip::NameAddr& a) {
    const bool enclosed = a.uri.data() > a.text.data() && a.uri.data()[-1] == '<';
    return enclosed ? static_cast<std::size_t>(a.uri.data() - a.text.data()) - 1 : a.text.npos;
}
/// All that stands before <, with the white space behind it.
Value address_name(Message& m, const Value& in, Args) {
    return of_address(m, in, [](const sip::NameAddr& a) {
        return Value(a.text.substr(0, bracket(a) == a.text.npos ? 0 : bracket(a)));
    });
}
/// A bare URI keeps what stands behind it.
Value address_uri(Message& m, const Value& in, Args) {
    return of_address(m, in, [](const sip::NameAddr& a) {
        return Value(bracket(a) == a.text.npos ? a.text : a.uri);
    });
}
template <std::string_view sip::NameAddr::* Field>
Value address_field(Message& m, const Value& in, Args) {
    return of_address(m, in, [](const sip::NameAddr& a) { return Value(a.*Field); });
}
template <std::string_view sip::Uri::* Field>
Value address_uri_field(Message& m, const Value& in, Args) {
    return of_address(m, in, [&m](const sip::NameAddr& a) {
        return of_uri(m, a.uri, [](const sip::Uri& u) { return Value(u.*Field); });
    });
}
/// The name-addr itself, without the parameters behind it.
Value address_length(Message& m, const Value& in, Args) {
    return of_address(m, in, [](const sip::NameAddr& a) {
        if (bracket(a) == a.text.npos) return Value(static_cast<std::int64_t>(a.text.size()));
        const auto end = a.uri.data() + a.uri.size() + 1;
        return Value(static_cast<std::int64_t>(end - a.text.data()));
    });
}

// ---- {urialias.…}: address~port~protocol, as the parameter `alias` of a URI has it
// ----------------

Value alias_of(Message& m, const Value& in, Args) {
    return of_uri(m, in, [&m](const sip::Uri& u) {
        if (!u.is_sip()) return Value::absent();
        const auto given = u.transport();
        if (!given) return Value::absent();
        const Proto proto = *given != Proto::none           ? *given
                            : u.scheme == sip::Scheme::sips ? Proto::tls
                                                            : Proto::udp;
        return Value(m.arena.concat({u.host, "~", text_of(m, int{u.effective_port()}), "~",
                                     text_of(m, static_cast<int>(proto))}));
    });
}
Value uri_of_alias(Message& m, const Value& in, Args) {
    const std::string_view s = text_of(m, in);
    const std::size_t last = s.rfind('~');
    const std::size_t middle = last == s.npos || last == 0 ? s.npos : s.rfind('~', last - 1);
    if (middle == s.npos) return Value::absent();
    const auto port = text::parse_uint(s.substr(middle + 1, last - middle - 1), 65535);
    const auto proto = text::parse_uint(s.substr(last + 1), static_cast<int>(Proto::wss));
    if (!port || !proto || *proto == 0) return Value::absent();
    const auto kind = static_cast<Proto>(*proto);
    const std::string_view made =
        m.arena.concat({"sip:", s.substr(0, middle), ":", s.substr(middle + 1, last - middle - 1),
                        kind == Proto::udp ? "" : ";transport=",
                        kind == Proto::udp ? std::string_view() : name(kind)});
    const auto uri = sip::parse_uri(made);
    return uri && uri->user.empty() && uri->headers.empty() ? Value(made) : Value::absent();
}

// ---- {sock.…}: proto:host:port
// -------------------------------------------------------------------

struct SocketText {
    std::string_view proto, host, port;
};
std::optional<SocketText> parse_socket(std::string_view s) {
    SocketText out;
    const std::size_t colon = s.find(':');
    if (colon != s.npos && parse_proto(s.substr(0, colon))) {
        out.proto = s.substr(0, colon);
        s.remove_prefix(colon + 1);
    }
    const std::size_t close = s.starts_with('[') ? s.find(']') : 0;
    if (close == s.npos) return std::nullopt;
    const std::size_t port = s.find(':', close);
    out.host = s.substr(0, port);
    if (port != s.npos) out.port = s.substr(port + 1);
    if (out.host.empty() || (!out.port.empty() && !text::parse_uint(out.port, 65535))) {
        return std::nullopt;
    }
    return out;
}
template <std::string_view SocketText::* Field>
Value socket_field(Message& m, const Value& in, Args) {
    const auto socket = parse_socket(text_of(m, in));
    return socket ? Value((*socket).*Field) : Value::absent();
}
Value socket_uri(Message& m, const Value& in, Args) {
    const auto socket = parse_socket(text_of(m, in));
    if (!socket) return Value::absent();
    return m.arena.concat({"sip:", socket->host, socket->port.empty() ? "" : ":", socket->port,
                           socket->proto.empty() ? "" : ";transport=", socket->proto});
}

// ---- {url.…}
// --------------------------------------------------------------------------------------

Value url_path(Message& m, const Value& in, Args) {
    const std::string_view s = text_of(m, in);
    return s.substr(0, s.find('?'));
}
Value url_query(Message& m, const Value& in, Args) {
    const std::string_view s = text_of(m, in);
    const std::size_t at = s.find('?');
    return at == s.npos ? std::string_view() : s.substr(at + 1);
}

constexpr TransformRow kRows[] = {
    {"uri", "user", "", "User.", uri_field<&sip::Uri::user>},
    {"uri", "host", "", "Host.", uri_field<&sip::Uri::host>},
    {"uri", "domain", "", "The same as host.", uri_field<&sip::Uri::host>},
    {"uri", "passwd", "", "Password.", uri_field<&sip::Uri::password>},
    {"uri", "port", "", "Port; empty when it has none.", uri_field<&sip::Uri::port_text>},
    {"uri", "params", "", "All parameters.", uri_field<&sip::Uri::params>},
    {"uri", "headers", "", "Headers: what is behind ?.", uri_field<&sip::Uri::headers>},
    {"uri", "scheme", "", "Scheme.", uri_field<&sip::Uri::scheme_text>},
    {"uri", "param", "s", "A parameter by name.", uri_param},
    {"uri", "transport", "", "Parameter transport.", uri_transport},
    {"uri", "ttl", "", "Parameter ttl.", uri_ttl},
    {"uri", "uparam", "", "Parameter user.", uri_user_param},
    {"uri", "maddr", "", "Parameter maddr.", uri_maddr},
    {"uri", "method", "", "Parameter method.", uri_method},
    {"uri", "lr", "", "Parameter lr.", uri_lr},
    {"uri", "r2", "", "Parameter r2.", uri_r2},
    {"uri", "tosocket", "", "proto:host:port.", uri_socket},
    {"uri", "saor", "", "scheme:user@host.", uri_saor},
    {"uri", "suri", "", "scheme:user@host:port;transport=….", uri_suri},
    {"uri", "duri", "", "scheme:host:port;transport=….", uri_duri},
    {"param", "value", "s?c", "The value of a parameter; the separator is ; unless given.",
     param_value},
    {"param", "in", "s?c", "1 when there is such a parameter, else 0.", param_in},
    {"param", "valueat", "i?c", "The n-th value, from the last when negative.", param_value_at},
    {"param", "name", "i?c", "The n-th name, from the last when negative.", param_name},
    {"param", "count", "?c", "How many parameters there are.", param_count},
    {"nameaddr", "name", "", "What stands before <.", address_name},
    {"nameaddr", "uri", "", "The URI.", address_uri},
    {"nameaddr", "len", "", "Bytes up to and with >.", address_length},
    {"tobody", "uri", "", "The URI.", address_field<&sip::NameAddr::uri>},
    {"tobody", "tag", "", "Parameter tag.", address_field<&sip::NameAddr::tag>},
    {"tobody", "display", "", "Display name, quotes kept.", address_field<&sip::NameAddr::display>},
    {"tobody", "params", "", "All parameters of the header.",
     address_field<&sip::NameAddr::params>},
    {"tobody", "user", "", "The URI's user.", address_uri_field<&sip::Uri::user>},
    {"tobody", "host", "", "The URI's host.", address_uri_field<&sip::Uri::host>},
    {"urialias", "encode", "", "A URI's address as address~port~protocol.", alias_of},
    {"urialias", "decode", "", "A URI from address~port~protocol.", uri_of_alias},
    {"sock", "host", "", "Host of proto:host:port.", socket_field<&SocketText::host>},
    {"sock", "port", "", "Port of proto:host:port.", socket_field<&SocketText::port>},
    {"sock", "proto", "", "Protocol of proto:host:port.", socket_field<&SocketText::proto>},
    {"sock", "touri", "", "proto:host:port as a URI.", socket_uri},
    {"url", "path", "", "What is before ?.", url_path},
    {"url", "querystring", "", "What is behind ?.", url_query},
};

}  // namespace

std::span<const TransformRow> sip_transforms() noexcept {
    return kRows;
}

}  // namespace fairlead::cfg
