// Writing and reading SIP messages in tests, without the parser that is tested.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::test {

/// A request with sensible headers; each call replaces or adds one of them.
///     Request("INVITE", "sip:bob@192.0.2.2").branch("z9hG4bKa").header("Subject", "x").str()
class Request {
public:
    explicit Request(std::string_view method, std::string_view uri = "sip:bob@192.0.2.2");

    /// The whole top Via value; branch() changes only its branch.
    Request& via(std::string value);
    Request& branch(std::string_view value);
    Request& from_tag(std::string_view tag);
    Request& to_tag(std::string_view tag);
    Request& call_id(std::string value) { return set("Call-ID", std::move(value)); }
    Request& cseq(unsigned number);
    Request& max_forwards(unsigned number) { return set("Max-Forwards", std::to_string(number)); }
    /// Replaces the first header of this name, or adds it at the end.
    Request& set(std::string_view name, std::string value);
    /// Adds one, also when there is one of the same name.
    Request& header(std::string_view name, std::string value);
    Request& without(std::string_view name);
    Request& body(std::string content, std::string type = "application/sdp");
    [[nodiscard]] std::string str() const;

private:
    struct Line {
        std::string name, value;
    };
    std::string method_, uri_, body_;
    std::vector<Line> lines_;
};

/// What a user agent answers to a request: Via, From, To, Call-ID and CSeq copied.
[[nodiscard]] std::string reply(std::string_view request, int code, std::string_view reason,
                                std::string_view to_tag = "totag",
                                std::string_view more_lines = {});
/// CANCEL for an INVITE as it was received.
[[nodiscard]] std::string cancel(std::string_view invite);
/// ACK in the transaction of an INVITE, for the negative reply that was received.
[[nodiscard]] std::string ack(std::string_view invite, std::string_view negative_reply);

[[nodiscard]] std::string start_line(std::string_view message);
/// Values of the headers with this full name, one per header field, as written.
[[nodiscard]] std::vector<std::string> headers(std::string_view message, std::string_view name);
/// The n-th of them, nullopt when there is none.
[[nodiscard]] std::optional<std::string> header(std::string_view message, std::string_view name,
                                                std::size_t n = 0);
[[nodiscard]] std::string body(std::string_view message);
/// The value of a ";name=value" parameter in a header value, "" when absent.
[[nodiscard]] std::string parameter(std::string_view value, std::string_view name);

}  // namespace fairlead::test
