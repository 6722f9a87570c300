// Counters and histograms as text that Prometheus reads: OpenMetrics 1.0, or the older text format
// 0.0.4. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "core/api/shm.h"

namespace fairlead::metrics {

enum class Format : std::uint8_t { text, open_metrics };
enum class Type : std::uint8_t { counter, gauge, histogram };

/// What an Accept header (RFC 9110 12.5.1) asks for: OpenMetrics when it is named.
[[nodiscard]] Format accepted(std::string_view accept) noexcept;
[[nodiscard]] std::string_view content_type(Format format) noexcept;

/// A name that Prometheus takes: "fairlead_", then both texts in lower case with '_' for all that
/// is no letter and no digit.
[[nodiscard]] std::string metric_name(std::string_view group, std::string_view name);

/// Writes metrics one behind the other.
class Exposition {
public:
    Exposition(std::string& out, Format format) noexcept : out_(out), format_(format) {}

    /// Begins a metric; false when there is one of this name already, whose samples must not be
    /// written then. `name` is without "_total". A unit ("bytes", "seconds") is the name's end.
    bool begin(std::string_view name, Type type, std::string_view help, std::string_view unit = {});
    /// A sample of a counter or gauge. What a counter has below 0 is written as 0.
    void sample(std::int64_t value);
    void sample(std::string_view label, std::string_view label_value, std::int64_t value);
    void sample(std::string_view label, std::string_view label_value, std::string_view label2,
                std::string_view label2_value, std::int64_t value);
    /// All lines of a histogram. The label may be "".
    void histogram(std::string_view label, std::string_view label_value,
                   const shm::HistogramCells& cells);
    /// Behind the last metric.
    void end();

private:
    void line(std::string_view suffix, std::string_view labels, std::string_view value);
    void value(std::string_view labels, std::int64_t value);

    std::string& out_;
    Format format_;
    std::string name_;
    Type type_ = Type::gauge;
    std::set<std::string, std::less<>> names_;
};

}  // namespace fairlead::metrics
