// Commands about contacts, with the shapes of Kamailio's. SPDX-License-Identifier: Apache-2.0
#include "modules/usrloc/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "core/api/text.h"
#include "modules/usrloc/usrloc.h"

namespace fairlead::usrloc {
namespace {

constexpr int kNotFound = 404;
constexpr double kThousand = 1000.0;

Usrloc& self(Module& m) noexcept {
    return static_cast<Usrloc&>(m);
}

Result<DomainId> domain(Module& m, Call& call) {
    const DomainId found = self(m).find_domain(call.text(0));
    if (found == DomainId::none) return fail("Domain table not found");
    return found;
}

std::string_view or_not_set(std::string_view text) noexcept {
    return text.empty() ? "[not set]" : text;
}

std::string_view state(const Node& node) noexcept {
    if (node.row == Node::Row::same) return "CS_SYNC";
    return node.is_new ? "CS_NEW" : "CS_DIRTY";
}

void write_contact(Answer& a, Usrloc& u, const Copy& copy) {
    const Contact c = copy.contact();
    const std::int64_t left = c.expires - u.core().clock().unix_seconds();
    const auto listeners = u.core().net().listeners();
    a.begin_struct("Contact");
    a.text("Address", c.uri);
    if (c.expires == 0)
        a.text("Expires", "permanent");
    else if (left <= 0)
        a.text("Expires", "expired");
    else
        a.integer("Expires", left);
    if (c.q == kNoQ)
        a.integer("Q", -1);
    else
        a.number("Q", c.q / kThousand);
    a.text("Call-ID", c.call_id);
    a.integer("CSeq", c.cseq);
    a.text("User-Agent", or_not_set(c.user_agent));
    a.text("Received", or_not_set(c.received));
    a.text("Path", or_not_set(c.path));
    a.text("State", state(copy.node));
    a.integer("Flags", c.flags);
    a.integer("CFlags", c.cflags);
    a.text("Socket", c.listener < listeners.size()
                         ? std::string_view(listeners[c.listener].uri_text)
                         : "[not set]");
    a.integer("Methods", c.methods);
    a.text("Ruid", c.ruid);
    a.text("Instance", or_not_set(c.instance));
    a.integer("Reg-Id", c.reg_id);
    a.integer("Server-Id", 0);
    a.integer("Tcpconn-Id", -1);
    a.integer("Keepalive", 0);
    a.integer("Last-Keepalive", c.modified);
    a.integer("KA-Roundtrip", 0);
    a.integer("Last-Modified", c.modified);
    a.end_struct();
}

/// A bucket at a time: what comes and goes meanwhile is in it or not.
class Dump final : public AnswerSource {
public:
    Dump(Usrloc& module, bool brief) : module_(module), brief_(brief) {}

    bool more(Answer& a) override {
        if (!begun_) {
            begun_ = true;
            a.begin_struct();
            a.begin_array("Domains");
        }
        const auto& tables = module_.tables();
        if (domain_ == tables.size()) {
            a.end_array();
            a.end_struct();
            return false;
        }
        const Table& t = tables[domain_];
        if (bucket_ == 0) begin_domain(a, t);
        if (bucket_ < t.buckets()) {
            write_buckets(a, t);
            return true;
        }
        end_domain(a, t);
        ++domain_;
        bucket_ = 0;
        return true;
    }

private:
    static constexpr std::size_t kPiece = 20;  ///< contacts, some 600 bytes each

