// The database process: runs what waits, several statements to a transaction, and answers.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "core/api/log.h"
#include "modules/db_sqlite/db_sqlite.h"
#include "modules/db_sqlite/wire.h"

namespace fairlead::db_sqlite {
namespace {

constexpr std::size_t kBatch = 64;
/// A statement during which the process died so often is not begun again.
constexpr std::uint16_t kAttempts = 3;
constexpr Ms kLook{1000};

}  // namespace

void DbSqlite::tick(shm::TimerEntry& entry) noexcept {
    {
        const shm::Guard guard(*clockwork_);
        (void)shm::TimerWheel::claim(entry);
        core_->timers().set(entry, kLook, timer_);
    }
    work();
}

void DbSqlite::work() noexcept {
    send_late();
    std::array<Request*, kBatch> batch{};
    while (const std::size_t n = queue_.peek(batch)) {
        work_once(std::span(batch).first(n));
        queue_.drop(n);
    }
}

void DbSqlite::work_once(std::span<Request* const> batch) {
    std::vector<Outcome> outcomes;
    if (batch.size() < 2 || !writes(batch) || !run_batch(batch, outcomes)) {
        outcomes.clear();
        for (Request* const r : batch) outcomes.push_back(run(*r));
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
        queries.add();
        if (!outcomes[i].ok) {
            failures.add();
            LOG(error, "{}", outcomes[i].error);
        }
        answer(*batch[i], outcomes[i]);
    }
}

bool DbSqlite::writes(std::span<Request* const> batch) {
    // One commit for all, which is what costs; all of one database.
    const auto index = [](const Request* r) { return static_cast<std::size_t>(r->statement); };
    for (const Request* const r : batch)
        if (index(r) >= statements_.size() ||
            statements_[index(r)].database != statements_[index(batch.front())].database)
            return false;
    return std::ranges::any_of(batch, [this](const Request* r) {
        const auto s = statement(r->statement);
        return s && !(*s)->only_reads();
    });
}

bool DbSqlite::run_batch(std::span<Request* const> batch, std::vector<Outcome>& outcomes) {
    const auto c =
        connection(statements_[static_cast<std::size_t>(batch.front()->statement)].database);
    if (!c || !(*c)->execute("BEGIN IMMEDIATE")) return false;
    for (Request* const r : batch) {
        outcomes.push_back(run(*r));
        // Some errors take back all of a transaction; then each statement is run alone.
        if (!(*c)->in_transaction()) return false;
    }
    if ((*c)->execute("COMMIT")) return true;
    if ((*c)->in_transaction() && !(*c)->execute("ROLLBACK"))
        LOG(error, "what was begun in a database could not be taken back");
    return false;
}

DbSqlite::Outcome DbSqlite::run(Request& request) {
    Outcome out;
    if (request.attempts++ >= kAttempts) {
        out.error = "the database process died of this statement";
        return out;
    }
    std::string_view bytes = request.bytes().substr(request.luggage);
    std::vector<db::Value> values;
    while (!bytes.empty()) {
        const auto value = take_value(bytes);
        if (!value) break;
        values.push_back(*value);
    }
    const auto s = statement(request.statement);
    if (!s) {
        out.error = s.error().str();
        return out;
    }
    out.columns = static_cast<std::uint32_t>((*s)->columns());
    const auto done = (*s)->run(values, [&](db::Row row) {
        out.cut = out.rows == request.max_rows;
        if (out.cut) return false;
        ++out.rows;
        for (const db::Value& v : row) put_value(out.values, v);
        return true;
    });
    out.ok = done.has_value();
    if (done)
        out.changed = *done;
    else
        out.error = done.error().str();
    request.attempts = 0;
    return out;
}

void DbSqlite::answer(const Request& request, const Outcome& outcome) {
    if (request.callback == db::CallbackId::none) return;
    AnswerHead head;
    head.callback = request.callback;
    head.ok = outcome.ok;
    head.cut = outcome.cut;
    head.changed = outcome.changed;
    head.luggage = request.luggage;
    head.error = static_cast<std::uint32_t>(outcome.error.size());
    head.rows = outcome.ok ? outcome.rows : 0;
    head.columns = outcome.ok ? outcome.columns : 0;
    std::string body;
    put(body, head);
    body.append(request.bytes().substr(0, request.luggage)).append(outcome.error);
    if (outcome.ok) body.append(outcome.values);

    std::string mail;
    put(mail, body.size() + 1 > Core::kMaxMail);
    if (body.size() + 1 <= Core::kMaxMail) {
        mail.append(body);
    } else {
        char* const block = core_->memory().copy(body, answer_tag_);
        if (block == nullptr) {
            answers_lost.add();
            return;
        }
        put(mail, block);
        put(mail, body.size());
    }
    // In order: behind what waits already.
    if (unsent_.empty() && core_->post(request.asker, answer_mail_, mail)) return;
    unsent_.emplace_back(request.asker, std::move(mail));
}

void DbSqlite::send_late() noexcept {
    while (!unsent_.empty() &&
           core_->post(unsent_.front().first, answer_mail_, unsent_.front().second))
        unsent_.pop_front();
    // Who does not take its answers for so long is not there.
    while (unsent_.size() > static_cast<std::size_t>(queue_size)) {
        unsent_.pop_front();
        answers_lost.add();
    }
}

}  // namespace fairlead::db_sqlite
