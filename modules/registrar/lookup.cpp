// lookup() and its kin: where a request goes. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>

#include "core/api/log.h"
#include "core/api/sip.h"
#include "core/api/text.h"
#include "modules/registrar/registrar.h"

namespace fairlead::registrar {
namespace {

int hex(char c) noexcept {
    const char l = text::to_lower(c);
    if (text::is_digit(l)) return l - '0';
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/// RFC 3261 19.1.2; nullopt for what decodes to a control character.
std::optional<std::string> unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
            c = static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
            i += 2;
            if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') return std::nullopt;
        }
        out += c;
    }
    return out;
}

}  // namespace

std::optional<std::string_view> Registrar::aor_of(Message& m, std::string_view text) const {
    const auto uri = sip::parse_uri(text);
    if (!uri || uri->scheme == sip::Scheme::other) return std::nullopt;
    const auto user = unescaped(uri->user);
    if (!user) return std::nullopt;
    std::string aor = *user;
    if (users->use_domain()) {
        std::string_view host = uri->host;
        if (!realm_prefix.empty() && text::ci_starts_with(host, realm_prefix))
            host.remove_prefix(realm_prefix.size());
        aor.append("@").append(host);
    }
    if (aor.size() > usrloc::Api::kMaxAor) return std::nullopt;
    if (!case_sensitive) std::ranges::transform(aor, aor.begin(), text::to_lower);
    return m.arena.copy(aor);
}

std::vector<Contact> Registrar::candidates(Message& m, DomainId domain, std::string_view uri,
                                           int& code) {
    code = -1;
    const auto aor = aor_of(m, uri);
    if (!aor) {
        code = -3;
        return {};
    }
    std::vector<Contact> found = users->contacts(domain, *aor, m.arena, use_expired_contacts);
    if (found.empty()) return found;
    // RFC 5627 6: a request for a GRUU goes to the instance that it names.
    const auto parsed = sip::parse_uri(uri);
    if (const auto gruu = parsed ? parsed->param("gr") : std::nullopt; gruu && !gruu->empty())
        std::erase_if(found, [&](const Contact& c) {
            return c.instance.size() != gruu->size() + 2 ||
                   c.instance.substr(1, gruu->size()) != *gruu;
        });
    if (found.empty()) return found;
    const bool is_initial = m.is_request() && (m.sip.to() == nullptr || m.sip.to()->tag.empty());
    const std::uint32_t method = method_bit(m.sip.method_text());
    if (method_filtering && is_initial && method != 0) {
        std::erase_if(found, [&](const Contact& c) { return (c.methods & method) == 0; });
        if (found.empty()) code = -2;
    }
    filter(m, found);
    if (!found.empty()) code = 1;
    return found;
}

BranchTarget Registrar::target_of(Message& m, Contact c) const {
    const auto next = sip::parse_uri(usrloc::first_hop(c.path));
    // Through this server itself it would come back here.
    if (path_check_local && next && core_->net().is_myself(next->host, next->port, Proto::udp))
        (void)sip::next_value(c.path);
    return usrloc::target_of(c, m.arena, core_->net().listeners().size());
}

Verdict Registrar::find(Message& m, std::string_view table, std::string_view uri, bool keep_uri) {
    const DomainId domain = domain_of(table);
    if (domain == DomainId::none || !m.is_request()) return Verdict(-3);
    int code = -1;
    const std::vector<Contact> found = candidates(m, domain, uri, code);
    if (!xavp_rcd.empty()) m.xavps.remove_all(m.xavps.roots(), xavp_rcd);
    bool is_first = !keep_uri;
    for (const Contact& c : found) {
        const BranchTarget target = target_of(m, c);
        if (&c == found.data()) show_record(m, c);
        if (std::exchange(is_first, false)) {
            m.target = target;
            m.uri_consumed = false;
        } else if (keep_uri || append_branches) {
            if (!m.append_branch(target, core_->globals().max_branches)) {
                LOG(warning, "{}: there are more contacts than branches", uri);
                break;
            }
        } else {
            break;
        }
        restore_attributes(m, c);
    }
    return Verdict(code);
}