    static void begin_domain(Answer& a, const Table& t) {
        a.begin_struct();
        a.begin_struct("Domain");
        a.text("Domain", t.name());
        a.integer("Size", static_cast<std::int64_t>(t.buckets()));
        a.begin_array("AoRs");
    }
    static void end_domain(Answer& a, const Table& t) {
        const Table::Counts counts = t.counts();
        a.end_array();
        a.begin_struct("Stats");
        a.integer("Records", static_cast<std::int64_t>(counts.records));
        a.integer("Max-Slots", static_cast<std::int64_t>(counts.most));
        a.end_struct();
        a.end_struct();
        a.end_struct();
    }
    void write_buckets(Answer& a, const Table& t) {
        std::vector<Copy> copies;
        while (bucket_ < t.buckets() && copies.size() < kPiece) t.copy_bucket(bucket_++, copies);
        for (std::size_t i = 0; i < copies.size();) {
            const std::string& aor = copies[i].aor;
            a.begin_struct();
            if (brief_)
                a.text("AoR", aor);
            else
                begin_aor(a, aor);
            for (; i < copies.size() && copies[i].aor == aor; ++i) {
                if (brief_) continue;
                a.begin_struct();
                write_contact(a, module_, copies[i]);
                a.end_struct();
            }
            if (!brief_) {
                a.end_array();
                a.end_struct();
            }
            a.end_struct();
        }
    }
    static void begin_aor(Answer& a, const std::string& aor) {
        a.begin_struct("Info");
        a.text("AoR", aor);
        a.integer("HashID", Table::hash(aor));
        a.begin_array("Contacts");
    }

