// Writing a message that was received: its bytes once, with the edits and what the plan adds.
// SPDX-License-Identifier: Apache-2.0
#include "core/sip/build.h"

#include <algorithm>
#include <array>

#include "core/sip/chars.h"
#include "core/sip/params.h"
#include "core/sip/via_mark.h"

namespace fairlead::sip {
namespace {

std::string_view slice(const Message& m, std::size_t from, std::size_t to) noexcept {
    return m.bytes().substr(from, to - from);
}

std::uint32_t offset_in(const Message& m, const char* p) noexcept {
    return static_cast<std::uint32_t>(p - m.bytes().data());
}

/// A phrase must not end the line it stands in.
std::string_view first_line(std::string_view s) noexcept {
    const char* const end = find_control(s.data(), s.data() + s.size());
    return s.substr(0, static_cast<std::size_t>(end - s.data()));
}

/// A change that goes along with the message's own edits.
struct Change {
    std::uint32_t offset = 0, removed = 0;
    std::string_view text;
    bool part_of_value = false;  ///< pointless when an edit removed what it stands in
};

class Changes {
public:
    void add(const Change& change) noexcept {
        std::size_t i = count_++;
        for (; i > 0 && list_[i - 1].offset > change.offset; --i) list_[i] = list_[i - 1];
        list_[i] = change;
    }
    [[nodiscard]] std::span<const Change> list() const noexcept { return {list_.data(), count_}; }

private:
    std::array<Change, 12> list_;
    std::size_t count_ = 0;
};

/// Both lists are in the order of their offsets; at one place the plan's changes come first.
void write_changed(Writer& out, const Message& m, std::span<const Edit> edits,
                   std::span<const Change> changes, std::uint16_t from = kAnySocket) noexcept {
    std::uint32_t done = 0, gone_from = 0;  // [gone_from, done) was removed last
    std::size_t edit = 0, change = 0;
    while (edit < edits.size() || change < changes.size()) {
        Change next;
        if (edit == edits.size() ||
            (change < changes.size() && changes[change].offset <= edits[edit].offset)) {
            next = changes[change++];
        } else {
            const Edit& e = edits[edit++];
            if (e.only_from != kAnySocket && e.only_from != from) continue;
            next = {e.offset, e.removed, e.text, true};
        }
        if (next.offset > done) {
            out.put(slice(m, done, next.offset));
            done = next.offset;
        }
        const bool inside = next.offset < done && next.offset > gone_from;
        if (!inside || !next.part_of_value) out.put(next.text);
        if (next.offset + next.removed > done) {
            if (next.offset >= done) gone_from = next.offset;
            done = next.offset + next.removed;
        }
    }
    out.put(slice(m, done, m.bytes().size()));
}

bool is_covered(std::span<const Edit> edits, const Header& h) noexcept {
    return std::any_of(edits.begin(), edits.end(), [&](const Edit& e) {
        return e.offset <= h.name_offset &&
               e.offset + e.removed >= h.name_offset + std::uint32_t{h.line_length};
    });
}

/// Marks the received top Via. What its sender wrote about its own address is replaced where it
/// stands; what is new goes behind sent-by. `mark` is "[;received=…][;rport=…]".
void add_via_mark(Changes& changes, const Message& m, std::string_view mark) noexcept {
    const Via* const via = m.via();
    if (via == nullptr || mark.empty()) return;
    const std::size_t split = std::min(mark.find(";rport="), mark.size());
    const std::string_view received = mark.substr(0, split), rport = mark.substr(split);
    const std::uint32_t behind = offset_in(m, behind_sent_by(*via).data());
    if (!via->has_received) changes.add({behind, 0, received, true});
    if (!via->has_rport) changes.add({behind, 0, rport, true});
    each_via_param(*via, [&](const Param& param, std::string_view piece) {
        const bool is_rport = text::ci_equal(param.name, "rport");
        if (!is_rport && !text::ci_equal(param.name, "received")) return;
        changes.add({offset_in(m, piece.data()), static_cast<std::uint32_t>(piece.size()),
                     is_rport ? rport : received, true});
    });
}

void add_route(Changes& changes, const Message& m, std::string_view route) noexcept {
    if (route.empty()) return;
    const Header* before = m.header(HeaderType::route);
    for (std::size_t i = 0; before == nullptr && i < m.headers().size(); ++i)
        if (m.headers()[i].type != HeaderType::via) before = &m.headers()[i];
    if (before != nullptr) changes.add({before->name_offset, 0, route, false});
}

/// Corrects or adds Content-Length when edits changed the body; without any, `is_needed` is asked.
/// `line` is where the text is kept.
template <class IsNeeded>
void add_content_length(Changes& changes, const Message& m, std::span<const Edit> edits,
                        IsNeeded is_needed, Writer& line) noexcept {
    const std::uint32_t body = m.frame().body_offset;
    std::int64_t size = m.frame().body_size;
    bool changed = false;
    for (const Edit& e : edits) {
        if (e.offset < body) continue;
        size += static_cast<std::int64_t>(e.text.size()) - e.removed;
        changed = true;
    }
    const Header* const h = m.header(HeaderType::content_length);
    if (h != nullptr && !is_covered(edits, *h)) {
        if (!changed) return;
        line.put_uint(static_cast<std::uint64_t>(size));
        changes.add({h->value_offset, h->value_length, line.text(), false});
    } else if (changed || is_needed()) {
        line.put("Content-Length: ").put_uint(static_cast<std::uint64_t>(size)).put("\r\n");
        changes.add({body - 2, 0, line.text(), false});
    }
}

/// Takes the topmost Via value away, with its header field when it was alone there.
void remove_top_via(Changes& changes, const Message& m) noexcept {
    const Header* const h = m.header(HeaderType::via);
    if (h == nullptr) return;
    std::string_view rest = m.value(*h);
    (void)next_value(rest);
    const auto second = next_value(rest);
    if (!second) {
        changes.add({h->name_offset, h->line_length, {}, true});
        return;
    }
    const std::uint32_t to = offset_in(m, second->data());
    changes.add({h->value_offset, to - h->value_offset, {}, true});
}

/// `name-as-written: ` and a new value.
void put_field(Writer& out, const Message& m, const Header& h, std::string_view value) noexcept {
    out.put(m.name(h)).put(": ").put(value).put("\r\n");
}

std::string_view line_of(const Message& m, const Header& h) noexcept {
    return m.bytes().substr(h.name_offset, h.line_length);
}

/// The header fields that CANCEL and negative ACK take over from their INVITE.
bool write_companion(Writer& out, const Message& sent, std::string_view method, std::string_view to,
                     std::string_view extra) noexcept {
    const CSeq* const cseq = sent.cseq();
    const Via* const via = sent.via();
    if (cseq == nullptr || via == nullptr) return false;
    out.put(method).put(' ').put(sent.request_uri()).put(" SIP/2.0\r\n");
    const Header* const top = sent.header(HeaderType::via);
    for (const Header& h : sent.headers()) {
        switch (h.type) {
            case HeaderType::via:
                if (&h == top) put_field(out, sent, h, via->text);
                break;
            case HeaderType::to: put_field(out, sent, h, to.empty() ? sent.value(h) : to); break;
            case HeaderType::cseq:
                out.put(sent.name(h)).put(": ").put(cseq->number_text).put(' ');
                out.put(method).put("\r\n");
                break;
            case HeaderType::from:
            case HeaderType::call_id:
            case HeaderType::max_forwards:
            case HeaderType::route: out.put(line_of(sent, h)); break;
            default: break;
        }
    }
    out.put(extra).put("Content-Length: 0\r\n\r\n");
    return out.ok();
}

}  // namespace

bool write_request(Writer& out, const Message& m, std::span<const Edit> edits,
                   const RequestPlan& plan) noexcept {
    if (m.is_http() || !is_all(plan.request_uri, kUriChar)) return false;
    const Frame& frame = m.frame();
    Changes changes;
    if (!plan.request_uri.empty())
        changes.add({frame.second_offset, frame.second_size, plan.request_uri, false});
    if (!plan.via.empty()) changes.add({frame.headers_offset, 0, plan.via, false});
    add_via_mark(changes, m, plan.top_via_mark);
    add_route(changes, m, plan.route);
    char buffer[48];
    Writer line(buffer, sizeof buffer);
    add_content_length(changes, m, edits, [&plan] { return plan.add_content_length; }, line);
    write_changed(out, m, edits, changes.list(), plan.from);
    return out.ok();
}

bool write_relayed_reply(Writer& out, const Message& reply, std::span<const Edit> edits, int code,
                         std::string_view reason) noexcept {
    const Frame& frame = reply.frame();
    Changes changes;
    char code_text[8], length_text[48];
    Writer status(code_text, sizeof code_text), line(length_text, sizeof length_text);
    if (code != 0) {
        const std::uint32_t at = frame.first_offset + frame.first_size;
        status.put(' ').put_uint(static_cast<std::uint64_t>(code)).put(' ');
        changes.add({at, frame.second_offset - at, status.text(), false});
        changes.add({frame.second_offset, frame.second_size, first_line(reason), false});
    }
    remove_top_via(changes, reply);
    // A datagram needs no Content-Length, the stream on which its reply goes on does (18.3).
    const auto to_stream = [&reply] {
        const Via* const next = reply.second_via();
        return next != nullptr && next->proto != Proto::none && is_reliable(next->proto);
    };
    add_content_length(changes, reply, edits, to_stream, line);
    write_changed(out, reply, edits, changes.list());
    return out.ok();
}

bool write_cancel(Writer& out, const Message& sent, std::string_view extra) noexcept {
    return write_companion(out, sent, "CANCEL", {}, extra);
}

bool write_negative_ack(Writer& out, const Message& sent, std::string_view reply_to,
                        std::string_view extra) noexcept {
    return write_companion(out, sent, "ACK", reply_to, extra);
}

}  // namespace fairlead::sip
