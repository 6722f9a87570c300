// Reading tls.cfg. SPDX-License-Identifier: Apache-2.0
#include "modules/tls/profile.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>
#include <variant>

#include "core/api/text.h"

namespace fairlead::tls {
namespace {

struct Method {
    std::string_view name;
    Versions versions;
};
constexpr Method kMethods[] = {
    Method{"TLSv1.3+", {TLS1_3_VERSION, 0}},
    Method{"TLSv1.3", {TLS1_3_VERSION, TLS1_3_VERSION}},
    Method{"TLSv1.2+", {TLS1_2_VERSION, 0}},
    Method{"TLSv1.2", {TLS1_2_VERSION, TLS1_2_VERSION}},
    Method{"TLSv1.1+", {TLS1_1_VERSION, 0}},
    Method{"TLSv1.1", {TLS1_1_VERSION, TLS1_1_VERSION}},
    Method{"TLSv1+", {TLS1_VERSION, 0}},
    Method{"TLSv1.0+", {TLS1_VERSION, 0}},
    Method{"TLSv1", {TLS1_VERSION, TLS1_VERSION}},
    Method{"TLSv1.0", {TLS1_VERSION, TLS1_VERSION}},
    Method{"SSLv23", {TLS1_VERSION, 0}},
};

constexpr std::array<std::pair<std::string_view, Ask>, 4> kAsks{
    {{"off", Ask::off},
     {"on", Ask::on},
     {"optional", Ask::optional},
     {"optional_no_ca", Ask::optional_no_ca}}};

using Field = std::variant<std::string Profile::*, bool Profile::*, std::int64_t Profile::*>;
struct Row {
    std::string_view name;
    Field field;
    std::int64_t min = 0, max = 0;
};
constexpr Row kRows[] = {
    Row{"method", &Profile::method},
    Row{"tls_method", &Profile::method},
    Row{"verify_certificate", &Profile::verify_certificate},
    Row{"verify_cert", &Profile::verify_certificate},
    Row{"require_certificate", &Profile::require_certificate},
    Row{"require_cert", &Profile::require_certificate},
    Row{"verify_name", &Profile::verify_name},
    Row{"verify_depth", &Profile::verify_depth, 0, 100},
    Row{"certificate", &Profile::certificate},
    Row{"private_key", &Profile::private_key},
    Row{"ca_list", &Profile::ca_list},
    Row{"ca_path", &Profile::ca_path},
    Row{"crl", &Profile::crl},
    Row{"cipher_list", &Profile::cipher_list},
    Row{"server_name", &Profile::server_name},
    Row{"server_name_mode", &Profile::server_name_mode, INT32_MIN, INT32_MAX},
    Row{"server_id", &Profile::server_id},
};

std::optional<bool> parse_bool(std::string_view text) noexcept {
    for (const auto* const word : {"yes", "on", "true", "1", "enabled"})
        if (text::ci_equal(text, word)) return true;
    for (const auto* const word : {"no", "off", "false", "0", "disabled"})
        if (text::ci_equal(text, word)) return false;
    return std::nullopt;
}

std::string all_names() {
    std::string names;
    for (const Row& row : kRows) names += fmt::format("{}{}", names.empty() ? "" : ", ", row.name);
    return names + ", verify_client";
}

/// Without a comment behind it and without quotes.
Result<std::string_view> value_of(std::string_view text) {
    text = text::trim(text);
    if (text.empty() || (text.front() != '"' && text.front() != '\''))
        return text::trim(text.substr(0, text.find_first_of("#;")));
    const auto end = text.find(text.front(), 1);
    if (end == std::string_view::npos) return fail("the quotes are not closed");
    const auto rest = text::trim(text.substr(end + 1));
    if (!rest.empty() && rest.front() != '#' && rest.front() != ';')
        return fail("there is something behind the quotes");
    return text.substr(1, end - 1);
}

/// "[server:default]", with a comment behind it or not.
Result<Profile> section(std::string_view line) {
    const auto bad = [] {
        return fail(
            "a section is [server:WHICH] or [client:WHICH], and WHICH is default, any or "
            "ADDRESS:PORT");
    };
    const auto end = line.rfind(']');
    if (end == std::string_view::npos) return bad();
    const auto behind = text::trim(line.substr(end + 1));
    if (!behind.empty() && behind.front() != '#' && behind.front() != ';') return bad();
    const auto title = text::trim(line.substr(1, end - 1));
    const auto colon = title.find(':');
    if (colon == std::string_view::npos) return bad();
    Profile p;
    const auto role = text::trim(title.substr(0, colon));
    if (text::ci_equal(role, "client"))
        p.role = Profile::Role::client;
    else if (!text::ci_equal(role, "server"))
        return bad();
    const auto which = text::trim(title.substr(colon + 1));
    if (text::ci_equal(which, "default")) return p;
    if (text::ci_equal(which, "any")) {
        p.match = Profile::Match::any;
        return p;
    }
    p.match = Profile::Match::address;
    const auto last = which.rfind(':');
    const bool has_port = last != std::string_view::npos &&
                          (which.front() != '[' || which[last - 1] == ']') &&
                          (which.front() == '[' || which.find(':') == last);
    const auto port = has_port ? text::parse_uint(which.substr(last + 1), 65535)
                               : std::optional<std::uint64_t>(0);
    const auto address = Address::parse(has_port ? which.substr(0, last) : which,
                                        static_cast<std::uint16_t>(port.value_or(0)));
    if (!port || !address) return bad();
    p.address = *address;
    return p;
}

/// What only the whole section can tell.
Result<void> finish(Profile& p) {
    p.versions = TRY(parse_method(p.method));
    if (p.private_key.starts_with("/engine:") || p.certificate.starts_with("/engine:"))
        return fail("[" + p.name() + "]: keys in an engine are not supported: name a file",
                    p.where);
    if (p.match == Profile::Match::any && p.server_name.empty())
        return fail("[" + p.name() + "] needs server_name: it is found by that name only", p.where);
    if (p.role == Profile::Role::server && p.verify_name)
        return fail("[" + p.name() +
                        "]: verify_name is for servers that are connected to: "
                        "put it into a [client:…] section",
                    p.where);
    if (p.role == Profile::Role::client && p.verify_client)
        return fail("[" + p.name() +
                        "]: verify_client is for [server:…] sections: here it is "
                        "verify_certificate",
                    p.where);
    if (p.verify_name && !p.verify_certificate)
        return fail("[" + p.name() +
                        "]: verify_name without verify_certificate=yes says nothing: "
                        "add that",
                    p.where);
    return {};
}

bool is_twice(const Profile& a, const Profile& b) {
    return a.role == b.role && a.match == b.match && a.address == b.address &&
           text::ci_equal(a.server_name, b.server_name) && a.server_id == b.server_id;
}

}  // namespace

Result<Versions> parse_method(std::string_view text) {
    for (const Method& method : kMethods)
        if (text::ci_equal(method.name, text)) return method.versions;
    std::string names;
    for (const Method& method : kMethods) names += fmt::format(" {}", method.name);
    return fail(fmt::format("method {} is not spoken; there are{}", text, names));
}

std::optional<Ask> parse_ask(std::string_view text) noexcept {
    for (const auto& [name, ask] : kAsks)
        if (text::ci_equal(text, name)) return ask;
    return std::nullopt;
}

std::string Profile::name() const {
    const std::string_view head = role == Role::server ? "server:" : "client:";
    switch (match) {
        case Match::fallback: return std::string(head) + "default";
        case Match::any: return std::string(head) + "any";
        case Match::address: break;
    }
    return std::string(head) + (address.port == 0 ? address.ip_text(true) : address.text());
}

Ask Profile::ask() const noexcept {
    if (verify_client) return *verify_client;
    if (!verify_certificate) return Ask::off;
    return require_certificate ? Ask::on : Ask::optional;
}

bool Profile::serves(std::string_view name) const noexcept {
    if (server_name.empty()) return false;
    if (text::ci_equal(name, server_name)) return server_name_mode != 2;
    const auto more = name.size() > server_name.size() + 1 ? name.size() - server_name.size() : 0;
    return (server_name_mode == 1 || server_name_mode == 2) && more != 0 && name[more - 1] == '.' &&
           text::ci_equal(name.substr(more), server_name);
}

Result<void> set(Profile& profile, std::string_view name, std::string_view value) {
    if (text::ci_equal(name, "verify_client")) {
        profile.verify_client = parse_ask(value);
        if (!profile.verify_client)
            return fail("verify_client is off, on, optional or optional_no_ca");
        return {};
    }
    const auto* const row =
        std::ranges::find_if(kRows, [name](const Row& r) { return text::ci_equal(r.name, name); });
    if (row == std::end(kRows))
        return fail(fmt::format("unknown setting {}; there are {}", name, all_names()));
    if (const auto* const text = std::get_if<std::string Profile::*>(&row->field)) {
        profile.*(*text) = std::string(value);
        if (*text == &Profile::method) TRY(parse_method(value));
        return {};
    }
    if (const auto* const yes = std::get_if<bool Profile::*>(&row->field)) {
        const auto read = parse_bool(value);
        if (!read) return fail(fmt::format("{} is yes or no, not {}", name, value));
        profile.*(*yes) = *read;
        return {};
    }
    const auto number = text::parse_int(value);
    if (!number || *number < row->min || *number > row->max)
        return fail(
            fmt::format("{} is a number of {} to {}, not {}", name, row->min, row->max, value));
    profile.*(std::get<std::int64_t Profile::*>(row->field)) = *number;
    return {};
}

Result<std::vector<Profile>> read_profiles(std::string_view text, std::string_view file) {
    std::vector<Profile> profiles;
    if (text.find('\0') != std::string_view::npos)
        return fail("there is a byte 0 in it: it is no text file", std::string(file));
    std::size_t number = 0;
    while (!text.empty()) {
        const auto end = text.find('\n');
        const auto line = text::trim(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        const std::string where = fmt::format("{}:{}", file, ++number);
        const auto at = [&where](Error error) {
            if (error.where.empty()) error.where = where;
            return std::unexpected(std::move(error));
        };
        if (line.empty() || line.front() == '#' || line.front() == ';') continue;
        if (line.front() == '[') {
            auto begun = section(line);
            if (!begun) return at(begun.error());
            begun->where = where;
            profiles.push_back(*std::move(begun));
            continue;
        }
        const auto equals = line.find('=');
        if (equals == std::string_view::npos) return at({0, "a line is NAME = VALUE", {}});
        if (profiles.empty()) return at({0, "a section comes first: [server:default]", {}});
        const auto value = value_of(line.substr(equals + 1));
        if (!value) return at(value.error());
        const auto done = set(profiles.back(), text::trim(line.substr(0, equals)), *value);
        if (!done) return at(done.error());
    }
    for (auto p = profiles.begin(); p != profiles.end(); ++p) {
        TRY(finish(*p));
        for (auto other = profiles.begin(); other != p; ++other)
            if (is_twice(*other, *p))
                return fail(fmt::format("[{}] is there already, in {}: give one of them another "
                                        "server_name",
                                        p->name(), other->where),
                            p->where);
    }
    return profiles;
}

}  // namespace fairlead::tls
