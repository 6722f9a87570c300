// Requests of our own: making and launching them. SPDX-License-Identifier: Apache-2.0
#include "modules/tm/uac.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/api/log.h"
#include "core/api/route_target.h"
#include "core/api/text.h"
#include "modules/tm/cells.h"
#include "modules/tm/itinerary.h"
#include "modules/tm/late_branch.h"
#include "modules/tm/observe.h"
#include "modules/tm/perform.h"
#include "modules/tm/responses.h"
#include "modules/tm/stored_request.h"
#include "modules/tm/tm.h"

namespace fairlead::tm {
namespace {

using BucketGuard = shm::Guard<Bucket>;
constexpr std::uint32_t kFirstCSeq = 10;
constexpr std::uint32_t kMaxCSeq = 0x7fffffff;  // RFC 3261 8.1.1.5
constexpr std::string_view kOwnAddress = "!!";

/// Whole lines, none of them empty: an empty one would end the header section.
bool are_lines(std::string_view s) noexcept {
    if (s.empty()) return true;
    return s.ends_with("\r\n") && !s.starts_with("\r\n") &&
           s.find("\r\n\r\n") == std::string_view::npos && s.find('\0') == std::string_view::npos;
}

bool is_sound(const UacRequest& r) noexcept {
    for (const std::string_view text :
         {r.method, r.request_uri, r.next_hop, r.from, r.to, r.from_tag, r.to_tag, r.call_id})
        if (!is_one_line(text)) return false;
    if (r.method.empty() || r.request_uri.empty()) return false;
    if (r.request_uri.find_first_of(" \t") != std::string_view::npos) return false;
    if (r.method == "ACK" || r.method == "CANCEL") return false;  // no transactions of their own
    return are_lines(r.headers) && r.param.size() <= UacRequest::kMaxParam && r.cseq <= kMaxCSeq;
}

/// One request on its way out.
class Launch {
public:
    Launch(Runtime& rt, const UacRequest& r, Message& m, Outgoing& out) noexcept
        : rt_(rt), r_(r), m_(m), out_(out) {}
    Launch(const Launch&) = delete;
    Launch& operator=(const Launch&) = delete;
    ~Launch() { rt_.late->drop(late_); }

    std::expected<UacId, ScriptError> run() {
        if (!is_sound(r_)) return std::unexpected(ScriptError::bad_request);
        if (rt_.memory().under_pressure()) return std::unexpected(ScriptError::out_of_memory);
        const auto listener = find_listener(rt_, r_.socket);
        if (!listener) return std::unexpected(ScriptError::no_socket);
        call_id_ = r_.call_id.empty() ? out_.arena().copy(fresh_call_id(rt_)) : r_.call_id;
        cseq_ = r_.cseq != 0 ? r_.cseq : kFirstCSeq;
        bucket_ = &rt_.table.bucket(call_hash(call_id_, cseq_));
        {
            const BucketGuard guard(*bucket_);
            label_ = bucket_->next_label++;
        }
        forced_ = *listener;
        const ScriptError lost = aim(r_.next_hop.empty() ? r_.request_uri : r_.next_hop);
        if (lost != ScriptError::none) return std::unexpected(lost);
        bytes_ = write();
        if (bytes_.empty() || m_.sip.parse(bytes_) || m_.sip.to() == nullptr)
            return std::unexpected(ScriptError::bad_request);
        if (const ScriptError refused = pass_route(); refused != ScriptError::none)
            return std::unexpected(refused);
        return start();
    }

private:
    [[nodiscard]] const Listener& from() const noexcept {
        return rt_.core->net().listeners()[target_.listener];
    }

