// What goes with a contact into a script and back: its XAVPs, the details of its record, and the
// filters of lookup(). SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/api/avp.h"
#include "core/api/log.h"
#include "modules/registrar/registrar.h"

namespace fairlead::registrar {
namespace {

enum Mask : std::uint8_t { kRuid = 1, kContact = 2, kExpires = 4, kReceived = 8, kPath = 16 };

}  // namespace

std::string_view Registrar::attributes_of(Message& m) const {
    const std::string_view name = users->contact_xavp();
    if (name.empty()) return {};
    Xavps kept(m.arena);
    for (const Xavp* x = *m.xavps.roots(); x != nullptr; x = x->next)
        if (x->name == name) kept.assign(kept.append(kept.roots(), name, Value()), *x);
    const std::size_t size = kept.stored_size();
    if (size == 0) return {};
    char* const bytes = m.arena.allocate(size);
    kept.store(bytes);
    return {bytes, size};
}

void Registrar::restore_attributes(Message& m, const Contact& contact) const {
    if (contact.attributes.empty() || users->contact_xavp().empty()) return;
    Xavps kept(m.arena);
    if (!kept.load(contact.attributes)) return;
    for (const Xavp* x = *kept.roots(); x != nullptr; x = x->next)
        m.xavps.assign(m.xavps.append(m.xavps.roots(), x->name, Value()), *x);
}

void Registrar::show_record(Message& m, const Contact& c) const {
    if (xavp_rcd.empty()) return;
    Xavp* const set = m.xavps.append(m.xavps.roots(), xavp_rcd, Value());
    set->is_set = true;
    const auto add = [&](Mask bit, std::string_view name, const Value& value) {
        const bool skipped = (static_cast<unsigned>(xavp_rcd_mask) & bit) != 0;
        if (!skipped) m.xavps.append(&set->fields, name, value);
    };
    add(kRuid, "ruid", c.ruid);
    add(kContact, "contact", c.uri);
    const std::int64_t left = c.expires - core_->clock().unix_seconds();
    add(kExpires, "expires", c.expires == 0 ? 0 : left);
    if (!c.received.empty()) add(kReceived, "received", c.received);
    if (!c.path.empty()) add(kPath, "path", c.path);
}

void Registrar::filter(Message& m, std::vector<Contact>& found) const {
    enum Filter : std::uint8_t { by_flags = 1, by_connection = 2 };
    const auto mode = static_cast<unsigned>(lookup_filter_mode);
    if ((mode & by_flags) != 0)
        if (const auto wanted = setting(m, "rlf_bflags"))
            std::erase_if(found, [&](const Contact& c) {
                return (c.cflags & static_cast<std::uint32_t>(*wanted)) == 0;
            });
    if ((mode & by_connection) == 0) return;
    // Of transports with connections none has one: this server speaks UDP.
    const auto listeners = core_->net().listeners();
    std::erase_if(found, [&](const Contact& c) {
        return c.listener < listeners.size() && listeners[c.listener].proto != Proto::udp;
    });
}

}  // namespace fairlead::registrar
