// The database module for SQLite: what happens before fork, and in processes that ask.
// SPDX-License-Identifier: Apache-2.0
#include "modules/db_sqlite/db_sqlite.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/api/log.h"
#include "core/api/text.h"
#include "modules/db_sqlite/wire.h"

namespace fairlead::db_sqlite {
namespace {

constexpr std::string_view kScheme = "sqlite://";
constexpr std::array<std::string_view, 6> kJournalModes{"DELETE", "TRUNCATE", "PERSIST",
                                                        "MEMORY", "WAL",      "OFF"};

constexpr db::Table kVersion{
    .name = "version",
    .version = 1,
    .sql =
        "CREATE TABLE version (id INTEGER PRIMARY KEY NOT NULL, table_name VARCHAR(32) NOT "
        "NULL, table_version INTEGER DEFAULT 0 NOT NULL, CONSTRAINT version_table_name_idx "
        "UNIQUE (table_name))"};

/// Makes the file, so that it belongs to the user that the processes will be.
Result<void> make_file(const std::string& path, const Globals& globals) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (file < 0) return fail(std::strerror(errno), path, errno);
    if (globals.user >= 0 && ::geteuid() == 0 &&
        ::fchown(file, static_cast<uid_t>(globals.user),
                 globals.group >= 0 ? static_cast<gid_t>(globals.group) : static_cast<gid_t>(-1)) !=
            0)
        LOG(warning, "{}: cannot give it to the server's user: {}", path, std::strerror(errno));
    ::close(file);
    return {};
}

}  // namespace

Result<std::string> path_of(std::string_view url, std::string_view work_directory) {
    if (!text::ci_starts_with(url, kScheme))
        return fail(
            fmt::format("\"{}\" is no URL of an SQLite database: sqlite:///file, "
                        "sqlite:////absolute/file",
                        url));
    std::string_view path = url.substr(kScheme.size());
    if (!path.starts_with('/') || path.size() < 2 || path.contains('\0'))
        return fail(fmt::format("\"{}\" names no file", url));
    path.remove_prefix(1);
    if (path.starts_with('/')) return std::string(path);
    return fmt::format("{}/{}", work_directory, path);
}

Result<void> DbSqlite::set_read_only(const Value& path) {
    read_only_.emplace_back(path.string());
    return {};
}

Result<void> DbSqlite::set_journal_mode(const Value& text) {
    std::string_view all = text.string();
    if (all.ends_with(';')) all.remove_suffix(1);
    const std::size_t equals = all.rfind('=');
    const std::string_view mode =
        equals == all.npos ? std::string_view() : text::trim(all.substr(equals + 1));
    const auto* const known = std::ranges::find_if(
        kJournalModes, [&](std::string_view m) { return text::ci_equal(m, mode); });
    if (known == kJournalModes.end())
        return fail(fmt::format("\"{}\" is not path=MODE", text.string()));
    journal_modes_.emplace_back(text::trim(all.substr(0, equals)), *known);
    return {};
}

std::int64_t DbSqlite::waiting() {
    return core_ != nullptr ? static_cast<std::int64_t>(queue_.size()) : 0;
}

Result<void> DbSqlite::prepare(Core& core) {
    core_ = &core;
    wake_mail_ = core.on_mail(wake_);
    answer_mail_ = core.on_mail(answers_);
    timer_ = core.timers().add("db_sqlite", later_);
    answer_tag_ = core.memory().tag("db_sqlite", "answer");
    clockwork_ = core.memory().make<Clockwork>(core.memory().tag("db_sqlite", "timer"));
    if (clockwork_ == nullptr) return fail("no shared memory for the timer of db_sqlite");
    clockwork_->mutex.init(shm::Rank::table);
    return queue_.prepare(core, static_cast<std::size_t>(queue_size));
}

void DbSqlite::let_go() noexcept {
    for (Sql& s : statements_) s.statement.reset();
    for (Database& d : databases_) d.connection.reset();
}

// ---- Before fork --------------------------------------------------------------------------------

Result<db::DatabaseId> DbSqlite::open(std::string_view url) {
    Place place;
    place.path = TRY(path_of(url, core_->globals().work_directory));
    for (std::size_t i = 0; i < databases_.size(); ++i)
        if (databases_[i].place.path == place.path) return static_cast<db::DatabaseId>(i);
    place.read_only = std::ranges::find(read_only_, place.path) != read_only_.end();
    for (const auto& [path, mode] : journal_modes_)
        if (path == place.path) place.journal_mode = mode;
    if (!place.read_only) TRY(make_file(place.path, core_->globals()));
    databases_.push_back({std::move(place), std::nullopt});
    const auto id = static_cast<db::DatabaseId>(databases_.size() - 1);
    const auto tried = connection(id);  // says what is wrong with it
    let_go();
    if (!tried) return std::unexpected(tried.error());
    if (slot_ == 0) slot_ = core_->add_process(kProcess, 1);
    return id;
}

Result<Connection*> DbSqlite::connection(db::DatabaseId database) {
    const auto index = static_cast<std::size_t>(database);
    if (index >= databases_.size()) return fail("there is no such database");
    Database& d = databases_[index];
    if (!d.connection) d.connection = TRY(Connection::open(d.place));
    return &*d.connection;
}