    /// Finds the places of the next hop. Of a name that is being looked up the request is written
    /// for a socket that it may leave from; it gets its Via when the place is known.
    [[nodiscard]] ScriptError aim(std::string_view hop) {
        rt_.late->drop(late_);
        hop_ = hop;
        const bool fails_over = rt_.core->next_hops().fails_over();
        const auto found = rt_.late->find(
            {hop, kNoListener, forced_, fails_over ? NextHops::kMost : 1}, own(), late_);
        if (!found) return guess_socket();
        late_ = 0;
        hops_ = *found;
        if (hops_.count == 0) return hops_.error;
        target_ = hops_.targets[0];
        return ScriptError::none;
    }
    [[nodiscard]] ScriptError guess_socket() noexcept {
        const auto listeners = rt_.core->net().listeners();
        const auto hop = next_hop_of(hop_);
        Proto proto = hop ? hop->proto : Proto::none;
        if (proto == Proto::none) proto = hop && hop->secure ? Proto::tls : Proto::udp;
        auto from = std::ranges::find(listeners, carrier(proto), &Listener::proto);
        if (forced_ < listeners.size()) from = listeners.begin() + forced_;
        if (from == listeners.end()) from = listeners.begin();
        if (from == listeners.end()) return ScriptError::no_socket;
        target_ = {.proto = from->proto, .listener = from->index};
        return ScriptError::none;
    }
    [[nodiscard]] OwnBranch own() const noexcept { return {slot(), label_, rt_.nonce, 0}; }

    /// host:port, also where a Via leaves the port out.
    [[nodiscard]] std::string own_address() const {
        const Listener& l = from();
        if (l.advertised_host.empty()) return l.address.text();
        return fmt::format("{}:{}", l.advertised_host,
                           l.advertised_port != 0 ? l.advertised_port : l.address.port);
    }
    static void put_address(sip::Writer& to, std::string_view value, std::string_view tag) {
        const auto address = sip::parse_name_addr(value);
        const bool bare = address && address->text.find('<') == std::string_view::npos;
        if (bare) to.put('<');
        to.put(bare ? address->uri : value);
        if (bare) to.put('>');
        if (bare && !address->params.empty()) to.put(';').put(address->params);
        if (!tag.empty() && !(address && address->has_tag)) to.put(";tag=").put(tag);
    }
    void put_headers(sip::Writer& to) const {
        std::string_view rest = r_.headers;
        while (!rest.empty()) {
            const std::size_t at = rest.find(kOwnAddress);
            to.put(rest.substr(0, at));
            if (at == std::string_view::npos) return;
            to.put(own_address());
            rest.remove_prefix(at + kOwnAddress.size());
        }
    }
    [[nodiscard]] std::size_t room() const noexcept {
        std::size_t own = 0;
        for (std::size_t at = 0; (at = r_.headers.find(kOwnAddress, at)) != r_.headers.npos; ++at)
            ++own;
        const std::size_t uris = 3 * r_.request_uri.size() + r_.from.size() + r_.to.size();
        return r_.method.size() * 2 + uris + call_id_.size() + r_.from_tag.size() +
               r_.to_tag.size() + r_.headers.size() + own * own_address().size() + r_.body.size() +
               rt_.core->globals().user_agent_header.size() + from().via_sent_by.size() * 2 + 512;
    }
    std::string_view write() {
        std::array<char, 64> id{};
        sip::Writer branch(id.data(), id.size());
        write_branch(branch, own());
        sip::Writer via = out_.writer(from().via_sent_by.size() + branch.size() + 80);
        const std::string ours = fmt::format("<sip:{}>", from().via_sent_by);
        const std::string tag = r_.from_tag.empty() ? fresh_tag(rt_) : std::string(r_.from_tag);
        sip::Writer text = out_.writer(room());
        text.put(r_.method).put(' ').put(r_.request_uri).put(" SIP/2.0\r\n");
        text.put(write_via(via, from(), target_.proto, m_, branch.text())).put("To: ");
        put_address(text, r_.to.empty() ? r_.request_uri : r_.to, r_.to_tag);
        text.put("\r\nFrom: ");
        put_address(text, r_.from.empty() ? std::string_view(ours) : r_.from, tag);
        text.put("\r\nCSeq: ").put_uint(cseq_).put(' ').put(r_.method);
        text.put("\r\nCall-ID: ").put(call_id_).put("\r\nMax-Forwards: 70\r\nContent-Length: ");
        text.put_uint(r_.body.size()).put("\r\n").put(rt_.core->globals().user_agent_header);
        put_headers(text);
        text.put("\r\n").put(r_.body);
        return text.ok() && text.size() <= sip::kMaxMessage ? text.text() : std::string_view();
    }
    [[nodiscard]] std::uint32_t slot() const noexcept {
        return rt_.table.slot_of(call_hash(call_id_, cseq_));
    }

