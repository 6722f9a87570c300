// The texts of notes. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/note_texts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "modules/cpl/script.h"
#include "modules/cpl/texts.h"

namespace fairlead::cpl {

namespace {

constexpr std::size_t kLongestName = 200;

std::string local_time(Instant at, const char* format) {
    const std::time_t seconds = at;
    std::tm fields{};
    std::array<char, 64> text{};
    if (localtime_r(&seconds, &fields) == nullptr) return "-";
    return {text.data(), std::strftime(text.data(), text.size(), format, &fields)};
}

std::string base64(std::string_view bytes) {
    constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        unsigned group = 0;
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
        for (std::size_t k = 0; k < 3; ++k)
            group = group << 8U | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0U);
        for (std::size_t k = 0; k < 4; ++k)
            out += k <= count ? kDigits[group >> (18 - 6 * k) & 63U] : '=';
    }
    return out;
}

/// RFC 2047, in words of at most 75 characters that begin at a character of UTF-8.
std::string header_text(std::string_view text) {
    bool plain = true;
    for (const char c : text) plain = plain && c >= ' ' && static_cast<unsigned char>(c) < 127;
    if (plain && !text.contains("=?")) return std::string(text);
    constexpr std::size_t kBytes = 39;
    std::string out;
    while (!text.empty()) {
        std::size_t size = std::min(kBytes, text.size());
        while (size < text.size() && size > kBytes - 4 &&
               (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U)
            --size;
        out += fmt::format("{}=?UTF-8?B?{}?=", out.empty() ? "" : "\r\n ",
                           base64(text.substr(0, size)));
        text.remove_prefix(size);
    }
    return out;
}

/// RFC 2045 6.8: lines of at most 76 characters.
std::string folded_base64(std::string_view bytes) {
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 57) out += base64(bytes.substr(i, 57)) + "\r\n";
    return out;
}

}  // namespace

std::string log_file_name(std::string_view owner) {
    std::string out;
    for (const char c : owner) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '_' || c == '@' || c == '+' || c == '-' ||
                           (c == '.' && !out.empty());
        out += plain ? std::string(1, c)
                     : fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
    if (out.size() > kLongestName) {
        out.resize(kLongestName);
        out += fmt::format("-{:016x}", hash_of(owner));  // so that two long names stay two
    }
    return out + ".log";
}

std::string log_line(Instant at, std::string_view name, std::string_view comment) {
    return fmt::format("{} {}: {}\n", local_time(at, "%a %b %e %H:%M:%S %Y"),
                       name.empty() ? "default_log" : without_controls(name),
                       without_controls(comment));
}

std::string mail_text(std::string_view from, std::string_view to, std::string_view subject,
                      std::string_view body, Instant at, std::uint64_t id) {
    return fmt::format(
        "From: <{}>\r\nTo: <{}>\r\nSubject: {}\r\nDate: {}\r\nMessage-ID: <{:016x}.{}>\r\n"
        "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
        without_controls(from), without_controls(to), header_text(without_controls(subject)),
        local_time(at, "%a, %d %b %Y %H:%M:%S %z"), id, without_controls(from),
        folded_base64(body));
}

}  // namespace fairlead::cpl
