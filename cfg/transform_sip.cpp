// Transformations of SIP texts: {uri.…}, {param.…}, {nameaddr.…}, {tobody.…}.
// SPDX-License-Identifier: Apache-2.0
#include "cfg/transform.h"
#include "core/sip/params.h"
#include "core/sip/uri.h"
#include "core/sip/values.h"

namespace fairlead::cfg {

namespace {

using Args = std::span<const Value>;

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
Value uri_port(Message& m, const Value& in, Args) {
    return of_uri(m, in, [](const sip::Uri& u) { return Value(u.effective_port()); });
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
        return Value(
            m.arena.concat({address_of_record(m, u), u.port_text.empty() ? "" : ":", u.port_text}));
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
Value param_value(Message& m, const Value& in, Args a) {
    const auto found = sip::find_param(text_of(m, in), a[0].string(), separator(a, 1));
    return found ? found->value : std::string_view();
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
    return param ? param->value : std::string_view();
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
    const auto address = sip::parse_name_addr(text_of(m, in));
    return address ? part(*address) : Value::absent();
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
        const bool enclosed = a.uri.data() > a.text.data() && a.uri.data()[-1] == '<';
        const auto end = a.uri.data() + a.uri.size() + (enclosed ? 1 : 0);
        return Value(static_cast<std::int64_t>(end - a.text.data()));
    });
}

constexpr TransformRow kRows[] = {
    {"uri", "user", "", uri_field<&sip::Uri::user>},
    {"uri", "host", "", uri_field<&sip::Uri::host>},
    {"uri", "domain", "", uri_field<&sip::Uri::host>},
    {"uri", "passwd", "", uri_field<&sip::Uri::password>},
    {"uri", "port", "", uri_port},
    {"uri", "params", "", uri_field<&sip::Uri::params>},
    {"uri", "headers", "", uri_field<&sip::Uri::headers>},
    {"uri", "scheme", "", uri_field<&sip::Uri::scheme_text>},
    {"uri", "param", "s", uri_param},
    {"uri", "transport", "", uri_transport},
    {"uri", "ttl", "", uri_ttl},
    {"uri", "uparam", "", uri_user_param},
    {"uri", "maddr", "", uri_maddr},
    {"uri", "method", "", uri_method},
    {"uri", "lr", "", uri_lr},
    {"uri", "r2", "", uri_r2},
    {"uri", "tosocket", "", uri_socket},
    {"uri", "saor", "", uri_saor},
    {"uri", "suri", "", uri_suri},
    {"uri", "duri", "", uri_duri},
    {"param", "value", "s?c", param_value},
    {"param", "in", "s?c", param_in},
    {"param", "valueat", "i?c", param_value_at},
    {"param", "name", "i?c", param_name},
    {"param", "count", "?c", param_count},
    {"nameaddr", "name", "", address_field<&sip::NameAddr::display>},
    {"nameaddr", "uri", "", address_field<&sip::NameAddr::uri>},
    {"nameaddr", "len", "", address_length},
    {"tobody", "uri", "", address_field<&sip::NameAddr::uri>},
    {"tobody", "tag", "", address_field<&sip::NameAddr::tag>},
    {"tobody", "display", "", address_field<&sip::NameAddr::display>},
    {"tobody", "params", "", address_field<&sip::NameAddr::params>},
    {"tobody", "user", "", address_uri_field<&sip::Uri::user>},
    {"tobody", "host", "", address_uri_field<&sip::Uri::host>},
};

}  // namespace

std::span<const TransformRow> sip_transforms() noexcept {
    return kRows;
}

}  // namespace fairlead::cfg
