// Header lines of a datagram. SPDX-License-Identifier: Apache-2.0
#include "tools/sipload/scan.h"

#include <charconv>
#include <utility>
#include <vector>

#include "core/base/text.h"

namespace fairlead::sipload {

namespace {

bool is(std::string_view name, std::string_view full, char compact) {
    return text::ci_equal(name, full) ||
           (compact != 0 && name.size() == 1 && text::to_lower(name[0]) == compact);
}

std::string_view value_of(std::string_view line) {
    return text::trim(line.substr(std::min(line.find(':'), line.size() - 1) + 1));
}

std::string_view parameter(std::string_view value, std::string_view name) {
    for (std::size_t at = value.find(';'); at != std::string_view::npos;
         at = value.find(';', at + 1)) {
        const std::string_view rest = value.substr(at + 1);
        if (!text::ci_starts_with(rest, name)) continue;
        return text::trim(
            rest.substr(name.size(), rest.find_first_of(";,>", name.size()) - name.size()));
    }
    return {};
}

bool read_start_line(std::string_view datagram, Scanned& out) {
    const std::size_t end = datagram.find("\r\n");
    if (end == std::string_view::npos) return false;
    const std::string_view line = datagram.substr(0, end);
    out.headers_begin = end + 2;
    if (line.starts_with("SIP/2.0 ")) {
        const char* const digits = line.data() + 8;
        return std::from_chars(digits, line.data() + line.size(), out.status).ptr == digits + 3;
    }
    out.method = line.substr(0, line.find(' '));
    return line.ends_with(" SIP/2.0") && !out.method.empty();
}

}  // namespace

std::optional<Scanned> scan(std::string_view datagram) noexcept {
    Scanned out;
    if (!read_start_line(datagram, out)) return std::nullopt;
    each_header(datagram, out.headers_begin, [&](std::string_view name, std::string_view line) {
        if (is(name, "Call-ID", 'i')) {
            out.call_id = value_of(line);
        } else if (is(name, "From", 'f')) {
            out.from = value_of(line);
        } else if (is(name, "To", 't')) {
            out.to = value_of(line);
        } else if (is(name, "CSeq", 0)) {
            out.cseq = value_of(line);
        } else if (is(name, "Contact", 'm')) {
            out.contact = value_of(line);
        } else if (out.branch.empty() && is(name, "Via", 'v')) {
            out.branch = parameter(value_of(line), "branch=");
        }
    });
    if (out.call_id.empty() || out.from.empty() || out.to.empty() || out.cseq.empty()) {
        return std::nullopt;
    }
    if (out.status != 0) {
        out.method = text::trim(out.cseq.substr(std::min(out.cseq.find(' '), out.cseq.size())));
    }
    return out;
}

std::optional<std::size_t> message_size(std::string_view bytes) noexcept {
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    std::size_t length = 0;
    const std::string_view head = bytes.substr(0, end + 2);
    each_header(head, head.find("\r\n") + 2, [&](std::string_view name, std::string_view line) {
        if (!is(name, "Content-Length", 'l')) return;
        const std::string_view value = value_of(line);
        std::from_chars(value.data(), value.data() + value.size(), length);
    });
    const std::size_t size = end + 4 + length;
    return size <= bytes.size() ? std::optional(size) : std::nullopt;
}

std::string_view tag_of(std::string_view value) noexcept {
    // Parameters inside the angle brackets belong to the URI.
    const std::size_t close = value.find('>');
    return parameter(close == std::string_view::npos ? value : value.substr(close), "tag=");
}

std::string_view uri_of(std::string_view value) noexcept {
    const std::size_t open = value.find('<');
    if (open == std::string_view::npos) return value.substr(0, value.find(';'));
    const std::size_t close = value.find('>', open);
    if (close == std::string_view::npos) return {};
    return value.substr(open + 1, close - open - 1);
}

std::string route_set(std::string_view datagram, const Scanned& scanned) {
    std::vector<std::string_view> routes;
    each_header(datagram, scanned.headers_begin, [&](std::string_view name, std::string_view line) {
        if (!text::ci_equal(name, "Record-Route")) return;
        std::string_view rest = value_of(line);
        while (!rest.empty()) {
            const std::size_t close = rest.find('>');
            const std::size_t comma = rest.find(',', close == std::string_view::npos ? 0 : close);
            routes.push_back(text::trim(rest.substr(0, comma)));
            rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
        }
    });
    std::string lines;
    for (auto route = routes.rbegin(); route != routes.rend(); ++route) {
        lines.append("Route: ").append(*route).append("\r\n");
    }
    return lines;
}

}  // namespace fairlead::sipload
