// The bindings of one domain: what one process does to a bucket. SPDX-License-Identifier:
// Apache-2.0
#include "modules/usrloc/table.h"

#include <algorithm>
#include <cstring>

namespace fairlead::usrloc {
namespace {

std::array<std::string_view, kTexts> texts_of(const Contact& c, std::string_view ruid) noexcept {
    return {c.uri, c.received, c.path, c.call_id, c.user_agent, c.instance, c.attributes, ruid};
}

Node* next_there(Node* node) noexcept {
    while (node != nullptr && !node->is_there()) node = node->next.get();
    return node;
}

}  // namespace

Contact Node::contact(const char* all) const noexcept {
    Contact c;
    const char* at = all;
    std::array<std::string_view, kTexts> texts;
    for (std::size_t i = 0; i < kTexts; at += sizes[i++]) texts[i] = {at, sizes[i]};
    c.uri = texts[0];
    c.received = texts[1];
    c.path = texts[2];
    c.call_id = texts[3];
    c.user_agent = texts[4];
    c.instance = texts[5];
    c.attributes = texts[6];
    c.ruid = texts[7];
    c.expires = expires;
    c.modified = modified;
    c.cseq = cseq;
    c.flags = flags;
    c.cflags = cflags;
    c.methods = methods;
    c.connection = connection;
    c.reg_id = reg_id;
    c.q = q;
    c.listener = listener;
    return c;
}

void Node::rename(std::string_view ruid) noexcept {
    ruid = ruid.substr(0, kMaxRuid);
    char* at = bytes.get();
    for (std::size_t i = 0; i + 1 < kTexts; ++i) at += sizes[i];
    std::memcpy(at, ruid.data(), ruid.size());
    sizes[kTexts - 1] = static_cast<std::uint16_t>(ruid.size());
}

void Bucket::repair() noexcept {
    records = contacts = 0;
    for (Record* r = first.get(); r != nullptr; r = r->next.get()) {
        ++records;
        shm::Ptr<Node>* link = &r->first;
        while (Node* const node = link->get()) {
            // Of a binding that was being replaced, the newer block counts.
            const auto is_twin = [node](const Node* other) {
                return other != node && other->ruid() == node->ruid() &&
                       other->generation > node->generation;
            };
            bool is_old = false;
            for (const Node* o = r->first.get(); o != nullptr && !is_old; o = o->next.get())
                is_old = is_twin(o);
            if (is_old) {
                *link = node->next;
                continue;
            }
            if (node->is_there()) ++contacts;
            link = &node->next;
        }
    }
}

// ---- Blocks -------------------------------------------------------------------------------------

Result<void> Table::prepare(Core& core) {
    core_ = &core;
    mask_ = (1U << rules_.bits) - 1;
    node_tag_ = core.memory().tag("usrloc", "contact");
    record_tag_ = core.memory().tag("usrloc", "aor");
    text_tag_ = core.memory().tag("usrloc", "text");
    for (std::size_t i = 0; i < buckets(); i += kChunk) {
        auto* const made = core.memory().make<Chunk>(core.memory().tag("usrloc", "buckets"));
        if (made == nullptr)
            return fail("no shared memory for the buckets of \"" + name_ +
                        "\": lower hash_size or raise shm_mem_size (-m)");
        for (Bucket& b : made->buckets) b.mutex.init(shm::Rank::table);
        chunks_.push_back(made);
    }
    return {};
}

std::uint32_t Table::hash(std::string_view aor) noexcept {
    std::uint32_t h = 2166136261U;  // FNV-1a
    for (const char c : aor) h = (h ^ static_cast<unsigned char>(c)) * 16777619U;
    return h;
}

Node* Table::make_node(const Contact& c, std::string_view ruid, shm::Hold hold) const noexcept {
    std::string all;
    Node made;
    std::size_t i = 0;
    for (const std::string_view text : texts_of(c, ruid)) {
        all.append(text);
        made.sizes[i++] = static_cast<std::uint16_t>(text.size());
    }
    all.append(kMaxRuid - std::min(ruid.size(), kMaxRuid), '\0');
    made.expires = c.expires;
    made.modified = c.modified;
    made.cseq = c.cseq;
    made.flags = c.flags;
    made.cflags = c.cflags;
    made.methods = c.methods;
    made.connection = c.connection;
    made.reg_id = c.reg_id;
    made.q = c.q;
    made.listener = c.listener;
    auto* const node = core_->memory().make<Node>(node_tag_, hold, made);
    if (node == nullptr) return nullptr;
    node->bytes = core_->memory().copy(all, text_tag_, hold);
    if (node->bytes) return node;
    core_->memory().free(node);
    return nullptr;
}

Record* Table::make_record(std::string_view aor, std::uint32_t hash,
                           shm::Hold hold) const noexcept {
    auto* const record = core_->memory().make<Record>(record_tag_, hold);
    if (record == nullptr) return nullptr;
    record->hash = hash;
    record->size = static_cast<std::uint32_t>(aor.size());
    record->name = core_->memory().copy(aor, text_tag_, hold);
    if (record->name || aor.empty()) return record;
    core_->memory().free(record);
    return nullptr;
}

void Table::discard(Node* node) const noexcept {
    if (node == nullptr) return;
    core_->memory().free(node->bytes.get());
    core_->memory().free(node);
}

void Table::discard(Record* record) const noexcept {
    if (record == nullptr) return;
    core_->memory().free(record->name.get());
    core_->memory().free(record);
}

/// Before it can be seen: a death in between loses a block, and no more.
void Table::publish(Node& node) const noexcept {
    core_->memory().publish(&node);
    core_->memory().publish(node.bytes.get());
}

// ---- Chains, with the lock held -----------------------------------------------------------------

Record* Table::find(const Bucket& bucket, std::string_view aor, std::uint32_t hash) const noexcept {
    Record* r = bucket.first.get();
    while (r != nullptr && (r->hash != hash || r->aor() != aor)) r = r->next.get();
    return r;
}

Node* Table::match(const Record& record, const Contact& c) const noexcept {
    // RFC 5626 6: instance and reg-id name a binding.
    const bool by_flow = !c.instance.empty() && c.reg_id > 0;
    for (Node* n = next_there(record.first.get()); by_flow && n != nullptr;
         n = next_there(n->next.get()))
        if (n->reg_id == c.reg_id && n->instance() == c.instance) return n;
    const auto fits = [&](const Node& n) {
        const bool same_call = n.call_id() == c.call_id;
        switch (rules_.matching) {
            case Matching::contact: return n.uri() == c.uri;
            case Matching::contact_and_call_id: return n.uri() == c.uri && same_call;
            case Matching::contact_and_path: return n.uri() == c.uri && n.path() == c.path;
            case Matching::call_id: return same_call;
        }
        return false;
    };
    Node* n = next_there(record.first.get());
    while (n != nullptr && !fits(*n)) n = next_there(n->next.get());
    return n;
}

Table::Order Table::order(const Node& known, const Contact& c) const noexcept {
    if (known.call_id() != c.call_id || c.cseq > known.cseq) return Order::later;
    const bool soon = known.modified + rules_.cseq_delay > c.modified;
    return c.cseq == known.cseq && soon ? Order::again : Order::wrong;
}

void Table::link(Bucket& bucket, Record& record, Node& node) const noexcept {
    shm::Ptr<Node>* at = &record.first;
    if (!rules_.newest_first)
        while (*at && (*at)->q >= node.q) at = &(*at)->next;
    node.next = *at;
    publish(node);
    *at = &node;
    ++bucket.contacts;
}

void Table::unlink(Bucket& bucket, Record& record, Node& node) const noexcept {
    shm::Ptr<Node>* at = &record.first;
    while (*at && *at != &node) at = &(*at)->next;
    if (*at) *at = node.next;
    if (node.is_there()) --bucket.contacts;
    discard(&node);
}

void Table::end(Bucket& bucket, Record& record, Node& node, bool has_row) const noexcept {
    if (!has_row || (node.is_new && node.row == Node::Row::same))
        return unlink(bucket, record, node);
    --bucket.contacts;
    node.row = Node::Row::to_delete;
}

void Table::drop_if_empty(Bucket& bucket, Record& record) const noexcept {
    if (record.first) return;
    shm::Ptr<Record>* at = &bucket.first;
    while (*at && *at != &record) at = &(*at)->next;
    if (!*at) return;
    *at = record.next;
    --bucket.records;
    discard(&record);
}

void Table::replace(Bucket& bucket, Record& record, Node& old, Node& fresh) const noexcept {
    fresh.generation = old.generation + 1;
    fresh.is_new = old.is_new;
    if (fresh.q != old.q || rules_.newest_first) {
        link(bucket, record, fresh);
        return unlink(bucket, record, old);
    }
    shm::Ptr<Node>* at = &record.first;
    while (*at && *at != &old) at = &(*at)->next;
    fresh.next = old.next;
    publish(fresh);
    *at = &fresh;
    discard(&old);
}

// ---- Reading ------------------------------------------------------------------------------------

std::vector<Contact> Table::contacts(std::string_view aor, Arena& arena, bool with_expired) const {
    const std::uint32_t h = hash(aor);
    Bucket& b = bucket(h & mask_);
    const std::int64_t now = core_->clock().unix_seconds();
    std::vector<Node> nodes;
    char* room = nullptr;
    std::size_t bytes = 0, needed_bytes = 0, needed = 0;
    // Copied under the lock into room that was made without it.
    for (;;) {
        nodes.clear();
        needed = needed_bytes = 0;
        {
            const shm::Guard guard(b);
            const Record* const record = find(b, aor, h);
            if (record == nullptr) return {};
            for (const Node* n = next_there(record->first.get()); n != nullptr;
                 n = next_there(n->next.get())) {
                if (!with_expired && n->is_over(now)) continue;
                if (++needed <= nodes.capacity() && needed_bytes + n->size() <= bytes) {
                    nodes.push_back(*n);
                    std::memcpy(room + needed_bytes, n->bytes.get(), n->size());
                }
                needed_bytes += n->size();
            }
        }
        if (needed == nodes.size()) break;
        nodes.reserve(needed);
        bytes = needed_bytes;
        room = arena.allocate(bytes);
    }
    std::vector<Contact> out;
    out.reserve(nodes.size());
    for (const Node& n : nodes) {
        out.push_back(n.contact(room));
        room += n.size();
    }
    return out;
}

Table::Counts Table::counts() const noexcept {
    Counts all;
    for (std::size_t i = 0; i < buckets(); ++i) {
        const std::size_t here = bucket(i).records;
        all.records += here;
        all.contacts += bucket(i).contacts;
        all.most = std::max(all.most, here);
    }
    return all;
}

bool Table::load(std::string_view aor, const Contact& contact) {
    const std::uint32_t h = hash(aor);
    Bucket& b = bucket(h & mask_);
    Node* const node = make_node(contact, contact.ruid, shm::Hold::published);
    Record* record = node != nullptr ? find(b, aor, h) : nullptr;
    if (node != nullptr && record == nullptr) {
        record = make_record(aor, h, shm::Hold::published);
        if (record != nullptr) {
            record->next = b.first;
            b.first = record;
            ++b.records;
        }
    }
    if (record == nullptr) {
        discard(node);
        return false;
    }
    node->is_new = false;
    link(b, *record, *node);
    return true;
}

// ---- A bucket at a time -------------------------------------------------------------------------

template <class Test>
bool Table::find_one(Bucket& bucket, Copy& out, Test test, Record*& record,
                     Node*& node) const noexcept {
    for (record = bucket.first.get(); record != nullptr; record = record->next.get()) {
        node = record->first.get();
        while (node != nullptr && !test(*node)) node = node->next.get();
        if (node != nullptr) break;
    }
    if (record == nullptr) return false;
    // The room is large enough for any binding, so that nothing is allocated under the lock.
    out.aor.assign(record->aor());
    out.node = *node;
    out.texts.assign(node->bytes.get(), node->size());
    return true;
}

bool Table::expire_one(std::size_t index, std::int64_t now, Copy& out) noexcept {
    Bucket& b = bucket(index);
    out.texts.reserve(kTexts * Api::kMaxText);
    out.aor.reserve(Api::kMaxAor);
    const shm::Guard guard(b);
    Record* record = nullptr;
    Node* node = nullptr;
    const auto is_over = [now](const Node& n) { return n.is_there() && n.is_over(now); };
    if (!find_one(b, out, is_over, record, node)) return false;
    end(b, *record, *node, rules_.has_rows);
    drop_if_empty(b, *record);
    return true;
}

bool Table::take_changed(std::size_t index, Copy& out) noexcept {
    Bucket& b = bucket(index);
    out.texts.reserve(kTexts * Api::kMaxText);
    out.aor.reserve(Api::kMaxAor);
    const shm::Guard guard(b);
    Record* record = nullptr;
    Node* node = nullptr;
    const auto is_changed = [](const Node& n) { return n.row != Node::Row::same; };
    if (!find_one(b, out, is_changed, record, node)) return false;
    if (node->is_there()) {
        node->row = Node::Row::same;
        node->is_new = false;
        return true;
    }
    unlink(b, *record, *node);
    drop_if_empty(b, *record);
    return true;
}

void Table::mark_changed(std::size_t index, std::string_view ruid) noexcept {
    Bucket& b = bucket(index);
    const shm::Guard guard(b);
    for (Record* r = b.first.get(); r != nullptr; r = r->next.get())
        for (Node* n = r->first.get(); n != nullptr; n = n->next.get())
            if (n->row == Node::Row::same && n->ruid() == ruid) n->row = Node::Row::changed;
}

void Table::copy_bucket(std::size_t index, std::vector<Copy>& out) const {
    Bucket& b = bucket(index);
    struct Place {
        Node node;
        std::size_t aor = 0;
    };
    std::vector<Place> places;
    std::string room;
    std::size_t used = 0, needed = 0, count = 0;
    // AOR and texts of each, one behind the other; room is made without the lock.
    for (;;) {
        places.clear();
        used = needed = count = 0;
        {
            const shm::Guard guard(b);
            for (const Record* r = b.first.get(); r != nullptr; r = r->next.get())
                for (const Node* n = next_there(r->first.get()); n != nullptr;
                     n = next_there(n->next.get())) {
                    needed += r->size + n->size();
                    if (++count > places.capacity() || needed > room.size()) continue;
                    places.push_back({*n, r->size});
                    std::memcpy(room.data() + used, r->name.get(), r->size);
                    std::memcpy(room.data() + used + r->size, n->bytes.get(), n->size());
                    used = needed;
                }
        }
        if (count == places.size()) break;
        places.reserve(count);
        room.resize(needed);
    }
    std::string_view rest(room);
    for (const Place& p : places) {
        Copy& copy = out.emplace_back();
        copy.node = p.node;
        copy.aor = rest.substr(0, p.aor);
        copy.texts = rest.substr(p.aor, p.node.size());
        rest.remove_prefix(p.aor + p.node.size());
    }
}

}  // namespace fairlead::usrloc
