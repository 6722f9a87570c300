// Serial forking by q-values.
// SPDX-License-Identifier: Apache-2.0
#include "modules/tm/contacts.h"

#include <algorithm>
#include <array>
#include <span>

#include "core/api/log.h"

namespace fairlead::tm {
namespace {

// The fields of a contact. `group` numbers those that are tried together, `first` is the URI of the
// flow that was used.
constexpr std::string_view kUri = "uri", kDstUri = "dst_uri", kPath = "path", kQ = "q",
                           kSocket = "sock", kFlags = "branch_flags", kRuid = "ruid",
                           kLocationUa = "ua", kInstance = "instance", kAttributes = "attributes",
                           kGroup = "group", kFirst = "first";
constexpr int kNothingLeft = -2;

struct Contact {
    BranchTarget target;
    const Xavp* attributes = nullptr;  ///< of xavp_contact
    std::int64_t group = 0;
};

std::string_view text(const Xavps& xavps, const Xavp* set, std::string_view name) {
    const Xavp* const field = xavps.find(set->fields, name);
    return field != nullptr ? field->value.string() : std::string_view();
}
std::int64_t number(const Xavps& xavps, const Xavp* set, std::string_view name,
                    std::int64_t otherwise) {
    const Xavp* const field = xavps.find(set->fields, name);
    return field != nullptr && field->value.is_integer() ? field->value.integer() : otherwise;
}

BranchTarget target_of(const Xavps& xavps, const Xavp* set) {
    BranchTarget t;
    t.uri = text(xavps, set, kUri);
    t.dst_uri = text(xavps, set, kDstUri);
    t.path = text(xavps, set, kPath);
    t.q = static_cast<std::int16_t>(
        std::clamp<std::int64_t>(number(xavps, set, kQ, kNoQ), kNoQ, 1000));
    t.listener = static_cast<std::uint16_t>(
        std::clamp<std::int64_t>(number(xavps, set, kSocket, kNoListener), 0, kNoListener));
    t.flags = static_cast<std::uint32_t>(number(xavps, set, kFlags, 0) & UINT32_MAX);
    t.ruid = text(xavps, set, kRuid);
    t.location_ua = text(xavps, set, kLocationUa);
    t.instance = text(xavps, set, kInstance);
    return t;
}

void store(Xavps& xavps, std::string_view name, const Contact& c) {
    Xavp* const set = xavps.append(xavps.roots(), name, {});
    set->is_set = true;
    const auto put = [&](std::string_view field, const Value& value) {
        (void)xavps.append(&set->fields, field, value);
    };
    put(kUri, c.target.uri);
    if (!c.target.dst_uri.empty()) put(kDstUri, c.target.dst_uri);
    if (!c.target.path.empty()) put(kPath, c.target.path);
    if (c.target.q != kNoQ) put(kQ, static_cast<int>(c.target.q));
    if (c.target.listener != kNoListener) put(kSocket, static_cast<int>(c.target.listener));
    if (c.target.flags != 0) put(kFlags, std::int64_t{c.target.flags});
    if (!c.target.ruid.empty()) put(kRuid, c.target.ruid);
    if (!c.target.location_ua.empty()) put(kLocationUa, c.target.location_ua);
    if (!c.target.instance.empty()) put(kInstance, c.target.instance);
    put(kGroup, c.group);
    if (c.attributes != nullptr)
        xavps.assign(xavps.append(&set->fields, kAttributes, {}), *c.attributes);
}

/// The attributes that a contact has with it are those of the destination set again.
void bring_back(const Runtime& rt, Message& m, const Xavp& contact) {
    const std::string_view name = rt.options.xavp_contact;
    const Xavp* const kept = name.empty() ? nullptr : m.xavps.find(contact.fields, kAttributes);
    if (kept != nullptr) m.xavps.assign(m.xavps.append(m.xavps.roots(), name, {}), *kept);
}

/// By `before`; what it holds for equal keeps its order. Groups are made anew by the caller.
template <class Before>
void sort_in_order(std::span<Contact> list, Before before) {
    for (std::size_t at = 0; at < list.size(); ++at) list[at].group = static_cast<std::int64_t>(at);
    std::sort(list.begin(), list.end(), [&](const Contact& a, const Contact& b) {
        if (before(a, b)) return true;
        return !before(b, a) && a.group < b.group;
    });
    for (Contact& c : list) c.group = 0;
}

/// The best first; of equal ones the one that was added last.
void sort_by_q(std::span<Contact> list) {
    std::reverse(list.begin(), list.end());
    sort_in_order(list, [](const Contact& a, const Contact& b) { return a.target.q > b.target.q; });
    for (std::size_t i = 1; i < list.size(); ++i)
        list[i].group =
            list[i - 1].group + static_cast<int>(list[i].target.q != list[i - 1].target.q);
}

/// Draws one after the other, with q as the weight; those of no weight stay behind as they are.
void shuffle_by_q(std::span<Contact> list, Random& random) {
    sort_in_order(
        list, [](const Contact& a, const Contact& b) { return a.target.q > 0 && b.target.q <= 0; });
    for (std::size_t at = 0; at < list.size(); ++at) {
        list[at].group = static_cast<std::int64_t>(at);
        std::uint64_t sum = 0;
        for (const Contact& c : list.subspan(at))
            sum += static_cast<std::uint64_t>(std::max<std::int16_t>(c.target.q, 0));
        if (sum == 0) continue;
        std::uint64_t drawn = random.below(sum);
        for (std::size_t i = at; i < list.size() && list[i].target.q > 0; ++i) {
            const auto weight = static_cast<std::uint64_t>(list[i].target.q);
            if (drawn < weight) {
                std::rotate(list.begin() + static_cast<std::ptrdiff_t>(at),
                            list.begin() + static_cast<std::ptrdiff_t>(i),
                            list.begin() + static_cast<std::ptrdiff_t>(i) + 1);
                list[at].group = static_cast<std::int64_t>(at);
                break;
            }
            drawn -= weight;
        }
    }
}

/// Whether the instance of `set` is in the destination set already: then it becomes a flow.
class Instances {
public:
    /// URI of the destination that stands for this instance; `uri` when it is a new one.
    std::string_view claim(std::string_view instance, std::string_view uri) {
        for (std::size_t i = 0; i < count_; ++i)
            if (list_[i].first == instance) return list_[i].second;
        if (count_ < list_.size()) list_[count_++] = {instance, uri};
        return uri;
    }

private:
    std::array<std::pair<std::string_view, std::string_view>, kMaxBranches> list_;
    std::size_t count_ = 0;
};

void make_flow(const Runtime& rt, Message& m, const Xavp& contact, std::string_view first) {
    Xavps& xavps = m.xavps;
    Xavp* const flow = xavps.append(xavps.roots(), rt.options.contact_flows_avp, {});
    xavps.assign(flow, contact);
    (void)xavps.append(&flow->fields, kFirst, first);
}

/// The first one is the Request-URI, the others are branches.
void add_target(const Runtime& rt, Message& m, const BranchTarget& t, std::size_t n) {
    if (n == 0) {
        m.target = t;
        m.uri_consumed = false;
    } else if (!m.append_branch(t, rt.core->globals().max_branches)) {
        LOG(error, "t_next_contacts(): {} is one branch too many", t.uri);
    }
}

}  // namespace

int load_contacts(Runtime& rt, Message& m, ContactOrder order) {
    if (rt.options.contacts_avp.empty()) {
        LOG(error, "t_load_contacts() needs the parameter contacts_avp");
        return -1;
    }
    if (m.branch_count == 0) return 1;
    std::array<Contact, kMaxBranches> all;
    std::size_t count = 0;
    all[count].target = m.target;
    all[count++].target.uri = m.uri();
    for (std::size_t i = 0; i < m.branch_count && count < all.size(); ++i)
        all[count++].target = m.branches[i];
    const std::string_view attributes = rt.options.xavp_contact;
    for (std::size_t i = 0; !attributes.empty() && i < count; ++i)
        all[i].attributes =
            m.xavps.find(*m.xavps.roots(), attributes, static_cast<std::int64_t>(i));
    const std::span<Contact> list(all.data(), count);
    order == ContactOrder::by_q ? sort_by_q(list) : shuffle_by_q(list, rt.core->random());
    m.xavps.remove_all(m.xavps.roots(), rt.options.contacts_avp);
    for (const Contact& c : list) store(m.xavps, rt.options.contacts_avp, c);
    if (!attributes.empty()) m.xavps.remove_all(m.xavps.roots(), attributes);
    m.branch_count = 0;
    return 1;
}

int next_contacts(Runtime& rt, Message& m) {
    const std::string_view name = rt.options.contacts_avp;
    if (name.empty()) {
        LOG(error, "t_next_contacts() needs the parameter contacts_avp");
        return -1;
    }
    Xavps& xavps = m.xavps;
    xavps.remove_all(xavps.roots(), rt.options.contact_flows_avp);
    if (!rt.options.xavp_contact.empty()) xavps.remove_all(xavps.roots(), rt.options.xavp_contact);
    Xavp* contact = xavps.find(*xavps.roots(), name);
    if (contact == nullptr) return kNothingLeft;
    const std::int64_t group = number(xavps, contact, kGroup, 0);
    Instances instances;
    std::size_t used = 0;
    m.branch_count = 0;
    while (contact != nullptr && number(xavps, contact, kGroup, 0) == group) {
        const BranchTarget target = target_of(xavps, contact);
        const std::string_view first =
            target.instance.empty() ? target.uri : instances.claim(target.instance, target.uri);
        if (first.data() == target.uri.data()) {
            add_target(rt, m, target, used++);
            bring_back(rt, m, *contact);
        } else {
            make_flow(rt, m, *contact, first);
        }
        Xavps::remove(xavps.roots(), contact);
        contact = xavps.find(*xavps.roots(), name);
    }
    return 1;
}

int next_contact_flow(Runtime& rt, Message& m) {
    const std::string_view name = rt.options.contact_flows_avp;
    if (name.empty()) {
        LOG(error, "t_next_contact_flow() needs the parameter contact_flows_avp");
        return -1;
    }
    Xavps& xavps = m.xavps;
    const std::string_view failed = m.uri();
    const Xavp* next = nullptr;
    for (std::int64_t i = 0; next == nullptr; ++i) {
        const Xavp* const flow = xavps.find(*xavps.roots(), name, i);
        if (flow == nullptr) return kNothingLeft;
        if (text(xavps, flow, kFirst) == failed) next = flow;
    }
    const BranchTarget target = target_of(xavps, next);
    if (!rt.options.xavp_contact.empty()) xavps.remove_all(xavps.roots(), rt.options.xavp_contact);
    bring_back(rt, m, *next);
    Xavps::remove(xavps.roots(), next);
    // What is left of this instance follows the flow that is tried now.
    for (std::int64_t i = 0;; ++i) {
        const Xavp* const flow = xavps.find(*xavps.roots(), name, i);
        if (flow == nullptr) break;
        Xavp* const first = xavps.find(flow->fields, kFirst);
        if (first != nullptr && first->value.string() == failed) xavps.assign(first, target.uri);
    }
    m.target = target;
    m.uri_consumed = false;
    return 1;
}

}  // namespace fairlead::tm