Verdict Registrar::lookup(Message& m, std::string_view table, std::optional<std::string_view> uri) {
    return find(m, table, uri.value_or(m.uri()), false);
}

Verdict Registrar::lookup_to_dset(Message& m, std::string_view table,
                                  std::optional<std::string_view> uri) {
    return find(m, table, uri.value_or(m.uri()), true);
}

Verdict Registrar::lookup_branches(Message& m, std::string_view table) {
    const DomainId domain = domain_of(table);
    if (domain == DomainId::none || !m.is_request()) return Verdict(-3);
    // The branches that are there now; each is replaced by the contacts of its user.
    std::vector<BranchTarget> before(
        m.branches.begin(), m.branches.begin() + static_cast<std::ptrdiff_t>(m.branch_count));
    m.branch_count = 0;
    Verdict result = find(m, table, m.uri(), false);
    for (const BranchTarget& branch : before) {
        const bool is_bare = branch.dst_uri.empty() && branch.path.empty() && branch.flags == 0 &&
                             branch.listener == kNoListener;
        int code = -1;
        const std::vector<Contact> found =
            is_bare ? candidates(m, domain, branch.uri, code) : std::vector<Contact>();
        if (found.empty()) {
            (void)m.append_branch(branch, core_->globals().max_branches);
            continue;
        }
        for (const Contact& c : found) {
            if (!m.append_branch(target_of(m, c), core_->globals().max_branches)) break;
            restore_attributes(m, c);
        }
        result = Verdict::yes;
    }
    return result;
}

Verdict Registrar::registered(Message& m, std::string_view table,
                              std::optional<std::string_view> uri, std::optional<int> match,
                              std::optional<int> action) {
    enum Match : std::uint8_t { call_id = 1, received = 2, contact = 4 };
    enum Action : std::uint8_t { restore = 1, no_record = 2 };
    const DomainId domain = domain_of(table);
    const sip::NameAddr* const to = m.sip.to();
    const std::string_view asked = uri && !uri->empty() ? *uri
                                   : m.is_request()     ? m.uri()
                                   : to != nullptr      ? to->uri
                                                        : std::string_view();
    const auto aor = domain != DomainId::none ? aor_of(m, asked) : std::nullopt;
    if (!aor) return Verdict::no;
    const auto bits = static_cast<unsigned>(match.value_or(0));
    const auto fits = [&](Match bit, std::string_view name, std::string_view value) {
        return (bits & bit) == 0 || setting_value(m, name).string() == value;
    };
    const Value wanted_call = call_id_ != nullptr ? call_id_->get(m) : Value();
    const std::vector<Contact> all = users->contacts(domain, *aor, m.arena);
    const auto found = std::ranges::find_if(all, [&](const Contact& c) {
        return (!wanted_call.is_string() || wanted_call.string() == c.call_id) &&
               fits(call_id, "match_callid", c.call_id) &&
               fits(received, "match_received", c.received) &&
               fits(contact, "match_contact", c.uri);
    });
    if (found == all.end()) return Verdict::no;
    const auto wanted = static_cast<unsigned>(action.value_or(0));
    if (!xavp_rcd.empty()) m.xavps.remove_all(m.xavps.roots(), xavp_rcd);
    if ((wanted & restore) != 0) restore_attributes(m, *found);
    if ((wanted & no_record) == 0) show_record(m, *found);
    return Verdict::yes;
}

Verdict Registrar::unregister(Message& m, std::string_view table, std::string_view uri,
                              std::optional<std::string_view> ruid) {
    const DomainId domain = domain_of(table);
    if (domain == DomainId::none) return Verdict(-2);
    const auto aor = aor_of(m, uri);
    if (!aor) return Verdict::no;
    return Verdict(users->remove(domain, *aor, ruid.value_or("")) != 0 ? 1 : -3);
}

Verdict Registrar::add_sock_hdr(Message& m, std::string_view name) {
    if (!m.is_request() || name.empty() || name.find_first_of(": \t\r\n") != name.npos)
        return Verdict::no;
    const Listener& in = core_->net().listeners()[m.received.listener];
    m.edits.append_header(m.sip, m.arena.concat({name, ": ", in.uri_text, "\r\n"}));
    return Verdict::yes;
}

}  // namespace fairlead::registrar
