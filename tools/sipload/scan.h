// Just enough reading of SIP for a load tool: one pass over the header lines of a datagram.
// Its own code on purpose: a tool that tests a parser must not share it.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::sipload {

/// Views into the datagram. Header values without the name and the line end.
struct Scanned {
    int status = 0;           ///< 0: a request
    std::string_view method;  ///< of the request line, or of CSeq in a response
    std::string_view call_id, from, to, cseq, contact, branch;
    std::size_t headers_begin = 0;  ///< behind the start line
};

/// nullopt when a start line or one of Via, Call-ID, From, To, CSeq is missing.
[[nodiscard]] std::optional<Scanned> scan(std::string_view datagram) noexcept;

/// How long the message is that begins these bytes of a stream: up to its Content-Length (0 without
/// one). nullopt when more of it must come.
[[nodiscard]] std::optional<std::size_t> message_size(std::string_view bytes) noexcept;

/// The tag parameter of a From or To value; "" when absent.
[[nodiscard]] std::string_view tag_of(std::string_view value) noexcept;
/// The URI of a Contact value, without angle brackets; "" when absent.
[[nodiscard]] std::string_view uri_of(std::string_view value) noexcept;

/// Calls `line(name, whole line with CRLF)` for every header line.
template <class F>
void each_header(std::string_view datagram, std::size_t begin, F line) {
    while (begin < datagram.size()) {
        const std::size_t end = datagram.find("\r\n", begin);
        if (end == std::string_view::npos || end == begin) return;
        const std::string_view whole = datagram.substr(begin, end + 2 - begin);
        std::string_view name = whole.substr(0, whole.find(':'));
        while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) name.remove_suffix(1);
        line(name, whole);
        begin = end + 2;
    }
}

/// Route lines for requests inside a dialog, from the Record-Route lines of the response that made
/// it: in reverse order (RFC 3261 12.1.2).
[[nodiscard]] std::string route_set(std::string_view datagram, const Scanned& scanned);

}  // namespace fairlead::sipload
