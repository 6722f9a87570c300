// Cutting and filling. SPDX-License-Identifier: Apache-2.0
#include "tools/sipload/template.h"

#include <algorithm>
#include <cstring>

namespace fairlead::sipload {

namespace {
constexpr std::array<std::string_view, kFields> kNames{"id", "sent_by", "uri", "to_tag", "route"};
}

Result<Template> Template::cut(std::string text) {
    Template made;
    made.text_ = std::move(text);
    const std::string_view all = made.text_;
    std::size_t at = 0;
    for (std::size_t open = all.find('{'); open != std::string_view::npos;
         open = all.find('{', at)) {
        const std::size_t close = all.find('}', open);
        if (close == std::string_view::npos) return fail("a field is not closed");
        const std::string_view name = all.substr(open + 1, close - open - 1);
        const auto* const found = std::ranges::find(kNames, name);
        if (found == kNames.end()) return fail("no such field: " + std::string(name));
        made.pieces_.push_back({at, open - at, static_cast<int>(found - kNames.begin())});
        at = close + 1;
    }
    made.pieces_.push_back({at, all.size() - at, -1});
    return made;
}

std::size_t Template::fill(std::span<char> out, const Values& values) const noexcept {
    std::size_t used = 0;
    const auto put = [&](std::string_view part) {
        if (part.size() > out.size() - used) return false;
        std::memcpy(out.data() + used, part.data(), part.size());
        used += part.size();
        return true;
    };
    for (const Piece& piece : pieces_) {
        if (!put(std::string_view(text_).substr(piece.begin, piece.size))) return 0;
        if (piece.field >= 0 && !put(values[static_cast<std::size_t>(piece.field)])) return 0;
    }
    return used;
}

}  // namespace fairlead::sipload