    /// event_route[tm:local-request]: `none` unless it dropped the request, broke it, or sent it
    /// where nothing can be sent.
    ScriptError pass_route() {
        if (rt_.local_request == RouteId::none) return ScriptError::none;
        m_.received.listener = target_.listener;
        m_.received.proto = target_.proto;
        m_.received.local = m_.received.source = from().address;
        m_.route_type = Route::event;
        if (rt_.core->script().run(rt_.local_request, m_).dropped) return ScriptError::dropped;
        if (!write_edits()) return ScriptError::dropped;
        return m_.target.dst_uri.empty() ? ScriptError::none : move_to(m_.target.dst_uri);
    }
    [[nodiscard]] bool write_edits() {
        if (m_.edits.empty()) return true;
        std::size_t size = bytes_.size() + 64;
        for (const sip::Edit& e : m_.edits.list()) size += e.text.size();
        sip::Writer text = out_.writer(size);
        if (!sip::write_request(text, m_.sip, m_.edits.list(), {.from = target_.listener}))
            return false;
        return take(text);
    }
    [[nodiscard]] bool take(const sip::Writer& text) {
        bytes_ = text.text();
        m_.edits.clear();
        return text.ok() && !m_.sip.parse(bytes_) && m_.sip.call_id() == call_id_;
    }
    /// The route has set $du: another next hop, and the Via of the socket that leads there.
    [[nodiscard]] ScriptError move_to(std::string_view next_hop) {
        const std::uint16_t before = socket_key(target_.listener, target_.proto);
        if (const ScriptError lost = aim(next_hop); lost != ScriptError::none) return lost;
        if (socket_key(target_.listener, target_.proto) == before) return ScriptError::none;
        std::array<char, 64> id{};
        sip::Writer branch(id.data(), id.size());
        write_branch(branch, own());
        const std::size_t room = from().via_sent_by.size() + branch.size() + 80;
        sip::Writer via = out_.writer(room);
        // The first line behind the start line is our Via.
        const std::size_t begin = bytes_.find("\r\n") + 2, end = bytes_.find("\r\n", begin) + 2;
        sip::Writer text = out_.writer(bytes_.size() + room);
        text.put(bytes_.substr(0, begin));
        text.put(write_via(via, from(), target_.proto, m_, branch.text())).put(bytes_.substr(end));
        return take(text) ? ScriptError::none : ScriptError::bad_request;
    }

