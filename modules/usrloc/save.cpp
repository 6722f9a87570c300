// Changing the bindings of an AOR: all that a request asks for, or nothing (RFC 3261 10.3).
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "modules/usrloc/table.h"

namespace fairlead::usrloc {
namespace {

bool too_long(std::string_view aor, std::span<const Change> changes) noexcept {
    const auto is_long = [](std::string_view text) { return text.size() > Api::kMaxText; };
    return aor.size() > Api::kMaxAor || std::ranges::any_of(changes, [&](const Change& change) {
               const Contact& c = change.contact;
               return is_long(c.uri) || is_long(c.received) || is_long(c.path) ||
                      is_long(c.call_id) || is_long(c.user_agent) || is_long(c.instance) ||
                      is_long(c.attributes) || c.ruid.size() > kMaxRuid;
           });
}

Node* there(Node* node) noexcept {
    while (node != nullptr && !node->is_there()) node = node->next.get();
    return node;
}

}  // namespace

/// One save(): its blocks are made before the lock is taken; what was not linked is freed.
class Saving {
public:
    Saving(const Table& table, std::span<const Change> changes, const SavePolicy& policy,
           Arena& arena, std::vector<Happening>& happened)
        : table_(table),
          changes_(changes),
          policy_(policy),
          arena_(arena),
          happened_(happened),
          has_rows_(table.rules_.has_rows && !policy.memory_only),
          nodes_(changes.size()) {
        happened.reserve(happened.size() + changes.size() + 1);
        kept_.reserve(changes.size());
    }
    Saving(const Saving&) = delete;
    Saving& operator=(const Saving&) = delete;
    ~Saving() {
        for (Node* const n : nodes_) table_.discard(n);
        table_.discard(spare_);
    }

    /// False when memory is full.
    bool make_blocks(std::string_view aor, Table::Ruids& ruids) {
        for (std::size_t i = 0; i < changes_.size(); ++i) {
            if (changes_[i].remove) continue;
            const Contact& c = changes_[i].contact;
            const std::string made = fmt::format("{}{:x}", ruids.prefix, ++ruids.next);
            nodes_[i] = table_.make_node(c, c.ruid.empty() ? made : c.ruid, shm::Hold::in_hand);
            if (nodes_[i] == nullptr) return false;
            nodes_[i]->row = has_rows_ ? Node::Row::changed : Node::Row::same;
        }
        spare_ = table_.make_record(aor, Table::hash(aor), shm::Hold::in_hand);
        return spare_ != nullptr;
    }

    SaveResult run(std::string_view aor) {
        Bucket& bucket = table_.bucket(table_.bucket_of(aor));
        const shm::Guard guard(bucket);
        record_ = table_.find(bucket, aor, spare_->hash);
        result_.what = check();
        if (result_.what != Saved::done) return result_;
        for (std::size_t i = 0; i < changes_.size(); ++i) apply(bucket, i);
        if (record_ == nullptr) return result_;
        end_others(bucket);
        table_.drop_if_empty(bucket, *record_);
        return result_;
    }

private:
    [[nodiscard]] Saved check() const noexcept {
        std::size_t count = 0;
        for (const Node* n = first(); n != nullptr; n = there(n->next.get())) {
            ++count;
            if (policy_.remove_all && n->call_id() == policy_.call_id && n->cseq >= policy_.cseq)
                return Saved::out_of_order;
        }
        std::size_t kept = policy_.only_one ? 0 : count, added = 0;
        for (const Change& change : changes_) {
            const Node* const known = match(change.contact);
            if (known != nullptr && table_.order(*known, change.contact) == Table::Order::wrong)
                return Saved::out_of_order;
            const bool is_new = known == nullptr && !change.remove;
            if (is_new) ++added;
            if (is_new || (policy_.only_one && !change.remove)) ++kept;
            if (change.remove && known != nullptr && kept != 0) --kept;
        }
        const bool full = policy_.max_contacts != 0 && kept > policy_.max_contacts;
        return full && added != 0 ? Saved::too_many : Saved::done;
    }

