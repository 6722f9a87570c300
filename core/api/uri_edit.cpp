// Changing one part of a SIP URI. SPDX-License-Identifier: Apache-2.0
#include "core/api/uri_edit.h"

#include "core/base/text.h"

namespace fairlead::uri_edit {

namespace {

/// The parts of a URI as they are written out again.
struct Parts {
    std::string_view scheme, user, password, host_port, params, headers;
};

std::string_view host_port_of(const sip::Uri& uri) noexcept {
    const char* const begin = uri.host.data();
    const char* const end = uri.port_text.empty() ? begin + uri.host.size()
                                                  : uri.port_text.data() + uri.port_text.size();
    return {begin, static_cast<std::size_t>(end - begin)};
}

Parts parts_of(const sip::Uri& uri) noexcept {
    return {uri.scheme_text, uri.user, uri.password, host_port_of(uri), uri.params, uri.headers};
}

std::string_view join(Arena& arena, const Parts& p) {
    return arena.concat({p.scheme, ":", p.user, p.password.empty() ? "" : ":", p.password,
                         p.user.empty() ? "" : "@", p.host_port, p.params.empty() ? "" : ";",
                         p.params, p.headers.empty() ? "" : "?", p.headers});
}

/// The parameters without those of one name.
std::string_view params_without(Arena& arena, std::string_view params, std::string_view name) {
    std::string_view kept;
    while (!params.empty()) {
        const std::size_t end = std::min(params.find(';'), params.size());
        const std::string_view one = params.substr(0, end);
        params.remove_prefix(std::min(end + 1, params.size()));
        if (text::ci_equal(one.substr(0, one.find('=')), name)) continue;
        kept = kept.empty() ? one : arena.concat({kept, ";", one});
    }
    return kept;
}

}  // namespace

std::string_view with_user(Arena& arena, const sip::Uri& uri, std::string_view user) {
    if (uri.scheme == sip::Scheme::tel) {
        return arena.concat(
            {uri.scheme_text, ":", user, uri.params.empty() ? "" : ";", uri.params});
    }
    Parts p = parts_of(uri);
    p.user = user;
    if (user.empty()) p.password = {};
    return join(arena, p);
}

std::string_view with_user_password(Arena& arena, const sip::Uri& uri, std::string_view both) {
    Parts p = parts_of(uri);
    p.user = both;
    p.password = {};
    return join(arena, p);
}

std::string_view with_host(Arena& arena, const sip::Uri& uri, std::string_view host) {
    Parts p = parts_of(uri);
    p.host_port = uri.port_text.empty() ? host : arena.concat({host, ":", uri.port_text});
    return join(arena, p);
}

std::string_view with_host_port(Arena& arena, const sip::Uri& uri, std::string_view host_port) {
    Parts p = parts_of(uri);
    p.host_port = host_port;
    return join(arena, p);
}

std::string_view with_host_port_transport(Arena& arena, const sip::Uri& uri,
                                          std::string_view text) {
    Parts p = parts_of(uri);
    p.host_port = text;
    p.params = params_without(arena, uri.params, "transport");
    return join(arena, p);
}

std::string_view with_port(Arena& arena, const sip::Uri& uri, std::string_view port) {
    Parts p = parts_of(uri);
    p.host_port = port.empty() ? uri.host : arena.concat({uri.host, ":", port});
    return join(arena, p);
}

std::string_view with_param(Arena& arena, const sip::Uri& uri, std::string_view name,
                            std::string_view value) {
    if (const auto old = uri.param(name); old && text::ci_equal(*old, value)) return uri.text;
    Parts p = parts_of(uri);
    p.params = arena.concat(
        {p.params, p.params.empty() ? "" : ";", name, value.empty() ? "" : "=", value});
    return join(arena, p);
}

}  // namespace fairlead::uri_edit