    /// Whether event_route[tm:local-request] has armed a route for failures that may run.
    [[nodiscard]] bool may_fail_over() const noexcept {
        const Work* const w = rt_.options.enable_uac_fr ? work_of(rt_, m_) : nullptr;
        return w != nullptr &&
               (w->on_failure != RouteId::none || w->on_branch_failure != RouteId::none);
    }
    /// What other branches start from is without our Via: each has its own.
    void remove_via() {
        for (const sip::Header& h : m_.sip.headers()) {
            if (h.type != sip::HeaderType::via) continue;
            (void)m_.edits.remove(h);
            break;
        }
    }
    [[nodiscard]] Itinerary* plan() noexcept {
        Itinerary* const i = make_itinerary(
            rt_, m_, {.uri = m_.sip.request_uri(), .dst_uri = hop_, .listener = forced_});
        if (i == nullptr) return nullptr;
        i->hops = hops_;
        if (late_ != 0) i->asker = rt_.process();
        return i;
    }
    LocalRequest* make_local() noexcept {
        auto* const local = rt_.memory().make<LocalRequest>(rt_.tags.local, shm::Hold::in_hand);
        if (local == nullptr) return nullptr;
        local->asker = rt_.process();
        local->incarnation = rt_.incarnation;
        local->callback = r_.callback;
        local->provisional = r_.provisional;
        local->dont_ack = r_.dont_ack;
        local->in_any_process = r_.in_any_process;
        local->param_size = static_cast<std::uint8_t>(r_.param.size());
        std::ranges::copy(r_.param, local->param.begin());
        return local;
    }
    std::expected<UacId, ScriptError> start() {
        const auto key = request_key(m_.sip, rt_.options.matching);
        if (!key) return std::unexpected(ScriptError::bad_request);
        LocalRequest* const local = make_local();
        auto* const branch = rt_.memory().make<Branch>(rt_.tags.branch, shm::Hold::in_hand);
        remove_via();
        char* const sent =
            late_ == 0 ? rt_.memory().copy(bytes_, rt_.tags.buffer, shm::Hold::in_hand) : nullptr;
        StoredRequest* const request =
            may_fail_over() ? store_request(rt_.memory(), rt_.tags.request, m_) : nullptr;
        // Without memory for other places there are none.
        Itinerary* const itinerary = late_ != 0 || hops_.count > 1 ? plan() : nullptr;
        if (local == nullptr || branch == nullptr ||
            (late_ == 0 ? sent == nullptr : itinerary == nullptr) ||
            (may_fail_over() && request == nullptr)) {
            rt_.counts.memory_failures.add();
            return forget(local, branch, sent, request, itinerary);
        }
        branch->sent.bytes = sent;
        branch->sent.size = sent != nullptr ? static_cast<std::uint32_t>(bytes_.size()) : 0;
        branch->target = target_;
        {
            BucketGuard guard(*bucket_);
            Cell* const c = make_local_cell(rt_, *bucket_, *key, label_, *local);
            if (c == nullptr) {
                guard.unlock();
                return forget(local, branch, sent, request, itinerary);
            }
            arm(*c, *branch, request);
            link(*c, *branch, sent, itinerary);
        }
        out_.send();
        const UacId id{slot(), label_};
        const bool waits = std::exchange(late_, 0) != 0;
        if (waits || out_.result(0) == Sent::queued) return id;
        if (itinerary != nullptr) {
            send_failed(rt_, *bucket_, label_and_branch(label_, 0));
            return id;
        }
        give_up(id);
        return std::unexpected(ScriptError::send);
    }
    std::unexpected<ScriptError> forget(LocalRequest* local, Branch* branch, char* sent,
                                        StoredRequest* request, Itinerary* itinerary) noexcept {
        free_itinerary(rt_, itinerary);
        rt_.memory().free(local);
        rt_.memory().free(branch);
        rt_.memory().free(sent);
        rt_.memory().free(request);
        return std::unexpected(ScriptError::out_of_memory);
    }
    /// The routes that event_route[tm:local-request] wants.
    void arm(Cell& c, Branch& b, StoredRequest* request) {
        const Work* const w = work_of(rt_, m_);
        if (w == nullptr) return;
        b.on_reply = c.on_reply = w->on_reply;
        (void)keep_script_state(rt_, c, m_);
        if (request == nullptr) return;
        rt_.memory().publish(request);
        c.request = request;
        b.on_failure = c.on_failure = w->on_failure;
        b.on_branch_failure = c.on_branch_failure = w->on_branch_failure;
        c.on_branch = w->on_branch;
    }
    void link(Cell& c, Branch& b, char* sent, Itinerary* itinerary) noexcept {
        if (sent != nullptr) rt_.memory().publish(sent);
        if (itinerary != nullptr) {
            b.itinerary = itinerary;
            publish_itinerary(rt_, *itinerary);
        }
        rt_.memory().publish(&b);
        c.branches = &b;
        c.branch_count = 1;
        Actions actions;
        Turn turn{rt_.now(), rt_.policy, actions};
        branch_started(c, b, turn);
        note_moment(rt_, c, {.moment = Moment::local_request_in, .message = bytes_}, out_);
        if (late_ != 0) {
            b.set(Branch::waits);
            b.retransmit_at = kNever;
        } else {
            out_.add(target_, bytes_, failure_of(rt_, c, b));
            note_branch_out(rt_, c, b, bytes_, out_);
        }
        rest(rt_, c);
    }
    /// It could not be sent: the caller knows, so nobody else is told.
    void give_up(UacId id) noexcept {
        const BucketGuard guard(*bucket_);
        Cell* const c = Table::find(*bucket_, id.label);
        if (c == nullptr) return;
        c->local->callback = UacCallback::none;
        Actions actions;
        Turn turn{rt_.now(), rt_.policy, actions};
        release(*c, turn);
        rest(rt_, *c);
    }