    void apply(Bucket& bucket, std::size_t i) {
        const Change& change = changes_[i];
        Node* const known = match(change.contact);
        if (known != nullptr && table_.order(*known, change.contact) == Table::Order::again) {
            kept_.push_back(known);  // the request came again, or names the binding twice
        } else if (!change.remove) {
            put(bucket, i, known);
        } else if (known != nullptr) {
            end(bucket, *known);
        }
    }

    void put(Bucket& bucket, std::size_t i, Node* known) {
        Node* const fresh = std::exchange(nodes_[i], nullptr);
        kept_.push_back(fresh);
        if (known != nullptr) {
            fresh->rename(known->ruid());
            if (!has_rows_) fresh->row = known->row;
            note(changes_[i].contact, fresh->ruid(), Event::updated, result_.updated);
            return table_.replace(bucket, *record_, *known, *fresh);
        }
        if (record_ == nullptr) {
            record_ = std::exchange(spare_, nullptr);
            table_.core_->memory().publish(record_);
            if (record_->name) table_.core_->memory().publish(record_->name.get());
            record_->next = bucket.first;
            bucket.first = record_;
            ++bucket.records;
        }
        note(changes_[i].contact, fresh->ruid(), Event::added, result_.added);
        table_.link(bucket, *record_, *fresh);
    }

    void end_others(Bucket& bucket) {
        if (!policy_.remove_all && !policy_.only_one) return;
        for (Node* n = first(); n != nullptr;) {
            Node* const next = there(n->next.get());
            if (policy_.remove_all || std::ranges::find(kept_, n) == kept_.end()) end(bucket, *n);
            n = next;
        }
    }

    void end(Bucket& bucket, Node& node) {
        Contact gone = node.contact();
        for (std::string_view* const text : {&gone.uri, &gone.received, &gone.path, &gone.call_id,
                                             &gone.user_agent, &gone.instance, &gone.attributes})
            *text = arena_.copy(*text);
        note(gone, node.ruid(), Event::removed, result_.removed);
        table_.end(bucket, *record_, node, table_.rules_.has_rows);
    }

    void note(Contact contact, std::string_view ruid, Event event, std::uint16_t& counter) {
        contact.ruid = arena_.copy(ruid);
        happened_.push_back({contact, event});
        ++counter;
    }
    [[nodiscard]] Node* first() const noexcept {
        return record_ != nullptr ? there(record_->first.get()) : nullptr;
    }
    [[nodiscard]] Node* match(const Contact& contact) const noexcept {
        return record_ != nullptr ? table_.match(*record_, contact) : nullptr;
    }

    const Table& table_;
    std::span<const Change> changes_;
    const SavePolicy& policy_;
    Arena& arena_;
    std::vector<Happening>& happened_;
    bool has_rows_;
    std::vector<Node*> nodes_;
    std::vector<const Node*> kept_;
    Record* spare_ = nullptr;
    Record* record_ = nullptr;
    SaveResult result_;
};

SaveResult Table::save(std::string_view aor, std::span<const Change> changes,
                       const SavePolicy& policy, Ruids& ruids, Arena& arena,
                       std::vector<Happening>& happened) {
    SaveResult refused;
    refused.what = Saved::too_long;
    if (too_long(aor, changes)) return refused;
    Saving saving(*this, changes, policy, arena, happened);
    refused.what = Saved::out_of_memory;
    return saving.make_blocks(aor, ruids) ? saving.run(aor) : refused;
}

std::size_t Table::remove(std::string_view aor, std::string_view ruid, Arena& arena,
                          std::vector<Happening>& happened) {
    const std::uint32_t h = hash(aor);
    Bucket& here = bucket(h & mask_);
    const std::vector<Contact> known = contacts(aor, arena, true);
    std::size_t removed = 0;
    for (const Contact& contact : known) {
        if (!ruid.empty() && contact.ruid != ruid) continue;
        const shm::Guard guard(here);
        Record* const record = find(here, aor, h);
        Node* node = record != nullptr ? there(record->first.get()) : nullptr;
        while (node != nullptr && node->ruid() != contact.ruid) node = there(node->next.get());
        if (node == nullptr) continue;
        end(here, *record, *node, rules_.has_rows);
        drop_if_empty(here, *record);
        happened.push_back({contact, Event::removed});
        ++removed;
    }
    return removed;
}

}  // namespace fairlead::usrloc
