// Where users are: the module's class. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/module.h"
#include "modules/db/api.h"
#include "modules/usrloc/rows.h"
#include "modules/usrloc/table.h"

namespace fairlead::usrloc {

class Usrloc final : public Module,
                     public Api,
                     private Timers::Ticker,
                     private Core::MailHandler,
                     private db::Listener {
public:
    enum Mode : std::uint8_t { memory = 0, write_through = 1, write_back = 2, load_only = 4 };

    // Parameters.
    int db_mode = 0, db_load = 1, matching_mode = 0, cseq_delay = 20, hash_size = 10;
    int timer_interval = 60, timer_procs = 0, nat_bflag = -1, version_table = 1;
    int fetch_rows = 2000, ignored = 0;
    bool db_clean_tcp = false;
    Layout layout;
    bool multi_domain = false, desc_time_order = false, skip_remote_socket = false;
    std::string db_url = "mysql://kamailio:kamailiorw@localhost/kamailio";
    std::string ignored_text, xavp_contact;
    std::vector<std::string> preload;
    db::Api* db = nullptr;
    shm::Counter expired, stored, store_failed;

    Result<void> prepare(Core& core) override;
    Result<void> start(const Process& process) override;
    void stop() noexcept override;

    std::int64_t count_users();
    std::int64_t count_contacts();

    // Api.
    DomainId domain(std::string_view name) override;
    DomainId find_domain(std::string_view name) const noexcept override;
    std::string_view name(DomainId domain) const noexcept override;
    bool use_domain() const noexcept override { return multi_domain; }
    std::uint32_t nat_flag() const noexcept override {
        return nat_bflag >= 0 ? 1U << static_cast<unsigned>(nat_bflag) : 0;
    }
    void on_change(Watcher& watcher, std::uint8_t mask) override {
        watchers_.emplace_back(&watcher, mask);
    }
    void on_stored(StoreListener& listener) override { store_listener_ = &listener; }
    std::vector<Contact> contacts(DomainId domain, std::string_view aor, Arena& arena,
                                  bool with_expired) override;
    SaveResult save(DomainId domain, std::string_view aor, std::span<const Change> changes,
                    const SavePolicy& policy) override;
    std::size_t remove(DomainId domain, std::string_view aor, std::string_view ruid) override;
    std::string_view aor_of(DomainId domain, std::string_view ruid, Arena& arena) override;
    std::uint32_t hash(std::string_view aor) const noexcept override { return Table::hash(aor); }
    std::string_view contact_xavp() const noexcept override { return xavp_contact; }

    // For commands.
    [[nodiscard]] Table* table(DomainId domain) noexcept;
    [[nodiscard]] const std::deque<Table>& tables() const noexcept { return tables_; }
    [[nodiscard]] const Rows* rows() const noexcept { return has_rows() ? &rows_ : nullptr; }
    /// Everything that differs goes to the database now. In the control process.
    void flush();
    /// Answers with a number of rows, later. In the control process.
    Result<void> count_rows(DomainId domain, Rows::Count what, std::unique_ptr<LateAnswer> to);
    [[nodiscard]] Core& core() noexcept { return *core_; }

private:
    [[nodiscard]] bool has_rows() const noexcept {
        return db_mode == write_through || db_mode == write_back;
    }
    Result<void> load(Table& table);
    Result<DomainId> add_domain(std::string_view name);
    void tell(DomainId domain, std::string_view aor, std::span<const Happening> happened);
    /// 0 when nobody has to wait.
    [[nodiscard]] std::uint64_t ask_to_store(DomainId domain, std::size_t bucket);

    // In the control process.
    void tick() noexcept override;
    void mail(std::string_view bytes) noexcept override;
    void answered(const db::Answer& answer) noexcept override;
    void expire(DomainId domain, std::size_t bucket);
    /// Hands the rows of a bucket to the database.
    void write_rows(DomainId domain, std::size_t bucket, std::uint64_t ticket);
    void delete_rest();
    void tell_waiting(std::uint64_t ticket, bool ok);

    Core* core_ = nullptr;
    MailId mail_{};
    db::CallbackId callback_{};
    Rules rules_;
    Rows rows_;
    std::deque<Table> tables_;
    std::vector<std::pair<Watcher*, std::uint8_t>> watchers_;
    StoreListener* store_listener_ = nullptr;
    Table::Ruids ruids_;
    std::uint64_t last_ticket_ = 0;
    std::size_t next_bucket_ = 0;
    std::vector<Happening> happened_;
    Arena arena_;
    Copy copy_;
    std::map<std::uint64_t, std::unique_ptr<LateAnswer>> counting_;  ///< by ticket
    std::set<std::uint64_t> failed_tickets_;
    std::deque<std::pair<DomainId, std::string>> undeleted_;  ///< rows the queue had no room for
};

}  // namespace fairlead::usrloc