    Usrloc& module_;
    bool brief_, begun_ = false;
    std::size_t domain_ = 0, bucket_ = 0;
};

Result<void> dump(Module& m, Call& call) {
    if (call.has(0) && call.text(0) != "brief") return fail("Only \"brief\" may be given");
    call.stream(std::make_unique<Dump>(self(m), call.has(0)));
    return {};
}

std::vector<Copy> bindings(const Table& t, std::string_view aor) {
    std::vector<Copy> copies;
    t.copy_bucket(t.bucket_of(aor), copies);
    std::erase_if(copies, [&](const Copy& c) { return c.aor != aor; });
    return copies;
}

Result<void> lookup(Module& m, Call& call) {
    const Table& t = *self(m).table(TRY(domain(m, call)));
    const std::vector<Copy> found = bindings(t, call.text(1));
    if (found.empty()) return fail("AOR not found in location table");
    Answer& a = call.answer();
    a.begin_struct();
    a.text("AoR", call.text(1));
    a.begin_array("Contacts");
    for (const Copy& c : found) {
        a.begin_struct();
        write_contact(a, self(m), c);
        a.end_struct();
    }
    a.end_array();
    a.end_struct();
    return {};
}

Result<void> remove(Module& m, Call& call) {
    const DomainId d = TRY(domain(m, call));
    if (self(m).remove(d, call.text(1), {}) == 0) return fail("AOR not found in location table");
    return {};
}

Result<void> remove_contact(Module& m, Call& call) {
    const DomainId d = TRY(domain(m, call));
    const std::vector<Copy> found = bindings(*self(m).table(d), call.text(1));
    if (found.empty()) return fail("AOR not found", {}, kNotFound);
    for (const Copy& c : found) {
        if (c.contact().uri != call.text(2)) continue;
        (void)self(m).remove(d, call.text(1), c.contact().ruid);
        return {};
    }
    return fail("Contact not found", {}, kNotFound);
}

/// What was given, or "" for "0" and ".".
std::string_view given(const Call& call, std::size_t i) noexcept {
    const std::string_view text = call.text(i);
    return text == "0" || text == "." ? std::string_view() : text;
}

Result<std::int16_t> read_q(std::string_view text) {
    if (text == "0" || text == "1") return static_cast<std::int16_t>(text == "0" ? 0 : 1000);
    const std::size_t point = text.find('.');
    std::string digits(text.substr(point == text.npos ? text.size() : point + 1));
    digits.resize(3, '0');
    const auto whole = text::parse_uint(text.substr(0, point), 1);
    const auto part = text::parse_uint(digits, 999);
    if (!whole || !part || (*whole == 1 && *part != 0)) return fail("Invalid q");
    return static_cast<std::int16_t>(*whole == 1 ? 1000 : static_cast<int>(*part));
}

Result<void> add(Module& m, Call& call) {
    const DomainId d = TRY(domain(m, call));
    const std::int64_t now = self(m).core().clock().unix_seconds();
    const std::int64_t seconds = call.integer(3);
    if (seconds < 0 || seconds > INT32_MAX) return fail("Invalid expires");
    Change change;
    Contact& c = change.contact;
    c.uri = call.text(2);
    c.expires = seconds == 0 ? 0 : now + seconds;
    c.q = TRY(read_q(call.text(4)));
    c.path = given(call, 5);
    c.flags = static_cast<std::uint32_t>(call.integer(6));
    c.cflags = static_cast<std::uint32_t>(call.integer(7));
    c.methods = static_cast<std::uint32_t>(call.integer(8));
    c.received = given(call, 9);
    for (const Listener& l : self(m).core().net().listeners())
        if (l.uri_text == given(call, 10)) c.listener = l.index;
    const std::string call_id = fmt::format("{:x}-{}@rpc", now, self(m).core().random().next());
    c.call_id = call_id;
    c.user_agent = "Fairlead RPC";
    c.cseq = 1;
    c.modified = now;
    const SaveResult saved = self(m).save(d, call.text(1), {&change, 1}, {});
    if (saved.what != Saved::done) return fail("Can't add contact");
    return {};
}

Result<void> flush(Module& m, Call&) {
    self(m).flush();
    return {};
}

Result<void> count(Module& m, Call& call, Rows::Count what) {
    const DomainId d = TRY(domain(m, call));
    if (self(m).rows() == nullptr) return fail("There is no database");
    return self(m).count_rows(d, what, call.later());
}
Result<void> count_users(Module& m, Call& call) {
    return count(m, call, Rows::Count::users);
}
Result<void> count_contacts(Module& m, Call& call) {
    return count(m, call, Rows::Count::contacts);
}
Result<void> count_expired(Module& m, Call& call) {
    return count(m, call, Rows::Count::expired);
}

using T = CommandArg::Type;
constexpr CommandArg kBrief[] = {{"brief", "\"brief\": only the AORs.", T::text, true}};
constexpr CommandArg kTable[] = {{"table", "Its name.", T::text}};
constexpr CommandArg kAor[] = {{"table", "Its name.", T::text},
                               {"AOR", "user, or user@domain with use_domain.", T::text}};
constexpr CommandArg kContact[] = {{"table", "Its name.", T::text},
                                   {"AOR", "user, or user@domain with use_domain.", T::text},
                                   {"contact", "The URI, exactly.", T::text}};
constexpr CommandArg kAdd[] = {{"table", "Its name.", T::text},
                               {"AOR", "user, or user@domain with use_domain.", T::text},
                               {"contact", "The URI.", T::text},
                               {"expires", "Seconds; 0: never.", T::integer},
                               {"q", "0 to 1.", T::text},
                               {"path", "Value of Path; 0 or . for none.", T::text},
                               {"flags", "A number.", T::integer},
                               {"cflags", "Branch flags.", T::integer},
                               {"methods", "A bit for each method.", T::integer},
                               {"received", "URI; 0 or . for none.", T::text, true},
                               {"socket", "proto:host:port; 0 or . for none.", T::text, true}};
constexpr Right kRead = Right::read, kChange = Right::change;

}  // namespace

constinit const std::array<Command, kCommands> commands{
    {{"ul.add", "Adds a contact.", kChange, kAdd, false, {}, add},
     {"ul.db_contacts", "Contacts in the database.", kRead, kTable, false, {}, count_contacts},
     {"ul.db_expired_contacts",
      "Contacts in the database that are over.",
      kRead,
      kTable,
      false,
      {},
      count_expired},
     {"ul.db_users", "AORs in the database.", kRead, kTable, false, {}, count_users},
     {"ul.dump", "All contacts.", kRead, kBrief, false, {}, dump},
     {"ul.flush", "Writes what has changed to the database.", kChange, {}, false, {}, flush},
     {"ul.lookup", "The contacts of an AOR.", kRead, kAor, false, {}, lookup},
     {"ul.rm", "Removes an AOR.", kChange, kAor, false, {}, remove},
     {"ul.rm_contact", "Removes a contact.", kChange, kContact, false, {}, remove_contact}}};

}  // namespace fairlead::usrloc
