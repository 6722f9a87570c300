// The database module for SQLite: the module's class. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/module.h"
#include "modules/db/api.h"
#include "modules/db_sqlite/connection.h"
#include "modules/db_sqlite/queue.h"

namespace fairlead::db_sqlite {

/// The file that a URL names: below `work_directory` for "sqlite:///relative".
[[nodiscard]] Result<std::string> path_of(std::string_view url, std::string_view work_directory);

class DbSqlite final : public Module, public db::Api {
public:
    int queue_size = 100'000;
    shm::Counter queries, failures, dropped, answers_lost;

    Result<void> set_read_only(const Value& path);
    Result<void> set_journal_mode(const Value& text);
    std::int64_t waiting();

    Result<void> prepare(Core& core) override;
    Result<void> start(const Process& process) override;
    void stop() noexcept override;

    // db::Api.
    Result<db::DatabaseId> open(std::string_view url) override;
    Result<void> table(db::DatabaseId database, const db::Table& table) override;
    Result<db::StatementId> prepare(db::DatabaseId database, std::string_view sql) override;
    db::CallbackId on_answer(db::Listener& listener) override;
    Result<void> load(db::StatementId statement, std::span<const db::Value> values,
                      const EachRow& row) override;
    Result<std::int64_t> now(db::StatementId statement, std::span<const db::Value> values) override;
    bool query(const db::Query& query) noexcept override;

private:
    static constexpr std::string_view kProcess = "db_sqlite";

    /// A text of SQL, and what it became in this process.
    struct Sql {
        db::DatabaseId database;
        std::string text;
        std::optional<Statement> statement;
    };
    struct Database {
        Place place;
        std::optional<Connection> connection;  ///< of this process
    };
    struct Wake final : Core::MailHandler {
        explicit Wake(DbSqlite& module) : module_(module) {}
        void mail(std::string_view) noexcept override { module_.work(); }
        DbSqlite& module_;
    };
    struct Answers final : Core::MailHandler {
        explicit Answers(DbSqlite& module) : module_(module) {}
        void mail(std::string_view bytes) noexcept override { module_.deliver(bytes); }
        DbSqlite& module_;
    };
    struct Later final : TimerHandler {
        explicit Later(DbSqlite& module) : module_(module) {}
        void fired(shm::TimerEntry& entry) noexcept override { module_.tick(entry); }
        DbSqlite& module_;
    };
    /// The database process looks at its queue also when nobody woke it.
    struct Clockwork {
        using ShmSafe = void;
        shm::RobustMutex mutex;
        shm::TimerEntry timer;
        void repair() noexcept {}
    };
    struct Outcome {
        bool ok = false, cut = false;
        std::int64_t changed = 0;
        std::uint32_t rows = 0, columns = 0;
        std::string error, values;
    };

    [[nodiscard]] Result<Connection*> connection(db::DatabaseId database);
    [[nodiscard]] Result<Statement*> statement(db::StatementId id);
    /// Before fork no connection may stay open.
    void let_go() noexcept;
    Result<void> make_table(Connection& c, const db::Table& table);
    [[nodiscard]] bool is_before_fork() const noexcept { return !started_; }

    // In the database process.
    void work() noexcept;
    void work_once(std::span<Request* const> batch);
    [[nodiscard]] bool run_batch(std::span<Request* const> batch, std::vector<Outcome>& outcomes);
    [[nodiscard]] Outcome run(Request& request);
    [[nodiscard]] bool writes(std::span<Request* const> batch);
    void answer(const Request& request, const Outcome& outcome);
    void send_late() noexcept;
    void tick(shm::TimerEntry& entry) noexcept;
    // In the process that asked.
    void deliver(std::string_view bytes) noexcept;
    void hand_over(std::string_view bytes) noexcept;

    Core* core_ = nullptr;
    Wake wake_{*this};
    Answers answers_{*this};
    Later later_{*this};
    MailId wake_mail_{}, answer_mail_{};
    shm::HandlerId timer_{};
    Clockwork* clockwork_ = nullptr;
    shm::Tag answer_tag_;
    Queue queue_;
    std::uint16_t slot_ = 0;  ///< of the database process; 0: nobody opened a database
    bool started_ = false;
    std::vector<std::string> read_only_;
    std::vector<std::pair<std::string, std::string>> journal_modes_;
    std::deque<Database> databases_;
    std::deque<Sql> statements_;
    std::vector<db::Listener*> listeners_;
    std::deque<std::pair<std::uint16_t, std::string>> unsent_;  ///< their mailbox was full
};

}  // namespace fairlead::db_sqlite