Result<Statement*> DbSqlite::statement(db::StatementId id) {
    const auto index = static_cast<std::size_t>(id);
    if (index >= statements_.size()) return fail("there is no such statement");
    Sql& sql = statements_[index];
    if (sql.statement) return &*sql.statement;
    Connection* const c = TRY(connection(sql.database));
    sql.statement = TRY(c->prepare(sql.text));
    return &*sql.statement;
}

Result<void> DbSqlite::table(db::DatabaseId database, const db::Table& table) {
    Connection* const c = TRY(connection(database));
    auto made = make_table(*c, kVersion);
    if (made) made = make_table(*c, table);
    let_go();
    return made;
}

Result<void> DbSqlite::make_table(Connection& c, const db::Table& table) {
    std::string text;
    const db::Value names[] = {table.name};
    const db::Value there = TRY(
        c.first("SELECT name FROM sqlite_master WHERE type = 'table' AND name = ?", names, text));
    if (there.is_null()) {
        const std::string number = std::to_string(table.version);
        return c.execute(fmt::format(
            "BEGIN IMMEDIATE; {}; INSERT INTO version (table_name, table_version) VALUES ('{}', "
            "{}); COMMIT",
            table.sql, table.name, number));
    }
    if (!table.check_version) return {};
    const db::Value found =
        TRY(c.first("SELECT table_version FROM version WHERE table_name = ?", names, text));
    if (found.integer() == table.version) return {};
    return fail(fmt::format("table {} has version {}, and {} is needed", table.name,
                            found.integer(), table.version));
}

Result<db::StatementId> DbSqlite::prepare(db::DatabaseId database, std::string_view sql) {
    statements_.push_back({database, std::string(sql), std::nullopt});
    const auto id = static_cast<db::StatementId>(statements_.size() - 1);
    const auto compiled = statement(id);
    let_go();
    if (compiled) return id;
    statements_.pop_back();
    return std::unexpected(compiled.error());
}

db::CallbackId DbSqlite::on_answer(db::Listener& listener) {
    listeners_.push_back(&listener);
    return static_cast<db::CallbackId>(listeners_.size() - 1);
}

Result<void> DbSqlite::load(db::StatementId id, std::span<const db::Value> values,
                            const EachRow& row) {
    auto* const s = TRY(statement(id));
    auto done = s->run(values, row);
    if (is_before_fork()) let_go();
    if (!done) return std::unexpected(done.error());
    return {};
}

Result<std::int64_t> DbSqlite::now(db::StatementId id, std::span<const db::Value> values) {
    work();  // what was asked before
    auto* const s = TRY(statement(id));
    auto done = s->run(values, {});
    if (is_before_fork()) let_go();
    return done;
}

// ---- After fork ---------------------------------------------------------------------------------

Result<void> DbSqlite::start(const Process& process) {
    started_ = true;
    const bool is_ours = process.kind == Process::Kind::module && process.name == kProcess;
    if (slot_ == 0 || !is_ours) return {};
    tick(clockwork_->timer);
    return {};
}

void DbSqlite::stop() noexcept {
    if (core_ == nullptr || slot_ == 0) return;
    // The last process carries out what still waits: the supervisor, or the only one.
    const Process& self = core_->process();
    const bool alone = self.kind == Process::Kind::worker && self.slot == core_->control_slot();
    if (self.kind == Process::Kind::supervisor || alone) work();
    let_go();
}

bool DbSqlite::query(const db::Query& query) noexcept {
    Request head;
    head.statement = query.statement;
    head.callback = query.callback;
    head.asker = core_->process().slot;
    head.max_rows = static_cast<std::uint32_t>(std::min<std::size_t>(query.max_rows, UINT32_MAX));
    head.luggage = static_cast<std::uint32_t>(query.luggage.size());
    std::string bytes(query.luggage);
    for (const db::Value& value : query.values) put_value(bytes, value);
    const bool fits = query.luggage.size() <= db::Query::kMaxLuggage && bytes.size() < INT32_MAX;
    if (!fits || !queue_.put(head, bytes)) {
        dropped.add();
        return false;
    }
    // When its mailbox is full it has other mail, and looks at the whole queue then.
    (void)core_->post(slot_, wake_mail_, {});
    return true;
}

void DbSqlite::deliver(std::string_view bytes) noexcept {
    const auto is_block = take<bool>(bytes);
    if (!is_block) return;
    if (!*is_block) return hand_over(bytes);
    const auto block = take<char*>(bytes);
    const auto size = take<std::size_t>(bytes);
    if (!block || !size) return;
    hand_over({*block, *size});
    core_->memory().free(*block);
}

void DbSqlite::hand_over(std::string_view bytes) noexcept {
    db::CallbackId callback = db::CallbackId::none;
    std::vector<db::Value> values;
    const auto answer = read_answer(bytes, callback, values);
    const auto index = static_cast<std::size_t>(callback);
    if (answer && index < listeners_.size()) listeners_[index]->answered(*answer);
}

}  // namespace fairlead::db_sqlite
