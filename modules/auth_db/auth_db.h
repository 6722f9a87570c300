// Digest authentication with passwords of a database: the module's class. SPDX-License-Identifier:
// Apache-2.0
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/module.h"
#include "modules/auth/api.h"
#include "modules/auth_db/cache.h"
#include "modules/db/api.h"

namespace fairlead::auth_db {

class AuthDb final : public Module, private Timers::Ticker, private db::Listener {
public:
    std::string db_url = "mysql://kamailioro:kamailioro@localhost/kamailio";
    std::string user_column = "username", domain_column = "domain", password_column = "ha1",
                password_column_2 = "ha1b", load_credentials;
    bool calculate_ha1 = false, use_domain = false, force_generate_avps = false;
    int version_table = 1, cache_interval = 1;
    db::Api* db = nullptr;
    auth::Api* auth = nullptr;
    shm::Counter reloads, rows_lost;

    Result<void> prepare(Core& core) override;

    /// A constant table of the configuration, which is read before fork.
    void note_table(std::string_view name) const;

    Verdict www_authenticate(Message& m, std::string_view realm, std::string_view table,
                             std::optional<std::string_view> method);
    Verdict proxy_authenticate(Message& m, std::string_view realm, std::string_view table);
    Verdict auth_check(Message& m, std::string_view realm, std::string_view table, Value flags);
    Verdict is_subscriber(Message& m, std::string_view uri, std::string_view table, Value flags);

private:
    struct Table {
        std::string name;
        db::StatementId page{};
        Cache cache;
        std::uint32_t round = 1;
        bool is_reading = false;
    };
    struct Credential {
        std::string avp, column;
    };

    Result<void> parse_credentials();
    Result<void> add_table(const std::string& name);
    void take_row(Table& table, db::Row row);
    [[nodiscard]] Table* find_table(std::string_view name) noexcept;
    [[nodiscard]] std::string_view key(Arena& arena, std::string_view user,
                                       std::string_view domain) const;
    void load_avps(Message& m, const std::vector<std::string_view>& row) const;
    Verdict authenticate(Message& m, sip::HeaderType type, std::string_view realm,
                         std::string_view table, std::string_view method);
    [[nodiscard]] bool is_user(const Message& m, sip::HeaderType type, std::string_view realm,
                               std::int64_t flags) const;

    // In the control process.
    void tick() noexcept override;
    void answered(const db::Answer& answer) noexcept override;
    void ask_page(std::size_t table, std::int64_t behind);

    Core* core_ = nullptr;
    db::DatabaseId database_ = db::DatabaseId::none;
    db::StatementId version_{};
    db::CallbackId callback_{};
    mutable std::vector<std::string> names_;
    std::deque<Table> tables_;
    std::vector<Credential> credentials_;
    std::int64_t last_version_ = -1;
    int ticks_ = 0;
};

}  // namespace fairlead::auth_db
