// Where users are: what the control process does. It alone writes rows, so that they reach the
// database in the order of what happened. SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "core/api/log.h"
#include "modules/usrloc/usrloc.h"

namespace fairlead::usrloc {
namespace {

/// What is posted: to the control process, and back to who waits.
struct Letter {
    std::uint64_t ticket = 0;
    std::uint32_t bucket = 0;
    DomainId domain = DomainId::none;
    bool is_answer = false, ok = false;
};
/// What comes back with an answer of the database; the ruid of the row follows.
struct Luggage {
    std::uint64_t ticket = 0;
    std::uint32_t bucket = 0;
    DomainId domain = DomainId::none;
    bool is_barrier = false, is_count = false;
};

template <class T>
std::string bytes_of(const T& value, std::string_view more = {}) {
    std::string out(sizeof value, '\0');
    std::memcpy(out.data(), &value, sizeof value);
    return out.append(more);
}
template <class T>
bool read(std::string_view bytes, T& out) noexcept {
    if (bytes.size() < sizeof out) return false;
    std::memcpy(&out, bytes.data(), sizeof out);
    return true;
}

}  // namespace

std::uint64_t Usrloc::ask_to_store(DomainId domain, std::size_t bucket) {
    if (db_mode != write_through) return 0;
    const Letter letter{
        .ticket = ++last_ticket_, .bucket = static_cast<std::uint32_t>(bucket), .domain = domain};
    if (core_->post(core_->control_slot(), mail_, bytes_of(letter))) return letter.ticket;
    // The next tick finds it.
    LOG(warning, "the control process is behind: a contact is stored later");
    return 0;
}

void Usrloc::mail(std::string_view bytes) noexcept {
    Letter letter;
    if (!read(bytes, letter)) return;
    if (!letter.is_answer) return write_rows(letter.domain, letter.bucket, letter.ticket);
    if (store_listener_ != nullptr) store_listener_->stored(letter.ticket, letter.ok);
}

void Usrloc::tell_waiting(std::uint64_t ticket, bool ok) {
    if (ticket == 0) return;
    const Letter letter{.ticket = ticket, .is_answer = true, .ok = ok};
    (void)core_->post(static_cast<std::uint16_t>(ticket >> 48U), mail_, bytes_of(letter));
}

void Usrloc::write_rows(DomainId domain, std::size_t bucket, std::uint64_t ticket) {
    Table* const t = table(domain);
    if (t == nullptr || bucket >= t->buckets()) return;
    const Luggage of_row{
        .ticket = ticket, .bucket = static_cast<std::uint32_t>(bucket), .domain = domain};
    bool ok = true;
    while (ok && t->take_changed(bucket, copy_)) {
        const Contact contact = copy_.contact();
        const std::string luggage = bytes_of(of_row, contact.ruid);
        if (copy_.node.is_there()) {
            ok = rows_.put(domain, copy_.aor, contact, callback_, luggage);
            if (!ok) t->mark_changed(bucket, contact.ruid);
        } else if (!rows_.remove(domain, contact.ruid, callback_, luggage)) {
            undeleted_.emplace_back(domain, contact.ruid);
            ok = false;
        }
    }
    if (ticket == 0) return;
    Luggage barrier = of_row;
    barrier.is_barrier = true;
    if (!ok || !rows_.barrier(domain, callback_, bytes_of(barrier))) tell_waiting(ticket, false);
}

void Usrloc::answered(const db::Answer& answer) noexcept {
    Luggage luggage;
    if (!read(answer.luggage, luggage)) return;
    if (luggage.is_count) {
        const auto waiting = counting_.extract(luggage.ticket);
        if (waiting.empty()) return;
        if (!answer.ok || answer.rows == 0)
            return waiting.mapped()->fail(
                {.code = 500, .text = "Failed to query the database", .where = {}});
        waiting.mapped()->answer().integer(answer.row(0)[0].integer());
        return;
    }
    if (luggage.is_barrier) {
        const bool failed = failed_tickets_.erase(luggage.ticket) != 0;
        return tell_waiting(luggage.ticket, answer.ok && !failed);
    }
    (answer.ok ? stored : store_failed).add();
    if (answer.ok) return;
    if (luggage.ticket != 0) failed_tickets_.insert(luggage.ticket);
    if (Table* const t = table(luggage.domain); t != nullptr && luggage.bucket < t->buckets())
        t->mark_changed(luggage.bucket, answer.luggage.substr(sizeof luggage));
}

Result<void> Usrloc::count_rows(DomainId domain, Rows::Count what, std::unique_ptr<LateAnswer> to) {
    Luggage luggage;
    luggage.ticket = ++last_ticket_;
    luggage.is_count = true;
    counting_.emplace(luggage.ticket, std::move(to));
    if (rows_.count(domain, what, callback_, bytes_of(luggage))) return {};
    counting_.erase(luggage.ticket);
    return fail("Failed to query the database");
}

void Usrloc::delete_rest() {
    while (!undeleted_.empty() && rows_.remove(undeleted_.front().first, undeleted_.front().second,
                                               db::CallbackId::none, {}))
        undeleted_.pop_front();
}

void Usrloc::flush() {
    if (!has_rows()) return;
    delete_rest();
    for (std::size_t d = 0; d < tables_.size(); ++d)
        for (std::size_t b = 0; b < tables_[d].buckets(); ++b)
            write_rows(static_cast<DomainId>(d), b, 0);
}

void Usrloc::expire(DomainId domain, std::size_t bucket) {
    Table& t = tables_[static_cast<std::size_t>(domain)];
    const std::int64_t now = core_->clock().unix_seconds();
    while (t.expire_one(bucket, now, copy_)) {
        expired.add();
        const Copy over = copy_;
        const Happening happening{over.contact(), Event::expired};
        tell(domain, over.aor, {&happening, 1});
    }
}

void Usrloc::tick() noexcept {
    // A share of the buckets each second, so that a round takes timer_interval.
    const std::size_t all = std::size_t{1} << rules_.bits;
    const auto rounds = static_cast<std::size_t>(timer_interval);
    const std::size_t share = (all + rounds - 1) / rounds;
    if (has_rows()) delete_rest();
    for (std::size_t n = 0; n < share; ++n, next_bucket_ = (next_bucket_ + 1) % all) {
        for (std::size_t d = 0; d < tables_.size(); ++d) {
            const auto domain = static_cast<DomainId>(d);
            expire(domain, next_bucket_);
            if (has_rows()) write_rows(domain, next_bucket_, 0);
        }
    }
}

}  // namespace fairlead::usrloc
