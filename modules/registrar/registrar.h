// REGISTER and where a request goes (RFC 3261 10, 16.5): the module's class.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/module.h"
#include "modules/sl/api.h"
#include "modules/tm/api.h"
#include "modules/usrloc/api.h"

namespace fairlead::registrar {

using usrloc::Contact;
using usrloc::DomainId;

/// Methods as contacts keep them: a bit each; 0 for one that has none.
[[nodiscard]] std::uint32_t method_bit(std::string_view method) noexcept;
/// q as thousandths: "0" … "1", with a fraction of which three digits count; nullopt for others.
[[nodiscard]] std::optional<std::int16_t> parse_q(std::string_view text) noexcept;

class Registrar final : public Module, private usrloc::Watcher, private usrloc::StoreListener {
public:
    // Parameters.
    int default_expires = 3600, min_expires = 60, max_expires = 0, min_expires_mode = 0;
    int default_expires_range = 0, expires_range = 0;
    int default_q = 0, max_contacts = 0, retry_after = 0, sock_flag = -1, path_mode = 2;
    int contact_max_size = 512, outbound_mode = 0, flow_timer = 0;
    bool append_branches = true, case_sensitive = false, method_filtering = false;
    bool use_path = false, path_use_received = false, gruu_enabled = true, regid_mode = false;
    bool use_expired_contacts = false, path_check_local = false;
    int lookup_filter_mode = 0, xavp_rcd_mask = 0, ignored = 0;
    std::string xavp_rcd, event_callback;
    std::string realm_prefix, received_param = "received", sock_hdr_name, xavp_cfg;
    sl::Api* sl = nullptr;
    tm::Api* tm = nullptr;
    usrloc::Api* users = nullptr;
    shm::Counter accepted, rejected, replies_lost;

    Result<void> set_received(std::string_view text, ParamVariables& variables);
    Result<void> set_call_id(std::string_view text, ParamVariables& variables);
    Result<void> prepare(Core& core) override;
    std::int64_t max_expires_value() { return max_expires; }
    std::int64_t max_contacts_value() { return max_contacts; }
    std::int64_t default_expires_value() { return default_expires; }
    std::int64_t default_expires_range_value() { return default_expires_range; }
    std::int64_t expires_range_value() { return expires_range; }

    /// A constant table of the configuration, which is loaded before fork.
    void note_table(std::string_view name) const;

    Verdict save(Message& m, std::string_view table, std::optional<std::string_view> flags,
                 std::optional<std::string_view> uri);
    Verdict reg_send_reply(Message& m);
    Verdict lookup(Message& m, std::string_view table, std::optional<std::string_view> uri);
    Verdict lookup_to_dset(Message& m, std::string_view table, std::optional<std::string_view> uri);
    Verdict lookup_branches(Message& m, std::string_view table);
    Verdict registered(Message& m, std::string_view table, std::optional<std::string_view> uri,
                       std::optional<int> match, std::optional<int> action);
    Verdict unregister(Message& m, std::string_view table, std::string_view uri,
                       std::optional<std::string_view> ruid);
    Verdict add_sock_hdr(Message& m, std::string_view name);
    Verdict reg_fetch_contacts(Message& m, std::string_view table, std::string_view uri,
                               std::string_view profile);
    Verdict reg_free_contacts(Message& m, std::string_view profile);
    /// $ulc(profile=>attribute)[index].
    Value fetched(Message& m, std::string_view profile, std::string_view attribute,
                  std::int64_t index);

private:
    enum SaveFlag : std::uint8_t {
        kMemoryOnly = 1,
        kNoReply = 2,
        kOnlyOne = 4,
        kNoRange = 8,
        kPrepareReply = 16
    };
    /// Why a REGISTER is refused.
    struct Refusal {
        int code = 0;
        std::string_view reason, words;  ///< words for P-Registrar-Error
        std::string_view headers;        ///< whole lines
        bool lists_contacts = true;
    };
    /// What is read of one REGISTER.
    struct Registration {
        DomainId domain = DomainId::none;
        std::string_view aor, aor_uri;
        unsigned flags = 0;
        std::vector<usrloc::Change> changes;
        std::size_t contacts = 0;  ///< values in the request
        bool is_star = false;
        bool wants_gruu = false, supports_path = false, supports_outbound = false;
        std::string_view path;
    };
    struct Profile {
        std::string aor, domain;
        Arena arena{4096};
        std::vector<Contact> contacts;
    };
    struct Waiting {
        std::string bytes;
        Target to;
    };

    [[nodiscard]] std::optional<std::string_view> aor_of(Message& m, std::string_view uri) const;
    [[nodiscard]] DomainId domain_of(std::string_view table) const;
    [[nodiscard]] std::optional<std::int64_t> setting(Message& m, std::string_view name) const;
    [[nodiscard]] Value setting_value(Message& m, std::string_view name) const;

    // save.cpp
    [[nodiscard]] std::optional<Refusal> read(Message& m, Registration& r);
    [[nodiscard]] std::optional<Refusal> read_extensions(Message& m, Registration& r);
    [[nodiscard]] std::optional<Refusal> read_contacts(Message& m, Registration& r);
    [[nodiscard]] std::optional<Refusal> read_contact(Message& m, Registration& r,
                                                      const sip::NameAddr& value,
                                                      const Contact& common);
    [[nodiscard]] Contact common(Message& m, const Registration& r) const;
    [[nodiscard]] std::uint16_t socket_of(Message& m) const;
    /// Seconds; 0 ends the binding. Nullopt: too brief.
    [[nodiscard]] std::optional<std::int64_t> seconds_of(Message& m, const sip::NameAddr& value,
                                                         unsigned flags) const;
    [[nodiscard]] Verdict store(Message& m, Registration& r);

    // reply.cpp
    void answer(Message& m, const Registration& r, const Refusal* refusal, std::uint64_t ticket);
    [[nodiscard]] std::string_view contact_lines(Message& m, const Registration& r);
    void send_reply(Message& m, int code, std::string_view reason, std::uint64_t ticket);
    void stored(std::uint64_t ticket, bool ok) noexcept override;

    // lookup.cpp
    [[nodiscard]] std::vector<Contact> candidates(Message& m, DomainId domain, std::string_view uri,
                                                  int& code);
    [[nodiscard]] BranchTarget target_of(Message& m, Contact contact) const;
    Verdict find(Message& m, std::string_view table, std::string_view uri, bool keep_uri);

    // records.cpp
    /// XAVPs of the message that are to be kept with its contacts, in their stored form.
    [[nodiscard]] std::string_view attributes_of(Message& m) const;
    void restore_attributes(Message& m, const Contact& contact) const;
    /// Adds the set of xavp_rcd for a contact.
    void show_record(Message& m, const Contact& contact) const;
    /// What lookup_filter_mode leaves out.
    void filter(Message& m, std::vector<Contact>& found) const;

    // contacts.cpp
    void changed(DomainId domain, std::string_view aor, const Contact& contact,
                 usrloc::Event event) noexcept override;
    void fill(Profile& profile, DomainId domain, std::string_view aor,
              std::span<const Contact> contacts);

    Core* core_ = nullptr;
    const VariableRef *received_ = nullptr, *call_id_ = nullptr;
    RouteId expired_route_ = RouteId::none;
    std::size_t slot_ = 0;  ///< the reply that save() has prepared
    mutable std::vector<std::string> tables_;
    std::map<std::string, Profile, std::less<>> profiles_;
    std::map<std::uint64_t, Waiting> waiting_;  ///< replies that the database holds up, by ticket
};

}  // namespace fairlead::registrar
