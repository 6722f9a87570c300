// Finding the parts of a body. SPDX-License-Identifier: Apache-2.0
#include "modules/textops/multipart.h"

#include "core/api/sip.h"
#include "core/api/text.h"

namespace fairlead::textops {

namespace {

constexpr auto kNone = std::string_view::npos;

/// The line at the front of `rest`, without its end; takes it off.
std::string_view take_line(std::string_view& rest) noexcept {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == kNone ? rest.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

}  // namespace

std::string_view media_type(std::string_view content_type) noexcept {
    return text::trim(content_type.substr(0, content_type.find(';')));
}

std::string_view boundary_of(std::string_view content_type) noexcept {
    const std::size_t params = content_type.find(';');
    if (params == kNone) return {};
    const auto found = sip::find_param(content_type.substr(params + 1), "boundary");
    if (!found) return {};
    std::string_view value = found->value;
    if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) {
        value = value.substr(1, value.size() - 2);
    }
    return value;
}

Parts::Parts(std::string_view body, std::string_view boundary) noexcept
    : body_(body), boundary_(boundary) {
    const auto first = delimiter(0);
    if (first && !first->is_last) at_ = first->end;
}

std::optional<Parts::Delimiter> Parts::delimiter(std::size_t from) const noexcept {
    for (std::size_t at = body_.find("--", from); at != kNone; at = body_.find("--", at + 1)) {
        if (at != 0 && body_[at - 1] != '\n') continue;
        std::string_view rest = body_.substr(at + 2);
        if (boundary_.empty() || !rest.starts_with(boundary_)) continue;
        rest.remove_prefix(boundary_.size());
        const std::string_view tail = text::trim(take_line(rest));
        if (!tail.empty() && tail != "--") continue;
        return Delimiter{at, body_.size() - rest.size(), !tail.empty()};
    }
    return std::nullopt;
}

std::optional<Part> Parts::next() noexcept {
    if (at_ == kNone) return std::nullopt;
    const std::size_t begin = at_;
    const auto behind = delimiter(begin);
    at_ = behind && !behind->is_last ? behind->end : kNone;
    if (!behind) return std::nullopt;
    Part part;
    part.with_delimiter = body_.substr(begin, behind->end - begin);
    std::string_view raw = body_.substr(begin, behind->begin - begin);
    std::string_view rest = raw;
    for (std::string_view line = take_line(rest); !line.empty(); line = take_line(rest)) {
        const std::size_t colon = line.find(':');
        if (colon == kNone || !part.type.empty()) continue;
        const std::string_view name = text::trim(line.substr(0, colon));
        if (sip::header_type(name) != sip::HeaderType::content_type) continue;
        part.type = media_type(line.substr(colon + 1));
        part.behind_type = rest;
    }
    // The line end before a delimiter belongs to the delimiter (RFC 2046 5.1.1).
    for (std::string_view* const text : {&raw, &rest}) {
        if (text->ends_with('\n')) text->remove_suffix(1);
        if (text->ends_with('\r')) text->remove_suffix(1);
    }
    part.whole = raw;
    part.content = rest;
    return part;
}

}  // namespace fairlead::textops
