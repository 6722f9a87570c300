// A drawing of a compiled script. SPDX-License-Identifier: Apache-2.0
#include "modules/cpl/drawing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <ranges>
#include <vector>

#include "modules/cpl/listing.h"

namespace fairlead::cpl {

namespace {

// In units of the drawing.
constexpr int kWidth = 250, kHeight = 40, kGap = 190, kRow = 62, kMargin = 20;
constexpr std::size_t kTitle = 38, kLabel = 28;  ///< characters that have room

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            // XML has no other controls.
            default: out += static_cast<unsigned char>(c) < ' ' && c != '\t' ? ' ' : c;
        }
    }
    return out;
}

/// The beginning of a text; never cut inside a character.
std::string shortened(std::string_view text, std::size_t most) {
    std::size_t at = 0, characters = 0;
    while (at < text.size() && characters < most) {
        do ++at;
        while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U);
        ++characters;
    }
    return at == text.size() ? std::string(text) : std::string(text.substr(0, at)) + "…";
}

std::string_view colour_of(Op op) {
    switch (op) {
        case Op::location:
        case Op::lookup:
        case Op::remove_location: return "#e3f1e3";
        case Op::proxy:
        case Op::redirect:
        case Op::reject: return "#fbe3dc";
        case Op::mail:
        case Op::log: return "#efefef";
        default: return "#e2ecf9";
    }
}

struct Place {
    int column = 0, row = 0;
    [[nodiscard]] int x() const { return kMargin + column * (kWidth + kGap); }
    [[nodiscard]] int y() const { return kMargin + row * kRow; }
};

class Drawing {
public:
    explicit Drawing(const Script& script) : script_(script) {
        top("incoming", script.incoming());
        top("outgoing", script.outgoing());
    }

    [[nodiscard]] std::string str() const {
        const int width = kMargin + (columns_ + 1) * (kWidth + kGap);
        const int height = 2 * kMargin + std::max(rows_, 1) * kRow;
        return fmt::format(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
            "viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\" font-size=\"12\">\n"
            "<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n{2}{3}</svg>\n",
            width, height, lines_, boxes_);
    }

private:
    struct Work {
        Target target;
        Place from;
        std::string label;
    };

    void top(std::string_view name, Target target) {
        if (target == kAbsent) return;
        // Columns first: a node stands right of everything that leads to it.
        std::map<Target, int, std::greater<>> found;
        if (target > kEmpty) found[target] = 1;
        for (auto it = found.begin(); it != found.end(); ++it) {
            column_[it->first] = std::max(column_[it->first], it->second);
            const auto node = describe_node(script_, it->first);
            if (!node) continue;
            for (const auto& output : node->outputs)
                if (output.target > kEmpty)
                    found[output.target] = std::max(found[output.target], it->second + 1);
        }
        const Place place{0, rows_++};
        box(place, name, "#fff6cf");
        follow({target, place, ""});
    }

    /// Depth first; the first way out of a node stays in its row.
    void follow(const Work& first) {
        std::vector<Work> open{first};
        bool same_row = true;
        while (!open.empty()) {
            const Work work = std::move(open.back());
            open.pop_back();
            const auto known = places_.find(work.target);
            if (known != places_.end()) {
                line(work.from, known->second, work.label);
                same_row = false;
                continue;
            }
            const int row = same_row ? work.from.row : rows_++;
            same_row = place(work, row, open);
        }
    }

    /// True when something follows in the same row.
    bool place(const Work& work, int row, std::vector<Work>& open) {
        const auto node = describe_node(script_, work.target);
        const Place here{node ? column_[work.target] : work.from.column + 1, row};
        line(work.from, here, work.label);
        box(here, node ? node->title : "default behaviour", node ? colour_of(node->op) : "white");
        if (!node) return false;
        places_[work.target] = here;
        bool any = false;
        for (const auto& output : std::ranges::reverse_view(node->outputs)) {
            if (output.target == kAbsent) continue;
            open.push_back({output.target, here, output.name});
            any = true;
        }
        return any;
    }

    void box(const Place& at, std::string_view title, std::string_view colour) {
        columns_ = std::max(columns_, at.column);
        boxes_ += fmt::format(
            "<g><title>{}</title><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"6\" "
            "fill=\"{}\" stroke=\"#555\"/><text x=\"{}\" y=\"{}\">{}</text></g>\n",
            escaped(title), at.x(), at.y(), kWidth, kHeight, colour, at.x() + 8,
            at.y() + kHeight / 2 + 4, escaped(shortened(title, kTitle)));
    }

    void line(const Place& from, const Place& to, std::string_view label) {
        const int x = from.x() + kWidth, y = from.y() + kHeight / 2;
        const int end = to.x(), end_y = to.y() + kHeight / 2, bend = (end - x) / 2;
        lines_ +=
            fmt::format("<path d=\"M{} {}C{} {} {} {} {} {}\" fill=\"none\" stroke=\"#555\"/>\n", x,
                        y, x + bend / 4, y, end - kGap + 10, end_y, end - kGap + 20, end_y);
        lines_ += fmt::format("<path d=\"M{} {}H{}l-7 -4v8z\" fill=\"#555\" stroke=\"#555\"/>\n",
                              end - kGap + 20, end_y, end);
        if (label.empty()) return;
        boxes_ += fmt::format(
            "<g><title>{}</title><text x=\"{}\" y=\"{}\" font-size=\"11\">{}</text></g>\n",
            escaped(label), end - kGap + 24, end_y - 5, escaped(shortened(label, kLabel)));
    }

    const Script& script_;
    std::map<Target, int> column_;
    std::map<Target, Place> places_;
    std::string boxes_, lines_;
    int rows_ = 0, columns_ = 0;
};

}  // namespace

std::string draw(const Script& script) {
    return Drawing(script).str();
}

}  // namespace fairlead::cpl
