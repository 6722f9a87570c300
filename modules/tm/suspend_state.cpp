// What a script decided about its message, as bytes: the Request-URI, branches, reply lines and the
// rest that is neither the request nor a variable. SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "modules/tm/cells.h"
#include "modules/tm/suspend.h"

namespace fairlead::tm {
namespace {

/// Numbers of 8 bytes, and texts with their size in front. With a null buffer it only counts.
class Packer {
public:
    explicit Packer(char* out = nullptr) noexcept : out_(out) {}
    void number(std::uint64_t n) noexcept {
        if (out_ != nullptr) std::memcpy(out_ + size_, &n, sizeof n);
        size_ += sizeof n;
    }
    void text(std::string_view s) noexcept {
        number(s.size());
        if (out_ != nullptr && !s.empty()) std::memcpy(out_ + size_, s.data(), s.size());
        size_ += s.size();
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    char* out_;
    std::size_t size_ = 0;
};

class Reader {
public:
    explicit Reader(std::string_view in) noexcept : in_(in) {}
    std::uint64_t number() noexcept {
        std::uint64_t n = 0;
        if (in_.size() < sizeof n) return 0;
        std::memcpy(&n, in_.data(), sizeof n);
        in_.remove_prefix(sizeof n);
        return n;
    }
    std::string_view text() noexcept {
        const std::size_t size = std::min<std::size_t>(number(), in_.size());
        const std::string_view s = in_.substr(0, size);
        in_.remove_prefix(size);
        return s;
    }

private:
    std::string_view in_;
};

void put(Packer& to, const BranchTarget& t) noexcept {
    to.text(t.uri);
    to.text(t.dst_uri);
    to.text(t.path);
    to.number(static_cast<std::uint16_t>(t.q));
    to.number(t.listener);
    to.number(t.flags);
    to.text(t.ruid);
    to.text(t.location_ua);
    to.text(t.instance);
}
BranchTarget take_target(Reader& from) noexcept {
    BranchTarget t;
    t.uri = from.text();
    t.dst_uri = from.text();
    t.path = from.text();
    t.q = static_cast<std::int16_t>(from.number());
    t.listener = static_cast<std::uint16_t>(from.number());
    t.flags = static_cast<std::uint32_t>(from.number());
    t.ruid = from.text();
    t.location_ua = from.text();
    t.instance = from.text();
    return t;
}

void pack(Packer& to, const Message& m, const Work& w) noexcept {
    put(to, m.target);
    to.number(m.branch_count);
    for (std::size_t i = 0; i < m.branch_count; ++i) put(to, m.branches[i]);
    to.number(m.script_flags);
    to.number((m.force_rport ? 1U : 0U) | (m.add_local_rport ? 2U : 0U) |
              (m.uri_consumed ? 4U : 0U) | (w.stored_edits ? 8U : 0U) | (w.no_auto_100 ? 16U : 0U));
    to.text(m.advertised_host);
    to.number(m.advertised_port);
    to.text(m.via_params);
    to.text(m.reply_headers);
    to.text(m.reply_body);
    to.text(m.reply_content_type);
    to.text(w.used_uri);
    to.text(w.used_dst);
    to.number(static_cast<std::uint64_t>(m.arrived.count()));
    to.number(m.number);
    to.number(w.branch != nullptr ? w.branch->index + 1U : 0U);
    to.number(static_cast<std::uint64_t>(w.code));
}

}  // namespace

bool store_state(Runtime& rt, Suspension& s, const Message& m, const Work& w,
                 shm::Hold hold) noexcept {
    Packer count;
    pack(count, m, w);
    char* const bytes = m.arena.allocate(count.size());
    Packer packer(bytes);
    pack(packer, m, w);
    StoredRequest* request = nullptr;
    if (!m.edits.empty()) {
        request = store_request(rt.memory(), rt.tags.request, m);
        if (request == nullptr) return false;
    }
    if (!replace(rt, s.state, {bytes, packer.size()}, rt.tags.suspension, hold)) {
        rt.memory().free(request);
        return false;
    }
    if (request != nullptr && hold == shm::Hold::published) rt.memory().publish(request);
    rt.memory().free(s.request.get());
    s.request = request;
    return true;
}

void load_state(std::string_view state, Message& m, Work& w) {
    Reader from(state);
    m.target = take_target(from);
    m.branch_count = std::min<std::size_t>(from.number(), m.branches.size());
    for (std::size_t i = 0; i < m.branch_count; ++i) m.branches[i] = take_target(from);
    m.script_flags = static_cast<std::uint32_t>(from.number());
    const std::uint64_t flags = from.number();
    m.force_rport = (flags & 1U) != 0;
    m.add_local_rport = (flags & 2U) != 0;
    m.uri_consumed = (flags & 4U) != 0;
    w.stored_edits = (flags & 8U) != 0;
    w.no_auto_100 = (flags & 16U) != 0;
    m.advertised_host = from.text();
    m.advertised_port = static_cast<std::uint16_t>(from.number());
    m.via_params = from.text();
    m.reply_headers = from.text();
    m.reply_body = from.text();
    m.reply_content_type = from.text();
    w.used_uri = from.text();
    w.used_dst = from.text();
    m.arrived = Ms(static_cast<std::int64_t>(from.number()));
    m.number = from.number();
    if (const std::uint64_t winner = from.number(); winner != 0) {
        w.branch = w.cell->branch(winner - 1);
        w.branch_index = static_cast<int>(winner) - 1;
    }
    w.code = static_cast<int>(from.number());
}

}  // namespace fairlead::tm
