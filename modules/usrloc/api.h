// What usrloc offers to other modules: the contacts that users have registered. A contact is handed
// over as a copy; nothing that is said here stays locked. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/api/sip.h"
#include "core/module.h"

namespace fairlead::usrloc {

/// A table of locations ("location"). The same in every process.
enum class DomainId : std::uint16_t { none = 0xffff };

inline constexpr std::int16_t kNoQ = -1;  ///< no q was given
inline constexpr std::uint32_t kAllMethods = 0xffffffff;

/// One binding. Texts are views into an arena, or what the caller gave.
struct Contact {
    std::string_view uri;       ///< without < and >
    std::string_view received;  ///< URI of where the REGISTER came from, "" for none
    std::string_view path;      ///< value of Path, "" for none
    std::string_view call_id, user_agent;
    std::string_view instance;    ///< +sip.instance without quotes, with < and >; "" for none
    std::string_view ruid;        ///< names the binding as long as it lives; "" makes one
    std::string_view attributes;  ///< XAVPs in their stored form (Xavps::store), "" for none
    std::int64_t expires = 0;     ///< seconds since 1970; 0: never
    std::int64_t modified = 0;    ///< seconds since 1970
    std::uint32_t cseq = 0;
    std::uint32_t flags = 0, cflags = 0;
    std::uint32_t methods = kAllMethods;  ///< a bit per method, as Allow had them
    std::int32_t reg_id = 0;
    std::int16_t q = kNoQ;                 ///< thousandths
    std::uint16_t listener = kNoListener;  ///< the socket on which the REGISTER came
    std::uint32_t connection = 0;
    [[nodiscard]] bool is_over(std::int64_t now) const noexcept {
        return expires != 0 && expires <= now;
    }
};

/// The URI of the first value of a Path; "" when there is none.
[[nodiscard]] inline std::string_view first_hop(std::string_view path) noexcept {
    const auto first = sip::next_value(path);
    const auto hop = first ? sip::parse_name_addr(*first) : std::nullopt;
    return hop ? hop->uri : std::string_view();
}

/// A branch to the contact: by its Path (RFC 3327 5.4), else to where its REGISTER came from, over
/// the socket on which that came (if it is one of the first `listeners`), with its branch flags.
/// Texts are copies in the arena.
[[nodiscard]] inline BranchTarget target_of(const Contact& c, Arena& arena, std::size_t listeners) {
    BranchTarget target;
    target.uri = arena.copy(c.uri);
    target.q = c.q == kNoQ ? fairlead::kNoQ : c.q;
    target.flags = c.cflags;
    target.ruid = arena.copy(c.ruid);
    target.location_ua = arena.copy(c.user_agent);
    target.instance = arena.copy(c.instance);
    target.listener = c.listener < listeners ? c.listener : kNoListener;
    target.path = arena.copy(c.path);
    target.dst_uri = arena.copy(c.path.empty() ? c.received : first_hop(c.path));
    return target;
}

/// What becomes of one contact in save().
struct Change {
    Contact contact;
    bool remove = false;  ///< the binding ends; `contact` says which (uri, call_id, cseq, …)
};

struct SavePolicy {
    std::size_t max_contacts = 0;  ///< 0: any number
    bool only_one = false;         ///< bindings that are not among the changes end
    bool remove_all = false;       ///< Contact: *
    bool memory_only = false;      ///< the database is left alone
    std::string_view call_id;      ///< of the REGISTER, with remove_all
    std::uint32_t cseq = 0;
};

enum class Saved : std::uint8_t {
    done,           ///< also for a REGISTER that comes again within cseq_delay: it changes nothing
    out_of_order,   ///< a binding of this Call-ID has a CSeq that is not lower (RFC 3261 10.3)
    too_many,       ///< max_contacts
    out_of_memory,  ///< nothing was changed, as with all but done
    too_long        ///< a text is longer than kMaxText, or the AOR than kMaxAor
};
struct SaveResult {
    Saved what = Saved::done;
    std::uint16_t added = 0, updated = 0, removed = 0;
    /// A ticket to wait for with when_stored(), 0 when there is nothing to wait for.
    std::uint64_t ticket = 0;
};

/// What befell a contact.
enum class Event : std::uint8_t { added = 1, updated = 2, removed = 4, expired = 8 };

/// Told of contacts; by the number that on_change() gave, which is the same in every process.
class Watcher {
public:
    /// In the process where it happened, without any lock: a worker, or the control process for
    /// what expired. `aor` and `contact` are valid during the call.
    virtual void changed(DomainId domain, std::string_view aor, const Contact& contact,
                         Event event) noexcept = 0;

protected:
    ~Watcher() = default;
};

/// Told that what save() changed is in the database.
class StoreListener {
public:
    /// In the process that saved, in its event loop. Not `ok`: the database refused, or did not
    /// take it; it is tried again later.
    virtual void stored(std::uint64_t ticket, bool ok) noexcept = 0;

protected:
    ~StoreListener() = default;
};

/// AORs are "user", or "user@domain" when use_domain() says so; whoever asks decides about case.
/// Calls behind prepare(): in any process, without any lock.
struct Api {
    static constexpr ApiId api_id{"usrloc", 1};
    static constexpr std::size_t kMaxAor = 512, kMaxText = 4096;

    /// Before fork (in prepare(), or when arguments are checked): the table of this name, which is
    /// loaded from the database when there is one.
    [[nodiscard]] virtual DomainId domain(std::string_view name) = 0;
    /// At any time: none when there is no such table.
    [[nodiscard]] virtual DomainId find_domain(std::string_view name) const noexcept = 0;
    [[nodiscard]] virtual std::string_view name(DomainId domain) const noexcept = 0;
    [[nodiscard]] virtual bool use_domain() const noexcept = 0;
    /// Bit of branches behind NAT as a mask; 0 when it is not set.
    [[nodiscard]] virtual std::uint32_t nat_flag() const noexcept = 0;
    /// Before fork: `watcher` is told of the events in `mask`.
    virtual void on_change(Watcher& watcher, std::uint8_t mask) = 0;
    /// Before fork: who is told of tickets; one for all.
    virtual void on_stored(StoreListener& listener) = 0;

    /// Copies of an AOR's bindings, highest q first (or the newest, with desc_time_order), with
    /// their texts in `arena`. Those that are over are among them when `with_expired`. Empty when
    /// there are none.
    [[nodiscard]] virtual std::vector<Contact> contacts(DomainId domain, std::string_view aor,
                                                        Arena& arena,
                                                        bool with_expired = false) = 0;
    /// All of one request, or nothing (RFC 3261 10.3 step 7).
    [[nodiscard]] virtual SaveResult save(DomainId domain, std::string_view aor,
                                          std::span<const Change> changes,
                                          const SavePolicy& policy) = 0;
    /// Ends bindings: all of the AOR, or the one with this ruid ("" for all). How many.
    virtual std::size_t remove(DomainId domain, std::string_view aor, std::string_view ruid) = 0;
    /// The AOR of the binding with this ruid, in `arena`; "" when there is none. Walks the table.
    [[nodiscard]] virtual std::string_view aor_of(DomainId domain, std::string_view ruid,
                                                  Arena& arena) = 0;
    /// What the AOR's record is numbered with ($ulc(p=>aorhash)).
    [[nodiscard]] virtual std::uint32_t hash(std::string_view aor) const noexcept = 0;
    /// Name of the XAVPs that belong to a contact (Contact::attributes); "" for none.
    [[nodiscard]] virtual std::string_view contact_xavp() const noexcept = 0;

protected:
    ~Api() = default;
};

}  // namespace fairlead::usrloc
