// Text that Prometheus reads. SPDX-License-Identifier: Apache-2.0
#include "modules/metrics/exposition.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::metrics {
namespace {

bool is_letter_or_digit(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/// A line break, a backslash and a quote are escaped; what is no UTF-8 becomes '?' byte by byte
/// (both formats are UTF-8, and everything that must be told apart here is ASCII).
std::string escaped(std::string_view text, bool quotes) {
    std::string out;
    for (const char c : text) {
        if (c == '\n')
            out += "\\n";
        else if (c == '\\')
            out += "\\\\";
        else if (c == '"' && quotes)
            out += "\\\"";
        else
            out += static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) > '~' ? '?'
                                                                                              : c;
    }
    return out;
}

std::string label_text(std::string_view label, std::string_view value) {
    return label.empty() ? "" : fmt::format("{}=\"{}\"", label, escaped(value, true));
}

/// Nanoseconds as seconds, all digits, without zeros at the end.
std::string seconds(std::int64_t ns) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    std::string text = fmt::format("{}.{:09}", ns / kSecond, ns % kSecond);
    while (text.ends_with('0') && !text.ends_with(".0")) text.pop_back();
    return text;
}

std::string_view type_word(Type type) noexcept {
    switch (type) {
        case Type::counter: return "counter";
        case Type::histogram: return "histogram";
        case Type::gauge: break;
    }
    return "gauge";
}

}  // namespace

Format accepted(std::string_view accept) noexcept {
    constexpr std::string_view kName = "application/openmetrics-text";
    const auto same = [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
    };
    const auto found = std::ranges::search(accept, kName, same);
    return found.empty() ? Format::text : Format::open_metrics;
}

std::string_view content_type(Format format) noexcept {
    return format == Format::open_metrics
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";
}

std::string metric_name(std::string_view group, std::string_view name) {
    std::string out = "fairlead";
    for (const std::string_view part : {group, name}) {
        out += '_';
        for (char c : part) {
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
            out += is_letter_or_digit(c) ? c : '_';
        }
    }
    return out;
}

bool Exposition::begin(std::string_view name, Type type, std::string_view help,
                       std::string_view unit) {
    name_ = name;
    type_ = type;
    if (!names_.insert(name_).second) return false;
    // The older format names a counter as its sample is named.
    const std::string_view suffix =
        format_ == Format::text && type == Type::counter ? "_total" : "";
    out_ += fmt::format("# TYPE {}{} {}\n", name_, suffix, type_word(type));
    if (format_ == Format::open_metrics && !unit.empty())
        out_ += fmt::format("# UNIT {} {}\n", name_, unit);
    const std::string text = escaped(help, format_ == Format::open_metrics);
    out_ += fmt::format("# HELP {}{} {}\n", name_, suffix, text.empty() ? "-" : text);
    return true;
}

void Exposition::line(std::string_view suffix, std::string_view labels, std::string_view value) {
    out_ += name_;
    out_ += suffix;
    if (!labels.empty()) out_ += fmt::format("{{{}}}", labels);
    out_ += fmt::format(" {}\n", value);
}

void Exposition::value(std::string_view labels, std::int64_t value) {
    const bool counts = type_ == Type::counter;
    line(counts ? "_total" : "", labels, std::to_string(counts && value < 0 ? 0 : value));
}

void Exposition::sample(std::int64_t value) {
    this->value({}, value);
}

void Exposition::sample(std::string_view label, std::string_view label_value, std::int64_t value) {
    this->value(label_text(label, label_value), value);
}

void Exposition::sample(std::string_view label, std::string_view label_value,
                        std::string_view label2, std::string_view label2_value,
                        std::int64_t value) {
    this->value(label_text(label, label_value) + "," + label_text(label2, label2_value), value);
}

void Exposition::histogram(std::string_view label, std::string_view label_value,
                           const shm::HistogramCells& cells) {
    const std::string own = label_text(label, label_value);
    const std::string before = own.empty() ? "" : own + ",";
    std::int64_t count = 0;
    for (std::size_t i = 0; i < shm::HistogramCells::kBuckets; ++i) {
        count += cells.cells[i];
        const bool is_last = i + 1 == shm::HistogramCells::kBuckets;
        const std::string most = is_last ? "+Inf" : seconds(std::int64_t{1000} << i);
        line("_bucket", fmt::format("{}le=\"{}\"", before, most), std::to_string(count));
    }
    line("_sum", own, seconds(std::max<std::int64_t>(cells.cells[shm::HistogramCells::kSum], 0)));
    line("_count", own, std::to_string(count));
}

void Exposition::end() {
    if (format_ == Format::open_metrics) out_ += "# EOF\n";
}

}  // namespace fairlead::metrics