    Runtime& rt_;
    const UacRequest& r_;
    Message& m_;
    Outgoing& out_;
    Target target_;
    std::string_view call_id_, bytes_, hop_;
    NextHops hops_;
    std::uint64_t late_ = 0;  ///< while the name is being looked up: its number in LateBranches
    std::uint16_t forced_ = kNoListener;
    std::uint32_t cseq_ = 0, label_ = 0;
    Bucket* bucket_ = nullptr;
};

}  // namespace

std::expected<UacId, ScriptError> launch(Runtime& rt, const UacRequest& request) {
    Message& m = rt.core->borrow_message();
    Outgoing out(rt.outbox, rt.core->net());
    const auto result = Launch(rt, request, m, out).run();
    m.slots[rt.slot] = 0;
    rt.core->give_back(m);
    return result;
}

bool cancel_own(Runtime& rt, UacId id) {
    if (id.slot >= rt.table.size()) return false;
    Outgoing out(rt.outbox, rt.core->net());
    {
        Bucket& b = rt.table.bucket(id.slot);
        const BucketGuard guard(b);
        Cell* const c = Table::find(b, id.label);
        if (c == nullptr || !c->local || !c->is_invite() || c->has(Cell::final_sent)) return false;
        Actions actions;
        Turn turn{rt.now(), rt.policy, actions};
        (void)cancel_received(*c, turn);
        (void)perform(rt, *c, actions, {.may_run_routes = false}, out);
        rest(rt, *c);
    }
    out.send();
    return true;
}

std::optional<std::uint16_t> find_listener(const Runtime& rt, std::string_view socket) noexcept {
    if (socket.empty()) return kNoListener;
    for (const Listener& l : rt.core->net().listeners()) {
        if (text::ci_equal(l.uri_text, socket) || (!l.name.empty() && l.name == socket) ||
            l.address.text() == socket)
            return l.index;
    }
    return std::nullopt;
}

std::string fresh_tag(Runtime& rt) {
    Random& random = rt.core->random();
    return fmt::format("{:016x}-{:08x}", random.next(), random.next() >> 32);
}

std::string fresh_call_id(Runtime& rt) {
    Random& random = rt.core->random();
    const auto listeners = rt.core->net().listeners();
    return fmt::format("{:016x}{:08x}-{}@{}", random.next(), random.next() >> 32, rt.process(),
                       listeners.empty() ? std::string("fairlead") : listeners.front().via_sent_by);
}

// ---- UacApi -------------------------------------------------------------------------------------

std::expected<UacId, ScriptError> Tm::request(const UacRequest& request) {
    return launch(rt_, request);
}

bool Tm::cancel(UacId id) {
    return cancel_own(rt_, id);
}

std::string Tm::new_call_id() {
    return fresh_call_id(rt_);
}

std::string Tm::new_tag() {
    return fresh_tag(rt_);
}

}  // namespace fairlead::tm
