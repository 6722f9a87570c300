// Writing and reading SIP messages in tests. SPDX-License-Identifier: Apache-2.0
#include "test/support/message_builder.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/text.h"

namespace fairlead::test {

Request::Request(std::string_view method, std::string_view uri) : method_(method), uri_(uri) {
    set("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKdefault");
    set("Max-Forwards", "70");
    set("From", "<sip:alice@192.0.2.1>;tag=fromtag");
    set("To", fmt::format("<{}>", uri));
    set("Call-ID", "call-1@192.0.2.1");
    set("CSeq", fmt::format("1 {}", method));
    if (method == "INVITE") set("Contact", "<sip:alice@192.0.2.1:5060>");
}

Request& Request::via(std::string value) {
    return set("Via", std::move(value));
}

Request& Request::branch(std::string_view value) {
    return set("Via", fmt::format("SIP/2.0/UDP 192.0.2.1:5060;branch={}", value));
}

Request& Request::from_tag(std::string_view tag) {
    return set("From", fmt::format("<sip:alice@192.0.2.1>;tag={}", tag));
}

Request& Request::to_tag(std::string_view tag) {
    return set("To", fmt::format("<{}>;tag={}", uri_, tag));
}

Request& Request::cseq(unsigned number) {
    return set("CSeq", fmt::format("{} {}", number, method_));
}

Request& Request::set(std::string_view name, std::string value) {
    const auto at = std::ranges::find(lines_, name, &Line::name);
    if (at == lines_.end()) return header(name, std::move(value));
    at->value = std::move(value);
    return *this;
}

Request& Request::header(std::string_view name, std::string value) {
    lines_.push_back({std::string(name), std::move(value)});
    return *this;
}

Request& Request::without(std::string_view name) {
    std::erase_if(lines_, [&](const Line& line) { return line.name == name; });
    return *this;
}

Request& Request::body(std::string content, std::string type) {
    body_ = std::move(content);
    return set("Content-Type", std::move(type));
}

std::string Request::str() const {
    std::string out = fmt::format("{} {} SIP/2.0\r\n", method_, uri_);
    bool has_length = false;
    for (const Line& line : lines_) {
        out += fmt::format("{}: {}\r\n", line.name, line.value);
        has_length = has_length || line.name == "Content-Length";
    }
    if (!has_length) out += fmt::format("Content-Length: {}\r\n", body_.size());
    return out + "\r\n" + body_;
}

namespace {

std::vector<std::string_view> lines(std::string_view message) {
    std::vector<std::string_view> all;
    message = message.substr(0, message.find("\r\n\r\n"));
    while (!message.empty()) {
        const std::size_t end = message.find("\r\n");
        all.push_back(message.substr(0, end));
        message.remove_prefix(end == std::string_view::npos ? message.size() : end + 2);
    }
    return all;
}

std::string copied(std::string_view message, std::string_view name) {
    std::string out;
    for (const std::string& value : headers(message, name)) {
        out += fmt::format("{}: {}\r\n", name, value);
    }
    return out;
}

std::string same_transaction(std::string_view invite, std::string_view method,
                             std::string_view to) {
    const std::string line = start_line(invite);
    const std::string uri = line.substr(line.find(' ') + 1);
    const std::string cseq = header(invite, "CSeq").value_or("1 INVITE");
    return fmt::format(
        "{} {}\r\nVia: {}\r\nMax-Forwards: 70\r\n{}{}To: {}\r\n{}CSeq: {} {}\r\n"
        "Content-Length: 0\r\n\r\n",
        method, uri, header(invite, "Via").value_or(""), copied(invite, "Route"),
        copied(invite, "From"), to, copied(invite, "Call-ID"), cseq.substr(0, cseq.find(' ')),
        method);
}

}  // namespace

std::string reply(std::string_view request, int code, std::string_view reason,
                  std::string_view to_tag, std::string_view more_lines) {
    std::string to = header(request, "To").value_or("");
    if (!to_tag.empty() && code > 100 && to.find(";tag=") == std::string::npos) {
        to += fmt::format(";tag={}", to_tag);
    }
    return fmt::format("SIP/2.0 {} {}\r\n{}{}{}To: {}\r\n{}{}{}Content-Length: 0\r\n\r\n", code,
                       reason, copied(request, "Via"), copied(request, "Record-Route"),
                       copied(request, "From"), to, copied(request, "Call-ID"),
                       copied(request, "CSeq"), more_lines);
}

std::string cancel(std::string_view invite) {
    return same_transaction(invite, "CANCEL", header(invite, "To").value_or(""));
}

std::string ack(std::string_view invite, std::string_view negative_reply) {
    return same_transaction(invite, "ACK", header(negative_reply, "To").value_or(""));
}

std::string start_line(std::string_view message) {
    return std::string(message.substr(0, message.find("\r\n")));
}

std::vector<std::string> headers(std::string_view message, std::string_view name) {
    std::vector<std::string> values;
    for (const std::string_view line : lines(message)) {
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos || !text::ci_equal(line.substr(0, colon), name)) {
            continue;
        }
        values.emplace_back(text::trim(line.substr(colon + 1)));
    }
    return values;
}

std::optional<std::string> header(std::string_view message, std::string_view name, std::size_t n) {
    const auto all = headers(message, name);
    return n < all.size() ? std::optional(all[n]) : std::nullopt;
}

std::string body(std::string_view message) {
    const std::size_t end = message.find("\r\n\r\n");
    return end == std::string_view::npos ? "" : std::string(message.substr(end + 4));
}

std::string parameter(std::string_view value, std::string_view name) {
    const std::string needle = fmt::format(";{}=", name);
    const std::size_t at = text::ci_find(value, needle);
    if (at == std::string_view::npos) return {};
    value.remove_prefix(at + needle.size());
    return std::string(value.substr(0, value.find_first_of(";,> ")));
}

}  // namespace fairlead::test
