// Answers as lines of text. SPDX-License-Identifier: Apache-2.0
#include "modules/mi_fifo/text_answer.h"

#include <fmt/format.h>

namespace fairlead::mi_fifo {

void TextAnswer::line(std::string_view value) {
    out_.append(depth_, '\t');
    if (!name_.empty()) {
        out_ += std::exchange(name_, {});
        out_ += "::";
        if (!value.empty()) out_ += ' ';
    }
    out_ += value;
    out_ += '\n';
}

void TextAnswer::number(double value) {
    line(fmt::format("{:.3f}", value));
}

void TextAnswer::text(std::string_view value) {
    // One value is one line, whatever is in it.
    std::string one;
    for (const char c : value) {
        if (c == '\n')
            one += "\\n";
        else if (c == '\r')
            one += "\\r";
        else if (c == '\0')
            one += "\\0";
        else
            one += c;
    }
    line(one);
}

void TextAnswer::begin() {
    if (!name_.empty()) line({});
    ++depth_;
}

}  // namespace fairlead::mi_fifo
