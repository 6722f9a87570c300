// Fuzzes messages: parse any bytes, touch everything, write all that can be written from an
// accepted message, and read that back. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/sip/build.h"
#include "core/sip/params.h"
#include "test/fuzz/check.h"

using namespace fairlead;
using namespace fairlead::sip;
using fairlead::fuzz::check;

namespace {

const Address kSource = *Address::parse("192.0.2.77", 5099);

/// A place for what is written; bigger than any message that fits in.
class Output {
public:
    Output() : bytes_(200'000) {}
    Writer writer() { return {bytes_.data(), bytes_.size()}; }

private:
    std::vector<char> bytes_;
};

void touch_values(const Message& m) {
    for (const Header& h : m.headers()) {
        check(h.name_offset + std::size_t{h.line_length} <= m.bytes().size(), "header inside");
        check(m.header(m.name(h)) != nullptr, "a header is found by its name");
        check(h.type == header_type(m.name(h)), "type by name");
        std::string_view rest = m.value(h);
        while (const auto value = next_value(rest)) {
            (void)parse_via(*value);
            (void)parse_cseq(*value);
            const auto address = parse_name_addr(*value);
            if (!address) continue;
            const auto uri = parse_uri(address->uri);
            if (uri) check(equal(*uri, *uri) || !uri->is_sip(), "a URI equals itself");
        }
    }
}

void touch(const Message& m) {
    touch_values(m);
    (void)m.method_text();
    (void)m.request_uri();
    (void)m.reason();
    (void)m.body();
    (void)m.second_via();
    (void)m.max_forwards();
    (void)m.parsed_request_uri();
    (void)m.can_be_answered();
    (void)m.count(HeaderType::via);
    for (const HeaderRow& row : header_rows()) (void)m.header(row.type);
}

void check_same_call(const Message& a, const Message& b) {
    check(a.call_id() == b.call_id(), "Call-ID");
    check(a.cseq()->number == b.cseq()->number, "CSeq");
    check(a.from()->uri == b.from()->uri && a.from()->tag == b.from()->tag, "From");
    check(a.to()->uri == b.to()->uri, "To");
}

/// Room is left for what we add: a message at its very limits may go beyond them when written.
bool has_room(const Message& m) {
    const auto many = [](std::string_view s) { return std::count(s.begin(), s.end(), ';') > 60; };
    const auto is_long = [](const Header& h) { return h.value_length > kMaxHeaderValue - 100; };
    return m.bytes().size() < kMaxMessage - 1000 && m.headers().size() < kMaxHeaders - 3 &&
           !many(m.via()->text) && !many(m.to()->text) &&
           std::none_of(m.headers().begin(), m.headers().end(), is_long) &&
           // No more Via values than fields and commas together.
           m.count(HeaderType::via) +
                   static_cast<std::size_t>(std::count(m.bytes().begin(), m.bytes().end(), ',')) <
               kMaxVias - 2;
}

void check_forwarded(const Message& m) {
    static Output output;
    static Message again;
    Writer same = output.writer();
    check(write_request(same, m, {}, {}), "fits");
    check(same.text() == m.bytes(), "identical without edits");

    Edits edits;
    edits.append_header(m, "X-Last: 1\r\n");
    edits.prepend_header(m, "X-First: 1\r\n");
    for (const Header& h : m.headers())
        if (h.type == HeaderType::other || h.type == HeaderType::contact) (void)edits.remove(h);
    edits.insert(m.frame().body_offset, "more body");
    Writer out = output.writer();
    check(write_request(out, m, edits.list(),
                        {.request_uri = "sip:new@example.com",
                         .via = "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKnew\r\n",
                         .top_via_mark = ";received=192.0.2.77;rport=5099",
                         .route = "Route: <sip:192.0.2.2;lr>\r\n"}),
          "fits");
    check(!again.parse(out.text()), "a forwarded request is accepted");
    touch(again);
    check_same_call(m, again);
    check(again.request_uri() == "sip:new@example.com", "Request-URI");
    check(again.via()->branch == "z9hG4bKnew", "our Via is on top");
    const Via* const marked = again.second_via();
    check(marked != nullptr && marked->branch == m.via()->branch, "their Via is below");
    check(marked->received == "192.0.2.77" && marked->rport == "5099", "marked");
    check(again.body().size() == m.body().size() + 9, "body");
    check(again.count(HeaderType::contact) == 0, "Contact was removed");
    check(again.header("X-First") != nullptr && again.header("X-Last") != nullptr, "added");
}

void check_answered(const Message& m, bool accepted) {
    static Output output, via_output;
    static Message again;
    Writer mark = via_output.writer();
    const std::string_view top = mark_via(mark, m, kSource, true);
    Writer out = output.writer();
    check(write_reply(out, m,
                      {.code = 180,
                       .reason = "Ringing",
                       .to_tag = "our-tag",
                       .top_via = top,
                       .headers = "X-A: 1\r\n",
                       .body = "body"}),
          "fits");
    if (!accepted) return;
    check(!again.parse(out.text()), "a reply is accepted");
    check_same_call(m, again);
    check(again.to()->tag == (m.to()->has_tag ? m.to()->tag : "our-tag"), "To tag");
    check(again.via()->branch == m.via()->branch, "branch");
    check(again.via()->received == "192.0.2.77" && again.via()->rport == "5099", "marked");
    check(again.body() == "body", "body");
    (void)again.second_via();
}

void check_companions(const Message& m) {
    static Output output;
    static Message again;
    Writer cancel = output.writer();
    check(write_cancel(cancel, m, "Reason: SIP;cause=200\r\n"), "fits");
    check(!again.parse(cancel.text()), "a CANCEL is accepted");
    check(again.method() == Method::cancel && again.via()->branch == m.via()->branch, "CANCEL");
    check_same_call(m, again);
    Writer ack = output.writer();
    check(write_negative_ack(ack, m, "<sip:x>;tag=other"), "fits");
    check(!again.parse(ack.text()), "an ACK is accepted");
    check(again.to()->tag == "other" && again.method() == Method::ack, "ACK");
}

void check_relayed(const Message& m) {
    static Output output;
    static Message again;
    const Via* const second = m.second_via();
    Writer out = output.writer();
    check(write_relayed_reply(out, m, {}, 299, "Other"), "fits");
    const auto error = again.parse(out.text());
    if (second == nullptr) return;
    check(!error, "a relayed reply is accepted");
    check(again.status() == 299 && again.reason() == "Other", "status");
    check(again.via()->branch == second->branch && again.via()->host == second->host, "Via");
    check_same_call(m, again);
}

void check_stored(const Message& m) {
    const std::vector<char> bytes(m.bytes().begin(), m.bytes().end());
    const std::vector<Header> table(m.headers().begin(), m.headers().end());
    static Message stored;
    stored.attach(bytes.data(), table.data(), m.frame());
    check_same_call(m, stored);
    check(stored.method() == m.method() && stored.body() == m.body(), "stored");
    static Output output;
    Writer out = output.writer();
    check(write_request(out, stored, {}, {}) && out.text() == m.bytes(), "stored bytes");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Message m;
    const auto error = m.parse({reinterpret_cast<const char*>(data), size});
    touch(m);
    if (error) {
        check(error->offset <= size, "an error is somewhere in the message");
        if (m.can_be_answered()) check_answered(m, false);
        return 0;
    }
    check_stored(m);
    if (!has_room(m)) return 0;
    if (!m.is_request()) {
        check_relayed(m);
        return 0;
    }
    check_forwarded(m);
    check_answered(m, true);
    check_companions(m);
    return 0;
}
