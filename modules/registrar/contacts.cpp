// Contacts as scripts see them: $ulc, and the event of one that is over. SPDX-License-Identifier:
// Apache-2.0
#include <fmt/format.h>

#include "core/api/log.h"
#include "modules/registrar/registrar.h"

namespace fairlead::registrar {
namespace {

constexpr std::size_t kMaxProfiles = 32;

/// What the script of an event sees.
constexpr std::string_view kMadeUp =
    "OPTIONS sip:you@kamailio.org SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKmadeup\r\n"
    "From: <sip:you@kamailio.org>;tag=madeup\r\n"
    "To: <sip:you@kamailio.org>\r\n"
    "Call-ID: made-up@127.0.0.1\r\n"
    "CSeq: 1 OPTIONS\r\n"
    "Content-Length: 0\r\n\r\n";

Value attribute_of(Message& m, const Contact& c, std::string_view name,
                   std::span<const Listener> listeners) {
    if (name == "addr") return c.uri;
    if (name == "path") return c.path;
    if (name == "received") return c.received;
    if (name == "expires") return c.expires;
    if (name == "callid") return c.call_id;
    if (name == "q") return std::int64_t{c.q};
    if (name == "cseq") return std::int64_t{c.cseq};
    if (name == "flags") return std::int64_t{c.flags};
    if (name == "cflags") return std::int64_t{c.cflags};
    if (name == "user_agent") return c.user_agent;
    if (name == "socket")
        return c.listener < listeners.size()
                   ? Value(std::string_view(listeners[c.listener].uri_text))
                   : Value();
    if (name == "modified") return c.modified;
    if (name == "methods") return std::int64_t{c.methods};
    if (name == "ruid") return m.arena.copy(c.ruid);
    if (name == "regid") return std::int64_t{c.reg_id};
    if (name == "instance") return c.instance;
    if (name == "server_id") return std::int64_t{0};
    return {};
}

}  // namespace

void Registrar::fill(Profile& profile, DomainId domain, std::string_view aor,
                     std::span<const Contact> contacts) {
    profile.arena.reset();
    profile.aor = aor;
    profile.domain = users->name(domain);
    profile.contacts.assign(contacts.begin(), contacts.end());
    for (Contact& c : profile.contacts)
        for (std::string_view* const text : {&c.uri, &c.received, &c.path, &c.call_id,
                                             &c.user_agent, &c.instance, &c.ruid, &c.attributes})
            *text = profile.arena.copy(*text);
}

Verdict Registrar::reg_fetch_contacts(Message& m, std::string_view table, std::string_view uri,
                                      std::string_view profile) {
    const DomainId domain = domain_of(table);
    const auto aor = domain != DomainId::none ? aor_of(m, uri) : std::nullopt;
    if (!aor || profile.empty()) return Verdict::no;
    auto found = profiles_.find(profile);
    if (found == profiles_.end()) {
        if (profiles_.size() >= kMaxProfiles) {
            LOG(error, "there are more than {} profiles of contacts", kMaxProfiles);
            return Verdict::no;
        }
        found = profiles_.try_emplace(std::string(profile)).first;
    }
    fill(found->second, domain, *aor, users->contacts(domain, *aor, m.arena));
    return Verdict::of(!found->second.contacts.empty());
}

Verdict Registrar::reg_free_contacts(Message&, std::string_view profile) {
    const auto found = profiles_.find(profile);
    if (found == profiles_.end()) return Verdict::no;
    profiles_.erase(found);
    return Verdict::yes;
}

Value Registrar::fetched(Message& m, std::string_view profile, std::string_view attribute,
                         std::int64_t index) {
    const auto found = profiles_.find(profile);
    if (found == profiles_.end()) return {};
    const Profile& p = found->second;
    if (attribute == "count") return static_cast<std::int64_t>(p.contacts.size());
    if (p.contacts.empty()) return {};
    if (attribute == "aor") return m.arena.copy(p.aor);
    if (attribute == "domain") return m.arena.copy(p.domain);
    if (attribute == "aorhash") return std::int64_t{users->hash(p.aor)};
    if (index < 0 || index >= static_cast<std::int64_t>(p.contacts.size())) return {};
    const Value value = attribute_of(m, p.contacts[static_cast<std::size_t>(index)], attribute,
                                     core_->net().listeners());
    // The profile may be filled anew while the value is used.
    return value.is_string() ? Value(m.arena.copy(value.string())) : value;
}

void Registrar::changed(DomainId domain, std::string_view aor, const Contact& contact,
                        usrloc::Event) noexcept {
    if (expired_route_ == RouteId::none) return;
    fill(profiles_["exp"], domain, aor, {&contact, 1});
    Message& m = core_->borrow_message();
    if (!m.sip.parse(kMadeUp)) {
        m.route_type = Route::event;
        (void)core_->script().run(expired_route_, m);
    }
    core_->give_back(m);
}

}  // namespace fairlead::registrar
